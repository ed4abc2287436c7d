--- Layers one after the other, or side by side.
-- @module hn.nn.Sequential

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"

local Sequential <const> = require "hn.nn.module" "Sequential"
Sequential.made_of = { items = "modules" }

--- Puts the layers of a list into self[1], self[2], ... and complains about what is no layer.
local function take_layers(self, layers)
  local where <const> = "hn.nn." .. self.name
  if kinds.of(layers) ~= "table" then
    core.fail("argument", "%s: layers: expected a list of modules, %s{ ... }, got %s", where, self.name,
      kinds.describe(layers))
  end
  for key in pairs(layers) do
    if math.type(key) ~= "integer" or key < 1 or key > #layers then
      core.fail("argument", "%s: layers: expected a list of modules, got the key %s", where, kinds.describe(key))
    end
  end
  for i, layer in ipairs(layers) do
    if not kinds.callable(layer) or kinds.of(layer) == "class" then
      core.fail("argument", "%s: layer %d: expected a module or a function, got %s", where, i, kinds.describe(layer))
    end
    self[i] = layer
  end
end

--- Sequential{ layer, ... }: each layer's output is the next one's input. A layer is a module, or a function of x.
-- `net[2]` is the second layer. An error inside says in which layer it happened.
function Sequential:init(layers) take_layers(self, layers) end

local function layer_name(layer) return kinds.of(layer) == "module" and layer.name or "a function" end

--- The error text with the layer named, before the script's position if that ends it.
local function located(self, i, message)
  if type(message) ~= "string" or message:find("interrupted$") then return message end
  local note <const> = (" (in layer %d, %s, of %s)"):format(i, layer_name(self[i]), self.name)
  local text <const>, place <const> = message:match("^(.*)( %([^()]*:%d+%))$")
  return text and text .. note .. place or message .. note
end

--- Layer i applied to x.
local function apply(self, i, x)
  local ok <const>, y <const> = pcall(self[i], x)
  if not ok then error(located(self, i, y), 0) end
  if y == nil then
    core.fail("argument", "layer %d, %s, of %s: expected forward to return a tensor, got nothing", i,
      layer_name(self[i]), self.name)
  end
  return y
end

--- The layers applied to x one after the other; Residual uses it too.
local function run(self, x)
  for i = 1, #self do x = apply(self, i, x) end
  return x
end

Sequential.forward = run

local Residual <const> = require "hn.nn.module" "Residual"
Residual.made_of = { items = "modules" }

--- Residual{ layer, ... }: x + f(x), with f the layers one after the other; f keeps the shape.
function Residual:init(layers) take_layers(self, layers) end

function Residual:forward(x) return core.ops.add(x, run(self, x)) end

local Sum <const> = require "hn.nn.module" "Sum"
Sum.made_of = { items = "modules" }

--- Sum{ layer, ... }: every layer gets the same input, and their outputs, of one shape, are added. Two Hashed layers
-- make a matrix of sums of buckets: elements that share one bucket rarely share the other.
function Sum:init(layers)
  take_layers(self, layers)
  if #self == 0 then core.fail("argument", "hn.nn.Sum: layers: expected at least one") end
end

function Sum:forward(x)
  local sum = apply(self, 1, x)
  for i = 2, #self do sum = core.ops.add(sum, apply(self, i, x)) end
  return sum
end

return { Sequential = Sequential, Residual = Residual, Sum = Sum }
