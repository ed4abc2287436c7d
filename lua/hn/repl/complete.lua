--- Completion: what may stand where the cursor is. It looks and runs nothing.
-- @module hn.repl.complete

local lexer <const> = require "hn.repl.lexer"
local options <const> = require "hn.options"
local value <const> = require "hn.repl.value"

local function text_at(tokens, i) return tokens[i] and tokens[i].text or "" end

--- The path of names and plain indices that ends at tokens[i], such as { "net", 1, "weight" }; nil where an expression
-- stands there that would have to be run.
local function path_to(tokens, i)
  local path <const> = {}
  while tokens[i] do
    local token <const>, key = tokens[i], tokens[i].text
    if token.text == "]" and text_at(tokens, i - 2) == "[" then
      local index <const> = tokens[i - 1]
      key = index.kind == "number" and math.tointeger(index.text) or index.text:match("^['\"]([^\\]*)['\"]$")
      if not key then return nil end
      i = i - 3
    elseif token.kind == "name" then
      local dot <const> = text_at(tokens, i - 1)
      table.insert(path, 1, key)
      if dot ~= "." and dot ~= ":" then return path end
      i, key = i - 2, nil
    else
      return nil
    end
    if key then table.insert(path, 1, key) end
  end
  return nil
end

--- Where the innermost bracket stands that is open before tokens[i], or nil.
local function opener(tokens, i)
  local depth = 0
  for k = i, 1, -1 do
    local text <const> = tokens[k].kind == "symbol" and tokens[k].text or ""
    if text:find("^[%)%]}]$") then depth = depth + 1 end
    if text:find("^[%(%[{]$") then
      if depth == 0 then return k end
      depth = depth - 1
    end
  end
  return nil
end

--- The options of the function that a path names: by its full name, else of all that end in the same name.
local function options_of(path)
  local full <const> = table.concat(path, ".")
  if options.declared[full] then return options.declared[full] end
  local found <const> = {}
  for where, rules in pairs(options.declared) do
    if where:match("([^.]*)$") == path[#path] then
      for name, rule in pairs(rules) do found[name] = rule end
    end
  end
  return found
end

--- The full name of the call, and of the option in it, whose table opens at tokens[i]; as a path.
local function call_of(tokens, i)
  if text_at(tokens, i - 1) == "=" then
    local outer <const> = opener(tokens, i - 1)
    local path <const> = outer and text_at(tokens, outer) == "{" and call_of(tokens, outer)
    if path then path[#path] = path[#path] .. ": " .. text_at(tokens, i - 2) end
    return path
  end
  if text_at(tokens, i - 1) == "(" or text_at(tokens, i - 1) == "," then
    local outer <const> = opener(tokens, i - 1)
    return outer and text_at(tokens, outer) == "(" and path_to(tokens, outer - 1) or nil
  end
  return path_to(tokens, i - 1)
end

--- The rules of the options among which tokens[i] stands, by name; empty where none are known.
local function rules_around(tokens, i)
  local open <const> = opener(tokens, i)
  local path <const> = open and text_at(tokens, open) == "{" and call_of(tokens, open)
  return path and options_of(path) or {}
end

--- Those of the names that begin with `start`, in order.
local function starting_with(start, names, suffix)
  local found <const> = {}
  for _, name in ipairs(names) do
    if name:sub(1, #start) == start and (start:find("^_") or not name:find("^__")) then
      found[#found + 1] = name .. (suffix or "")
    end
  end
  table.sort(found)
  return found
end

local function keys_of(...)
  local names <const> = {}
  for _, from in ipairs { ... } do
    for name in pairs(from) do names[#names + 1] = tostring(name) end
  end
  return names
end

--- Names of files that begin with `start`. @param list gives the names in a folder, folders with a slash at their end
local function file_names(start, list)
  local folder <const> = start:match("^(.*/)") or ""
  local names <const> = {}
  for _, name in ipairs(list(folder == "" and "." or folder)) do
    if name:sub(1, 1) ~= "." or start:match("[^/]*$"):sub(1, 1) == "." then names[#names + 1] = folder .. name end
  end
  return starting_with(start, names)
end

--- What may stand in the open string tokens[i].
local function in_string(tokens, i, list)
  local start <const> = tokens[i].text:gsub("^%[=*%[", ""):gsub("^['\"]", "")
  local quote <const> = tokens[i].text:match("^['\"]") or ""
  if text_at(tokens, i - 1) == "require" or text_at(tokens, i - 2) == "require" then
    return start, starting_with(start, keys_of(package.preload, package.loaded), quote)
  end
  local rule <const> = text_at(tokens, i - 1) == "=" and rules_around(tokens, i - 2)[text_at(tokens, i - 2)]
  if rule and rule.choices then return start, starting_with(start, rule.choices, quote) end
  return start, file_names(start, list)
end

--- What may stand as a name behind tokens[i].
local function in_code(tokens, i, start)
  local before <const> = text_at(tokens, i)
  if before == "." or before == ":" then
    local path <const> = path_to(tokens, i - 1)
    local object <const> = path and value.at(path)
    return object == nil and {} or starting_with(start, value.names(object, before == ":"))
  end
  if before == "{" or before == "," or before == ";" then
    local found <const> = starting_with(start, keys_of(rules_around(tokens, i)), " = ")
    if #found > 0 then return found end
  end
  if start == "" then return {} end
  return starting_with(start, keys_of(_G, lexer.keywords))
end

--- The name, or the open string, that ends where the text does, and what it may become.
local function candidates(text, list)
  local tokens <const> = lexer.tokens(text)
  local last <const> = tokens[#tokens]
  if last and last.open then
    if last.kind == "comment" then return "", {} end
    return in_string(tokens, #tokens, list)
  end
  local touches <const> = last and last.last == #text and (last.kind == "name" or last.kind == "keyword")
  local start <const> = touches and last.text or ""
  return start, in_code(tokens, touches and #tokens - 1 or #tokens, start)
end

--- What all of the names begin with.
local function common_start(names)
  local common = names[1] or ""
  for _, name in ipairs(names) do
    while name:sub(1, #common) ~= common do common = common:sub(1, -2) end
  end
  return common
end

--- Completes the text before the cursor, which may be many lines. Returns what to insert, and the list of what may
-- stand there where that is not decided. At the beginning of a line it inserts two spaces.
-- @param list gives the names of the files in a folder, those of folders with a slash at their end
return function(text, list)
  if text:match("([^\n]*)$"):find("^%s*$") then return "  ", {} end
  local start <const>, names <const> = candidates((text:gsub("^[?]", "")), list)
  local insert <const> = common_start(names):sub(#start + 1)
  return insert, (#names > 1 and insert == "") and names or {}
end
