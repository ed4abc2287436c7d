-- Update rules against plain Lua, written from the papers and from hn.h's words, over several steps.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local numeric <const> = require "spec.support.numeric"

local STEPS <const> = 5

local function sign(x) return x > 0 and 1 or x < 0 and -1 or 0 end

-- Each: function(settings, state of one weight, gradient, weight, step) giving the new weight.
local rules <const> = {}

function rules.sgd(s, state, g, w)
  state.v = (s.momentum or 0) * (state.v or 0) + g
  return w - s.lr * (s.nesterov and g + s.momentum * state.v or state.v)
end

local function adam(s, state, g, w, step)
  state.m = s.beta1 * (state.m or 0) + (1 - s.beta1) * g
  state.v = s.beta2 * (state.v or 0) + (1 - s.beta2) * g * g
  return w - s.lr * (state.m / (1 - s.beta1 ^ step)) / (math.sqrt(state.v / (1 - s.beta2 ^ step)) + s.epsilon)
end
rules.adam = adam

function rules.adamw(s, state, g, w, step) return adam(s, state, g, w - s.lr * s.l2 * w, step) end

function rules.rmsprop(s, state, g, w)
  state.v = s.beta2 * (state.v or 0) + (1 - s.beta2) * g * g
  state.b = (s.momentum or 0) * (state.b or 0) + g / (math.sqrt(state.v) + s.epsilon)
  return w - s.lr * state.b
end

function rules.adagrad(s, state, g, w)
  state.v = (state.v or 0) + g * g
  return w - s.lr * g / (math.sqrt(state.v) + s.epsilon)
end

local CASES <const> = {
  { "sgd", { lr = 0.1 } },
  { "sgd", { lr = 0.1, momentum = 0.9 } },
  { "sgd", { lr = 0.1, momentum = 0.9, nesterov = true } },
  { "sgd", { lr = 0.1, l2 = 0.05 } },
  { "sgd", { lr = 0.1, l1 = 0.05 } },
  { "sgd", { lr = 0.1, momentum = 0.5, nesterov = true, l1 = 0.02, l2 = 0.03, scale = 0.25 } },
  { "sgd", { lr = 0 } },
  { "adam", { lr = 0.01, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } },
  { "adam", { lr = 0.01, beta1 = 0.5, beta2 = 0.75, epsilon = 0.01, l2 = 0.1, l1 = 0.05, scale = 2 } },
  { "adamw", { lr = 0.01, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, l2 = 0.1 } },
  { "adamw", { lr = 0.1, beta1 = 0.5, beta2 = 0.75, epsilon = 0.01, l2 = 0.5, l1 = 0.05, scale = 0.5 } },
  { "rmsprop", { lr = 0.01, beta2 = 0.9, epsilon = 1e-8 } },
  { "rmsprop", { lr = 0.01, beta2 = 0.9, epsilon = 0.01, momentum = 0.9, l2 = 0.1, l1 = 0.05, scale = 3 } },
  { "adagrad", { lr = 0.1, epsilon = 1e-10 } },
  { "adagrad", { lr = 0.1, epsilon = 0.01, l2 = 0.1, l1 = 0.05, scale = 0.5 } },
}

