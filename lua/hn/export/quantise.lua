--- Weights as whole numbers and one scale, for each pool of buckets and each dense matrix: layers may share a pool and
-- cut it up in different ways, so there is no smaller part that one scale would hold for.
-- @module hn.export.quantise

local kinds <const> = require "hn.kinds"

local quantise <const> = {}

--- A list of numbers as a list of integers from -most to most, and the scale that they are to be multiplied by; `mask`
-- says which bits of the scale as float32 remain.
local function round(values, most, mask)
  local largest = 0
  for _, value in ipairs(values) do largest = math.max(largest, math.abs(value)) end
  local bits <const> = string.unpack("<I4", string.pack("<f", largest / most))
  local scale = string.unpack("<f", string.pack("<I4", bits & mask))
  if scale < 2 ^ -126 then scale = 0 end
  local whole <const> = {}
  for i, value in ipairs(values) do
    whole[i] = scale > 0 and math.max(-most, math.min(most, math.floor(value / scale + 0.5))) or 0
  end
  return whole, scale
end

--- In one byte each. The scale is cut to 16 bits, so that its products with int8 are exact in float32 and a rounded
-- network's weights give the same scale again.
function quantise.int8(values) return round(values, 127, 0xFFFFFF00) end

--- In two bytes each.
function quantise.int16(values) return round(values, 32767, 0xFFFFFFFF) end

--- The tensor with a step's weights.
function quantise.stored(step)
  return kinds.of(step.weights) == "matrix" and step.weights:pool() or step.weights
end

--- Gives the weights of a plan's network the values that they have as `kind`, "int8" (if left out) or "int16".
function quantise.round(plan, kind)
  local done <const> = {}
  for _, step in ipairs(plan) do
    local tensor <const> = step.weights and quantise.stored(step)
    if tensor and not done[tensor] then
      done[tensor] = true
      local values <const>, scale <const> = quantise[kind or "int8"](tensor:read(1, tensor:size()))
      for i, whole in ipairs(values) do values[i] = whole * scale end
      tensor:set(values)
    end
  end
end

return quantise
