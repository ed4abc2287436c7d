--- Training for weights that are deployed as whole numbers (the option `quantize` of hn.fit).
--
-- While it goes on, the network holds its weights rounded, as `hnrun export --int8` (or `--int4`) stores them; what
-- updates change are float32 masters beside it. So the forward and the backward pass, validation, the best weights and
-- a checkpoint's network are those of the network that will be deployed, and gradients pass straight through the
-- rounding (Courbariaux, Bengio & David 2015; Jacob et al. 2018). Rounding a rounded network again changes nothing, so
-- what is saved at the end and exported is, to the bit, what was validated.
--
-- Rounded are buckets and dense weights, each tensor by a unit of its own; biases and norms stay as they are.
-- @module hn.quantized

local core <const> = require "hn.core"
local quantise <const> = require "hn.export.quantise"
local walk <const> = require "hn.nn.walk"

local quantized <const> = {}

--- Rule of the option `quantize`.
quantized.rule = { choices = { "int8", "int4" }, aka = { "quantise", "quantization", "qat" } }

local Masters <const> = {}
Masters.__index = Masters

local function round(self, tensor)
  local _ <close> = core.scope()
  tensor:set(core.ops.quantize(tensor, self.levels))
end

--- A step of the optimiser on the masters, with the gradients that the rounded weights got; rounds anew.
function Masters:step(parameters, rate)
  for _, pair in ipairs(self) do pair.tensor:set(pair.master) end
  self.optimizer:step(parameters, rate)
  for _, pair in ipairs(self) do
    pair.master:set(pair.tensor)
    round(self, pair.tensor)
  end
end

--- Frees the masters; the network stays rounded.
function Masters:__close()
  for _, pair in ipairs(self) do pair.master:close() end
end

--- Rounds a network's weights and keeps them as they were: a list of { tensor =, master = }, whose `step` takes the
-- optimiser's place.
-- @param kind what `quantize` says
function quantized.masters(net, optimizer, kind)
  local self <const> = setmetatable({ optimizer = optimizer, levels = quantise.levels[kind] }, Masters)
  for _, entry in ipairs(walk.tensors(net)) do
    local tensor <const> = entry.tensor
    if entry.virtual or tensor:is_parameter() and tensor:dims() > 1 then
      self[#self + 1] = { tensor = tensor, master = core.update_state(core.new_states(), tensor, 1, true):set(tensor) }
      round(self, tensor)
    end
  end
  return self
end

return quantized
