--- Dropout (Srivastava et al. 2014).
-- @module hn.nn.Dropout

local core <const> = require "hn.core"
local options <const> = require "hn.options"

local Dropout <const> = require "hn.nn.module" "Dropout"
Dropout.made_of = { rate = "number" }
Dropout.any_input = true

local rule <const> = { "number", default = 0.5, least = 0, below = 1 }

--- Dropout(rate): in training, sets a number to zero with probability `rate` (0.5) and divides the others by 1 - rate;
-- in evaluation it does nothing.
function Dropout:init(rate) self.rate = options.value("hn.nn.Dropout", "rate", rate, rule) end

function Dropout:forward(x)
  if not self.training or self.rate == 0 then return x end
  return core.ops.dropout(x, self.rate)
end

function Dropout:describe() return ("%g"):format(self.rate) end

return Dropout
