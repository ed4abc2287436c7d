--- Outputs of a network for many samples, with the memory of one minibatch.
-- @module hn.nn.predict

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local set <const> = require "hn.data.set"

local check <const> = options.declare("net:predict", { batch = options.rules.batch })

--- Minibatches of a tensor on the device: slices, no copies. Returns an iterator like a data set's `batches`, and the
-- number of samples.
local function slices(x, batch)
  local size <const>, first = x:shape()[1], 1 - batch
  return function()
    first = first + batch
    if first <= size then return core.ops.slice(x, first, math.min(batch, size - first + 1)) end
  end, size
end

local function source(x, batch)
  if kinds.of(x) == "tensor" then return slices(x, batch) end
  local data <const> = set.of("net:predict: x", x)
  return data:batches { batch = batch }, #data
end

--- Output y of the samples from `first` on goes into `all`, which is made at the first call.
local function collect(all, y, first, samples)
  local shape <const> = y:shape()
  local count <const> = shape[1]
  if not all then
    shape[1] = samples
    all = core.tensor(shape)
  end
  core.ops.slice(all, first, count):set(y)
  return all, first + count
end

return function(net, x, given)
  local o <const> = check(given)
  local _ <close> = net:evaluating()
  local all, first = nil, 1
  local minibatches <const>, samples <const> = source(x, o.batch)
  repeat
    local _ <close> = core.scope()
    local minibatch <const> = minibatches()
    if minibatch then all, first = collect(all, net(minibatch), first, samples) end
  until not minibatch
  return all
end
