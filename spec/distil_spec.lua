-- hn.fit with a teacher: the loss against its formula, and what it is not to change.

local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local numeric <const> = require "spec.support.numeric"

local INPUTS <const>, CLASSES <const>, SAMPLES <const> = 6, 4, 30

local function values(tensor) return numeric.flat(tensor:table()) end

local function some_data(n, weighted)
  local random <const> = numeric.generator(n)
  local x <const>, y <const>, weight <const> = {}, {}, {}
  for k = 1, n do
    x[k] = {}
    for j = 1, INPUTS do x[k][j] = random.number(-1, 1) end
    y[k], weight[k] = 1 + (k * k) % CLASSES, random.number(0.5, 2)
  end
  return hn.data.tensors { x = x, y = hn.labels(y), weight = weighted and weight or nil, classes = CLASSES }
end

local function linear(init) return hn.nn.Linear(INPUTS, CLASSES, { init = init }) end
local function teacher_net() return linear(function(t) t:uniform(-2, 2) end) end

local function fit(net, data, more)
  local o <const> = { epochs = 1, batch = SAMPLES, progress = false, shuffle = false,
    optimizer = hn.optim.SGD { lr = 1 } }
  for key, value in pairs(more) do o[key] = value end
  return hn.fit(net, data, o)
end

local function softmax(row, temperature)
  local list <const>, sum = {}, 0
  for c, z in ipairs(row) do
    list[c] = math.exp(z / temperature)
    sum = sum + list[c]
  end
  for c in ipairs(row) do list[c] = list[c] / sum end
  return list
end

