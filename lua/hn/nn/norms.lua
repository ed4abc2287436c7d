--- Normalisation between layers: over the minibatch, or over each sample.
-- @module hn.nn.norms

local core <const> = require "hn.core"
local module <const> = require "hn.nn.module"
local options <const> = require "hn.options"

local BatchNorm <const> = module "BatchNorm"
local LayerNorm <const> = module "LayerNorm"
BatchNorm.made_of = { size = "size", momentum = "number", epsilon = "number", gain = "tensor size",
  bias = "tensor size", running_mean = "tensor size", running_variance = "tensor size" }
LayerNorm.made_of = { size = "size", epsilon = "number", gain = "tensor size", bias = "tensor size" }

local epsilon <const> = { "number", default = 1e-5, above = 0, aka = { "eps" } }

local function gain_and_bias(self, size)
  self.size = options.value("hn.nn." .. self.name, "size", size, options.rules.size)
  self.gain = core.tensor({ self.size }, 1):parameter()
  self.bias = core.tensor { self.size }:parameter()
end

local check_batch <const> = options.declare("hn.nn.BatchNorm", {
  momentum = { "number", default = 0.1, least = 0, most = 1 },
  epsilon = epsilon,
})

--- BatchNorm(size, options): each of `size` features to mean 0 and variance 1 over the minibatch, then gain and bias.
-- Evaluation uses running statistics. Options: `momentum` (0.1, the weight of the newest minibatch in these),
-- `epsilon` (1e-5). Fields: `gain`, `bias`, `running_mean`, `running_variance`.
function BatchNorm:init(size, given)
  gain_and_bias(self, size)
  local o <const> = check_batch(given)
  self.momentum, self.epsilon = o.momentum, o.epsilon
  self.running_mean = core.tensor { self.size }
  self.running_variance = core.tensor({ self.size }, 1)
end

function BatchNorm:forward(x)
  return core.ops.batch_norm(x, self.gain, self.bias, self.running_mean, self.running_variance,
    self.training and 1 or 0, self.momentum, self.epsilon)
end

function BatchNorm:describe() return tostring(self.size) end

local check_layer <const> = options.declare("hn.nn.LayerNorm", { epsilon = epsilon })

--- LayerNorm(size, options): each sample's last dimension of `size` to mean 0 and variance 1, then gain and bias.
-- Option `epsilon` (1e-5). Fields: `gain`, `bias`.
function LayerNorm:init(size, given)
  gain_and_bias(self, size)
  self.epsilon = check_layer(given).epsilon
end

function LayerNorm:forward(x) return core.ops.layer_norm(x, self.gain, self.bias, self.epsilon) end

function LayerNorm:describe() return tostring(self.size) end

return { BatchNorm = BatchNorm, LayerNorm = LayerNorm }
