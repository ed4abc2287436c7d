--- Weights as whole numbers and one scale, for each pool of buckets and each dense matrix: layers may share a pool and
-- cut it up in different ways, so there is no smaller part that one scale would hold for.
-- @module hn.export.quantise

local kinds <const> = require "hn.kinds"

local quantise <const> = {}

--- The largest whole number of each kind, and the bits that one takes.
quantise.levels = { int4 = 7, int8 = 127, int16 = 32767 }
quantise.bits = { int4 = 4, int8 = 8, int16 = 16 }

--- Bits of the scale as float32 that remain. It is cut to 16 bits where its products with the whole numbers are exact
-- in float32 so, and a rounded network's weights give the same scale again.
local masks <const> = { int4 = 0xFFFFFF00, int8 = 0xFFFFFF00, int16 = 0xFFFFFFFF }

--- A list of numbers as a list of integers within the kind's levels, and the scale that they are to be multiplied by.
function quantise.whole(kind, values)
  local most <const>, mask <const> = quantise.levels[kind], masks[kind]
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

--- The tensor with a step's weights.
function quantise.stored(step)
  return kinds.of(step.weights) == "matrix" and step.weights:pool() or step.weights
end

--- Gives the weights of a plan's network the values that they have as `kind`, "int8" if left out.
function quantise.round(plan, kind)
  local done <const> = {}
  for _, step in ipairs(plan) do
    local tensor <const> = step.weights and not step.exact and quantise.stored(step)
    if tensor and not done[tensor] then
      done[tensor] = true
      local values <const>, scale <const> = quantise.whole(kind or "int8", tensor:read(1, tensor:size()))
      for i, whole in ipairs(values) do values[i] = whole * scale end
      tensor:set(values)
    end
  end
end

return quantise
