-- Training: real data to a stated error, the same bits on any number of threads, and everything hn.fit promises.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local numeric <const> = require "spec.support.numeric"

local FASHION <const> = "/usr/share/datasets/fashion-mnist"

-- Two classes of points that a line can part (with `wrong`, by labels the other way round), and a network for them.
local function points(n, wrong)
  local x <const>, y <const> = {}, {}
  local random <const> = numeric.generator(n)
  for k = 1, n do
    local a <const>, b <const> = random.number(-1, 1), random.number(-1, 1)
    x[k], y[k] = { a, b }, (a + b > 0) ~= (wrong or false) and 2 or 1
  end
  return hn.data.tensors { x = x, y = hn.labels(y) }
end

local function small_net() return hn.nn.Sequential { hn.nn.Hashed(2, 16), hn.nn.Tanh(), hn.nn.Linear(16, 2) } end

local function options(more)
  local o <const> = { epochs = 3, batch = 10, progress = false }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

-- Trains 784-100-10 hashed at 1/8 on n images; gives the history and the error on 2,000 others (or on n).
local function train(device, scheme, threads, n, epochs)
  backends.open { device = device, threads = threads, seed = 3 }
  local all <const>, test <const> = hn.data.fashion_mnist(FASHION)
  local net <const> = hn.nn.Sequential {
    hn.nn.Hashed(784, 100, { compression = 1 / 8, scheme = scheme }), hn.nn.ReLU(), hn.nn.Dropout(0.1),
    hn.nn.Hashed(100, 10, { compression = 1 / 8, scheme = scheme }),
  }
  local history <const> = hn.fit(net, all:take(n), {
    optimizer = hn.optim.SGD { lr = 0.05, momentum = 0.9 }, schedule = hn.optim.cosine(), batch = 50,
    epochs = epochs, validate = 0.1, progress = false,
  })
  return history, hn.evaluate(net, test:take(n < 1000 and n or 2000)).error
end

local function same_bits(one, one_error, other, other_error)
  assert.same(one.loss, other.loss) -- doubles, compared exactly
  assert.same(one.error, other.error)
  assert.same(one.validation, other.validation)
  assert.equal(one_error, other_error)
end

describe("training on Fashion-MNIST", function()
  for _, scheme in ipairs { "line", "element" } do
    -- Guessing is wrong in 90 %, and a nearest-centre classifier in about 32 % of the test images.
    it("reaches an error of at most 20 % in 5 epochs: " .. scheme, function()
      local history <const>, err <const> = train("cpu", scheme, 1, 4000, 5)
      assert.is_true(err <= 0.20, "error " .. err)
      assert.is_true(history.loss[5] < history.loss[1])
    end)

    it("gives the same bits with one, two and five threads, and again: " .. scheme, function()
      local one <const>, one_error <const> = train("cpu", scheme, 1, 1000, 2)
      for _, threads in ipairs { 2, 5, 1 } do same_bits(one, one_error, train("cpu", scheme, threads, 1000, 2)) end
    end)

    for k = 2, #backends do
      local device <const> = backends[k].device
      it(("gives the CPU's losses to rounding on %s, and the same bits again: %s"):format(device, scheme), function()
        local cpu <const> = train("cpu", scheme, 1, 200, 2)
        local one <const>, one_error <const> = train(device, scheme, 1, 200, 2)
        for epoch = 1, 2 do
          assert.near(cpu.loss[epoch], one.loss[epoch], 1e-5)
          assert.near(cpu.validation.loss[epoch], one.validation.loss[epoch], 1e-5)
        end
        same_bits(one, one_error, train(device, scheme, 1, 200, 2))
      end)
    end
  end
end)

