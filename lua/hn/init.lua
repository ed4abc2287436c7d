--- The engine as scripts see it: `local hn = require "hn"`.
-- @module hn

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local virtual <const> = require "hn.nn.virtual"

local hn <const> = {
  version = core.version,
  tensor = core.tensor, -- tensor(shape, from): zeros of a shape, or `from` a number, function, table, tensor
  buckets = core.buckets, -- buckets(count): a pool of so many shared weights
  labels = core.labels, -- labels(classes): an int tensor of classes, counted from 1
  tape = core.tape, -- tape(): `local tape <close> = hn.tape()` records operations for backward
  scope = core.scope, -- scope(): frees results of operations when it closes, and records nothing
  hash = core.hash, -- hash(seed, word, ...): XXH32 of at most 16 words of 32 bits under a seed
  random = core.random, -- random(): a number in [0, 1) of the engine's stream
  seed = core.seed, -- seed(seed, position): seed and position of that stream, which are set if given
  device = core.device, -- device(): the device in words
  wait = core.wait, -- wait(): waits until the device has done all that it was asked for: to take the time
  memory = core.memory, -- memory(): { used, peak, budget, host, objects, kinds, peak_kinds } in bytes
  clock = core.clock, -- clock(): seconds of a clock that only goes forward
  nn = require "hn.nn",
  optim = require "hn.optim",
  data = require "hn.data",
  metrics = require "hn.metrics",
  plot = require "hn.plot",
  tune = require "hn.tune",
  tmva = require "hn.tmva",
  transform = require "hn.transform",
  fit = require "hn.fit",
  phases = require "hn.phases",
  cross_validate = require "hn.cross_validate",
  evaluate = require("hn.evaluate").run,
  report = require "hn.report",
  load = require("hn.model").load, -- the network that net:save wrote into a file
}

-- Operations: hn.relu(x) beside x:relu().
for name, operation in pairs(core.ops) do hn[name] = operation end

local check_use <const> = options.declare("hn.use", {
  device = { "string" },
  threads = { "integer", least = 0, most = 4096 },
  memory = { "integer|string", above = 0, expected = 'bytes, or a text such as "256MiB"', aka = { "budget" } },
  seed = options.rules.seed,
  debug = { "boolean" },
})

--- Opens the device that the script wants; call it first. Objects made before belong to the device before.
-- Options: `device` ("auto"), `threads` (0: all), `memory` (the budget: bytes or a text such as "256MiB"; no limit),
-- `seed` (of random numbers and of layers' hashes), `debug` (guard zones around memory, NaN in fresh results).
-- Options of hnrun's command line win. Returns the device in words.
function hn.use(given) return core.use(check_use(given)) end

--- Whether Ctrl-C came since the last call: the way for a training loop of one's own to end in peace. From the first
-- call on, Ctrl-C only sets this flag; a second one before the next call ends the script.
function hn.interrupted()
  core.listen(true)
  return core.interrupted()
end

local check_matrix <const> = options.declare("matrix", {
  rows = { "integer", required = true, least = 1, most = 2 ^ 31 - 1, aka = { "outputs" } },
  cols = { "integer", required = true, least = 1, most = 2 ^ 31 - 1, aka = { "inputs", "columns" } },
  scheme = virtual.rules.scheme,
  seed = options.rules.seed,
  sign = virtual.rules.sign,
  balanced = virtual.rules.balanced,
  strip = virtual.rules.strip,
  offset = virtual.rules.offset,
  count = virtual.rules.count,
})

--- pool:matrix{ rows =, cols =, scheme = "line", seed = 0, sign = true, balanced = false, strip = 0, offset = 0,
-- count = the rest }: a virtual matrix over the pool's buckets. `matrix:bucket(i, j)`, `:at(i, j)`, `:expand()` look
-- into it; `for i, j in matrix:members(bucket)` goes through the elements that share a bucket of a balanced one.
function core.methods.matrix(pool, given)
  if kinds.of(pool) ~= "tensor" then
    core.fail("argument", "matrix: pool: expected buckets made by hn.buckets, got %s", kinds.describe(pool))
  end
  return core.matrix(pool, check_matrix(given))
end

return hn
