-- The counter-based random stream: number c of seed s is XXH32 of c as 8 little-endian bytes with seed s.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"

-- Number c of the stream, in [0, 1), as documented: 24 bits.
local function uniform(seed, c) return (core.hash(seed, c & 0xffffffff, c >> 32) >> 8) * 2.0 ^ -24 end

describe("the random stream", function()
  it("starts at position 0 of the context's seed", function()
    hn.use { device = "cpu", seed = 77, debug = true }
    local seed <const>, position <const> = core.seed()
    assert.same({ 77, 0 }, { seed, position })
  end)

  it("is the documented numbers one after the other", function()
    core.seed(5)
    for c = 0, 20 do assert.equal(uniform(5, c), core.random()) end
    assert.same({ 5, 21 }, { core.seed() })
  end)

  it("fills tensors in their order", function()
    core.seed(9)
    local t <const> = hn.tensor({ 1500 }):uniform(0, 1):table()
    for c = 0, 1499 do
      if t[c + 1] ~= uniform(9, c) then assert.equal(uniform(9, c), t[c + 1]) end
    end
    assert.same({ 9, 1500 }, { core.seed() })
  end)

  it("gives uniform numbers in [low, high)", function()
    local t <const> = hn.tensor({ 3000 }):uniform(-3, 5):table()
    local sum, squares = 0, 0
    for _, x in ipairs(t) do
      if not (x >= -3 and x < 5) then assert.equal("in [-3, 5)", x) end
      sum, squares = sum + x, squares + x * x
    end
    local mean <const> = sum / 3000
    assert.is_true(math.abs(mean - 1) < 5 * math.sqrt(64 / 12 / 3000), "mean " .. mean)
    local variance <const> = squares / 3000 - mean ^ 2
    assert.is_true(math.abs(variance - 64 / 12) < 5 * 64 / 12 * math.sqrt(0.8 / 3000), "variance " .. variance)
  end)

  it("never gives the upper end, even where rounding would", function()
    for _, x in ipairs(hn.tensor({ 100 }):uniform(1, 1 + 2 ^ -23):table()) do assert.equal(1, x) end
  end)

  it("gives normal numbers by Box and Muller", function()
    core.seed(3)
    local t <const> = hn.tensor({ 5001 }):normal(2, 0.5):table()
    local moments <const> = { 0, 0, 0, 0 }
    for _, x in ipairs(t) do
      for k = 1, 4 do moments[k] = moments[k] + ((x - 2) / 0.5) ^ k / #t end
    end
    local n <const> = #t
    assert.is_true(math.abs(moments[1]) < 5 / math.sqrt(n), "mean " .. moments[1])
    assert.is_true(math.abs(moments[2] - 1) < 5 * math.sqrt(2 / n), "variance " .. moments[2])
    assert.is_true(math.abs(moments[3]) < 5 * math.sqrt(15 / n), "third moment " .. moments[3])
    assert.is_true(math.abs(moments[4] - 3) < 5 * math.sqrt(96 / n), "fourth moment " .. moments[4])
    local u <const>, v <const> = 1 - uniform(3, 0), uniform(3, 1)
    local first <const> = 2 + 0.5 * math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v)
    assert.is_true(math.abs(t[1] - first) < 1e-5)
    assert.same({ 3, 10002 }, { core.seed() })
  end)

  it("goes on from a position that dropout moves by the number of elements", function()
    core.seed(4)
    hn.tensor({ 10, 7 }, 1):dropout(0.5)
    assert.equal(70, (select(2, core.seed())))
    local y <const> = hn.tensor({ 33 }, 1):dropout(0.5):table()
    for k = 1, 33 do assert.equal(core.hash(4, 69 + k, 0) >= 2 ^ 31 and 2 or 0, y[k]) end
  end)

  it("shuffles: every number once, another order each time, the same from the same seed", function()
    local function draw()
      return numeric.flat(core.sequence(200, true):table())
    end
    core.seed(6)
    local first <const>, second <const> = draw(), draw()
    core.seed(6)
    assert.same(first, draw())
    assert.not_same(first, second)
    for _, list in ipairs { first, second } do
      local sorted <const> = table.move(list, 1, 200, 1, {})
      table.sort(sorted)
      for k = 1, 200 do assert.equal(sorted[1] + k - 1, sorted[k]) end
    end
  end)

  it("shuffles evenly: each number comes first about equally often", function()
    local counts <const> = {}
    for _ = 1, 3000 do
      local first <const> = core.sequence(6, true):table()[1]
      counts[first] = (counts[first] or 0) + 1
    end
    local chi = 0
    for _, n in pairs(counts) do chi = chi + (n - 500) ^ 2 / 500 end
    assert.is_true(chi < 5 + 5 * math.sqrt(10), "chi squared " .. chi)
  end)

  it("leaves a sequence that is not shuffled in order, without drawing", function()
    core.seed(6)
    local list <const> = core.sequence(5, false):table()
    for k = 1, 4 do assert.equal(list[k] + 1, list[k + 1]) end
    assert.equal(0, (select(2, core.seed())))
  end)

  it("differs between seeds and not between contexts of one seed", function()
    local function numbers(seed, threads)
      hn.use { device = "cpu", seed = seed, threads = threads, debug = true }
      return hn.tensor({ 50 }):normal(0, 1):table()
    end
    local a <const>, b <const>, c <const> = numbers(1, 1), numbers(1, 2), numbers(2, 1)
    assert.same(a, b)
    assert.not_same(a, c)
  end)
end)
