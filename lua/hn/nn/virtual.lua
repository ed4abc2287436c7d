--- Virtual matrices of layers: which options describe one, how many buckets it gets, and their first values.
-- @module hn.nn.virtual

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local text <const> = require "hn.text"
local weights <const> = require "hn.nn.weights"

local virtual = {}

--- Columns that share a slot of buckets, by scheme.
local grains <const> = { element = 1, line = 16 }

virtual.schemes = { "line", "element" }

--- "1/64" or 0.125, above 0 and at most 1, as a number; else nil.
local function compression(value)
  if type(value) == "string" then
    local above <const>, below <const> = value:match("^%s*([%d.]+)%s*/%s*([%d.]+)%s*$")
    value = above and tonumber(above) and tonumber(below) and tonumber(above) / tonumber(below) or tonumber(value)
  end
  return value and value > 0 and value <= 1 and value or nil
end

local function pool_of(value)
  return kinds.of(value) == "tensor" and value:dims() == 1 and value or nil
end

--- Options of a layer with a virtual matrix:
--
-- `compression` (1/8): stored over virtual weights, a number or a text such as "1/64"; the bucket count is rounded up
-- to the scheme's grain. Or `buckets`: their number, a multiple of the grain. Or `pool`: buckets made by `hn.buckets`,
-- shared with other layers, of which the layer uses `count` (all) from `offset` (0) on.
-- `scheme` ("line", or the paper's "element", which suits matrices of fewer than 16 columns better: a line lies partly
-- unused there), `seed` (each layer's own, from the model's), `sign` (true), `balanced` (false; true lets every bucket
-- serve as many weights as any other, so that compression 1 is a dense layer), `strip` (0: none), `init` ("he"; see
-- hn.nn.weights).
virtual.rules = {
  compression = { "number|string", convert = compression,
    expected = 'a number above 0 and at most 1, or a text such as "1/64"' },
  buckets = { "integer", least = 1, most = 2 ^ 31 - 1, aka = { "K", "k" } },
  pool = { "tensor", convert = pool_of, expected = "buckets made by hn.buckets" },
  offset = { "integer", least = 0 },
  count = { "integer", least = 1 },
  scheme = { choices = virtual.schemes, default = "line" },
  seed = { "integer", least = 0, most = 0xFFFFFFFF },
  sign = { "boolean", default = true },
  balanced = { "boolean", default = false },
  strip = { "integer", default = 0, least = 0 },
  init = weights.rule,
}

--- The rules with those of one layer added.
function virtual.with(more)
  local rules = {}
  for name, rule in pairs(virtual.rules) do rules[name] = rule end
  for name, rule in pairs(more) do rules[name] = rule end
  return rules
end

--- Not more than one of compression, buckets and pool; offset and count only with a pool.
local function check_storage(where, o)
  local given = {}
  for _, name in ipairs { "compression", "buckets", "pool" } do
    if o[name] then given[#given + 1] = name end
  end
  if #given > 1 then
    core.fail("argument", "%s: expected one of compression, buckets and pool, got %s", where,
      table.concat(given, " and "))
  end
  if not o.pool and (o.offset or o.count) then
    core.fail("argument", "%s: %s: expected only together with pool", where, o.offset and "offset" or "count")
  end
end

--- How many buckets a layer of its own gets.
local function bucket_count(where, rows, cols, o)
  local grain <const> = grains[o.scheme]
  if o.buckets then
    if o.buckets % grain ~= 0 then
      core.fail("argument", "%s: buckets: expected a multiple of %d for scheme %s, got %d", where, grain, o.scheme,
        o.buckets)
    end
    return o.buckets
  end
  -- The factor forgives the rounding of products such as 300 * (1/3).
  local wanted <const> = math.ceil((rows + 0.0) * cols * (o.compression or 1 / 8) * (1 - 1e-12))
  return (wanted + grain - 1) // grain * grain
end

--- Whether a pool's buckets are still as hn.buckets made them; a few thousand are sample enough.
local function untouched(buckets)
  local first <const> = core.ops.slice(buckets, 1, math.min(buckets:size(), 4096))
  return core.ops.sum(core.ops.mul(first, first)):item() == 0
end

--- Gives the buckets of the matrix their first values. A pool that has values keeps them, unless `init` was given.
local function fill(matrix, o, usual)
  local _ <close> = core.scope()
  local info <const> = matrix:info()
  local buckets <const> = core.ops.slice(matrix:pool(), info.offset + 1, info.count)
  if o.init or not o.pool or untouched(buckets) then
    weights.fill(buckets, o.init or usual, info.cols, info.rows)
  end
end

--- Makes the virtual matrix of a layer, and its pool unless `o.pool` is one. `usual` ("he") is the default of `init`.
function virtual.matrix(where, rows, cols, o, usual)
  check_storage(where, o)
  local pool <const> = o.pool or core.buckets(bucket_count(where, rows, cols, o))
  local matrix <const> = core.matrix(pool, {
    rows = rows, cols = cols, scheme = o.scheme, seed = o.seed or core.layer_seed(), sign = o.sign,
    balanced = o.balanced, strip = o.strip, offset = o.offset, count = o.count,
  })
  fill(matrix, o, usual or "he")
  return matrix
end

--- The matrix in words: "1/8 of line: 98,000 buckets", or "of balanced line".
function virtual.describe(matrix)
  local info <const> = matrix:info()
  return ("%s of %s%s: %s buckets"):format(text.ratio(info.count / info.rows / info.cols),
    info.balanced and "balanced " or "", info.scheme, text.count(info.count))
end

return virtual
