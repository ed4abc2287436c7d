--- Training: minibatches, validation, early stopping, interruption.
-- @module hn.fit

local checkpoint <const> = require "hn.checkpoint"
local core <const> = require "hn.core"
local distil <const> = require "hn.distil"
local evaluate <const> = require "hn.evaluate"
local kinds <const> = require "hn.kinds"
local losses <const> = require "hn.loss"
local new_history <const> = require "hn.history"
local new_progress <const> = require "hn.progress"
local new_snapshot <const> = require "hn.snapshot"
local optim <const> = require "hn.optim"
local options <const> = require "hn.options"
local quantized <const> = require "hn.quantized"
local memory <const> = require "hn.nn.memory"
local set <const> = require "hn.data.set"
local step <const> = require "hn.step"

local check_callbacks <const> = options.declare("hn.fit: callbacks", {
  epoch = { "callable" },
  batch = { "callable" },
})

--- A schedule as an object with `rate`.
local function as_schedule(value)
  if kinds.of(value) == "schedule" or type(value) == "table" and kinds.callable(value.rate) then return value end
  return kinds.callable(value) and { rate = function(_, progress) return value(progress) end } or nil
end

local check <const> = options.declare("hn.fit", {
  loss = losses.rule,
  optimizer = { "optimizer|table", expected = "an optimizer of hn.optim, or an object with step(parameters, rate)",
    convert = function(value) return kinds.callable(value.step) and value or nil end, aka = { "optimiser", "optim" } },
  schedule = { "schedule|table|callable", convert = as_schedule,
    expected = "a schedule of hn.optim, or a function of the progress" },
  batch = { "integer", default = 50, least = 1, aka = { "batch_size", "batchsize" } },
  microbatch = { "integer", least = 1, choices = { "auto" }, aka = { "micro_batch", "micro_batch_size" } },
  epochs = { "integer", default = 10, least = 1 },
  validate = { "number|data|table", expected = "a fraction between 0 and 1, a number of samples, or a data set",
    aka = { "validation", "validation_split", "validation_data" } },
  interval = { "integer", default = 1, least = 1 },
  patience = { "integer", least = 0 },
  teacher = distil.rule,
  shuffle = { "boolean", default = true },
  progress = { "boolean", default = true, choices = { "plain" }, aka = { "verbose" } },
  checkpoint = checkpoint.rule,
  resume = { "boolean", default = false },
  quantize = quantized.rule,
  callbacks = { "table", convert = check_callbacks, default = {} },
})

