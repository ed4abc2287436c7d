-- The memory promise: bytes are counted by kind under a hard budget, and follow the stored weights, never the virtual
-- ones.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"

-- To the byte on the CPU: a GPU holds some for itself.
local function open(options)
  options = options or {}
  options.device = "cpu"
  return backends.open(options)
end

before_each(function() open() end)

local function sum_of_kinds()
  local sum = 0
  for _, bytes in pairs(core.memory().kinds) do sum = sum + bytes end
  return sum
end

-- One step of training with SGD on random numbers; activations are gone afterwards.
local function train_step(net, batch, inputs, classes)
  local x <close> = hn.tensor({ batch, inputs }):uniform(0, 1)
  local labels <close> = hn.labels((function()
    local list <const> = {}
    for k = 1, batch do list[k] = 1 + k % classes end
    return list
  end)())
  local optimizer <const> = hn.optim.SGD { lr = 0.01, momentum = 0.9 }
  local _ <close> = hn.tape()
  local loss <const> = hn.cross_entropy(net(x), labels)
  loss:backward()
  optimizer:step(net:parameters())
  return loss:item()
end

describe("memory", function()
  it("is counted by kind, and the kinds add up", function()
    local pool <const>, w <const>, x <const> = hn.buckets(160), hn.tensor({ 3, 10 }):parameter(), hn.tensor { 7, 100 }
    local kinds <const> = core.memory().kinds
    assert.same({ 640, 120, 2800, 0, 0, 0 },
      { kinds.buckets, kinds.weights, kinds.data, kinds.gradients, kinds.optimizer, kinds.activations })
    local tape <const> = hn.tape()
    local y <const> = hn.linear(hn.linear(x, pool:matrix { rows = 10, cols = 100 }), w):sum()
    assert.equal(4 * (70 + 21 + 1), core.memory().kinds.activations)
    assert.equal(core.memory().used, sum_of_kinds())
    y:backward()
    tape:close()
    assert.equal(4 * (160 + 30), core.memory().kinds.gradients)
    core.update("adam", { lr = 0.1 }, { pool, w }, {})
    assert.equal(core.memory().used, sum_of_kinds())
  end)

  it("peaks at the most that was used, until the peak is reset", function()
    local a <const> = hn.tensor { 1000 }
    local b <const> = hn.tensor { 500 }
    local used <const> = core.memory().used
    b:close()
    assert.same({ used, used - 2000 }, { core.memory().peak, core.memory().used })
    core.reset_peak()
    assert.equal(used - 2000, core.memory().peak)
    a:close()
  end)

  it("of host arrays is counted apart", function()
    local before <const> = core.memory()
    local array <const> = core.array("u8", { 100, 7 })
    assert.equal(before.host + 700, core.memory().host)
    assert.equal(before.used, core.memory().used)
    assert.equal("u8", array:type())
  end)

  it("is freed by closing and collecting, objects and all", function()
    local before <const> = core.memory()
    do
      local net <const> = hn.nn.Sequential { hn.nn.Hashed(20, 30), hn.nn.ReLU(), hn.nn.Linear(30, 3) }
      train_step(net, 5, 20, 3)
      assert.is_true(core.memory().objects > before.objects)
    end
    collectgarbage()
    collectgarbage()
    local after <const> = core.memory()
    assert.equal(before.objects, after.objects)
    assert.equal(before.used, after.used - after.kinds.workspace)
  end)

  it("of a context goes on being counted there after another one was opened", function()
    local t <const> = hn.tensor { 100 }
    open()
    assert.equal(0, core.memory().used)
    local u <const> = hn.tensor { 10 }
    assert.equal(40, core.memory().used)
    t:close()
    assert.equal(40, core.memory().used)
    u:close()
  end)
end)

