--- The comments of the engine's Lua sources, found by what they are about. A comment that begins with three dashes
-- documents what stands below it; it says so itself by @module or @function, or by beginning with a call of it.
-- @module hn.repl.docs

local core <const> = require "hn.core"

local docs <const> = {}

--- The comment's words without @module and @function, those of @param and @return as they read best.
local function words(lines)
  local text <const> = {}
  for _, line in ipairs(lines) do
    if not line:find("^@module") and not line:find("^@function") then
      line = line:gsub("^@param%s+([%w_.]+)%s*", "  %1: "):gsub("^@return%s+", "Returns "):gsub("^@%w+%s*", "")
      text[#text + 1] = line
    end
  end
  return (table.concat(text, "\n"):gsub("^%s*\n", ""):gsub("%s+$", ""))
end

local function tagged(lines, tag)
  for _, line in ipairs(lines) do
    local name <const> = line:match("^@" .. tag .. "%s+([%w_.:]+)")
    if name then return name end
  end
  return nil
end

--- What a comment is about: the name in its tag, in the call that it begins with, or in the code below.
local function subject(lines, code)
  if code:find("^%s*local ") then return nil end
  return tagged(lines, "function") or lines[1]:match("^([%a_][%w_.:]*)%s*[({]")
    or code:match("^%s*function ([%w_.:]+)") or code:match("^%s*([%w_.]+) = ")
end

local function last_part(name) return name:match("([%w_]+)$") end

--- The comments of a source, top to bottom: { lines =, line = number of the line below, code = that line }.
local function comments(source)
  local list <const>, number, current = {}, 0, nil
  for line in (source .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    local words_of_line <const> = line:match(current and "^%s*%-%-%-? ?(.*)$" or "^%s*%-%-%- ?(.*)$")
    if words_of_line then
      current = current or { lines = {} }
      table.insert(current.lines, words_of_line)
    elseif current then
      current.code, current.line = line, number
      list[#list + 1], current = current, nil
    end
  end
  return list
end

local function add(index, name, entry)
  local key <const> = last_part(name):lower()
  index.names[key] = index.names[key] or {}
  table.insert(index.names[key], entry)
end

--- Remarks behind the fields of a table: `tensor = core.tensor, -- zeros of a shape`.
local function add_remarks(index, module, source)
  for name, text in source:gmatch("\n%s+([%a_][%w_]*) = core%.[%w_.]+, %-%- ([^\n]+)") do
    add(index, name, { name = name, module = module, text = text })
  end
end

local function add_source(index, module, chunk, source)
  for _, comment in ipairs(comments(source)) do
    local text <const>, own <const> = words(comment.lines), tagged(comment.lines, "module")
    index.lines[chunk .. ":" .. comment.line] = text
    local name <const> = not own and subject(comment.lines, comment.code)
    if own then index.modules[own] = text end
    if name then add(index, name, { name = name, module = module, text = text }) end
  end
  add_remarks(index, module, source)
end

local function build()
  local index <const> = { names = {}, modules = {}, lines = {} }
  for _, module in ipairs(core.sources()) do add_source(index, module.name, module.chunk, module.text) end
  return index
end

local function index_of()
  docs.index = docs.index or build()
  return docs.index
end

--- The comment above a function of the engine, or nil.
function docs.of_function(f)
  local info <const> = debug.getinfo(f, "S")
  return index_of().lines[info.source .. ":" .. info.linedefined]
end

--- The comment at the top of a module, or nil.
function docs.of_module(name) return index_of().modules[name] end

--- All comments about a name, whatever its case: a list of { name =, module =, text = }.
function docs.named(name) return index_of().names[name:lower()] or {} end

return docs
