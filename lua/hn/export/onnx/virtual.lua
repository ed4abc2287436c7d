--- A virtual matrix as an ONNX graph: its elements from the buckets, by the hash in whole numbers (engine/core/hash.h
-- says which). All formulas hold for Lua's integers and for values of a graph alike.
--
-- Numbers are int64, which ONNX has every operation for, and stay within it: the primes above 2³¹ are taken less 2³²,
-- which is the same for the lowest 32 bits, so that no product of 32 bits and a prime exceeds 63.
-- @module hn.export.onnx.virtual

local layout <const> = require "hn.export.layout"

local MASK <const> = 0xFFFFFFFF
local PRIME2 <const>, PRIME3 <const> = 2246822519 - (1 << 32), 3266489917 - (1 << 32)
local PRIME4 <const>, PRIME5 <const> = 668265263, 374761393
local SIGN_SEED <const>, BALANCE_SEED <const> = 0x9E3779B9, 0x85EBCA77

local function rotate17(x)
  local shifted <const> = x * (1 << 17)
  return (shifted & MASK) + shifted // (1 << 32)
end

--- The part of the hash of i and g that depends on i.
local function hash_row(i, seed) return rotate17(i * PRIME3 + (seed + PRIME5 + 8) & MASK) * PRIME4 & MASK end

local function hash(row, g)
  local h = rotate17(row + g * PRIME3 & MASK) * PRIME4 & MASK
  h = (h ~ h // (1 << 15)) * PRIME2 & MASK
  h = (h ~ h // (1 << 13)) * PRIME3 & MASK
  return h ~ h // (1 << 16)
end

--- The upper 31 bits of a hash as a number below n.
local function range(h, n) return h // 2 * n // (1 << 31) end

--- The permutation of strip s: the keys of its four rounds, and one walk of a number whose parts are below a and b.
local function keys_of(s, seed)
  local keys <const> = {}
  for t = 0, 3 do keys[t + 1] = hash_row((s * 4 + t) & MASK, seed ~ BALANCE_SEED) end
  return keys
end

local function walk(keys, number, a, b)
  local l, r = number // b, number % b
  for t = 1, 3, 2 do
    l = (l + range(hash(keys[t], r), a)) % a
    r = (r + range(hash(keys[t + 1], l), b)) % b
  end
  return l * b + r
end

--- The most walks that any run of strip s takes, of n runs. Only those to a number that is no run's go on, so from
-- such numbers they are followed.
local function walks_of(s, n, a, b, seed)
  local keys <const>, most = keys_of(s, seed), 1
  for number = n, a * b - 1 do
    local count, at = 1, number
    repeat
      count, at = count + 1, walk(keys, at, a, b)
    until at < n or at == number -- a cycle of these alone is on nobody's way
    most = math.max(most, count)
  end
  return most
end

--- The numbers of all runs after the permutation.
local function permuted(graph, m, i, s, g)
  local last <const>, size <const>, left <const>, right <const> = m.strips - 1, m.size, m.left, m.right
  local most = 1
  for strip = 0, last do
    local k <const> = strip < last and 1 or 2
    most = math.max(most, walks_of(strip, size[k], left[k], right[k], m.seed))
  end
  local in_last <const> = graph:node("Equal", { s, last })
  local function choose(pair)
    return pair[1] == pair[2] and pair[1] or graph:node("Where", { in_last, pair[2], pair[1] })
  end
  local n <const>, a <const>, b <const> = choose(size), choose(left), choose(right)
  local keys <const> = keys_of(s, m.seed)
  local number = walk(keys, (i - s * m.strip) * m.runs + g, a, b)
  for _ = 2, most do
    local inside <const> = graph:node("Less", { number, n })
    number = graph:node("Where", { inside, number, walk(keys, number, a, b) })
  end
  return number
end

--- The numbers from 0 to n - 1 as a value of this shape.
local function count(graph, n, shape)
  return graph:node("Reshape", { graph:node("Range", { 0, n, 1 }), graph:ints(shape) })
end

--- The slots of all runs, {rows, runs, 1}.
local function slots(graph, m, i, g, h)
  local s <const> = i // m.strip
  local first <const> = s * m.slots // m.strips
  local size <const> = (s + 1) * m.slots // m.strips - first
  return first + (m.balanced and permuted(graph, m, i, s, g) % size or range(h, size))
end

--- The elements of a virtual matrix as a value {rows, cols}; `pool` is the value of its buckets.
return function(graph, matrix, pool)
  local m <const> = layout(matrix)
  local i <const>, g <const> = count(graph, m.rows, { m.rows, 1, 1 }), count(graph, m.runs, { 1, m.runs, 1 })
  local lane <const> = count(graph, m.grain, { 1, 1, m.grain })
  local h <const> = hash(hash_row(i, m.seed), g)
  local bucket <const> = slots(graph, m, i, g, h) * m.grain + lane + m.offset
  local v = graph:node("Gather", { pool, bucket }, { axis = 0 })
  if m.sign then
    local bits = h
    if m.grain > 1 then
      local powers <const> = {}
      for l = 1, m.grain do powers[l] = 1 << (l - 1) end
      bits = hash(hash_row(i, m.seed ~ SIGN_SEED), g) // graph:ints(powers)
    end
    local sign <const> = 1 - (bits & 1) * 2
    v = graph:node("Mul", { v, graph:node("Cast", { sign }, { to = 1 }) })
  end
  v = graph:node("Reshape", { v, graph:ints { m.rows, m.runs * m.grain } })
  if m.runs * m.grain == m.cols then return v end
  return graph:node("Slice", { v, graph:ints { 0 }, graph:ints { m.cols }, graph:ints { 1 } })
end
