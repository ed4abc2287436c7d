--- The layer that this engine is about: a linear layer whose weight matrix is virtual.
-- @module hn.nn.Hashed

local core <const> = require "hn.core"
local options <const> = require "hn.options"
local virtual <const> = require "hn.nn.virtual"

local Hashed <const> = require "hn.nn.module" "Hashed"
Hashed.made_of = { inputs = "size", outputs = "size", matrix = "matrix outputs inputs", pool = "pool matrix",
  bias = "tensor outputs|matrix outputs 1|none" }

local check <const> = options.declare("hn.nn.Hashed", virtual.with {
  bias = { "boolean", default = true, choices = { "hashed" } },
})

--- A column of biases over the same buckets, by a hash of its own.
local function hashed_bias(matrix)
  local info <const> = matrix:info()
  return core.matrix(matrix:pool(), {
    rows = info.rows, cols = 1, scheme = "element", seed = core.hash(info.seed, 1), sign = info.sign,
    balanced = info.balanced, offset = info.offset, count = info.count,
  })
end

--- Hashed(inputs, outputs, options): y = x Vᵀ + b with V[i][j] = sign(i,j) · w[bucket(i,j)] of {outputs, inputs}, for x
-- of {batch, inputs}. Memory follows the buckets w, not inputs × outputs.
-- Options: `compression` (1/8) or `buckets` or `pool` with `offset` and `count`; `scheme`, `seed`, `sign`,
-- `balanced`, `strip`, `init` (see hn.nn.virtual); `bias`: true (a number for each output), false, or "hashed" (in the
-- same buckets).
-- A pool that is all zero gets first values from the first layer built on it; one with values keeps them unless `init`
-- is given. Fields: `matrix`, `pool`, `bias`.
function Hashed:init(inputs, outputs, given)
  self.inputs = options.value("hn.nn.Hashed", "inputs", inputs, options.rules.size)
  self.outputs = options.value("hn.nn.Hashed", "outputs", outputs, options.rules.size)
  local o <const> = check(given)
  self.matrix = virtual.matrix("hn.nn.Hashed", self.outputs, self.inputs, o)
  self.pool = self.matrix:pool()
  if o.bias == "hashed" then
    self.bias = hashed_bias(self.matrix)
  elseif o.bias then
    self.bias = core.tensor { self.outputs }:parameter()
  end
end

function Hashed:forward(x) return core.ops.linear(x, self.matrix, self.bias) end

function Hashed:describe()
  return ("%d -> %d, %s%s"):format(self.inputs, self.outputs, virtual.describe(self.matrix),
    self.bias and "" or ", no bias")
end

return Hashed