local function title(rule, settings)
  local words <const> = {}
  for key, value in pairs(settings) do words[#words + 1] = key .. "=" .. tostring(value) end
  table.sort(words)
  return rule .. " " .. table.concat(words, " ")
end

-- The weights after each step by the reference.
local function expected(rule, settings, weights, gradients)
  local w <const>, states <const> = table.move(weights, 1, #weights, 1, {}), {}
  local decay <const> = rule == "adamw" and 0 or settings.l2 or 0
  for step = 1, STEPS do
    for k = 1, #w do
      states[k] = states[k] or {}
      local g <const> = gradients[step][k] * (settings.scale or 1) + decay * w[k] + (settings.l1 or 0) * sign(w[k])
      w[k] = rules[rule](settings, states[k], g, w[k], step)
    end
  end
  return w
end

-- Gives the parameter this gradient: that of its product with a constant.
local function set_gradient(parameter, gradient)
  parameter:clear_grad()
  local _ <close> = hn.tape()
  parameter:mul(hn.tensor(parameter:shape(), gradient)):sum():backward()
end

local function step_settings(settings, step)
  local copy <const> = { step = step }
  for key, value in pairs(settings) do copy[key] = value end
  return copy
end

describe("core.update", function()
  for _, backend in ipairs(backends) do
    for _, case in ipairs(CASES) do
      local rule <const>, settings <const> = case[1], case[2]
      for _, kind in ipairs { "tensor", "pool" } do
        it(("%s of a %s on %s"):format(title(rule, settings), kind, backend.device), function()
          backends.open { device = backend.device }
          for _, size in ipairs { 1, 7, 129 } do
            local random <const> = numeric.generator(size)
            local weights <const>, gradients <const> = random.numbers(size, -1, 1), {}
            weights[1] = 0 -- l1 has no direction there
            for step = 1, STEPS do gradients[step] = random.numbers(size, -2, 2) end
            local parameter <const> = kind == "pool" and hn.buckets(size):set(weights)
              or hn.tensor({ size }, weights):parameter()
            local states <const> = {}
            for step = 1, STEPS do
              set_gradient(parameter, gradients[step])
              core.update(rule, step_settings(settings, step), { parameter }, states)
            end
            local want <const>, got <const> = expected(rule, settings, weights, gradients), parameter:table()
            local e <const> = numeric.error(got, want)
            assert.is_true(e <= 1e-10, ("error %.3g; %s"):format(e, numeric.worst(got, want)))
          end
        end)
      end
    end
  end

  for _, rule in ipairs { "sgd", "adam", "adamw", "rmsprop", "adagrad" } do
    it(rule .. " keeps as many states as it says, each of the parameter's size, counted as the optimiser's", function()
      local a <const>, b <const>, states <const> = hn.buckets(50), hn.tensor({ 3, 7 }):parameter(), {}
      set_gradient(a, 1)
      set_gradient(b, 1)
      core.update(rule, { lr = 0.1, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-8, l2 = 0, step = 1 }, { a, b }, states)
      assert.equal(core.states(rule) * 4 * (50 + 21), core.memory().kinds.optimizer)
      assert.same({ { 50 }, { 3, 7 } }, { states[1][1]:shape(), states[2][core.states(rule)]:shape() })
    end)

    it(rule .. " gives the same bits with one and two threads", function()
      local function run(threads)
        hn.use { device = "cpu", threads = threads, seed = 1, debug = true }
        local w <const>, states <const> = hn.tensor({ 70000 }):normal(0, 1):parameter(), {}
        for step = 1, 2 do
          set_gradient(w, hn.tensor({ 70000 }):normal(0, 1))
          core.update(rule, { lr = 0.1, beta1 = 0.9, beta2 = 0.99, epsilon = 1e-8, l1 = 0.01, l2 = 0.01, step = step },
            { w }, states)
        end
        return w:table()
      end
      local one <const>, two <const> = run(1), run(2)
      for k = 1, #one do
        if one[k] ~= two[k] then assert.equal(one[k], two[k]) end
      end
    end)
  end

  it("leaves parameters without a gradient alone", function()
    local a <const>, b <const> = hn.tensor({ 2 }, 1):parameter(), hn.tensor({ 2 }, 1):parameter()
    set_gradient(a, 1)
    local c <const> = hn.tensor({ 2 }, 1):parameter()
    set_gradient(c, 1)
    c:clear_grad()
    core.update("sgd", { lr = 0.5, l2 = 1 }, { a, b, c }, {})
    assert.same({ { 0, 0 }, { 1, 1 }, { 1, 1 } }, { a:table(), b:table(), c:table() })
  end)

  it("is not recorded on a tape", function()
    local a <const> = hn.tensor({ 2 }, 1):parameter()
    local _ <close> = hn.tape()
    a:sum():backward()
    core.update("sgd", { lr = 0.5 }, { a }, {})
    assert.same({ 0.5, 0.5 }, a:table())
  end)
end)

describe("core.grad_norm", function()
  it("is the root of the sum of squares of all gradients", function()
    local a <const>, b <const>, c <const> = hn.tensor({ 2 }):parameter(), hn.buckets(3), hn.tensor({ 4 }):parameter()
    set_gradient(a, hn.tensor({ 2 }, { 3, 0 }))
    set_gradient(b, hn.tensor({ 3 }, { 0, -4, 12 }))
    assert.equal(13, core.grad_norm { a, b, c })
  end)

  it("is 0 where there are no gradients", function() assert.equal(0, core.grad_norm { hn.buckets(3) }) end)
end)
