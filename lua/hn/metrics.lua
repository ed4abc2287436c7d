--- Measures of how good answers are. All take tables or tensors.
-- @module hn.metrics

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local text <const> = require "hn.text"

local metrics = {}

--- A tensor's or table's values as (nested) tables; a column {n, 1} as a flat list.
local function values(where, name, value)
  local kind <const> = kinds.of(value)
  if kind == "tensor" then value = value:table() end
  if type(value) ~= "table" then
    core.fail("argument", "%s: %s: expected a table or a tensor, got %s", where, name, kinds.describe(value))
  end
  if type(value[1]) ~= "table" or #value[1] > 1 then return value end
  local flat <const> = {}
  for i, row in ipairs(value) do flat[i] = row[1] end
  return flat
end

local function same_length(where, first, a, second, b)
  if #a ~= #b then
    core.fail("shape", "%s: %s: expected %d entries as %s has, got %d", where, second, #a, first, #b)
  end
  if #a == 0 then core.fail("shape", "%s: %s: expected at least one entry, got none", where, first) end
end

local function highest(row)
  local best = 1
  for i = 2, #row do
    if row[i] > row[best] then best = i end
  end
  return best
end

--- The predicted classes: as they are, or the highest score of each row.
local function classes_of(where, predicted)
  local list <const> = values(where, "predicted", predicted)
  if type(list[1]) ~= "table" then return list end
  local classes <const> = {}
  for i, row in ipairs(list) do classes[i] = highest(row) end
  return classes
end

local function predicted_and_labels(where, predicted, labels)
  local p <const>, l <const> = classes_of(where, predicted), values(where, "labels", labels)
  same_length(where, "predicted", p, "labels", l)
  return p, l
end

local function weights_of(where, weights, n)
  if weights == nil then return setmetatable({}, { __index = function() return 1 end }) end
  local list <const> = values(where, "weights", weights)
  if #list ~= n then core.fail("shape", "%s: weights: expected %d entries, got %d", where, n, #list) end
  return list
end

local function fraction_wrong(where, predicted, labels, weights)
  local p <const>, l <const> = predicted_and_labels(where, predicted, labels)
  local w <const>, wrong, all = weights_of(where, weights, #p), 0, 0
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
function metrics.error(predicted, labels, weights)
  return fraction_wrong("hn.metrics.error", predicted, labels, weights)
end

--- The fraction of answers that are right; arguments as for `error`.
function metrics.accuracy(predicted, labels, weights)
  return 1 - fraction_wrong("hn.metrics.accuracy", predicted, labels, weights)
end

--- The higher of the two values that labels have.
local function positive_label(labels)
  local low, high = math.huge, -math.huge
  for _, label in ipairs(labels) do low, high = math.min(low, label), math.max(high, label) end
  for _, label in ipairs(labels) do
    if label ~= low and label ~= high or low == high then
      core.fail("argument", "hn.metrics.auc: labels: expected two different values, got %s",
        low == high and "only " .. kinds.describe(low) or ("%s, %s and %s"):format(kinds.describe(low),
          kinds.describe(label), kinds.describe(high)))
    end
  end
  return high
end

local function ascending(scores)
  local order <const> = {}
  for i, score in ipairs(scores) do
    if score ~= score then core.fail("numeric", "hn.metrics.auc: scores: entry %d is nan", i) end
    order[i] = i
  end
  table.sort(order, function(a, b) return scores[a] < scores[b] end)
  return order
end

--- The area under the ROC curve: the chance that a signal sample scores higher than a background sample, ties counting
-- one half. Samples count by their weights, which may be negative.
-- @param scores a number for each sample
-- @param labels two values, of which the higher is signal: 0 and 1, or the classes 1 and 2
-- @param weights a weight for each sample (1)
function metrics.auc(scores, labels, weights)
  local where <const> = "hn.metrics.auc"
  local s <const>, l <const> = values(where, "scores", scores), values(where, "labels", labels)
  same_length(where, "scores", s, "labels", l)
  if type(s[1]) ~= "number" then
    core.fail("shape", "%s: scores: expected one number a sample, got rows of %d", where, #s[1])
  end
  local w <const>, signal <const>, order <const> = weights_of(where, weights, #s), positive_label(l), ascending(s)
  local area, below, signals, i = 0, 0, 0, 1
  while i <= #order do
    local tied_signal, tied_background, score <const> = 0, 0, s[order[i]]
    while i <= #order and s[order[i]] == score do
      local k <const> = order[i]
      if l[k] == signal then tied_signal = tied_signal + w[k] else tied_background = tied_background + w[k] end
      i = i + 1
    end
    area = area + tied_signal * (below + tied_background / 2)
    below, signals = below + tied_background, signals + tied_signal
  end
  return area / (signals * below)
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

--- How often each class was taken for each: a table whose entry [true][predicted] is a count; printing shows it.
-- @param predicted classes, or a row of scores for each sample
-- @param labels the right classes
-- @param names of the classes, for printing; else their number is the largest class that occurs
function metrics.confusion(predicted, labels, names)
  local p <const>, l <const> = predicted_and_labels("hn.metrics.confusion", predicted, labels)
  local n = names and #names or 1
  for i = 1, #p do n = math.max(n, p[i], l[i]) end
  local counts <const> = { names = names }
  for c = 1, n do
    counts[c] = {}
    for k = 1, n do counts[c][k] = 0 end
  end
  for i = 1, #p do counts[l[i]][p[i]] = counts[l[i]][p[i]] + 1 end
  return setmetatable(counts, Confusion)
end

return metrics
