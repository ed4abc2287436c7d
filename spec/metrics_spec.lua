-- Measures of answers, against counting by hand.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"

local metrics <const> = hn.metrics
local near <const>, all_near <const> = numeric.assert_near, numeric.assert_all_near

-- The area under the ROC curve by its meaning: over all pairs of signal and background.
local function pairs_won(scores, labels, weights)
  local won, all = 0, 0
  for a = 1, #scores do
    for b = 1, #scores do
      if labels[a] == 1 and labels[b] == 0 then
        local w <const> = weights and weights[a] * weights[b] or 1
        all = all + w
        if scores[a] > scores[b] then won = won + w elseif scores[a] == scores[b] then won = won + w / 2 end
      end
    end
  end
  return won / all
end

describe("hn.metrics.auc", function()
  it("is the chance that signal scores higher than background", function()
    local random <const> = numeric.generator(3)
    for _ = 1, 10 do
      local scores <const>, labels <const>, weights <const> = {}, { 1, 0 }, {}
      for k = 1, 60 do
        scores[k], weights[k] = random.integer(20), 1 + random.integer(5) -- with ties
        labels[k] = labels[k] or random.integer(2)
      end
      assert.is_true(math.abs(pairs_won(scores, labels) - metrics.auc(scores, labels)) < 1e-12)
      assert.is_true(math.abs(pairs_won(scores, labels, weights) - metrics.auc(scores, labels, weights)) < 1e-12)
    end
  end)

  it("is 1 for a perfect order, 0 for the reverse, one half for equals", function()
    assert.equal(1, metrics.auc({ 1, 2, 3, 4 }, { 0, 0, 1, 1 }))
    assert.equal(0, metrics.auc({ 4, 3, 2, 1 }, { 0, 0, 1, 1 }))
    assert.equal(0.5, metrics.auc({ 1, 1, 1, 1 }, { 0, 1, 0, 1 }))
  end)

  it("takes tensors, columns, classes and host arrays", function()
    assert.equal(1, metrics.auc(hn.tensor { { 1 }, { 2 }, { 3 } }, hn.labels { 1, 1, 2 }))
    assert.equal(1, metrics.auc(core.array("f32", { 3 }, { 1, 2, 3 }), core.array("u8", { 3 }, { 0, 0, 1 })))
  end)
end)

describe("hn.metrics", function()
  it("error and accuracy are the fractions of wrong and right classes, by weight", function()
    assert.equal(0.25, metrics.error({ 1, 2, 3, 1 }, { 1, 2, 3, 3 }))
    assert.equal(0.75, metrics.accuracy({ 1, 2, 3, 1 }, { 1, 2, 3, 3 }))
    assert.equal(0.5, metrics.error({ 1, 2, 3, 1 }, { 1, 2, 3, 3 }, { 1, 1, 1, 3 }))
  end)

  it("error takes the highest score of each row", function()
    assert.equal(0.5, metrics.error(hn.tensor { { 0.1, 0.9 }, { 0.8, 0.2 } }, hn.labels { 2, 2 }))
  end)

  it("confusion counts true against predicted classes", function()
    local c <const> = metrics.confusion({ 1, 2, 2, 3 }, { 1, 2, 3, 3 }, { "a", "b", "c" })
    assert.same({ 1, 0, 0 }, c[1])
    assert.same({ 0, 1, 1 }, c[3])
    assert.matches("3 c", tostring(c), 1, true)
  end)
end)

describe("hn.metrics.confusion", function()
  it("sums weights where it is given some", function()
    local c <const> = metrics.confusion({ 1, 2, 2 }, { 1, 1, 2 }, nil, { 0.5, -2, 3 })
    assert.same({ { 0.5, -2 }, { 0, 3 } }, { c[1], c[2] })
  end)
end)

-- Twelve samples, and what scikit-learn 1.9.1, SciPy 1.17.1 and NumPy 2.4.6 make of them.
local few <const> = {
  score = { 0.1, 0.4, 0.35, 0.8, 0.8, 0.6, 0.2, 0.9, 0.5, 0.5, 0.7, 0.3 },
  label = { 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0 },
  weight = { 1, 2, 0.5, 1.5, 0.25, 3, 1, 2, 0.75, 1, 0.5, 1.25 },
}

