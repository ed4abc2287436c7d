--- `hnrun export`: a network as a C file that needs no library, or as an ONNX file.
-- @module hn.export

local c <const> = require "hn.export.c"
local core <const> = require "hn.core"
local hn <const> = require "hn"
local onnx <const> = require "hn.export.onnx"
local output <const> = require "hn.output"
local plan_of <const> = require "hn.export.plan"
local quantise <const> = require "hn.export.quantise"
local text <const> = require "hn.text"

local export <const> = {}

local usage <const> = [=[
usage: hnrun [options] export --c model.hn -o NAME [--int4 | --int8 | --int16] [--data DATA]
       hnrun [options] export --onnx model.hn -o FILE [--compressed]

  --c MODEL     the network in the file MODEL, that net:save wrote, as C99
  -o NAME       writes NAME.c and NAME.h, whose function is NAME_predict
  --int8        weights in one byte each, with a scale for each pool of buckets and each dense matrix
  --int16       the same in two bytes each
  --int4        the same in half a byte each: for a network that was trained so
  --data DATA   tells what that costs on DATA: fashion_mnist or mnist (their test sets), or a script that returns a
                data set or { x =, y = }
  --onnx MODEL  the network as an ONNX file, from x {batch, inputs} to y {batch, outputs}
  --compressed  the file holds the buckets, and the weights of hashed layers are computed from them where it is loaded;
                else it holds every weight]=]

local with_value <const> = { ["--c"] = "c", ["--onnx"] = "onnx", ["-o"] = "out", ["--data"] = "data" }
local flags <const> = { ["--int4"] = "int4", ["--int8"] = "int8", ["--int16"] = "int16",
  ["--compressed"] = "compressed" }

--- The ways to round weights that the options name.
local function kinds_of(o)
  local list <const> = {}
  for _, kind in ipairs { "int4", "int8", "int16" } do list[#list + 1] = o[kind] and kind end
  return list
end

--- What is wrong with the options together, or nil.
local function conflict(o)
  if not (o.c or o.onnx) then return "--c MODEL or --onnx MODEL is missing: the file with the network" end
  if o.c and o.onnx then return "--c and --onnx are two exports: take one" end
  if not o.out then return o.c and "-o NAME is missing: what to write" or "-o FILE is missing: what to write" end
  local kinds <const> = kinds_of(o)
  if kinds[2] then return ("--%s and --%s are two ways to store weights: take one"):format(kinds[1], kinds[2]) end
  if o.onnx and o.kind ~= "float32" then return ("--%s is for --c"):format(o.kind) end
  if o.c and o.compressed then return "--compressed is for --onnx" end
  if o.data and not kinds[1] then return "--data tells what --int4, --int8 or --int16 costs, which is missing" end
  return nil
end

--- The arguments as a table, or nil and what is wrong with them.
local function read(arguments)
  local o <const>, i = {}, 1
  while arguments[i] do
    local option <const> = arguments[i]
    if option == "--help" or option == "-h" then return { help = true } end
    local field <const> = with_value[option]
    if not field and not flags[option] then return nil, ("unknown option '%s'"):format(option) end
    if field and not arguments[i + 1] then return nil, ("option '%s' expects a value"):format(option) end
    o[field or flags[option]] = field and arguments[i + 1] or true
    i = i + (field and 2 or 1)
  end
  o.kind = kinds_of(o)[1] or "float32"
  local wrong <const> = conflict(o)
  if wrong then return nil, wrong end
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

--- The network in a file. No script is run first that could make classes of layers known.
local function load(path)
  local ok <const>, net <const> = pcall(hn.load, path)
  if ok then return net end
  local kind <const> = tostring(net):match 'layer of kind (".-"), which is not known'
  if not kind then error(net, 0) end
  core.fail("argument", "export: '%s' has a layer of kind %s, a class that a script made: what it computes is not in "
    .. "the file, so it cannot be exported", path, kind)
end

--- What rounded weights cost on a data set, by giving the network's own weights their values.
local function report(net, plan, kind, set)
  local before <const> = hn.evaluate(net, set)
  quantise.round(plan, kind)
  print(("float32  %s\n%-7s  %s"):format(before, kind, hn.evaluate(net, set)))
end

local function text_of(content)
  return function(put) put(content) end
end

local function to_c(o)
  local base <const> = o.out:gsub("%.c$", "")
  local name <const> = name_of(base)
  local net <const>, set <const> = load(o.c), o.data and data_of(o.data)
  local plan <const> = plan_of(net)
  local source <const>, header <const>, size <const> = c(plan, {
    name = name, from = o.c:match "[^/]*$", kind = o.kind,
  })
  output { { path = base .. ".c", fill = text_of(source) }, { path = base .. ".h", fill = text_of(header) } }
  print(("%s.c, %s.h: %s_predict, %d inputs, %d outputs"):format(base, base, name, plan.inputs, plan.outputs))
  print(("constants %s (%s weights stored as %s), buffers %s"):format(text.bytes(size.constants),
    text.count(size.stored), o.kind, text.bytes(size.buffers)))
  if set then report(net, plan, o.kind, set) end
end

local function to_onnx(o)
  local plan <const> = plan_of(load(o.onnx))
  local model <const>, stored <const> = onnx(plan, { compressed = o.compressed })
  output { { path = o.out, fill = function(put) model:write(put) end } }
  print(("%s: x {batch, %d} -> y {batch, %d}"):format(o.out, plan.inputs, plan.outputs))
  print(("%s, %s numbers stored as float32"):format(text.bytes(model.size), text.count(stored)))
end

--- Does what the arguments of `hnrun export` say. Returns nil, or what is wrong with them as a text; everything else
-- that goes wrong is an error.
function export.command(arguments)
  local o <const>, wrong <const> = read(arguments)
  if not o then return wrong .. "\n" .. usage end
  if o.help then
    print(usage)
  elseif o.onnx then
    to_onnx(o)
  else
    to_c(o)
  end
  return nil
end

return export
