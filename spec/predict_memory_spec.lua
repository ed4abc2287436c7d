-- The memory of a training step, told before it is done: against the counter, for every kind of network.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"

local nn <const> = hn.nn

local function cycle(n, classes)
  local list <const> = {}
  for k = 1, n do list[k] = 1 + k % classes end
  return hn.labels(list)
end

-- Own: a module with an activation that it keeps, a tensor that it makes in forward, and a parameter made on first use.
local Own <const> = nn.module "Own"
function Own:init() self.first, self.calls = nn.Hashed(40, 30), 0 end
function Own:forward(x)
  self.calls = self.calls + 1
  self.seen = self.first(x):relu()
  if self.seen:table()[1][1] ~= 0 then self.nonzero = true end
  self.late = self.late or hn.tensor({ 30, 5 }, 0.5):parameter()
  return self.seen:mul(hn.tensor({ 30 }, 2)):matmul(self.late)
end

local function embedded()
  return nn.Sequential { nn.HashedEmbedding(1000, 8, { buckets = 64 }), nn.Flatten(), nn.Linear(24, 5) }
end

local function shared()
  local pool <const> = hn.buckets(512)
  return nn.Sequential { nn.Hashed(40, 60, { pool = pool }), nn.ReLU(), nn.Hashed(60, 60, { pool = pool }), nn.Tanh(),
    nn.Linear(60, 5) }
end

-- Name, network, and, where they differ from 40 numbers and 5 classes: x, y, options of hn.fit.
local NETWORKS <const> = {
  { "dense", function() return nn.Sequential { nn.Linear(40, 70), nn.ReLU(), nn.Linear(70, 5) } end },
  { "hashed", function() return nn.Sequential { nn.Hashed(40, 70), nn.ReLU(), nn.Hashed(70, 5) } end },
  { "hashed bias, element, strips", function()
    return nn.Hashed(40, 5, { scheme = "element", strip = 2, bias = "hashed" })
  end },
  { "one pool for two layers", shared },
  { "batch norm and dropout", function()
    return nn.Sequential { nn.Dropout(0.1), nn.Linear(40, 70), nn.BatchNorm(70), nn.GELU(), nn.Dropout(0.5),
      nn.LayerNorm(70), nn.Linear(70, 5) }
  end },
  { "residual", function()
    return nn.Sequential { nn.Residual { nn.Hashed(40, 40), nn.ReLU(), nn.Linear(40, 40) }, nn.Linear(40, 5) }
  end },
  { "embedding", embedded, function(n)
    return hn.labels((function()
      local rows <const> = {}
      for k = 1, n do rows[k] = { k, k + 1, k + 2 } end
      return rows
    end)())
  end, input = { 3 } },
  { "one's own module", Own, input = 40, collected = true },
  { "numbers as targets", function() return nn.Linear(40, 3) end, nil, function(n) return hn.tensor { n, 3 } end,
    loss = "mse" },
}

local OPTIMIZERS <const> = {
  SGD = function() return hn.optim.SGD { momentum = 0.9 } end, Adam = function() return hn.optim.Adam { clip = 1 } end,
}

-- What the counter says of two steps of hn.fit; and its kinds then.
local function counted(net, row, batch, optimizer, more)
  local x <close> = row[3] and row[3](2 * batch) or hn.tensor({ 2 * batch, 40 }):normal(0, 1)
  local y <close> = row[4] and row[4](2 * batch) or cycle(2 * batch, 5)
  local data <const> = hn.data.tensors { x = x, y = y, classes = not row[4] and 5 or nil,
    weight = more.weight and hn.tensor({ 2 * batch }, 0.5) or nil }
  if more.normalise then data:normalise() end
  x:close()
  y:close()
  collectgarbage()
  collectgarbage()
  local predicted <const> = net:memory { batch = batch, optimizer = optimizer, loss = row.loss,
    quantize = more.quantize, input = more.data and data or row.input }
  core.reset_peak()
  hn.fit(net, data, { batch = batch, epochs = 1, optimizer = optimizer, loss = row.loss, progress = false,
    quantize = more.quantize, validate = more.validate and data })
  return predicted, core.memory()
end

