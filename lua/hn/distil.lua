--- Training by a teacher: a network that was trained before tells how probable it finds each class (Hinton et al. 2015,
-- Ba & Caruana 2014). With outputs z of the network and t of the teacher, a sample's loss is
--
--     (1 - weight) · cross-entropy of z and the label
--       + weight · temperature² · cross-entropy of softmax(z / temperature) and softmax(t / temperature)
--
-- The teacher answers once for each sample, before training; its answers are kept in host memory.
-- @module hn.distil

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local losses <const> = require "hn.loss"
local options <const> = require "hn.options"
local set <const> = require "hn.data.set"

local ops <const> = core.ops

local distil = {}

local check <const> = options.declare("hn.fit: teacher", {
  net = { "module", required = true },
  temperature = { "number", default = 2, above = 0 },
  weight = { "number", default = 0.5, least = 0, most = 1 },
})

--- Rule of the option `teacher`.
distil.rule = { "module|table", expected = "a module, or { net =, temperature =, weight = }",
  convert = function(value) return check(kinds.of(value) == "module" and { net = value } or value) end }

--- Writes what is right for some samples, and what the teacher thinks, into `values`, at the samples' rows.
local function answer(values, rows, first, labels, thoughts, classes)
  for i, label in ipairs(labels) do
    local at <const> = (rows and rows[first + i] or first + i - 1) * 2 * classes
    for c = 1, classes do
      values[at + c] = c == label and 1 or 0
      values[at + classes + c] = thoughts[(i - 1) * classes + c]
    end
  end
end

--- Targets of all samples, a row of 2 · classes for each one of the set's arrays: the label as 0 and 1, then the
-- teacher's probabilities. Rows of samples that are not in the set are 0.
local function targets(teacher, data)
  local _ <close> = teacher.net:evaluating()
  local classes <const>, samples <const> = data.classes, data.x:shape()[1]
  local values <const>, rows <const>, first = {}, data.index and data.index:table(), 0
  for k = 1, samples * 2 * classes do values[k] = 0 end
  for x, y in data:batches { batch = 100 } do
    local _ <close> = core.scope()
    local output <const>, count <const> = teacher.net(x), x:shape()[1]
    if kinds.of(output) ~= "tensor" or kinds.shape(output) ~= count .. "x" .. classes then
      core.fail("shape", "hn.fit: teacher: expected an output for each of %d classes, got %s", classes,
        kinds.describe(output))
    end
    local thoughts <const> = ops.softmax(ops.scale(output, 1 / teacher.temperature))
    answer(values, rows, first, y:read(1, count), thoughts:read(1, count * classes), classes)
    first = first + count
  end
  return core.array("f32", { samples, 2 * classes }, values)
end

--- Wrong answers are counted by the labels.
local function wrong_answers(classes)
  return {
    answers = ops.argmax,
    count = function(answers, wanted, weights)
      local sum = 0
      for i, class in ipairs(answers) do
        if wanted[(i - 1) * 2 * classes + class] ~= 1 then sum = sum + (weights and weights[i] or 1) end
      end
      return sum
    end,
  }
end

--- A data set and a loss by which hn.fit trains a network on a teacher's answers; `found` is the loss without one.
function distil.prepare(teacher, data, found)
  if found.name ~= "cross_entropy" then
    core.fail("argument", "hn.fit: teacher: expected the loss cross_entropy and classes, got %s", found.name)
  end
  if data.stream then
    core.fail("argument", "hn.fit: teacher: expected a set in memory, as its answers are; got one read from files")
  end
  local classes <const>, temperature <const> = data.classes, teacher.temperature
  local shares <const> = core.tensor({ 2 }, { 1 - teacher.weight, teacher.weight * temperature ^ 2 })
  local function call(output, y, weight)
    local samples <const> = output:shape()[1]
    local both <const> = ops.concat(output, ops.scale(output, 1 / temperature), 2)
    local rows <const> = ops.soft_cross_entropy_rows(ops.reshape(both, 2 * samples, classes),
      ops.reshape(y, 2 * samples, classes))
    local each <const> = ops.sum(ops.mul(ops.reshape(rows, samples, 2), shares), 2)
    return weight and ops.weighted_mean(each, weight) or ops.mean(each)
  end
  local loss <const> = losses.make(call)
  loss.name, loss.wrong = found.name, wrong_answers(classes)
  return set.with_targets(data, targets(teacher, data)), loss
end

return distil
