-- Whether all that is public is documented: every function of engine/hn.h by a comment, its own or that of its block,
-- and every option by the comment of the function that takes it. Part of make lint.

package.path = "scripts/?.lua;" .. package.path

local header <const> = require "c_header"
local help <const> = require "hn.repl.help"
local hn <const> = require "hn"
local options <const> = require "hn.options"

local wanting <const> = {}

local function complain(...) wanting[#wanting + 1] = string.format(...) end

--- C's functions.
local function check_header(path)
  local functions <const> = header.functions(path)
  for _, f in ipairs(functions) do
    if not f.comment then complain("%s:%d: %s: no comment", path, f.line, f.name) end
  end
  if #functions == 0 then complain("%s: no functions found", path) end
end

--- Where the options of a name that is no path from a global variable are told.
local owners <const> = { split = "data.split", take = "data.take", batches = "data.batches", matrix = "buckets.matrix" }

--- The comments that tell of options: the function's, and of those that it says have the same ones.
local function told(where)
  local path <const> = owners[where] or where:gsub(":%s.*$", ""):gsub(":", ".")
  local text = help(path)
  for other in text:gmatch "as%s+([%w_.]+)%s+has%s+them" do text = text .. "\n" .. help(other) end
  return text
end

local function has_word(text, word) return text:find("%f[%w_]" .. word .. "%f[^%w_]") ~= nil end

--- Lua's options.
local function check_options()
  rawset(_G, "net", hn.nn.Sequential { hn.nn.ReLU() })
  rawset(_G, "data", hn.data.tensors { x = { { 1 }, { 2 } } })
  rawset(_G, "buckets", hn.buckets(16))
  rawset(_G, "hn", hn)
  local places <const> = {}
  for where in pairs(options.declared) do places[#places + 1] = where end
  table.sort(places)
  for _, where in ipairs(places) do
    local text <const>, names <const> = told(where), {}
    for name in pairs(options.declared[where]) do names[#names + 1] = name end
    table.sort(names)
    for _, name in ipairs(names) do
      if not has_word(text, name) then complain("%s: option '%s' is not in its comment", where, name) end
    end
  end
  if #places == 0 then complain "no options found" end
end

check_header(arg[1] or "engine/hn.h")
check_options()
for _, line in ipairs(wanting) do io.stderr:write(line, "\n") end
os.exit(#wanting == 0)
