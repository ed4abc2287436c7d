--- Losses by name, and what counts as a wrong answer under each: shared by hn.fit and hn.evaluate.
-- @module hn.loss

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"

local loss = {}

--- Samples (or their weight) whose highest output is not the label's.
local wrong_classes <const> = {
  answers = core.ops.argmax,
  count = function(answers, labels, weights)
    local sum = 0
    for i, answer in ipairs(answers) do
      if answer ~= labels[i] then sum = sum + (weights and weights[i] or 1) end
    end
    return sum
  end,
}

--- Samples (or their weight) on the wrong side of zero; with several outputs, the mean over them.
local wrong_sides <const> = {
  answers = function(output) return output end,
  count = function(scores, targets, weights, samples)
    local width <const>, sum = #scores // samples, 0
    for i, score in ipairs(scores) do
      if (score > 0) ~= (targets[i] > 0.5) then sum = sum + (weights and weights[(i - 1) // width + 1] or 1) end
    end
    return sum / width
  end,
}

--- Each loss: what its targets are, and how wrong answers are counted: answers(output) is a tensor, and
-- count(answers, targets, weights, samples) takes lists of numbers.
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

--- A loss by its name or a function: { name =, call =, part =, wrong = }; `classes`: whether y holds classes. wrong:
-- nil, or how wrong answers are counted.
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
  if not data.specs.y then core.fail("argument", "%s: data: expected a set with y, got %s", where, tostring(data)) end
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

--- Whether there is a loss of this name.
function loss.known(name) return known[name] ~= nil end

--- Running means of loss and error over a data set. What a minibatch adds is fetched: it is read when it has arrived,
-- or when it is LATE minibatches old, so that a device is not waited for after each of them.
local Totals <const> = {}
Totals.__index = Totals

local LATE <const> = 2

--- Starts new totals for a loss found by `loss.find`.
-- @param check nil, or called with the loss of every minibatch (or part of one) and the `about` that it was added with
function loss.totals(found, check)
  return setmetatable({ found = found, check = check, weight = 0, loss = 0, wrong = 0, pending = {} }, Totals)
end

local function fetch(tensor) return tensor and tensor:fetch() end
local function list(fetched) return fetched and fetched:list() end

--- Reads what a minibatch added. One that an error in `check` leaves out is in no total.
local function read(self, p)
  local value <const>, weights <const> = p.loss:list()[1], list(p.weight)
  local size = p.samples
  if weights then
    size = 0
    for _, w in ipairs(weights) do size = size + w end
  end
  if self.check then self.check(value, p.about) end
  self.weight = self.weight + size
  self.loss = self.loss + value * (p.total or size)
  if not p.answers then return end
  self.wrong = self.wrong + self.found.wrong.count(p.answers:list(), p.y:list(), weights, p.samples)
end

--- Reads all but the last `late` minibatches, and those of them that have arrived.
function Totals:settle(late)
  local pending <const> = self.pending
  while #pending > late or pending[1] and pending[1].loss:ready() do read(self, table.remove(pending, 1)) end
end

--- Adds a minibatch whose mean loss is the tensor `value`, or a part of one that contributes `value` to the mean over
-- weights that sum to `total`. Call it while the scope of `output` is open.
function Totals:add(value, output, y, weight, total, about)
  local wrong <const> = self.found.wrong
  table.insert(self.pending, {
    loss = value:fetch(), weight = fetch(weight), samples = output:shape()[1], total = total, about = about,
    answers = wrong and wrong.answers(output):fetch(), y = wrong and y:fetch(),
  })
  self:settle(LATE)
end

--- Mean loss, and the fraction of wrong answers (nil where the loss knows none). Samples that weigh nothing in all have
-- neither: 0.
function Totals:read()
  self:settle(0)
  local factor <const> = self.weight ~= 0 and 1 / self.weight or 0
  return self.loss * factor, self.found.wrong and self.wrong * factor or nil
end

return loss
