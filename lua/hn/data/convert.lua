--- Values of scripts as columns of a data set: a host array, and how its rows become a minibatch.
-- @module hn.data.convert

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"

local convert = {}

--- Appends the numbers of nested tables to `flat`; every table at one depth must be as long as `shape` says.
local function flatten(name, value, depth, shape, flat)
  if type(value) ~= "table" then
    if type(value) ~= "number" or depth <= #shape then
      core.fail("argument", "%s: expected numbers in tables nested alike, got %s at depth %d", name,
        kinds.describe(value), depth)
    end
    flat[#flat + 1] = value
    return
  end
  if #value ~= shape[depth] then
    core.fail("shape", "%s: expected %s entries at depth %d as in the first one, got %d", name,
      tostring(shape[depth] or "no"), depth, #value)
  end
  for _, part in ipairs(value) do flatten(name, part, depth + 1, shape, flat) end
end

--- Numbers in nested tables, as a shape and a flat list.
local function measure(name, value)
  local shape, inner = {}, value
  while type(inner) == "table" do
    if #inner == 0 then core.fail("shape", "%s: expected at least one entry, got an empty table", name) end
    shape[#shape + 1] = #inner
    inner = inner[1]
  end
  local flat <const> = {}
  flatten(name, value, 1, shape, flat)
  return shape, flat
end

local function from_tensor(value)
  local dtype <const> = value:dtype()
  local array <const> = core.array(dtype == "float" and "f32" or "i32", value:shape())
  array:take(value)
  return array, dtype
end

--- The host array of a value, and whether its rows are numbers ("float") or classes ("int"). A host array of integers
-- is what `integers` says.
local function to_array(name, value, integers)
  local kind <const> = kinds.of(value)
  if kind == "array" then return value, value:type() == "f32" and "float" or integers end
  if kind == "tensor" then return from_tensor(value) end
  if kind == "table" then return core.array("f32", measure(name, value)), "float" end
  core.fail("argument", "%s: expected a tensor, a host array or a nested table of numbers, got %s", name,
    kinds.describe(value))
end

--- A column { array =, spec = }; spec is what `array:gather` takes. Bytes read as numbers are scaled to [0, 1].
-- @param name the argument's name for messages
-- @param value a tensor, a host array or a nested table
-- @param integers what a host array of integers holds: "float" (numbers) or "int" (classes, stored from 0)
-- @param flat whether a sample of several dimensions becomes one row
function convert.column(name, value, integers, flat)
  local array <const>, dtype <const> = to_array(name, value, integers)
  local scale <const> = dtype == "float" and array:type() == "u8" and 1 / 255 or 1
  return { array = array, spec = { dtype = dtype, scale = scale, shift = 0, flatten = flat } }
end

return convert
