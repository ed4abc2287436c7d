--- `hnrun export --c model.hn -o NAME`: a network as a C file that needs no library.
-- @module hn.export

local c <const> = require "hn.export.c"
local core <const> = require "hn.core"
local hn <const> = require "hn"
local plan_of <const> = require "hn.export.plan"
local quantise <const> = require "hn.export.quantise"
local text <const> = require "hn.text"

local export <const> = {}

local usage <const> = [=[
usage: hnrun [options] export --c model.hn -o NAME [--int8 [--data DATA]]

  --c MODEL    the network in the file MODEL, that net:save wrote, as C99
  -o NAME      writes NAME.c and NAME.h, whose function is NAME_predict
  --int8       weights in one byte each, with a scale for each pool of buckets and each dense matrix
  --data DATA  tells what that costs on DATA: fashion_mnist or mnist (their test sets), or a script that returns a
               data set or { x =, y = }]=]

local with_value <const> = { ["--c"] = "model", ["-o"] = "out", ["--data"] = "data" }

--- The arguments as a table, or nil and what is wrong with them.
local function read(arguments)
  local o <const>, i = {}, 1
  while arguments[i] do
    local option <const> = arguments[i]
    local field <const> = with_value[option]
    if option == "--help" or option == "-h" then return { help = true } end
    if not field and option ~= "--int8" then return nil, ("unknown option '%s'"):format(option) end
    if field and not arguments[i + 1] then return nil, ("option '%s' expects a value"):format(option) end
    o[field or "int8"] = field and arguments[i + 1] or true
    i = i + (field and 2 or 1)
  end
  if not o.model then return nil, "--c MODEL is missing: the file with the network" end
  if not o.out then return nil, "-o NAME is missing: what to write" end
  if o.data and not o.int8 then return nil, "--data tells what --int8 costs, which is missing" end
  return o
end

--- What public names begin with: the last part of a path, if C takes it.
local function name_of(path)
  local name <const> = path:match "[^/]*$"
  if not name:find "^[%a_][%w_]*$" then
    core.fail("argument", "export: -o: expected a path that ends in a name as C takes it, got %q", path)
  end
  return name
end

--- The data set that --data names.
local function data_of(source)
  if source == "fashion_mnist" or source == "mnist" then
    local _, test <const> = hn.data[source]()
    return test
  end
  local chunk <const>, message <const> = loadfile(source)
  if not chunk then core.fail("file", "export: --data: %s", message) end
  return (chunk())
end

--- Replaces each path by the text with it, { path, text }, or none of them.
local function write(list)
  local function fail(message)
    for _, entry in ipairs(list) do os.remove(entry[1] .. ".new") end
    core.fail("file", "export: %s", message)
  end
  for _, entry in ipairs(list) do
    local file <close>, message <const> = io.open(entry[1] .. ".new", "wb")
    if not file then fail((message:gsub("%.new: ", ": "))) end
    local ok <const>, why <const> = file:write(entry[2])
    if not (ok and file:flush()) then fail(("'%s': %s"):format(entry[1], why or "cannot be written")) end
  end
  for _, entry in ipairs(list) do
    local ok <const>, why <const> = os.rename(entry[1] .. ".new", entry[1])
    if not ok then fail(why) end
  end
end

--- What int8 weights cost on a data set, by giving the network's own weights their values.
local function report(net, plan, set)
  local before <const> = hn.evaluate(net, set)
  quantise.round(plan)
  print(("float32  %s\nint8     %s"):format(before, hn.evaluate(net, set)))
end

local function to_c(o)
  local name <const> = name_of(o.out:gsub("%.c$", ""))
  local base <const> = o.out:gsub("%.c$", "")
  local net <const>, set <const> = hn.load(o.model), o.data and data_of(o.data)
  local plan <const> = plan_of(net)
  local source <const>, header <const>, size <const> = c(plan, {
    name = name, from = o.model:match "[^/]*$", int8 = o.int8,
  })
  write { { base .. ".c", source }, { base .. ".h", header } }
  print(("%s.c, %s.h: %s_predict, %d inputs, %d outputs; constants %s (%s weights stored as %s), buffers %s"):format(
    base, base, name, plan.inputs, plan.outputs, text.bytes(size.constants), text.count(size.stored),
    o.int8 and "int8" or "float32", text.bytes(size.buffers)))
  if set then report(net, plan, set) end
end

--- Does what the arguments of `hnrun export` say. Returns nil, or what is wrong with them as a text; everything else
-- that goes wrong is an error.
function export.command(arguments)
  local o <const>, wrong <const> = read(arguments)
  if not o then return wrong .. "\n" .. usage end
  if o.help then
    print(usage)
  else
    to_c(o)
  end
  return nil
end

return export