describe("a budget", function()
  it("is kept to the byte", function()
    open { memory = "1MiB" }
    assert.equal(2 ^ 20, core.memory().budget)
    local all <const> = hn.tensor { 2 ^ 18 }
    assert.error_matches(function() hn.tensor { 1 } end, "^memory: ")
    all:close()
    assert.error_matches(function() hn.tensor { 2 ^ 18 + 1 } end, "^memory: ")
    local again <const> = hn.tensor { 2 ^ 18 }
    assert.equal(2 ^ 20, core.memory().peak)
    again:close()
  end)

  for _, case in ipairs { { 1000000, 1000000 }, { "1000000", 1000000 }, { "64MiB", 2 ^ 26 }, { "64 MiB", 2 ^ 26 },
    { "1.5GiB", 1.5 * 2 ^ 30 }, { "500kB", 500000 }, { "2MB", 2000000 } } do
    it(("may be given as %s"):format(case[1]), function()
      open { memory = case[1] }
      assert.equal(case[2], core.memory().budget)
    end)
  end

  it("says when it is exceeded what was wanted, what is held and what is allowed", function()
    open { memory = "1MiB" }
    local pool <const>, x <const> = hn.buckets(16384), hn.tensor { 64, 1024 }
    local ok <const>, message <const> = pcall(hn.tensor, { 1024, 1024 })
    assert.is_false(ok)
    for _, text in ipairs { "memory: ", "[1024, 1024]", "4.0 MiB", "1.0 MiB", "buckets 64.0 KiB", "data 256.0 KiB" } do
      assert.matches(text, message, 1, true)
    end
    assert.same({ 16384, 65536 }, { pool:size(), x:size() })
  end)

  it("names the operation that had no room", function()
    open { memory = "1MiB" }
    local x <const> = hn.tensor { 400, 400 }
    assert.error_matches(function() return x:relu() end, "^memory: relu: .*activations")
  end)

  it("lets the collector free what is no longer used before it fails", function()
    open { memory = "1MiB" }
    for _ = 1, 50 do hn.tensor { 100000 } end
    local x <const> = hn.tensor { 100000 }
    for _ = 1, 50 do x:relu() end
    assert.is_true(core.memory().peak <= 2 ^ 20)
  end)

  it("does so too when a coroutine that used the engine is gone", function()
    open { memory = "1MiB" }
    local x <const> = hn.tensor({ 100000 }, 1)
    for _ = 1, 20 do
      local total = coroutine.wrap(function()
        local y <const> = x:relu()
        coroutine.yield(y:size())
      end)()
      assert.equal(100000, total)
      collectgarbage()
      x:copy()
      x:scale(2)
    end
    assert.is_true(core.memory().peak <= 2 ^ 20)
  end)

  it("leaves everything as it was when an operation fails", function()
    open { memory = "1MiB" }
    local x <const> = hn.tensor({ 400, 400 }, 1)
    local before <const> = core.memory()
    for _ = 1, 3 do assert.error_matches(function() x:softmax() end, "^memory: ") end
    local after <const> = core.memory()
    assert.same({ before.used, before.objects }, { after.used, after.objects })
    assert.equal(160000, x:sum():item())
  end)
end)

