--- The device memory of a training step before it is done.
--
-- The step's own code runs, with the shapes that it will have, in a dry run: everything is counted and nothing
-- computed or taken (see hn_dry_begin in hn.h). So the prediction needs no memory, knows one's own modules and cannot
-- differ from what is done. What the context holds besides the network counts too, as it does against the budget.
--
-- In the run `forward` sees numbers that are all zero; what it stores in the module's fields is put back afterwards.
-- @module hn.nn.memory

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local losses <const> = require "hn.loss"
local optim <const> = require "hn.optim"
local options <const> = require "hn.options"
local quantized <const> = require "hn.quantized"
local set <const> = require "hn.data.set"
local step <const> = require "hn.step"
local text <const> = require "hn.text"
local walk <const> = require "hn.nn.walk"

local memory = {}

local Prediction <const> = { __name = "memory prediction" }

local order <const> = { "buckets", "weights", "gradients", "optimizer", "activations", "workspace", "data" }

function Prediction:__tostring()
  local rows <const> = {}
  for _, kind in ipairs(order) do rows[#rows + 1] = { kind, text.bytes(self.kinds[kind]) } end
  rows[#rows + 1] = { "peak", text.bytes(self.peak) }
  local verdict <const> = self.fits and "fits" or "does not fit"
  if self.budget then rows[#rows + 1] = { "budget", text.bytes(self.budget), verdict } end
  return ("a training step on %d sample%s, %s\n"):format(self.batch, self.batch == 1 and "" or "s", self.optimizer)
    .. text.align(rows, { true, false, true })
end

-- ---- Dry steps ------------------------------------------------------------------------------------------------------

--- Keeps the fields of all modules until it is closed, and then puts them back.
local function keep_fields(net)
  local before <const> = {}
  walk.modules(net, function(module)
    before[module] = {}
    for key, value in pairs(module) do before[module][key] = value end
  end)
  return setmetatable({}, { __close = function()
    for module, fields in pairs(before) do
      for key in pairs(module) do module[key] = fields[key] end
      for key, value in pairs(fields) do module[key] = value end
    end
  end })
end

local function copy_of(where, optimizer)
  if not kinds.callable(optimizer.copy) then
    core.fail("argument", "%s: optimizer: expected one of hn.optim, or an object with copy(), whose copy a dry run can "
      .. "step", where)
  end
  return optimizer:copy()
end

--- Two steps, as the second one meets the gradients and the state that the first one leaves.
-- @param run { net =, optimizer =, loss = made by losses.find, options = { quantize = or nil } }
-- @param minibatches calls its argument with each of two minibatches { x =, y =, weight =, total = }
local function count(where, run, minibatches)
  local net <const>, copy <const>, kind <const> = run.net, copy_of(where, run.optimizer), run.options.quantize
  collectgarbage()
  collectgarbage()
  local _ <close> = keep_fields(net)
  local dry <close> = core.dry()
  local masters <close> = kind and quantized.masters(net, copy, kind) or nil
  local stepping <const> = masters or copy
  net:train()
  minibatches(function(part)
    step.gradients(net, run.loss, losses.totals(run.loss), part)
    stepping:step(net:parameters())
  end)
  return dry:finish()
end

local function prediction(counted, batch, optimizer)
  local budget <const> = counted.budget
  return setmetatable({
    batch = batch, optimizer = tostring(optimizer), peak = counted.peak, kinds = counted.peak_kinds, budget = budget,
    fits = not budget or counted.peak <= budget,
  }, Prediction)
end

--- Minibatches of a data set in pieces of at most `size` samples.
local function from_data(data, batch, size)
  return function(use)
    for _ = 1, 2 do
      local next_piece <const>, _, _, _ <close> = data:batches { batch = batch, microbatch = size }
      local x <const>, y <const>, weight <const>, piece <const> = next_piece()
      use { x = x, y = y, weight = weight, total = piece.total }
    end
  end
end

-- ---- Minibatches without data ---------------------------------------------------------------------------------------

--- What the first layer takes: "float" or "int", and the shape of a sample; nil if that cannot be told.
local function taken_by(module)
  if kinds.of(module) ~= "module" then return nil end
  if math.type(module.inputs) then return "float", { module.inputs } end
  if math.type(module.entries) then return "int", {} end
  if math.type(module.size) then return "float", { module.size } end
  for _, layer in ipairs(module) do
    local dtype <const>, shape <const> = taken_by(layer)
    if dtype or kinds.of(layer) ~= "module" or not layer.any_input then return dtype, shape end
  end
  return nil
end

local function sample_of(net, input)
  local dtype, shape = taken_by(net)
  if input then dtype, shape = dtype or "float", type(input) == "table" and input or { input } end
  if not dtype then
    core.fail("argument", "net:memory: input: expected columns of x, the shape of a sample or a data set, as the first "
      .. "layer does not tell; got nothing")
  end
  return dtype, shape
end

local function zeros(dtype, shape)
  if dtype == "float" then return core.tensor(shape) end
  return core.array("i32", shape):gather(nil, { dtype = "int", flatten = false })
end

--- Targets as the loss wants them, for the network's outputs on x.
local function targets(net, name, x)
  local _ <close> = core.scope()
  local shape <const>, dtype <const> = net(x):shape(), losses.targets(name)
  if dtype == "int" and #shape > 1 then shape[#shape] = nil end
  return dtype, shape
end

local function from_shape(net, name, batch, dtype, sample)
  return function(use)
    local target, shape
    for _ = 1, 2 do
      local x <close> = zeros(dtype, { batch, table.unpack(sample) })
      if not target then target, shape = targets(net, name, x) end
      local y <close> = zeros(target, shape)
      use { x = x, y = y }
    end
  end
end

-- ---- What others call -----------------------------------------------------------------------------------------------

local function input_of(value)
  if type(value) == "table" and value.x then return set.of("net:memory: input", value) end
  return value
end

local check <const> = options.declare("net:memory", {
  batch = { "integer", default = 50, least = 1, aka = { "batch_size", "batchsize" } },
  optimizer = { "optimizer|table", expected = "an optimizer of hn.optim", aka = { "optimiser", "optim" } },
  input = { "integer|table|data", convert = input_of, aka = { "inputs", "data", "shape" },
    expected = "a number of columns, the shape of a sample, or a data set" },
  loss = losses.rule,
  quantize = quantized.rule,
})

--- Predicts the peak of a training step, as hn.fit does it, on a minibatch of `batch` (50) samples.
-- Options: `optimizer` (SGD), `input` (the columns of x, the shape of a sample such as {28, 28}, or a data set, whose
-- y and weights are then used; needed where the first layer does not tell), `loss` (what hn.fit trained the network
-- with, else "cross_entropy"; a function needs a data set as input), `quantize` (as hn.fit has it).
-- Returns { peak =, kinds = (bytes at the peak, named as hn.memory() does), budget =, fits =, batch = }, which prints
-- as a table.
function memory.run(net, given)
  local o <const> = check(given)
  local optimizer <const> = o.optimizer or optim.SGD()
  local choice <const> = o.loss or losses.remembered(net)
  local minibatches, found
  if kinds.of(o.input) == "data" then
    found = losses.find("net:memory", choice, o.input)
    minibatches = from_data(o.input, o.batch, o.batch)
  else
    if choice and type(choice) ~= "string" then
      core.fail("argument", "net:memory: input: expected a data set, as the loss is a function and its y unknown")
    end
    found = losses.make(choice or "cross_entropy")
    minibatches = from_shape(net, found.name, o.batch, sample_of(net, o.input))
  end
  local run <const> = { net = net, optimizer = optimizer, loss = found, options = o }
  return prediction(count("net:memory", run, minibatches), o.batch, optimizer)
end

--- Says that no pieces fit: those of the prediction `least` are too large, and smaller ones fail for the reason given,
-- such as batch norm's that it needs two samples, or are none.
local function no_room(where, least, reason)
  core.fail("memory", "%s: a step on %d sample%s needs %s, the budget is %s%s\n%s", where, least.batch,
    least.batch == 1 and "" or "s", text.bytes(least.peak), text.bytes(least.budget),
    reason and ("; with fewer: %s"):format(reason) or "", tostring(least))
end

--- The most samples of a minibatch of `batch` that fit the budget at a time, when it is cut evenly; and the prediction.
-- @param run as hn.fit has it: its net, optimizer, loss, options, data
function memory.largest(where, run, batch)
  local function try(pieces)
    local size <const> = (batch + pieces - 1) // pieces
    return prediction(count(where, run, from_data(run.data, batch, size)), size, run.optimizer)
  end
  local best, enough, short = try(1), 1, 0 -- pieces that do, and pieces that are too few
  while not best.fits do
    if enough == batch then no_room(where, best) end
    short, enough = enough, math.min(2 * enough, batch)
    local ok <const>, tried <const> = pcall(try, enough)
    if not ok then no_room(where, best, tried) end
    best = tried
  end
  while enough - short > 1 do
    local middle <const> = (short + enough) // 2
    local tried <const> = try(middle)
    if tried.fits then best, enough = tried, middle else short = middle end
  end
  return best.batch, best
end

return memory
