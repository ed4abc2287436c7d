--- Checkpoints of hn.fit: a model file with all that a run needs to go on to the same bits. Beside the network it holds
-- tensors "checkpoint/optimizer/NAME/k", "checkpoint/best/NAME" and, of weights that are rounded in training,
-- "checkpoint/master/NAME", and metadata "checkpoint": how far the run is, its random stream, history, optimiser and
-- schedule.
-- @module hn.checkpoint

local core <const> = require "hn.core"
local json <const> = require "hn.model.json"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"

local checkpoint <const> = {}

local check <const> = options.declare("hn.fit: checkpoint", {
  path = { "string", required = true },
  every = { "integer", least = 1 },
  minutes = { "number", above = 0 },
  keep = { choices = { "last", "best", "both" }, default = "last" },
})

--- Rule of the option `checkpoint`.
checkpoint.rule = { "string|table", expected = "a path, or { path =, every =, minutes =, keep = }",
  convert = function(value) return check(type(value) == "string" and { path = value } or value) end }

--- Where the best epoch's goes: "run.hn" becomes "run-best.hn".
local function best_path(path)
  local stem <const>, extension <const> = path:match "^(.*[^/])(%.[^./]*)$"
  return stem and stem .. "-best" .. extension or path .. "-best"
end

--- Fails where a run could not be continued.
function checkpoint.check(run)
  local o <const> = run.options
  if o.resume and not o.checkpoint then
    core.fail("argument", "hn.fit: resume: expected together with checkpoint, the file to go on from")
  end
  if not o.checkpoint then return end
  if kinds.of(run.optimizer) ~= "optimizer" then
    core.fail("argument", "hn.fit: checkpoint: expected an optimizer of hn.optim, whose state can be kept")
  end
  if o.checkpoint.keep ~= "last" and not run.validation then
    core.fail("argument", "hn.fit: checkpoint: keep = %q: expected together with validate, which says what is best",
      o.checkpoint.keep)
  end
end

-- ---- Writing --------------------------------------------------------------------------------------------------------

--- Numbers, texts, true and false among the fields, and those of tables that are schedules.
local function scalars(object)
  local found <const> = {}
  for key, value in pairs(object) do
    local kind <const> = kinds.of(value)
    if type(key) == "string" then
      if kind == "number" or kind == "string" or kind == "boolean" then found[key] = value end
      if kind == "schedule" then found[key] = scalars(value) end
    end
  end
  return found
end

--- What must be as it was, so that the samples come in the same order and pieces and are learned from alike.
local same <const> = { "samples", "batch", "microbatch", "shuffle", "optimizer", "validation", "quantize" }

