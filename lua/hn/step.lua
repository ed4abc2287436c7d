--- One training step: what hn.fit does with a minibatch, and what net:memory counts.
-- @module hn.step

local core <const> = require "hn.core"
local losses <const> = require "hn.loss"

local step = {}

--- Forward and backward for a minibatch, or for a part of one; the gradients are added to the parameters'.
-- @param found a loss made by `losses.find`
-- @param totals takes the loss (of a part, what it contributes to the minibatch's) and the wrong answers
-- @param part { x, y, weight, total }: total is the sum of the minibatch's weights, or nil for a whole minibatch
-- @param about what the totals' check is to know of it
function step.gradients(net, found, totals, part, about)
  local _ <close> = core.tape()
  local output <const>, y <const>, weight <const>, total <const> = net(part.x), part.y, part.weight, part.total
  local loss <const> = total and found.part(output, y, weight, total) or found.call(output, y, weight)
  totals:add(losses.check_result("hn.fit", loss), output, y, weight, total, about)
  loss:backward()
end

return step
