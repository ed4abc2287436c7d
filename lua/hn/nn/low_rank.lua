--- A linear layer whose matrix is a product of two thin ones, the inner one fixed.
-- @module hn.nn.LowRank

local core <const> = require "hn.core"
local options <const> = require "hn.options"
local weights <const> = require "hn.nn.weights"

local LowRank <const> = require "hn.nn.module" "LowRank"
LowRank.made_of = { inputs = "size", outputs = "size", rank = "size", weight = "tensor outputs rank",
  fixed = "tensor rank inputs", bias = "tensor outputs|none" }

local check <const> = options.declare("hn.nn.LowRank", {
  rank = { "integer", required = true, least = 1, most = 2 ^ 31 - 1 },
  seed = options.rules.seed,
  bias = { "boolean", default = true },
  init = weights.rule,
})

--- LowRank(inputs, outputs, { rank = r }): y = (x Gᵀ) Wᵀ + b for x of {batch, inputs}: a matrix W G of rank r at most.
-- G of {rank, inputs} is fixed: normal random numbers of variance 1 / inputs, drawn from a seed. W of {outputs, rank}
-- is learned, and it and the bias are the only parameters.
-- Options: `rank`, `seed` (each layer's own, from the model's), `bias` (true), `init` of W ("he", with the fan-in
-- `rank`; see hn.nn.weights). Fields: `weight`, `fixed`, `bias` {outputs} or nil.
function LowRank:init(inputs, outputs, given)
  self.inputs = options.value("hn.nn.LowRank", "inputs", inputs, options.rules.size)
  self.outputs = options.value("hn.nn.LowRank", "outputs", outputs, options.rules.size)
  local o <const> = check(given)
  self.rank, self.fixed = o.rank, core.tensor { o.rank, self.inputs }
  do
    local _ <close> = weights.seeded(o.seed or core.layer_seed())
    self.fixed:normal(0, math.sqrt(1 / self.inputs))
  end
  self.weight = core.tensor { self.outputs, self.rank }:parameter()
  weights.fill(self.weight, o.init or "he", self.rank, self.outputs)
  self.bias = o.bias and core.tensor { self.outputs }:parameter() or nil
end

function LowRank:forward(x) return core.ops.linear(core.ops.linear(x, self.fixed), self.weight, self.bias) end

function LowRank:describe()
  return ("%d -> %d, rank %d%s"):format(self.inputs, self.outputs, self.rank, self.bias and "" or ", no bias")
end

return LowRank
