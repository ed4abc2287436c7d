--- A copy of a network's numbers in host memory, to go back to: the best weights of a training run. The device holds
-- nothing of it.
-- @module hn.snapshot

local core <const> = require "hn.core"

local Snapshot <const> = {}
Snapshot.__index = Snapshot

local array_types <const> = { float = "f32", int = "i32" }

--- Makes the arrays that hold the values.
function Snapshot:open()
  for i, tensor in ipairs(self.tensors) do
    self.values[i] = self.values[i] or core.array(array_types[tensor:dtype()], tensor:shape())
  end
  self.taken = true
end

--- Takes the current values of a list of tensors, replacing those taken before.
function Snapshot:take()
  self:open()
  for i, tensor in ipairs(self.tensors) do self.values[i]:take(tensor) end
end

--- Puts the values back that were taken last, if any were.
function Snapshot:restore()
  for i, tensor in ipairs(self.taken and self.tensors or {}) do self.values[i]:give(tensor) end
end

--- Makes an empty snapshot for a list of tensors.
return function(tensors)
  return setmetatable({ tensors = tensors, values = {}, taken = false }, Snapshot)
end
