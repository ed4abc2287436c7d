--- Events in memory: all of them in host arrays, as an ordinary data set.
-- @module hn.data.events.loaded

local core <const> = require "hn.core"
local recipe <const> = require "hn.data.events.recipe"
local set <const> = require "hn.data.set"

local Loaded <const> = {}
Loaded.__index = Loaded

local loaded <const> = {}

--- Bytes that an event takes while it is loaded.
function loaded.bytes(plan)
  local numbers <const> = #plan.features + #plan.targets
  return 4 * numbers + 8 * #plan.spectators + (plan.weighted and 12 or 0) + 12
end

--- Arrays for at most so many events.
function loaded.new(plan, rows, labelled)
  local self <const> = setmetatable({ plan = plan, count = 0, spectators = {} }, Loaded)
  self.x = core.array("f32", { rows, #plan.features })
  if #plan.targets > 0 then self.targets = core.array("f32", { rows, #plan.targets }) end
  if labelled then self.label = core.array("f64", { rows }) end
  if plan.weighted then self.weight = core.array("f64", { rows }) end
  for k in ipairs(plan.spectators) do self.spectators[k] = core.array("f64", { rows }) end
  return self
end

--- Takes those events of an evaluated block that the index lists.
function Loaded:add(result, index)
  local at <const> = self.count + 1
  self.x:pack(at, index, result.x)
  if self.targets then self.targets:pack(at, index, result.targets) end
  if self.label then self.label:pack(at, index, { result.label }) end
  if self.weight then self.weight:pack(at, index, { result.weight }) end
  for k, array in ipairs(self.spectators) do array:pack(at, index, { result.spectators[k] }) end
  self.count = self.count + index:shape()[1]
end

--- Ends loading: arrays of as many rows as there are events.
function Loaded:finish()
  for _, name in ipairs { "x", "targets", "label", "weight" } do
    self[name] = self[name] and self[name]:slice(1, self.count)
  end
  for k, array in ipairs(self.spectators) do self.spectators[k] = array:slice(1, self.count) end
end

--- Number of events and sum of weights of each class in the training part.
function Loaded:sums(codes, classes)
  local counts <const>, sums <const> = {}, {}
  for class = 1, classes do
    local index <close> = codes:where(class, class)
    local weights <close> = index and self.weight:pick(index)
    counts[class] = index and index:shape()[1] or 0
    sums[class] = index and weights:sum() or 0
  end
  return counts, sums
end

--- The columns of the data set, as set.new takes them.
function Loaded:columns()
  local plan <const>, count <const> = self.plan, self.count
  local columns <const> = plan:specifications(self.label)
  columns.x.array = self.x
  if columns.y then columns.y.array = self.targets or core.array("i32", { count }) end
  if self.label then columns.y.array:pack(1, nil, { self.label }) end
  if not columns.weight then return columns end
  columns.weight.array = core.array("f32", { count })
  columns.weight.array:pack(1, nil, { plan:final_weight(self.weight, self.label, count, self.weight) })
  return columns
end

--- The names of a recipe's items.
function loaded.names_of(items)
  local names <const> = {}
  for k, item in ipairs(items) do names[k] = item.name end
  return names
end

--- Training and test set (nil if all is for training).
-- @param more { names =, classes =, counts = }
function Loaded:sets(codes, more)
  local plan <const>, data <const> = self.plan, set.new(self:columns(), more)
  data.columns, data.counts, data.spectators = loaded.names_of(plan.features), more.counts, {}
  for k, item in ipairs(plan.spectators) do data.spectators[item.name] = self.spectators[k] end
  local test <const> = codes:where(recipe.strata + 1, 255)
  if not test then return data, nil end
  return set.part(data, codes:where(1, recipe.strata)), set.part(data, test)
end

return loaded
