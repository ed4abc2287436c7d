-- Training in phases: the same as hn.fit one after another, in one history, gone on with after a break.

local files <const> = require "spec.support.files"
local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"

local function data()
  local random <const> = numeric.generator(7)
  local x <const>, y <const> = {}, {}
  for i = 1, 60 do
    x[i] = {}
    for j = 1, 4 do x[i][j] = random.number(-1, 1) end
    y[i] = x[i][1] * x[i][2] > 0 and 2 or 1
  end
  return hn.data.tensors { x = x, y = hn.labels(y) }
end

local function network()
  return hn.nn.Sequential { hn.nn.Linear(4, 16), hn.nn.ReLU(), hn.nn.Dropout(0.3), hn.nn.Linear(16, 8), hn.nn.ReLU(),
    hn.nn.Dropout(0.3), hn.nn.Linear(8, 2) }
end

local function options(more)
  local o <const> = { progress = false, batch = 20, optimizer = hn.optim.Adam(), phases = {
    { epochs = 3, lr = 0.01, dropout = { 0.1, 0.2 } }, { epochs = 2, lr = 0.002, batch = 30, dropout = 0 },
  } }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

local function begin() hn.use { seed = 3, threads = 1 } end

local function weights(net)
  local list <const> = {}
  for k, tensor in ipairs(net:state()) do list[k] = tensor:table() end
  return list
end

describe("hn.phases", function()
  before_each(begin)

  it("trains as hn.fit does one after another, with the optimizer's state going on", function()
    local net <const>, set <const> = network(), data()
    local history <const> = hn.phases(net, set, options())
    begin()
    local other <const>, optimizer <const> = network(), hn.optim.Adam { lr = 0.01 }
    other[3].rate, other[6].rate = 0.1, 0.2
    local first <const> = hn.fit(other, set, { progress = false, batch = 20, optimizer = optimizer, epochs = 3 })
    optimizer.lr, other[3].rate, other[6].rate = 0.002, 0, 0
    local second <const> = hn.fit(other, set, { progress = false, batch = 30, optimizer = optimizer, epochs = 2 })
    assert.same(weights(other), weights(net))
    assert.same({ 5, 2 }, { history.epochs, #history.phases })
    assert.same({ first.loss[1], first.loss[2], first.loss[3], second.loss[1], second.loss[2] }, history.loss)
    assert.same({ 0.01, 0.01, 0.01, 0.002, 0.002 }, history.lr)
    assert.equal(net[3].rate, 0)
  end)

  it("holds the same samples out in all phases, and counts the best epoch from the first one", function()
    local seen <const> = {}
    local history <const> = hn.phases(network(), data(), options { validate = 0.5, callbacks = { epoch = function(state)
      seen[#seen + 1] = state.validation.loss
    end } })
    assert.equal(5, #history.validation.loss)
    assert.is_true(history.best > 3)
    assert.equal(history.validation.loss[history.best], math.min(table.unpack(history.validation.loss, 4)))
    assert.same(history.validation.loss, seen)
  end)

  it("ends with the same bits after breaks in any phase", function()
    local whole <const> = network()
    hn.phases(whole, data(), options { validate = 0.3 })
    local path <const> = files.folder() .. "/run.hn"
    local net
    for _, ends in ipairs { 2, 2, 100 } do
      begin()
      net = network()
      local epochs = 0
      local history <const> = hn.phases(net, data(), options { validate = 0.3, checkpoint = path, resume = true,
        callbacks = { epoch = function()
          epochs = epochs + 1
          return epochs < ends
        end } })
      assert.equal(ends < 100 and "callback" or "epochs", history.stopped)
    end
    assert.same(weights(whole), weights(net))
    assert.is_string(files.read((path:gsub("%.hn$", "-2.hn"))))
  end)

  for _, case in ipairs {
    { "no phases", {}, "phases: expected a list" }, { "none", { phases = {} }, "phases: expected a list" },
    { "options that hn.fit has not", { phases = { { epoch = 1 } } }, "did you mean 'epochs'?" },
    { "a rate below 0", { phases = { { lr = -1 } } }, "lr: expected a number at least 0" },
    { "too few rates", { phases = { { dropout = { 0.1 } } } }, "each of the network's 2 layers hn.nn.Dropout" },
  } do
    it("refuses " .. case[1], function()
      assert.error_matches(function() hn.phases(network(), data(), case[2]) end, case[3], 1, true)
    end)
  end
end)
