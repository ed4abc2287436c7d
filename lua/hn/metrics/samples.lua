--- Measures of samples themselves: whether two are of one distribution, how columns hang together.
-- @module hn.metrics.samples

local arguments <const> = require "hn.metrics.arguments"
local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local new_moments <const> = require "hn.metrics.moments"

local samples <const> = {}

--- Kolmogorov's distribution: the chance of a larger distance than z = distance · √n of large samples.
local function kolmogorov(z)
  if z <= 0 then return 1 end
  local sum = 0
  if z < 1 then -- where the other series would need many terms
    for k = 1, 7, 2 do sum = sum + math.exp(-(k * math.pi / z) ^ 2 / 8) end
    return 1 - math.sqrt(2 * math.pi) / z * sum
  end
  for k = 1, 5 do sum = sum + (k % 2 == 1 and 2 or -2) * math.exp(-2 * (k * z) ^ 2) end
  return sum
end

--- One sample in ascending order, each value's share of the weight, and the effective number of samples.
local function prepared(where, name, values, weights)
  local list <const> = arguments.numbers(where, name, values)
  local w <const> = arguments.weights(where, weights, #list, "weights of " .. name)
  local order <const>, sum, squares = {}, 0, 0
  for i = 1, #list do order[i], sum, squares = i, sum + w[i], squares + w[i] ^ 2 end
  if sum <= 0 then
    core.fail("argument", "%s: weights of %s: expected a sum of more than 0, got %g", where, name, sum)
  end
  table.sort(order, function(p, q) return list[p] < list[q] end)
  local sorted <const>, share <const> = {}, {}
  for k, i in ipairs(order) do sorted[k], share[k] = list[i], w[i] / sum end
  return sorted, share, arguments.effective(sum, squares)
end

--- Kolmogorov and Smirnov's test of two samples: { distance =, probability = }, the largest distance of their
-- cumulative distributions, and the chance of one at least that large if both were drawn from the same distribution, by
-- the formula for large samples with the effective numbers of samples, (Σ w)² / Σ w². Weights may be negative, but each
-- sample's must sum to more than 0.
-- @param a numbers of one sample
-- @param b numbers of the other
-- @param weights_a a weight for each of a (1)
-- @param weights_b a weight for each of b (1)
function samples.ks(a, b, weights_a, weights_b)
  local where <const> = "hn.metrics.ks"
  local x <const>, share_x <const>, n <const> = prepared(where, "a", a, weights_a)
  local y <const>, share_y <const>, m <const> = prepared(where, "b", b, weights_b)
  local distance, difference, i, j = 0, 0, 1, 1
  while i <= #x or j <= #y do
    local at <const> = math.min(x[i] or math.huge, y[j] or math.huge)
    while x[i] and x[i] <= at do difference, i = difference + share_x[i], i + 1 end
    while y[j] and y[j] <= at do difference, j = difference - share_y[j], j + 1 end
    distance = math.max(distance, math.abs(difference))
  end
  return { distance = distance, probability = kolmogorov(distance * math.sqrt(n * m / (n + m))) }
end

local function of_set(data)
  local moments
  for x, _, weight in data:batches { batch = 1000 } do
    local flat <const>, rows <const> = x:read(1, x:size()), x:shape()[1]
    local width <const>, weights <const> = #flat // rows, weight and weight:read(1, rows)
    moments = moments or new_moments(width)
    for k = 1, rows do moments:add(flat, (k - 1) * width + 1, weights and weights[k] or 1) end
  end
  return moments
end

local function of_rows(where, x, weights)
  local rows <const> = arguments.values(where, "x", x)
  if type(rows[1]) ~= "table" then
    core.fail("shape", "%s: x: expected a row of at least two numbers for each sample, got %s", where,
      kinds.describe(rows[1]))
  end
  local w <const>, moments <const> = arguments.weights(where, weights, #rows), new_moments(#rows[1])
  for i, row in ipairs(rows) do
    if #row ~= #rows[1] then
      core.fail("shape", "%s: x: expected %d numbers in row %d as in the first one, got %d", where, #rows[1], i, #row)
    end
    moments:add(row, 1, w[i])
  end
  return moments
end

--- The linear correlation of each column with each: a list of rows. It is NaN where one of the two does not vary, or
-- negative weights make its variance so.
-- @param x a row of numbers for each sample; or a data set, whose minibatches and weights are gone through
-- @param weights a weight for each sample (1)
function samples.correlation(x, weights)
  return (kinds.of(x) == "data" and of_set(x) or of_rows("hn.metrics.correlation", x, weights)):correlation()
end

return samples