describe("net:memory predicts to the byte what the counter says of hn.fit:", function()
  for _, row in ipairs(NETWORKS) do
    for name, make in pairs(OPTIMIZERS) do
      for _, batch in ipairs { 2, 64 } do
        it(("%s, %s, batch %d"):format(row[1], name, batch), function()
          backends.open { threads = 2 }
          local net <const> = row[2]()
          if row[1] == "one's own module" then net(hn.tensor { 1, 40 }) end -- hn.fit asks for its parameters beforehand
          local predicted <const>, memory <const> = counted(net, row, batch, make(), {})
          if row.collected then -- when the tensors that it makes go is the collector's choice
            assert.is_true(math.abs(predicted.peak / memory.peak - 1) <= 0.02)
          else
            assert.same({ memory.peak, memory.peak_kinds }, { predicted.peak, predicted.kinds })
          end
          local sum = 0
          for _, bytes in pairs(predicted.kinds) do sum = sum + bytes end
          assert.equal(predicted.peak, sum)
        end)
      end
    end
  end

  it("a data set with weights that is normalised", function()
    local predicted <const>, memory <const> = counted(NETWORKS[1][2](), NETWORKS[1], 20, hn.optim.SGD(),
      { weight = true, normalise = true, data = true })
    assert.same({ memory.peak, memory.peak_kinds }, { predicted.peak, predicted.kinds })
  end)

  it("validation, after which the best weights are put back", function()
    for _, row in ipairs { NETWORKS[1], NETWORKS[2], NETWORKS[5] } do
      local predicted <const>, memory <const> = counted(row[2](), row, 2, hn.optim.SGD { lr = 0 }, { validate = true })
      assert.same({ memory.peak, memory.peak_kinds }, { predicted.peak, predicted.kinds })
    end
  end)

  it("weights that are rounded in training", function()
    for _, k in ipairs { 1, 2, 4, 7 } do
      local row <const> = NETWORKS[k]
      backends.open { threads = 2 }
      local net <const> = row[2]()
      local without <const> = net:memory { batch = 20, optimizer = hn.optim.SGD(), input = row.input }
      local predicted <const>, memory <const> = counted(net, row, 20, hn.optim.SGD(), { quantize = "int8" })
      assert.same({ memory.peak, memory.peak_kinds }, { predicted.peak, predicted.kinds }, row[1])
      assert.is_true(predicted.kinds.optimizer > without.kinds.optimizer)
      assert.equal(without.kinds.optimizer, core.memory().kinds.optimizer) -- the masters are gone
    end
  end)

  it("a network and an optimiser that were used before", function()
    local net <const>, optimizer <const> = NETWORKS[2][2](), hn.optim.Adam()
    counted(net, NETWORKS[2], 5, optimizer, {})
    local steps <const> = optimizer.count
    local predicted <const>, memory <const> = counted(net, NETWORKS[2], 50, optimizer, {})
    assert.same({ memory.peak, memory.peak_kinds }, { predicted.peak, predicted.kinds })
    assert.equal(steps + 2, optimizer.count)
  end)
end)

