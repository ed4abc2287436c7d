--- Weights as whole numbers from -127 to 127 and one scale, for each pool of buckets and each dense matrix.
-- @module hn.export.quantise

local kinds <const> = require "hn.kinds"

local quantise <const> = {}

--- The scale for numbers up to `most`, as the operation `quantize` has it: cut to 16 bits, so that its products with
-- int8 are exact in float32 and a rounded network's weights give the same scale again.
local function scale_of(most)
  local bits <const> = string.unpack("<I4", string.pack("<f", most / 127))
  local scale <const> = string.unpack("<f", string.pack("<I4", bits & 0xFFFFFF00))
  return scale < 2 ^ -126 and 0 or scale
end

--- A list of numbers as a list of integers, and the scale that they are to be multiplied by.
function quantise.int8(values)
  local most = 0
  for _, value in ipairs(values) do most = math.max(most, math.abs(value)) end
  local scale <const> = scale_of(most)
  local whole <const> = {}
  for i, value in ipairs(values) do
    whole[i] = scale > 0 and math.max(-127, math.min(127, math.floor(value / scale + 0.5))) or 0
  end
  return whole, scale
end

--- The tensor with a step's weights.
function quantise.stored(step)
  return kinds.of(step.weights) == "matrix" and step.weights:pool() or step.weights
end

--- Gives the weights of a plan's network the values that they have as int8.
function quantise.round(plan)
  local done <const> = {}
  for _, step in ipairs(plan) do
    local tensor <const> = step.weights and quantise.stored(step)
    if tensor and not done[tensor] then
      done[tensor] = true
      local values <const>, scale <const> = quantise.int8(tensor:read(1, tensor:size()))
      for i, whole in ipairs(values) do values[i] = whole * scale end
      tensor:set(values)
    end
  end
end

return quantise
