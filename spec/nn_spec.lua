-- Layers: what they compute, what they hold, how they start, how they print.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"

local nn <const> = hn.nn

-- All numbers of a tensor.
local function values(tensor) return numeric.flat(tensor:table()) end

local function close_to(expected, got, tolerance)
  assert.equal(#expected, #got)
  local e <const> = numeric.error(got, expected)
  assert.is_true(e <= (tolerance or 1e-11), ("error %.3g; %s"):format(e, numeric.worst(got, expected)))
end

local function mean_square(list)
  local sum = 0
  for _, x in ipairs(list) do sum = sum + x * x end
  return sum / #list
end

describe("every layer", function()
  local random_ids <const> = function() return hn.labels { 1, 5, 2, 5 } end
  local rows <const> = function() return hn.tensor({ 4, 6 }):normal(0, 1) end
  local layers <const> = {
    { "Linear", function() return nn.Linear(6, 3) end, { 4, 3 }, 21 },
    { "Linear without bias", function() return nn.Linear(6, 3, { bias = false }) end, { 4, 3 }, 18 },
    { "Hashed", function() return nn.Hashed(6, 3, { buckets = 16 }) end, { 4, 3 }, 19 },
    { "Hashed without bias", function() return nn.Hashed(6, 3, { buckets = 16, bias = false }) end, { 4, 3 }, 16 },
    { "Hashed with hashed bias", function()
      return nn.Hashed(6, 3, { buckets = 16, bias = "hashed" })
    end, { 4, 3 }, 16 },
    { "Hashed, element, strips", function()
      return nn.Hashed(6, 3, { buckets = 5, scheme = "element", strip = 2 })
    end, { 4, 3 }, 8 },
    { "Sparse", function() return nn.Sparse(6, 3, { edges = 7 }) end, { 4, 3 }, 10 },
    { "Sparse without bias", function()
      return nn.Sparse(6, 3, { compression = "1/2", bias = false })
    end, { 4, 3 }, 9 },
    { "LowRank", function() return nn.LowRank(6, 3, { rank = 2 }) end, { 4, 3 }, 9 },
    { "LowRank without bias", function() return nn.LowRank(6, 3, { rank = 2, bias = false }) end, { 4, 3 }, 6 },
    { "Embedding", function() return nn.Embedding(5, 7) end, { 4, 7 }, 35, random_ids },
    { "HashedEmbedding", function() return nn.HashedEmbedding(5, 7, { buckets = 16 }) end, { 4, 7 }, 16, random_ids },
    { "ReLU", nn.ReLU, { 4, 6 }, 0 },
    { "LeakyReLU", nn.LeakyReLU, { 4, 6 }, 0 },
    { "ELU", nn.ELU, { 4, 6 }, 0 },
    { "GELU", nn.GELU, { 4, 6 }, 0 },
    { "Tanh", nn.Tanh, { 4, 6 }, 0 },
    { "Sigmoid", nn.Sigmoid, { 4, 6 }, 0 },
    { "ReLU6", nn.ReLU6, { 4, 6 }, 0 },
    { "HardTanh", nn.HardTanh, { 4, 6 }, 0 },
    { "Abs", nn.Abs, { 4, 6 }, 0 },
    { "Gauss", nn.Gauss, { 4, 6 }, 0 },
    { "Softsign", nn.Softsign, { 4, 6 }, 0 },
    { "Softplus", nn.Softplus, { 4, 6 }, 0 },
    { "Softmax", nn.Softmax, { 4, 6 }, 0 },
    { "LogSoftmax", nn.LogSoftmax, { 4, 6 }, 0 },
    { "Dropout", function() return nn.Dropout(0.5) end, { 4, 6 }, 0 },
    { "BatchNorm", function() return nn.BatchNorm(6) end, { 4, 6 }, 12 },
    { "LayerNorm", function() return nn.LayerNorm(6) end, { 4, 6 }, 12 },
    { "Affine, diagonal", function()
      return nn.Affine { mean = { 1, 2, 3, 4, 5, 6 }, scale = { 1, 2, 3, 4, 5, 6 } }
    end, { 4, 6 }, 0 },
    { "Affine, a matrix", function()
      local weight <const> = { { 0, 1, 0, 0, 0, 0 } }
      for i = 2, 6 do weight[i] = { 1, i, 0, -1, 2, i } end
      return nn.Affine { mean = { 1, 2, 3, 4, 5, 6 }, weight = weight }
    end, { 4, 6 }, 0 },
    { "Log", function() return nn.Log { 0, 1, 1, 2, 1, 0 } end, { 4, 6 }, 0 },
    { "Interpolate", function()
      local row <const> = { -1, 0, 2 }
      return nn.Interpolate { knots = { row, row, row, row, row, row }, values = { row, row, row, row, row, row } }
    end, { 4, 6 }, 0 },
    { "Flatten", nn.Flatten, { 4, 6 }, 0, function() return hn.tensor { 4, 3, 2 } end },
    { "Sequential", function() return nn.Sequential { nn.Linear(6, 2), nn.ReLU(), nn.Linear(2, 5) } end, { 4, 5 }, 29 },
    { "Residual", function() return nn.Residual { nn.Linear(6, 2), nn.Linear(2, 6) } end, { 4, 6 }, 32 },
    { "Sum", function() return nn.Sum { nn.Linear(6, 2), nn.Hashed(6, 2, { buckets = 16 }) } end, { 4, 2 }, 32 },
  }
  local covered <const> = {}

  for _, row in ipairs(layers) do
    local name <const>, make <const>, shape <const>, stored <const>, input <const> = table.unpack(row)
    covered[name:match("^%w+")] = true
    it("gives its shape, holds its parameters, learns and prints: " .. name, function()
      local layer <const>, x <const> = make(), (input or rows)()
      local count = 0
      for _, parameter in ipairs(layer:parameters()) do
        assert.is_true(parameter:is_parameter())
        count = count + parameter:size()
      end
      assert.equal(stored, count)
      local _ <close> = hn.tape()
      local y <const> = layer(x)
      assert.same(shape, y:shape())
      assert.equal(y:size(), layer:forward(x):size())
      if count > 0 then
        y:mul(y):sum():backward()
        for _, parameter in ipairs(layer:parameters()) do assert.is_truthy(parameter:grad()) end
      end
      assert.matches(name:match("^%w+"), tostring(layer), 1, true)
    end)
  end

  it("of hn.nn is in this table", function()
    for name, value in pairs(nn) do
      if name ~= "module" then
        assert.is_true(covered[name], name .. " is not tested here")
        assert.matches(name, tostring(value), 1, true)
      end
    end
  end)
end)

describe("layers that are fitted", function()
  it("compute what they say", function()
    local x <const> = hn.tensor { { 3, -7 } }
    local function near(expected, layer)
      for j, y in ipairs(layer(x):table()[1]) do assert.is_true(math.abs(y - expected[j]) < 1e-6, tostring(y)) end
    end
    near({ 4, -12 }, nn.Affine { mean = { 1, -3 }, scale = { 2, 3 } })
    near({ -10, 24 }, nn.Affine { mean = { 1, -3 }, weight = { { -1, 2 }, { 4, -4 } } })
    near({ math.log(7) / 2, -7 }, nn.Log { 2, 0 })
    near({ 2.5, 4 }, nn.Interpolate { knots = { { 0, 2, 4 }, { 0, 1, 2 } }, values = { { 0, 3, 2 }, { -3, -4, 0 } } })
  end)

  it("refuse tables that do not fit", function()
    for _, case in ipairs {
      { function() nn.Affine { mean = { 1 } } end, "expected either scale or weight, got none" },
      { function() nn.Affine { mean = { 1 }, scale = { 1, 2 } } end, "scale: expected 1 numbers, got 2" },
      { function() nn.Affine { mean = { 1, 2 }, weight = { { 1, 2 } } } end, "weight: expected 2x2 numbers, got 1x2" },
      { function() nn.Log { -1 } end, "rate[1]: expected a number from 0 on, got -1" },
      { function() nn.Interpolate { knots = { { 1, 1 } }, values = { { 1, 2 } } } end,
        "knots: expected rising numbers, got 1 after 1 in row 1" },
      { function() nn.Interpolate { knots = { { 1, 2 } }, values = { { 1, 2, 3 } } } end,
        "values: expected 1x2 numbers, got 1x3" },
    } do assert.error_matches(case[1], case[2], 1, true) end
  end)
end)

describe("Linear", function()
  it("computes x times the transposed weight plus bias", function()
    local layer <const> = nn.Linear(2, 3)
    layer.weight:set { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    layer.bias:set { 10, 20, 30 }
    assert.same({ { 11, 23, 35 }, { 13, 27, 41 } }, layer(hn.tensor { { 1, 0 }, { 1, 1 } }):table())
  end)

  for init, variance in pairs { he = 2 / 300, xavier = 2 / 500, lecun = 1 / 300, zero = 0 } do
    it(("starts with weights of variance %.4f by init %s, and bias 0"):format(variance, init), function()
      local layer <const> = nn.Linear(300, 200, { init = init })
      local list <const> = values(layer.weight)
      -- The mean square of n uniform numbers deviates by sqrt(0.8 / n) of itself.
      assert.is_true(math.abs(mean_square(list) - variance) <= 5 * variance * math.sqrt(0.8 / #list))
      for _, b in ipairs(values(layer.bias)) do assert.equal(0, b) end
    end)
  end

  it("starts with what a function of the tensor and the fans puts in", function()
    local layer <const> = nn.Linear(4, 5, { init = function(t, fan_in, fan_out) t:set(10 * fan_in + fan_out) end })
    for _, w in ipairs(values(layer.weight)) do assert.equal(45, w) end
  end)
end)

describe("Hashed", function()
  it("computes what a dense layer of the expanded matrix does", function()
    for _, scheme in ipairs { "line", "element" } do
      local hashed <const> = nn.Hashed(33, 17, { scheme = scheme, compression = 1 / 4 })
      local dense <const> = nn.Linear(33, 17)
      dense.weight:set(hashed.matrix:expand())
      hashed.bias:uniform(-1, 1)
      dense.bias:set(hashed.bias)
      local x <const> = hn.tensor({ 5, 33 }):normal(0, 1)
      close_to(values(dense(x)), values(hashed(x)))
    end
  end)

  for _, case in ipairs {
    { 784, 1000, { compression = 1 / 8 }, 98000 }, { 784, 1000, { compression = "1/8" }, 98000 },
    { 784, 1000, {}, 98000 }, { 100, 10, { compression = 1 / 64 }, 16 },
    { 100, 10, { compression = 1 / 64, scheme = "element" }, 16 }, { 100, 10, { compression = "1/3" }, 336 },
    { 100, 10, { compression = 1 / 3, scheme = "element" }, 334 }, { 300, 100, { compression = 1 / 3 }, 10000 },
    { 7, 5, { compression = 1 }, 48 }, { 7, 5, { compression = 1, scheme = "element" }, 35 },
    { 1, 1, { compression = 1e-9 }, 16 }, { 100, 10, { buckets = 48 }, 48 },
    { 100, 10, { buckets = 7, scheme = "element" }, 7 },
  } do
    local inputs <const>, outputs <const>, options <const>, buckets <const> = table.unpack(case)
    local words <const> = {}
    for key, value in pairs(options) do words[#words + 1] = ("%s=%s"):format(key, value) end
    table.sort(words)
    it(("%d -> %d with %s has %d buckets"):format(inputs, outputs, table.concat(words, " "), buckets), function()
      assert.equal(buckets, nn.Hashed(inputs, outputs, options).pool:size())
    end)
  end

  for _, scheme in ipairs { "line", "element" } do
    for init, variance in pairs { he = 2 / 784, xavier = 2 / 1084, lecun = 1 / 784 } do
      it(("starts with a virtual matrix that varies as a dense one would: %s, %s"):format(init, scheme), function()
        for _, compression in ipairs { 1 / 8, 1 / 64 } do
          local layer <const> = nn.Hashed(784, 300, { compression = compression, scheme = scheme, init = init })
          local buckets <const> = layer.pool:size()
          local got <const> = mean_square(values(layer.matrix:expand()))
          -- The buckets deviate from the variance, and so does how often each is used.
          local tolerance <const> = 6 * variance * math.sqrt((0.8 + 1.8 * 16 * compression) / buckets)
          assert.is_true(math.abs(got - variance) <= tolerance, ("%.3g, expected %.3g"):format(got, variance))
        end
      end)
    end
  end

  it("has a seed of its own unless it is given one, the same in every run", function()
    local function seeds()
      hn.use { device = "cpu", seed = 42, debug = true }
      local list <const> = {}
      for k = 1, 3 do list[k] = nn.Hashed(8, 8).matrix:info().seed end
      list[4] = nn.Hashed(8, 8, { seed = 7 }).matrix:info().seed
      list[5] = nn.HashedEmbedding(8, 8).matrix:info().seed
      return list
    end
    local first <const> = seeds()
    assert.same({ core.hash(42, 0), core.hash(42, 1), core.hash(42, 2), 7, core.hash(42, 3) }, first)
    assert.same(first, seeds())
  end)

  it("passes scheme, seed, sign, balanced and strip on to its matrix", function()
    local info <const> = nn.Hashed(40, 24, { scheme = "element", seed = 9, sign = false, balanced = true, strip = 8 })
      .matrix:info()
    assert.same({ "element", 9, false, true, 8, 24, 40 },
      { info.scheme, info.seed, info.sign, info.balanced, info.strip, info.rows, info.cols })
  end)

  it("keeps its bias in its own buckets if that is asked for", function()
    local layer <const> = nn.Hashed(6, 40, { buckets = 16, bias = "hashed" })
    local info <const> = layer.bias:info()
    assert.same({ 40, 1, 16 }, { info.rows, info.cols, info.count })
    assert.are_not.equal(layer.matrix:info().seed, info.seed)
    assert.equal(layer.pool, layer.bias:pool())
    local y <const> = layer(hn.tensor { 1, 6 }):table()[1]
    for i = 1, 40 do assert.equal(layer.bias:at(i, 1), y[i]) end
  end)
end)

describe("Sparse", function()
  it("has as many elements as edges, drawn from the seed, and computes as a dense layer of its matrix", function()
    local function make(seed) return nn.Sparse(30, 20, { edges = 123, seed = seed }) end
    local layer <const>, dense <const> = make(5), nn.Linear(30, 20, { bias = false })
    local matrix <const> = values(layer:expand())
    local used = 0
    for _, w in ipairs(matrix) do used = used + (w ~= 0 and 1 or 0) end
    assert.equal(123, used)
    dense.weight:set(layer:expand())
    local x <const> = hn.tensor({ 5, 30 }):normal(0, 1)
    close_to(values(dense(x)), values(layer(x)))
    assert.same(layer.edges:table(), make(5).edges:table())
    assert.are_not.same(layer.edges:table(), make(6).edges:table())
  end)

  it("gives each value the gradient of its one element, and nothing to removed ones", function()
    local layer <const> = nn.Sparse(30, 20, { edges = 123, bias = false })
    local dense <const> = nn.Linear(30, 20, { bias = false })
    dense.weight:set(layer:expand())
    local x <const> = hn.tensor({ 5, 30 }):normal(0, 1)
    for _, one in ipairs { layer, dense } do
      local _ <close> = hn.tape()
      local y <const> = one(x)
      y:mul(y):sum():backward()
    end
    local expected <const>, got <const> = {}, values(layer.values:grad())
    local whole <const> = values(dense.weight:grad())
    for e, number in ipairs(values(layer.edges)) do
      if number <= 123 then expected[number] = whole[e] end
    end
    close_to(expected, got)
    hn.optim.SGD { lr = 0.1 }:step(layer:parameters())
    assert.equal(0, layer.none:item())
  end)

  it("keeps every edge at compression 1 and starts with weights as large as its edges are few", function()
    local layer <const> = nn.Sparse(40, 30, { compression = 1 })
    for _, w in ipairs(values(layer:expand())) do assert.is_true(w ~= 0) end
    local few <const> = mean_square(values(nn.Sparse(300, 200, { compression = 1 / 10 }).values))
    assert.is_true(math.abs(few - 2 / 30) <= 5 * 2 / 30 * math.sqrt(0.8 / 6000))
    local function fill(t, fan_in, fan_out) t:set(10 * fan_in + fan_out) end
    local said <const> = nn.Sparse(8, 6, { edges = 12, init = fill })
    assert.equal(10 * 2 + 1.5, values(said.values)[12])
  end)

  it("refuses more edges than there are, and two ways to tell how many", function()
    assert.error_matches(function() nn.Sparse(4, 3, { edges = 13 }) end, "edges: expected at most 12, got 13")
    assert.error_matches(function() nn.Sparse(4, 3, { edges = 3, compression = 1 }) end, "one of compression and edges")
  end)
end)

describe("LowRank", function()
  it("multiplies a learned factor with a fixed one of variance 1 / inputs that the seed gives", function()
    local function make(seed) return nn.LowRank(200, 30, { rank = 50, seed = seed }) end
    local position <const> = select(2, hn.seed())
    local layer <const> = make(5)
    local other <const> = nn.Linear(200, 30)
    local fixed <const> = values(layer.fixed)
    assert.is_true(math.abs(mean_square(fixed) - 1 / 200) <= 5 / 200 * math.sqrt(2 / #fixed))
    assert.same(fixed, values(make(5).fixed))
    assert.are_not.same(fixed, values(make(6).fixed))
    assert.is_true(select(2, hn.seed()) > position)
    local weight <const>, inner <const> = layer.weight:table(), layer.fixed:table()
    other.weight:set(function(i, j)
      local sum = 0
      for r = 1, 50 do sum = sum + weight[i][r] * inner[r][j] end
      return sum
    end)
    local x <const> = hn.tensor({ 4, 200 }):normal(0, 1)
    close_to(values(other(x)), values(layer(x)), 1e-9)
  end)

  it("starts as init says, with the fan-in of the learned factor", function()
    local function fill(t, fan_in, fan_out) t:set(10 * fan_in + fan_out) end
    local layer <const> = nn.LowRank(8, 6, { rank = 3, init = fill })
    assert.equal(36, values(layer.weight)[18])
  end)
end)

describe("Sum", function()
  it("adds its layers' outputs, and says in which layer an error happened", function()
    local net <const> = nn.Sum { nn.ReLU(), function(x) return x:scale(2) end }
    assert.same({ -6, 12 }, net(hn.tensor({ 2 }, { -3, 4 })):table())
    assert.error_matches(function() nn.Sum { nn.ReLU(), nn.Linear(5, 2) }(hn.tensor { 2, 4 }) end,
      "in layer 2, Linear, of Sum")
    assert.error_matches(function() nn.Sum {} end, "expected at least one")
  end)
end)

describe("a pool shared by layers", function()
  it("gets its values from the first and keeps them", function()
    local pool <const> = hn.buckets(160)
    local a <const> = nn.Hashed(20, 30, { pool = pool })
    local before <const> = values(pool)
    assert.is_true(mean_square(before) > 0)
    local b <const> = nn.Hashed(30, 10, { pool = pool })
    assert.same(before, values(pool))
    assert.equal(a.pool, b.pool)
  end)

  it("keeps values that it has already, unless init is given", function()
    local pool <const> = hn.buckets(32):set(0.5)
    nn.Hashed(4, 4, { pool = pool })
    assert.equal(0.5, pool:table()[32])
    nn.Hashed(4, 4, { pool = pool, init = "zero" })
    assert.equal(0, pool:table()[32])
  end)

  it("is one parameter of the network, with the gradients of all its layers", function()
    local pool <const> = hn.buckets(160)
    local net <const> = nn.Sequential {
      nn.Hashed(20, 30, { pool = pool, bias = false }), nn.Tanh(), nn.Hashed(30, 10, { pool = pool, bias = false }),
    }
    assert.equal(1, #net:parameters())
    local x <const> = hn.tensor({ 3, 20 }):normal(0, 1)
    local function gradient(first, second) -- of the pool, through these layers
      pool:clear_grad()
      local _ <close> = hn.tape()
      second(first(x):tanh()):sum():backward()
      return values(pool:grad())
    end
    local function frozen(layer)
      local weight <const> = layer.matrix:expand()
      return function(input) return hn.linear(input, weight) end
    end
    local both <const> = gradient(net[1], net[3])
    local one <const>, two <const> = gradient(net[1], frozen(net[3])), gradient(frozen(net[1]), net[3])
    for k = 1, 160 do one[k] = one[k] + two[k] end
    close_to(one, both)
  end)

  it("may be shared in parts", function()
    local pool <const> = hn.buckets(64)
    local layer <const> = nn.Hashed(9, 9, { pool = pool, offset = 16, count = 32, bias = false })
    do
      local _ <close> = hn.tape()
      layer(hn.tensor({ 1, 9 }, 1)):sum():backward()
    end
    for k, w in ipairs(values(pool)) do
      local inside <const> = k > 16 and k <= 48
      if not inside then assert.same({ 0, 0 }, { w, pool:grad():table()[k] }) end
    end
  end)
end)

describe("Embedding", function()
  it("gives the rows that are asked for", function()
    local layer <const> = nn.Embedding(3, 2)
    layer.weight:set { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    assert.same({ { 5, 6 }, { 1, 2 }, { 5, 6 } }, layer(hn.labels { 3, 1, 3 }):table())
  end)

  it("has rows of norm one on average, hashed too", function()
    for _, layer in ipairs { nn.Embedding(500, 64), nn.HashedEmbedding(500, 64) } do
      local rows <const> = layer.weight or layer.matrix:expand()
      local norm <const> = 64 * mean_square(values(rows))
      assert.is_true(math.abs(norm - 1) < 0.1, "mean squared norm " .. norm)
    end
  end)

  it("that is hashed looks rows up in its virtual table", function()
    local layer <const> = nn.HashedEmbedding(50, 20)
    local rows <const> = layer.matrix:expand():table()
    assert.same({ rows[50], rows[3] }, layer(hn.labels { 50, 3 }):table())
  end)

  it("that is hashed takes part of a pool, as its options say", function()
    local pool <const> = hn.buckets(96):set(function(k) return k end)
    local matrix <const> = nn.HashedEmbedding(8, 16, {
      pool = pool, offset = 32, count = 64, scheme = "line", seed = 9, sign = false, strip = 2, balanced = true,
    }).matrix
    assert.same({ rows = 8, cols = 16, scheme = "line", grain = 16, offset = 32, count = 64, seed = 9, sign = false,
      strip = 2, balanced = true }, matrix:info())
    for i, row in ipairs(matrix:expand():table()) do
      for j, value in ipairs(row) do
        local bucket <const>, sign <const> = matrix:bucket(i, j)
        assert.same({ bucket, 1 }, { math.tointeger(value), sign })
        assert.is_true(bucket > 32)
      end
    end
  end)

  it("starts as init says, with the fan-in of a row", function()
    local function fill(t, fan_in, fan_out) t:set(10 * fan_in + fan_out) end
    assert.equal(35, nn.Embedding(5, 3, { init = fill }).weight:table()[5][3])
    local pool <const> = nn.HashedEmbedding(100, 32, { compression = "1/8", init = "zero" }).pool
    assert.equal(400, pool:size())
    assert.equal(0, mean_square(values(pool)))
  end)
end)

describe("Dropout", function()
  it("drops in training and does nothing in evaluation", function()
    local layer <const> = nn.Dropout(0.5)
    local x <const> = hn.tensor({ 1000 }, 1)
    local sum <const> = layer(x):sum():item()
    assert.is_true(sum ~= 1000 and math.abs(sum - 1000) < 5 * math.sqrt(1000), "sum " .. sum)
    layer:eval()
    assert.same(values(x), values(layer(x)))
    layer:train()
    assert.are_not.equal(1000, layer(x):sum():item())
  end)
end)

describe("BatchNorm", function()
  it("normalises by the minibatch in training, by running statistics in evaluation", function()
    local layer <const> = nn.BatchNorm(2, { momentum = 1 })
    local y <const> = layer(hn.tensor { { 1, 10 }, { 3, 30 } }):table()
    close_to({ -1, -1, 1, 1 }, numeric.flat(y), 1e-9)
    assert.same({ 2, 20 }, layer.running_mean:table())
    assert.same({ 2, 200 }, layer.running_variance:table()) -- unbiased
    layer:eval()
    local z <const> = layer(hn.tensor { { 2, 20 + math.sqrt(200) } }):table()
    close_to({ 0, 1 }, z[1], 1e-9)
    assert.same({ 2, 20 }, layer.running_mean:table())
  end)

  it("has running statistics in its state, not among its parameters", function()
    local layer <const> = nn.BatchNorm(3)
    assert.same({ 2, 4 }, { #layer:parameters(), #layer:state() })
  end)
end)

describe("Sequential", function()
  it("applies layers and plain functions in order", function()
    local net <const> = nn.Sequential { function(x) return x:add(hn.tensor({ 1 }, 1)) end, nn.ReLU(),
      function(x) return x:scale(2) end }
    assert.same({ 0, 4 }, net(hn.tensor({ 2 }, { -3, 1 })):table())
  end)

  it("says in which layer an error happened, and where in the script", function()
    local net <const> = nn.Sequential { nn.Linear(4, 3), nn.Sequential { nn.ReLU(), nn.Linear(5, 2) } }
    local ok <const>, message <const> = pcall(function() return net(hn.tensor { 2, 4 }) end)
    assert.is_false(ok)
    assert.matches("^shape: linear: .*%[2, 3%].*5", message)
    assert.matches("(in layer 2, Linear, of Sequential)", message, 1, true)
    assert.matches("(in layer 2, Sequential, of Sequential)", message, 1, true)
    assert.matches("%(.*nn_spec%.lua:%d+%)$", message)
  end)

  it("lets errors of a script's own through unharmed", function()
    local mark <const> = {}
    local net <const> = nn.Sequential { function() error(mark) end }
    local ok <const>, message <const> = pcall(net, hn.tensor { 1 })
    assert.same({ false, mark }, { ok, message })
  end)

  it("switches all modules inside between training and evaluation", function()
    local net <const> = nn.Sequential { nn.Dropout(0.9), nn.Residual { nn.Dropout(0.9) } }
    assert.is_true(net[2][1].training)
    net:eval()
    assert.same({ false, false, false }, { net.training, net[1].training, net[2][1].training })
    net[1]:train()
    do
      local _ <close> = net:evaluating()
      assert.is_false(net[1].training)
    end
    assert.same({ true, false }, { net[1].training, net[2][1].training })
  end)
end)

describe("Residual", function()
  it("adds its input to what its layers make of it", function()
    local net <const> = nn.Residual { function(x) return x:scale(10) end }
    assert.same({ 11, 22 }, net(hn.tensor({ 2 }, { 1, 2 })):table())
  end)
end)

describe("a module of one's own", function()
  local function make_class() -- ten lines, as the documentation says
    local Gate <const> = nn.module "Gate"
    function Gate:init(n)
      self.gain = hn.tensor({ n }, 1):parameter()
      self.inner = { nn.Linear(n, n), nn.Linear(n, n, { bias = false }) }
    end
    function Gate:forward(x)
      local y <const> = self.inner[1](x):sigmoid()
      return self.inner[2](x):mul(y):mul(self.gain)
    end
    return Gate
  end

  it("has its parameters found in fields and plain tables, and works in a network", function()
    local Gate <const> = make_class()
    local net <const> = nn.Sequential { Gate(4), nn.Linear(4, 2) }
    assert.equal(6, #net:parameters())
    local _ <close> = hn.tape()
    net(hn.tensor({ 3, 4 }):normal(0, 1)):sum():backward()
    for _, parameter in ipairs(net:parameters()) do assert.is_truthy(parameter:grad()) end
    assert.matches("Gate", tostring(net), 1, true)
  end)

  it("gives parameters in the same order every time", function()
    local Gate <const> = make_class()
    local function sizes()
      local list <const> = {}
      for k, parameter in ipairs(nn.Sequential { Gate(4), Gate(3) }:parameters()) do list[k] = parameter:size() end
      return list
    end
    local first <const> = sizes()
    for _ = 1, 5 do assert.same(first, sizes()) end
  end)

  it("may describe itself in print", function()
    local Gate <const> = make_class()
    function Gate:describe() return "of " .. self.gain:size() end
    assert.matches("^Gate%(of 4%)", tostring(Gate(4)))
  end)

  it("without forward says so", function()
    local Empty <const> = nn.module "Empty"
    assert.error_matches(function() Empty()(hn.tensor { 1 }) end, "^state: Empty: .*forward")
  end)
end)

describe("predict", function()
  it("gives the outputs in evaluation mode for tensors, tables and data sets, in any minibatch", function()
    local net <const> = nn.Sequential { nn.Linear(4, 8), nn.BatchNorm(8), nn.Dropout(0.5), nn.Hashed(8, 3) }
    net(hn.tensor({ 5, 4 }):normal(0, 1)) -- moves the running statistics
    local x <const> = hn.tensor({ 23, 4 }):normal(0, 1)
    local y
    do
      local _ <close> = net:evaluating()
      y = values(net(x))
    end
    for _, batch in ipairs { 1, 7, 23, 100 } do close_to(y, values(net:predict(x, { batch = batch }))) end
    close_to(y, values(net:predict(x:table())))
    close_to(y, values(net:predict(hn.data.tensors { x = x })))
    assert.is_true(net.training)
  end)

  it("leaves nothing on an open tape and gives a tensor that stays", function()
    local net <const> = nn.Linear(4, 3)
    local y
    do
      local _ <close> = hn.tape()
      y = net:predict(hn.tensor { 2, 4 })
    end
    assert.is_false(y:closed())
  end)
end)

describe("summary", function()
  it("counts virtual and stored weights, bytes and compression", function()
    local net <const> = nn.Sequential {
      nn.Hashed(784, 1000, { compression = 1 / 8 }), nn.ReLU(), nn.Linear(1000, 10),
    }
    local s <const> = net:summary()
    assert.equal(784 * 1000 + 1000 + 1000 * 10 + 10, s.virtual)
    assert.equal(98000 + 1000 + 10000 + 10, s.stored)
    assert.equal(4 * s.stored, s.bytes)
    assert.is_true(math.abs(s.compression - s.stored / s.virtual) < 1e-12)
    assert.same({ 785000, 99000 }, { s.layers[1].virtual, s.layers[1].stored })
    assert.equal(8, s.layers[1].load)
    local text <const> = tostring(s)
    for _, word in ipairs { "Hashed", "Linear", "784 -> 1000", "785,000", "99,000", "795,010", "109,010", "total" } do
      assert.matches(word, text, 1, true)
    end
  end)

  it("counts a shared pool once", function()
    local pool <const> = hn.buckets(1600)
    local s <const> = nn.Sequential {
      nn.Hashed(100, 200, { pool = pool, bias = false }), nn.Hashed(200, 300, { pool = pool, bias = false }),
    }:summary()
    assert.same({ 80000, 1600 }, { s.virtual, s.stored })
  end)

  it("is of a single layer too", function()
    local s <const> = nn.HashedEmbedding(1000, 32, { buckets = 64 }):summary()
    assert.same({ 32000, 64, 256 }, { s.virtual, s.stored, s.bytes })
  end)
end)
