-- What the rows of ops.lua describe their operands with, and how a description becomes numbers and engine objects.
--
-- A leaf holds numbers: a tensor, a pool, or integers. Several operands may look at one leaf (two matrices over one
-- pool). The reference sees flat lists of doubles with a field `shape`; a matrix is expanded through hashing.lua.

local core <const> = require "hn.core"
local hashing <const> = require "spec.support.hashing"
local numeric <const> = require "spec.support.numeric"

local operands <const> = {}

-- A float tensor of numbers in [low, high). Options: low, high, avoid (kinks), gradient (false: none is asked for),
-- values (a function of the generator giving the flat list).
function operands.tensor(shape, options)
  options = options or {}
  return { leaf = {
    shape = shape, low = options.low or -2, high = options.high or 2, avoid = options.avoid, values = options.values,
    gradient = options.gradient ~= false,
  } }
end

-- A tensor that the operation does not differentiate in.
function operands.constant(shape, options)
  options = options or {}
  options.gradient = false
  return operands.tensor(shape, options)
end

-- n integers from 1 to limit.
function operands.integers(n, limit) return { leaf = { shape = { n }, limit = limit } } end

-- A pool of buckets, for matrix().
function operands.pool(count) return { shape = { count }, low = -2, high = 2, gradient = true, pool = true } end

-- A virtual matrix over a pool: rows, cols, scheme, seed, sign, balanced, strip, offset, count.
function operands.matrix(pool, description)
  description.count = description.count or pool.shape[1] - (description.offset or 0)
  return { leaf = pool, matrix = description }
end

local function fill(leaf, generator)
  local n <const> = numeric.product(leaf.shape)
  if leaf.limit then
    leaf.data = {}
    for k = 1, n do leaf.data[k] = 1 + generator.integer(leaf.limit) end
    leaf.data[n] = leaf.limit -- the largest one always comes up
  elseif leaf.values then
    leaf.data = leaf.values(generator)
  else
    leaf.data = generator.numbers(n, leaf.low, leaf.high, leaf.avoid)
  end
end

local function map_of(m)
  local map <const> = {}
  for i = 0, m.rows - 1 do
    for j = 0, m.cols - 1 do
      local bucket <const>, sign <const> = hashing.bucket(m, i, j)
      map[#map + 1] = sign * (bucket + 1)
    end
  end
  return map
end

-- The operands of a row at a shape: list of operands (false: left out), list of leaves, with numbers filled in.
function operands.build(row, shape)
  local list <const>, leaves <const>, seen <const> = row.operands(shape), {}, {}
  local generator <const> = numeric.generator(#row.name + 7 * numeric.product(shape))
  for _, operand in ipairs(list) do
    if operand then
      local leaf <const> = operand.leaf
      if not seen[leaf] then
        seen[leaf] = true
        leaves[#leaves + 1] = leaf
        fill(leaf, generator)
      end
      if operand.matrix then operand.map = map_of(operand.matrix) end
    end
  end
  return list, leaves
end

local function expanded(operand)
  local m <const>, w <const> = operand.matrix, operand.leaf.data
  local v <const> = { shape = { m.rows, m.cols } }
  for k, at in ipairs(operand.map) do
    if at > 0 then v[k] = w[at] else v[k] = -w[-at] end
  end
  return v
end

-- What the reference sees of an operand now.
function operands.seen(operand)
  if not operand then return nil end
  if operand.matrix then return expanded(operand) end
  operand.leaf.data.shape = operand.leaf.shape
  return operand.leaf.data
end

-- Engine objects for the leaves, in a table by leaf.
function operands.upload(leaves)
  local objects <const> = {}
  for _, leaf in ipairs(leaves) do
    if leaf.limit then
      objects[leaf] = core.labels(leaf.data)
    elseif leaf.pool then
      objects[leaf] = core.buckets(leaf.shape[1]):set(leaf.data)
    else
      objects[leaf] = core.tensor(leaf.shape, leaf.data)
      if leaf.gradient then objects[leaf]:parameter() end
    end
  end
  return objects
end

-- The engine's object for an operand.
function operands.object(operand, objects)
  if not operand then return nil end
  local object <const> = objects[operand.leaf]
  return operand.matrix and core.matrix(object, operand.matrix) or object
end

return operands
