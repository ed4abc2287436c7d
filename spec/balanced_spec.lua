-- Balanced maps: the documented permutation, evenly loaded slots, the way back from a slot to its runs, and no pattern
-- in who shares a slot. That every element has the documented bucket is in hash_spec.lua with the other maps.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local hashing <const> = require "spec.support.hashing"
local numeric <const> = require "spec.support.numeric"

local LAST <const> = 2 ^ 31 - 1 | 0 -- the largest number of rows and columns

local function grain(m) return m.scheme == "line" and 16 or 1 end

-- The matrix over `slots` slots of a pool with some more, and its description.
local function make(m)
  local copy <const> = { balanced = true, offset = 32, count = m.slots * grain(m) }
  for key, value in pairs(m) do copy[key] = value end
  copy.slots = nil
  return core.matrix(hn.buckets(copy.offset + copy.count + 5), copy), copy
end

local function title(m)
  return ("%s %d x %d, strip %d, %d slots"):format(m.scheme, m.rows, m.cols, m.strip, m.slots)
end

-- Calls f(i, g, slot) for every run, all from 0.
local function each_run(v, m, f)
  for i = 0, m.rows - 1 do
    for g = 0, (m.cols - 1) // grain(m) do f(i, g, (v:bucket(i + 1, g * grain(m) + 1) - 1 - m.offset) // grain(m)) end
  end
end

