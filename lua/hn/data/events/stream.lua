--- Events that do not fit the memory: every pass reads them anew, block by block, in the background.
--
-- A shuffled pass takes the blocks of all files in a random order, as many at a time as a buffer holds, and the events
-- of these in a random order. While one buffer is trained on, the next is filled.
-- @module hn.data.events.stream

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local loaded <const> = require "hn.data.events.loaded"
local passes <const> = require "hn.data.events.passes"
local recipe <const> = require "hn.data.events.recipe"
local set <const> = require "hn.data.set"

local Stream <const> = {}
Stream.__index = Stream

local stream <const> = {}

--- The events whose code is at least `least` and at most `most`.
-- @param shared { plan, blocks, room = events of a buffer, labelled, idle = buffers that no pass uses }
function stream.new(shared, codes, least, most)
  local self <const> = setmetatable({ shared = shared, codes = codes, least = least, most = most, counts = {},
    count = 0 }, Stream)
  for k, block in ipairs(shared.blocks) do
    local index <close> = self:index(block)
    self.counts[k] = index and index:shape()[1] or 0
    self.count = self.count + self.counts[k]
  end
  return self
end

--- The rows of a block that are the stream's; nil if none is.
function Stream:index(block)
  return self.codes:slice(block.at + 1, block.count):where(self.least, self.most)
end

function Stream:shape() return { self.count, #self.shared.plan.features } end

--- Two streams: so many events, drawn at random or the first ones, and the rest.
function Stream:split(first, shuffle)
  local codes <const>, free = core.array("u8", self.codes:shape()), 255
  codes:copy(1, self.codes)
  while codes:where(free, free) do free = free - 1 end
  if shuffle then
    codes:part(self.least, self.most, free, first, "random", passes.new_seed())
    return stream.new(self.shared, codes, free, free), stream.new(self.shared, codes, self.least, self.most)
  end
  codes:part(self.least, self.most, free, self.count - first, "block", 0)
  return stream.new(self.shared, codes, self.least, self.most), stream.new(self.shared, codes, free, free)
end

--- Training and test set (nil if all is for training).
function stream.sets(shared, codes, more)
  local plan <const> = shared.plan
  local function with(one)
    local data <const> = set.new(plan:specifications(shared.labelled), { names = more.names, classes = more.classes,
      stream = one })
    data.columns, data.counts = loaded.names_of(plan.features), more.counts
    return data
  end
  local test <const> = codes:where(recipe.strata + 1, 255) and stream.new(shared, codes, recipe.strata + 1, 255)
  return with(stream.new(shared, codes, 1, recipe.strata)), test and with(test)
end

--- A pass: see hn.data.pass.
function Stream:pass(specs, shuffle) return passes.new(self, specs, shuffle) end

-- ---- Numbers of all events ------------------------------------------------------------------------------------------

--- Calls visit(result, index) for the events of each block in order: what the recipe made, and the stream's rows.
function Stream:each(visit)
  local shared <const> = self.shared
  local buffers <const> = passes.take_buffers(shared)
  for k, block in ipairs(shared.blocks) do
    if self.counts[k] > 0 then
      block.part.table:read(block.first, block.count, block.part.columns, buffers.raw)
      local index <close> = self:index(block)
      visit(shared.plan:evaluate(passes.columns(shared.plan, block, buffers.raw)), index)
    end
  end
  table.insert(shared.idle, buffers)
end

--- The values of a spectator, as an array.
function Stream:spectator(name)
  local number
  for k, item in ipairs(self.shared.plan.spectators) do number = item.name == name and k or number end
  if not number then core.fail("argument", "spectator: there is no spectator %s", kinds.describe(name)) end
  local array <const>, at = core.array("f64", { self.count }), 1
  self:each(function(result, index)
    array:pack(at, index, { result.spectators[number] })
    at = at + index:shape()[1]
  end)
  return array
end

--- Number of events and sum of weights of each class.
function Stream:sums(classes)
  local counts <const>, sums <const> = {}, {}
  for class = 1, classes do counts[class], sums[class] = 0, 0 end
  self:each(function(result, index)
    local picked <close> = result.weight:pick(index)
    local labels <close> = result.label:pick(index)
    local weights <const> = picked:table()
    for k, label in ipairs(labels:table()) do
      local class <const> = math.tointeger(label) + 1
      counts[class], sums[class] = counts[class] + 1, sums[class] + weights[k]
    end
  end)
  return counts, sums
end

--- The smallest and the largest feature.
function Stream:range()
  local low, high = math.huge, -math.huge
  self:each(function(result, index)
    for _, feature in ipairs(result.x) do
      local picked <close> = feature:pick(index)
      local least <const>, most <const> = picked:range()
      low, high = math.min(low, least), math.max(high, most)
    end
  end)
  return low, high
end

return stream
