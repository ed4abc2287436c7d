--- Layers without weights that apply one operation to every number, or to each row.
-- @module hn.nn.activations

local core <const> = require "hn.core"
local module <const> = require "hn.nn.module"
local options <const> = require "hn.options"

local activations = {}

--- A class over an operation of x alone.
local function plain(name, operation)
  local class <const> = module(name)
  local apply <const> = core.ops[operation]
  class.any_input = true -- and it leaves the columns as many
  function class.init() end
  function class.forward(_, x) return apply(x) end
  activations[name] = class
end

--- A class over an operation of x and one number, given to the constructor.
local function with_number(name, operation, number, default)
  local class <const> = module(name)
  local apply <const> = core.ops[operation]
  local rule <const> = { "number", default = default }
  class.made_of = { [number] = "number" }
  class.any_input = true
  function class:init(value) self[number] = options.value("hn.nn." .. name, number, value, rule) end
  function class:forward(x) return apply(x, self[number]) end
  function class:describe() return ("%s %g"):format(number, self[number]) end
  activations[name] = class
end

--- ReLU(): max(x, 0).
plain("ReLU", "relu")
--- GELU(): x Φ(x).
plain("GELU", "gelu")
--- Tanh(): the hyperbolic tangent.
plain("Tanh", "tanh")
--- Sigmoid(): 1 / (1 + exp(-x)).
plain("Sigmoid", "sigmoid")
--- ReLU6(): x between 0 and 6, else the nearer of them.
plain("ReLU6", "relu6")
--- HardTanh(): x between -1 and 1, else the nearer of them.
plain("HardTanh", "hard_tanh")
--- Abs(): |x|, the symmetric ReLU.
plain("Abs", "abs")
--- Gauss(): exp(-x²).
plain("Gauss", "gauss")
--- Softsign(): x / (1 + |x|).
plain("Softsign", "softsign")
--- Softplus(): log(1 + exp(x)).
plain("Softplus", "softplus")
--- Softmax(): over the last dimension. The cross-entropy losses take a network's output without it.
plain("Softmax", "softmax")
--- LogSoftmax(): the logarithm of softmax.
plain("LogSoftmax", "log_softmax")
--- LeakyReLU(slope): x, or slope · x (0.01) where x is negative.
with_number("LeakyReLU", "leaky_relu", "slope", 0.01)
--- ELU(alpha): x, or alpha · (exp(x) - 1) (1) where x is negative.
with_number("ELU", "elu", "alpha", 1)

return activations
