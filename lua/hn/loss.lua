--- Losses by name, and what counts as a wrong answer under each: shared by hn.fit and hn.evaluate.
-- @module hn.loss

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"

local loss = {}

--- Weight of the samples whose answers differ.
local function sum_where_different(answers, right, weights)
  local sum = 0
  for i, answer in ipairs(answers) do
    if answer ~= right[i] then sum = sum + weights[i] end
  end
  return sum
end

--- Samples (or their weight) whose highest output is not the label's.
local function wrong_classes(output, y, weight)
  local answers <const> = core.ops.argmax(output)
  if not weight then return core.count_wrong(answers, y) end
  return sum_where_different(answers:table(), y:table(), weight:table())
end

--- All numbers of a tensor in order.
local function numbers(tensor)
  return (tensor:dims() == 1 and tensor or core.ops.reshape(tensor, tensor:size())):table()
end

--- Samples (or their weight) on the wrong side of zero; with several outputs, the mean over them.
local function wrong_sides(output, y, weight)
  local scores <const>, targets <const> = numbers(output), numbers(y)
  local weights <const> = weight and weight:table()
  local width <const>, sum = #scores // output:shape()[1], 0
  for i, score in ipairs(scores) do
    if (score > 0) ~= (targets[i] > 0.5) then sum = sum + (weights and weights[(i - 1) // width + 1] or 1) end
  end
  return sum / width
end

--- Each loss: what its targets are, and how wrong answers are counted.
local known <const> = {
  cross_entropy = { targets = "int", wrong = wrong_classes },
  soft_cross_entropy = { targets = "float" },
  bce = { targets = "float", wrong = wrong_sides },
  mse = { targets = "float" },
  huber = { targets = "float" },
}

local names <const> = { "cross_entropy", "soft_cross_entropy", "bce", "mse", "huber" }

--- Rule of the option `loss`: a name, or function(output, y, weight) that returns a tensor of one element.
loss.rule = { "callable", choices = names, expected = "a function or one of " .. table.concat(names, ", ") }

local advice <const> = {
  int = "classes: make y with hn.labels { ... }, or choose another loss",
  float = "numbers: make y with hn.tensor { ... } or a table, or choose another loss",
}

local function check_targets(where, name, data)
  local expected <const>, actual <const> = known[name].targets, data.specs.y.dtype
  if expected ~= actual then
    core.fail("argument", "%s: loss %s expects y to hold %s; got %s", where, name, advice[expected],
      actual == "int" and "classes" or "numbers")
  end
end

--- A tensor of one element times a / b, or times 0 where b is 0, as a weighted mean is.
local function share(value, a, b) return core.ops.scale(value, b ~= 0 and a / b or 0) end

--- Samples of a minibatch, or the sum of their weights.
local function weight_of(output, weight)
  return weight and core.ops.sum(weight):item() or output:shape()[1]
end

--- A part's contribution to the mean over a minibatch whose weights sum to `total`. The weighted sum is taken sample by
-- sample, so that the weights of a part may add up to nothing.
local function part_of_operation(name)
  local mean <const>, rows <const> = core.ops[name], core.ops[name .. "_rows"]
  return function(output, y, weight, total)
    if not weight then return share(mean(output, y), weight_of(output), total) end
    return share(core.ops.sum(core.ops.mul(rows(output, y), weight)), 1, total)
  end
end

--- The same for a function, which is taken for a weighted mean over its samples.
local function part_of_function(call)
  return function(output, y, weight, total)
    return share(loss.check_result("hn.fit", call(output, y, weight)), weight_of(output, weight), total)
  end
end

--- A loss by its name or a function: { name =, call =, part =, wrong = }; `classes`: whether y holds classes.
function loss.make(choice, classes)
  if type(choice) ~= "string" then
    return { name = "function", call = choice, part = part_of_function(choice), wrong = classes and wrong_classes }
  end
  local operation <const> = core.ops[choice]
  return {
    name = choice, wrong = known[choice].wrong, part = part_of_operation(choice),
    call = function(output, y, weight) return operation(output, y, weight) end,
  }
end

--- Whether the loss of this name takes classes or numbers: "int" or "float".
function loss.targets(name) return known[name].targets end

--- The loss to use for a data set: { name =, call = function(output, y, weight), part = function(output, y, weight,
-- total), wrong = function(...) or nil }. `part` gives what some samples contribute to the loss of a minibatch whose
-- weights sum to `total`. `choice` is a name or a function; nil: cross-entropy where y holds classes, else the mean
-- squared error.
function loss.find(where, choice, data)
  if not data.y then core.fail("argument", "%s: data: expected a set with y, got %s", where, tostring(data)) end
  local classes <const> = data.specs.y.dtype == "int"
  choice = options.value(where, "loss", choice, loss.rule) or (classes and "cross_entropy" or "mse")
  if type(choice) == "string" then check_targets(where, choice, data) end
  return loss.make(choice, classes)
end

--- Makes sure that a loss function gave one number.
function loss.check_result(where, value)
  if kinds.of(value) ~= "tensor" or value:size() ~= 1 then
    core.fail("argument", "%s: loss: expected the function to return a tensor of one element, got %s", where,
      kinds.describe(value))
  end
  return value
end

-- What hn.fit trained each network with, so that hn.evaluate asks the same question.
local trained <const> = setmetatable({}, { __mode = "k" })

--- Remembers that a network was trained with a loss, or tells with which.
function loss.remember(net, choice) trained[net] = choice end
function loss.remembered(net) return trained[net] end

--- Running means of loss and error over a data set.
local Totals <const> = {}
Totals.__index = Totals

--- Starts new totals for a loss found by `loss.find`.
function loss.totals(found) return setmetatable({ found = found, weight = 0, loss = 0, wrong = 0 }, Totals) end

--- Adds a minibatch whose mean loss is `value`, or a part of one that contributes `value` to the mean over weights that
-- sum to `total`. Call it while the scope of `output` is open.
function Totals:add(value, output, y, weight, total)
  local size <const> = weight_of(output, weight)
  self.weight = self.weight + size
  self.loss = self.loss + value * (total or size)
  if self.found.wrong then self.wrong = self.wrong + self.found.wrong(output, y, weight) end
end

--- Mean loss, and the fraction of wrong answers (nil where the loss knows none). Samples that weigh nothing in all have
-- neither: 0.
function Totals:read()
  local factor <const> = self.weight ~= 0 and 1 / self.weight or 0
  return self.loss * factor, self.found.wrong and self.wrong * factor or nil
end

return loss
