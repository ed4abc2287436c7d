--- What a network holds, virtually and in truth.
--
-- `load` is the mean number of virtual weights for each bucket of the layer.
-- @module hn.nn.summary

local text <const> = require "hn.text"
local walk <const> = require "hn.nn.walk"

local Summary <const> = { __name = "summary" }

--- Adds a virtual matrix to a module's row. Two matrices over the same buckets store them once.
local function count_matrix(row, matrix)
  local info <const>, pool <const> = matrix:info(), matrix:pool()
  local range <const> = ("%d+%d"):format(info.offset, info.count)
  row.hashed = (row.hashed or 0) + info.rows * info.cols
  row.tensors[pool] = row.tensors[pool] or {}
  if not row.tensors[pool][range] then row.buckets = (row.buckets or 0) + info.count end
  row.tensors[pool][range] = true
end

--- Counts a module's own weights: `virtual` as the network sees them, `stored` as memory does. `before` tells which
-- tensors layers above hold.
local function count(module, before)
  local row <const>, plain = { name = module.name, tensors = {} }, 0
  walk.own(module, function(value, kind)
    if kind == "matrix" then count_matrix(row, value) end
  end)
  walk.own(module, function(value, kind)
    if kind == "tensor" and value:is_parameter() and not row.tensors[value] then
      row.tensors[value] = {}
      plain = plain + value:size()
    end
  end)
  row.virtual, row.stored = (row.hashed or 0) + plain, (row.buckets or 0) + plain
  row.load = row.hashed and row.hashed / row.buckets
  for tensor in pairs(row.tensors) do row.shared = row.shared or before[tensor] end
  return row
end

local function shape_of(module)
  if module.inputs and module.outputs then return ("%d -> %d"):format(module.inputs, module.outputs) end
  return math.type(module.size) and tostring(module.size) or ""
end

local function is_leaf(module)
  local leaf = true
  walk.own(module, function(_, kind) leaf = leaf and kind ~= "module" end)
  return leaf
end

--- Adds the row to the totals, each tensor only once.
local function add_up(summary, row, before)
  summary.virtual = summary.virtual + row.virtual
  for tensor in pairs(row.tensors) do
    if not before[tensor] then summary.stored = summary.stored + tensor:size() end
    before[tensor] = row.path
  end
end

local function summarise(net)
  local summary <const>, before <const> = { layers = {}, virtual = 0, stored = 0 }, {}
  walk.modules(net, function(module, path)
    local row <const> = count(module, before)
    if row.virtual == 0 and not is_leaf(module) then return end
    row.path, row.shape = path, shape_of(module)
    row.bytes, row.compression = 4 * row.stored, row.virtual > 0 and row.stored / row.virtual or nil
    add_up(summary, row, before)
    row.tensors, row.hashed, row.buckets = nil, nil, nil
    summary.layers[#summary.layers + 1] = row
  end)
  summary.bytes = 4 * summary.stored
  summary.compression = summary.virtual > 0 and summary.stored / summary.virtual or 1
  return setmetatable(summary, Summary)
end

local function cells(name, shape, row)
  if row.virtual == 0 then return { name, shape, "", "", "", "", "" } end
  return {
    name, shape, text.count(row.virtual), text.count(row.stored) .. (row.shared and "*" or ""), text.bytes(row.bytes),
    text.ratio(row.compression), row.load and ("%.3g"):format(row.load) or "",
  }
end

function Summary:__tostring()
  local rows = { { "layer", "shape", "virtual weights", "stored weights", "bytes", "compression", "load" } }
  local shared = false
  for _, row in ipairs(self.layers) do
    rows[#rows + 1] = cells((row.path .. " " .. row.name):gsub("^ ", ""), row.shape, row)
    shared = shared or row.shared
  end
  rows[#rows + 1] = cells("total", "", self)
  local note <const> = shared and "\n* buckets of a layer above, counted once in the total" or ""
  return text.align(rows, { true, true }) .. note
end

return summarise
