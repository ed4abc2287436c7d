--- First values of weights: uniform in (-b, b), with b from the sizes of the matrix, virtual or not.
--
-- | name | b |
-- | --- | --- |
-- | "he" | sqrt(6 / fan_in), for ReLU and its like |
-- | "xavier" | sqrt(6 / (fan_in + fan_out)), for tanh and sigmoid |
-- | "lecun" | sqrt(3 / fan_in) |
-- | "zero" | 0 |
--
-- A hashed layer takes the fans of its virtual matrix, so that V varies as a dense layer's weights would.
-- @module hn.nn.weights

local core <const> = require "hn.core"

local weights = {}

local bounds <const> = {
  he = function(fan_in) return math.sqrt(6 / fan_in) end,
  xavier = function(fan_in, fan_out) return math.sqrt(6 / (fan_in + fan_out)) end,
  lecun = function(fan_in) return math.sqrt(3 / fan_in) end,
}

--- Rule of the option `init`: one of the names, or function(tensor, fan_in, fan_out) that fills the tensor.
weights.rule = { "function", choices = { "he", "xavier", "lecun", "zero" } }

--- Fills a tensor as `init` says.
function weights.fill(tensor, init, fan_in, fan_out)
  if init == "zero" then
    tensor:set(0)
  elseif type(init) == "function" then
    init(tensor, fan_in, fan_out)
  else
    local b <const> = bounds[init](fan_in, fan_out)
    tensor:uniform(-b, b)
  end
end

--- Until what it returns is closed, random numbers are those of this seed; then the stream goes on where it was: for
-- what is fixed by a layer's seed. `local _ <close> = weights.seeded(seed)`
function weights.seeded(seed)
  local before <const>, position <const> = core.seed()
  core.seed(seed, 0)
  return setmetatable({}, { __close = function() core.seed(before, position) end })
end

return weights
