--- A pass over a data set for one transformation: what the transformations before it give, event by event.
-- @module hn.transform.pass

local Moments <const> = require "hn.transform.moments"
local Sample <const> = require "hn.transform.sample"
local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"

local EVENTS <const>, NUMBERS <const> = 50000, 1 << 24 -- of a sample, at most
local LARGEST <const> = 1e35 -- of which float32 still holds multiples

local Pass <const> = {}
Pass.__index = Pass

--- The class that a part is fitted to as a value of y, or nil: of all.
local function class_of(data, recipe)
  local class <const> = recipe.class
  if class == nil then return nil end
  if not data.y then core.fail("argument", "fit: %s: class: the data set has no targets", recipe.kind) end
  if data.classes and math.type(class) and class >= 1 and class <= data.classes then return class end
  if not data.classes and math.type(class) then return class end
  for number, name in ipairs(data.names or {}) do
    if name == class then return number end
  end
  core.fail("argument", "fit: %s: class: expected a class of the set (%s), got %s", recipe.kind,
    data.names and table.concat(data.names, ", ") or data.classes and "1 to " .. data.classes or "a target's value",
    kinds.describe(class))
end

--- The weight of every event of a minibatch: 0 for those of other classes.
local function weights_of(count, class, y, weight)
  local list <const> = weight and weight:read(1, count) or {}
  local targets <const> = class and y:read(1, y:size())
  if targets and #targets ~= count then
    core.fail("shape", "fit: class: expected one target for each event, got %s", kinds.describe(y))
  end
  for i = 1, count do
    list[i] = math.abs(list[i] or 1)
    if targets and targets[i] ~= class then list[i] = 0 end
  end
  return list
end

--- Checks the numbers of an event.
local function check(values, first, inputs, event)
  for j = 1, inputs do
    local x <const> = values[first + j]
    if not (x >= -LARGEST and x <= LARGEST) then
      core.fail("numeric", "fit: feature %d of event %d: expected a finite number up to %g, got %s", j, event, LARGEST,
        kinds.describe(x))
    end
  end
end

--- The numbers of a minibatch, {count, inputs}, behind the modules made so far: a list, and how many a row has.
local function outputs(made, x, count)
  local rows = core.ops.reshape(x, count, x:size() // count)
  for _, module in ipairs(made) do rows = module(rows) end
  return rows:read(1, rows:size()), rows:size() // count
end

--- Calls visit(values, first, weight) for each event that counts.
function Pass:each(visit)
  local class <const>, counted, event = class_of(self.data, self.recipe), 0, 0
  for x, y, weight in self.data:batches { batch = self.batch } do
    local _ <close> = core.scope()
    local count <const> = x:shape()[1]
    local values <const>, inputs <const> = outputs(self.made, x, count)
    local weights <const> = weights_of(count, class, y, weight)
    for i = 1, count do
      if weights[i] ~= 0 then
        check(values, (i - 1) * inputs, inputs, event + i)
        visit(values, (i - 1) * inputs, weights[i])
        counted = counted + 1
      end
    end
    event = event + count
  end
  if counted == 0 then
    core.fail("argument", "fit: %s: no event%s has a weight", self.recipe.kind,
      class and " of class " .. kinds.describe(self.recipe.class) or "")
  end
end

--- The smallest and the largest number of a part's features.
function Pass:range(part)
  local low <const>, high <const> = {}, {}
  self:each(function(values, first)
    for k, feature in ipairs(part.features) do
      local x <const> = values[first + feature]
      low[k], high[k] = math.min(low[k] or x, x), math.max(high[k] or x, x)
    end
  end)
  return low, high
end

function Pass:moments(part, full)
  local moments <const> = Moments.new(part.features, full)
  self:each(function(values, first, weight) moments:add(values, first, weight) end)
  return moments
end

function Pass:sample(part)
  local sample <const> = Sample.new(part.inputs, math.max(1000, math.min(EVENTS, NUMBERS // part.inputs)))
  self:each(function(values, first, weight) sample:add(values, first, weight) end)
  return sample
end

--- The numbers of an event of the set.
local function inputs_of(data)
  local step <const>, _, _, _ <close> = data:batches { batch = 1 }
  local x <const> = step()
  if not x then core.fail("argument", "fit: the data set is empty") end
  return x:size() // x:shape()[1]
end

--- What a transformation is fitted by: `inputs`, the number of features, and the methods above, each a pass.
-- @param made the modules before it
return function(data, made, recipe, batch)
  return setmetatable({ data = data, made = made, recipe = recipe, batch = batch, inputs = inputs_of(data) }, Pass)
end
