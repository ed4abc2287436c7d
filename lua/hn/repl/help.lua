--- What `?name` prints: the comments that the sources carry.
-- @module hn.repl.help

local docs <const> = require "hn.repl.docs"
local kinds <const> = require "hn.kinds"
local lexer <const> = require "hn.repl.lexer"
local value <const> = require "hn.repl.value"

local introduction <const> = [[
Type Lua. The value of an expression is printed, and is `_` in what you type next. A chunk may go over several lines:
the prompt changes until it is complete. Its outermost `local` variables stay for the next ones, as global variables.

  ?hn.fit     what the engine's comments say about hn.fit; ?net about an object; ?dropout looks for a name
  ,time       time and memory of the last chunk
  Tab         completes names, methods, options in a call's { ... }; in strings, files, modules and choices
  Ctrl-R      searches what was typed before, also in earlier sessions; arrow keys go through it
  Ctrl-C      stops what runs (training ends at its next minibatch, and returns); at the prompt, clears the line
  Ctrl-D      ends]]

--- Where fields and methods are documented, by the module or the kind of object that has them. Of others it is the
-- module itself and those below it.
local homes <const> = {
  hn = { "hn", "hn.operations" },
  ["hn.optim"] = { "hn.optim", "hn.schedule" },
  module = { "hn.nn.module" },
  tensor = { "hn.tensor", "hn.operations", "hn" },
  matrix = { "hn.matrix" },
  array = { "hn.array" },
  data = { "hn.data.set" },
  optimizer = { "hn.optim" },
  schedule = { "hn.schedule" },
}

local function is_home(home, module)
  for _, name in ipairs(homes[home] or {}) do
    if name == module then return true end
  end
  return not homes[home] and (module == home or module:sub(1, #home + 1) == home .. ".")
end

--- The comment about a field of a module, or of a kind of objects; or nil. Methods are no fields of their module.
local function find(home, name)
  local module <const> = home:find "^hn" ~= nil
  for _, entry in ipairs(docs.named(name)) do
    local own <const> = entry.name:match("[%w_]+$") == name and not (module and entry.name:find ":")
    if own and is_home(home, entry.module) then return entry.text end
  end
  return nil
end

--- The first sentence of a comment, without the call that it begins with; cut at so many bytes.
local function brief(text, most)
  text = text:gsub("%s+", " "):gsub("^[%w_.:]+%s?%b(): ", ""):gsub("^[%w_.:]+%s?%b{}: ", "")
  text = text:match("^(.-)[.:] ") or text:gsub("%.$", "")
  return #text <= most and text or text:sub(1, most - 4):gsub("%s*[^%s]*$", "") .. " ..."
end

--- "net, data, given", from a Lua function.
local function parameters(f)
  local names <const> = {}
  local info <const> = debug.getinfo(f, "u")
  for i = 1, info.nparams do names[i] = debug.getlocal(f, i) end
  if info.isvararg then names[#names + 1] = "..." end
  return table.concat(names, ", ")
end

--- The names in a module or an object, with a sentence about each; those without one in a row at the end.
local function list_fields(object, home, callable)
  local lines <const>, bare <const> = {}, {}
  for _, name in ipairs(value.names(object, callable)) do
    local field <const> = value.index(object, name)
    local text <const> = type(field) == "function" and docs.of_function(field) or find(home, name)
    if text and name ~= "init" then
      lines[#lines + 1] = ("  %-18s %s"):format(name, brief(text, 90))
    elseif not name:find("^_") and name ~= "init" then
      bare[#bare + 1] = name
    end
  end
  if #bare > 0 then lines[#lines + 1] = "  also " .. table.concat(bare, ", ") end
  return table.concat(lines, "\n")
end

local function paragraphs(...)
  local parts <const> = {}
  for _, part in ipairs { ... } do
    if part ~= "" then parts[#parts + 1] = part end
  end
  return table.concat(parts, "\n\n")
end

--- The name under which a documented module is loaded, or nil.
local function module_name(object)
  for name, loaded in pairs(package.loaded) do
    if loaded == object and docs.of_module(name) then return name end
  end
  return nil
end

local function about_class(class, title)
  return ("%s\n%s"):format(title, find("hn.nn", class.name) or "A class of modules made in a script.")
end

local function about_object(object, title)
  local kind <const> = kinds.of(object)
  local heading <const> = ("%s is %s."):format(title, kinds.describe(object))
  if kind == "module" then
    return paragraphs(about_class(object, heading), "Methods:\n" .. list_fields(object, kind, true))
  end
  if not homes[kind] then return heading end
  return paragraphs(heading, docs.of_module(homes[kind][1]) or "", "Methods:\n" .. list_fields(object, kind, true))
end

--- What is to be said about Lua's own functions, which have no comments here.
local function about_lua(title)
  return ("%s\nA function of Lua: https://www.lua.org/manual/5.4/manual.html#pdf-%s"):format(title, title)
end

--- @param owner what the function is a field of, or nil
local function about_function(f, title, owner)
  local text <const> = docs.of_function(f)
  if text then return ("%s(%s)\n%s"):format(title, parameters(f), text) end
  local home <const> = owner ~= nil and (module_name(owner) or kinds.of(owner))
  local documented <const> = home and find(home, title:match("[%w_]+$"))
  if documented then return title .. "\n" .. documented end
  local info <const> = debug.getinfo(f, "S")
  if info.what == "C" then return about_lua(title) end
  return ("%s(%s)\nA function at %s:%d."):format(title, parameters(f), info.short_src, info.linedefined)
end

local function about_value(object, title, owner)
  if type(object) == "function" then return about_function(object, title, owner) end
  if kinds.of(object) == "class" then return about_class(object, title) end
  local module <const> = type(object) == "table" and module_name(object)
  if module then return paragraphs(title .. "\n" .. docs.of_module(module), list_fields(object, module)) end
  return about_object(object, title)
end

--- All comments about a name, whatever it belongs to.
local function about_name(name)
  local texts <const> = {}
  for _, entry in ipairs(docs.named(name)) do
    local own <const> = entry.module:match("[%w_]+$") == entry.name:match("[%w_]+$")
    texts[#texts + 1] = ("%s%s\n%s"):format(entry.module, own and "" or ", " .. entry.name, entry.text)
  end
  return #texts > 0 and table.concat(texts, "\n\n") or nil
end

local function path_of(text)
  local path <const> = {}
  for _, token in ipairs(lexer.tokens(text)) do
    if token.kind == "name" or token.kind == "keyword" then path[#path + 1] = token.text end
    if token.kind == "number" then path[#path + 1] = math.tointeger(token.text) end
  end
  return path
end

--- The help for what stands behind the question mark: a path of names such as hn.fit or net, or a name to look for.
return function(text)
  local path <const>, title <const> = path_of(text), text:match("^%s*(.-)[%s()]*$")
  if #path == 0 then return introduction end
  local object <const> = value.at(path)
  if object ~= nil then
    return about_value(object, title, #path > 1 and value.at { table.unpack(path, 1, #path - 1) } or nil)
  end
  return #path == 1 and about_name(path[1]) or ("no help for '%s'; ? alone tells what the prompt can do"):format(title)
end
