--- The ROC curve: signal efficiency against background efficiency for all cuts on a score.
-- @module hn.metrics.roc

local arguments <const> = require "hn.metrics.arguments"
local core <const> = require "hn.core"
local options <const> = require "hn.options"

local roc <const> = {}

--- Samples that weigh something, from the highest score to the lowest.
local function descending(score, weight)
  local order <const> = {}
  for i = 1, #score do
    if weight[i] ~= 0 then order[#order + 1] = i end
  end
  table.sort(order, function(a, b) return score[a] > score[b] end)
  return order
end

--- Calls visit(score, signal, background) with the weights at each score, from the highest one, and returns the area
-- under the curve, ties counting one half.
local function walk(order, of, weight, visit)
  local area, signals, backgrounds, i = 0, 0, 0, 1
  while i <= #order do
    local tied_signal, tied_background, score <const> = 0, 0, of.score[order[i]]
    while i <= #order and of.score[order[i]] == score do
      local k <const> = order[i]
      if of.signal[k] then tied_signal = tied_signal + weight[k] else tied_background = tied_background + weight[k] end
      i = i + 1
    end
    area = area + tied_background * (signals + tied_signal / 2)
    signals, backgrounds = signals + tied_signal, backgrounds + tied_background
    if visit then visit(score, signals, backgrounds) end
  end
  return area / (signals * backgrounds), signals, backgrounds
end

--- Where the list `from` first reaches `at` (or, with `beyond`, passes it), between two points of the curve: the value
-- there of the list `to`.
local function between(from, to, at, beyond)
  for k = 2, #from do
    if from[k] > at or not beyond and from[k] >= at then
      local share <const> = (at - from[k - 1]) / (from[k] - from[k - 1])
      return to[k - 1] + share * (to[k] - to[k - 1])
    end
  end
  return to[#to]
end

local Curve <const> = {}
Curve.__index = Curve

local fraction <const> = { "number", required = true, least = 0, most = 1 }

--- The signal efficiency at a background efficiency, on the straight line between the two nearest cuts.
function Curve:efficiency(background)
  options.value("efficiency", "background", background, fraction)
  return between(self.points.background, self.points.signal, background, true)
end

--- The background rejection, 1 / background efficiency, at a signal efficiency; infinity where no background is left.
function Curve:rejection(signal)
  options.value("rejection", "signal", signal, fraction)
  return 1 / between(self.points.signal, self.points.background, signal, false)
end

function Curve:__tostring()
  local parts <const> = {}
  for i, at in ipairs { 0.01, 0.1, 0.3 } do parts[i] = ("%.4f at %.2f"):format(self:efficiency(at), at) end
  return ("area %.4f ± %.4f; signal efficiency at background efficiency: %s"):format(self.area, self.error,
    table.concat(parts, ", "))
end

--- Hanley and McNeil's standard error of an area, Radiology 143 (1982) 29, for so many signals and backgrounds.
local function hanley_mcneil(area, signals, backgrounds)
  local q1 <const>, q2 <const> = area / (2 - area), 2 * area ^ 2 / (1 + area)
  local variance <const> = area * (1 - area) + (signals - 1) * (q1 - area ^ 2) + (backgrounds - 1) * (q2 - area ^ 2)
  return math.sqrt(math.max(variance, 0) / (signals * backgrounds))
end

--- The numbers of signals and backgrounds of weight 1 that would scatter as much.
local function effective(of)
  local signals, backgrounds = 0, 0
  for i, is_signal in ipairs(of.signal) do
    local square <const> = of.weight[i] ^ 2
    if is_signal then signals = signals + square else backgrounds = backgrounds + square end
  end
  return arguments.effective(of.signals, signals), arguments.effective(of.backgrounds, backgrounds)
end

local function curve(where, scores, labels, weights)
  local of <const> = arguments.two_classes(where, scores, labels, weights)
  local points <const> = { background = { 0 }, signal = { 0 }, cut = { math.huge } }
  local n = 1
  local area <const>, signals <const>, backgrounds <const> = walk(descending(of.score, of.weight), of, of.weight,
    function(score, signal, background)
      n = n + 1
      points.cut[n], points.signal[n], points.background[n] = score, signal, background
    end)
  for k = 1, n do
    points.signal[k], points.background[k] = points.signal[k] / signals, points.background[k] / backgrounds
  end
  return setmetatable({
    points = points, area = area, error = hanley_mcneil(area, effective(of)), signals = signals,
    backgrounds = backgrounds,
  }, Curve)
end

--- The ROC curve of scores. Fields: `points` { background =, signal =, cut = }, lists of the fractions of background
-- and signal with a score of `cut` or more, from the cut infinity, which nothing passes, through every score that occurs
-- to the lowest; `area`; `error`, its standard error by Hanley and McNeil's formula for the effective number of samples,
-- (Σ w)² / Σ w²; `signals` and `backgrounds`, the sums of weights. Methods: `efficiency(background)`, the signal
-- efficiency at a background efficiency; `rejection(signal)`, 1 / background efficiency at a signal efficiency. Printing
-- shows the area, and the signal efficiency at 0.01, 0.10 and 0.30.
--
-- Weights may be negative, but those of each class must sum to more than 0. Then efficiencies need not grow with
-- falling cuts, and `efficiency` and `rejection` take the place that is reached first.
-- @param scores a number for each sample
-- @param labels two values, of which the higher is signal: 0 and 1, or the classes 1 and 2
-- @param weights a weight for each sample (1)
function roc.roc(scores, labels, weights) return curve("hn.metrics.roc", scores, labels, weights) end

--- The area under the ROC curve: the chance that a signal sample scores higher than a background sample, ties counting
-- one half. Samples count by their weights, which may be negative; those of each class must sum to more than 0.
-- @param scores a number for each sample
-- @param labels two values, of which the higher is signal: 0 and 1, or the classes 1 and 2
-- @param weights a weight for each sample (1)
function roc.auc(scores, labels, weights) return curve("hn.metrics.auc", scores, labels, weights).area end

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
-- the central 68.3 % of the areas. Draws in which a class does not weigh more than 0, as negative weights make possible,
-- are left out. Other arguments as for `auc`.
function roc.bootstrap(scores, labels, weights, given)
  local where <const>, o <const> = "hn.metrics.bootstrap", check(given)
  local of <const> = arguments.two_classes(where, scores, labels, weights)
  local order <const>, members <const>, areas <const> = descending(of.score, of.weight), { {}, {} }, {}
  for i, is_signal in ipairs(of.signal) do table.insert(members[is_signal and 1 or 2], i) end
  local sum, squares = 0, 0
  for round = 1, o.n do
    local area <const>, signals <const>, backgrounds <const> = walk(order, of, drawn(of, members, o.seed, round))
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
