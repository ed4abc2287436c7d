-- Optimisers and schedules. The rules themselves are held against plain Lua in update_spec.lua.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"

local optim <const> = hn.optim

-- A parameter whose gradient is `gradient` in every element.
local function parameter_with(values, gradient)
  local p <const> = hn.tensor({ #values }, values):parameter()
  local _ <close> = hn.tape()
  p:mul(hn.tensor({ 1 }, gradient)):sum():backward()
  return p
end

local function add_gradient(p, gradient)
  local _ <close> = hn.tape()
  p:scale(gradient):sum():backward()
end

describe("an optimiser", function()
  local rows <const> = {
    { "sgd", "SGD", { lr = 0.25, momentum = 0.5, nesterov = true, l1 = 0.125, l2 = 0.25 } },
    { "adam", "Adam", { lr = 0.25, beta1 = 0.5, beta2 = 0.75, epsilon = 0.5, l1 = 0.125, l2 = 0.25 } },
    { "adamw", "AdamW", { lr = 0.25, beta1 = 0.5, beta2 = 0.75, epsilon = 0.5, l1 = 0.125, l2 = 0.25 } },
    { "rmsprop", "RMSprop", { lr = 0.25, momentum = 0.5, beta2 = 0.75, epsilon = 0.5, l1 = 0.125, l2 = 0.25 } },
    { "adagrad", "Adagrad", { lr = 0.25, epsilon = 0.5, l1 = 0.125, l2 = 0.25 } },
  }

  for _, row in ipairs(rows) do
    local rule <const>, name <const>, options <const> = table.unpack(row)
    it(name .. " with its options takes the steps of its rule", function()
      local ours <const>, plain <const> = hn.tensor({ 3 }, { 1, 0, -2 }), hn.tensor({ 3 }, { 1, 0, -2 })
      ours:parameter()
      plain:parameter()
      local optimizer <const>, states <const> = optim[name](options), {}
      for step = 1, 4 do
        add_gradient(ours, step)
        optimizer:step { ours }
        plain:clear_grad()
        add_gradient(plain, step)
        local settings <const> = { step = step }
        for key, value in pairs(options) do settings[key] = value end
        core.update(rule, settings, { plain }, states)
      end
      assert.same(plain:table(), ours:table())
      assert.are_not.equal(1, ours:table()[1])
    end)

    it(name .. " has sound defaults: it makes a convex loss smaller", function()
      local p <const>, optimizer <const> = hn.tensor({ 2 }, { 3, -2 }):parameter(), optim[name]()
      local function loss() return p:mul(p):sum():item() end
      local before <const> = loss()
      for _ = 1, 20 do
        local _ <close> = hn.tape()
        p:mul(p):sum():backward()
        optimizer:step { p }
      end
      assert.is_true(loss() < before)
    end)

    it(name .. " prints its name and learning rate", function()
      assert.matches(name .. "%(.*lr 0%.125", tostring(optim[name] { lr = 0.125 }))
    end)
  end

  it("clears the gradients it has used", function()
    local p <const> = parameter_with({ 1 }, 3)
    optim.SGD({ lr = 1 }):step { p }
    assert.is_nil(p:grad())
    assert.equal(-2, p:item())
  end)

  it("takes its learning rate from lr, which may be set, times the rate of the step", function()
    local optimizer <const> = optim.SGD { lr = 1 }
    optimizer.lr = 0.5
    local p <const> = parameter_with({ 0 }, 8)
    optimizer:step({ p }, 0.25)
    assert.equal(-1, p:item())
  end)

  it("keeps the states of a parameter when the list changes", function()
    local optimizer <const> = optim.SGD { lr = 1, momentum = 0.5 }
    local a <const>, b <const> = parameter_with({ 0 }, 4), parameter_with({ 0 }, 100)
    optimizer:step { a }
    add_gradient(a, 4)
    optimizer:step { b, a }
    assert.same({ -4 - 6, -100 }, { a:item(), b:item() })
  end)

  it("keeps the norm of all gradients together within clip", function()
    local a <const>, b <const> = parameter_with({ 0 }, 30), parameter_with({ 0 }, -40)
    optim.SGD({ lr = 1, clip = 5 }):step { a, b }
    assert.same({ -3, 4 }, { a:item(), b:item() })
    add_gradient(a, 3)
    add_gradient(b, -4)
    optim.SGD({ lr = 1, clip = 6 }):step { a, b } -- below the limit nothing changes
    assert.same({ -6, 8 }, { a:item(), b:item() })
  end)

  for _, row in ipairs {
    { "Adam", { lr = 0.5, epsilon = 1, clip = 5 } }, { "AdamW", { lr = 0.5, epsilon = 1, clip = 5 } },
    { "RMSprop", { lr = 0.5, epsilon = 1, clip = 5 } }, { "Adagrad", { lr = 0.5, epsilon = 1, clip = 5 } },
  } do
    local name <const>, options <const> = table.unpack(row)
    it(name .. " takes a clipped gradient as it takes one of that size", function()
      local function stepped(a, b, limit)
        local p <const> = { parameter_with({ 0 }, a), parameter_with({ 0 }, b) }
        optim[name] { lr = options.lr, epsilon = options.epsilon, clip = limit }:step(p)
        return { p[1]:item(), p[2]:item() }
      end
      assert.same(stepped(3, -4), stepped(30, -40, options.clip))
      assert.not_same(stepped(3, -4), stepped(30, -40))
    end)
  end

  it("refuses to clip gradients that are not finite", function()
    local p <const> = parameter_with({ 1 }, math.huge)
    assert.error_matches(function() optim.SGD({ clip = 1 }):step { p } end, "^numeric: SGD: ")
  end)
end)

-- Layers in which each weight is a bucket of its own: a strip for each row, and in it one line of 16.
local function unshared() return hn.nn.Hashed(16, 5, { compression = 1, strip = 1, bias = false, seed = 3 }) end

-- A dense layer that starts with the same weights.
local function dense_like(hashed)
  local layer <const> = hn.nn.Linear(16, 5, { bias = false })
  layer.weight:set(hashed.matrix:expand():table())
  return layer
end

local function train(layer, optimizer)
  local x <const> = hn.tensor({ 7, 16 }, function(i, j) return (i * j * 5 % 13) / 13 - 0.4 end)
  local labels <const> = hn.labels { 1, 2, 3, 4, 5, 1, 2 }
  for _ = 1, 5 do
    local _ <close> = hn.tape()
    hn.cross_entropy(layer(x), labels):backward()
    optimizer:step(layer:parameters())
  end
end

describe("a hashed layer at compression 1 trains as a dense one does, to rounding:", function()
  local rows <const> = {
    { "SGD", { lr = 0.5 } }, { "SGD", { lr = 0.5, momentum = 0.9, stable = true } },
    { "SGD", { lr = 0.5, momentum = 0.9, nesterov = true, l1 = 0.01, l2 = 0.05, stable = true } },
    { "SGD", { lr = 0.5, l2 = 0.05, clip = 0.1 } }, { "Adam", { lr = 0.01, l1 = 0.01, l2 = 0.05 } },
    { "AdamW", { lr = 0.01, l2 = 0.5 } }, { "RMSprop", { lr = 0.01, l2 = 0.05 } },
    { "Adagrad", { lr = 0.01, l1 = 0.01, l2 = 0.05 } },
  }
  for _, row in ipairs(rows) do
    local name <const>, options <const> = table.unpack(row)
    it(tostring(optim[name](options)), function()
      local hashed <const> = unshared()
      local dense <const> = dense_like(hashed)
      local before <const> = numeric.flat(hashed.matrix:expand():table())
      train(hashed, optim[name](options))
      train(dense, optim[name](options))
      local expected <const> = numeric.flat(dense.weight:table())
      assert.is_true(numeric.error(numeric.flat(hashed.matrix:expand():table()), expected) < 1e-9)
      assert.is_true(numeric.error(before, expected) > 1e-4)
    end)
  end
end)

describe("SGD with stable = true", function()
  it("divides the gradients of buckets by the root of their load, and no others", function()
    local shared <const> = hn.buckets(32)
    local net <const> = hn.nn.Sequential {
      hn.nn.Hashed(8, 8, { buckets = 16, scheme = "element" }), -- load 4, bias 1
      hn.nn.Hashed(8, 32, { pool = shared, scheme = "element" }), hn.nn.Hashed(32, 1, { pool = shared,
        scheme = "element", bias = "hashed" }), -- load (256 + 32 + 1) / 32
      hn.nn.Linear(1, 3),
    }
    local parameters <const> = net:parameters()
    local loads <const> = { [net[1].pool] = 4, [shared] = 289 / 32 }
    local before <const> = {}
    for i, p in ipairs(parameters) do
      before[i] = p:table()
      add_gradient(p, 0.5)
    end
    optim.SGD({ lr = 0.25, l2 = 0.125, stable = true }):step(parameters)
    for i, p in ipairs(parameters) do
      local expected <const>, load <const> = {}, loads[p] or 1
      assert.equal(load, parameters.loads[p])
      for k, w in ipairs(numeric.flat(before[i])) do
        expected[k] = w - 0.25 * (0.5 / math.sqrt(load) + 0.125 * w)
      end
      assert.is_true(numeric.error(numeric.flat(p:table()), expected) < 1e-12)
    end
  end)

  it("counts a matrix once, however many layers use it, and loads below 1 as 1", function()
    local tied <const> = hn.nn.Hashed(4, 4, { buckets = 8, scheme = "element", bias = false })
    local net <const> = hn.nn.Sequential { tied, tied, hn.nn.Residual { tied } }
    assert.equal(2, net:parameters().loads[tied.pool])
    local roomy <const> = hn.nn.Hashed(1, 2, { bias = false }) -- a line of 16 for 2 weights
    assert.equal(1, roomy:parameters().loads[roomy.pool])
  end)

  it("steps by the loads of net:parameters() and asks for them", function()
    local layer <const> = hn.nn.Hashed(4, 4)
    for _, parameters in ipairs { { layer.pool }, { layer.pool, loads = {} } } do
      assert.error_matches(function() optim.SGD({ stable = true }):step(parameters) end,
        "^argument: SGD: parameters: expected the list that net:parameters%(%) returns")
    end
  end)

  it("is an option of SGD alone, true or false", function()
    assert.error_matches(function() optim.SGD { stable = "sqrt" } end,
      '^argument: hn.optim.SGD: stable: expected true or false, got "sqrt"')
    assert.error_matches(function() optim.Adam { stable = true } end, "^argument: hn.optim.Adam: unknown option")
    assert.matches("stable true", tostring(optim.SGD { stable = true }), 1, true)
  end)
end)

describe("a schedule", function()
  local function progress(epoch, epochs, per_epoch)
    per_epoch = per_epoch or 10
    return { epoch = epoch, epochs = epochs, step = epoch * per_epoch, steps = epochs * per_epoch }
  end
  local function near(expected, got) assert.is_true(math.abs(expected - got) < 1e-12, expected .. " and " .. got) end

  it("constant stays at one", function()
    for _, epoch in ipairs { 0, 0.5, 9.9 } do near(1, optim.constant():rate(progress(epoch, 10))) end
  end)

  it("step falls after every so many epochs", function()
    local s <const> = optim.step { every = 3, factor = 0.5 }
    for epoch, rate in pairs { [0] = 1, [2.9] = 1, [3] = 0.5, [5.9] = 0.5, [6] = 0.25 } do
      near(rate, s:rate(progress(epoch, 10)))
    end
  end)

  it("exponential falls little by little", function()
    local s <const> = optim.exponential { factor = 0.25 }
    for epoch, rate in pairs { [0] = 1, [0.5] = 0.5, [1] = 0.25, [2] = 0.0625 } do
      near(rate, s:rate(progress(epoch, 10)))
    end
  end)

  it("cosine goes from one to final in half a wave", function()
    for epoch, rate in pairs { [0] = 1, [5] = 0.5, [10] = 0 } do
      near(rate, optim.cosine():rate(progress(epoch, 10)))
    end
    near(0.5 + 0.5 * 0.5 * (1 + math.cos(math.pi / 4)), optim.cosine({ final = 0.5 }):rate(progress(2.5, 10)))
  end)

  it("warmup rises evenly to one, then the next schedule starts", function()
    local s <const> = optim.warmup { epochs = 2, after = optim.cosine() }
    for step = 0, 19 do near((step + 1) / 20, s:rate(progress(step / 10, 10))) end
    for epoch, rate in pairs { [2] = 1, [6] = 0.5, [10] = 0 } do near(rate, s:rate(progress(epoch, 10))) end
    near(1, optim.warmup({ epochs = 2 }):rate(progress(7, 10)))
  end)

  it("plateau falls when the loss has not improved for more than patience epochs", function()
    local s <const> = optim.plateau { factor = 0.5, patience = 1, threshold = 0.1, smallest = 0.2 }
    local rates <const> = {}
    for k, loss in ipairs { 1, 0.8, 0.75, 0.79, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5 } do
      s:observe(loss)
      rates[k] = s:rate(progress(k, 20))
    end
    -- 0.75 is no improvement by a tenth on 0.8; then 0.5 is one, and three times in a row it is not enough.
    assert.same({ 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2 }, rates)
  end)

  it("steers hn.fit, minibatch by minibatch", function()
    local data <const> = hn.data.tensors { x = hn.tensor({ 8, 2 }):normal(0, 1),
      y = hn.labels { 1, 2, 1, 2, 1, 2, 1, 2 } }
    local rates <const> = {}
    local history <const> = hn.fit(hn.nn.Linear(2, 2), data, {
      optimizer = optim.SGD { lr = 0.5 }, schedule = optim.exponential { factor = 0.25 }, batch = 4, epochs = 2,
      progress = false, callbacks = { batch = function(state) rates[#rates + 1] = state.lr end },
    })
    assert.same({ 0.5, 0.25, 0.125, 0.0625 }, rates)
    assert.same({ 0.25, 0.0625 }, history.lr)
  end)

  it("may be a plain function of the progress", function()
    local data <const> = hn.data.tensors { x = hn.tensor { 4, 2 }, y = hn.labels { 1, 2, 1, 2 } }
    local seen <const> = {}
    hn.fit(hn.nn.Linear(2, 2), data, { batch = 2, epochs = 2, progress = false, schedule = function(p)
      seen[#seen + 1] = { p.epoch, p.epochs, p.step, p.steps }
      return 1
    end })
    assert.same({ { 0, 2, 0, 4 }, { 0.5, 2, 1, 4 }, { 1, 2, 2, 4 }, { 1.5, 2, 3, 4 } }, seen)
  end)
end)
