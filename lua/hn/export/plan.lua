--- What an exported network does, step by step: a list of
--
-- - { kind = "weights", weights = a matrix or a tensor {outputs, inputs}, bias = a tensor, a matrix or nil, inputs =,
--   outputs =, exact = whether they are to be floats whatever the others are }, which makes a new vector, or
-- - { kind = "BatchNorm", "LayerNorm", "Softmax", "ReLU", ..., module =, size = what it needs or nil }, which changes
--   a vector in place,
--
-- each with `name` ("layer3", a C name) and `text` (how the module prints). Dropout and Flatten do nothing.
-- @module hn.export.plan

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local pieces <const> = require "hn.export.pieces"

local function weights(module, weight)
  return { kind = "weights", weights = weight, bias = module.bias, inputs = module.inputs, outputs = module.outputs }
end

local function in_place(module) return { kind = module.name, module = module, size = module.size } end

local function nothing() return nil end

--- A matrix makes two steps: what is subtracted, in place, and a product.
local function affine(module)
  if not module.weight then return in_place(module) end
  return in_place(module), { kind = "weights", weights = module.weight, exact = true, inputs = module.size,
    outputs = module.size }
end

--- The steps of a module, by its class.
local steps <const> = {
  Linear = function(module) return weights(module, module.weight) end,
  Hashed = function(module) return weights(module, module.matrix) end,
  BatchNorm = in_place, LayerNorm = in_place, Softmax = in_place, LogSoftmax = in_place,
  Affine = affine, Log = in_place, Interpolate = in_place,
  Dropout = nothing, Flatten = nothing,
}
for name in pairs(pieces.functions) do steps[name] = in_place end

local function refuse(path, module)
  core.fail("argument", "export: layer %s: %s cannot be exported (Sequential, Linear, Hashed, BatchNorm, "
    .. "LayerNorm, Dropout, Flatten, activations and hn.transform can)", path == "" and "net" or path,
    kinds.describe(module))
end

local function collect(module, path, list)
  if module.name == "Sequential" or module.name == "Transform" then
    for i, inner in ipairs(module) do collect(inner, path == "" and tostring(i) or path .. "." .. i, list) end
    return list
  end
  if not steps[module.name] then refuse(path, module) end
  for _, step in ipairs { steps[module.name](module) } do
    step.path, step.name = path, "layer" .. path:gsub("%.", "_")
    step.text = tostring(module)
    list[#list + 1] = step
  end
  return list
end

--- How many numbers go in: what the first layer says that has a size.
local function inputs_of(list)
  for _, step in ipairs(list) do
    if step.kind == "Softmax" or step.kind == "LogSoftmax" then break end
    if step.inputs or step.size then return step.inputs or step.size end
  end
  core.fail("shape", "export: the network does not tell how many numbers it takes: no layer with a size comes first")
end

--- Gives every step its `width`, the numbers that come out of it.
local function chain(list, width)
  for _, step in ipairs(list) do
    local taken <const> = step.inputs or step.size or width
    if taken ~= width then
      core.fail("shape", "export: layer %s, %s: takes %d numbers, and %d come", step.path, step.text, taken, width)
    end
    width = step.outputs or width
    step.width = width
  end
  return width
end

--- The plan of a network: its steps, and `inputs` and `outputs`, the numbers of one sample.
return function(net)
  local list <const> = collect(net, "", {})
  list.inputs = inputs_of(list)
  list.outputs = chain(list, list.inputs)
  return list
end