describe("hn.fit", function()
  it("tells the course of training", function()
    local history <const> = hn.fit(small_net(), points(100), options { epochs = 4, validate = 20 })
    assert.same({ 4, 4, 4, 4, 4, 4 }, { history.epochs, #history.loss, #history.error, #history.lr,
      #history.validation.loss, #history.validation.error })
    assert.same({ "epochs", false }, { history.stopped, history.interrupted })
    assert.is_true(history.seconds >= 0)
    assert.matches("4 epochs", tostring(history), 1, true)
  end)

  it("learns what can be learned", function()
    local net <const> = small_net()
    hn.fit(net, points(400), options { epochs = 20, optimizer = hn.optim.Adam { lr = 0.02 } })
    assert.is_true(hn.evaluate(net, points(500)).error < 0.05)
  end)

  it("counts losses and errors by the samples' weights", function()
    local x <const> = hn.tensor({ 6, 2 }):normal(0, 1)
    local labels <const> = { 1, 2, 1, 2, 1, 2 }
    -- Loss of an epoch without learning, and the error.
    local function measure(weight, batch)
      local net <const> = hn.nn.Linear(2, 2, { init = function(t) t:set { 1, 2, 3, 4 } end })
      local data <const> = hn.data.tensors { x = x, y = hn.labels(labels), weight = weight }
      local history <const> = hn.fit(net, data, options { batch = batch, epochs = 1, shuffle = false,
        optimizer = hn.optim.SGD { lr = 0 } })
      local result <const> = hn.evaluate(net, data, { batch = batch })
      assert.is_true(math.abs(result.loss - history.loss[1]) < 1e-6)
      assert.equal(result.error, history.error[1])
      return history.loss[1], history.error[1]
    end
    local output <const> = hn.linear(x, hn.tensor({ 2, 2 }, { 1, 2, 3, 4 }))
    local rows <const> = hn.cross_entropy_rows(output, hn.labels(labels)):table()
    local answers <const> = output:argmax():table()
    for _, weight in ipairs { { 1, 2, 3, 4, 5, 6 }, { 1, 1, 1, 1, 1, 1 }, { 0, 0, 0, 0, 5, 1 } } do
      local wrong, total = 0, 0
      for k, w in ipairs(weight) do
        wrong, total = wrong + (answers[k] ~= labels[k] and w or 0), total + w
      end
      for _, batch in ipairs { 6, 4, 1 } do
        local loss <const>, err <const> = measure(weight, batch)
        assert.is_true(math.abs(loss - numeric.dot(rows, weight) / total) < 1e-6)
        assert.is_true(math.abs(err - wrong / total) < 1e-6)
        if weight[1] == weight[6] then assert.same({ loss, err }, { measure(nil, batch) }) end
      end
    end
  end)

  it("sees every sample once an epoch, in another order each time", function()
    local n <const> = 37
    local data <const> = hn.data.tensors { x = hn.tensor({ n, 1 }, function(i) return i end), y = hn.tensor { n, 1 } }
    local seen <const> = {}
    local Spy <const> = hn.nn.module "Spy"
    function Spy:init() self.inner = hn.nn.Linear(1, 1) end
    function Spy:forward(x)
      for _, row in ipairs(x:table()) do seen[#seen + 1] = row[1] end
      return self.inner(x)
    end
    hn.fit(Spy(), data, options { epochs = 2, optimizer = hn.optim.SGD { lr = 0 } })
    local first <const>, second <const> = table.move(seen, 1, n, 1, {}), table.move(seen, n + 1, 2 * n, 1, {})
    assert.not_same(first, second)
    for _, list in ipairs { first, second } do
      table.sort(list)
      for k = 1, n do assert.equal(k, list[k]) end
    end
  end)

  it("does not shuffle if told not to", function()
    local data <const> = hn.data.tensors { x = hn.tensor({ 4, 1 }, function(i) return i end), y = hn.tensor { 4, 1 } }
    local seen <const> = {}
    local function spy(x)
      seen[#seen + 1] = x:table()[1][1]
      return x
    end
    local net <const> = hn.nn.Sequential { spy, hn.nn.Linear(1, 1) }
    hn.fit(net, data, options { epochs = 2, batch = 1, shuffle = false })
    assert.same({ 1, 2, 3, 4, 1, 2, 3, 4 }, seen)
  end)

  it("holds samples out for validation and never trains on them", function()
    local data <const> = hn.data.tensors { x = hn.tensor({ 20, 1 }, function(i) return i end), y = hn.tensor { 20, 1 } }
    local trained <const>, validated <const> = {}, {}
    local Spy <const> = hn.nn.module "Spy"
    function Spy:init() self.inner = hn.nn.Linear(1, 1) end
    function Spy:forward(x)
      for _, row in ipairs(x:table()) do (self.training and trained or validated)[row[1]] = true end
      return self.inner(x)
    end
    hn.fit(Spy(), data, options { epochs = 3, validate = 0.25, optimizer = hn.optim.SGD { lr = 0 } })
    local counts <const> = { 0, 0 }
    for k = 1, 20 do
      assert.is_true((trained[k] or false) ~= (validated[k] or false))
      counts[trained[k] and 1 or 2] = counts[trained[k] and 1 or 2] + 1
    end
    assert.same({ 15, 5 }, counts)
  end)

  it("validates after every so many epochs and the last one", function()
    local data <const> = { x = { { 1, 2 }, { 3, 1 }, { 2, 2 } }, y = hn.labels { 1, 2, 1 } }
    local history <const> = hn.fit(hn.nn.Linear(2, 2), data, {
      epochs = 8, interval = 3, patience = 6, validate = 1, progress = false, schedule = hn.optim.plateau(),
    })
    local measured <const> = {}
    for k, loss in ipairs(history.validation.loss) do measured[k] = loss < math.huge end
    assert.same({ false, false, true, false, false, true, false, true }, measured)
    assert.is_true(measured[history.best])
  end)

  it("ends with the weights of the best epoch, and stops when patience is over", function()
    -- The learning rate destroys the network after two epochs.
    local net <const>, validation <const> = small_net(), points(60)
    local best_loss, best_epoch = math.huge, 0
    local history <const> = hn.fit(net, points(200), options {
      epochs = 50, validate = validation, patience = 2,
      optimizer = hn.optim.SGD { lr = 0.1 },
      schedule = function(p) return p.epoch < 2 and 1 or 1e4 end,
      callbacks = { epoch = function(state)
        if state.validation.loss < best_loss then best_loss, best_epoch = state.validation.loss, state.epoch end
      end },
    })
    assert.same({ "patience", best_epoch, best_epoch + 3 }, { history.stopped, history.best, history.epochs })
    assert.equal(2, best_epoch)
    assert.equal(best_loss, hn.evaluate(net, validation, { batch = 10 }).loss)
    assert.is_true(history.validation.loss[history.epochs] > best_loss)
  end)

  it("restores running statistics too", function()
    local net <const> = hn.nn.Sequential { hn.nn.BatchNorm(2), hn.nn.Linear(2, 2) }
    local at_best
    local history <const> = hn.fit(net, points(100), options {
      epochs = 6, validate = points(40, true), -- what is learned makes this worse
      callbacks = { epoch = function(state)
        if state.epoch == 1 then at_best = net[1].running_mean:table() end
      end },
    })
    assert.equal(1, history.best)
    assert.same(at_best, net[1].running_mean:table())
  end)

  it("calls back after every minibatch and epoch", function()
    local batches <const>, epochs <const> = {}, {}
    local net <const> = small_net()
    hn.fit(net, points(25), options { epochs = 2, validate = points(10), callbacks = {
      batch = function(state) batches[#batches + 1] = { state.epoch, state.batch, state.batches, type(state.loss) } end,
      epoch = function(state)
        epochs[#epochs + 1] = { state.epoch, state.epochs, state.net == net, type(state.validation.error) }
      end,
    } })
    assert.same({ { 1, 1, 3, "number" }, { 1, 2, 3, "number" }, { 1, 3, 3, "number" }, { 2, 1, 3, "number" },
      { 2, 2, 3, "number" }, { 2, 3, 3, "number" } }, batches)
    assert.same({ { 1, 2, true, "number" }, { 2, 2, true, "number" } }, epochs)
  end)

  it("ends when a callback returns false", function()
    local steps = 0
    local by_batch <const> = hn.fit(small_net(), points(100), options { callbacks = { batch = function()
      steps = steps + 1
      return steps < 4
    end } })
    assert.same({ 4, 0, "callback" }, { steps, by_batch.epochs, by_batch.stopped })
    local by_epoch <const> = hn.fit(small_net(), points(20), options { callbacks = { epoch = function(state)
      return state.epoch < 2
    end } })
    assert.same({ 2, "callback" }, { by_epoch.epochs, by_epoch.stopped })
  end)

  it("trains regressions, logits and losses of one's own", function()
    local x <const> = hn.tensor({ 64, 2 }):normal(0, 1)
    local y <const> = x:matmul(hn.tensor { { 1 }, { -2 } })
    local optimizer <const> = function() return hn.optim.Adam { lr = 0.05 } end
    for _, loss in ipairs { "mse", "huber" } do
      local net <const> = hn.nn.Linear(2, 1)
      hn.fit(net, { x = x, y = y }, options { loss = loss, epochs = 30, optimizer = optimizer() })
      assert.is_true(hn.evaluate(net, { x = x, y = y }).loss < 0.01)
    end
    local signs <const> = hn.tensor({ 64, 1 }, function(i) return y:table()[i][1] > 0 and 1 or 0 end)
    local net <const> = hn.nn.Linear(2, 1)
    hn.fit(net, { x = x, y = signs }, options { loss = "bce", epochs = 30, optimizer = optimizer() })
    local result <const> = hn.evaluate(net, { x = x, y = signs })
    assert.is_true(result.error < 0.1 and result.accuracy > 0.9 and result.auc > 0.95)
    local own <const> = hn.nn.Linear(2, 1)
    hn.fit(own, { x = x, y = y }, options { epochs = 30, optimizer = optimizer(),
      loss = function(output, target) return output:sub(target):mul(output:sub(target)):mean() end })
    assert.is_true(hn.evaluate(own, { x = x, y = y }, { loss = "mse" }).loss < 0.01)
  end)

  it("stops with a numeric error when the loss is not finite, and says where", function()
    local nan <const> = hn.data.tensors { x = { { 1, 2 }, { 0 / 0, 1 } }, y = hn.labels { 1, 2 } }
    assert.error_matches(function() hn.fit(small_net(), nan, options()) end,
      "^numeric: loss is .*nan at epoch 1, minibatch 1 .*fit_spec")
    local far <const> = hn.data.tensors { x = { { 1 }, { 2 } }, y = { { 5 }, { 7 } } }
    assert.error_matches(function()
      hn.fit(hn.nn.Linear(1, 1), far, options { epochs = 50, batch = 1, optimizer = hn.optim.SGD { lr = 1e30 } })
    end, "^numeric: loss is .* at epoch %d+, minibatch %d+ %(learning rate 1e%+30%)")
  end)

  it("leaves the network in evaluation mode and nothing but weights and gradients on the device", function()
    local net <const> = small_net()
    hn.fit(net, points(30), options { validate = 0.5 })
    assert.is_false(net.training)
    collectgarbage()
    collectgarbage()
    local kinds <const> = core.memory().kinds
    assert.same({ 0, 0, 0 }, { kinds.activations, kinds.data, kinds.optimizer })
  end)

  it("trains a network of plain bias-free sharing layers: one pool, one state", function()
    local pool <const> = hn.buckets(32)
    local net <const> = hn.nn.Sequential { hn.nn.Hashed(2, 8, { pool = pool }), hn.nn.ReLU(),
      hn.nn.Hashed(8, 2, { pool = pool }) }
    local history <const> = hn.fit(net, points(200), options { epochs = 10, optimizer = hn.optim.Adam { lr = 0.01 } })
    assert.is_true(history.loss[10] < history.loss[1])
  end)

  it("prints one line for each epoch where there is no terminal, and nothing if told so", function()
    local lines <const>, write <const> = {}, io.stdout
    local captured <const> = { write = function(_, ...) lines[#lines + 1] = table.concat { ... } end,
      flush = function() end }
    io.stdout = captured -- luacheck: ignore
    local ok <const>, message <const> = pcall(function()
      hn.fit(small_net(), points(20), options { progress = false })
      assert.equal(0, #lines)
      hn.fit(small_net(), points(20), options { progress = "plain", validate = 0.5 })
    end)
    io.stdout = write -- luacheck: ignore
    assert.is_true(ok, message)
    assert.equal(3, #lines)
    assert.matches("epoch 2/3 .*loss %d.*error %d.*validation loss %d", lines[2])
  end)
end)

describe("hn.evaluate", function()
  it("gives loss, error and accuracy of all samples, whatever the minibatch", function()
    local net <const> = hn.nn.Linear(2, 2, { init = function(t) t:set { 1, -1, 0.5, 2 } end })
    local data <const> = points(101)
    local x <const>, y <const> = data:rows(1, 101)
    local loss <const> = hn.cross_entropy(net(x), y):item()
    local err <const> = hn.metrics.error(net(x), y)
    for _, batch in ipairs { 1, 10, 101, 1000 } do
      local result <const> = hn.evaluate(net, data, { batch = batch })
      assert.is_true(math.abs(result.loss - loss) < 1e-6)
      assert.same({ err, 1 - err, 101 }, { result.error, result.accuracy, result.samples })
    end
    assert.matches("101 samples: loss", tostring(hn.evaluate(net, data)), 1, true)
  end)

  it("asks what the network was trained for", function()
    local data <const> = hn.data.tensors { x = { { 1 }, { 2 } }, y = { { 1 }, { 0 } } }
    local net <const> = hn.nn.Linear(1, 1)
    hn.fit(net, data, options { loss = "bce", epochs = 1 })
    assert.equal(hn.evaluate(net, data, { loss = "bce" }).loss, hn.evaluate(net, data).loss)
  end)

  it("gives the area under the ROC curve for two classes", function()
    local data <const> = points(50)
    local net <const> = hn.nn.Linear(2, 2, { init = function(t) t:set { -1, 0, 1, 0.5 } end })
    local scores <const>, labels <const> = {}, {}
    local x <const>, y <const> = data:rows(1, 50)
    for k, row in ipairs(net(x):table()) do scores[k], labels[k] = row[2] - row[1], y:table()[k] end
    assert.equal(hn.metrics.auc(scores, labels), hn.evaluate(net, data).auc)
  end)
end)

describe("hn.fit on awkward data", function()
  local function regression(weight)
    return hn.data.tensors { x = hn.tensor({ 101, 2 }):uniform(-1, 1), y = hn.tensor { 101, 1 }, weight = weight }
  end

  it("trains batch norm where one sample would be left over", function()
    local net <const> = hn.nn.Sequential { hn.nn.BatchNorm(2), hn.nn.Linear(2, 1) }
    local history <const> = hn.fit(net, regression(), { epochs = 2, batch = 50, progress = false })
    assert.equal(2, history.epochs)
  end)

  it("takes samples that all weigh nothing", function()
    local weight <const> = {}
    for i = 1, 101 do weight[i] = 0 end
    local net <const> = hn.nn.Linear(2, 1)
    local before <const> = net.weight:table()
    local history <const> = hn.fit(net, regression(weight), { epochs = 1, progress = false })
    assert.equal(0, history.loss[1])
    assert.same(before, net.weight:table())
  end)
end)
