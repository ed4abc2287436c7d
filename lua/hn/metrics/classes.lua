--- Measures of predicted classes.
-- @module hn.metrics.classes

local arguments <const> = require "hn.metrics.arguments"
local text <const> = require "hn.text"

local classes <const> = {}

local function highest(row)
  local best = 1
  for i = 2, #row do
    if row[i] > row[best] then best = i end
  end
  return best
end

--- The predicted classes: as they are, or the highest score of each row.
local function classes_of(where, predicted)
  local list <const> = arguments.values(where, "predicted", predicted)
  if type(list[1]) ~= "table" then return list end
  local found <const> = {}
  for i, row in ipairs(list) do found[i] = highest(row) end
  return found
end

local function predicted_and_labels(where, predicted, labels)
  local p <const>, l <const> = classes_of(where, predicted), arguments.values(where, "labels", labels)
  arguments.same_length(where, "predicted", p, "labels", l)
  return p, l
end

local function fraction_wrong(where, predicted, labels, weights)
  local p <const>, l <const> = predicted_and_labels(where, predicted, labels)
  local w <const>, wrong, all = arguments.weights(where, weights, #p), 0, 0
  for i, class in ipairs(p) do
    all = all + w[i]
    if class ~= l[i] then wrong = wrong + w[i] end
  end
  return wrong / all
end

--- The fraction of answers that are wrong.
-- @param predicted classes (from 1), or a row of scores for each sample, of which the highest counts
-- @param labels the right classes
-- @param weights a weight for each sample (1)
function classes.error(predicted, labels, weights)
  return fraction_wrong("hn.metrics.error", predicted, labels, weights)
end

--- The fraction of answers that are right; arguments as for `error`.
function classes.accuracy(predicted, labels, weights)
  return 1 - fraction_wrong("hn.metrics.accuracy", predicted, labels, weights)
end

local Confusion <const> = {}

function Confusion:__tostring()
  local rows = { { "true \\ predicted" } }
  for c in ipairs(self) do rows[1][c + 1] = tostring(c) end
  for c, counts in ipairs(self) do
    rows[c + 1] = { c .. (self.names and " " .. self.names[c] or "") }
    for p, n in ipairs(counts) do rows[c + 1][p + 1] = text.count(n) end
  end
  return text.align(rows, { true })
end

--- How often each class was taken for each: a table whose entry [true][predicted] is a count, or the sum of weights;
-- printing shows it.
-- @param predicted classes, or a row of scores for each sample
-- @param labels the right classes
-- @param names of the classes, for printing; else their number is the largest class that occurs
-- @param weights a weight for each sample (1)
function classes.confusion(predicted, labels, names, weights)
  local where <const> = "hn.metrics.confusion"
  local p <const>, l <const> = predicted_and_labels(where, predicted, labels)
  local w <const>, counts <const> = arguments.weights(where, weights, #p), { names = names }
  local n = names and #names or 1
  for i = 1, #p do n = math.max(n, p[i], l[i]) end
  for c = 1, n do
    counts[c] = {}
    for k = 1, n do counts[c][k] = 0 end
  end
  for i = 1, #p do counts[l[i]][p[i]] = counts[l[i]][p[i]] + w[i] end
  return setmetatable(counts, Confusion)
end

return classes
