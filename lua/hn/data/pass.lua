--- Where the minibatches of one pass over a data set come from: its arrays, or files (hn.data.events.stream).
-- @module hn.data.pass

local core <const> = require "hn.core"

local Pass <const> = {}
Pass.__index = Pass

local pass <const> = {}

--- Row numbers in the order of one pass; nil: as they are stored.
function pass.order(data, shuffle)
  if not shuffle then return data.index end
  local order <const> = core.sequence(data.count, true)
  return data.index and data.index:pick(order) or order
end

--- A column's rows as a device tensor: those listed in `rows`, or `count` from `first` on; nil where there is none.
function pass.gather(array, spec, rows, first, count)
  if not array then return nil end
  if rows then return array:gather(rows, spec) end
  return array:slice(first, count):gather(nil, spec)
end

--- Samples first, ..., first + count - 1 of the pass become the minibatch that pieces are taken from.
function Pass:begin() end

--- Samples of the minibatch as device tensors: x, y, weight.
function Pass:piece(first, count)
  local data <const>, specs <const> = self.data, self.data.specs
  local rows <const> = self.order and self.order:slice(first, count)
  return pass.gather(data.x, specs.x, rows, first, count), pass.gather(data.y, specs.y, rows, first, count),
    pass.gather(data.weight, specs.weight, rows, first, count)
end

--- Samples, or the sum of their weights.
function Pass:weight(first, count)
  local data <const> = self.data
  if not data.weight then return count end
  local _ <close> = core.scope()
  local rows <const> = self.order and self.order:slice(first, count)
  return core.ops.sum(pass.gather(data.weight, data.specs.weight, rows, first, count)):item()
end

--- Ends the pass.
function Pass:close() end

Pass.__close = Pass.close

return setmetatable(pass, { __call = function(_, data, shuffle)
  if data.stream then return data.stream:pass(data.specs, shuffle) end
  return setmetatable({ data = data, order = pass.order(data, shuffle) }, Pass)
end })
