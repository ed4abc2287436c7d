--- The dense layer.
-- @module hn.nn.Linear

local core <const> = require "hn.core"
local options <const> = require "hn.options"
local weights <const> = require "hn.nn.weights"

local Linear <const> = require "hn.nn.module" "Linear"
Linear.made_of = { inputs = "size", outputs = "size", weight = "tensor outputs inputs", bias = "tensor outputs|none" }

local check <const> = options.declare("hn.nn.Linear", {
  bias = { "boolean", default = true },
  init = weights.rule,
})

--- Linear(inputs, outputs, options): y = x Wᵀ + b for x of {batch, inputs}; y is {batch, outputs}.
-- Options: `bias` (true), `init` ("he"; "xavier", "lecun", "zero" or a function; see hn.nn.weights).
-- Fields: `weight` {outputs, inputs}, `bias` {outputs} or nil.
function Linear:init(inputs, outputs, given)
  self.inputs = options.value("hn.nn.Linear", "inputs", inputs, options.rules.size)
  self.outputs = options.value("hn.nn.Linear", "outputs", outputs, options.rules.size)
  local o <const> = check(given)
  self.weight = core.tensor { self.outputs, self.inputs }:parameter()
  weights.fill(self.weight, o.init or "he", self.inputs, self.outputs)
  self.bias = o.bias and core.tensor { self.outputs }:parameter() or nil
end

function Linear:forward(x) return core.ops.linear(x, self.weight, self.bias) end

function Linear:describe()
  return ("%d -> %d%s"):format(self.inputs, self.outputs, self.bias and "" or ", no bias")
end

return Linear
