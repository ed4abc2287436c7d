--- Arguments of the measures: numbers from tables, tensors and host arrays, and what has to hold of them.
-- @module hn.metrics.arguments

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"

local arguments <const> = {}

--- The values of a table, tensor or host array as (nested) tables; a column {n, 1} as a flat list.
function arguments.values(where, name, value)
  local kind <const> = kinds.of(value)
  if kind == "tensor" or kind == "array" then value = value:table() end
  if type(value) ~= "table" then
    core.fail("argument", "%s: %s: expected a table, a tensor or a host array, got %s", where, name,
      kinds.describe(value))
  end
  if type(value[1]) ~= "table" or #value[1] > 1 then return value end
  local flat <const> = {}
  for i, row in ipairs(value) do flat[i] = row[1] end
  return flat
end

--- One number for each sample, none of which is NaN.
function arguments.numbers(where, name, value)
  local list <const> = arguments.values(where, name, value)
  if #list == 0 then core.fail("shape", "%s: %s: expected at least one entry, got none", where, name) end
  if type(list[1]) == "table" then
    core.fail("shape", "%s: %s: expected one number a sample, got rows of %d", where, name, #list[1])
  end
  for i, number in ipairs(list) do
    if type(number) ~= "number" then
      core.fail("argument", "%s: %s: expected numbers, got %s as entry %d", where, name, kinds.describe(number), i)
    end
    if number ~= number then core.fail("numeric", "%s: %s: entry %d is nan", where, name, i) end
  end
  return list
end

function arguments.same_length(where, first, a, second, b)
  if #a ~= #b then
    core.fail("shape", "%s: %s: expected %d entries as %s has, got %d", where, second, #a, first, #b)
  end
  if #a == 0 then core.fail("shape", "%s: %s: expected at least one entry, got none", where, first) end
end

--- A weight for each of n samples: as given, or 1.
function arguments.weights(where, weights, n, name)
  if weights == nil then return setmetatable({}, { __index = function() return 1 end }) end
  local list <const> = arguments.numbers(where, name or "weights", weights)
  if #list ~= n then
    core.fail("shape", "%s: %s: expected %d entries, got %d", where, name or "weights", n, #list)
  end
  return list
end

--- Which labels are signal: those with the higher of two values.
local function signal_of(where, labels)
  local low, high, signal <const> = math.huge, -math.huge, {}
  for _, label in ipairs(labels) do low, high = math.min(low, label), math.max(high, label) end
  for i, label in ipairs(labels) do
    if label ~= low and label ~= high or low == high then
      core.fail("argument", "%s: labels: expected two different values, got %s", where,
        low == high and "only " .. kinds.describe(low) or ("%s, %s and %s"):format(kinds.describe(low),
          kinds.describe(label), kinds.describe(high)))
    end
    signal[i] = label == high
  end
  return signal
end

--- Scores of samples of two classes: { score =, signal =, weight =, signals =, backgrounds = }, lists with an entry for
-- each sample (`signal`: whether it is one), and the sums of weights, which must be above 0.
function arguments.two_classes(where, scores, labels, weights)
  local score <const> = arguments.numbers(where, "scores", scores)
  local label <const> = arguments.numbers(where, "labels", labels)
  arguments.same_length(where, "scores", score, "labels", label)
  local of <const> = {
    score = score, signal = signal_of(where, label), weight = arguments.weights(where, weights, #score),
    signals = 0, backgrounds = 0,
  }
  for i, is_signal in ipairs(of.signal) do
    local name <const> = is_signal and "signals" or "backgrounds"
    of[name] = of[name] + of.weight[i]
  end
  if of.signals <= 0 or of.backgrounds <= 0 then
    core.fail("argument", "%s: weights: expected those of each class to sum to more than 0, got %g of signal and %g of "
      .. "background", where, of.signals, of.backgrounds)
  end
  return of
end

--- The number of samples of weight 1 that would scatter as much: (Σ w)² / Σ w².
function arguments.effective(sum, squares) return sum * sum / squares end

return arguments
