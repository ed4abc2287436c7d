--- One training step: what hn.fit does with a minibatch, and what net:memory counts.
-- @module hn.step

local core <const> = require "hn.core"
local losses <const> = require "hn.loss"

local step = {}

--- Forward and backward for a minibatch, or for a part of one; the gradients are added to the parameters'. Returns the
-- loss: of a part, what it contributes to the minibatch's.
-- @param found a loss made by `losses.find`
-- @param totals takes the loss and the wrong answers
-- @param part { x, y, weight, total }: total is the sum of the minibatch's weights, or nil for a whole minibatch
-- @param check called with the loss, before anything is done with it
function step.gradients(net, found, totals, part, check)
  local _ <close> = core.tape()
  local output <const>, y <const>, weight <const>, total <const> = net(part.x), part.y, part.weight, part.total
  local loss <const> = total and found.part(output, y, weight, total) or found.call(output, y, weight)
  local value <const> = losses.check_result("hn.fit", loss):item()
  check(value)
  totals:add(value, output, y, weight, total)
  loss:backward()
  return value
end

return step
