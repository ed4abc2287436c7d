--- Data sets: samples in host memory, of which only minibatches go to the device.
--
-- Fields: `x`, `y`, `weight` (host arrays; y and weight may be nil), `names` (of the classes, or nil), `classes` (their
-- number where y holds classes, else nil). `#data` is the number of samples. Splits and other parts share the arrays.
-- Sets of hn.data.events that do not fit the memory have no arrays: samples are read from files in each pass.
-- @module hn.data.set

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local pass <const> = require "hn.data.pass"
local text <const> = require "hn.text"

local Set <const> = { kind = "data" }
Set.__index = Set

local set = {}

function Set:__len() return self.count end

function Set:__tostring()
  local shape <const> = set.shape(self)
  local parts = { text.count(self.count) .. " samples of " .. table.concat(shape, "x", 2) }
  if #shape == 1 then parts[1] = text.count(self.count) .. " samples of one number" end
  if self.classes then parts[2] = self.classes .. " classes" end
  if self.specs.y and not self.classes then parts[2] = "numbers as targets" end
  if self.specs.weight then parts[#parts + 1] = "weighted" end
  if self.stream then parts[#parts + 1] = "read from files" end
  return "data set: " .. table.concat(parts, ", ")
end

--- The number of samples, as `#data`.
function Set:size() return self.count end

--- Makes a set of columns (see hn.data.convert).
-- @param columns { x=, y=, weight= }; of a stream with specifications alone
-- @param more { names=, classes=, stream= }: a stream (hn.data.events.stream) has the samples in the place of arrays
function set.new(columns, more)
  local self <const> = { specs = {}, names = more.names, classes = more.classes }
  for name, column in pairs(columns) do self[name], self.specs[name] = column.array, column.spec end
  self.stream = more.stream
  self.count = self.stream and self.stream.count or self.x:shape()[1]
  return setmetatable(self, Set)
end

--- Another set of the same arrays that holds the samples (rows of them) listed in `index`; nil: all.
function set.part(self, index)
  local other <const> = {}
  for key, value in pairs(self) do other[key] = value end
  other.index, other.count = index, index and index:shape()[1] or self.count
  return setmetatable(other, Set)
end

--- A list whose entries from the second on are a sample's dimensions.
function set.shape(data) return data.stream and data.stream:shape() or data.x:shape() end

--- The same samples with other targets: an array of numbers with a row for each row of `data.x`.
function set.with_targets(data, array)
  local other <const> = set.part(data, data.index)
  other.y, other.classes, other.specs = array, nil, {}
  for name, spec in pairs(data.specs) do other.specs[name] = spec end
  other.specs.y = { dtype = "float", flatten = true }
  return other
end

--- The same with another stream.
function set.of_stream(data, stream)
  local other <const> = set.part(data, nil)
  other.stream, other.count = stream, stream.count
  return other
end

local function split_stream(self, first, shuffle)
  local one <const>, rest <const> = self.stream:split(first, shuffle)
  return set.of_stream(self, one), set.of_stream(self, rest)
end

local check_shuffle <const> = options.declare("split", { shuffle = { "boolean", default = true } })

--- How many samples a part is: a fraction (a float) or a count (an integer), none and all excluded.
function set.part_size(where, size, count)
  local wanted <const> = type(size) == "number" and size > 0 and (math.type(size) == "integer" and size
    or size < 1 and math.floor(size * count + 0.5)) or 0
  if wanted < 1 or wanted >= count then
    core.fail("argument", "%s: expected a fraction between 0 and 1 or a count, so that neither part of the %d samples "
      .. "is empty, got %s", where, count, kinds.describe(size))
  end
  return wanted
end

--- Cuts the set in two: data:split(0.8) gives 80 % and the rest; data:split(1000) gives 1000 samples and the rest.
-- Option `shuffle` (true): draw at random; else the first ones are the first part. The parts share storage.
function Set:split(size, given)
  local o <const> = check_shuffle(given)
  local first <const> = set.part_size("split: size", size, self.count)
  if self.stream then return split_stream(self, first, o.shuffle) end
  local order <const> = pass.order(self, o.shuffle) or core.sequence(self.count, false)
  return set.part(self, order:slice(1, first)), set.part(self, order:slice(first + 1, self.count - first))
end

local check_take <const> = options.declare("take", { shuffle = { "boolean", default = false } })

--- The first n samples as a set of their own; all of them if there are no more than n. Option `shuffle` (false): n
-- samples drawn at random.
function Set:take(n, given)
  local o <const> = check_take(given)
  n = options.value("take", "n", n, { "integer", required = true, least = 1 })
  if self.stream then return n < self.count and split_stream(self, n, o.shuffle) or set.part(self, nil) end
  local order <const> = pass.order(self, o.shuffle) or core.sequence(self.count, false)
  return set.part(self, order:slice(1, math.min(n, self.count)))
end

--- The samples with these numbers, counted from 1, in that order: a set of its own that shares storage. A set that is
-- read from files in each pass cannot pick.
function Set:pick(numbers)
  if self.stream then
    core.fail("argument", "pick: expected a set in memory, got one that is read from files in each pass: give it more "
      .. "memory, or part it by a cut")
  end
  if type(numbers) ~= "table" or #numbers == 0 then
    core.fail("argument", "pick: numbers: expected a list of samples' numbers, got %s",
      type(numbers) == "table" and "none" or kinds.describe(numbers))
  end
  local rows <const> = {}
  for k, number in ipairs(numbers) do
    local whole <const> = math.tointeger(number)
    if not whole or whole < 1 or whole > self.count then
      core.fail("argument", "pick: numbers[%d]: expected a sample's number from 1 to %d, got %s", k, self.count,
        kinds.describe(number))
    end
    rows[k] = whole - 1
  end
  local index <const> = core.array("i32", { #rows }, rows)
  return set.part(self, self.index and self.index:pick(index) or index)
end

--- What normalise has fitted, as device tensors; nil if there is nothing.
local function device_affine(self)
  local fitted <const> = self.affine
  if not fitted then return nil end
  return { mean = core.tensor(fitted.shape, fitted.mean), factor = core.tensor(fitted.shape, fitted.factor) }
end

local function close_affine(affine)
  if not affine then return end
  affine.mean:close()
  affine.factor:close()
end

--- (x - mean) * factor; x itself is given back.
local function apply_affine(affine, x)
  local centred <const> = core.ops.sub(x, affine.mean)
  local scaled <const> = core.ops.mul(centred, affine.factor)
  centred:close()
  x:close()
  return scaled
end

local function minibatch(rows, first, count, affine)
  local x, y <const>, weight <const> = rows:piece(first, count)
  if affine then x = apply_affine(affine, x) end
  return x, y, weight
end

--- Samples first, ..., first + count - 1 as device tensors x, y, weight (as minibatches have them).
function Set:rows(first, count)
  first = options.value("rows", "first", first, { "integer", required = true, least = 1, most = self.count })
  count = options.value("rows", "count", count, { "integer", required = true, least = 1,
    most = self.count - first + 1 })
  local affine <const>, rows <close> = device_affine(self), pass(self, false)
  rows:begin(first, count)
  local x <const>, y <const>, weight <const> = minibatch(rows, first, count, affine)
  close_affine(affine)
  return x, y, weight
end

local check_batches <const> = options.declare("batches", {
  batch = options.rules.batch,
  microbatch = { "integer", least = 1 },
  shuffle = { "boolean", default = false },
  skip = { "integer", default = 0, least = 0 },
})

--- How many of `left` samples make the next minibatch. One that would be left alone at the end joins the minibatch
-- before: batch norm has no variance of a single one.
local function minibatch_size(left, batch)
  return (left <= batch or batch > 1 and left == batch + 1) and left or batch
end

--- How many minibatches `batches` makes of the set.
function Set:minibatches(batch)
  local lone <const> = batch > 1 and self.count > batch and self.count % batch == 1
  return (self.count + batch - 1) // batch - (lone and 1 or 0)
end

--- How a pass over `count` samples is cut: a function that gives the next piece { from =, size =, first =, last =,
-- whole_from =, whole_size = } or nil. A minibatch is cut into as few pieces of at most `most` samples as will do, as
-- even as can be; `most` nil: it stays whole.
local function cut(count, batch, most)
  local start, size, pieces, k = 1, 0, 0, 0 -- of the minibatch: first sample, samples, pieces, those given out
  return function()
    if k == pieces then
      start = start + size
      if start > count then return nil end
      size = minibatch_size(count - start + 1, batch)
      pieces, k = most and (size + most - 1) // most or 1, 0
    end
    local from <const> = start + (k * size + pieces - 1) // pieces -- larger pieces first
    local to <const> = start + ((k + 1) * size + pieces - 1) // pieces
    k = k + 1
    return { from = from, size = to - from, first = k == 1, last = k == pieces, whole_from = start, whole_size = size }
  end
end

--- Iterates over minibatches: `for x, y, weight in data:batches{ batch = 50, shuffle = true } do`. They are device
-- tensors: x {batch, ...}, y {batch} of classes or {batch, ...} of numbers, weight {batch} or nil; the last minibatch
-- may be smaller, or one larger (it takes in a sample that would be alone). A minibatch is freed when the next one
-- comes (keep what you need with `copy`). Options: `batch` (100), `shuffle` (false), `microbatch` (none): cut each
-- minibatch into as few even pieces of at most so many samples as will do; `skip` (0): leave out so many minibatches at
-- the beginning. A fourth value tells about the piece: { first =, last =, total = }, whether it is the first or last
-- one of its minibatch, and what the weights of that (or its samples) sum to; total is nil where it is in one piece.
function Set:batches(given)
  local o <const> = check_batches(given)
  local rows <const>, affine <const> = pass(self, o.shuffle), device_affine(self)
  local next_piece <const> = cut(self.count, o.batch, o.microbatch)
  local total, x, y, weight
  for _ = 1, o.skip do
    repeat local piece <const> = next_piece() until not piece or piece.last
  end
  local function release()
    if x then x:close() end
    if y then y:close() end
    if weight then weight:close() end
    x, y, weight = nil, nil, nil
  end
  local function step()
    release()
    local piece <const> = next_piece()
    if not piece then
      rows:close()
      return nil
    end
    if piece.first then
      rows:begin(piece.whole_from, piece.whole_size)
      total = not piece.last and rows:weight(piece.whole_from, piece.whole_size) or nil
    end
    x, y, weight = minibatch(rows, piece.from, piece.size, affine)
    return x, y, weight, { first = piece.first, last = piece.last, total = total }
  end
  local function finish()
    release()
    rows:close()
    close_affine(affine)
  end
  return step, nil, nil, setmetatable({}, { __close = finish })
end

--- The values of a spectator of hn.data.events as a host array, in the order of a pass that does not shuffle.
function Set:spectator(name)
  if self.stream then return self.stream:spectator(name) end
  local array <const> = (self.spectators or {})[name]
  if not array then
    core.fail("argument", "spectator: %s has no spectator %s", tostring(self), kinds.describe(name))
  end
  return self.index and array:pick(self.index) or array
end

--- Scales x for all later minibatches, and returns the set itself. `how` is "standard" (the default; each feature to
-- mean 0 and deviation 1 over this set), "range" (all of x to [0, 1]), or another set, whose scaling is taken over:
-- `train:normalise(); test:normalise(train)`.
function Set:normalise(how)
  return require "hn.data.normalise"(self, how)
end

--- The data set of a value: itself, or made of { x =, y =, weight = }, a tensor or a nested table (as x).
function set.of(name, value)
  local kind <const> = kinds.of(value)
  if kind == "data" then return value end
  local make <const> = require "hn.data.tensors"
  if kind == "table" and value.x then return make(value) end
  if kind == "table" or kind == "tensor" or kind == "array" then return make { x = value } end
  core.fail("argument", "%s: expected a data set, a tensor or a nested table, got %s", name, kinds.describe(value))
end

return set
