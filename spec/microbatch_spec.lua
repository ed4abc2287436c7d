-- Gradients accumulated over pieces of a minibatch: the same as the whole minibatch's.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local numeric <const> = require "spec.support.numeric"

local nn <const> = hn.nn
local SAMPLES <const> = 26

local function classes()
  local list <const> = {}
  for k = 1, SAMPLES do list[k] = 1 + (k * 7) % 3 end
  return hn.labels(list)
end

local function numbers(columns, low)
  return function()
    local g <const> = numeric.generator(5)
    return hn.tensor({ SAMPLES, columns }, function() return g.number(low, 1) end)
  end
end

local function net_of(outputs)
  return nn.Sequential { nn.Hashed(6, 20, { seed = 1 }), nn.Tanh(), nn.Linear(20, outputs) }
end

-- All weights after two epochs of SGD on the samples.
local function trained(row, weight, more)
  backends.open { seed = 4 }
  local data <const> = hn.data.tensors { x = hn.tensor({ SAMPLES, 6 }):normal(0, 1), y = row.y(), weight = weight }
  local net <const> = (row.net or net_of)(3)
  local o <const> = { batch = 11, epochs = 2, loss = row.loss, progress = false,
    optimizer = hn.optim.SGD { lr = 0.1, momentum = 0.9, clip = row.clip } }
  for key, value in pairs(more) do o[key] = value end
  local history <const>, list <const> = hn.fit(net, data, o), {}
  for _, tensor in ipairs(net:parameters()) do
    for _, value in ipairs(numeric.flat(tensor:table())) do list[#list + 1] = value end
  end
  return list, history
end

-- Weights that sum to nothing within pieces and minibatches' parts, some of them 0.
local function uneven()
  local list <const> = {}
  for k = 1, SAMPLES do list[k] = ({ 1, -1, 0, 2, 3 })[1 + k % 5] end
  return list
end

local function own_loss(output, y, weight)
  local rows <const> = hn.huber_rows(output, y)
  return weight and hn.weighted_mean(rows, weight) or rows:mean()
end

local function positive()
  local list <const> = {}
  for k = 1, SAMPLES do list[k] = k % 4 end
  return list
end

describe("hn.fit with microbatch gives what whole minibatches give:", function()
  local rows <const> = {
    { "cross_entropy", y = classes, loss = "cross_entropy" },
    { "clipped", y = classes, loss = "cross_entropy", clip = 0.1 },
    { "mse", y = numbers(3, -1), loss = "mse" },
    { "bce", y = numbers(3, 0), loss = "bce" },
    { "huber", y = numbers(3, -1), loss = "huber" },
    { "a function", y = numbers(3, -1), loss = own_loss, positive = true },
    { "one dropout layer", y = classes, loss = "cross_entropy", net = function(outputs)
      return nn.Sequential { nn.Linear(6, 20), nn.Dropout(0.5), nn.Linear(20, outputs) }
    end },
  }
  for _, row in ipairs(rows) do
    for title, weights in pairs { unweighted = function() end, weighted = row.positive and positive or uneven } do
      it(("%s, %s"):format(row[1], title), function()
        local whole <const>, history <const> = trained(row, weights(), {})
        assert.is_nil(history.microbatch)
        for _, size in ipairs { 1, 3, 4, 10 } do
          local pieces <const>, other <const> = trained(row, weights(), { microbatch = size })
          assert.equal(size, other.microbatch)
          assert.is_true(numeric.error(pieces, whole) < 1e-5, numeric.worst(pieces, whole))
          assert.is_true(numeric.error(other.loss, history.loss) < 1e-5, numeric.worst(other.loss, history.loss))
          assert.is_true(#history.error == 0 or numeric.error(other.error, history.error) < 1e-12)
        end
        assert.same(whole, (trained(row, weights(), { microbatch = 11 }))) -- one piece: the same bits
        assert.same(whole, (trained(row, weights(), { microbatch = "auto" }))) -- no budget: no pieces
      end)
    end
  end
end)

describe("hn.fit with microbatch", function()
  local function tensors(n)
    local labels <const> = {}
    for k = 1, n do labels[k] = 1 + k % 3 end
    return hn.data.tensors { x = hn.tensor({ n, 6 }):normal(0, 1), y = hn.labels(labels) }
  end

  it("cuts minibatches evenly", function()
    local sizes <const>, data <const> = {}, tensors(23)
    for x, _, _, piece in data:batches { batch = 9, microbatch = 4 } do
      sizes[#sizes + 1] = { x:shape()[1], piece.first, piece.last, piece.total }
    end
    assert.same({ { 3, true, false, 9 }, { 3, false, false, 9 }, { 3, false, true, 9 }, { 3, true, false, 9 },
      { 3, false, false, 9 }, { 3, false, true, 9 }, { 3, true, false, 5 }, { 2, false, true, 5 } }, sizes)
  end)

  it("calls back once a minibatch and counts steps likewise", function()
    local batches <const> = {}
    local optimizer <const> = hn.optim.SGD()
    hn.fit(net_of(3), tensors(20), { batch = 10, microbatch = 3, epochs = 2, optimizer = optimizer, progress = false,
      callbacks = { batch = function(state) batches[#batches + 1] = state.batch end } })
    assert.same({ { 1, 2, 1, 2 }, 4 }, { batches, optimizer.count })
  end)

  it("normalises over pieces with batch norm", function()
    local function mean_after(microbatch)
      backends.open { seed = 4 }
      local data <const> = tensors(8)
      local net <const> = nn.Sequential { nn.BatchNorm(6, { momentum = 0.5 }), nn.Linear(6, 3) }
      hn.fit(net, data, { batch = 8, microbatch = microbatch, epochs = 1, shuffle = false, progress = false })
      return net[1].running_mean:table()
    end
    backends.open { seed = 4 }
    local x <const>, expected <const> = tensors(8):rows(1, 8):table(), {}
    for j = 1, 6 do
      local first <const> = (x[1][j] + x[2][j] + x[3][j] + x[4][j]) / 4
      local second <const> = (x[5][j] + x[6][j] + x[7][j] + x[8][j]) / 4
      expected[j] = first / 4 + second / 2
    end
    assert.is_true(numeric.error(mean_after(4), expected) < 1e-6)
    assert.is_true(numeric.error(mean_after(nil), expected) > 1e-3)
  end)

  -- A network whose activations are most of it.
  local function wide() return nn.Sequential { nn.Linear(6, 2000), nn.ReLU(), nn.Linear(2000, 3) } end

  it('"auto" takes the largest pieces that fit the budget, keeps it, and says so', function()
    backends.open { memory = "3MiB" }
    local data <const>, net <const> = tensors(300), wide()
    assert.is_false(net:memory({ batch = 256 }).fits)
    assert.error_matches(function() hn.fit(net, data, { batch = 256, epochs = 1, progress = false }) end, "^memory: ")
    collectgarbage()
    core.reset_peak()
    local history <const> = hn.fit(net, data, { batch = 256, microbatch = "auto", epochs = 2, progress = false,
      validate = 20 })
    local size <const> = history.microbatch
    assert.is_true(size > 1 and size < 256)
    assert.same({ size, true }, { history.memory.batch, history.memory.fits })
    assert.equal(history.memory.peak, core.memory().peak)
    assert.matches(("pieces of up to %d samples"):format(size), tostring(history), 1, true)
    local pieces <const> = (256 + size - 1) // size
    local larger <const> = (256 + pieces - 2) // (pieces - 1) -- one piece fewer
    assert.is_false(net:memory({ batch = larger, input = data }).fits)
  end)

  it('"auto" fails before it starts where not even one sample fits', function()
    backends.open { device = "cpu", memory = "200KiB" }
    local net <const> = wide()
    assert.error_matches(function()
      hn.fit(net, tensors(20), { batch = 16, microbatch = "auto", progress = false })
    end, "^memory: hn.fit: microbatch: a step on 1 sample needs .* the budget is 200.0 KiB")
    assert.is_nil(net:parameters()[1]:grad())
    local normed <const> = nn.Sequential { nn.Linear(6, 2000), nn.BatchNorm(2000), nn.Linear(2000, 3) }
    assert.error_matches(function()
      hn.fit(normed, tensors(20), { batch = 16, microbatch = "auto", progress = false })
    end, "^memory: hn.fit: microbatch: a step on 2 samples needs .*with fewer: .*batch_norm: training needs at least 2")
  end)

  it("checks its options", function()
    for _, wrong in ipairs { 0, -1, 1.5, "most" } do
      assert.error_matches(function() hn.fit(net_of(3), tensors(9), { microbatch = wrong }) end,
        "^argument: hn.fit: microbatch: expected an integer")
    end
    local own <const> = setmetatable({}, { __index = { step = function() end } })
    assert.error_matches(function()
      hn.fit(net_of(3), tensors(9), { microbatch = "auto", optimizer = own, progress = false })
    end, "^argument: hn.fit: microbatch: optimizer: expected one of hn.optim")
  end)
end)
