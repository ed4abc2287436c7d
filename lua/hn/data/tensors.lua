--- Data sets of what a script has: tensors, nested tables, host arrays.
-- @module hn.data.tensors

local core <const> = require "hn.core"
local convert <const> = require "hn.data.convert"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local set <const> = require "hn.data.set"

local any <const> = "tensor|array|table"

local check <const> = options.declare("hn.data.tensors", {
  x = { any, required = true },
  y = { any },
  weight = { any, aka = { "weights" } },
  names = { "table" },
  classes = { "integer", least = 1 },
  flatten = { "boolean", default = true },
})

local function check_counts(columns)
  local n <const> = columns.x.array:shape()[1]
  for _, name in ipairs { "y", "weight" } do
    local column <const> = columns[name]
    if column and column.array:shape()[1] ~= n then
      core.fail("shape", "hn.data.tensors: %s: expected %d samples as x has, got %d", name, n,
        column.array:shape()[1])
    end
  end
  if columns.weight and #columns.weight.array:shape() > 1 then
    core.fail("shape", "hn.data.tensors: weight: expected one number a sample, got %s",
      kinds.describe(columns.weight.array))
  end
end

--- The number of classes, where y holds classes: as given, by the names, or by the largest label.
local function count_classes(y, o)
  if not y or y.spec.dtype ~= "int" then return nil end
  local smallest <const>, largest <const> = y.array:range()
  local classes <const> = o.classes or o.names and #o.names or largest + 1
  if smallest < 0 or largest >= classes then
    core.fail("argument", "hn.data.tensors: y: expected classes from 1 to %d, got %d", classes,
      (smallest < 0 and smallest or largest) + 1)
  end
  return math.tointeger(classes)
end

--- Makes a data set { x =, y =, weight =, names =, classes =, flatten = } of tensors, nested tables or host arrays, in
-- host memory. x: a row for each sample; bytes are scaled to [0, 1]; a sample of several dimensions becomes one row
-- unless `flatten` is false. y: classes where it is an int tensor (hn.labels) or a host array of integers (from 0, as
-- in IDX files), else numbers (regression, binary cross-entropy). weight: one number a sample.
return function(given)
  local o <const> = check(given)
  local columns <const> = {
    x = convert.column("hn.data.tensors: x", o.x, "float", o.flatten),
    y = o.y and convert.column("hn.data.tensors: y", o.y, "int", true),
    weight = o.weight and convert.column("hn.data.tensors: weight", o.weight, "float", false),
  }
  check_counts(columns)
  return set.new(columns, { names = o.names, classes = count_classes(columns.y, o) })
end
