-- The map from elements of a virtual matrix to buckets and signs: bit for bit what design section 4 says, and as
-- evenly spread as a good hash should be.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local hashing <const> = require "spec.support.hashing"
local numeric <const> = require "spec.support.numeric"

local LAST <const> = 2 ^ 31 - 1 | 0 -- the largest number of rows and columns

local function layouts()
  local list <const> = {}
  for _, scheme in ipairs { "element", "line" } do
    for _, strip in ipairs { 0, 1, 3, 8 } do
      for _, sign in ipairs { true, false } do
        for _, offset in ipairs { 0, 48 } do
          for _, balanced in ipairs { false, true } do
            list[#list + 1] = { scheme = scheme, strip = strip, sign = sign, offset = offset, balanced = balanced }
          end
        end
      end
    end
  end
  return list
end

local function title(m)
  return ("%s%s, strip %d, sign %s, offset %d"):format(m.balanced and "balanced " or "", m.scheme, m.strip, m.sign,
    m.offset)
end

-- The description with these fields too.
local function with(m, fields)
  local copy <const> = {}
  for key, value in pairs(m) do copy[key] = value end
  for key, value in pairs(fields) do copy[key] = value end
  return copy
end

-- A pool that the description fits, and the matrix.
local function make(m)
  local pool <const> = hn.buckets(m.offset + m.count + 3)
  return core.matrix(pool, m), pool
end

describe("core.hash", function()
  it("gives the golden numbers of engine/core/hash.h", function()
    assert.equal(0xdeb39513, core.hash(0, 0, 0))
    assert.equal(0xd68b6c53, core.hash(3, 1, 2))
    assert.equal(0xa01706a2, core.hash(0xffffffff, 0xffffffff, 0xffffffff))
  end)

  it("gives xxHash's published number for no input and for 'abcd'", function()
    assert.equal(0x02cc5d05, core.hash(0))
    assert.equal(0xa3643705, core.hash(0, 0x64636261))
  end)

  it("is XXH32 as published, for 0 to 9 words", function()
    local random <const> = numeric.generator(5)
    for n = 0, 9 do
      for _ = 1, 20 do
        local words <const> = {}
        for k = 1, n do words[k] = random.integer(0x10000) << 16 | random.integer(0x10000) end
        local seed <const> = random.integer(0x10000) << 16 | random.integer(0x10000)
        assert.equal(hashing.xxh32(seed, table.unpack(words)), core.hash(seed, table.unpack(words)))
      end
    end
  end)

  it("seeds layer n by default with XXH32(n; seed of the context)", function()
    hn.use { device = "cpu", seed = 1234, debug = true }
    for n = 0, 3 do assert.equal(hashing.xxh32(1234, n), core.layer_seed()) end
  end)
end)

describe("bucket and sign of every element are the documented ones:", function()
  for _, layout in ipairs(layouts()) do
    it(title(layout), function()
      for _, size in ipairs { { 1, 1 }, { 1, 17 }, { 7, 33 }, { 33, 7 }, { 25, 16 } } do
        for _, slots in ipairs { 33, 61 } do
          local m <const> = with(layout, {
            rows = size[1], cols = size[2], seed = 7 * slots, count = slots * (layout.scheme == "line" and 16 or 1),
          })
          local v <const> = make(m)
          for i = 1, m.rows do
            for j = 1, m.cols do
              local bucket <const>, sign <const> = v:bucket(i, j)
              local expected <const>, expected_sign <const> = hashing.bucket(m, i - 1, j - 1)
              assert.equal(expected + 1, bucket)
              assert.equal(expected_sign, sign)
            end
          end
        end
      end
    end)
  end

  local EXTREMES <const> = { 1, 2, 15, 16, 17, 2 ^ 16 | 0, 2 ^ 24 + 1 | 0, 2 ^ 30 | 0, LAST - 16, LAST - 1, LAST }

  for _, scheme in ipairs { "element", "line" } do
    for _, strip in ipairs { 0, 2 ^ 27 | 0, 100000007, LAST } do
      for k, seed in ipairs { 0, 1, 0x80000000, 0xffffffff, 0, 0xffffffff } do
        local balanced <const> = k > 4
        local words <const> = (balanced and "balanced " or "") .. scheme
        it(("at extreme and random keys: %s, strip %d, seed %#x"):format(words, strip, seed), function()
          local random <const> = numeric.generator(seed)
          local keys <const> = table.move(EXTREMES, 1, #EXTREMES, 1, {})
          for _ = 1, 20 do keys[#keys + 1] = 1 + (random.integer(0x8000) << 16 | random.integer(0x10000)) % LAST end
          for _, slots in ipairs { 22, 1000, 65536 } do
            local m <const> = {
              rows = LAST, cols = LAST, scheme = scheme, strip = strip, seed = seed, sign = true,
              balanced = balanced, offset = 0, count = slots * (scheme == "line" and 16 or 1),
            }
            local v <const>, pool <const> = make(m)
            for _, i in ipairs(keys) do
              for _, j in ipairs(keys) do
                local bucket <const>, sign <const> = v:bucket(i, j)
                local expected <const>, expected_sign <const> = hashing.bucket(m, i - 1, j - 1)
                if bucket ~= expected + 1 or sign ~= expected_sign then
                  assert.same({ expected + 1, expected_sign, i, j }, { bucket, sign, i, j })
                end
              end
            end
            pool:close()
          end
        end)
      end
    end
  end

  it("with a single slot every element has its place in it", function()
    local element <const>, line <const> = hn.buckets(1), hn.buckets(16)
    for _, balanced in ipairs { false, true } do
      local e <const> = element:matrix { rows = 5, cols = 40, scheme = "element", seed = 3, balanced = balanced }
      local l <const> = line:matrix { rows = 5, cols = 40, scheme = "line", seed = 3, balanced = balanced }
      for i = 1, 5 do
        for j = 1, 40 do
          assert.equal(1, (e:bucket(i, j)))
          assert.equal((j - 1) % 16 + 1, (l:bucket(i, j)))
        end
      end
    end
  end)
end)

describe("expand writes sign times bucket:", function()
  for _, layout in ipairs(layouts()) do
    it(title(layout), function()
      for _, size in ipairs { { 1, 1 }, { 7, 33 }, { 33, 129 }, { 3, 1100 } } do
        local m <const> = with(layout, {
          rows = size[1], cols = size[2], seed = 5, count = 40 * (layout.scheme == "line" and 16 or 1),
        })
        local v <const>, pool <const> = make(m)
        local random <const> = numeric.generator(11)
        local w <const> = random.numbers(pool:size(), -2, 2)
        pool:set(w)
        local got <const> = v:expand():table()
        assert.equal(m.rows, #got)
        for i = 1, m.rows do
          assert.equal(m.cols, #got[i])
          for j = 1, m.cols do
            local bucket <const>, sign <const> = hashing.bucket(m, i - 1, j - 1)
            if got[i][j] ~= sign * w[bucket + 1] then assert.equal(sign * w[bucket + 1], got[i][j]) end
          end
        end
        assert.equal(got[m.rows][m.cols], v:at(m.rows, m.cols))
      end
    end)
  end

  it("rows first to first + count - 1 are the same rows", function()
    for _, scheme in ipairs { "element", "line" } do
      local v <const> = hn.buckets(160):set(function(k) return k end):matrix { rows = 30, cols = 33, scheme = scheme,
        seed = 9, strip = 8 }
      local all <const>, part <const> = v:expand():table(), v:expand(11, 7):table()
      assert.equal(7, #part)
      for i = 1, 7 do assert.same(all[10 + i], part[i]) end
    end
  end)
end)

describe("strips", function()
  for _, scheme in ipairs { "element", "line" } do
    it("own slots of their own that together are all slots: " .. scheme, function()
      local grain <const> = scheme == "line" and 16 or 1
      for _, case in ipairs { { rows = 33, strip = 8, slots = 5 }, { rows = 33, strip = 1, slots = 70 },
        { rows = 30, strip = 7, slots = 23 } } do
        local v <const> = hn.buckets(case.slots * grain):matrix { rows = case.rows, cols = 900, scheme = scheme,
          seed = 1, strip = case.strip }
        local owner <const> = {}
        for i = 1, case.rows do
          for j = 1, 900 do
            local slot <const> = ((v:bucket(i, j)) - 1) // grain
            local strip <const> = (i - 1) // case.strip
            owner[slot] = owner[slot] or strip
            if owner[slot] ~= strip then assert.equal(owner[slot], strip) end
          end
        end
        for slot = 0, case.slots - 1 do assert.is_number(owner[slot], "slot " .. slot .. " is never used") end
        for slot = 1, case.slots - 1 do assert.is_true(owner[slot] >= owner[slot - 1]) end
      end
    end)
  end
end)

-- Deviations below are in standard deviations of what independent uniform draws would give. With seeds fixed the
-- outcome is fixed too; 5 is passed by a good map all but once in a million.
describe("the spread of elements", function()
  local ROWS <const>, COLS <const> = 300, 784

  local function count(v, grain)
    local n <const>, signs <const> = {}, {}
    for i = 1, ROWS do
      for j = 1, COLS do
        local bucket <const>, sign <const> = v:bucket(i, j)
        if (j - 1) % grain == 0 then n[(bucket - 1) // grain] = (n[(bucket - 1) // grain] or 0) + 1 end
        signs[bucket] = (signs[bucket] or 0) + sign
      end
    end
    return n, signs
  end

  for _, scheme in ipairs { "element", "line" } do
    for _, seed in ipairs { 0, 1, 7, 0xffffffff } do
      local slots <const> = scheme == "line" and 251 or 3001
      local grain <const> = scheme == "line" and 16 or 1

      it(("over buckets and signs is even: %s, seed %#x"):format(scheme, seed), function()
        local v <const> = hn.buckets(slots * grain):matrix { rows = ROWS, cols = COLS, scheme = scheme, seed = seed }
        local n <const>, signs <const> = count(v, grain)
        local runs <const> = ROWS * COLS / grain
        local load_ = 0
        for slot = 0, slots - 1 do load_ = load_ + ((n[slot] or 0) - runs / slots) ^ 2 / (runs / slots) end
        local deviation <const> = (load_ - (slots - 1)) / math.sqrt(2 * (slots - 1))
        assert.is_true(math.abs(deviation) < 5, ("bucket load: %.1f deviations"):format(deviation))

        local balance, total = 0, 0
        for bucket, sum in pairs(signs) do
          balance = balance + sum ^ 2 / n[(bucket - 1) // grain]
          total = total + sum
        end
        local buckets <const> = slots * grain
        local spread <const> = (balance - buckets) / math.sqrt(2 * buckets)
        assert.is_true(math.abs(spread) < 5, ("signs within buckets: %.1f deviations"):format(spread))
        local all <const> = total / math.sqrt(ROWS * COLS)
        assert.is_true(math.abs(all) < 5, ("signs: %.1f deviations"):format(all))
      end)
    end

    it("differs from seed to seed and from row to row: " .. scheme, function()
      local grain <const>, slots <const> = scheme == "line" and 16 or 1, 101
      local pool <const> = hn.buckets(slots * grain)
      local a <const> = pool:matrix { rows = ROWS, cols = COLS, scheme = scheme, seed = 1 }
      local b <const> = pool:matrix { rows = ROWS, cols = COLS, scheme = scheme, seed = 2 }
      local seeds, next_row, runs, signs = 0, 0, 0, 0
      for i = 1, ROWS - 1 do
        for j = 1, COLS, grain do
          local bucket <const>, sign <const> = a:bucket(i, j)
          local other <const>, other_sign <const> = b:bucket(i, j)
          local below <const> = a:bucket(i + 1, j)
          runs = runs + 1
          seeds = seeds + (bucket == other and 1 or 0)
          next_row = next_row + (bucket == below and 1 or 0)
          signs = signs + sign * other_sign
        end
      end
      local expected <const> = runs / slots
      local deviation <const> = math.sqrt(expected * (1 - 1 / slots))
      assert.is_true(math.abs(seeds - expected) < 5 * deviation, seeds .. " equal buckets under two seeds")
      assert.is_true(math.abs(next_row - expected) < 5 * deviation, next_row .. " equal buckets in rows below")
      assert.is_true(math.abs(signs) < 5 * math.sqrt(runs), signs .. " is the sum of products of signs")
    end)
  end

  it("gives the 16 columns of a line signs of their own", function()
    local v <const> = hn.buckets(1600):matrix { rows = ROWS, cols = COLS, scheme = "line", seed = 4 }
    local products <const>, runs = {}, 0
    for i = 1, ROWS do
      for first = 1, COLS, 16 do
        local signs <const> = {}
        for l = 0, 15 do signs[l] = select(2, v:bucket(i, first + l)) end
        runs = runs + 1
        for a = 0, 15 do
          for b = a + 1, 15 do products[16 * a + b] = (products[16 * a + b] or 0) + signs[a] * signs[b] end
        end
      end
    end
    for pair, sum in pairs(products) do
      assert.is_true(math.abs(sum) < 5 * math.sqrt(runs), ("columns %d and %d"):format(pair // 16, pair % 16))
    end
  end)
end)

describe("the way back from elements to buckets", function()
  for _, layout in ipairs(layouts()) do
    it("adds every element once to its bucket: " .. title(layout), function()
      local m <const> = with(layout, { rows = 33, cols = 50, seed = 6,
        count = 37 * (layout.scheme == "line" and 16 or 1) })
      local v <const>, pool <const> = make(m)
      local expected <const> = {}
      for k = 1, pool:size() do expected[k] = 0 end
      for i = 1, m.rows do
        for j = 1, m.cols do
          local bucket <const>, sign <const> = v:bucket(i, j)
          expected[bucket] = expected[bucket] + sign
        end
      end
      local _ <close> = hn.tape()
      hn.linear(hn.tensor({ 1, m.cols }, 1), v):sum():backward()
      assert.same(expected, pool:grad():table()) -- sums of ones are exact
    end)

    it("brings one element's gradient to one bucket: " .. title(layout), function()
      local m <const> = with(layout, { rows = 9, cols = 35, seed = 2, count = 16 * 16 })
      for _, at in ipairs { { 1, 1 }, { 9, 35 }, { 5, 16 }, { 4, 33 } } do
        local v <const>, pool <const> = make(m)
        local x <const> = hn.tensor({ 1, 35 }, function(_, j) return j == at[2] and 3 or 0 end)
        local out <const> = hn.tensor({ 1, 9 }, function(_, i) return i == at[1] and 0.5 or 0 end)
        do
          local _ <close> = hn.tape()
          hn.linear(x, v):mul(out):sum():backward()
        end
        local bucket <const>, sign <const> = v:bucket(at[1], at[2])
        for k, g in ipairs(pool:grad():table()) do
          local expected <const> = k == bucket and 1.5 * sign or 0
          if g ~= expected then assert.equal(expected, g, "bucket " .. k) end
        end
      end
    end)
  end
end)