-- The numbers of a list with this label.
local function with_label(list, label)
  local part <const> = {}
  for i, number in ipairs(list) do
    if few.label[i] == label then part[#part + 1] = number end
  end
  return part
end

describe("hn.metrics of twelve samples are known:", function()
  local curve <const> = metrics.roc(few.score, few.label, few.weight)

  it("the ROC curve", function()
    near(0.7428571428571429, metrics.auc(few.score, few.label))
    near(0.9016203703703703, curve.area)
    all_near({ 0, 0, 1 / 27, 1 / 9, 1 / 9, 2 / 9, 14 / 27, 14 / 27, 19 / 27, 23 / 27, 1 }, curve.points.background)
    all_near({ 0, 0.25, 0.4375, 0.4375, 0.8125, 0.9375, 0.9375, 1, 1, 1, 1 }, curve.points.signal)
    all_near({ math.huge, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.2, 0.1 }, curve.points.cut)
    assert.matches("area 0.9016 ± 0.%d+; .* 0.3006 at 0.01, 0.4375 at 0.10, 0.9375 at 0.30$", tostring(curve))
  end)

  it("efficiencies and rejections between its points", function()
    for at, expected in pairs { [0] = 0.25, [0.01] = 0.300625, [0.1] = 0.4375, [0.3] = 0.9375, [1] = 1 } do
      near(expected, curve:efficiency(at))
    end
    for at, expected in pairs { [0.3] = 101.25, [0.5] = 9, [0.9] = 5.294117647058823 } do
      near(expected, curve:rejection(at))
    end
    assert.equal(math.huge, curve:rejection(0.25))
  end)

  it("Kolmogorov and Smirnov's test", function()
    local ks <const> = metrics.ks(with_label(few.score, 1), with_label(few.score, 0))
    near(0.42857142857142855, ks.distance)
    near(0.6576398397424086, ks.probability)
  end)

  it("correlations", function()
    local rows <const> = {}
    for i, score in ipairs(few.score) do rows[i] = { score, few.weight[i], few.label[i] } end
    local matrix <const> = metrics.correlation(rows)
    all_near({ 1, 0.14350398953775878, 0.4080789854293392 }, matrix[1])
    all_near({ 0.4080789854293392, 0.4161196175670724, 1 }, matrix[3])
  end)
end)

describe("weights in hn.metrics", function()
  -- The same samples without those that weigh nothing, and with others twice.
  local random <const> = numeric.generator(7)
  local scores <const>, labels <const>, weights <const>, again <const>, classes <const> = {}, { 0, 1 }, {}, {}, {}
  for i = 1, 200 do
    scores[i], weights[i], labels[i] = random.integer(64) / 64, random.integer(3), labels[i] or random.integer(2)
    for _ = 1, weights[i] do again[#again + 1], classes[#classes + 1] = scores[i], labels[i] end
  end

  it("count a sample as often", function()
    for _, name in ipairs { "separation", "auc" } do
      near(metrics[name](again, classes), metrics[name](scores, labels, weights))
    end
    local expected <const>, got <const> = metrics.roc(again, classes), metrics.roc(scores, labels, weights)
    for name, list in pairs(expected.points) do all_near(list, got.points[name]) end
    all_near(metrics.significance(again, classes).significance,
      metrics.significance(scores, labels, weights).significance)
    for _, name in ipairs { "predicted", "observed", "weight" } do
      all_near(metrics.calibration(again, classes)[name], metrics.calibration(scores, labels, weights)[name])
    end
    local same <const> = metrics.ks(scores, again, weights)
    assert.is_true(same.distance < 1e-12 and same.probability == 1)
    local x <const> = {}
    for i, score in ipairs(scores) do x[i] = { score, labels[i] } end
    local y <const> = {}
    for i, score in ipairs(again) do y[i] = { score, classes[i] } end
    all_near(metrics.correlation(y)[1], metrics.correlation(x, weights)[1])
  end)

  it("may be negative", function()
    local w <const> = {}
    for i, weight in ipairs(weights) do w[i] = i % 5 == 0 and -0.5 or weight end
    near(pairs_won(scores, labels, w), metrics.auc(scores, labels, w))
    local curve <const> = metrics.roc(scores, labels, w)
    near(1, curve.points.signal[#curve.points.signal])
    assert.is_true(curve.error > 0 and metrics.bootstrap(scores, labels, w).deviation > 0)
  end)

  it("of a class must sum to more than 0", function()
    for _, name in ipairs { "roc", "auc", "significance", "separation", "calibration", "bootstrap" } do
      assert.error_matches(function() metrics[name]({ 0.1, 0.2, 0.3 }, { 0, 1, 1 }, { 1, 1, -1 }) end, "hn.metrics."
        .. name .. ": weights: expected those of each class to sum to more than 0, got 0 of signal and 1 of ", 1, true)
    end
  end)
end)

describe("hn.metrics", function()
  it("the bootstrap and Hanley and McNeil agree on the error of an area", function()
    local random <const>, scores <const>, labels <const> = numeric.generator(11), {}, {}
    for i = 1, 600 do
      labels[i] = i % 3 == 0 and 1 or 0
      scores[i] = random.number(0, 1) + random.number(0, 1) + 0.5 * labels[i]
    end
    local curve <const> = metrics.roc(scores, labels)
    local drawn <const> = metrics.bootstrap(scores, labels, nil, { n = 300, seed = 5 })
    near(curve.area, drawn.mean, 0.005)
    near(drawn.deviation, curve.error, 0.005)
    near(2 * drawn.deviation, drawn.high - drawn.low, 0.01)
    assert.same(drawn, metrics.bootstrap(scores, labels, nil, { n = 300, seed = 5 }))
    assert.not_same(drawn, metrics.bootstrap(scores, labels, nil, { n = 300, seed = 6 }))
  end)

  it("significance is S/√(S+B) at each cut", function()
    local found <const> = metrics.significance({ 0.9, 0.8, 0.3, 0.1 }, { 1, 0, 1, 0 }, nil,
      { signal = 10, background = 30 })
    assert.same({ 0.9, 0.8, 0.3, 0.1 }, found.cut)
    all_near({ 5 / 5 ^ 0.5, 5 / 20 ^ 0.5, 10 / 25 ^ 0.5, 10 / 40 ^ 0.5 }, found.significance)
    assert.same({ cut = 0.9, significance = 5 / 5 ^ 0.5, signal = 5, background = 0 }, found.best)
    assert.matches("at most 2.236: at the cut 0.9, with S = 5 and B = 0", tostring(found), 1, true)
  end)

  it("separation is 1 without overlap and 0 for equals", function()
    assert.equal(1, metrics.separation({ 1, 2, 3, 4 }, { 0, 0, 1, 1 }))
    assert.equal(0, metrics.separation({ 1, 2, 1, 2 }, { 0, 0, 1, 1 }))
    near(0.25, metrics.separation({ 0, 0, 1, 0, 1, 1 }, { 0, 0, 0, 1, 1, 1 }, { 3, 3, 2, 1, 2, 1 }, { bins = 2 }))
  end)

  it("calibration compares what is predicted with what happens", function()
    local found <const> = metrics.calibration({ 0.1, 0.2, 0.9, 0.8 }, { 0, 1, 1, 1 }, { 3, 1, 1, 1 }, { bins = 2 })
    all_near({ 0.125, 0.85 }, found.predicted)
    all_near({ 0.25, 1 }, found.observed)
    all_near({ (0.25 * 0.75 / 1.6) ^ 0.5, 0 }, found.deviation)
    near((4 * 0.125 + 2 * 0.15) / 6, found.error)
    assert.matches("expected calibration error 13.33 %", tostring(found), 1, true)
  end)

  it("Kolmogorov and Smirnov's test tells other distributions apart", function()
    local apart <const> = metrics.ks({ 1, 2 }, { 3, 4 })
    assert.same({ 1, true }, { apart.distance, apart.probability < 0.3 })
    assert.same({ distance = 0, probability = 1 }, metrics.ks({ 1, 2 }, { 2, 1 }))
  end)

  it("correlation is nan where a column does not vary, and takes data sets", function()
    local matrix <const> = metrics.correlation { { 1, 5, 1e8 }, { 2, 5, 1e8 - 1 }, { 3, 5, 1e8 - 2 } }
    all_near({ 1, -1 }, { matrix[1][1], matrix[1][3] })
    assert.is_true(matrix[1][2] ~= matrix[1][2] and matrix[2][2] ~= matrix[2][2])
    local x <const>, weight <const> = { { 1, 2 }, { 2, 1 }, { 4, 8 } }, { 1, 2, 3 }
    all_near(metrics.correlation(x, weight)[1], metrics.correlation(hn.data.tensors { x = x, weight = weight })[1])
  end)

  it("importance is what an input's values are worth", function()
    local net <const> = hn.nn.Sequential { hn.nn.Linear(3, 1) }
    net[1].weight:set { 2, 0, -1 }
    net[1].bias:set { 0 }
    local random <const>, x <const>, y <const> = numeric.generator(3), {}, {}
    for i = 1, 500 do
      x[i] = random.numbers(3, -1, 1)
      y[i] = 2 * x[i][1] - x[i][3]
    end
    local data <const> = hn.data.tensors { x = x, y = y }
    local before <const> = { hn.seed() }
    local found <const> = metrics.importance(net, data, { loss = "mse", batch = 64, repeats = 5, seed = 2 })
    assert.same(before, { hn.seed() })
    assert.same({ 1, 3, 2 }, { found[1].column, found[2].column, found[3].column })
    -- Two independent draws of variance 1/3 differ by twice that, times the weight's square.
    near(4 * 2 / 3, found[1].loss, 0.2)
    near(2 / 3, found[2].loss, 0.2)
    near(0, found[3].loss)
    near(0, found.loss, 1e-9)
    assert.matches("^input +loss +±\n1 ", tostring(found))
    assert.same(found, metrics.importance(net, data, { loss = "mse", batch = 64, repeats = 5, seed = 2 }))
  end)

  it("importance counts wrong answers, and refuses classes as inputs", function()
    local net <const> = hn.nn.Sequential { hn.nn.Linear(2, 2) }
    net[1].weight:set { 0, 0, 1, 0 }
    net[1].bias:set { 0, 0 }
    local x <const> = { { 1, 0 }, { -1, 1 }, { 1, 1 }, { -1, 0 } }
    local found <const> = metrics.importance(net, { x = x, y = hn.labels { 2, 1, 2, 1 } }, { repeats = 20 })
    assert.same({ 1, 0, 0 }, { found[1].column, found[2].error, found.error })
    assert.is_true(found[1].error > 0.2 and found[1].error < 0.8)
  end)
end)

describe("hn.metrics refuses", function()
  local set <const> = hn.data.tensors { x = { { 1 } }, y = { 1 } }
  local cases <const> = {
    { "roc", { { 1, 0 / 0 }, { 0, 1 } }, "hn.metrics.roc: scores: entry 2 is nan" },
    { "roc", { { { 1, 2 }, { 3, 4 } }, { 0, 1 } }, "scores: expected one number a sample, got rows of 2" },
    { "roc", { { 1, 2 }, { 0, 1 }, { 1 } }, "weights: expected 2 entries, got 1" },
    { "roc", { { 1, "a" }, { 0, 1 } }, 'scores: expected numbers, got "a" as entry 2' },
    { "separation", { { 1, 2, 3 }, { 0, 1, 2 } }, "hn.metrics.separation: labels: expected two different values" },
    { "separation", { { 1, 1 / 0 }, { 0, 1 } }, "scores: expected finite numbers, got infinity" },
    { "significance", { { 1, 2 }, { 0, 1 }, nil, { signl = 1 } }, "did you mean 'signal'?" },
    { "calibration", { { 0.5, 2 }, { 0, 1 } }, "probabilities: expected numbers from 0 to 1, got 2 as entry 2" },
    { "ks", { {}, { 1 } }, "hn.metrics.ks: a: expected at least one entry, got none" },
    { "ks", { { 1 }, { 1 }, { 0 } }, "weights of a: expected a sum of more than 0, got 0" },
    { "correlation", { { 1, 2 } }, "x: expected a row of at least two numbers for each sample, got 1" },
    { "correlation", { { { 1, 2 }, { 1 } } }, "x: expected 2 numbers in row 2 as in the first one, got 1" },
    { "importance", { 1, set }, "net: expected a module, got 1" },
    { "importance", { hn.nn.ReLU(), { x = hn.labels { 1 }, y = { 1 } } }, "data: expected numbers as x" },
  }
  for _, case in ipairs(cases) do
    it(case[3], function()
      assert.error_matches(function() metrics[case[1]](table.unpack(case[2], 1, 4)) end, case[3], 1, true)
    end)
  end

  it("efficiencies that are none", function()
    local curve <const> = metrics.roc({ 1, 2 }, { 0, 1 })
    assert.error_matches(function() curve:efficiency(2) end, "efficiency: background: expected a number at least 0")
    assert.error_matches(function() curve:rejection "a" end, "rejection: signal: expected a number at least 0")
  end)
end)
