--- What a value is, in the words of this library: the engine's userdata, modules and data sets beside Lua's own types.
-- @module hn.kinds

local kinds = {}

local userdata <const> = { ["hn.tensor"] = "tensor", ["hn.matrix"] = "matrix", ["hn.array"] = "array" }

--- The kind of a value: "tensor", "matrix", "array", "module", "class" (of modules), "data", "optimizer", "schedule",
-- or what `type` says. Objects made in Lua carry it in the metatable field `kind`.
function kinds.of(value)
  local kind = type(value)
  if kind ~= "table" and kind ~= "userdata" then return kind end
  local meta = getmetatable(value)
  if type(meta) ~= "table" then return kind end
  return kind == "userdata" and userdata[meta.__name] or meta.kind or kind
end

--- Whether a value can be called: a function, or an object with `__call`.
function kinds.callable(value)
  if type(value) == "function" then return true end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

--- A shape in words: "50x784".
function kinds.shape(value)
  return table.concat(value:shape(), "x")
end

--- A value as error messages show it after "got".
function kinds.describe(value)
  local kind = kinds.of(value)
  if kind == "nil" then return "nothing" end
  if kind == "string" then return #value <= 40 and ("%q"):format(value) or ("%q..."):format(value:sub(1, 37)) end
  if value ~= value then return "nan" end
  if kind == "number" then
    if math.type(value) == "integer" then return tostring(value) end
    return (value % 1 == 0 and math.abs(value) < 1e15 and "%.1f" or "%.7g"):format(value)
  end
  if kind == "boolean" then return tostring(value) end
  if kind == "tensor" then return value:closed() and "a closed tensor" or "a tensor " .. kinds.shape(value) end
  if kind == "array" then return "a host array " .. kinds.shape(value) end
  if kind == "data" then return "a data set" end
  if kind == "module" then return "a module (" .. value.name .. ")" end
  if kind == "class" then return ("the class %s; call it to make one"):format(value.name) end
  if kind == "optimizer" then return "an optimizer" end
  return "a " .. kind
end

return kinds
