--- The ROC curve: signal efficiency against background efficiency for all cuts on a score.
-- @module hn.metrics.roc

local arguments <const> = require "hn.metrics.arguments"
local core <const> = require "hn.core"
local curves <const> = require "hn.metrics.curve"
local options <const> = require "hn.options"

local roc <const> = {}

--- The ROC curve of scores. Fields: `points` { background =, signal =, cut = }, lists of the fractions of background
-- and signal with a score of `cut` or more, from the cut infinity, which nothing passes, through every score that
-- occurs to the lowest; `area`; `error`, its standard error by Hanley and McNeil's formula for the effective number of
-- samples, (Σ w)² / Σ w²; `signals` and `backgrounds`, the sums of weights. Methods: `efficiency(background)`, the
-- signal efficiency at a background efficiency; `rejection(signal)`, 1 / background efficiency at a signal efficiency.
-- Printing shows the area, and the signal efficiency at 0.01, 0.10 and 0.30.
--
-- Weights may be negative, but those of each class must sum to more than 0. Then efficiencies need not grow with
-- falling cuts, and `efficiency` and `rejection` take the place that is reached first.
-- @param scores a number for each sample
-- @param labels two values, of which the higher is signal: 0 and 1, or the classes 1 and 2
-- @param weights a weight for each sample (1)
function roc.roc(scores, labels, weights) return curves.make("hn.metrics.roc", scores, labels, weights) end

--- The area under the ROC curve: the chance that a signal sample scores higher than a background sample, ties counting
-- one half. Samples count by their weights, which may be negative; those of each class must sum to more than 0.
-- @param scores a number for each sample
-- @param labels two values, of which the higher is signal: 0 and 1, or the classes 1 and 2
-- @param weights a weight for each sample (1)
function roc.auc(scores, labels, weights) return curves.make("hn.metrics.auc", scores, labels, weights).area end

--- Draws as many samples of each class as there are, and returns their weights, 0 for those that were not drawn.
local function drawn(of, members, seed, round)
  local weight <const>, at = {}, 0
  for i = 1, #of.score do weight[i] = 0 end
  for _, list in ipairs(members) do
    for _ = 1, #list do
      at = at + 1
      local i <const> = list[(core.hash(seed, round, at) * #list >> 32) + 1]
      weight[i] = weight[i] + of.weight[i]
    end
  end
  return weight
end

local check <const> = options.declare("hn.metrics.bootstrap", {
  n = { "integer", default = 200, least = 2 },
  seed = { "integer", default = 1, least = 0, most = 0xFFFFFFFF },
})

--- How the area under the ROC curve scatters, by the bootstrap: as many samples of each class are drawn with
-- replacement, `n` times (200) under a `seed` (1). Returns { mean =, deviation =, low =, high = }; from low to high are
-- the central 68.3 % of the areas. Draws in which a class does not weigh more than 0, as negative weights make
-- possible, are left out. Other arguments as for `auc`.
function roc.bootstrap(scores, labels, weights, given)
  local where <const>, o <const> = "hn.metrics.bootstrap", check(given)
  local of <const> = arguments.two_classes(where, scores, labels, weights)
  local order <const>, members <const>, areas <const> = curves.descending(of.score, of.weight), { {}, {} }, {}
  for i, is_signal in ipairs(of.signal) do table.insert(members[is_signal and 1 or 2], i) end
  local sum, squares = 0, 0
  for round = 1, o.n do
    local area <const>, signals <const>, backgrounds <const> = curves.walk(order, of, drawn(of, members, o.seed, round))
    if signals > 0 and backgrounds > 0 then
      areas[#areas + 1] = area
      sum = sum + area
    end
  end
  if #areas < 2 then core.fail("numeric", "%s: weights: no draw has two classes that weigh more than 0", where) end
  local mean <const> = sum / #areas
  for _, area in ipairs(areas) do squares = squares + (area - mean) ^ 2 end
  table.sort(areas)
  local function quantile(p) return areas[math.floor(p * (#areas - 1) + 0.5) + 1] end
  return {
    mean = mean, deviation = math.sqrt(squares / (#areas - 1)), low = quantile(0.1585), high = quantile(0.8415),
  }
end

return roc
