--- A copy of a network's numbers in host memory, to go back to: the best weights of a training run. The device holds
-- nothing of it, and tensors travel in pieces, so that the copy costs no device memory either.
-- @module hn.snapshot

local core <const> = require "hn.core"

local Snapshot <const> = {}
Snapshot.__index = Snapshot

local piece <const> = 1 << 16

--- Calls visit(slice, number) for pieces of the tensor: slices of leading rows.
local function each_piece(tensor, visit)
  local rows <const> = tensor:shape()[1]
  local step <const> = math.max(1, piece * rows // tensor:size())
  for first = 1, rows, step do
    local _ <close> = core.scope()
    visit(core.ops.slice(tensor, first, math.min(step, rows - first + 1)), (first - 1) // step + 1)
  end
end

local function copy(slice)
  local size <const> = slice:size()
  return core.array("f32", { size }, core.ops.reshape(slice, size):table())
end

--- Takes the current values of a list of tensors, replacing those taken before.
function Snapshot:take()
  for i, tensor in ipairs(self.tensors) do
    local pieces <const> = {}
    each_piece(tensor, function(slice, k) pieces[k] = copy(slice) end)
    self.values[i] = pieces
  end
  self.taken = true
end

--- Puts the values back that were taken last, if any were.
function Snapshot:restore()
  if not self.taken then return end
  for i, tensor in ipairs(self.tensors) do
    each_piece(tensor, function(slice, k) slice:set(self.values[i][k]:table()) end)
  end
end

--- Makes an empty snapshot for a list of tensors.
return function(tensors)
  return setmetatable({ tensors = tensors, values = {}, taken = false }, Snapshot)
end
