-- TMVA's option strings: what networks and phases they are.

local hn <const> = require "hn"

local function described(net)
  local list <const> = {}
  for k, layer in ipairs(net) do list[k] = tostring(layer) end
  return list
end

describe("hn.tmva.layout", function()
  for _, case in ipairs {
    { "TANH|128,TANH|N+5,LINEAR", 1, { "Linear(4 -> 128)", "Tanh", "Linear(128 -> 9)", "Tanh", "Linear(9 -> 1)" } },
    { "DENSE|2*N|RELU, BNORM, DENSE|1|SIGMOID", 2,
      { "Linear(4 -> 8)", "ReLU", "BatchNorm(8)", "Linear(8 -> 2)", "Sigmoid" } },
    { "symmrelu|3,GAUSS|N,SOFTSIGN|N-1,LINEAR", 1,
      { "Linear(4 -> 3)", "Abs", "Linear(3 -> 4)", "Gauss", "Linear(4 -> 3)", "Softsign", "Linear(3 -> 1)" } },
  } do
    it("reads " .. case[1], function()
      local found <const> = {}
      for _, text in ipairs(described(hn.tmva.layout(case[1], 4, case[2]))) do
        if text ~= "Dropout(0)" then found[#found + 1] = text end
      end
      assert.same(case[3], found)
    end)
  end

  it("makes hashed layers", function()
    local net <const> = hn.tmva.layout("TANH|128,HASHED:1/16|128,LINEAR", 28)
    assert.equal("Hashed", net[5].name)
    assert.equal(128 * 128 // 16, net[5].pool:size())
    assert.equal("ReLU", tostring(net[6]))
  end)

  for _, case in ipairs {
    { "TANH|many,LINEAR", '"many"' }, { "TANH,LINEAR", "layer 1 has no number of units" }, { "", "ends in a layer" },
    { "TANH|5,BNORM", "ends in a layer" }, { "CONV|5,LINEAR", '"CONV"' }, { "TANH|N-4,LINEAR", '"N-4"' },
  } do
    it("refuses " .. case[1], function()
      assert.error_matches(function() hn.tmva.layout(case[1], 4) end, case[2], 1, true)
    end)
  end
end)

describe("hn.tmva.strategy", function()
  local function network() return hn.tmva.layout("TANH|128,TANH|64,LINEAR", 4) end

  it("reads phases", function()
    local phases <const> = hn.tmva.strategy("LearningRate=1e-1, Momentum=0.9, BatchSize=256, TestRepetitions=10, "
      .. "ConvergenceSteps=30, Regularization=L2, WeightDecay=1e-4, DropConfig=0.0+0.5, Multithreading=True"
      .. "|LearningRate=1e-3,Optimizer=ADAM,MaxEpochs=7,Repetitions=1", network())
    local first <const>, second <const> = phases[1].optimizer, phases[2].optimizer
    phases[1].optimizer, phases[2].optimizer = nil, nil
    assert.same({
      { lr = 0.1, batch = 256, interval = 10, patience = 30, epochs = 2000, dropout = { 0, 0.5, 0 } },
      { lr = 1e-3, batch = 30, patience = 100, epochs = 7 },
    }, phases)
    assert.equal("SGD(lr 0.1, momentum 0.9, stable true, l2 0.0001)", tostring(first))
    assert.matches("^Adam%(lr 0.001", tostring(second))
  end)

  it("makes what hn.phases takes", function()
    local net <const> = network()
    local x <const> = { { 1, 2, 3, 4 }, { 2, 1, 0, 1 }, { 0, 1, 1, 0 }, { 1, 1, 2, 1 } }
    local history <const> = hn.phases(net, { x = x, y = { { 1 }, { 0 }, { 0 }, { 1 } } }, {
      loss = "bce", progress = false, validate = 1,
      phases = hn.tmva.strategy("MaxEpochs=2,DropConfig=0.1+0.2+0.3|MaxEpochs=1,DropConfig=0", net),
    })
    assert.equal(3, history.epochs)
  end)

  for _, case in ipairs {
    { "LearnRate=1", "LearnRate" }, { "LearningRate=fast", "LearningRate: expected a number" },
    { "", "expected options" }, { "Optimizer=LBFGS", "LBFGS" }, { "Regularization=L3", "NONE, L1 or L2" },
  } do
    it("refuses " .. case[1], function()
      assert.error_matches(function() hn.tmva.strategy(case[1]) end, case[2], 1, true)
    end)
  end

  it("wants the network for DropConfig", function()
    assert.error_matches(function() hn.tmva.strategy "DropConfig=0.5" end, "expected the network", 1, true)
  end)
end)

describe("hn.tmva.transform", function()
  local x <const> = { { 1, 2, 4 }, { 2, 1, 0 }, { 3, 5, -2 }, { 5, 3, 7 }, { -1, 3, 1 } }
  local function fitted(input)
    local data <const> = hn.data.tensors { x = x, y = hn.labels { 1, 2, 1, 2, 1 }, names = { "Signal", "Background" } }
    return input:fit(data)(hn.tensor(x)):table()
  end

  for text, list in pairs {
    ["N,G,D"] = { "normalise", "gauss", "decorrelate" },
    ["P_Signal"] = { { "pca", class = 1 } },
    ["U(_V0_,_V2_),D_Background"] = { { "uniform", features = { 1, 3 } }, { "decorrelate", class = 2 } },
    ["I, N_AllClasses"] = { "normalise" },
    ["G(_V1_)_Background"] = { { "gauss", features = { 2 }, class = "Background" } },
  } do
    it("reads " .. text, function()
      assert.same(fitted(hn.transform(list)), fitted(hn.tmva.transform(text)))
    end)
  end

  for text, words in pairs {
    X = 'got "X"', n = 'got "n"', ["N Signal"] = 'got "N Signal"', ["D(_V0_"] = 'got "D(_V0_"',
    ["N(mass)"] = 'expected variables by number, as _V0_, got "mass"', I = "expected at least one transformation",
  } do
    it("refuses " .. text, function()
      assert.error_matches(function() hn.tmva.transform(text) end, words, 1, true)
    end)
  end
end)
