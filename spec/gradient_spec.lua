-- A whole network's gradient against finite differences of the same network in plain Lua and double precision.

local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local numeric <const> = require "spec.support.numeric"

local INPUTS <const>, HIDDEN <const>, CLASSES <const>, BATCH <const> = 20, 37, 5, 7

local function flat(tensor) return numeric.flat(tensor:table()) end

-- y[n][i] = sum of x[n][j] v(i, j) + b(i), for lists of rows.
local function linear(x, outputs, v, b)
  local y <const> = {}
  for n, row in ipairs(x) do
    y[n] = {}
    for i = 1, outputs do
      local sum = b(i)
      for j = 1, #row do sum = sum + row[j] * v(i, j) end
      y[n][i] = sum
    end
  end
  return y
end

local function map(x, f)
  local y <const> = {}
  for n, row in ipairs(x) do
    y[n] = {}
    for j, value in ipairs(row) do y[n][j] = f(value, n, j) end
  end
  return y
end

local function layer_norm(x, gain, bias)
  local means <const>, deviations <const> = {}, {}
  for n, row in ipairs(x) do
    local mean, square = 0, 0
    for _, value in ipairs(row) do mean = mean + value / #row end
    for _, value in ipairs(row) do square = square + (value - mean) ^ 2 / #row end
    means[n], deviations[n] = mean, math.sqrt(square + 1e-5)
  end
  return map(x, function(value, n, j) return gain[j] * (value - means[n]) / deviations[n] + bias[j] end)
end

local function cross_entropy(x, labels, weights)
  local sum, total = 0, 0
  for n, row in ipairs(x) do
    local exponentials = 0
    for _, value in ipairs(row) do exponentials = exponentials + math.exp(value) end
    sum = sum + weights[n] * (math.log(exponentials) - row[labels[n]])
    total = total + weights[n]
  end
  return sum / total
end

local function gelu(x) return x * 0.5 * (1 + numeric.erf(x / math.sqrt(2))) end

-- Element (i, j) of a virtual matrix over numbers in `w`.
local function virtual(matrix, w)
  local info <const>, map_ <const> = matrix:info(), {}
  for i = 1, info.rows do
    map_[i] = {}
    for j = 1, info.cols do
      local bucket <const>, sign <const> = matrix:bucket(i, j)
      map_[i][j] = sign * bucket
    end
  end
  return function(i, j)
    local at <const> = map_[i][j]
    return at > 0 and w[at] or -w[-at]
  end
end

