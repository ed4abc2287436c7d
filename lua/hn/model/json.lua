--- JSON texts of plain tables: sorted, so that equal tables give equal texts. core.json reads them.
-- @module hn.model.json

local core <const> = require "hn.core"

local escapes <const> = { ['"'] = '\\"', ["\\"] = "\\\\" }

local function text(value)
  return '"' .. value:gsub('[%c"\\]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

--- Every double comes back as the same one. JSON has no infinity, but readers take 1e999 for one.
local function number(value)
  if value ~= value then core.fail("numeric", "a file cannot hold nan") end
  if value == math.huge or value == -math.huge then return value > 0 and "1e999" or "-1e999" end
  return math.type(value) == "integer" and ("%d"):format(value) or ("%.17g"):format(value)
end

local encode

local function list(value)
  local parts <const> = {}
  for i, one in ipairs(value) do parts[i] = encode(one) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function object(value)
  local keys <const>, parts <const> = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = text(key) .. ":" .. encode(value[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- A table with entries 1, 2, ... is a list, any other an object of texts as keys.
function encode(value)
  local kind <const> = type(value)
  if kind == "string" then return text(value) end
  if kind == "number" then return number(value) end
  if kind == "boolean" then return tostring(value) end
  return #value > 0 and list(value) or object(value)
end

return encode
