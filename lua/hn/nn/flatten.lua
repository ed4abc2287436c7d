--- Samples of any shape as rows.
-- @module hn.nn.Flatten

local core <const> = require "hn.core"

local Flatten <const> = require "hn.nn.module" "Flatten"
Flatten.any_input = true

--- Flatten(): {batch, a, b, ...} becomes {batch, a · b · ...}.
function Flatten.init() end

function Flatten.forward(_, x)
  local shape <const> = x:shape()
  return core.ops.reshape(x, shape[1], x:size() // shape[1])
end

return Flatten
