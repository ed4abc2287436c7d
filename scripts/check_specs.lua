-- Whether all that is public has a spec: code of a spec, or of an example, since the specs run them all, has to use it.
--   a function of engine/hn.h     is called in C
--   a function or method of Lua   is called, or named by a string, as cases in tables are; or is an operation with a
--                                 row in spec/support/ops.lua
--   an option                     stands in a table behind its function's name: `fit(net, data, { batch = 8 })`,
--                                 `"SGD", { lr = 1 }`
-- Comments do not count. Part of make lint: ./hnrun scripts/check_specs.lua [folders, else spec and examples]

package.path = "scripts/?.lua;" .. package.path

local header <const> = require "c_header"
local options <const> = require "hn.options"
local pages <const> = require "manual.pages"

local folders <const> = #arg > 0 and arg or { "spec", "examples" }
local wanting <const> = {}

local function complain(...) wanting[#wanting + 1] = string.format(...) end

--- The code of all files whose names end so, without comments.
local function code(endings, comment)
  local parts <const> = {}
  local pipe <close> = assert(io.popen(("find '%s' -type f"):format(table.concat(folders, "' '"))))
  for path in pipe:lines() do
    if endings[path:match "%.(%w+)$"] then
      local file <close> = assert(io.open(path, "rb"))
      parts[#parts + 1] = file:read "a":gsub(comment, "")
    end
  end
  return table.concat(parts, "\n")
end

local c <const> = code({ c = true, cpp = true, h = true, C = true }, "/%*.-%*/")
local lua <const> = code({ lua = true }, "%-%- [^\n]*")

local function check_header()
  for _, f in ipairs(header.functions "engine/hn.h") do
    if not c:find("%f[%w_]" .. f.name .. "%(") then complain("engine/hn.h:%d: %s: no spec calls it", f.line, f.name) end
  end
end

--- Names of operations that have a row.
local function operations()
  local names <const> = {}
  for _, row in ipairs(require "spec.support.ops") do names[row.name] = true end
  return names
end

local function check_names()
  local tested <const> = operations()
  for _, page in ipairs(pages.list(pages.objects())) do
    for _, name in ipairs(page.names) do
      local row <const> = page.name == "hn.operations" and tested[name]
      local called <const> = lua:find("[.:]" .. name .. "%s*[({\"'%[]") or lua:find('"' .. name .. '"', 1, true)
      if not row and not called then complain("%s%s: no spec calls it", page.prefix, name) end
    end
  end
end

--- Whether a function's name is followed by a group that sets an option.
local function is_set(name, option)
  for _, group in ipairs { "%b()", "%b{}" } do
    for text in lua:gmatch("%f[%w_]" .. name .. "%f[^%w_][\"'%s,=]*(" .. group .. ")") do
      if text:find("%f[%w_]" .. option .. "%s*=[^=]") then return true end
    end
  end
  return false
end

local function check_options()
  for where, rules in pairs(options.declared) do
    local name <const> = where:match "([%w_]+)$"
    for option in pairs(rules) do
      if not is_set(name, option) then complain("%s: no spec sets option '%s'", where, option) end
    end
  end
end

check_header()
check_names()
check_options()
table.sort(wanting)
for _, line in ipairs(wanting) do io.stderr:write(line, "\n") end
os.exit(#wanting == 0)
