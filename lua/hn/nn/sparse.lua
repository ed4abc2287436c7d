--- A linear layer of which random edges were removed before training.
-- @module hn.nn.Sparse

local core <const> = require "hn.core"
local options <const> = require "hn.options"
local text <const> = require "hn.text"
local virtual <const> = require "hn.nn.virtual"
local weights <const> = require "hn.nn.weights"

local Sparse <const> = require "hn.nn.module" "Sparse"
Sparse.made_of = { inputs = "size", outputs = "size", count = "size", values = "tensor count 1",
  edges = "tensor outputs inputs", none = "tensor 1 1", bias = "tensor outputs|none" }

local check <const> = options.declare("hn.nn.Sparse", {
  compression = virtual.rules.compression,
  edges = { "integer", least = 1 },
  seed = options.rules.seed,
  bias = { "boolean", default = true },
  init = weights.rule,
})

--- How many edges stay.
local function edge_count(all, o)
  if o.compression and o.edges then
    core.fail("argument", "hn.nn.Sparse: expected one of compression and edges, got both")
  end
  if o.edges and o.edges > all then
    core.fail("argument", "hn.nn.Sparse: edges: expected at most %d, got %d", all, o.edges)
  end
  return o.edges or math.max(1, math.ceil(all * (o.compression or 1 / 8) * (1 - 1e-12)))
end

--- For each element of the matrix the number of its value, counted from 1; count + 1 where there is no edge. A random
-- permutation of the elements numbers them, and those up to `count` stay.
local function draw_edges(outputs, inputs, count, seed)
  local _ <close> = weights.seeded(seed)
  local numbers <const> = core.sequence(outputs * inputs, true):table()
  for e, number in ipairs(numbers) do numbers[e] = math.min(number, count) end -- arrays hold classes from 0
  return core.array("i32", { outputs, inputs }, numbers):gather(nil, { dtype = "int", flatten = false })
end

--- Sparse(inputs, outputs, options): y = x Wᵀ + b for x of {batch, inputs}, where W has only some of its elements,
-- drawn from a seed; the others are 0 for good. Parameters, and what an optimiser keeps for them, follow the edges that
-- stay. A step still makes W as a whole, and the numbers of the edges take 4 bytes an element: this saves stored
-- weights, not memory or time.
-- Options: `compression` (1/8): edges that stay over all of them, a number or a text such as "1/64"; or `edges`: how
-- many stay; `seed` (each layer's own, from the model's), `bias` (true), `init` ("he", with the mean number of edges of
-- an output as fan-in; see hn.nn.weights). Fields: `values` {count, 1}, `edges` {outputs, inputs} of numbers of values,
-- `bias` {outputs} or nil.
function Sparse:init(inputs, outputs, given)
  self.inputs = options.value("hn.nn.Sparse", "inputs", inputs, options.rules.size)
  self.outputs = options.value("hn.nn.Sparse", "outputs", outputs, options.rules.size)
  local o <const> = check(given)
  local count <const> = edge_count(self.inputs * self.outputs, o)
  self.count, self.none = count, core.tensor { 1, 1 }
  self.edges = draw_edges(self.outputs, self.inputs, count, o.seed or core.layer_seed())
  self.values = core.tensor { count, 1 }:parameter()
  weights.fill(self.values, o.init or "he", math.max(1, count / self.outputs), math.max(1, count / self.inputs))
  self.bias = o.bias and core.tensor { self.outputs }:parameter() or nil
end

--- The matrix as a tensor {outputs, inputs}.
function Sparse:expand()
  local values <const> = core.ops.concat(self.values, self.none, 1)
  return core.ops.reshape(core.ops.embedding(self.edges, values), self.outputs, self.inputs)
end

function Sparse:forward(x) return core.ops.linear(x, self:expand(), self.bias) end

function Sparse:describe()
  return ("%d -> %d, %s edges of %s%s"):format(self.inputs, self.outputs, text.count(self.count),
    text.count(self.inputs * self.outputs), self.bias and "" or ", no bias")
end

return Sparse
