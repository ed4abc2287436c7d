-- Streams of random numbers that are the same everywhere: XXH32 of a counter.

local hn <const> = require "hn"

local stream <const> = {}
stream.__index = stream

--- A whole number of 32 bits.
function stream:word()
  self.position = self.position + 1
  return hn.hash(self.seed, self.position)
end

--- In [0, 1).
function stream:uniform() return self:word() / 2 ^ 32 end

--- A whole number from `least` to `most`.
function stream:between(least, most) return least + self:word() * (most - least + 1) // 2 ^ 32 | 0 end

--- How often a thing of probability p fails before it happens.
function stream:geometric(p) return math.floor(math.log(1 - self:uniform()) / math.log(1 - p)) end

--- A list of n values from 0 to 255.
function stream:bytes(n)
  local list <const> = {}
  for k = 1, n, 4 do
    local word <const> = self:word()
    list[k], list[k + 1], list[k + 2], list[k + 3] = word & 255, word >> 8 & 255, word >> 16 & 255, word >> 24
  end
  return list
end

return function(seed) return setmetatable({ seed = seed, position = 0 }, stream) end
