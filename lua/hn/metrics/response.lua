--- Measures of a response to two classes, signal and background.
-- @module hn.metrics.response

local arguments <const> = require "hn.metrics.arguments"
local bins <const> = require "hn.metrics.bins"
local core <const> = require "hn.core"
local curves <const> = require "hn.metrics.curve"
local options <const> = require "hn.options"
local text <const> = require "hn.text"

local response <const> = {}

local Significance <const> = {}

function Significance:__tostring()
  local best <const> = self.best
  return ("S/√(S+B) is at most %.4g: at the cut %.4g, with S = %.4g and B = %.4g"):format(best.significance, best.cut,
    best.signal, best.background)
end

local check_significance <const> = options.declare("hn.metrics.significance", {
  signal = { "number", above = 0 },
  background = { "number", above = 0 },
})

--- The significance S/√(S+B) of what has a score of at least a cut, for every cut: { cut =, significance =, best = },
-- two lists, from the highest cut to the lowest, and { cut =, significance =, signal =, background = } where it is
-- largest. Options: `signal` and `background`, the expected numbers of events without a cut (the sums of the weights).
-- It is 0 where S + B is not above 0. Negative weights and other arguments: as for `roc`.
function response.significance(scores, labels, weights, given)
  local o <const> = check_significance(given)
  local curve <const> = curves.make("hn.metrics.significance", scores, labels, weights)
  local points <const>, signal <const> = curve.points, o.signal or curve.signals
  local background <const>, best <const> = o.background or curve.backgrounds, { significance = -math.huge }
  local self <const> = { cut = {}, significance = {}, best = best }
  for k = 2, #points.cut do
    local s <const>, b <const> = points.signal[k] * signal, points.background[k] * background
    local value <const> = s + b > 0 and s / math.sqrt(s + b) or 0
    self.cut[k - 1], self.significance[k - 1] = points.cut[k], value
    if value > best.significance then
      best.significance, best.cut, best.signal, best.background = value, points.cut[k], s, b
    end
  end
  return setmetatable(self, Significance)
end

local check_separation <const> = options.declare("hn.metrics.separation", {
  bins = { "integer", default = 40, least = 1, most = 100000 },
})

--- The separation ½ Σ (s - b)² / (s + b), TMVA's <S²>, over histograms s and b of signal and background, each of sum 1,
-- from the smallest score to the largest: 0 for equal ones, 1 where they do not overlap. Option `bins` (40). Bins in
-- which s + b is not above 0 do not count. Negative weights and other arguments: as for `roc`.
function response.separation(scores, labels, weights, given)
  local where <const>, o <const> = "hn.metrics.separation", check_separation(given)
  local of <const> = arguments.two_classes(where, scores, labels, weights)
  local low <const>, high <const> = bins.range(of.score)
  if high - low == math.huge then core.fail("numeric", "%s: scores: expected finite numbers, got infinity", where) end
  local signal <const> = bins.fill(of.score, of.weight, low, high, o.bins, function(i) return of.signal[i] end)
  local rest <const> = bins.fill(of.score, of.weight, low, high, o.bins, function(i) return not of.signal[i] end)
  local sum = 0
  for k = 1, o.bins do
    local s <const>, b <const> = signal[k] / of.signals, rest[k] / of.backgrounds
    if s + b > 0 then sum = sum + (s - b) ^ 2 / (s + b) end
  end
  return sum / 2
end

local Calibration <const> = {}

function Calibration:__tostring()
  local rows <const> = { { "predicted", "observed", "±", "weight" } }
  for k, predicted in ipairs(self.predicted) do
    rows[k + 1] = { ("%.4f"):format(predicted), ("%.4f"):format(self.observed[k]), ("%.4f"):format(self.deviation[k]),
      ("%.6g"):format(self.weight[k]) }
  end
  return ("%s\nexpected calibration error %s"):format(text.align(rows, {}), text.percent(self.error))
end

--- What lies in each bin: sums of weights, their squares, weighted probabilities and signals.
local function sums_of(of, n)
  local sums <const> = {}
  for b = 1, n do sums[b] = { weight = 0, squares = 0, predicted = 0, signal = 0 } end
  for i, p in ipairs(of.score) do
    local sum <const>, w <const> = sums[bins.place(p, 0, 1, n)], of.weight[i]
    sum.weight, sum.squares = sum.weight + w, sum.squares + w ^ 2
    sum.predicted, sum.signal = sum.predicted + w * p, sum.signal + (of.signal[i] and w or 0)
  end
  return sums
end

local check_calibration <const> = options.declare("hn.metrics.calibration", {
  bins = { "integer", default = 10, least = 1, most = 10000 },
})

--- How often what is predicted happens: { predicted =, observed =, deviation =, weight =, error = }, lists over the
-- bins of the probability that hold something, with their mean probability, their fraction of signal, its binomial
-- standard error and the sum of weights; `error` is the mean distance of predicted and observed, by weight. Option
-- `bins` (10), equally wide from 0 to 1. Negative weights count as such; a bin whose weights do not sum to more than 0
-- is left out.
-- @param probabilities of signal, from 0 to 1
-- @param labels two values, of which the higher is signal
-- @param weights a weight for each sample (1)
function response.calibration(probabilities, labels, weights, given)
  local where <const>, o <const> = "hn.metrics.calibration", check_calibration(given)
  local of <const> = arguments.two_classes(where, probabilities, labels, weights)
  for i, p in ipairs(of.score) do
    if p < 0 or p > 1 then
      core.fail("argument", "%s: probabilities: expected numbers from 0 to 1, got %g as entry %d", where, p, i)
    end
  end
  local self <const>, distance, all = { predicted = {}, observed = {}, deviation = {}, weight = {} }, 0, 0
  for _, sum in ipairs(sums_of(of, o.bins)) do
    if sum.weight > 0 then
      local k <const>, observed <const> = #self.weight + 1, sum.signal / sum.weight
      self.predicted[k], self.observed[k], self.weight[k] = sum.predicted / sum.weight, observed, sum.weight
      self.deviation[k] = math.sqrt(math.max(0, observed * (1 - observed))
        / arguments.effective(sum.weight, sum.squares))
      distance, all = distance + math.abs(sum.signal - sum.predicted), all + sum.weight
    end
  end
  self.error = distance / all
  return setmetatable(self, Calibration)
end

return response