-- Loss and its gradient to the weights of a linear net, by the formula, in double precision.
local function reference(net, teacher, data, weight, temperature)
  local z <const>, t <const> = net:predict(data):table(), teacher:predict(data):table()
  local x, y, importance = data:rows(1, #data)
  x, y, importance = x:table(), y:table(), importance and importance:table()
  local loss, total, gradient <const> = 0, 0, {}
  for k = 1, CLASSES * INPUTS do gradient[k] = 0 end
  for n = 1, #x do
    local w <const> = importance and importance[n] or 1
    local hard <const>, soft <const> = softmax(z[n], 1), softmax(z[n], temperature)
    local wanted <const> = softmax(t[n], temperature)
    total = total + w
    loss = loss - w * (1 - weight) * math.log(hard[y[n]])
    for c = 1, CLASSES do
      loss = loss - w * weight * temperature ^ 2 * wanted[c] * math.log(soft[c])
      local dz <const> = (1 - weight) * (hard[c] - (c == y[n] and 1 or 0))
        + weight * temperature * (soft[c] - wanted[c])
      for j = 1, INPUTS do
        gradient[(c - 1) * INPUTS + j] = gradient[(c - 1) * INPUTS + j] + w * dz * x[n][j]
      end
    end
  end
  for k, g in ipairs(gradient) do gradient[k] = g / total end
  return loss / total, gradient
end

local function near(expected, got)
  assert.equal(#expected, #got)
  assert.is_true(numeric.error(got, expected) <= 1e-9, numeric.worst(got, expected))
end

for _, backend in ipairs(backends) do
  describe("a teacher on " .. backend.device, function()
    before_each(function() backends.open { device = backend.device, seed = 5 } end)

    for _, case in ipairs {
      { "as one minibatch", 0.3, 2.5 }, { "of soft targets alone", 1, 4 }, { "with weighted samples", 0.6, 1.5, true },
      { "in pieces", 0.3, 2.5, false, 7 }, { "in pieces, weighted", 0.3, 2.5, true, 7 },
    } do
      local name <const>, weight <const>, temperature <const>, weighted <const>, pieces <const> = table.unpack(case)
      it("gives the loss and the step of the formula: " .. name, function()
        local teacher <const>, net <const>, data <const> = teacher_net(), linear(), some_data(SAMPLES, weighted)
        local before <const> = values(net.weight)
        local loss <const>, gradient <const> = reference(net, teacher, data, weight, temperature)
        local history <const> = fit(net, data, { microbatch = pieces,
          teacher = { net = teacher, weight = weight, temperature = temperature } })
        near({ loss }, history.loss)
        local moved <const> = values(net.weight)
        for k, w in ipairs(before) do moved[k] = w - moved[k] end
        assert.is_true(numeric.error(moved, gradient) <= 1e-9, numeric.worst(moved, gradient))
      end)
    end
  end)
end

describe("a teacher", function()
  before_each(function() backends.open { device = "cpu", seed = 5 } end)

  it("answers for the samples that are trained on, whatever part of a set they are", function()
    local _, part <const> = some_data(3 * SAMPLES):split(2 * SAMPLES)
    local teacher <const>, net <const> = teacher_net(), linear()
    local loss <const> = reference(net, teacher, part, 0.7, 2)
    near({ loss }, fit(net, part, { teacher = { net = teacher, weight = 0.7 } }).loss)
  end)

  it("leaves errors, validation and what the network is asked later to the labels", function()
    local data <const>, held <const>, net <const> = some_data(SAMPLES), some_data(2 * SAMPLES), linear()
    local teacher <const> = teacher_net():train()
    local before <const> = hn.evaluate(net, data).error
    local history <const> = fit(net, data, { teacher = { net = teacher, weight = 1 }, validate = held })
    assert.equal(before, history.error[1])
    local result <const> = hn.evaluate(net, held)
    near({ result.loss, result.error }, { history.validation.loss[1], history.validation.error[1] })
    assert.is_true(teacher.training)
  end)

  it("takes part in a run that is gone on with, to the same bits", function()
    local function weights(stops, path)
      local net
      for _, epochs in ipairs(stops) do
        backends.open { device = "cpu", seed = 5 }
        local teacher <const> = teacher_net()
        net = linear()
        fit(net, some_data(SAMPLES), { batch = 7, shuffle = true, epochs = epochs, teacher = teacher,
          checkpoint = path, resume = path ~= nil })
      end
      return values(net.weight)
    end
    assert.same(weights { 4 }, weights({ 2, 4 }, files.folder() .. "/run.hn"))
  end)

  it("teaches rounded weights, with or without samples held out", function()
    for _, held in ipairs { false, 8 } do
      local teacher <const>, net <const> = teacher_net(), linear()
      local history <const> = fit(net, some_data(SAMPLES), { teacher = teacher, quantize = "int8",
        validate = held or nil })
      local trained <const> = held and history.validation.loss[1] or nil
      if trained then near({ trained }, { history.quantized.trained.loss }) end
      assert.not_equal(history.quantized.rounded.loss, history.quantized.trained.loss)
    end
  end)

  it("of no weight leaves the labels' loss", function()
    local function loss(teacher)
      hn.seed(1)
      return fit(linear(), some_data(SAMPLES), { epochs = 3, batch = 7, teacher = teacher }).loss
    end
    near(loss(), loss { net = linear(), weight = 0 })
  end)

  for _, case in ipairs {
    { "no network", function() return 7 end, "expected a module, or { net =, temperature =, weight = }, got 7" },
    { "an unknown option", function() return { net = linear(), temperatur = 1 } end, "did you mean 'temperature'" },
    { "a weight above 1", function() return { net = linear(), weight = 2 } end, "weight: expected" },
    { "other classes", function() return hn.nn.Linear(INPUTS, 3) end, "expected an output for each of 4 classes" },
    { "another loss", linear, "expected the loss cross_entropy", { loss = function(y) return y:mean() end } },
  } do
    it("is refused with " .. case[1], function()
      local more <const> = { teacher = case[2]() }
      for key, value in pairs(case[4] or {}) do more[key] = value end
      assert.error_matches(function() fit(linear(), some_data(SAMPLES), more) end, case[3], 1, true)
    end)
  end
end)
