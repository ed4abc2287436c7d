-- Virtual matrices: descriptions that cost a few bytes.

local core <const> = require "hn.core"
local hn <const> = require "hn"

describe("a virtual matrix", function()
  it("says how it is laid out", function()
    local pool <const> = hn.buckets(100)
    local info <const> = pool:matrix({ rows = 33, cols = 7, scheme = "line", seed = 5, sign = false, strip = 16,
      offset = 16, count = 64, balanced = true }):info()
    assert.same({ rows = 33, cols = 7, scheme = "line", seed = 5, sign = false, strip = 16, offset = 16, count = 64,
      grain = 16, balanced = true }, info)
  end)

  it("takes all buckets from the offset on if no count is given", function()
    local pool <const> = hn.buckets(100)
    assert.equal(70, pool:matrix({ rows = 3, cols = 3, scheme = "element", offset = 30 }):info().count)
  end)

  it("is by default a line matrix with signs, by chance and without strips, at the pool's start", function()
    local info <const> = hn.buckets(64):matrix({ rows = 3, cols = 3 }):info()
    assert.same({ "line", true, false, 0, 0, 64 },
      { info.scheme, info.sign, info.balanced, info.strip, info.offset, info.count })
  end)

  it("knows its rows, columns and pool", function()
    local pool <const> = hn.buckets(64)
    local v <const> = pool:matrix { rows = 3, cols = 7 }
    assert.same({ 3, 7 }, { v:rows(), v:cols() })
    v:pool():set(2)
    assert.equal(2, pool:table()[64])
  end)

  it("takes no device memory, however large", function()
    local pool <const> = hn.buckets(64)
    local before <const> = core.memory().used
    local v <const> = pool:matrix { rows = 2 ^ 31 - 1, cols = 2 ^ 31 - 1, seed = 1 }
    assert.equal(before, core.memory().used)
    assert.equal(2 ^ 31 - 1, v:rows())
  end)

  it("shows what the pool holds now", function()
    local pool <const> = hn.buckets(4):set { 1, 2, 3, 4 }
    local v <const> = pool:matrix { rows = 5, cols = 5, scheme = "element", seed = 1, sign = false }
    local before <const> = v:at(2, 3)
    pool:set { 10, 20, 30, 40 }
    assert.equal(10 * before, v:at(2, 3))
    assert.equal(10 * before, v:expand():table()[2][3])
  end)

  it("keeps its pool alive", function()
    local v <const> = hn.buckets(16):set(1.5):matrix { rows = 2, cols = 2, sign = false }
    collectgarbage()
    collectgarbage()
    assert.equal(1.5, v:at(1, 1))
  end)

  it("shares its buckets with others of the pool: gradients of both add", function()
    local pool <const> = hn.buckets(32):set(1)
    local a <const> = pool:matrix { rows = 2, cols = 3, seed = 1, sign = false, count = 16 }
    local b <const> = pool:matrix { rows = 2, cols = 3, seed = 2, sign = false, count = 16 }
    do
      local _ <close> = hn.tape()
      local x <const> = hn.tensor({ 1, 3 }, 1)
      hn.linear(x, a):add(hn.linear(x, b)):sum():backward()
    end
    local sum = 0
    for _, g in ipairs(pool:grad():table()) do sum = sum + g end
    assert.equal(12, sum)
  end)

  it("prints its size, scheme and buckets", function()
    local text <const> = tostring(hn.buckets(64):matrix { rows = 30, cols = 70, scheme = "line" })
    for _, word in ipairs { "30", "70", "line", "64" } do assert.matches(word, text, 1, true) end
    assert.not_matches("balanced", text, 1, true)
    assert.matches("balanced line", tostring(hn.buckets(64):matrix { rows = 3, cols = 3, balanced = true }), 1, true)
  end)
end)
