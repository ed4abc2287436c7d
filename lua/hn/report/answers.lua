--- What a network answers to the samples of a set, minibatch by minibatch.
-- @module hn.report.answers

local core <const> = require "hn.core"
local evaluate <const> = require "hn.evaluate"
local kinds <const> = require "hn.kinds"

--- The probabilities of all classes: of two from one output before the sigmoid, else by softmax.
local function probabilities(flat, first, width)
  if width == 1 then
    local p <const> = 1 / (1 + math.exp(-flat[first]))
    return { 1 - p, p }
  end
  local top, sum, row <const> = -math.huge, 0, {}
  for c = 1, width do top = math.max(top, flat[first + c - 1]) end
  for c = 1, width do
    row[c] = math.exp(flat[first + c - 1] - top)
    sum = sum + row[c]
  end
  for c = 1, width do row[c] = row[c] / sum end
  return row
end

local function append(columns, row)
  for c, v in ipairs(row) do
    columns[c] = columns[c] or {}
    table.insert(columns[c], v)
  end
end

local add <const> = {}

function add.classes(all, flat, width, targets, n)
  for i = 1, n do
    local row <const>, best = probabilities(flat, (i - 1) * width + 1, width), 1
    for c = 2, #row do best = row[c] > row[best] and c or best end
    append(all.probability, row)
    table.insert(all.predicted, best)
    table.insert(all.label, width > 1 and targets[i] or targets[i] > 0.5 and 2 or 1)
  end
end

function add.regression(all, flat, width, targets, n)
  for i = 1, n do
    append(all.answer, table.move(flat, (i - 1) * width + 1, i * width, 1, {}))
    append(all.target, table.move(targets, (i - 1) * width + 1, i * width, 1, {}))
  end
end

--- "classes" or "regression".
local function task_of(data, found, width)
  if data.classes and width > 1 then return "classes" end
  if not data.classes and found.name == "bce" and width == 1 then return "classes" end
  if not data.classes and found.name ~= "bce" then return "regression" end
  core.fail("argument", "hn.report: net: expected an output for each class, one output with the loss bce, or numbers "
    .. "as targets of another loss; got %d output%s", width, width == 1 and "" or "s")
end

--- Fails unless outputs are numbers.
local function check_outputs(flat, width, before)
  for k, v in ipairs(flat) do
    if v ~= v or math.abs(v) == math.huge then
      core.fail("numeric", "hn.report: net: expected finite outputs, got %s for sample %d", kinds.describe(v),
        before + (k - 1) // width + 1)
    end
  end
end

--- Asks the network. Returns { task =, loss =, error =, weight = }, with lists over the samples: of "classes"
-- `probability` (a list for each class), `predicted` and `label`, of "regression" `answer` and `target` (a list for
-- each output).
-- @param found a loss made by `loss.find`
return function(net, data, found, batch)
  local all <const> = { weight = {}, probability = {}, predicted = {}, label = {}, answer = {}, target = {} }
  all.loss, all.error = evaluate.measure(net, data, found, batch, function(output, y, weight)
    local n <const>, flat <const> = output:shape()[1], output:read(1, output:size())
    local width <const>, weights <const> = #flat // n, weight and weight:read(1, n)
    check_outputs(flat, width, #all.weight)
    all.task = all.task or task_of(data, found, width)
    add[all.task](all, flat, width, y:read(1, y:size()), n)
    for i = 1, n do table.insert(all.weight, weights and weights[i] or 1) end
  end)
  return all
end
