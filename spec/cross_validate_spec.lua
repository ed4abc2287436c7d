-- Cross-validation: which samples each network is trained on and judged by, and what the ensemble answers.

local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"

local N <const> = 23

local function data()
  local random <const> = numeric.generator(5)
  local x <const>, y <const> = {}, {}
  for i = 1, N do
    x[i] = { i, random.number(-1, 1) }
    y[i] = x[i][2] > 0 and 2 or 1
  end
  return hn.data.tensors { x = x, y = hn.labels(y) }
end

local function numbers(set)
  local list <const> = {}
  for x in set:batches { batch = N } do
    for _, row in ipairs(x:table()) do list[#list + 1] = math.tointeger(row[1]) end
  end
  return list
end

local function make() return hn.nn.Linear(2, 2) end

describe("data:pick", function()
  it("gives the samples in the order of their numbers, of a part those of the part", function()
    local set <const> = data()
    assert.same({ 7, 1, 7 }, numbers(set:pick { 7, 1, 7 }))
    assert.same({ 5, 7 }, numbers(set:pick({ 9, 7, 5 }):pick { 3, 2 }))
  end)

  for _, case in ipairs {
    { {}, "got none" }, { { 0 }, "from 1 to 23, got 0" }, { { 1, 24 }, "numbers[2]" }, { 3, "got 3" },
  } do
    it("refuses what is no number of a sample: " .. case[2], function()
      assert.error_matches(function() data():pick(case[1]) end, case[2], 1, true)
    end)
  end
end)

describe("hn.cross_validate", function()
  it("judges each sample by the one network that has not seen it", function()
    local seen <const>, judged = {}, {}
    local result <const> = hn.cross_validate(data(), { folds = 4, make = make, train = function(net, training, held, k)
      seen[k] = { numbers(training), numbers(held), net }
    end })
    for k, one in ipairs(seen) do
      assert.is_true(#one[2] == 5 or #one[2] == 6)
      local all <const> = table.move(one[2], 1, #one[2], #one[1] + 1, table.move(one[1], 1, #one[1], 1, {}))
      table.sort(all)
      local expected <const> = {}
      for i = 1, N do expected[i] = i end
      assert.same(expected, all)
      table.move(one[2], 1, #one[2], #judged + 1, judged)
      assert.equal(one[3], result.nets[k])
      assert.equal(#one[2], result.results[k].samples)
    end
    table.sort(judged)
    assert.equal(N, #judged)
    for i = 1, N do assert.equal(i, judged[i]) end
  end)

  it("summarises the folds, and answers by the mean or by the network of a fold", function()
    local set <const>, fold <const> = data(), {}
    for i = 1, N do fold[i] = i % 3 + 1 end
    local result <const> = hn.cross_validate(set, { folds = 3, fold = fold, make = make,
      train = { epochs = 2, progress = false } })
    local sum = 0
    for k, one in ipairs(result.results) do
      sum = sum + one.loss
      local held <const> = {}
      for i = 1, N do held[#held + 1] = fold[i] == k and i or nil end
      assert.equal(hn.evaluate(result.nets[k], set:pick(held)).loss, one.loss)
    end
    assert.is_true(math.abs(result.mean.loss - sum / 3) < 1e-12)
    assert.is_true(result.deviation.loss > 0)
    assert.matches("^loss %d.%d+ ± %d.%d+, error .* over 3 folds$", tostring(result))

    local answers <const> = {}
    for k, net in ipairs(result.nets) do answers[k] = net:predict(set):table() end
    local mean <const>, own <const> = result:predict(set):table(), result:predict(set, fold):table()
    for i = 1, N do
      for c = 1, 2 do
        local expected <const> = (answers[1][i][c] + answers[2][i][c] + answers[3][i][c]) / 3
        assert.is_true(math.abs(mean[i][c] - expected) < 1e-4 * (1 + math.abs(expected)))
        assert.equal(answers[fold[i]][i][c], own[i][c])
      end
    end
  end)

  it("judges by the loss that it is given, in minibatches of the given size", function()
    local sizes, fold <const> = {}, {}
    for i = 1, N do fold[i] = i % 2 + 1 end
    local result <const> = hn.cross_validate(data(), { folds = 2, fold = fold, make = make, train = function() end,
      batch = 4, loss = function(output, y)
        sizes[#sizes + 1] = output:shape()[1]
        return hn.cross_entropy(output, y)
      end })
    assert.same({ 4, 4, 3, 4, 4, 4 }, sizes)
    assert.is_number(result.mean.loss)
  end)

  for _, case in ipairs {
    { "no networks", {}, "make" }, { "one fold", { make = make, folds = 1 }, "folds: expected an integer at least 2" },
    { "folds of other samples", { make = make, fold = { 1, 2 } }, "each of 23 samples, got 2" },
    { "more folds than samples", { make = make, folds = 24 }, "has none of the 23 samples" },
  } do
    it("refuses " .. case[1], function()
      assert.error_matches(function() hn.cross_validate(data(), case[2]) end, case[3], 1, true)
    end)
  end
end)
