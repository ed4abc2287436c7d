--- How a ROC curve is made and read.
-- @module hn.metrics.curve

local arguments <const> = require "hn.metrics.arguments"
local options <const> = require "hn.options"

local curves <const> = {}

--- Samples that weigh something, from the highest score to the lowest.
function curves.descending(score, weight)
  local order <const> = {}
  for i = 1, #score do
    if weight[i] ~= 0 then order[#order + 1] = i end
  end
  table.sort(order, function(a, b) return score[a] > score[b] end)
  return order
end

--- Calls visit(score, signal, background) with the weights at each score, from the highest one, and returns the area
-- under the curve, ties counting one half.
function curves.walk(order, of, weight, visit)
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

--- The curve of scores; see hn.metrics.roc.
function curves.make(where, scores, labels, weights)
  local of <const> = arguments.two_classes(where, scores, labels, weights)
  local points <const> = { background = { 0 }, signal = { 0 }, cut = { math.huge } }
  local n = 1
  local order <const> = curves.descending(of.score, of.weight)
  local area <const>, signals <const>, backgrounds <const> = curves.walk(order, of, of.weight, function(score, s, b)
    n = n + 1
    points.cut[n], points.signal[n], points.background[n] = score, s, b
  end)
  for k = 1, n do
    points.signal[k], points.background[k] = points.signal[k] / signals, points.background[k] / backgrounds
  end
  return setmetatable({
    points = points, area = area, error = hanley_mcneil(area, effective(of)), signals = signals,
    backgrounds = backgrounds,
  }, Curve)
end

return curves
