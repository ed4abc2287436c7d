--- Which inputs a network's answers depend on.
-- @module hn.metrics.importance

local core <const> = require "hn.core"
local evaluate <const> = require "hn.evaluate"
local kinds <const> = require "hn.kinds"
local losses <const> = require "hn.loss"
local options <const> = require "hn.options"
local set <const> = require "hn.data.set"
local text <const> = require "hn.text"

local importance <const> = {}

local Importance <const> = {}

function Importance:__tostring()
  local rows <const> = { { "input", "loss", "±", self.error and "error" or nil } }
  for k, one in ipairs(self) do
    rows[k + 1] = { one.name, ("%+.5f"):format(one.loss), ("%.5f"):format(one.deviation),
      one.error and ("%+.2f %%"):format(100 * one.error) or nil }
  end
  return text.align(rows, { true })
end

--- The random numbers of a seed until the returned value is closed, and then those that would have come.
local function seeded(seed)
  local before <const>, position <const> = core.seed()
  core.seed(seed, 0)
  return setmetatable({}, { __close = function() core.seed(before, position) end })
end

--- A row of zeros and a one at `column`, and its complement, in the shape of a sample.
local function masks(shape, column)
  local sample <const>, one <const>, rest <const> = table.move(shape, 2, #shape, 1, {}), {}, {}
  local width = 1
  for _, size in ipairs(sample) do width = width * size end
  for k = 1, width do one[k], rest[k] = k == column and 1 or 0, k == column and 0 or 1 end
  return core.tensor(sample, one), core.tensor(sample, rest)
end

local function columns_of(data)
  local x <close> = data:rows(1, 1)
  if x:dtype() ~= "float" then
    core.fail("argument", "hn.metrics.importance: data: expected numbers as x, got classes")
  end
  return x:size()
end

--- Adds what the network makes of a minibatch in which one column after the other is another minibatch's.
local function add_columns(totals, net, found, x, y, weight, other)
  for column, total in ipairs(totals) do
    local _ <close> = core.scope()
    local one <const>, rest <const> = masks(x:shape(), column)
    local output <const> = net(core.ops.add(core.ops.mul(x, rest), core.ops.mul(other, one)))
    total:add(losses.check_result("hn.metrics.importance", found.call(output, y, weight)), output, y, weight)
  end
end

--- Loss and error of each column in one permutation of the samples: a list of { loss =, error = }.
local function permuted(net, data, found, batch, columns)
  local totals <const>, list <const> = {}, {}
  for column = 1, columns do totals[column] = losses.totals(found) end
  local next_other <const>, _, _, _ <close> = data:batches { batch = batch, shuffle = true }
  for x, y, weight in data:batches { batch = batch } do
    add_columns(totals, net, found, x, y, weight, (next_other()))
  end
  for column, total in ipairs(totals) do
    local loss <const>, err <const> = total:read()
    list[column] = { loss = loss, error = err }
  end
  return list
end

local function mean_and_deviation(list)
  local sum, squares = 0, 0
  for _, v in ipairs(list) do sum = sum + v end
  for _, v in ipairs(list) do squares = squares + (v - sum / #list) ^ 2 end
  return sum / #list, #list > 1 and math.sqrt(squares / (#list - 1)) or 0
end

local function summarise(rounds, column, data, loss, err)
  local worse <const>, wrong <const> = {}, {}
  for r, round in ipairs(rounds) do
    worse[r] = round[column].loss - loss
    wrong[r] = err and round[column].error - err
  end
  local mean <const>, deviation <const> = mean_and_deviation(worse)
  return {
    column = column, name = data.columns and data.columns[column] or tostring(column), loss = mean,
    deviation = deviation, error = err and (mean_and_deviation(wrong)),
  }
end

local check <const> = options.declare("hn.metrics.importance", {
  loss = losses.rule,
  batch = { "integer", default = 1000, least = 1 },
  repeats = { "integer", default = 3, least = 1 },
  seed = { "integer", default = 1, least = 0, most = 0xFFFFFFFF },
})

--- How much worse a network answers when one input's values are dealt out anew among the samples: a list of { column =,
-- name =, loss =, deviation =, error = }, the most important input first, with the increase of the loss, its standard
-- deviation over the repeats, and the increase of the fraction of wrong answers where the loss knows one. The list's
-- `loss` and `error` are those of the data as they are. Inputs that tell the same share their importance. Options:
-- `loss` (what hn.fit trained the network with), `batch` (1000), `repeats` (3), how often all is dealt out, `seed` (1).
-- It takes columns x repeats passes over the data, minibatch by minibatch.
-- @param net a module whose inputs are numbers
-- @param data a data set with y
function importance.importance(net, data, given)
  local where <const> = "hn.metrics.importance"
  if kinds.of(net) ~= "module" then
    core.fail("argument", "%s: net: expected a module, got %s", where, kinds.describe(net))
  end
  local o <const> = check(given)
  data = set.of(where .. ": data", data)
  local found <const> = losses.find(where, o.loss or losses.remembered(net), data)
  local columns <const>, rounds <const> = columns_of(data), {}
  local _ <close> = net:evaluating()
  local _ <close> = seeded(o.seed)
  local loss <const>, err <const> = evaluate.measure(net, data, found, o.batch)
  for r = 1, o.repeats do rounds[r] = permuted(net, data, found, o.batch, columns) end
  local list <const> = { loss = loss, error = err }
  for column = 1, columns do list[column] = summarise(rounds, column, data, loss, err) end
  table.sort(list, function(a, b) return a.loss == b.loss and a.column < b.column or a.loss > b.loss end)
  return setmetatable(list, Importance)
end

return importance
