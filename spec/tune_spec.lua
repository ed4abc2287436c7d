-- The search for hyper-parameters: its rounds, its candidates, what it takes.

local hn <const> = require "hn"

local space <const> = {
  { "lr", from = 0.01, to = 1, log = true, usual = 0.3 }, { "l2", from = 1, to = 2, zero = 0.5 },
  { "width", from = 10, to = 20, integer = true }, { "scheme", choice = { "line", "element", "none" } },
}

local function candidates(count, seed)
  local list <const> = {}
  for n = 1, count do list[n] = hn.tune.candidate(space, n, seed or 1) end
  return list
end

describe("hn.tune.rounds", function()
  for _, case in ipairs {
    { 9, 45, { { count = 9, epochs = 5 }, { count = 3, epochs = 15 } } }, { 3, 2, { { count = 3, epochs = 1 } } },
    { 27, 27, { { count = 27, epochs = 1 }, { count = 9, epochs = 3 }, { count = 3, epochs = 9 } } }, { 1, 45, {} },
  } do
    it(("keep the best third for three times as long: %d for %d epochs"):format(case[1], case[2]), function()
      assert.same(case[3], hn.tune.rounds(case[1], case[2]))
    end)
  end
end)

describe("hn.tune.candidate", function()
  it("draws within the space, evenly by magnitude with log", function()
    local below, zeros, choices = 0, 0, {}
    for n, one in ipairs(candidates(400)) do
      assert.is_true(one.lr >= 0.01 and one.lr <= 1)
      assert.is_true(one.l2 == 0 or one.l2 >= 1 and one.l2 <= 2)
      assert.equal("integer", math.type(one.width))
      assert.is_true(one.width >= 10 and one.width <= 20)
      assert.equal(one.lr, tonumber(("%.4g"):format(one.lr)))
      below, zeros = below + (one.lr < 0.1 and 1 or 0), zeros + (one.l2 == 0 and 1 or 0)
      choices[one.scheme] = (choices[one.scheme] or 0) + 1
      assert.equal(n == 1, one.lr == 0.3)
    end
    assert.is_true(math.abs(below - 200) < 50 and math.abs(zeros - 200) < 50, below .. " and " .. zeros)
    for _, value in ipairs(space[4].choice) do assert.is_true(choices[value] > 90, value) end
  end)

  it("takes the usual values for the first ones", function()
    local listed <const> = { { "lr", from = 0, to = 1, usual = { 2, 3 } }, { "l2", from = 0, to = 1, usual = { 7 } } }
    assert.same({ lr = 2, l2 = 7 }, hn.tune.candidate(listed, 1, 1))
    local second <const>, third <const> = hn.tune.candidate(listed, 2, 1), hn.tune.candidate(listed, 3, 1)
    assert.is_true(second.lr == 3 and second.l2 <= 1 and third.lr <= 1)
  end)

  it("depends on its number and the seed alone", function()
    assert.same(candidates(5), candidates(5))
    assert.are_not.same(candidates(5)[4], candidates(5, 2)[4])
    assert.are_not.same(candidates(5)[4], candidates(5)[5])
  end)
end)

describe("hn.tune.search", function()
  it("takes the best candidate of the last round", function()
    local tried <const>, best = {}, nil
    local function try(setting, epochs) -- a high learning rate is good, the highest ones are found out later
      tried[epochs] = (tried[epochs] or 0) + 1
      return setting.lr > 0.5 and (epochs > 5 and 50 or 0) or 1 - setting.lr
    end
    local chosen <const>, trials <const> = hn.tune.search { space = space, trials = 9, epochs = 45, try = try }
    assert.same({ [5] = 9, [15] = 3 }, tried)
    for _, one in ipairs(candidates(9)) do
      if one.lr <= 0.5 and (not best or one.lr > best.lr) then best = one end
    end
    assert.same(best, chosen)
    assert.equal(12, #trials)
    assert.same({ setting = candidates(9)[1], epochs = 5, loss = 0.7 }, trials[1])
  end)

  it("trains all candidates to the end where halving is false", function()
    local epochs <const> = {}
    local best <const>, trials <const> = hn.tune.search { space = space, trials = 5, epochs = 40, halving = false,
      try = function(setting, length)
        epochs[#epochs + 1] = length
        return setting.width
      end }
    assert.same({ 40, 40, 40, 40, 40 }, epochs)
    for _, one in ipairs(trials) do assert.is_true(one.loss >= best.width) end
  end)

  it("takes NaN for the worst, and tells equal losses apart by the second number, then by their order", function()
    local function pick(losses, seconds)
      local n = 0
      local chosen <const> = hn.tune.search { space = space, trials = 3, epochs = 3, try = function()
        n = n + 1
        return losses[n], seconds and seconds[n]
      end }
      for k, one in ipairs(candidates(3)) do
        if one.lr == chosen.lr then return k end
      end
    end
    assert.equal(2, pick { 0 / 0, 3, 4 })
    assert.equal(3, pick({ 1, 1, 1 }, { 2, 0 / 0, 1 }))
    assert.equal(1, pick { 1, 1, 1 })
  end)

  it("ends where try gives nil, and tries nothing where there is one candidate", function()
    assert.is_nil(hn.tune.search { space = space, try = function() return nil end })
    assert.same(candidates(1)[1], (hn.tune.search { space = space, trials = 1, try = error }))
  end)

  for _, case in ipairs {
    { "no space", { try = error }, "space: expected a table" },
    { "an empty one", { space = {}, try = error }, "got none" },
    { "a nameless part", { space = { { from = 1 } }, try = error }, "space[1]: expected { name" },
    { "half a range", { space = { { "lr", from = 1 } }, try = error }, "hn.tune: lr: expected from and to" },
    { "a range that falls", { space = { { "lr", from = 2, to = 1 } }, try = error }, "the smaller one first" },
    { "log of 0", { space = { { "lr", from = 0, to = 1, log = true } }, try = error }, "expected a number above" },
    { "an unknown option", { space = { { "lr", form = 0, to = 1 } }, try = error }, "did you mean 'from'?" },
    { "no choice", { space = { { "lr", choice = {} } }, try = error }, "a choice of values" },
  } do
    it("refuses " .. case[1], function()
      assert.error_matches(function() hn.tune.search(case[2]) end, case[3], 1, true)
    end)
  end
end)