--- Training and validation set, as the option says.
local function split(data, validate)
  if type(validate) == "number" then
    local held <const>, rest <const> = data:split(set.part_size("hn.fit: validate", validate, #data))
    return rest, held
  end
  return data, validate and set.of("hn.fit: validate", validate) or nil
end

local function check_arguments(net, o)
  if kinds.of(net) ~= "module" then
    core.fail("argument", "hn.fit: net: expected a module, got %s", kinds.describe(net))
  end
  if o.patience and not o.validate then
    core.fail("argument", "hn.fit: patience: expected together with validate, whose loss it watches")
  end
end

--- Samples of a piece of a minibatch, or nil where minibatches stay whole; and the predicted memory where it decided.
local function find_microbatch(run)
  local o <const> = run.options
  local batch <const> = math.min(o.batch, #run.data)
  if o.microbatch ~= "auto" then return o.microbatch and o.microbatch < batch and o.microbatch or nil, nil end
  local found <const>, predicted <const> = memory.largest("hn.fit: microbatch", run, batch)
  return found < batch and found or nil, predicted
end

--- Loss and error on the validation set, where no teacher is asked, or without one on the training set.
local function measure(run)
  local data <const>, asked <const> = run.validation or run.data, run.validation and run.question or run.loss
  local loss <const>, err <const> = evaluate.measure(run.net, data, asked, run.microbatch or run.options.batch)
  return { loss = loss, error = err }
end

--- Rounds the network, if that is asked for. Unless the run goes on from a checkpoint, which knows, the history gets to
-- know what it costs.
local function quantize(run, resumed)
  local kind <const> = run.options.quantize
  if not kind then return end
  local before <const> = not resumed and measure(run)
  run.masters = quantized.masters(run.net, run.optimizer, kind)
  if before then run.history.quantized = { kind = kind, float32 = before, rounded = measure(run) } end
end

--- Everything that a run needs, checked before the first step.
local function plan(net, data, given)
  local o <const> = check(given)
  check_arguments(net, o)
  local run <const> = { net = net, options = o, history = new_history(), seconds_before = 0, started = core.clock() }
  local point <const> = checkpoint.open(o)
  local seed <const>, position <const> = core.seed()
  run.random, run.written = { seed = seed, position = position }, run.started
  run.data, run.validation = split(set.of("hn.fit: data", data), o.validate)
  run.loss = losses.find("hn.fit", o.loss, run.data)
  run.question = run.loss
  if o.teacher then run.data, run.loss = distil.prepare(o.teacher, run.data, run.loss) end
  if run.validation then losses.find("hn.fit: validate", o.loss, run.validation) end
  run.optimizer, run.schedule = o.optimizer or optim.SGD(), o.schedule or optim.constant()
  run.parameters = net:parameters()
  if #run.parameters == 0 then core.fail("argument", "hn.fit: net: expected a module with parameters, got none") end
  run.batches = run.data:minibatches(o.batch)
  run.progress = { epoch = 0, epochs = o.epochs, step = 0, steps = o.epochs * run.batches }
  run.state = { net = net, optimizer = run.optimizer, epochs = o.epochs, batches = run.batches }
  run.best = run.validation and new_snapshot(net:state()) or nil
  losses.remember(net, o.loss or run.loss.name)
  run.microbatch, run.history.memory = find_microbatch(run)
  run.history.microbatch = run.microbatch
  checkpoint.check(run)
  quantize(run, point)
  if point then
    local _ <close> = point.file
    checkpoint.restore(run, point)
  end
  return run
end

--- Fails unless the loss is finite.
-- @param about of which epoch and minibatch it is, and its learning rate
local function check_loss(value, about)
  if value == value and value ~= math.huge and value ~= -math.huge then return end
  core.fail("numeric", "loss is %s at epoch %d, minibatch %d (learning rate %g): %s", kinds.describe(value),
    about.epoch, about.batch, about.lr, about.epoch == 1 and about.batch == 1
      and "look for nan and huge values in the data (data:normalise() scales them) and in the weights"
      or "lower the learning rate, clip the gradients (clip = 1), or look for nan and huge values in the data")
end

--- A minibatch begins: its learning rate. Gradients that an error left behind are none of its.
local function begin_minibatch(run)
  local progress <const>, state <const> = run.progress, run.state
  progress.epoch = progress.step / run.batches
  run.rate = run.schedule:rate(progress)
  state.batch, state.loss, state.lr = state.batch + 1, 0, (run.optimizer.lr or 1) * run.rate
  run.about = { epoch = state.epoch, batch = state.batch, lr = state.lr }
  for _, parameter in ipairs(run.parameters) do parameter:clear_grad() end
end

--- One minibatch, or a piece of it: gradients; after the last piece the update.
local function train_piece(run, totals, piece)
  if piece.first then begin_minibatch(run) end
  step.gradients(run.net, run.loss, totals, piece, run.about)
  if not piece.last then return end
  (run.masters or run.optimizer):step(run.parameters, run.rate)
  run.progress.step = run.progress.step + 1
end

--- Why training ends after this minibatch, or nil. A callback sees its loss, so that is waited for.
local function stop_after_minibatch(run, totals)
  if core.interrupted() then return "interrupted" end
  local callback <const> = run.options.callbacks.batch
  if not callback then return nil end
  totals:settle(0)
  return callback(run.state) == false and "callback" or nil
end

--- Totals of an epoch, which check each loss and give it to the minibatch's state.
local function new_totals(run)
  return losses.totals(run.loss, function(value, about)
    check_loss(value, about)
    if about == run.about then run.state.loss = run.state.loss + value end
  end)
end

--- Notes where the epoch's random numbers begin. In the middle of one that is gone on with, takes over what was done:
-- returns how many minibatches that is, and the state of the checkpoint, or nil.
local function begin_epoch(run, totals)
  local seed <const>, position <const> = core.seed()
  run.epoch_random = { seed = seed, position = position }
  local resumed <const> = run.resumed
  run.resumed = nil
  if not resumed or resumed.done == 0 then return 0, nil end
  totals.weight, totals.loss, totals.wrong = resumed.totals.weight, resumed.totals.loss, resumed.totals.wrong
  run.state.batch = resumed.done
  return resumed.done, resumed
end

--- The minibatches of an epoch that are left, as Set:batches gives them.
local function batches_left(run, totals)
  local o <const> = run.options
  local skip <const>, resumed <const> = begin_epoch(run, totals)
  local pieces <const> = { batch = o.batch, microbatch = run.microbatch, shuffle = o.shuffle, skip = skip }
  local next_piece <const>, s <const>, first <const>, finish <const> = run.data:batches(pieces)
  if resumed then core.seed(resumed.random.now.seed, resumed.random.now.position) end
  return skip * o.batch, next_piece, s, first, finish
end

--- One pass over the training set. Returns totals, samples done, and why training ends in its middle.
local function train_epoch(run, display)
  local totals <const> = new_totals(run)
  local function read() return totals:read() end
  run.net:train()
  local done, next_piece <const>, s <const>, first <const>, finish <const> = batches_left(run, totals)
  for x, y, weight, piece in next_piece, s, first, finish do
    piece.x, piece.y, piece.weight = x, y, weight
    train_piece(run, totals, piece)
    done = done + x:shape()[1]
    display:advance(done, read)
    local stop <const> = piece.last and stop_after_minibatch(run, totals)
    if piece.last and (stop or checkpoint.due(run)) then
      checkpoint.write(run, run.state.epoch, run.state.batch, totals)
    end
    if stop then return totals, done, stop end
  end
  return totals, done, nil
end

--- Measures the validation set, if it is its turn, and keeps the weights if they are the best so far.
local function validate(run, epoch)
  if not run.validation then return nil end
  local history <const>, o <const> = run.history, run.options
  if epoch % o.interval ~= 0 and epoch ~= o.epochs then
    history.validation.loss[epoch], history.validation.error[epoch] = math.huge, math.huge
    return nil
  end
  local result <const> = measure(run)
  local loss <const> = result.loss
  if loss ~= loss then core.fail("numeric", "validation loss is nan after epoch %d: lower the learning rate", epoch) end
  history.validation.loss[epoch], history.validation.error[epoch] = loss, result.error
  if not history.best or loss < history.validation.loss[history.best] then
    history.best = epoch
    run.best:take()
  end
  return result
end

--- Why training ends after this epoch, or nil.
local function stop_after_epoch(run, epoch)
  local history <const>, patience <const> = run.history, run.options.patience
  local callback <const> = run.options.callbacks.epoch
  if callback and callback(run.state) == false then return "callback" end
  if core.interrupted() then return "interrupted" end
  return patience and history.best and epoch - history.best > patience and "patience" or nil
end

--- Writes the epoch into the history and shows it. Returns why training ends, or nil.
local function finish_epoch(run, display, epoch, totals, seconds)
  local history <const>, state <const> = run.history, run.state
  history.loss[epoch], history.error[epoch] = totals:read()
  history.lr[epoch], history.epochs = state.lr, epoch
  state.loss, state.error, state.validation = history.loss[epoch], history.error[epoch], validate(run, epoch)
  display:finish(#run.data, { loss = state.loss, error = state.error, validation = state.validation,
    seconds = seconds })
  if run.schedule.observe and (state.validation or not run.validation) then
    run.schedule:observe(state.validation and state.validation.loss or state.loss)
  end
  return stop_after_epoch(run, epoch)
end

--- Whether a run that is gone on with had ended for want of patience.
local function had_ended(run)
  local history <const>, patience <const> = run.history, run.options.patience
  return run.resumed and patience and history.best and history.epochs - history.best > patience
end

--- All epochs. Returns why training ended.
local function train(run, display)
  if had_ended(run) then return "patience" end
  for epoch = run.resumed and run.resumed.epoch or 1, run.options.epochs do
    local started <const> = core.clock()
    run.state.epoch, run.state.batch = epoch, 0
    display:begin(epoch)
    local totals <const>, _, stop = train_epoch(run, display)
    if stop then return stop end
    stop = finish_epoch(run, display, epoch, totals, core.clock() - started)
    checkpoint.after_epoch(run, epoch, stop or epoch == run.options.epochs)
    if stop then return stop end
  end
  return "epochs"
end

--- While it is open, Ctrl-C only sets the flag that core.interrupted reads.
local function listening()
  core.listen(true)
  return setmetatable({}, { __close = function() core.listen(false) end })
end

--- Trains a network on a data set (or a table { x =, y =, weight = }) and returns the history (see hn.history).
--
-- Options: `loss` ("cross_entropy" for classes, "mse" for numbers; "bce", "huber", "soft_cross_entropy", or
-- function(output, y, weight) that returns a tensor of one element), `optimizer` (SGD), `schedule` (constant),
-- `batch` (50), `microbatch` (none), `epochs` (10), `validate` (a fraction or a number of samples held out, or a data
-- set), `interval` (1: validates after every so many epochs, and the last), `patience` (epochs without a lower
-- validation loss before training stops), `shuffle` (true), `progress` (true: a line for each epoch, and a bar while
-- one goes on if output and errors go to a terminal; "plain": no bar; false: nothing), `callbacks` { epoch =
-- function(state), batch = function(state) }, where returning false ends training and state holds net, optimizer,
-- epoch, epochs, batch, batches, lr, loss, error, validation.
--
-- With `validate`, the network ends with the weights of the epoch whose validation loss was lowest. Ctrl-C ends
-- training at the next minibatch in the same way, and the script goes on. The network is left in evaluation mode.
-- A loss that is not finite is a numeric error.
--
-- With `teacher` = net, or { net =, temperature = (2), weight = (0.5) }, a network that was trained before tells how
-- probable it finds each class, and the loss is that share of its answers, as hn.distil explains; errors and validation
-- go by the labels.
--
-- With `checkpoint` = "run.hn", or { path =, every = epochs (1), minutes = (none), keep = "last", "best" or "both" (the
-- best epoch's then goes to "run-best.hn") }, the run is written there after epochs, or in the middle of one when so
-- many minutes have gone by; with `resume` = true it goes on from there, if the file exists, to the very weights that a
-- run without a break gives. Start the same script again: network, data and options must be as they were, but
-- `epochs` and `patience` may be more. hn.load reads the network from it.
--
-- With `microbatch`, a minibatch goes through the network in even pieces of at most so many samples, whose gradients
-- add up to the whole minibatch's, to rounding, so that the activations of one piece are held at a time; "auto" takes
-- the largest pieces with which a step, as net:memory predicts it, fits the budget (the optimizer must be one of
-- hn.optim, or have a method copy()). Two layers see a difference: batch norm takes its statistics over a piece, and
-- its running ones move with each piece; dropout draws other numbers where there is more than one such layer. A loss
-- that is a function must be a (weighted) mean over samples.
--
-- With `quantize` = "int8" or "int4", the network is trained as `hnrun export --int8` or `--int4` stores it: its
-- buckets and dense weights are rounded (see hn.quantized), and updates go to float32 weights beside it, which end with
-- the run. From the start, or on a network that was trained already, with a small learning rate. The network that it
-- leaves is rounded, and exported with the very weights that were validated. The history tells loss and error before
-- rounding, after it, and after training.
return function(net, data, given)
  local run <const> = plan(net, data, given)
  local history <const> = run.history
  local _ <close> = listening()
  local _ <close> = run.masters
  local display <close> = new_progress(run.options.progress, run.options.epochs, #run.data)
  history.stopped = train(run, display)
  history.interrupted = history.stopped == "interrupted"
  if run.best then run.best:restore() end
  net:eval()
  if history.quantized and not history.interrupted then history.quantized.trained = measure(run) end
  history.seconds = run.seconds_before + core.clock() - run.started
  return history
end
