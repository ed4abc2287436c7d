-- Files of columns, written byte by byte, for specs of hn.data.events. A table is a list of { name, values, type }, the
-- type one of NumPy's ("<f4", ">i8", ...; "<f8" where it is left out).

local files <const> = require "spec.support.files"

local tables <const> = {}

local packs <const> = { f4 = "f", f8 = "d", i1 = "i1", i2 = "i2", i4 = "i4", i8 = "i8", u1 = "I1", u2 = "I2" }

local function type_of(column) return column[3] or "<f8" end

local function pack(kind, value)
  local order <const> = kind:sub(1, 1) == ">" and ">" or "<"
  local letter <const> = packs[kind:sub(2)]
  return string.pack(order .. letter, letter:find "[fd]" and value or math.tointeger(value))
end

local function each_row(columns, f)
  local parts <const> = {}
  for i = 1, #columns[1][2] do
    for _, column in ipairs(columns) do parts[#parts + 1] = f(column, column[2][i]) end
  end
  return table.concat(parts)
end

-- Text with this separator; values as they are printed, %.17g for numbers.
function tables.csv(columns, separator)
  separator = separator or ","
  local names <const>, lines <const> = {}, {}
  for k, column in ipairs(columns) do names[k] = column[1] end
  lines[1] = table.concat(names, separator)
  for i = 1, #columns[1][2] do
    local fields <const> = {}
    for k, column in ipairs(columns) do
      local value <const> = column[2][i]
      fields[k] = type(value) == "number" and ("%.17g"):format(value) or value
    end
    lines[#lines + 1] = table.concat(fields, separator)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- The bytes of an array: a dictionary, then numbers.
function tables.npy(descr, shape, numbers, fortran)
  local header = ("{'descr': %s, 'fortran_order': %s, 'shape': (%s), }"):format(descr, fortran and "True" or "False",
    shape)
  header = header .. (" "):rep(63 - (10 + #header) % 64) .. "\n"
  return "\x93NUMPY\1\0" .. string.pack("<I2", #header) .. header .. numbers
end

function tables.structured(columns)
  local fields <const> = {}
  for k, column in ipairs(columns) do fields[k] = ("('%s', '%s')"):format(column[1], type_of(column)) end
  return tables.npy("[" .. table.concat(fields, ", ") .. "]", #columns[1][2] .. ",",
    each_row(columns, function(column, value) return pack(type_of(column), value) end))
end

-- A plain array of two dimensions, all of one type.
function tables.plain(columns, fortran)
  local kind <const> = type_of(columns[1])
  local numbers = each_row(columns, function(_, value) return pack(kind, value) end)
  if fortran then
    local parts <const> = {}
    for _, column in ipairs(columns) do
      for _, value in ipairs(column[2]) do parts[#parts + 1] = pack(kind, value) end
    end
    numbers = table.concat(parts)
  end
  return tables.npy("'" .. kind .. "'", #columns[1][2] .. ", " .. #columns, numbers, fortran)
end

-- gzip without its frame is what ZIP calls deflated.
local function deflate(bytes)
  local packed <const> = files.read(files.gzip(files.write(bytes)))
  local name <const> = packed:byte(4) & 8 ~= 0 and packed:find("\0", 11, true) or 10
  return packed:sub(name + 1, -9)
end

-- An archive of { name = bytes } pairs in a list.
function tables.zip(entries, deflated)
  local parts <const>, directory <const>, at = {}, {}, 0
  for k, entry in ipairs(entries) do
    local name <const>, bytes <const> = entry[1], entry[2]
    local body <const> = deflated and deflate(bytes) or bytes
    local common <const> = string.pack("<I2I2I2I2I2I4I4I4I2I2", 20, 0, deflated and 8 or 0, 0, 0, 0, #body, #bytes,
      #name, 0)
    parts[k] = "PK\3\4" .. common .. name .. body
    directory[k] = "PK\1\2" .. string.pack("<I2", 20) .. common .. string.pack("<I2I2I2I4I4", 0, 0, 0, 0, at) .. name
    at = at + #parts[k]
  end
  local list <const> = table.concat(directory)
  return table.concat(parts) .. list .. "PK\5\6"
    .. string.pack("<I2I2I2I2I4I4I2", 0, 0, #entries, #entries, #list, at, 0)
end

function tables.npz(columns, deflated)
  local entries <const> = {}
  for k, column in ipairs(columns) do
    local kind <const> = type_of(column)
    entries[k] = { column[1] .. ".npy", tables.npy("'" .. kind .. "'", #column[2] .. ",",
      each_row({ column }, function(_, value) return pack(kind, value) end)) }
  end
  return tables.zip(entries, deflated)
end

return tables
