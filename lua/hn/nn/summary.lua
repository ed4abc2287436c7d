--- What a network holds, virtually and in truth.
-- @module hn.nn.summary

local text <const> = require "hn.text"
local walk <const> = require "hn.nn.walk"

local Summary <const> = {}

--- Counts a module's own weights: `virtual` as the network sees them, `stored` as memory does. A pool that was met
-- before adds no stored weights; `total` collects each tensor once.
local function count(module, total)
  local row = { name = module.name, virtual = 0, stored = 0, seen = {} }
  walk.own(module, function(value, kind)
    if kind == "matrix" then
      local info <const> = value:info()
      local pool <const> = value:pool()
      row.virtual = row.virtual + info.rows * info.cols
      row.pool = row.pool or pool
      row.load = row.load or info.rows * info.cols / info.count
      if not row.seen[pool] then row.stored = row.stored + info.count end
      row.seen[pool] = true
      if total[pool] then row.shared = total[pool].name end
    end
  end)
  walk.own(module, function(value, kind)
    if kind == "tensor" and value:is_parameter() and not row.seen[value] then
      row.virtual, row.stored = row.virtual + value:size(), row.stored + value:size()
      row.seen[value] = true
      if total[value] then row.shared = total[value].name end
    end
  end)
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

--- Adds the row's tensors to the totals, each only once.
local function add_stored(summary, row, total)
  for tensor in pairs(row.seen) do
    if not total[tensor] then
      total[tensor] = { name = row.path }
      summary.stored = summary.stored + tensor:size()
    end
  end
end

local function summarise(net)
  local summary, total = { layers = {}, virtual = 0, stored = 0 }, {}
  walk.modules(net, function(module, path)
    local row <const> = count(module, total)
    if row.virtual == 0 and not is_leaf(module) then return end
    row.path, row.shape = path, shape_of(module)
    row.bytes, row.compression = 4 * row.stored, row.virtual > 0 and row.stored / row.virtual or nil
    summary.virtual = summary.virtual + row.virtual
    add_stored(summary, row, total)
    row.seen, row.pool = nil, nil
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

Summary.__name = "summary"

function Summary:__tostring()
  local rows = { { "layer", "shape", "virtual", "stored", "bytes", "compression", "load" } }
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