-- Odd layouts: one run, one row, one column, primes, banks of one slot, a shorter last strip, more slots than runs.
local LAYOUTS <const> = {}
for _, scheme in ipairs { "element", "line" } do
  for _, l in ipairs { { 1, 1, 0, 1 }, { 1, 1, 0, 3 }, { 2, 1, 0, 2 }, { 3, 1, 0, 2 }, { 1, 31, 0, 2 }, { 31, 1, 0, 7 },
    { 7, 33, 0, 1 }, { 7, 33, 3, 3 }, { 13, 97, 0, 29 }, { 13, 97, 1, 13 }, { 13, 97, 1, 61 }, { 13, 97, 5, 59 },
    { 33, 70, 8, 200 }, { 9, 50, 100, 11 }, { 5, 7, 2, 1000 } } do
    LAYOUTS[#LAYOUTS + 1] = { scheme = scheme, rows = l[1], cols = l[2], strip = l[3], slots = l[4], seed = #LAYOUTS }
  end
end

describe("a balanced map", function()
  it("has the golden numbers of engine/core/hash.h", function()
    local v <const> = hn.buckets(15):matrix { rows = 3, cols = 5, scheme = "element", seed = 7, balanced = true }
    local slots <const> = {}
    for i = 1, 3 do
      for j = 1, 5 do slots[#slots + 1] = v:bucket(i, j) - 1 end
    end
    assert.same({ 1, 12, 0, 14, 5, 2, 7, 4, 11, 6, 13, 10, 9, 8, 3 }, slots)
    local large <const> = { rows = LAST, cols = LAST, scheme = "element", seed = 1, balanced = true, count = LAST }
    assert.equal(840380384, (hashing.bucket(large, LAST - 1, LAST - 1)))
    local lines <const> = hn.buckets(16 * 1000003):matrix { rows = 100000, cols = 100000, seed = 1, balanced = true,
      strip = 32 }
    assert.equal(999892, (lines:bucket(100000, 100000) - 1) // 16)
  end)

  for _, layout in ipairs(LAYOUTS) do
    it("loads all slots of a bank alike: " .. title(layout), function()
      local v <const>, m <const> = make(layout)
      local load_ <const>, runs <const> = {}, {}
      for slot = 0, layout.slots - 1 do load_[slot] = 0 end
      each_run(v, m, function(i, _, slot)
        local first <const> = hashing.bank(m, i)
        load_[slot], runs[first] = load_[slot] + 1, (runs[first] or 0) + 1
      end)
      for i = 0, m.rows - 1 do
        local first <const>, size <const> = hashing.bank(m, i)
        for slot = first, first + size - 1 do
          local least <const> = runs[first] // size
          assert.is_true(load_[slot] == least or load_[slot] == least + 1,
            ("slot %d has %d of %d runs on %d slots"):format(slot, load_[slot], runs[first], size))
        end
      end
    end)

    it("tells every bucket's elements: " .. title(layout), function()
      local v <const>, m <const> = make(layout)
      local expected <const>, got <const> = {}, {}
      for i = 1, m.rows do
        for j = 1, m.cols do expected[i * 1000 + j] = v:bucket(i, j) end
      end
      for bucket = m.offset + 1, m.offset + m.count do
        for i, j in v:members(bucket) do
          assert.is_nil(got[i * 1000 + j], "an element that was there before")
          got[i * 1000 + j] = bucket
        end
      end
      assert.same(expected, got)
    end)
  end

  for _, case in ipairs { { "element", 7, 33, 0 }, { "element", 64, 64, 8 }, { "element", 30, 17, 1 },
    { "line", 7, 48, 0 }, { "line", 33, 160, 11 }, { "element", 1, 1, 0 }, { "line", 1, 16, 0 } } do
    local scheme <const>, rows <const>, cols <const>, strip <const> = table.unpack(case)
    it(("is a permutation at compression 1: %s %d x %d, strip %d"):format(scheme, rows, cols, strip), function()
      local layer <const> = hn.nn.Hashed(cols, rows, { compression = 1, scheme = scheme, strip = strip,
        balanced = true })
      local seen <const> = {}
      for i = 1, rows do
        for j = 1, cols do
          local bucket <const> = layer.matrix:bucket(i, j)
          assert.is_nil(seen[bucket], "a bucket that was there before")
          seen[bucket] = true
        end
      end
      assert.equal(rows * cols, #seen)
      assert.equal(rows * cols, layer.pool:size())
    end)
  end

  -- Sizes whose halves have numbers to spare, more columns than are permuted at a time, and numbers beyond 32 bits.
  for _, m in ipairs {
    { rows = 3, cols = 19, slots = 13, walks = 5, longest = 3 }, { rows = 3, cols = 1100, slots = 101, walks = 6 },
    { rows = 6, cols = 1111, slots = 61, strip = 1, walks = 65 }, { rows = 9, cols = 7001, slots = 7919, walks = 243 },
    { rows = 9, cols = 35, slots = 2 ^ 20 | 0, walks = 9 },
    { rows = 65536, cols = 65535, slots = 99991, first = 65530 },
    { rows = 65537, cols = 65536, slots = 9, first = 65530 },
    { rows = LAST, cols = 700, slots = 99991, first = LAST - 10 },
    { rows = LAST, cols = 700, slots = 65537, strip = 2 ^ 24 | 0, first = 2 ^ 24 - 5 | 0 },
  } do
    local walking <const> = m.walks and (", where %d runs walk"):format(m.walks) or ""
    it(("is the documented one, %d x %d%s"):format(m.rows, m.cols, walking), function()
      m.scheme, m.seed, m.strip = "element", 9, m.strip or 0
      local v <const>, description <const> = make(m)
      local w <const> = numeric.generator(3).numbers(description.offset + description.count, -2, 2)
      while #w < v:pool():size() do w[#w + 1] = 0 end
      v:pool():set(w)
      local first <const> = m.first or 0
      local got <const> = v:expand(first + 1, math.min(m.rows - first, 9)):table()
      local width <const> = m.cols < 10000 and m.cols or 1000
      local walks, longest = 0, 1
      for k, row in ipairs(got) do
        local i <const> = first + k - 1
        local runs <const> = hashing.runs(description, m.strip == 0 and 0 or i // m.strip)
        for j = 0, width - 1 do
          local bucket <const>, sign <const> = hashing.bucket(description, i, j)
          local _, rounds <const> = hashing.permuted(runs, (i - runs.top) * runs.across + j)
          if rounds > 1 then walks = walks + 1 end
          longest = math.max(longest, rounds)
          if row[j + 1] ~= sign * w[bucket + 1] then
            assert.same({ i, j, sign * w[bucket + 1] }, { i, j, row[j + 1] })
          end
        end
      end
      if m.walks then assert.equal(m.walks, walks) end
      if m.longest then assert.equal(m.longest, longest) end
    end)
  end

  for _, scheme in ipairs { "element", "line" } do
    for _, strip in ipairs { 0, 2 ^ 27 | 0 } do
      it(("tells the members of the largest matrix: %s, strip %d"):format(scheme, strip), function()
        local v <const> = make { scheme = scheme, rows = LAST, cols = LAST, strip = strip, slots = 1009, seed = 5 }
        for _, bucket in ipairs { 33, 34, 500, 1000, 32 + 1009 } do
          local n = 0
          for i, j in v:members(bucket) do
            assert.equal(bucket, (v:bucket(i, j)))
            n = n + 1
            if n == 20 then break end
          end
          assert.equal(20, n)
        end
      end)
    end
  end
end)

-- In standard deviations of independent draws; 5 is passed by a good map all but once in a million.
describe("who shares a slot", function()
  -- Over all pairs of runs whose numbers differ by d, and over many seeds, how often both are in one slot.
  local function shared(m, seeds, distance)
    local together, pairs_ = 0, 0
    for seed = 1, seeds do
      m.seed = seed
      local v <const>, description <const> = make(m)
      local slots <const> = {}
      each_run(v, description, function(_, _, slot) slots[#slots + 1] = slot end)
      for k = 1, #slots - distance do
        pairs_ = pairs_ + 1
        if slots[k] == slots[k + distance] then together = together + 1 end
      end
    end
    return together, pairs_
  end

  for _, m in ipairs {
    { scheme = "element", rows = 6, cols = 10, slots = 15, seeds = 300 },
    { scheme = "element", rows = 8, cols = 8, slots = 21, seeds = 300 },
    { scheme = "element", rows = 30, cols = 40, slots = 150, seeds = 20 },
    { scheme = "line", rows = 64, cols = 1024, slots = 64, seeds = 5 },
    { scheme = "line", rows = 100, cols = 784, slots = 613, seeds = 5 },
  } do
    m.strip = 0
    it("is as random as draws are: " .. title(m), function()
      local across <const> = -(-m.cols // grain(m))
      local n <const>, half <const> = m.rows * across, math.ceil(math.sqrt(m.rows * across))
      local load_ <const>, more <const> = n // m.slots, n % m.slots
      local chance <const> = (more * (load_ + 1) * load_ + (m.slots - more) * load_ * (load_ - 1)) / (n * (n - 1))
      for _, distance in ipairs { 1, 2, 3, across - 1, across, across + 1, half - 1, half, half + 1, 2 * half, m.slots,
        n // 2 } do
        local together <const>, all <const> = shared(m, m.seeds, distance)
        local deviation <const> = (together - all * chance) / math.sqrt(all * chance)
        assert.is_true(math.abs(deviation) < 5, ("distance %d: %d of %d pairs, %.1f deviations"):format(distance,
          together, all, deviation))
      end
    end)
  end

  -- The slots of two lists of runs agree no more often than by chance.
  local function check_unrelated(one, two, slots)
    local equal, expected <const> = 0, #one / slots
    for k = 1, #one do equal = equal + (one[k] == two[k] and 1 or 0) end
    assert.is_true(math.abs(equal - expected) < 5 * math.sqrt(expected), equal .. " of " .. #one)
  end

  for _, scheme in ipairs { "element", "line" } do
    it("differs from seed to seed: " .. scheme, function()
      local lists <const> = {}
      for seed = 0, 3 do
        local v <const>, m <const> = make { scheme = scheme, rows = 50, cols = 800, strip = 0, slots = 101,
          seed = seed }
        lists[seed] = {}
        each_run(v, m, function(_, _, slot) table.insert(lists[seed], slot) end)
      end
      for seed = 1, 3 do
        for before = 0, seed - 1 do check_unrelated(lists[before], lists[seed], 101) end
      end
    end)

    it("differs from strip to strip: " .. scheme, function()
      local v <const>, m <const> = make { scheme = scheme, rows = 40, cols = 1600, strip = 10, slots = 4 * 53,
        seed = 1 }
      local lists <const> = {}
      each_run(v, m, function(i, _, slot)
        lists[i // 10] = lists[i // 10] or {}
        table.insert(lists[i // 10], slot - hashing.bank(m, i))
      end)
      for strip = 1, 3 do
        for before = 0, strip - 1 do check_unrelated(lists[before], lists[strip], 53) end
      end
    end)
  end
end)

describe("a balanced network at compression 1", function()
  local function close_to(expected, got, what)
    local e <const> = numeric.error(numeric.flat(got:table()), numeric.flat(expected:table()))
    assert.is_true(e <= 1e-10, ("%s: normalised squared error %.3g"):format(what, e))
  end

  -- The gradient of the virtual matrix, read off that of its buckets.
  local function spread(matrix)
    local gradient <const> = numeric.flat(matrix:pool():grad():table())
    return hn.tensor({ matrix:rows(), matrix:cols() }, function(i, j)
      local bucket <const>, sign <const> = matrix:bucket(i, j)
      return sign * gradient[bucket]
    end)
  end

  for _, case in ipairs { { "line", false, 0 }, { "line", true, 4 }, { "element", false, 8 },
    { "element", true, 0 } } do
    local scheme <const>, sign <const>, strip <const> = table.unpack(case)
    it(("trains as a dense one: %s, sign %s, strip %d"):format(scheme, sign, strip), function()
      hn.use { device = "cpu", threads = 1, seed = 3, debug = true }
      local options <const> = { compression = 1, scheme = scheme, sign = sign, strip = strip, balanced = true }
      local hashed <const> = hn.nn.Sequential { hn.nn.Hashed(48, 32, options), hn.nn.Tanh(),
        hn.nn.Hashed(32, 8, options) }
      local dense <const> = hn.nn.Sequential { hn.nn.Linear(48, 32), hn.nn.Tanh(), hn.nn.Linear(32, 8) }
      for k = 1, 3, 2 do dense[k].weight:set(hashed[k].matrix:expand()) end
      local x <const>, labels <const> = hn.tensor({ 20, 48 }):normal(0, 1), {}
      for k = 1, 20 do labels[k] = 1 + k % 8 end

      local function backward(net)
        local _ <close> = hn.tape()
        local loss <const> = hn.cross_entropy(net(x), hn.labels(labels))
        loss:backward()
        return loss:item()
      end
      local function optimizer() return hn.optim.SGD { lr = 0.1, momentum = 0.9 } end
      local ours <const>, theirs <const> = optimizer(), optimizer()
      local first, last
      for _ = 1, 20 do
        local loss <const> = backward(hashed)
        last = backward(dense)
        first = first or last
        assert.is_true(math.abs(loss - last) < 1e-5 * last)
        for k = 1, 3, 2 do close_to(dense[k].weight:grad(), spread(hashed[k].matrix), "gradient of layer " .. k) end
        ours:step(hashed:parameters())
        theirs:step(dense:parameters())
      end
      assert.is_true(last < first / 4, "it has learned")
      for k = 1, 3, 2 do close_to(dense[k].weight, hashed[k].matrix:expand(), "layer " .. k) end
      close_to(dense(x), hashed(x), "output")
    end)
  end
end)
