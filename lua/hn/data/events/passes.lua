--- Passes over events that are read from files: blocks on their way into buffers, and minibatches out of these.
-- @module hn.data.events.passes

local core <const> = require "hn.core"
local pass <const> = require "hn.data.pass"

local passes <const> = {}

--- A random seed of the engine's stream.
function passes.new_seed() return math.tointeger(core.random() * 2 ^ 24) end

--- Numbers from 0 in a random order that a seed alone decides.
local function shuffled(count, seed)
  local before <const>, position <const> = core.seed()
  core.seed(seed, 0)
  local order <const> = core.sequence(count, true)
  core.seed(before, position)
  return order
end

-- ---- Buffers --------------------------------------------------------------------------------------------------------

--- Arrays for the columns of the files, and for the events of two groups: one that is used, one that is filled.
function passes.take_buffers(shared)
  local idle <const> = table.remove(shared.idle)
  if idle then return idle end
  local plan <const>, rows <const>, buffers <const> = shared.plan, shared.room, { raw = {} }
  for k in ipairs(plan.read) do buffers.raw[k] = core.array("f64", { plan.rows }) end
  for k = 1, 2 do
    local b <const> = { x = core.array("f32", { rows, #plan.features }) }
    if shared.labelled then b.y = core.array("i32", { rows }) end
    if #plan.targets > 0 then b.y = core.array("f32", { rows, #plan.targets }) end
    if plan.weighted then b.weight = core.array("f32", { rows }) end
    buffers[k] = b
  end
  return buffers
end

--- A block's columns where they were read, as the recipe takes them.
function passes.columns(plan, block, raw)
  local columns <const> = { class = block.part.class, count = block.count }
  for k, name in ipairs(plan.read) do
    columns[name] = block.count < plan.rows and raw[k]:slice(1, block.count) or raw[k]
  end
  return columns
end

--- Adds a block's events to a buffer that holds `filled`; returns how many it then holds.
local function add(self, buffer, filled, block, raw)
  local plan <const>, index <close> = self.shared.plan, self:index(block)
  local result <const> = plan:evaluate(passes.columns(plan, block, raw))
  buffer.x:pack(filled + 1, index, result.x)
  if buffer.y then buffer.y:pack(filled + 1, index, result.label and { result.label } or result.targets) end
  if buffer.weight then
    buffer.weight:pack(filled + 1, index, { plan:final_weight(result.weight, result.label, block.count) })
  end
  return filled + index:shape()[1]
end

-- ---- Passes ---------------------------------------------------------------------------------------------------------

local Pass <const> = {}
Pass.__index = Pass

--- Groups of blocks that a buffer holds: { blocks =, first = sample of the pass, count = }.
local function group(self, order)
  local groups <const>, at, current = {}, 1, nil
  for _, k in ipairs(order) do
    local count <const> = self.counts[k + 1]
    if not current or current.count + count > self.shared.room then
      current = { blocks = {}, first = at, count = 0 }
      groups[#groups + 1] = current
    end
    if count > 0 then table.insert(current.blocks, self.shared.blocks[k + 1]) end
    current.count, at = current.count + count, at + count
  end
  return groups
end

--- Asks for the next block of the group that is loaded.
local function ask(self)
  local loading <const> = self.loading
  local block <const> = loading.group.blocks[loading.block]
  if not block then return end
  block.part.table:start(block.first, block.count, block.part.columns, self.buffers.raw)
end

--- Goes on loading as far as blocks have been read; `wait`: to the end.
local function go_on(self, wait)
  local loading <const> = self.loading
  while loading do
    local block <const> = loading.group.blocks[loading.block]
    if not block or not (wait or block.part.table:ready()) then return end
    block.part.table:finish()
    loading.filled = add(self.stream, self.buffers[3 - self.used], loading.filled, block, self.buffers.raw)
    loading.block = loading.block + 1
    ask(self)
  end
end

--- Begins to fill the buffer that is not used with group number k, if there is one.
local function load(self, k)
  self.loading = self.groups[k] and { number = k, group = self.groups[k], block = 1, filled = 0 } or nil
  if self.loading then ask(self) end
end

--- Makes group number k the one in use.
local function use(self, k)
  if not self.loading or self.loading.number ~= k then load(self, k) end
  go_on(self, true)
  self.at, self.used = k, 3 - self.used
  if self.order then self.order:close() end
  self.order = self.seed and shuffled(self.groups[k].count, core.hash(self.seed, k)) or nil
  load(self, k + 1)
end

local function holds(g, sample) return g and sample >= g.first and sample < g.first + g.count end

--- The group that a sample is in.
local function find(self, sample)
  local k = self.at > 0 and self.groups[self.at].first <= sample and self.at or 1
  while not holds(self.groups[k], sample) do k = k + 1 end
  return k
end

--- Copies samples of the group in use to the minibatch that several groups make up.
local function join(self, first, count, at)
  local from <const>, buffer <const> = first - self.groups[self.at].first + 1, self.buffers[self.used]
  local rows <close> = self.order and self.order:slice(from, count)
  for name, array in pairs(buffer) do
    self.joint[name]:copy(at, rows and array or array:slice(from, count), rows)
  end
end

--- Arrays for a minibatch of so many samples.
local function make_joint(self, count)
  self.joint = { count = count }
  for name, array in pairs(self.buffers[1]) do
    local shape <const> = array:shape()
    shape[1] = count
    self.joint[name] = core.array(array:type(), shape)
  end
end

--- See hn.data.pass. A minibatch lies in the group in use, or is put together of several.
function Pass:begin(first, count)
  local k <const> = find(self, first)
  if k ~= self.at then use(self, k) end
  go_on(self, false)
  self.first = nil
  if holds(self.groups[k], first + count - 1) then return end
  self.first = first
  if not self.joint or self.joint.count < count then make_joint(self, count) end
  local done = 0
  while done < count do
    local g <const> = self.groups[self.at]
    local part <const> = math.min(count - done, g.first + g.count - first - done)
    join(self, first + done, part, done + 1)
    done = done + part
    if done < count then use(self, self.at + 1) end
  end
end

--- One column of samples of the minibatch.
local function column(self, name, first, count)
  local spec <const> = self.specs[name]
  if self.first then return pass.gather(self.joint[name], spec, nil, first - self.first + 1, count) end
  local from <const> = first - self.groups[self.at].first + 1
  local rows <close> = self.order and self.order:slice(from, count)
  return pass.gather(self.buffers[self.used][name], spec, rows, from, count)
end

--- See hn.data.pass.
function Pass:piece(first, count)
  return column(self, "x", first, count), column(self, "y", first, count), column(self, "weight", first, count)
end

--- See hn.data.pass.
function Pass:weight(first, count)
  if not self.specs.weight then return count end
  local _ <close> = core.scope()
  return core.ops.sum(column(self, "weight", first, count)):item()
end

--- Ends the pass; its buffers are for the next one.
function Pass:close()
  if not self.buffers then return end
  local loading <const> = self.loading
  local block <const> = loading and loading.group.blocks[loading.block]
  if block then pcall(block.part.table.finish, block.part.table) end
  if self.order then self.order:close() end
  table.insert(self.stream.shared.idle, self.buffers)
  self.buffers, self.loading = nil, nil
end

Pass.__close = Pass.close

--- A pass over a stream's events: see hn.data.pass.
function passes.new(stream, specs, shuffle)
  local order <const> = core.sequence(#stream.shared.blocks, shuffle):table()
  return setmetatable({ stream = stream, specs = specs, groups = group(stream, order), at = 0,
    seed = shuffle and passes.new_seed() or nil, buffers = passes.take_buffers(stream.shared), used = 1 }, Pass)
end

return passes