-- The network, and its loss as a function of the parameters' numbers: a list of lists in the order of net:parameters().
local function make(scheme, balanced)
  local pool <const> = hn.buckets(144)
  local net <const> = hn.nn.Sequential {
    hn.nn.Hashed(INPUTS, HIDDEN, { pool = pool, scheme = scheme, balanced = balanced, strip = 8, count = 128 }),
    hn.nn.GELU(),
    hn.nn.Residual { hn.nn.Hashed(HIDDEN, HIDDEN, { pool = pool, scheme = scheme, balanced = balanced, offset = 16,
      bias = "hashed" }), hn.nn.Tanh() },
    hn.nn.LayerNorm(HIDDEN),
    hn.nn.Linear(HIDDEN, CLASSES),
  }
  net[1].bias:uniform(-0.5, 0.5)
  net[4].gain:uniform(0.5, 1.5)
  net[4].bias:uniform(-0.5, 0.5)
  net[5].bias:uniform(-0.5, 0.5)

  local numbers <const>, by_tensor <const> = {}, {}
  for k, parameter in ipairs(net:parameters()) do
    numbers[k] = flat(parameter)
    for _, tensor in ipairs { pool, net[1].bias, net[4].gain, net[4].bias, net[5].weight, net[5].bias } do
      if tensor == parameter then by_tensor[#by_tensor + 1] = { tensor, numbers[k] } end
    end
  end
  local function of(tensor)
    for _, pair in ipairs(by_tensor) do
      if pair[1] == tensor then return pair[2] end
    end
  end
  local w <const>, b1 <const>, gain <const>, shift <const> = of(pool), of(net[1].bias), of(net[4].gain), of(net[4].bias)
  local w5 <const>, b5 <const> = of(net[5].weight), of(net[5].bias)
  local v1 <const>, v3 <const>, vb <const> = virtual(net[1].matrix, w), virtual(net[3][1].matrix, w),
    virtual(net[3][1].bias, w)

  local function loss(x, labels, weights)
    local h <const> = map(linear(x, HIDDEN, v1, function(i) return b1[i] end), gelu)
    local r <const> = linear(h, HIDDEN, v3, function(i) return vb(i, 1) end)
    local s <const> = map(h, function(value, n, j) return value + 1 - 2 / (math.exp(2 * r[n][j]) + 1) end)
    local z <const> = linear(layer_norm(s, gain, shift), CLASSES, function(i, j) return w5[(i - 1) * HIDDEN + j] end,
      function(i) return b5[i] end)
    return cross_entropy(z, labels, weights)
  end
  return net, numbers, loss
end

for _, backend in ipairs(backends) do
  for _, map_ in ipairs { { "line", false }, { "element", false }, { "line", true }, { "element", true } } do
    local scheme <const>, balanced <const> = table.unpack(map_)
    local words <const> = (balanced and "balanced " or "") .. scheme
    describe(("a network of hashed layers on %s, %s,"):format(backend.device, words), function()
      it("has the loss and the gradient of its double in plain Lua", function()
        backends.open { device = backend.device }
        local net <const>, numbers <const>, reference <const> = make(scheme, balanced)
        local random <const> = numeric.generator(17)
        local x <const>, labels <const>, weights <const> = {}, {}, random.numbers(BATCH, 0.25, 2)
        for n = 1, BATCH do x[n], labels[n] = random.numbers(INPUTS, -1, 1), 1 + random.integer(CLASSES) end

        local got
        do
          local _ <close> = hn.tape()
          local loss <const> = hn.cross_entropy(net(hn.tensor(x)), hn.labels(labels), hn.tensor({ BATCH }, weights))
          got = loss:item()
          loss:backward()
        end
        local expected <const> = reference(x, labels, weights)
        assert.is_true(math.abs(got - expected) < 1e-5 * expected, got .. " and " .. expected)

        for k, parameter in ipairs(net:parameters()) do
          local gradient <const> = flat(parameter:grad())
          local function f() return reference(x, labels, weights) end
          for round = 1, 3 do
            local direction <const> = random.numbers(#gradient, -1, 1)
            local slope <const> = numeric.slope(f, numbers[k], direction)
            local ours <const> = numeric.dot(gradient, direction)
            local scale = 0
            for i, g in ipairs(gradient) do scale = scale + (g * direction[i]) ^ 2 end
            assert.is_true((slope - ours) ^ 2 <= 1e-8 * scale,
              ("parameter %d, direction %d: %.8g, expected %.8g"):format(k, round, ours, slope))
          end
          for _ = 1, 5 do -- and some elements by themselves
            local i <const> = 1 + random.integer(#gradient)
            local slope <const> = numeric.partial(f, numbers[k], i)
            assert.is_true(math.abs(slope - gradient[i]) <= 1e-5 * (math.abs(slope) + 0.01),
              ("parameter %d, element %d: %.8g, expected %.8g"):format(k, i, gradient[i], slope))
          end
        end
      end)

      it("falls along its gradient as fast as the gradient says, with every layer there is", function()
        backends.open { device = backend.device }
        local net <const> = hn.nn.Sequential {
          hn.nn.HashedEmbedding(11, 20, { buckets = 64, scheme = scheme, balanced = balanced }),
          hn.nn.Hashed(20, 30, { scheme = scheme, balanced = balanced }), hn.nn.BatchNorm(30), hn.nn.ELU(),
          hn.nn.Dropout(0.25), hn.nn.Linear(30, 16), hn.nn.Sigmoid(),
          hn.nn.Hashed(16, 3, { scheme = scheme, sign = false, balanced = balanced }), hn.nn.LogSoftmax(),
        }
        local ids <const>, labels <const> = hn.labels { 1, 11, 5, 5, 3, 7, 2, 9 }, hn.labels { 1, 2, 3, 1, 2, 3, 1, 2 }
        local function loss() -- the same dropout every time
          hn.seed(5)
          return hn.cross_entropy(net(ids), labels)
        end
        do
          local _ <close> = hn.tape()
          loss():backward()
        end
        local square, steps <const> = 0, {}
        for k, parameter in ipairs(net:parameters()) do
          steps[k] = parameter:grad():copy()
          square = square + steps[k]:mul(steps[k]):sum():item()
        end
        local function moved(by)
          for k, parameter in ipairs(net:parameters()) do parameter:set(parameter:copy():add(steps[k]:scale(by))) end
          return loss():item()
        end
        local h <const> = 2e-3 / math.sqrt(square)
        local above <const> = moved(h)
        local below <const> = moved(-2 * h)
        local slope <const> = (above - below) / (2 * h)
        assert.is_true(square > 0 and math.abs(slope / square - 1) < 0.01, slope .. " and " .. square)
      end)
    end)
  end
end