describe("net:memory", function()
  it("is within 2 % for a loop of one's own", function()
    local net <const>, optimizer <const> = NETWORKS[2][2](), hn.optim.SGD { momentum = 0.9 }
    local predicted <const> = net:memory { batch = 100, optimizer = optimizer }
    core.reset_peak()
    local x <close> = hn.tensor { 100, 40 }
    local y <close> = cycle(100, 5)
    for _ = 1, 2 do
      local _ <close> = hn.tape()
      hn.cross_entropy(net(x), y):backward()
      optimizer:step(net:parameters())
    end
    assert.is_true(math.abs(predicted.peak / core.memory().peak - 1) <= 0.02)
  end)

  it("needs none of the memory that it predicts, and leaves all as it was", function()
    backends.open { memory = "16MiB" }
    local net <const> = nn.Sequential { nn.Hashed(1000, 10000, { buckets = 16000 }), nn.BatchNorm(10000),
      nn.Dropout(0.5), nn.Hashed(10000, 10, { buckets = 160 }) }
    net:eval()
    local weight <const> = net[1].bias
    do
      local _ <close> = hn.tape()
      weight:sum():backward()
    end
    local values <const>, mean <const>, seed <const> = weight:table(), net[2].running_mean:table(), { core.seed() }
    collectgarbage()
    collectgarbage()
    local before <const> = core.memory()
    local predicted <const> = net:memory { batch = 1000000, optimizer = hn.optim.Adam() }
    collectgarbage()
    collectgarbage()
    assert.is_true(predicted.peak > 2 ^ 37)
    assert.is_false(predicted.fits)
    assert.same(before, core.memory())
    assert.same({ seed, values, mean, false }, { { core.seed() }, weight:table(), net[2].running_mean:table(),
      net[2].training })
    assert.equal(1, weight:grad():table()[1])
    assert.is_nil(net[1].pool:grad())
  end)

  it("shows as a table", function()
    backends.open { memory = "1GiB" }
    local shown <const> = tostring(nn.Linear(40, 5):memory { batch = 7, optimizer = hn.optim.Adam() })
    for _, words in ipairs { "7 samples, Adam", "weights", "optimizer", "1.6 KiB", "peak", "1.0 GiB  fits" } do
      assert.matches(words, shown, 1, true)
    end
  end)

  it("puts back what modules store, and what they kept of the run can only be released", function()
    local net <const>, kept = Own(), nil
    net(hn.tensor { 1, 40 })
    local Keeper <const> = nn.module "Keeper"
    function Keeper.forward(_, x)
      kept = hn.tensor { 3 }
      return net(x)
    end
    Keeper():memory { input = 40 }
    -- net is no field of Keeper, so what it stores is not put back: one call for the shape of y, two for steps.
    assert.same({ 4, nil }, { net.calls, net.nonzero })
    net:memory { input = 40 }
    assert.equal(4, net.calls)
    assert.is_true(kept:closed())
    assert.error_matches(function() kept:relu() end, "^state: .*dry run")
  end)

  it("raises what forward raises, and is over then", function()
    local broken <const> = nn.Sequential { nn.Linear(4, 5), nn.Linear(6, 2) }
    for _ = 1, 2 do
      assert.error_matches(function() broken:memory() end, "^shape: linear: .*6.*layer 2")
    end
    local net <const> = nn.Sequential { nn.Linear(4, 5), function(x)
      nn.Linear(5, 2):memory()
      return x
    end }
    assert.error_matches(function() net:memory() end, "^state: .*under way")
    assert.equal(20, hn.tensor({ 4, 5 }, 1):sum():item())
  end)

  it("asks for what it cannot know", function()
    local function identity(x) return x end
    for _, net in ipairs { nn.Sequential { identity, nn.Linear(4, 5) }, nn.ReLU(), nn.Sequential {} } do
      assert.error_matches(function() net:memory() end, "^argument: net:memory: input: expected columns")
    end
    local net <const> = nn.Sequential { identity, nn.Linear(4, 5) }
    assert.is_true(net:memory({ input = 4 }).peak > 0)
    assert.is_true(nn.Sequential({ nn.Flatten(), nn.Linear(4, 5) }):memory({ input = { 2, 2 } }).peak > 0)
    assert.error_matches(function() net:memory { input = 4, loss = function() end } end, "expected a data set")
    assert.error_matches(function() net:memory { input = 4, optimizer = setmetatable({}, {}) } end,
      "^argument: net:memory: optimizer: expected one of hn.optim")
    assert.error_matches(function() net:memory { size = 4 } end, "unknown option 'size'")
  end)

  it("is clean when the n-th allocation fails, for every n", function()
    local n = 0
    repeat
      n = n + 1
      local net <const> = nn.Sequential { nn.Hashed(40, 30), nn.BatchNorm(30), nn.Linear(30, 5) }
      collectgarbage()
      collectgarbage()
      local before <const> = core.memory()
      core.refuse(n)
      local ok <const>, message <const> = pcall(net.memory, net, { optimizer = hn.optim.Adam() })
      core.refuse(0)
      if not ok then assert.matches("^memory: ", message) end
      collectgarbage()
      collectgarbage()
      assert.same({ before.used, before.objects }, { core.memory().used, core.memory().objects })
      for _, parameter in ipairs(net:parameters()) do
        assert.is_nil(parameter:grad())
        parameter:close()
      end
    until ok
    assert.is_true(n > 40, "only " .. n .. " allocations")
  end)
end)
