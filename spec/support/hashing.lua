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

-- Bucket (offset included) and sign of element (i, j). m: rows, scheme, seed, count, and sign, strip, offset if not
-- the defaults.
function hashing.bucket(m, i, j)
  local line <const> = m.scheme == "line"
  local grain <const> = line and 16 or 1
  local g <const>, l <const> = j // grain, j % grain
  local h <const> = core.hash(m.seed, i, g)
  local first <const>, size <const> = hashing.bank(m, i)
  local slot <const> = first + hashing.range(h >> 1, size)
  local bit = h & 1
  if line then bit = core.hash(m.seed ~ SIGN_SEED, i, g) >> l & 1 end
  local sign <const> = (m.sign == false or bit == 0) and 1 or -1
  return (m.offset or 0) + grain * slot + l, sign
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
