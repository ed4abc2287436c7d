--- Looks into values without running any of their code: what completion and help are built on.
-- @module hn.repl.value

local value <const> = {}

local longest_chain <const> = 20 -- of metatables, which may go round in a circle

--- The table in which Lua looks for what a value does not hold itself, or nil.
local function parent(object)
  local meta <const> = debug.getmetatable(object)
  local index <const> = meta and rawget(meta, "__index")
  return type(index) == "table" and index or nil
end

--- Field or method of a value, found in tables only; nil where there is none.
function value.index(object, key)
  for _ = 1, longest_chain do
    if object == nil then return nil end
    local found <const> = type(object) == "table" and rawget(object, key)
    if found then return found end
    object = parent(object)
  end
  return nil
end

--- The names by which a value's fields and methods can be written, sorted.
-- @param callable only what can be called, as behind a colon
function value.names(object, callable)
  local seen <const>, names <const> = {}, {}
  for _ = 1, longest_chain do
    for key, field in next, type(object) == "table" and object or {} do
      local good <const> = type(key) == "string" and key:find("^[%a_][%w_]*$") and not seen[key]
      if good and (not callable or value.callable(field)) then names[#names + 1] = key end
      seen[key] = true
    end
    object = parent(object)
    if object == nil then break end
  end
  table.sort(names)
  return names
end

--- Whether a value can be called.
function value.callable(object)
  if type(object) == "function" then return true end
  local meta <const> = debug.getmetatable(object)
  return meta ~= nil and rawget(meta, "__call") ~= nil
end

--- The value at the end of a path of keys from the global variables, or nil.
function value.at(path)
  local object = _G
  for _, key in ipairs(path) do object = value.index(object, key) end
  return object
end

return value
