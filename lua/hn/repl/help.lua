--- What `?name` prints: the comments that the sources carry.
-- @module hn.repl.help

local docs <const> = require "hn.repl.docs"
local kinds <const> = require "hn.kinds"
local lexer <const> = require "hn.repl.lexer"
local value <const> = require "hn.repl.value"

local introduction <const> = [[
Type Lua. The value of an expression is printed, and is `_` in what you type next. A chunk may go over several lines:
the prompt changes until it is complete. `local` variables of a line stay, as global ones.

  ?hn.fit     what the engine's comments say about hn.fit; ?net about an object; ?dropout finds it by its name
  ,time       time and memory of the last command
  Tab         completes names, methods, options in a call's { ... } and, in strings, names of files
  Ctrl-R      searches what was typed before, in this session and earlier ones; arrow keys go through it
  Ctrl-C      stops what runs (training ends at the next minibatch and keeps its weights), or clears the line
  Ctrl-D      ends]]

--- The first sentence of a text.
local function sentence(text)
  text = text:gsub("\n", " ")
  return (text:match("^(.-[.:])%f[%s\0]") or text):gsub("[:]$", "")
end

--- "net, data, given", from a Lua function.
local function parameters(f)
  local names <const> = {}
  local info <const> = debug.getinfo(f, "u")
  for i = 1, info.nparams do names[i] = debug.getlocal(f, i) end
  if info.isvararg then names[#names + 1] = "..." end
  return table.concat(names, ", ")
end

local function path_of(text)
  local path <const> = {}
  for _, token in ipairs(lexer.tokens(text)) do
    if token.kind == "name" then path[#path + 1] = token.text end
    if token.kind == "number" then path[#path + 1] = math.tointeger(token.text) end
  end
  return path
end

--- Comments about the last name of a path: those of the module that the path names, else all of them.
local function by_name(path, wanted)
  local parent <const> = table.concat(path, ".", 1, #path - 1)
  local found <const> = docs.named(path[#path])
  local near <const>, exact <const> = {}, {}
  for _, entry in ipairs(found) do
    if entry.name:match("[%w_]+$") == path[#path] then exact[#exact + 1] = entry end
    if entry.module == parent or entry.name:match("^(.*)[.:]") == parent or entry.module == wanted then
      near[#near + 1] = entry
    end
  end
  return #near > 0 and near or #exact > 0 and exact or found
end

local function show_entries(entries, title)
  local texts <const>, seen <const> = {}, {}
  for _, entry in ipairs(entries) do
    if not seen[entry.text] then
      local name <const> = entry.module .. (entry.module:match("%.([%w_]+)$") == entry.name and "" or "." .. entry.name)
      texts[#texts + 1] = (title or name) .. "\n" .. entry.text
    end
    seen[entry.text] = true
  end
  return table.concat(texts, "\n\n")
end

--- What there is to say about a field of a value, in one line; or nil.
local function brief(field, name, module)
  local text = type(field) == "function" and docs.of_function(field)
  if not text then
    local entries <const> = by_name(path_of(module .. "." .. name), module)
    text = entries[1] and entries[1].text
  end
  return text and sentence(text)
end

--- The names in a value with a sentence about each; those without one in a row behind.
local function list_fields(object, module, callable)
  local lines <const>, bare <const> = {}, {}
  for _, name in ipairs(value.names(object, callable)) do
    local text <const> = not name:find("^_") and brief(value.index(object, name), name, module)
    if text then
      lines[#lines + 1] = ("  %-18s %s"):format(name, text)
    elseif not name:find("^_") then
      bare[#bare + 1] = name
    end
  end
  if #bare > 0 then lines[#lines + 1] = "  " .. table.concat(bare, ", ") end
  return table.concat(lines, "\n")
end

local function module_name(object)
  for name, loaded in pairs(package.loaded) do
    if loaded == object and docs.of_module(name) then return name end
  end
  return nil
end

local function join(...)
  local parts <const> = {}
  for _, part in ipairs { ... } do
    if part ~= "" then parts[#parts + 1] = part end
  end
  return table.concat(parts, "\n\n")
end

local function about_class(name, title)
  local entries <const> = by_name({ "hn", "nn", name })
  return #entries > 0 and show_entries({ entries[1] }, title) or title .. "\nA class of modules made in a script."
end

--- Kinds of objects: where their methods are documented.
local homes <const> = {
  tensor = "hn.tensor", matrix = "hn.matrix", array = "hn.array", data = "hn.data.set", optimizer = "hn.optim",
  schedule = "hn.schedule",
}

local function about_object(object, title)
  local kind <const> = kinds.of(object)
  if kind == "module" then
    return join(about_class(object.name, ("%s: a module (%s)"):format(title, object.name)),
      "Methods:\n" .. list_fields(require "hn.nn.module" "", "hn.nn.module", true))
  end
  local home <const> = homes[kind]
  if not home then return nil end
  return join(("%s: %s"):format(title, kinds.describe(object)), docs.of_module(home) or "",
    "Methods:\n" .. list_fields(debug.getmetatable(object).__index, home, true))
end

local function about_function(f, path)
  local title <const> = table.concat(path, ".")
  local text <const> = docs.of_function(f)
  if text then return ("%s(%s)\n%s"):format(title, parameters(f), text) end
  local entries <const> = by_name(path)
  if #entries > 0 and value.at { path[1] } == package.loaded.hn or #entries > 0 and #path == 1 then
    return show_entries(entries, title)
  end
  local info <const> = debug.getinfo(f, "S")
  if info.what == "C" then return title .. "\nA function of Lua's or of the program's, with no comment here." end
  return ("%s(%s)\nA function of yours: %s:%d."):format(title, parameters(f), info.short_src, info.linedefined)
end

local function about_value(object, path)
  local title <const> = table.concat(path, ".")
  local module <const> = type(object) == "table" and module_name(object)
  if type(object) == "function" then return about_function(object, path) end
  if kinds.of(object) == "class" then return about_class(object.name, title) end
  if module then return join(title .. "\n" .. docs.of_module(module), list_fields(object, module)) end
  return about_object(object, title)
end

--- The help for what stands behind the question mark: a path of names such as hn.fit or net, or a name to look for.
return function(text)
  local path <const> = path_of(text)
  if #path == 0 then return introduction end
  local object <const> = value.at(path)
  local said <const> = object ~= nil and about_value(object, path)
  if said then return said end
  local entries <const> = by_name(path)
  if #entries > 0 then return show_entries(entries) end
  if object ~= nil then return ("%s\n%s"):format(table.concat(path, "."), kinds.describe(object)) end
  return ("no help for '%s'; ? alone says what the prompt can do"):format(table.concat(path, "."))
end
