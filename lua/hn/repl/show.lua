--- Values as the prompt prints them: tables laid out, tensors as grids of numbers.
-- @module hn.repl.show

local kinds <const> = require "hn.kinds"
local lexer <const> = require "hn.repl.lexer"
local show_tensor <const> = require "hn.repl.show_tensor"
local text <const> = require "hn.text"

--- `items` is of the outermost table, half of it of a table in that, a third in the next one. Texts are in bytes.
local limits <const> = { depth = 6, items = 60, text = 4000, inner_text = 120 }

local escapes <const> = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

--- A string as Lua would take it, cut at `most` bytes; what is no UTF-8 as bytes in numbers.
local function show_string(s, most)
  local rest <const> = #s - most
  local cut <const> = rest > 0 and s:sub(1, (utf8.offset(s, 0, most + 1) or most + 1) - 1) or s
  local shown = cut:gsub('[%c"\\]', function(c) return escapes[c] or ("\\%03d"):format(c:byte()) end)
  if not utf8.len(cut) then shown = shown:gsub("[\x80-\xff]", function(c) return ("\\%03d"):format(c:byte()) end) end
  return '"' .. shown .. '"' .. (rest > 0 and ("... (%s bytes)"):format(text.count(#s)) or "")
end

local function show_function(f)
  local info <const> = debug.getinfo(f, "S")
  if info.what == "C" then return "function (in C)" end
  return ("function (%s:%d)"):format(info.short_src, info.linedefined)
end

local function has_text(value)
  local meta <const> = getmetatable(value)
  return type(meta) == "table" and (meta.__tostring or meta.__name) and true or false
end

--- A value that is no table to lay out, on one line.
local function show_leaf(value)
  local kind <const> = type(value)
  if kind == "string" then return show_string(value, limits.inner_text) end
  if kind == "function" then return show_function(value) end
  if kind == "table" or kind == "userdata" then
    local described <const> = kinds.of(value) ~= kind and kinds.of(value) ~= "class" and kinds.describe(value)
    if described then return "<" .. described:gsub("^an? ", "") .. ">" end
    local first <const>, more <const> = tostring(value):match("^([^\n]*)(\n?)")
    return "<" .. first .. (more ~= "" and " ..." or "") .. ">"
  end
  return tostring(value)
end

--- Keys that are no list's, in the order of printing: numbers, strings, others as they come.
local function other_keys(t, length)
  local keys <const>, rank <const> = {}, { number = 1, string = 2 }
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= length) then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    local x <const>, y <const> = rank[type(a)] or 3, rank[type(b)] or 3
    if x ~= y then return x < y end
    if x == 3 then return tostring(a) < tostring(b) end
    return a < b
  end)
  return keys
end

local function show_key(key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") and not lexer.keywords[key] then return key end
  return "[" .. show_leaf(key) .. "]"
end

local show_value

--- The entries of a table as texts, as many as the limit allows; and how many more there are.
local function entries(t, room, seen)
  local list <const>, length <const> = {}, rawlen(t)
  local keys <const>, most <const> = other_keys(t, length), limits.items // seen.depth
  for i = 1, math.min(length, most) do list[i] = show_value(rawget(t, i), room, seen) end
  for i = 1, math.min(#keys, most) do
    local name <const> = show_key(keys[i]) .. " = "
    list[#list + 1] = name .. show_value(rawget(t, keys[i]), room - #name, seen)
  end
  return list, length + #keys - #list, #keys == 0
end

--- Texts one after the other, in lines of at most `room` columns.
local function filled(list, room)
  local lines <const> = {}
  local line = ""
  for _, item in ipairs(list) do
    if line ~= "" and #line + #item + 2 > room then
      lines[#lines + 1], line = line, ""
    end
    line = line .. (line == "" and "" or " ") .. item .. ","
  end
  lines[#lines + 1] = line
  return lines
end

local function is_plain(list)
  for _, item in ipairs(list) do
    if #item > 24 or item:find("[{\n]") then return false end
  end
  return true
end

--- A table in one line if that fits, else an entry in each; lists of short values fill their lines.
local function show_table(t, room, seen)
  if seen[t] then return "{ <a table around this one> }" end
  if seen.depth >= limits.depth then return next(t) == nil and "{}" or "{ ... }" end
  seen[t], seen.depth = true, seen.depth + 1
  local list <const>, more <const>, is_list <const> = entries(t, room - 2, seen)
  seen[t], seen.depth = nil, seen.depth - 1
  if #list == 0 then return "{}" end
  local rest <const> = more > 0 and ("... %s more"):format(text.count(more)) or nil
  local line <const> = "{ " .. table.concat(list, ", ") .. (rest and ", " .. rest or "") .. " }"
  if #line <= room and not line:find("\n", 1, true) then return line end
  local lines <const> = is_list and is_plain(list) and filled(list, room - 2) or {}
  if #lines == 0 then
    for i, item in ipairs(list) do lines[i] = item .. "," end
  end
  lines[#lines + 1] = rest
  return "{\n  " .. table.concat(lines, "\n"):gsub("\n", "\n  ") .. "\n}"
end

--- A value inside a table.
function show_value(value, room, seen)
  if type(value) == "table" and not has_text(value) then return show_table(value, room, seen) end
  return show_leaf(value)
end

--- A value in words: tables laid out over lines of at most `columns` (80), down to a depth, with a limit on entries;
-- tensors as a grid; other objects as they print themselves.
return function(value, columns)
  columns = columns or 80
  if type(value) == "string" then return show_string(value, limits.text) end
  if kinds.of(value) == "tensor" then return show_tensor(value, columns) end
  if type(value) == "table" or type(value) == "userdata" then
    return has_text(value) and tostring(value) or type(value) == "table" and show_table(value, columns, { depth = 0 })
      or tostring(value)
  end
  return show_leaf(value)
end
