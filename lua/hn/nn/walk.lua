--- Finds what a module holds: tensors, matrices and other modules in its fields, also in plain tables there.
-- The order is fixed, so that parameters, summaries and saved states agree on every run: the array part first, then
-- the fields sorted by name.
-- @module hn.nn.walk

local kinds <const> = require "hn.kinds"

local walk = {}

--- The fields of a table in that order, as a list of { key, value }.
function walk.fields(object)
  local list, names = {}, {}
  for i, value in ipairs(object) do list[i] = { i, value } end
  local count <const> = #list
  for key in pairs(object) do
    if type(key) == "string" then names[#names + 1] = key end
  end
  table.sort(names)
  for i, name in ipairs(names) do list[count + i] = { name, object[name] } end
  return list
end

local holds <const> = { tensor = true, matrix = true, module = true }

--- Calls visit(value, kind, path) for everything held directly: by the module itself or by plain tables in it.
-- `path` is the field's name, with dots for tables within tables.
function walk.own(module, visit)
  local seen <const> = { [module] = true }
  local function go(object, prefix)
    for _, field in ipairs(walk.fields(object)) do
      local value <const>, path <const> = field[2], prefix .. field[1]
      local kind <const> = kinds.of(value)
      if holds[kind] then
        visit(value, kind, path)
      elseif kind == "table" and not getmetatable(value) and not seen[value] then
        seen[value] = true
        go(value, path .. ".")
      end
    end
  end
  go(module, "")
end

--- Calls visit(module, path) for the module and every module inside, each once, outer ones first.
function walk.modules(module, visit)
  local seen <const> = {}
  local function go(one, path)
    if seen[one] then return end
    seen[one] = true
    visit(one, path)
    walk.own(one, function(value, kind, name)
      if kind == "module" then go(value, path == "" and name or path .. "." .. name) end
    end)
  end
  go(module, "")
end

--- Every tensor inside, each once, as a list of { tensor=, path=, virtual= }; a matrix counts as its pool. `virtual` is
-- the number of elements of all matrices over the tensor, or nil.
function walk.tensors(module)
  local list <const>, entries <const>, matrices <const> = {}, {}, {}
  local function entry_of(tensor, path)
    if not entries[tensor] then
      entries[tensor] = { tensor = tensor, path = path }
      list[#list + 1] = entries[tensor]
    end
    return entries[tensor]
  end
  walk.modules(module, function(one, place)
    walk.own(one, function(value, kind, name)
      local path <const> = place == "" and name or place .. "." .. name
      if kind == "tensor" then
        entry_of(value, path)
      elseif kind == "matrix" and not matrices[value] then
        local entry <const>, info <const> = entry_of(value:pool(), path), value:info()
        entry.virtual = (entry.virtual or 0) + info.rows * info.cols
        matrices[value] = true
      end
    end)
  end)
  return list
end

return walk
