--- An ONNX graph while it is made: nodes, and initializers, which are its constants. Fields and their numbers are those
-- of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, operators those of https://onnx.ai/onnx/operators/.
--
-- What a node gives is a value. Lua's operators on values of whole numbers, which are int64, make nodes in turn, so
-- that a formula can be written once for numbers and for graphs: + - * // % & ~, with a value or a number on the other
-- side.
-- @module hn.export.onnx.graph

local finite <const> = require "hn.export.finite"
local message <const> = require "hn.export.protobuf"

local Graph <const> = {}
Graph.__index = Graph

local Value <const> = {}
for event, operator in pairs {
  add = "Add", sub = "Sub", mul = "Mul", idiv = "Div", mod = "Mod", band = "BitwiseAnd", bxor = "BitwiseXor",
} do
  Value["__" .. event] = function(a, b)
    local graph <const> = math.type(a) and b.graph or a.graph
    return graph:node(operator, { a, b })
  end
end

local codes <const> = { float = 1, int64 = 7 }
local formats <const> = { float = "f", int64 = "i8" }
local sizes <const> = { float = 4, int64 = 8 }

--- A graph; values are named after its `prefix`, which may change.
local function new()
  return setmetatable({ nodes = {}, initializers = {}, known = {}, count = 0, stored = 0 }, Graph)
end

--- A value by its name: an input.
function Graph:value(name) return setmetatable({ graph = self, name = name }, Value) end

local function tensor_message(name, kind, dims)
  local t <const> = message()
  for _, size in ipairs(dims) do t:integer(1, size) end
  return t:integer(2, codes[kind]):text(8, name)
end

local function pack(kind, values)
  local parts <const>, step <const> = {}, 128
  for first = 1, #values, step do
    local last <const> = math.min(first + step - 1, #values)
    parts[#parts + 1] = string.pack("<" .. formats[kind]:rep(last - first + 1), table.unpack(values, first, last))
  end
  return table.concat(parts)
end

--- A constant of few numbers: of `kind` "float" or "int64", with a shape; {} is that of a single number.
function Graph:constant(kind, dims, values)
  local bytes <const> = pack(kind, values)
  local key <const> = kind .. table.concat(dims, "x") .. ":" .. bytes
  if not self.known[key] then
    local name <const> = ("constant_%d"):format(#self.initializers + 1)
    self.initializers[#self.initializers + 1] = tensor_message(name, kind, dims):text(9, bytes)
    self.known[key] = self:value(name)
  end
  return self.known[key]
end

function Graph:float(value) return self:constant("float", {}, { value }) end
function Graph:ints(values) return self:constant("int64", { #values }, values) end

--- A constant of many floats. block(first, count) gives some of them as a list, when the graph is written.
function Graph:floats(name, dims, block)
  local size = 1
  for _, n in ipairs(dims) do size = size * n end
  local per_block <const> = 1 << 16
  self.stored = self.stored + size
  self.initializers[#self.initializers + 1] = tensor_message(name, "float", dims):stream(9, size * sizes.float,
    function(put)
      for first = 1, size, per_block do
        local values <const> = block(first, math.min(per_block, size - first + 1))
        finite(name, values, first)
        put(pack("float", values))
      end
    end)
  return self:value(name)
end

--- A constant from a tensor, once for all that use it.
function Graph:tensor(name, tensor)
  self.known[tensor] = self.known[tensor]
    or self:floats(name, tensor:shape(), function(first, count) return tensor:read(first, count) end)
  return self.known[tensor]
end

local function attribute(name, value)
  local a <const> = message():text(1, name)
  if math.type(value) == "integer" then return a:integer(3, value):integer(20, 2) end
  return a:float(2, value):integer(20, 1)
end

--- A node of an operator, with inputs (values, or whole numbers) and attributes (integers, or floats). Returns its
-- value.
function Graph:node(operator, inputs, attributes)
  self.count = self.count + 1
  local value <const> = self:value(("%s_%s_%d"):format(self.prefix, operator, self.count))
  for i, input in ipairs(inputs) do
    if math.type(input) then inputs[i] = self:constant("int64", {}, { input }) end
  end
  self.nodes[#self.nodes + 1] = { operator = operator, inputs = inputs, output = value, attributes = attributes or {} }
  return value
end

local function node_message(node)
  local m <const> = message()
  for _, input in ipairs(node.inputs) do m:text(1, input.name) end
  m:text(2, node.output.name):text(4, node.operator)
  local names <const> = {}
  for name in pairs(node.attributes) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do m:message(5, attribute(name, node.attributes[name])) end
  return m
end

--- A vector of floats for each sample of a batch.
local function vectors(name, width)
  local shape <const> = message():message(1, message():text(2, "batch")):message(1, message():integer(1, width))
  local tensor <const> = message():integer(1, codes.float):message(2, shape)
  return message():text(1, name):message(2, message():message(1, tensor))
end

--- The graph as a message: from the input `x`, of `inputs` numbers a sample, to the value `y`, of `outputs`, which gets
-- this name.
function Graph:message(name, inputs, y, outputs)
  y.name = "y"
  local m <const> = message()
  for _, node in ipairs(self.nodes) do m:message(1, node_message(node)) end
  m:text(2, name)
  for _, initializer in ipairs(self.initializers) do m:message(5, initializer) end
  return m:message(11, vectors("x", inputs)):message(12, vectors("y", outputs))
end

return new