local function circumstances(run)
  local o <const> = run.options
  return { samples = #run.data, batch = o.batch, microbatch = run.microbatch, shuffle = o.shuffle,
    optimizer = run.optimizer.name, validation = run.validation and #run.validation or 0, quantize = o.quantize }
end

local function random()
  local seed <const>, position <const> = core.seed()
  return { seed = seed, position = position }
end

local kept <const> = { "epochs", "loss", "error", "lr", "validation", "best", "quantized" }

local function state_of(run, epoch, done, totals)
  local history <const> = { seconds = run.seconds_before + core.clock() - run.started }
  for _, name in ipairs(kept) do history[name] = run.history[name] end
  return {
    circumstances = circumstances(run), epoch = epoch, done = done, step = run.progress.step, lr = run.state.lr,
    random = { run = run.random, epoch = done > 0 and run.epoch_random or random(), now = random() },
    totals = totals and { weight = totals.weight, loss = totals.loss, wrong = totals.wrong },
    history = history, schedule = scalars(run.schedule),
    optimizer = { lr = run.optimizer.lr, count = run.optimizer.count },
  }
end

local function add_optimizer(file, run, names)
  for parameter, states in pairs(run.optimizer.states) do
    for k = 1, names[parameter] and core.states(run.optimizer.rule) or 0 do
      local tensor <const> = core.update_state(states, parameter, k)
      if tensor then file:add(("checkpoint/optimizer/%s/%d"):format(names[parameter], k), tensor) end
    end
  end
end

local function add_best(file, run, names)
  if not (run.best and run.best.taken) then return end
  for i, tensor in ipairs(run.best.tensors) do file:add("checkpoint/best/" .. names[tensor], run.best.values[i]) end
end

local function add_masters(file, run, names)
  for _, pair in ipairs(run.masters or {}) do file:add("checkpoint/master/" .. names[pair.tensor], pair.master) end
end

local function write(run, path, state)
  local file <close>, names <const> = require("hn.model").file(run.net)
  file:set("checkpoint", json(state))
  add_optimizer(file, run, names)
  add_best(file, run, names)
  add_masters(file, run, names)
  file:save(path)
end

--- Whether a checkpoint is due by the clock.
function checkpoint.due(run)
  local o <const> = run.options.checkpoint
  return o and o.minutes and core.clock() - run.written >= 60 * o.minutes
end

--- Writes one: `done` minibatches of the epoch are done, with these totals; 0: the epoch is to begin.
function checkpoint.write(run, epoch, done, totals)
  local o <const> = run.options.checkpoint
  if not o then return end
  if totals then totals:settle(0) end
  local state <const> = state_of(run, epoch, done, totals)
  if o.keep ~= "best" then write(run, o.path, state) end
  if o.keep ~= "last" and done == 0 and run.history.best == epoch - 1 then
    write(run, o.keep == "best" and o.path or best_path(o.path), state)
  end
  run.written = core.clock()
end

--- Writes one after an epoch, if it is its turn; `last`: training ends here.
function checkpoint.after_epoch(run, epoch, last)
  local o <const> = run.options.checkpoint
  if not o then return end
  local every <const> = o.every or not o.minutes and 1
  local best <const> = o.keep ~= "last" and run.history.best == epoch
  if last or best or every and epoch % every == 0 or checkpoint.due(run) then checkpoint.write(run, epoch + 1, 0) end
end

-- ---- Going on -------------------------------------------------------------------------------------------------------

--- The checkpoint to go on from, { file =, state =, path = }, or nil where none is asked for or none was written yet.
function checkpoint.open(o)
  local path <const> = o.resume and o.checkpoint and o.checkpoint.path
  if not path or not core.exists(path) then return nil end
  local file <const> = core.file(path)
  local text <const> = file:get "checkpoint"
  if not text then core.fail("format", "hn.fit: resume: '%s' is no checkpoint, but a model alone", path) end
  local state <const> = core.json(text)
  core.seed(state.random.run.seed, state.random.run.position)
  return { file = file, state = state, path = path }
end

local function check_same(run, point)
  local before <const> = point.state.circumstances
  local now <const> = circumstances(run)
  for _, name in ipairs(same) do
    if before[name] ~= now[name] then
      core.fail("argument", "hn.fit: resume: '%s' was written with %s %s, now it is %s", point.path, name,
        tostring(before[name]), tostring(now[name]))
    end
  end
  local description <const>, _, names <const> = require "hn.model.describe"(run.net)
  if json(description) ~= point.file:get "model" then
    core.fail("argument", "hn.fit: resume: '%s' is of another network", point.path)
  end
  return names
end

local function set_scalars(object, values)
  for key, value in pairs(values) do
    if type(value) == "table" then set_scalars(object[key], value) else object[key] = value end
  end
end

local function read_optimizer(run, point, names)
  for _, parameter in ipairs(run.parameters) do
    for k = 1, core.states(run.optimizer.rule) do
      local name <const> = ("checkpoint/optimizer/%s/%d"):format(names[parameter], k)
      if point.file:shape(name) then
        local states <const> = run.optimizer.states[parameter] or core.new_states()
        run.optimizer.states[parameter] = states
        point.file:read(name, core.update_state(states, parameter, k, true))
      end
    end
  end
  run.optimizer.lr, run.optimizer.count = point.state.optimizer.lr, point.state.optimizer.count
end

local function read_best(run, point, names)
  if not (run.best and point.state.history.best) then return end
  run.best:open()
  for i, tensor in ipairs(run.best.tensors) do
    point.file:read("checkpoint/best/" .. names[tensor], run.best.values[i])
  end
end

local function read_masters(run, point, names)
  for _, pair in ipairs(run.masters or {}) do
    point.file:read("checkpoint/master/" .. names[pair.tensor], pair.master)
  end
end

--- Puts a run, just planned, where the checkpoint was written.
function checkpoint.restore(run, point)
  local state <const>, names <const> = point.state, check_same(run, point)
  for tensor, name in pairs(names) do point.file:read(name, tensor) end
  read_optimizer(run, point, names)
  read_best(run, point, names)
  read_masters(run, point, names)
  set_scalars(run.schedule, state.schedule)
  for _, name in ipairs(kept) do run.history[name] = state.history[name] end
  run.seconds_before, run.progress.step = state.history.seconds, state.step
  run.state.lr = state.lr -- an epoch that only waits to be finished begins no minibatch
  core.seed(state.random.epoch.seed, state.random.epoch.position)
  run.resumed = state
end

return checkpoint
