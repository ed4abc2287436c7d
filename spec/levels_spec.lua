-- The kernels of hashed layers at every level of SIMD that this processor has, and in each of the ways that a GPU has:
-- the same weights bit for bit, products to rounding. Shapes cross every edge: of registers, runs, tiles, chunks,
-- panels, cells.

local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local check <const> = require "spec.support.check"
local hashing <const> = require "spec.support.hashing"
local numeric <const> = require "spec.support.numeric"

local SHAPES <const> = {
  { 1, 1 }, { 1, 33 }, { 7, 1 }, { 6, 64 }, { 17, 15 }, { 65, 129 }, { 130, 63 }, { 259, 70 }, { 530, 20 }, { 3, 1050 },
}

local MAPS <const> = {}
for _, scheme in ipairs { "element", "line" } do
  for _, balanced in ipairs { false, true } do
    for _, strip in ipairs { 0, 1, 5 } do
      MAPS[#MAPS + 1] = { scheme = scheme, balanced = balanced, strip = strip }
    end
  end
end

local function title(m, shape)
  return ("%s%s, strip %d, %d x %d"):format(m.balanced and "balanced " or "", m.scheme, m.strip, shape[1], shape[2])
end

local function make(m, shape)
  local slots <const> = m.strip > 0 and -(-shape[1] // m.strip) * 2 + 1 or 7
  local grain <const> = m.scheme == "line" and 16 or 1
  local map <const> = { rows = shape[1], cols = shape[2], scheme = m.scheme, balanced = m.balanced, strip = m.strip,
    seed = 11, offset = 16, count = slots * grain }
  local pool <const> = hn.buckets(slots * grain + 16):normal(0, 1)
  return pool:matrix(map), pool, map
end

-- V as the documents say it: a flat list.
local function reference(pool, map)
  local w <const>, v <const> = pool:table(), {}
  for i = 0, map.rows - 1 do
    for j = 0, map.cols - 1 do
      local bucket <const>, sign <const> = hashing.bucket(map, i, j)
      v[#v + 1] = sign * w[bucket + 1]
    end
  end
  return v
end

local function close(expected, got, what)
  local worst <const> = numeric.worst(got, expected)
  assert.is_true(numeric.error(got, expected) <= 1e-10, what .. ": " .. worst)
end

local function identity(n)
  return hn.tensor({ n, n }, function(i, j) return i == j and 1 or 0 end)
end

for _, level in ipairs(backends.kernels) do
  describe("on " .. level.device, function()
    for _, m in ipairs(MAPS) do
      for _, shape in ipairs(SHAPES) do
        it("weights are the documented ones, expanded and in both products: " .. title(m, shape), function()
          backends.open { device = level.device }
          local v <const>, pool <const>, map <const> = make(m, shape)
          local expected <const>, rows <const>, cols <const> = reference(pool, map), shape[1], shape[2]
          check.same_bits(expected, numeric.flat(v:expand():table()), "weight", "in expand")
          local turned <const>, forward <const> = {}, numeric.flat(hn.linear(identity(cols), v):table())
          for i = 1, rows do
            for j = 1, cols do turned[(i - 1) * cols + j] = forward[(j - 1) * rows + i] end
          end
          check.same_bits(expected, turned, "weight", "in forward")
          local x <const>, _ <close> = hn.tensor({ rows, cols }):parameter(), hn.tape()
          hn.linear(x, v):mul(identity(rows)):sum():backward()
          check.same_bits(expected, numeric.flat(x:grad():table()), "weight", "in gradient of the input")
        end)
      end
    end

    for _, m in ipairs(MAPS) do
      for _, batch in ipairs { 1, 3, 4, 5, 50, 1025 } do
        it(("products are a dense layer's: %s, %d samples"):format(title(m, { 70, 81 }), batch), function()
          backends.open { device = level.device }
          local v <const>, pool <const>, map <const> = make(m, { 70, 81 })
          local x <const> = hn.tensor({ batch, 81 }):uniform(-1, 1):parameter()
          local g <const> = hn.tensor({ batch, 70 }):uniform(-1, 1)
          local dense <const> = hn.tensor({ 70, 81 }):set(reference(pool, map)):parameter()
          local function run(weight)
            local _ <close> = hn.tape()
            x:clear_grad()
            local y <const> = hn.linear(x, weight)
            y:mul(g):sum():backward()
            return numeric.flat(y:table()), numeric.flat(x:grad():table())
          end
          local y <const>, dx <const> = run(v)
          local dense_y <const>, dense_dx <const> = run(dense)
          close(dense_y, y, "result")
          close(dense_dx, dx, "gradient of the input")
          local dw <const>, dv <const> = {}, numeric.flat(dense:grad():table())
          for k = 1, pool:size() do dw[k] = 0 end
          for i = 0, 69 do
            for j = 0, 80 do
              local bucket <const>, sign <const> = hashing.bucket(map, i, j)
              dw[bucket + 1] = dw[bucket + 1] + sign * dv[i * 81 + j + 1]
            end
          end
          close(dw, pool:grad():table(), "gradient of the buckets")
        end)
      end
    end
  end)
end

-- Squared errors between what float32 and 11 bits leave.
for k = 2, #backends do
  local device <const> = backends[k].device:match "^[^:]*"
  it(("products of line matrices on tensor cores are float32's but for the rounding of operands: %s"):format(device),
    function()
      local function run(words, batch)
        backends.open { device = device .. words, seed = 5 }
        local pool <const> = hn.buckets(640):normal(0, 1)
        local x <const>, _ <close> = hn.tensor({ batch, 130 }):uniform(-1, 1):parameter(), hn.tape()
        local y <const> = hn.linear(x, pool:matrix { rows = 70, cols = 130, seed = 3 })
        y:sum():backward()
        return numeric.flat(y:table()), numeric.flat(x:grad():table())
      end
      for _, batch in ipairs { 16, 33, 128 } do
        local y <const>, dx <const> = run(":tile", batch)
        local rough_y <const>, rough_dx <const> = run(":tile,tf32", batch)
        for _, e in ipairs { numeric.error(rough_y, y), numeric.error(rough_dx, dx) } do
          assert.is_true(e > 1e-9 and e < 1e-6, "normalised squared error " .. e)
        end
      end
    end)
end

describe("a device's level", function()
  it("is told with the device", function()
    for _, level in ipairs(backends.levels) do
      assert.equal("cpu, 1 thread, " .. level.device:match ":(.*)", backends.open { device = level.device })
    end
  end)

  it("that is not there is an error that lists those that are", function()
    local ok <const>, message <const> = pcall(hn.use, { device = "cpu:sse9" })
    assert.is_false(ok)
    assert.matches("no device 'cpu:sse9' here; there is: cpu", message, 1, true)
    assert.matches("cpu:plain", message, 1, true)
  end)
end)
