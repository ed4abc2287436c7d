--- How good a network is on a data set.
-- @module hn.evaluate

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local losses <const> = require "hn.loss"
local options <const> = require "hn.options"
local roc <const> = require "hn.metrics.roc"
local set <const> = require "hn.data.set"
local text <const> = require "hn.text"

local evaluate = {}

local Result <const> = { __name = "evaluation" }

function Result:__tostring()
  local parts = { ("%s samples: loss %.4f"):format(text.count(self.samples), self.loss) }
  if self.error then parts[#parts + 1] = "error " .. text.percent(self.error) end
  if self.auc then parts[#parts + 1] = ("AUC %.4f"):format(self.auc) end
  return table.concat(parts, ", ")
end

--- Runs the network over the set in evaluation mode, unrecorded; returns mean loss and error.
-- @param found a loss made by `loss.find`
-- @param visit nil, or called with output, y and weight of each minibatch
function evaluate.measure(net, data, found, batch, visit)
  local _ <close> = net:evaluating()
  local totals <const> = losses.totals(found)
  for x, y, weight in data:batches { batch = batch } do
    local _ <close> = core.scope()
    local output <const> = net(x)
    totals:add(losses.check_result("hn.evaluate", found.call(output, y, weight)), output, y, weight)
    if visit then visit(output, y, weight) end
  end
  return totals:read()
end

--- Appends a tensor's numbers to a list.
local function append(list, tensor)
  local flat <const> = tensor:read(1, tensor:size())
  table.move(flat, 1, #flat, #list + 1, list)
end

--- Whether there are two values, both of which weigh something.
local function two_values(list, weights)
  local sums <const> = {}
  for i, value in ipairs(list) do sums[value] = (sums[value] or 0) + (weights and weights[i] or 1) end
  local first <const>, sum <const> = next(sums)
  local second <const>, other <const> = next(sums, first)
  return second and next(sums, second) == nil and sum > 0 and other > 0
end

--- What the area under the ROC curve is made of, where the task has two classes: one output, or the difference of two.
-- Returns a function that collects it, and one that gives the area; or two nils.
local function area_of(data, found)
  local wanted <const> = data.classes == 2 and 2 or found.name == "bce" and 1
  if not wanted then return nil, nil end
  local scores <const>, labels <const>, weights <const> = {}, {}, data.specs.weight and {}
  local function collect(output, y, weight)
    if output:size() // output:shape()[1] ~= wanted then return end
    if wanted == 1 then append(scores, output) end
    for _, row in ipairs(wanted == 2 and output:table() or {}) do scores[#scores + 1] = row[2] - row[1] end
    append(labels, y)
    if weight then append(weights, weight) end
  end
  local function area() return two_values(labels, weights) and roc.auc(scores, labels, weights) or nil end
  return collect, area
end

local check <const> = options.declare("hn.evaluate", {
  loss = losses.rule,
  batch = options.rules.batch,
})

--- Measures a network on a data set (or a table { x =, y = }), minibatch by minibatch, in evaluation mode.
-- Options: `loss` (what hn.fit trained the network with; else "cross_entropy" for classes and "mse" for numbers),
-- `batch` (100). Returns { loss, error, accuracy, auc, samples }: error and accuracy are fractions, weighted by the
-- samples' weights, where the loss has right and wrong answers; auc where there are two classes of them.
function evaluate.run(net, data, given)
  if kinds.of(net) ~= "module" then
    core.fail("argument", "hn.evaluate: net: expected a module, got %s", kinds.describe(net))
  end
  local o <const> = check(given)
  data = set.of("hn.evaluate: data", data)
  local found <const> = losses.find("hn.evaluate", o.loss or losses.remembered(net), data)
  local collect <const>, area <const> = area_of(data, found)
  local loss <const>, err <const> = evaluate.measure(net, data, found, o.batch, collect)
  return setmetatable({
    loss = loss, error = err, accuracy = err and 1 - err, auc = area and area(), samples = #data,
  }, Result)
end

return evaluate