describe("a hashed layer", function()
  -- Peak of three training steps of net at this batch.
  local function peak(make, step)
    open()
    local net <const> = make()
    collectgarbage()
    collectgarbage()
    core.reset_peak()
    for _ = 1, 2 do step(net) end
    local bytes <const> = core.memory().peak
    for _, tensor in ipairs(net:parameters()) do tensor:close() end
    return bytes
  end

  for _, scheme in ipairs { "line", "element" } do
    it("takes no more when its virtual size doubles at fixed buckets: look-up table, " .. scheme, function()
      local function measure(entries)
        return peak(function() return hn.nn.HashedEmbedding(entries, 512, { buckets = 4096, scheme = scheme }) end,
          function(net)
            local ids <close> = hn.labels { 1, entries, entries // 2 }
            local _ <close> = hn.tape()
            net(ids):sum():backward()
            hn.optim.SGD({ lr = 0.1 }):step(net:parameters())
          end)
      end
      local once <const> = measure(1000000)
      assert.equal(once, measure(2000000))
      assert.equal(once, measure(2 ^ 31 - 1)) -- 10^12 virtual weights
    end)

    it("takes no more than more activations when its virtual size doubles at fixed buckets: " .. scheme, function()
      local inputs <const>, batch <const> = 1024, 4
      local function measure(hidden)
        return peak(function()
          return hn.nn.Sequential {
            hn.nn.Hashed(inputs, hidden, { buckets = 4096, scheme = scheme, bias = false }), hn.nn.ReLU(),
            hn.nn.Hashed(hidden, 10, { buckets = 4096, scheme = scheme, bias = false }),
          }
        end, function(net) train_step(net, batch, inputs, 10) end)
      end
      local once <const>, twice <const> = measure(2048), measure(4096)
      -- In the hidden layer: result and gradient, before and after ReLU.
      assert.is_true(twice - once <= 4 * 4 * batch * 2048, twice - once .. " bytes more")
      assert.is_true(once < 4 * inputs * 2048, "a dense matrix would fit into the peak")
    end)
  end

  it("of 67 million virtual weights trains in 64 MiB, and its dense twin fails in a way that can be caught", function()
    open { memory = "64MiB", threads = 2, debug = false }
    local net <const> = hn.nn.Hashed(8192, 8192, { compression = 1 / 64 })
    assert.equal(8192 * 8192 // 64, net.pool:size())
    local loss <const> = train_step(net, 50, 8192, 8192)
    assert.is_true(loss == loss and loss > 0)
    assert.is_true(core.memory().peak <= 64 * 2 ^ 20)

    local ok <const>, message <const> = pcall(hn.nn.Linear, 8192, 8192)
    assert.is_false(ok)
    for _, text in ipairs { "memory: ", "256.0 MiB", "64.0 MiB", "buckets 4.0 MiB" } do
      assert.matches(text, message, 1, true)
    end
    local next_loss <const> = train_step(net, 50, 8192, 8192)
    assert.is_true(next_loss == next_loss)
  end)
end)

-- Lua's own API tests do this: refuse the first request, then the second, ... until all succeed. Every way out of an
-- error is walked, and must be clean.
describe("when the n-th allocation fails, for every n, the error is clean and nothing is left:", function()
  local function walk(work)
    local n = 0
    repeat
      n = n + 1
      core.refuse(n)
      local ok <const>, message <const> = pcall(work)
      core.refuse(0)
      if not ok and not message:match("^memory: ") then assert.matches("^memory: ", message) end
      collectgarbage()
      if core.memory().objects > 0 then collectgarbage() end
      local memory <const> = core.memory()
      if memory.objects ~= 0 then assert.equal(0, memory.objects, "objects left by failure " .. n) end
      if memory.used ~= memory.kinds.workspace then assert.equal(memory.kinds.workspace, memory.used) end
    until ok
    return n
  end

  local function classes(n)
    local list <const> = {}
    for k = 1, n do list[k] = 1 + k % 3 end
    return hn.labels(list)
  end

  it("a training step by hand", function()
    local n <const> = walk(function()
      local net <const> = hn.nn.Sequential {
        hn.nn.Hashed(20, 30, { bias = "hashed" }), hn.nn.BatchNorm(30), hn.nn.GELU(), hn.nn.Dropout(0.5),
        hn.nn.Residual { hn.nn.Linear(30, 30), hn.nn.LayerNorm(30), hn.nn.Tanh() },
        hn.nn.Hashed(30, 3, { scheme = "element" }),
      }
      local x <const>, labels <const> = hn.tensor({ 7, 20 }):normal(0, 1), classes(7)
      local weight <const> = hn.tensor({ 7 }, 0.5)
      local optimizer <const> = hn.optim.Adam { clip = 1 }
      local _ <close> = hn.tape()
      hn.cross_entropy(net(x), labels, weight):backward()
      optimizer:step(net:parameters())
    end)
    assert.is_true(n > 50, "only " .. n .. " allocations")
  end)

  it("every other operation", function()
    local n <const> = walk(function()
      local a <const>, b <const> = hn.tensor({ 4, 6 }, 0.5):parameter(), hn.tensor({ 6, 4 }, 0.25):parameter()
      local table_ <const> = hn.buckets(64)
      local _ <close> = hn.tape()
      local c <const> = hn.matmul(a, b):concat(hn.matmul(a, b), 2):reshape(4, 8):slice(2, 2)
      local d <const> = hn.embedding(classes(4), table_:matrix { rows = 3, cols = 8 }):softmax():sum(1):mean()
      c:sigmoid():log_softmax():sub(d):elu():leaky_relu():huber(hn.tensor { 2, 8 }):add(d):backward()
    end)
    assert.is_true(n > 30, "only " .. n .. " allocations")
  end)

  it("training with hn.fit", function()
    local n <const> = walk(function()
      local data <const> = hn.data.tensors { x = hn.tensor({ 9, 4 }):normal(0, 1), y = classes(9) }
      local net <const> = hn.nn.Sequential { hn.nn.Hashed(4, 8), hn.nn.ReLU(), hn.nn.Linear(8, 3) }
      hn.fit(net, data, { epochs = 1, batch = 4, validate = 3, progress = false })
      hn.evaluate(net, data)
      net:predict(hn.tensor { 3, 4 })
    end)
    assert.is_true(n > 100, "only " .. n .. " allocations")
  end)

  it("expanding, copying, picking", function()
    local n <const> = walk(function()
      local pool <const> = hn.buckets(64):normal(0, 1)
      pool:matrix({ rows = 5, cols = 9 }):expand(2, 3):copy()
      core.array("f32", { 6, 2 }):slice(2, 3):pick(core.sequence(3, true)):gather(nil, {})
    end)
    assert.is_true(n > 8, "only " .. n .. " allocations")
  end)
end)
