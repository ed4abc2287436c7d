-- Measures of answers, against counting by hand.

local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"

local metrics <const> = hn.metrics

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

  it("takes tensors, columns and classes", function()
    assert.equal(1, metrics.auc(hn.tensor { { 1 }, { 2 }, { 3 } }, hn.labels { 1, 1, 2 }))
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
