--- Training in phases: hn.fit one after another on one network.
-- @module hn.phases

local core <const> = require "hn.core"
local fit <const> = require "hn.fit"
local kinds <const> = require "hn.kinds"
local new_history <const> = require "hn.history"
local optim <const> = require "hn.optim"
local options <const> = require "hn.options"
local set <const> = require "hn.data.set"
local walk <const> = require "hn.nn.walk"

local own <const> = options.declare("hn.phases: phases", {
  lr = { "number", least = 0 },
  dropout = { "number|table", least = 0, below = 1 },
})

--- The options of a phase: the common ones, where it has none of its own.
local function merged(common, phase)
  local o <const> = {}
  for _, one in ipairs { common, phase } do
    for key, value in pairs(one) do o[key] = value end
  end
  local mine <const> = own { lr = o.lr, dropout = o.dropout }
  o.lr, o.dropout = nil, nil
  return o, mine
end

--- The network's layers hn.nn.Dropout get their rates: one for all, or a list in their order.
local function set_dropout(net, rates)
  if not rates then return end
  local layers <const> = {}
  walk.modules(net, function(module)
    if module.name == "Dropout" then layers[#layers + 1] = module end
  end)
  if #layers == 0 or type(rates) == "table" and #rates ~= #layers then
    core.fail("argument", "hn.phases: dropout: expected a number, or a rate for each of the network's %d layers "
      .. "hn.nn.Dropout, got %s", #layers, type(rates) == "table" and #rates .. " rates" or kinds.describe(rates))
  end
  for k, layer in ipairs(layers) do layer:init(type(rates) == "table" and rates[k] or rates) end
end

--- A phase's own checkpoint: "run.hn" becomes "run-2.hn".
local function checkpoint_of(given, k)
  local path <const> = type(given) == "table" and given.path or given
  if type(path) ~= "string" then return given end
  local stem <const>, extension <const> = path:match "^(.*[^/])(%.[^./]*)$"
  local named <const> = ("%s-%d%s"):format(stem or path, k, extension or "")
  if type(given) == "string" then return named end
  local o <const> = {}
  for key, value in pairs(given) do o[key] = value end
  o.path = named
  return o
end

local function append(list, more, offset)
  for k, value in pairs(more) do list[offset + k] = value end
end

--- Adds a phase's history to that of all.
local function add(all, one)
  local before <const> = all.epochs
  for _, name in ipairs { "loss", "error", "lr" } do append(all[name], one[name], before) end
  for _, name in ipairs { "loss", "error" } do append(all.validation[name], one.validation[name], before) end
  all.epochs, all.seconds = before + one.epochs, all.seconds + one.seconds
  all.best = one.best and before + one.best
  all.interrupted, all.stopped, all.microbatch, all.memory = one.interrupted, one.stopped, one.microbatch, one.memory
  all.quantized = one.quantized
  table.insert(all.phases, one)
end

--- The common options with what the phases share made once: an optimizer, and the samples held out.
local function shared(data, given)
  local common <const> = {}
  for key, value in pairs(given) do
    if key ~= "phases" then common[key] = value end
  end
  common.optimizer = common.optimizer or optim.SGD()
  data = set.of("hn.phases: data", data)
  if type(common.validate) == "number" then
    common.validate, data = data:split(set.part_size("hn.phases: validate", common.validate, #data))
  end
  return data, common
end

--- Trains a network in phases. `given` holds hn.fit's options, which all phases have in common, and `phases`, a list of
-- tables with those that each phase has for itself:
--
--     hn.phases(net, data, { optimizer = hn.optim.Adam(), validate = 0.2, patience = 5, phases = {
--       { epochs = 50, lr = 1e-3, batch = 100, dropout = 0.3 },
--       { epochs = 20, lr = 1e-4, batch = 1000, dropout = 0 },
--     } })
--
-- Beside hn.fit's options a phase takes `lr`, the optimizer's learning rate, and `dropout`, the rate of all layers
-- hn.nn.Dropout, or a list of rates in their order. The optimizer is one for all phases, its state goes on, unless a
-- phase has its own; `validate` as a number is split off once. Each phase begins with the weights that the one before
-- left, where it validates the best ones. With `checkpoint` = "run.hn" phase 2 writes "run-2.hn", and `resume` goes on
-- within the phase that was broken off.
-- Returns a history of all epochs (see hn.history), whose list `phases` has each phase's own.
return function(net, data, given)
  if type(given) ~= "table" or type(given.phases) ~= "table" or #given.phases == 0 then
    core.fail("argument", "hn.phases: phases: expected a list of tables of options, got %s",
      kinds.describe(type(given) == "table" and given.phases or nil))
  end
  local samples <const>, common <const> = shared(data, given)
  local all <const>, usual <const> = new_history(), common.optimizer.lr
  all.phases = {}
  for k, phase in ipairs(given.phases) do
    local o <const>, mine <const> = merged(common, phase)
    o.checkpoint = checkpoint_of(o.checkpoint, k)
    if mine.lr or o.optimizer == common.optimizer then o.optimizer.lr = mine.lr or usual end
    set_dropout(net, mine.dropout)
    add(all, fit(net, samples, o))
    if all.interrupted or all.stopped == "callback" then break end
  end
  return all
end
