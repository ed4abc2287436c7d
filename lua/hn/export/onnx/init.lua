--- A network as an ONNX file (https://onnx.ai): operators of version 18, IR version 8; input `x` {batch, inputs},
-- output `y` {batch, outputs}, both float32.
-- @module hn.export.onnx

local core <const> = require "hn.core"
local graph_of <const> = require "hn.export.onnx.graph"
local kinds <const> = require "hn.kinds"
local message <const> = require "hn.export.protobuf"
local text <const> = require "hn.text"
local virtual <const> = require "hn.export.onnx.virtual"

--- What protobuf's readers take.
local LIMIT <const> = (1 << 31) - 1

--- Numbers of an expanded matrix from number `first` on; whole rows are expanded, as few as hold them.
local function expanded(matrix)
  local cols <const> = matrix:cols()
  return function(first, count)
    local row <const> = (first - 1) // cols
    local rows <const> = (first + count - 2) // cols - row + 1
    local _ <close> = core.scope()
    return matrix:expand(row + 1, rows):read(first - row * cols, count)
  end
end

--- The value of a step's weights or of its bias, {rows, cols}.
local function weights_of(graph, compressed, name, weights, owner)
  if kinds.of(weights) == "tensor" then return graph:tensor(name, weights) end
  local value = graph.known[weights]
  if not value then
    if compressed then
      value = virtual(graph, weights, graph:tensor(owner .. "_buckets", weights:pool()))
    else
      value = graph:floats(name, { weights:rows(), weights:cols() }, expanded(weights))
    end
    graph.known[weights] = value
  end
  return value
end

local function product(graph, compressed, step, x)
  local name <const> = step.name
  local inputs <const> = { x, weights_of(graph, compressed, name .. "_weight", step.weights, name) }
  if step.bias then
    local bias <const> = weights_of(graph, compressed, name .. "_bias", step.bias, name .. "_bias")
    inputs[3] = kinds.of(step.bias) == "tensor" and bias
      or graph:node("Reshape", { bias, graph:ints { step.width } })
  end
  return graph:node("Gemm", inputs, { transB = 1 })
end

--- Layers that are one operator without more.
local plain <const> = { ReLU = "Relu", Abs = "Abs", Softsign = "Softsign", Tanh = "Tanh", Sigmoid = "Sigmoid",
  Softplus = "Softplus", Softmax = "Softmax", LogSoftmax = "LogSoftmax" }

local function clip(low, high)
  return function(graph, x) return graph:node("Clip", { x, graph:float(low), graph:float(high) }) end
end

local others <const> = { ReLU6 = clip(0, 6), HardTanh = clip(-1, 1) }

function others.LeakyReLU(graph, x, step) return graph:node("LeakyRelu", { x }, { alpha = step.module.slope + 0.0 }) end
function others.ELU(graph, x, step) return graph:node("Elu", { x }, { alpha = step.module.alpha + 0.0 }) end
function others.Gauss(graph, x) return graph:node("Exp", { graph:node("Neg", { x * x }) }) end

function others.GELU(graph, x)
  local erf <const> = graph:node("Erf", { x * graph:float(math.sqrt(0.5)) })
  return x * graph:float(0.5) * (erf + graph:float(1))
end

function others.BatchNorm(graph, x, step)
  local m <const>, name <const> = step.module, step.name
  return graph:node("BatchNormalization", { x, graph:tensor(name .. "_gain", m.gain),
    graph:tensor(name .. "_bias", m.bias), graph:tensor(name .. "_mean", m.running_mean),
    graph:tensor(name .. "_variance", m.running_variance) }, { epsilon = m.epsilon + 0.0 })
end

function others.LayerNorm(graph, x, step)
  local m <const>, name <const> = step.module, step.name
  return graph:node("LayerNormalization", { x, graph:tensor(name .. "_gain", m.gain),
    graph:tensor(name .. "_bias", m.bias) }, { epsilon = m.epsilon + 0.0 })
end

function others.Affine(graph, x, step)
  local m <const>, name <const> = step.module, step.name
  local centred <const> = x - graph:tensor(name .. "_mean", m.mean)
  return m.scale and centred * graph:tensor(name .. "_scale", m.scale) or centred
end

--- A constant from a list of numbers.
local function listed(graph, name, shape, list)
  return graph:floats(name, shape, function(first, count) return table.move(list, first, first + count - 1, 1, {}) end)
end

--- f of each number of a list, as a vector.
local function derived(graph, name, list, f)
  for i, value in ipairs(list) do list[i] = f(value) end
  return listed(graph, name, { #list }, list)
end

function others.Log(graph, x, step)
  local rate <const>, name <const> = step.module.rate, step.name
  local part <const> = derived(graph, name .. "_part", rate:table(), function(r) return r > 0 and 1 / r or 0 end)
  local rest <const> = derived(graph, name .. "_rest", rate:table(), function(r) return r > 0 and 0 or 1 end)
  local log <const> = graph:node("Log", { graph:node("Abs", { x }) * graph:tensor(name .. "_rate", rate)
    + graph:float(1) })
  return graph:node("Sign", { x }) * log * part + x * rest
end

--- Numbers k = 1, 2, ..., count - 1 of each row of a module's tables, f(knots, values, k) of them.
local function segments(module, f)
  local list <const>, knots <const>, values <const> = {}, module.knots:table(), module.values:table()
  for i, row in ipairs(knots) do
    for k = 1, module.count - 1 do list[#list + 1] = f(row, values[i], k) end
  end
  return list
end

--- The first value and what x has gone along each line, times its slope: sums of one sign, unlike those of hinges. The
-- first line begins and the last one ends far away.
function others.Interpolate(graph, x, step)
  local m <const>, name <const>, far <const> = step.module, step.name, 3e38
  local shape <const> = { m.size, m.count - 1 }
  local function constant(part, f) return listed(graph, name .. part, shape, segments(m, f)) end
  local from <const> = constant("_from", function(knots, _, k) return knots[k] end)
  local low <const> = constant("_low", function(_, _, k) return k == 1 and -far or 0 end)
  local high <const> = constant("_high", function(knots, _, k)
    return k == m.count - 1 and far or knots[k + 1] - knots[k]
  end)
  local slope <const> = constant("_slope", function(knots, values, k)
    return (values[k + 1] - values[k]) / (knots[k + 1] - knots[k])
  end)
  local first <const> = m.values:table()
  for i, row in ipairs(first) do first[i] = row[1] end
  local gone <const> = graph:node("Unsqueeze", { x, graph:ints { 2 } }) - from
  local along <const> = graph:node("Min", { graph:node("Max", { gone, low }), high }) * slope
  return graph:node("ReduceSum", { along, graph:ints { 2 } }, { keepdims = 0 })
    + derived(graph, name .. "_first", first, function(value) return value end)
end

--- The plan of a network as an ONNX model: a message of `size` bytes, whose `write` gives them to a function, and the
-- number of weights in it. Option `compressed`: the file holds buckets, and the graph finds the weights; else it holds
-- every weight. Raises an argument error where the file would be larger than formats allow.
return function(plan, o)
  local graph <const> = graph_of()
  local y = graph:value "x"
  for _, step in ipairs(plan) do
    graph.prefix = step.name
    if step.weights then
      y = product(graph, o.compressed, step, y)
    elseif plain[step.kind] then
      y = graph:node(plain[step.kind], { y })
    else
      y = others[step.kind](graph, y, step)
    end
  end
  local model <const> = message():integer(1, 8):text(2, "hnrun"):text(3, core.version)
    :message(7, graph:message("network", plan.inputs, y, plan.outputs)):message(8, message():integer(2, 18))
  if model.size > LIMIT then
    core.fail("argument", "export: --onnx: the file would take %s, and an ONNX file has at most 2 GiB%s",
      text.bytes(model.size), o.compressed and "" or "; --compressed writes the buckets alone")
  end
  return model, graph.stored
end
