-- The maps of design section 4, written again from the text: only core.hash (the xxhash library's XXH32) is taken from
-- the engine, and hash_spec.lua holds that against the published algorithm. Rows, columns, buckets count from 0 here.

local core <const> = require "hn.core"

local hashing <const> = {}

local SIGN_SEED <const> = 0x9E3779B9

-- range(u, n) = (u * n) >> 31 for a 31-bit u
function hashing.range(u, n) return u * n >> 31 end

-- First slot and number of slots of the strip that row i is in. m: rows, count, strip, scheme.
function hashing.bank(m, i)
  local grain <const> = m.scheme == "line" and 16 or 1
  local slots <const> = m.count // grain
  if (m.strip or 0) == 0 then return 0, slots end
  local strips <const> = -(-m.rows // m.strip)
  local s <const> = i // m.strip
  local first <const> = s * slots // strips
  return first, (s + 1) * slots // strips - first
end

-- ---- Balanced maps -----------------------------------------------------------------------------------------------

local BALANCE_SEED <const> = 0x85EBCA77

-- The smallest a with a * a >= n, for n up to 2^62: a square root in floating point can be off by one there.
local function root_above(n)
  local a = math.ceil(math.sqrt(n))
  while a * a < n do a = a + 1 end
  while (a - 1) * (a - 1) >= n do a = a - 1 end
  return a
end

-- The permutation of the runs of strip s of a matrix: its sizes, first row and seed. m: as for bucket.
function hashing.runs(m, s)
  local strip <const> = (m.strip or 0) == 0 and m.rows or m.strip
  local p <const> = { top = s * strip, across = -(-m.cols // (m.scheme == "line" and 16 or 1)) }
  p.count = math.min(strip, m.rows - p.top) * p.across
  p.a = root_above(p.count)
  p.b = -(-p.count // p.a)
  p.seed, p.strip = m.seed ~ BALANCE_SEED, s
  return p
end

local function shift(p, t, x, limit)
  return hashing.range(core.hash(p.seed, 4 * p.strip + t & 0xffffffff, x) >> 1, limit)
end

-- What becomes of run number n, and how many times the rounds were applied.
function hashing.permuted(p, n)
  local walks = 0
  repeat
    local l, r = n // p.b, n % p.b
    l = (l + shift(p, 0, r, p.a)) % p.a
    r = (r + shift(p, 1, l, p.b)) % p.b
    l = (l + shift(p, 2, r, p.a)) % p.a
    r = (r + shift(p, 3, l, p.b)) % p.b
    n, walks = l * p.b + r, walks + 1
  until n < p.count
  return n, walks
end

-- ---- Every map ---------------------------------------------------------------------------------------------------

-- The slot of run g of row i.
local function slot_of(m, i, g)
  local first <const>, size <const> = hashing.bank(m, i)
  if not m.balanced then return first + hashing.range(core.hash(m.seed, i, g) >> 1, size) end
  local p <const> = hashing.runs(m, (m.strip or 0) == 0 and 0 or i // m.strip)
  return first + hashing.permuted(p, (i - p.top) * p.across + g) % size
end

-- Bucket (offset included) and sign of element (i, j). m: rows, cols, scheme, seed, count, and sign, strip, offset,
-- balanced if not the defaults.
function hashing.bucket(m, i, j)
  local line <const> = m.scheme == "line"
  local grain <const> = line and 16 or 1
  local g <const>, l <const> = j // grain, j % grain
  local bit <const> = line and core.hash(m.seed ~ SIGN_SEED, i, g) >> l & 1 or core.hash(m.seed, i, g) & 1
  local sign <const> = (m.sign == false or bit == 0) and 1 or -1
  return (m.offset or 0) + grain * slot_of(m, i, g) + l, sign
end

local PRIME1 <const>, PRIME2 <const>, PRIME3 <const>, PRIME4 <const>, PRIME5 <const> =
  2654435761, 2246822519, 3266489917, 668265263, 374761393

local function rotate(x, n) return (x << n | x >> (32 - n)) & 0xffffffff end

local function round(accumulator, word)
  return rotate(accumulator + word * PRIME2 & 0xffffffff, 13) * PRIME1 & 0xffffffff
end

local function stripes(words, seed)
  local a <const> = { seed + PRIME1 + PRIME2, seed + PRIME2, seed, seed - PRIME1 }
  for k = 1, #words - #words % 4 do
    local lane <const> = (k - 1) % 4 + 1
    a[lane] = round(a[lane] & 0xffffffff, words[k])
  end
  return rotate(a[1], 1) + rotate(a[2], 7) + rotate(a[3], 12) + rotate(a[4], 18)
end

-- XXH32 of 32-bit words as little-endian bytes, from the algorithm's published description.
function hashing.xxh32(seed, ...)
  local words <const> = { ... }
  local h = #words >= 4 and stripes(words, seed) or seed + PRIME5
  h = h + 4 * #words & 0xffffffff
  for k = #words - #words % 4 + 1, #words do
    h = rotate(h + words[k] * PRIME3 & 0xffffffff, 17) * PRIME4 & 0xffffffff
  end
  h = (h ~ h >> 15) * PRIME2 & 0xffffffff
  h = (h ~ h >> 13) * PRIME3 & 0xffffffff
  return h ~ h >> 16
end

return hashing
