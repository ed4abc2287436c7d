-- Weights as whole numbers: the operation, and training for networks that are deployed so (quantize = "int8").

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local numeric <const> = require "spec.support.numeric"
local plan_of <const> = require "hn.export.plan"
local quantise <const> = require "hn.export.quantise"

local nn <const> = hn.nn

for _, backend in ipairs(backends) do
  describe("hn.quantize on " .. backend.device, function()
    before_each(function() backends.open { device = backend.device } end)

    local function rounded(list, levels) return hn.tensor({ #list }, list):quantize(levels):table() end

    it("keeps the largest magnitude and rounds the others to multiples of it over the levels", function()
      assert.same({ 4, -2, 0, 1, -1, 2 }, rounded({ 4, -2, 0.25, 1.25, -0.75, 1.5 }, 4))
    end)

    it("changes nothing the second time, to the bit", function()
      for n = 1, 40 do
        local x <const> = hn.tensor({ 257 }):normal(0, 0.01 * 1.37 ^ n)
        for _, levels in ipairs { 7, 127, 255 } do
          local once <const> = x:quantize(levels)
          assert.same(once:table(), once:quantize(levels):table())
        end
      end
    end)

    it("leaves zeros zero, takes numbers near the smallest for zeros, and spreads what is not finite", function()
      assert.same({ 0, 0 }, rounded { 0, 0 })
      assert.same({ 0, 0 }, rounded { 1e-38, -1e-44 })
      for _, bad in ipairs { 0 / 0, 1 / 0 } do
        local all_nan = true
        for _, value in ipairs(rounded { 1, bad, 2 }) do all_nan = all_nan and value ~= value end
        assert.is_true(all_nan)
      end
    end)

    it("takes whole numbers of levels from 1 to 255", function()
      for _, levels in ipairs { 0, 1.5, 256, -3 } do
        assert.error_matches(function() return core.tensor({ 2 }):quantize(levels) end,
          "argument: quantize: levels must be a whole number from 1 to 255, got " .. levels, 1, true)
      end
    end)
  end)
end

-- Two classes of points in 20 dimensions.
local function points(n)
  local random <const>, y <const> = numeric.generator(n), {}
  local x <const> = hn.tensor({ n, 20 }, function() return random.number(-1, 1) end)
  for k, row in ipairs(x:table()) do y[k] = row[1] + row[2] * row[3] + row[4] > 0 and 2 or 1 end
  return hn.data.tensors { x = x, y = hn.labels(y) }, x, hn.labels(y)
end

-- Layers of every kind that is rounded, and some that are not.
local function network()
  local pool <const> = hn.buckets(96)
  return nn.Sequential {
    nn.Hashed(20, 32, { buckets = 128, strip = 8 }), nn.BatchNorm(32), nn.ReLU(), nn.Dropout(0.1),
    nn.Hashed(32, 32, { pool = pool, bias = "hashed" }), nn.ReLU(),
    nn.Hashed(32, 16, { pool = pool, scheme = "element" }), nn.ReLU(), nn.Linear(16, 2),
  }
end

local function options(more)
  local o <const> = { epochs = 2, batch = 10, progress = false, quantize = "int8" }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

local function values(tensor) return tensor:read(1, tensor:size()) end

local function state(net)
  local list <const> = {}
  for k, tensor in ipairs(net:state()) do list[k] = values(tensor) end
  return list
end

-- The numbers as the export stores them, in float32.
local function as_stored(list, kind)
  local whole <const>, scale <const> = quantise.whole(kind or "int8", list)
  for k, value in ipairs(whole) do whole[k] = value * scale end
  return whole
end

local function float32(x) return (string.unpack("<f", string.pack("<f", x))) end

for _, backend in ipairs(backends) do
  describe("hn.fit with quantize on " .. backend.device, function()
    before_each(function() backends.open { device = backend.device } end)

    it("updates float32 weights with the gradients of the rounded ones", function()
      local data <const>, x <const>, y <const> = points(30)
      local net <const> = nn.Linear(20, 2, { bias = false })
      local before <const>, masters <const> = values(net.weight), values(net.weight)
      local w <const> = hn.tensor({ 2, 20 }):parameter()
      for _ = 1, 3 do
        w:set(as_stored(masters))
        local _ <close> = hn.tape()
        hn.cross_entropy(hn.linear(x, w), y):backward()
        for k, g in ipairs(values(w:grad())) do masters[k] = float32(masters[k] - float32(float32(0.3) * g)) end
        w:clear_grad()
      end
      hn.fit(net, data, options { epochs = 3, batch = 30, shuffle = false, optimizer = hn.optim.SGD { lr = 0.3 } })
      local got <const>, wanted <const> = values(net.weight), as_stored(masters)
      assert.is_true(numeric.error(got, before) > 1e-4)
      assert.is_true(numeric.error(got, wanted) < 1e-11, numeric.worst(got, wanted))
    end)

    for _, kind in ipairs { "int8", "int4" } do
      it(("leaves weights that the export stores to the bit as %s"):format(kind), function()
        local net <const> = network()
        hn.fit(net, points(60), options { validate = 0.3, quantize = kind })
        local before <const> = state(net)
        for _, tensor in ipairs { net[1].pool, net[5].pool, net[9].weight } do
          assert.same(values(tensor), as_stored(values(tensor), kind))
        end
        assert.is_true(numeric.error(values(net[1].bias), as_stored(values(net[1].bias), kind)) > 0)
        quantise.round(plan_of(net), kind)
        assert.same(before, state(net))
      end)
    end
  end)
end

describe("hn.fit with quantize", function()
  before_each(function() backends.open() end)

  for _, case in ipairs { { "the validation set", points(40) }, { "the training set without one" } } do
    it("tells what rounding costs, before and after training, on " .. case[1], function()
      local net <const>, data <const>, path <const> = network(), points(60), files.path()
      local measured <const> = case[2] or data
      local function measure(one)
        local result <const> = hn.evaluate(one, measured, { batch = 10 })
        return { loss = result.loss, error = result.error }
      end
      net:save(path)
      local float <const> = measure(net:eval())
      local q <const> = hn.fit(net, data, options { validate = case[2] }).quantized
      assert.same({ "int8", float, measure(net) }, { q.kind, q.float32, q.trained })
      local before <const> = hn.load(path)
      quantise.round(plan_of(before))
      assert.near(measure(before).loss, q.rounded.loss, 1e-6)
      assert.is_true(q.rounded.loss ~= q.float32.loss and q.trained.loss < q.rounded.loss)
    end)
  end

  it("prints it", function()
    local history <const> = hn.fit(network(), points(60), options())
    assert.matches("; int8: error %d+.%d+ %% as float32, %d+.%d+ %% rounded, %d+.%d+ %% trained", tostring(history))
    assert.is_nil(hn.fit(nn.Linear(20, 2), points(60), { progress = false, epochs = 1 }).quantized)
  end)

  it("gives the same bits with more threads, and with a network that was saved and loaded", function()
    local results <const>, path <const> = {}, files.path()
    for k, threads in ipairs { 1, 3, 1 } do
      backends.open { threads = threads }
      local net = network()
      if k == 3 then net = hn.load(path) else net:save(path) end
      hn.fit(net, points(60), options())
      results[k] = state(net)
    end
    assert.same(results[1], results[2])
    assert.same(results[1], results[3])
  end)

  it("goes through pieces of a minibatch as hn.fit does", function()
    local losses <const> = {}
    for k, size in ipairs { 10, 3 } do
      backends.open()
      local net <const> = nn.Sequential { nn.Hashed(20, 32, { buckets = 128 }), nn.ReLU(), nn.Linear(32, 2) }
      losses[k] = hn.fit(net, points(60), options { microbatch = size }).loss
    end
    for epoch, loss in ipairs(losses[1]) do assert.near(loss, losses[2][epoch], 1e-3) end
  end)

  it("takes any object that steps, and leaves the network as it is in a dry run", function()
    local net <const> = network()
    local before <const>, steps = state(net), 0
    net:memory { quantize = "int8" }
    assert.same(before, state(net))
    hn.fit(net, points(60), options { optimizer = { step = function() steps = steps + 1 end } })
    assert.equal(12, steps)
    assert.same(as_stored(before[1]), values(net:state()[1]))
  end)

  it("takes the kinds that it knows alone", function()
    assert.error_matches(function() hn.fit(network(), points(60), options { quantize = "int3" }) end,
      'argument: hn.fit: quantize: expected "int8" or "int4", got "int3"', 1, true)
  end)
end)
