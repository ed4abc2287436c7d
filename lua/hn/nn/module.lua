--- The base of all layers, and how to write one's own:
--
--     local Scale = hn.nn.module("Scale")
--     function Scale:init(n) self.gain = hn.tensor({ n }, 1):parameter() end
--     function Scale:forward(x) return hn.mul(x, self.gain) end
--     local layer = Scale(10)          -- layer(x) is layer:forward(x)
--
-- A module's tensors, matrices and inner modules are found in its fields, also inside plain tables there; nothing is
-- registered. `self.training` tells training from evaluation. A method `describe` may give the text that printing
-- shows in parentheses.
-- @module hn.nn.module

local classes <const> = require "hn.nn.classes"
local core <const> = require "hn.core"
local walk <const> = require "hn.nn.walk"

local Module <const> = { name = "Module", training = true }
Module.__index = Module

--- Makes what the class holds from the constructor's arguments; classes define their own.
function Module.init() end

--- The module's output for a minibatch x; classes define it. `module(x)` does the same.
function Module:forward()
  core.fail("state", "%s: the class defines no forward", self.name)
end

--- The distinct parameters of this module and those inside, in a fixed order: outer modules first, fields by name. A
-- pool that several matrices share comes once. Field `loads` of the list holds, by parameter, how many weights of the
-- network one of its numbers stands for: 1, or for buckets the mean of their loads.
function Module:parameters()
  local list <const> = { loads = {} }
  for _, entry in ipairs(walk.tensors(self)) do
    local tensor <const> = entry.tensor
    if tensor:is_parameter() then
      list[#list + 1] = tensor
      list.loads[tensor] = math.max(1, (entry.virtual or 0) / tensor:size())
    end
  end
  return list
end

--- All tensors that make up the trained module: parameters and running statistics, in a fixed order.
function Module:state()
  local list = {}
  for i, entry in ipairs(walk.tensors(self)) do list[i] = entry.tensor end
  return list
end

local function set_training(self, training)
  walk.modules(self, function(module) module.training = training end)
  return self
end

--- Switches this module and all inside to training: dropout drops, batch norm uses the minibatch's statistics.
function Module:train() return set_training(self, true) end

--- Switches to evaluation.
function Module:eval() return set_training(self, false) end

--- Switches to evaluation until the returned value is closed; then every module is as before.
-- `local mode <close> = net:evaluating()`
function Module:evaluating()
  local before <const> = {}
  walk.modules(self, function(module)
    before[module] = module.training
    module.training = false
  end)
  return setmetatable({}, { __close = function()
    for module, training in pairs(before) do module.training = training end
  end })
end

--- The network's outputs for x, a data set, a tensor or a nested table: in evaluation mode, unrecorded, minibatch by
-- minibatch, so that memory holds the outputs and one minibatch's activations. Option `batch` (100). Returns a tensor.
function Module:predict(x, options)
  return require "hn.nn.predict"(self, x, options)
end

--- A table of layers with shapes, virtual and stored weights, bytes and compression, and their totals; print it, or
-- read its fields `layers`, `virtual`, `stored`, `bytes`, `compression`.
function Module:summary()
  return require "hn.nn.summary"(self)
end

--- The device memory that a training step will need at its peak, without doing one; print it, or read its fields
-- `peak`, `kinds`, `budget`, `fits`, `batch`. Options, as hn.nn.memory explains them: `batch`, `optimizer`, `input`,
-- `loss`, `quantize`.
function Module:memory(options)
  return require("hn.nn.memory").run(self, options)
end

--- Writes the network into a file (see hn.model): its layers with seeds and schemes, its numbers, the loss that it was
-- trained with. The path then names the whole new file or, after an error, what it named before. hn.load reads it.
-- Every field of a module is kept but functions, which are an error. Returns the network.
function Module:save(path)
  return require("hn.model").save(self, path)
end

function Module:__call(...) return self:forward(...) end

local function heading(module)
  local text <const> = module.describe and module:describe() or ""
  return text == "" and module.name or ("%s(%s)"):format(module.name, text)
end

function Module:__tostring()
  local lines = {}
  walk.own(self, function(value, kind, path)
    if kind == "module" then lines[#lines + 1] = ("  (%s) %s"):format(path, tostring(value):gsub("\n", "\n  ")) end
  end)
  if #lines == 0 then return heading(self) end
  return ("%s {\n%s\n}"):format(heading(self), table.concat(lines, "\n"))
end

local function construct(class, ...)
  local self <const> = setmetatable({}, class)
  self:init(...)
  return self
end

local function new_class(name)
  local class <const> = { name = name, kind = "module", __call = Module.__call, __tostring = Module.__tostring }
  class.__index = class
  classes[name] = class
  return setmetatable(class, { __index = Module, kind = "class", __call = construct, __tostring = function()
    return "class " .. name
  end })
end

--- Makes a class of modules. Calling the class makes a module and runs its `init` with the same arguments.
-- @param name what printing and error messages call it
return function(name)
  if type(name) ~= "string" then
    core.fail("argument", "hn.nn.module: name: expected a string, got %s", require "hn.kinds".describe(name))
  end
  return new_class(name)
end
