--- Cross-validation: as many networks as folds, each trained on all samples but one fold's and judged by that fold.
-- @module hn.cross_validate

local core <const> = require "hn.core"
local evaluate <const> = require "hn.evaluate"
local fit <const> = require "hn.fit"
local kinds <const> = require "hn.kinds"
local losses <const> = require "hn.loss"
local options <const> = require "hn.options"
local set <const> = require "hn.data.set"

local Result <const> = {}
Result.__index = Result

--- "loss 0.3512 ± 0.0120, error 12.10 ± 0.40 %, AUC 0.9312 ± 0.0021 over 5 folds".
function Result:__tostring()
  local m <const>, d <const> = self.mean, self.deviation
  local parts <const> = { ("loss %.4f ± %.4f"):format(m.loss, d.loss) }
  if m.error then parts[#parts + 1] = ("error %.2f ± %.2f %%"):format(100 * m.error, 100 * d.error) end
  if m.auc then parts[#parts + 1] = ("AUC %.4f ± %.4f"):format(m.auc, d.auc) end
  return ("%s over %d folds"):format(table.concat(parts, ", "), #self.nets)
end

local function checked_fold(where, value, folds)
  local k <const> = math.tointeger(value)
  if not k or k < 1 or k > folds then
    core.fail("argument", "%s: expected a fold from 1 to %d, got %s", where, folds, kinds.describe(value))
  end
  return k
end

--- What new samples are answered: the mean of all networks' outputs, or, with `fold`, a list of fold numbers, for each
-- sample the output of its fold's network, which was trained without that fold. x is as net:predict takes it; returns
-- a tensor with a row for each sample.
function Result:predict(x, fold)
  local shape, sums
  for k, net in ipairs(self.nets) do
    local answers <close> = net:predict(x)
    shape, sums = answers:shape(), sums or {}
    self:add(sums, k, fold, answers:read(1, answers:size()), shape)
  end
  return core.tensor(shape):set(sums)
end

--- Adds what network k counts for in each sample's answer.
function Result:add(sums, k, fold, numbers, shape)
  if fold and #fold ~= shape[1] then
    core.fail("argument", "predict: fold: expected one for each of %d samples, got %d", shape[1], #fold)
  end
  local width <const> = #numbers // shape[1]
  for i = 1, shape[1] do
    local mine <const> = not fold or checked_fold(("predict: fold[%d]"):format(i), fold[i], #self.nets) == k
    local share <const> = mine and (fold and 1 or 1 / #self.nets) or 0
    for at = (i - 1) * width + 1, i * width do sums[at] = (sums[at] or 0) + share * numbers[at] end
  end
end

--- Mean and standard deviation of what all results have.
local function summarise(self)
  self.mean, self.deviation = {}, {}
  for _, name in ipairs { "loss", "error", "auc" } do
    local sum, squares, n = 0, 0, 0
    for _, one in ipairs(self.results) do
      if one[name] then sum, n = sum + one[name], n + 1 end
    end
    if n == #self.results then
      self.mean[name] = sum / n
      for _, one in ipairs(self.results) do squares = squares + (one[name] - sum / n) ^ 2 end
      self.deviation[name] = math.sqrt(squares / math.max(1, n - 1))
    end
  end
end

--- Fold numbers of all samples: as given, or as many for each fold as can be, drawn at random.
local function assign(o, count)
  local fold <const> = o.fold or {}
  if o.fold and #fold ~= count then
    core.fail("argument", "hn.cross_validate: fold: expected a number for each of %d samples, got %d", count, #fold)
  end
  if not o.fold then
    for k, row in ipairs(core.sequence(count, true):table()) do fold[row + 1] = (k - 1) % o.folds + 1 end
  end
  local members <const> = {}
  for k = 1, o.folds do members[k] = {} end
  for i = 1, count do
    table.insert(members[checked_fold(("hn.cross_validate: fold[%d]"):format(i), fold[i], o.folds)], i)
  end
  for k, list in ipairs(members) do
    if #list == 0 or #list == count then
      core.fail("argument", "hn.cross_validate: fold %d has %s of the %d samples", k, #list == 0 and "none" or "all",
        count)
    end
  end
  return members
end

local function others(members, k)
  local list <const> = {}
  for other, numbers in ipairs(members) do
    if other ~= k then table.move(numbers, 1, #numbers, #list + 1, list) end
  end
  table.sort(list)
  return list
end

local check <const> = options.declare("hn.cross_validate", {
  make = { "callable", required = true },
  train = { "table|callable", default = {} },
  folds = { "integer", default = 5, least = 2, aka = { "k" } },
  fold = { "table" },
  loss = losses.rule,
  batch = options.rules.batch,
})

--- Trains and judges a network for each fold. Options: `make`, function(k), which makes the network of fold k; `train`,
-- the options of hn.fit, or function(net, training, held, k), which trains it; `folds` (5), into which samples are
-- drawn at random; or `fold`, a list with each sample's fold, from 1, for example by an event's number, `event % 5 + 1`
-- (cross-evaluation: the same rule then finds, for any event, the network that has not seen it); `loss` and `batch` as
-- for hn.evaluate.
-- Returns `nets`, `results` (hn.evaluate's, of each fold), `histories`, `mean` and `deviation` over the folds, each
-- { loss =, error =, auc = }, `interrupted` (Ctrl-C ended it early), and `result:predict(x)`, the mean of the networks'
-- outputs, or `result:predict(x, fold)`. Printing shows the means.
return function(data, given)
  local o <const> = check(given)
  data = set.of("hn.cross_validate: data", data)
  local members <const> = assign(o, #data)
  local self <const> = setmetatable({ nets = {}, results = {}, histories = {}, interrupted = false }, Result)
  for k = 1, o.folds do
    local net <const>, held <const> = o.make(k), data:pick(members[k])
    local training <const> = data:pick(others(members, k))
    local history <const> = kinds.callable(o.train) and o.train(net, training, held, k)
      or not kinds.callable(o.train) and fit(net, training, o.train) or nil
    self.interrupted = history and history.interrupted or false
    if self.interrupted then break end
    self.nets[k], self.histories[k] = net, history
    self.results[k] = evaluate.run(net, held, { loss = o.loss, batch = o.batch })
  end
  if #self.nets > 0 then summarise(self) end
  return self
end
