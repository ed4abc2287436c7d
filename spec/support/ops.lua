-- The table of operations. To test a new one, add a row:
--
--   name       the operation            case       told apart from other rows of that name (may be left out)
--   shapes     list of shapes: { 7, 33 }, or fields such as { batch = 7, inputs = 33 }; all of them go into the title
--   operands   function(shape) giving the list of operands (operands.lua; false: an optional one left out)
--   numbers    function(shape) giving the numeric arguments, if there are any
--   reference  function(shape, operands...) giving the result as a flat list of doubles, and its shape. Plain loops
--   tolerance, gradient_tolerance   normalised squared error that float32 may have (1e-11 and 1e-9)
--   gradient   false where there is nothing to differentiate
--   slope_of   the function whose gradient it has by definition, where that is not the reference's (reference)
--   directions how many for finite differences of large operands (3)
--   after, after_check   what else the operation changes: read, and held against what it should be
-- ops_spec.lua runs every row on every backend and fails for an operation without a row.

local core <const> = require "hn.core"
local numeric <const> = require "spec.support.numeric"
local operands <const> = require "spec.support.operands"

local tensor <const>, constant <const> = operands.tensor, operands.constant
local pool <const>, matrix <const>, integers <const> = operands.pool, operands.matrix, operands.integers

local rows <const> = {}
local function add(row) rows[#rows + 1] = row end

-- Odd sizes: one, primes, beyond a block of 16, 64, 128.
local ANY <const> = { { 1 }, { 7 }, { 129 }, { 7, 33 }, { 33, 1 }, { 1, 129 }, { 3, 5, 7 }, { 2, 3, 5, 7 } }
local MATRICES <const> = { { 1, 1 }, { 1, 7 }, { 7, 1 }, { 7, 33 }, { 33, 7 }, { 33, 129 },
  { 5, 300 } }

-- Rows and columns of a shape whose last dimension is special.
local function rows_cols(shape)
  local cols <const> = shape[#shape]
  return numeric.product(shape) // cols, cols
end

-- ---- Element by element ------------------------------------------------------------------------------------------

local function unary(name, f, options)
  options = options or {}
  add {
    name = name, shapes = options.shapes or ANY, case = options.case,
    operands = function(s) return { tensor(s, { low = options.low, high = options.high, avoid = options.avoid }) } end,
    numbers = options.number and function() return { options.number } end,
    reference = function(s, x)
      local y <const> = {}
      for k = 1, #x do y[k] = f(x[k], options.number) end
      return y, s
    end,
  }
end

local function relu(x) return x > 0 and x or 0 end
local function sigmoid(x) return 1 / (1 + math.exp(-x)) end
local function tanh(x) return 1 - 2 / (math.exp(2 * x) + 1) end
local function gelu(x) return x * 0.5 * (1 + numeric.erf(x / math.sqrt(2))) end

unary("scale", function(x, a) return a * x end, { number = -1.75 })
unary("relu", relu, { avoid = { 0 } })
unary("leaky_relu", function(x, a) return x > 0 and x or a * x end, { number = 0.125, avoid = { 0 } })
unary("leaky_relu", function(x) return x > 0 and x or 0.01 * x end,
  { case = "default", avoid = { 0 }, shapes = { { 33 } } })
unary("elu", function(x, a) return x > 0 and x or a * (math.exp(x) - 1) end, { number = 0.75, avoid = { 0 } })
unary("elu", function(x) return x > 0 and x or math.exp(x) - 1 end,
  { case = "default", avoid = { 0 }, shapes = { { 33 } } })
unary("gelu", gelu, { low = -4, high = 4 })
unary("tanh", tanh, { low = -5, high = 5 })
unary("sigmoid", sigmoid, { low = -8, high = 8 })
unary("abs", math.abs, { avoid = { 0 } })
unary("gauss", function(x) return math.exp(-x * x) end)
unary("hard_tanh", function(x) return math.max(-1, math.min(1, x)) end, { avoid = { -1, 1 } })
unary("relu6", function(x) return math.max(0, math.min(6, x)) end, { low = -2, high = 8, avoid = { 0, 6 } })
unary("softsign", function(x) return x / (1 + math.abs(x)) end)
unary("softplus", function(x) return math.log(1 + math.exp(x)) end, { low = -8, high = 8 })

-- Beyond one piece of a kernel, so that several threads have work.
local LARGE <const> = { { 90000 } }
unary("relu", relu, { case = "large", avoid = { 0 }, shapes = LARGE })
unary("tanh", tanh, { case = "large", shapes = LARGE })

local BROADCASTS <const> = {
  { 1, other = { 1 } }, { 129, other = { 129 } }, { 7, 33, other = { 7, 33 } }, { 7, 33, other = { 33 } },
  { 7, 33, other = { 1 } }, { 3, 5, 7, other = { 5, 7 } }, { 3, 5, 7, other = { 7 } },
  { 2, 3, 5, 7, other = { 3, 5, 7 } }, { 500, 130, other = { 1 } }, { 200, 3, other = { 3 } },
  { 300, 2, other = { 2 } }, { 3, 20000, other = { 20000 } }, { 300, 301, other = { 301 } },
}
local function binary(name, f, second)
  add {
    name = name, shapes = BROADCASTS,
    operands = function(s) return { tensor({ table.unpack(s) }), tensor(s.other, second) } end,
    reference = function(s, a, b)
      local y <const> = {}
      for k = 1, #a do y[k] = f(a[k], b[(k - 1) % #b + 1]) end
      return y, { table.unpack(s) }
    end,
  }
end
binary("add", function(a, b) return a + b end)
binary("sub", function(a, b) return a - b end)
binary("mul", function(a, b) return a * b end)
binary("signed_log", function(a, b) return (a < 0 and -1 or 1) * math.log(1 + b * math.abs(a)) / b end,
  { low = 0.25, high = 3 })
add {
  name = "signed_log", case = "its limit", shapes = MATRICES,
  operands = function(s) return { tensor(s), constant({ s[2] }, { low = 0, high = 0 }) } end,
  reference = function(s, a) return table.move(a, 1, #a, 1, {}), s end,
}

-- Places of knots; each feature has `count` neighbouring ones. Numbers lie between them and beyond.
local PLACES <const> = {}
for k = 1, 20 do PLACES[k] = -1.5 + 0.0625 * (2 * k + k * k % 3) end
local function knots_of(s)
  local list <const> = {}
  for feature = 1, s[#s] do
    local before <const> = feature % (21 - s.count)
    table.move(PLACES, before + 1, before + s.count, #list + 1, list)
  end
  return constant({ s[#s], s.count }, { values = function() return list end })
end
for _, count in ipairs { 2, 3, 20 } do
  add {
    name = "interpolate", case = count .. " knots", tolerance = 1e-10,
    shapes = { { 1, 1, count = count }, { 33, 7, count = count }, { 3, 5, 7, count = count },
      { 300, 40, count = count } },
    operands = function(s)
      return { tensor({ table.unpack(s) }, { avoid = PLACES }), knots_of(s), constant { s[#s], count } }
    end,
    reference = function(s, x, knots, values)
      local y <const>, cols <const> = {}, s[#s]
      for i = 1, #x do
        local row <const> = (i - 1) % cols * count
        local k = 1
        while k < count - 1 and x[i] >= knots[row + k + 1] do k = k + 1 end
        local from <const>, to <const> = knots[row + k], knots[row + k + 1]
        y[i] = values[row + k] + (x[i] - from) / (to - from) * (values[row + k + 1] - values[row + k])
      end
      return y, { table.unpack(s) }
    end,
  }
end

-- ---- Products ----------------------------------------------------------------------------------------------------

add {
  name = "matmul",
  shapes = { { m = 1, k = 1, n = 1 }, { m = 1, k = 33, n = 7 }, { m = 7, k = 1, n = 33 }, { m = 33, k = 129, n = 7 },
    { m = 129, k = 65, n = 130 } },
  operands = function(s) return { tensor { s.m, s.k }, tensor { s.k, s.n } } end,
  reference = function(s, a, b)
    local y <const> = {}
    for i = 0, s.m - 1 do
      for j = 1, s.n do
        local sum = 0
        for k = 0, s.k - 1 do sum = sum + a[i * s.k + k + 1] * b[k * s.n + j] end
        y[#y + 1] = sum
      end
    end
    return y, { s.m, s.n }
  end,
}

local function linear(s, x, v, bias)
  local y <const> = {}
  for n = 0, s.batch - 1 do
    for i = 0, s.outputs - 1 do
      local sum = bias and bias[i + 1] or 0
      for j = 1, s.inputs do sum = sum + x[n * s.inputs + j] * v[i * s.inputs + j] end
      y[#y + 1] = sum
    end
  end
  return y, { s.batch, s.outputs }
end

local LINEAR <const> = {
  { batch = 1, inputs = 1, outputs = 1 }, { batch = 1, inputs = 33, outputs = 7 },
  { batch = 7, inputs = 7, outputs = 33 }, { batch = 33, inputs = 129, outputs = 7 },
  { batch = 7, inputs = 100, outputs = 50 }, { batch = 7, inputs = 1, outputs = 17 },
  { batch = 7, inputs = 17, outputs = 1 },
}
local WIDE <const> = { { batch = 3, inputs = 2100, outputs = 70 }, { batch = 3, inputs = 70, outputs = 1100 },
  { batch = 129, inputs = 33, outputs = 130 }, { batch = 1, inputs = 600, outputs = 300 } }
-- Minibatches that do without panels: with more than a block of runs, and a few rows beyond those taken side by side.
local FEW <const> = {}
for batch = 1, 5 do FEW[batch] = { batch = batch, inputs = 1072 - 9 * batch, outputs = 64 + batch } end

for _, shapes in ipairs { LINEAR, WIDE } do
  add {
    name = "linear", case = "dense, bias", shapes = shapes, reference = linear, directions = shapes == WIDE and 1 or 3,
    operands = function(s)
      return { tensor { s.batch, s.inputs }, tensor { s.outputs, s.inputs }, tensor { s.outputs } }
    end,
  }
end
add {
  name = "linear", case = "dense", shapes = LINEAR, reference = linear,
  operands = function(s) return { tensor { s.batch, s.inputs }, tensor { s.outputs, s.inputs }, false } end,
}

-- Every way to lay a matrix over a pool. `slots` is the number of slots beyond one for each strip; offset in slots.
local LAYOUTS <const> = {}
for _, scheme in ipairs { "element", "line" } do
  for _, strip in ipairs { 0, 1, 3, 8 } do
    for _, sign in ipairs { true, false } do
      for _, offset in ipairs { 0, 3 } do
        for _, slots in ipairs { 0, 11 } do
          LAYOUTS[#LAYOUTS + 1] = { scheme = scheme, strip = strip, sign = sign, offset = offset, slots = slots }
        end
      end
    end
    for _, slots in ipairs { 0, 11 } do
      LAYOUTS[#LAYOUTS + 1] = { scheme = scheme, strip = strip, sign = strip ~= 3, offset = 3, slots = slots,
        balanced = true }
    end
  end
end

local function layout_title(l)
  return ("%s%s, strip %d%s%s, %s slots"):format(l.balanced and "balanced " or "", l.scheme, l.strip,
    l.sign and "" or ", no sign", l.offset > 0 and ", offset" or "",
    l.slots == 0 and "fewest" or l.slots < 1000 and "some" or "many")
end

-- A matrix of that layout over a pool with a few buckets more than it needs.
local function laid(layout, rows_, cols, seed)
  local grain <const> = layout.scheme == "line" and 16 or 1
  local strips <const> = layout.strip == 0 and 1 or -(-rows_ // layout.strip)
  local count <const>, offset <const> = grain * (strips + layout.slots), grain * layout.offset
  return matrix(pool(offset + count + 5), {
    rows = rows_, cols = cols, scheme = layout.scheme, seed = seed, strip = layout.strip, sign = layout.sign,
    balanced = layout.balanced, offset = offset, count = count,
  })
end

local function rows_of(s, ids, v)
  local y <const> = {}
  for _, id in ipairs(ids) do
    for j = 1, s.cols do y[#y + 1] = v[(id - 1) * s.cols + j] end
  end
  return y, { s.ids, s.cols }
end

for _, layout in ipairs(LAYOUTS) do
  add {
    name = "linear", case = layout_title(layout), shapes = LINEAR, reference = linear,
    operands = function(s)
      return { tensor { s.batch, s.inputs }, laid(layout, s.outputs, s.inputs, 7), tensor { s.outputs } }
    end,
  }
  add {
    name = "embedding", case = layout_title(layout), shapes = { { ids = 1, rows = 1, cols = 1 },
      { ids = 7, rows = 5, cols = 33 }, { ids = 33, rows = 129, cols = 7 } },
    operands = function(s) return { integers(s.ids, s.rows), laid(layout, s.rows, s.cols, 0xfffffffe) } end,
    reference = rows_of,
  }
end

-- More runs than a backend may take in one piece.
for _, way in ipairs { { 0, false }, { 3, true } } do
  local layout <const> = { scheme = "element", strip = way[1], sign = true, offset = 1, slots = 20, balanced = way[2] }
  add {
    name = "embedding", case = layout_title(layout), shapes = { { ids = 310, rows = 7, cols = 111 } },
    reference = rows_of, directions = 1,
    operands = function(s) return { integers(s.ids, s.rows), laid(layout, s.rows, s.cols, 5) } end,
  }
end

for _, scheme in ipairs { "element", "line" } do
  -- Strips and bucket counts between which a backend may choose other ways to add up gradients.
  for _, way in ipairs { { 0, 200 }, { 0, scheme == "line" and 3000 or 48000 }, { 64, 200 }, { 200, 200 },
    { 0, 200, true }, { 64, 200, true } } do
    local layout <const> = { scheme = scheme, strip = way[1], sign = true, offset = 1, slots = way[2],
      balanced = way[3] }
    add {
      name = "linear", case = layout_title(layout), shapes = WIDE, reference = linear, directions = 1,
      operands = function(s)
        return { tensor { s.batch, s.inputs }, laid(layout, s.outputs, s.inputs, 3), tensor { s.outputs } }
      end,
    }
  end
  for _, way in ipairs { { 0 }, { 7 }, { 7, true } } do
    local layout <const> = { scheme = scheme, strip = way[1], sign = true, offset = 3, slots = 300, balanced = way[2] }
    add {
      name = "linear", case = layout_title(layout) .. ", few samples", shapes = FEW, reference = linear, directions = 1,
      operands = function(s)
        return { tensor { s.batch, s.inputs }, laid(layout, s.outputs, s.inputs, 4), tensor { s.outputs } }
      end,
    }
  end
  -- Weight and bias in one pool, on buckets that overlap: both add to the same gradient.
  add {
    name = "linear", case = scheme .. ", hashed bias in the weight's pool", shapes = LINEAR, reference = linear,
    operands = function(s)
      local shared <const> = pool(64)
      return {
        tensor { s.batch, s.inputs },
        matrix(shared, { rows = s.outputs, cols = s.inputs, scheme = scheme, seed = 1, count = 48 }),
        matrix(shared, { rows = s.outputs, cols = 1, scheme = scheme, seed = 2, offset = 32 }),
      }
    end,
  }
end

add {
  name = "embedding", case = "dense", shapes = { { ids = 1, rows = 1, cols = 1 }, { ids = 7, rows = 5, cols = 33 },
    { ids = 129, rows = 33, cols = 7 } },
  operands = function(s) return { integers(s.ids, s.rows), tensor { s.rows, s.cols } } end,
  reference = rows_of,
}

-- ---- Rows --------------------------------------------------------------------------------------------------------

-- log softmax of `cols` numbers of x from k0 + 1 on, divided by temperature
local function log_softmax(x, k0, cols, temperature)
  local largest, sum = -math.huge, 0
  for j = 1, cols do largest = math.max(largest, x[k0 + j] / temperature) end
  for j = 1, cols do sum = sum + math.exp(x[k0 + j] / temperature - largest) end
  local y <const> = {}
  for j = 1, cols do y[j] = x[k0 + j] / temperature - largest - math.log(sum) end
  return y
end

local function by_row(name, f, options)
  options = options or {}
  add {
    name = name, case = options.case, shapes = ANY,
    operands = function(s) return { tensor(s, { low = options.low, high = options.high }) } end,
    reference = function(s, x)
      local y <const>, n <const>, cols <const> = {}, rows_cols(s)
      for i = 0, n - 1 do table.move(f(log_softmax(x, i * cols, cols, 1)), 1, cols, #y + 1, y) end
      return y, s
    end,
  }
end
local function exponentials(list)
  local y <const> = {}
  for k, v in ipairs(list) do y[k] = math.exp(v) end
  return y
end
by_row("softmax", exponentials)
by_row("softmax", exponentials, { case = "far apart", low = -60, high = 60 })
by_row("log_softmax", function(list) return list end)
by_row("log_softmax", function(list) return list end, { case = "far apart", low = -60, high = 60 })

add {
  name = "argmax", shapes = ANY, gradient = false, tolerance = 0,
  operands = function(s) return { constant(s, { values = function(g) -- few values, so that there are equals
    local list <const> = {}
    for k = 1, numeric.product(s) do list[k] = g.integer(5) end
    return list
  end }) } end,
  reference = function(s, x)
    local y <const>, n <const>, cols <const> = {}, rows_cols(s)
    for i = 0, n - 1 do
      local best = 1
      for j = 2, cols do if x[i * cols + j] > x[i * cols + best] then best = j end end
      y[#y + 1] = best
    end
    return y, { n }
  end,
}

-- Float32 numbers: the nearest one, and the same cut to 16 bits.
local function float32(x) return (string.unpack("<f", string.pack("<f", x))) end
local function cut(x)
  local bits <const> = string.unpack("<I4", string.pack("<f", x))
  return (string.unpack("<f", string.pack("<I4", bits & 0xFFFFFF00)))
end

-- Whole multiples of the unit, of two equally near ones the even one.
local function quantized(levels)
  return function(s, x)
    local most, y <const> = 0, {}
    for k = 1, #x do most = math.max(most, math.abs(x[k])) end
    local unit <const> = cut(most / levels)
    for k = 1, #x do
      local whole <const> = float32(x[k] / unit)
      local near = math.floor(whole + 0.5)
      if near - whole == 0.5 then near = near // 2 * 2 end
      y[k] = near * unit
    end
    return y, s
  end
end
for _, levels in ipairs { 1, 7, 127, 255 } do
  add {
    name = "quantize", case = levels .. " levels", shapes = levels == 127 and { { 90000 }, table.unpack(ANY) } or ANY,
    operands = function(s) return { tensor(s) } end,
    numbers = function() return { levels } end,
    reference = quantized(levels), tolerance = 0,
    slope_of = function(s, x) return table.move(x, 1, #x, 1, {}), s end,
  }
end
add {
  name = "quantize", case = "default", shapes = { { 33 } },
  operands = function(s) return { tensor(s) } end,
  reference = quantized(127), tolerance = 0, slope_of = function(s, x) return table.move(x, 1, #x, 1, {}), s end,
}

-- Mean and (biased) variance of the n numbers at(1), at(2), ...
local function moments(n, at)
  local mean, variance = 0, 0
  for k = 1, n do mean = mean + at(k) / n end
  for k = 1, n do variance = variance + (at(k) - mean) ^ 2 / n end
  return mean, variance
end

for _, epsilon in ipairs { 1e-5, 0.125 } do
  add {
    name = "layer_norm", case = "epsilon " .. epsilon, shapes = MATRICES, gradient_tolerance = 1e-8,
    operands = function(s) return { tensor(s), tensor { s[2] }, tensor { s[2] } } end,
    numbers = function() return { epsilon } end,
    reference = function(s, x, gain, bias)
      local y <const>, n <const>, cols <const> = {}, rows_cols(s)
      for i = 0, n - 1 do
        local mean <const>, variance <const> = moments(cols, function(j) return x[i * cols + j] end)
        for j = 1, cols do
          y[#y + 1] = gain[j] * (x[i * cols + j] - mean) / math.sqrt(variance + epsilon) + bias[j]
        end
      end
      return y, s
    end,
  }
end

local BATCHES <const> = { { 2, 1 }, { 7, 1 }, { 7, 33 }, { 33, 7 }, { 129, 33 }, { 9, 300 } }
local function batch_norm(s, x, gain, bias, statistics)
  local y <const>, n <const>, cols <const> = {}, rows_cols(s)
  for j = 1, cols do
    local mean <const>, variance <const> = statistics(j, function(i) return x[(i - 1) * cols + j] end, n)
    for i = 0, n - 1 do
      y[i * cols + j] = gain[j] * (x[i * cols + j] - mean) / math.sqrt(variance + 1e-5) + bias[j]
    end
  end
  return y, s
end
local function batch_norm_operands(s)
  return { tensor(s), tensor { s[2] }, tensor { s[2] }, constant { s[2] }, constant({ s[2] }, { low = 0.5, high = 2 }) }
end

add {
  name = "batch_norm", case = "training", shapes = BATCHES, gradient_tolerance = 1e-8,
  operands = batch_norm_operands, numbers = function() return { 1, 0.25 } end,
  reference = function(s, x, gain, bias)
    return batch_norm(s, x, gain, bias, function(_, at, n) return moments(n, at) end)
  end,
  -- The running statistics move towards the batch's, the variance towards the unbiased one.
  after = function(objects) return { numeric.flat(objects[4]:table()), numeric.flat(objects[5]:table()) } end,
  after_check = function(s, got, seen)
    local n <const>, cols <const> = rows_cols(s)
    local mean <const>, variance <const> = {}, {}
    for j = 1, cols do
      local m <const>, v <const> = moments(n, function(i) return seen[1][(i - 1) * cols + j] end)
      mean[j] = 0.75 * seen[4][j] + 0.25 * m
      variance[j] = 0.75 * seen[5][j] + 0.25 * v * n / (n - 1)
    end
    for k, expected in ipairs { mean, variance } do
      local e <const> = numeric.error(got[k], expected)
      assert(e <= 1e-11, "running statistics: " .. numeric.worst(got[k], expected))
    end
  end,
}
add {
  name = "batch_norm", case = "evaluating", shapes = { { 1, 1 }, { 1, 33 }, table.unpack(BATCHES) },
  operands = batch_norm_operands, numbers = function() return { 0 } end,
  reference = function(s, x, gain, bias, mean, variance)
    return batch_norm(s, x, gain, bias, function(j) return mean[j], variance[j] end)
  end,
  after = function(objects) return { numeric.flat(objects[4]:table()), numeric.flat(objects[5]:table()) } end,
  after_check = function(_, got, seen)
    for k = 1, 2 do
      for j, value in ipairs(got[k]) do
        if value ~= seen[3 + k][j] then error("evaluating changed the running statistics", 0) end
      end
    end
  end,
}

-- The documented stream: number c is XXH32 of c as 8 little-endian bytes, with the context's seed.
for _, rate in ipairs { 0, 0.25, 0.5, 1 - 2 ^ -10 } do
  add {
    name = "dropout", case = "rate " .. rate, shapes = { { 1 }, { 129 }, { 7, 33 }, { 100, 130 } },
    operands = function(s) return { tensor(s) } end,
    numbers = function() return { rate } end,
    reference = function(s, x)
      local y <const> = {}
      for k = 1, #x do
        local random <const> = core.hash(99, (k - 1) & 0xffffffff, (k - 1) >> 32) -- check.lua sets seed 99
        y[k] = random >= math.floor(rate * 2 ^ 32) and x[k] / (1 - rate) or 0
      end
      return y, s
    end,
  }
end

-- ---- Sums and shapes ---------------------------------------------------------------------------------------------

local function reduce(name, case, axis, shapes, mean)
  add {
    name = name, case = case, shapes = shapes,
    operands = function(s) return { tensor(s) } end,
    numbers = function() return axis and { axis } or {} end,
    reference = function(s, x)
      local n <const> = axis and s[axis] or #x
      local inner <const> = axis and numeric.product { table.unpack(s, axis + 1) } or 1
      local y <const>, shape <const> = {}, {}
      for k = 1, #x // n do y[k] = 0 end
      for k = 0, #x - 1 do
        local at <const> = k // (n * inner) * inner + k % inner + 1
        y[at] = y[at] + x[k + 1] / (mean and n or 1)
      end
      for d, size in ipairs(s) do if axis and d ~= axis then shape[#shape + 1] = size end end
      return y, #shape > 0 and shape or { 1 }
    end,
  }
end
for _, name in ipairs { "sum", "mean" } do
  local mean <const> = name == "mean"
  reduce(name, "of all", nil, ANY, mean)
  reduce(name, "of many", nil, { { 300, 301 } }, mean)
  reduce(name, "along 1", 1, ANY, mean)
  reduce(name, "along 2", 2, { { 7, 33 }, { 33, 1 }, { 1, 129 }, { 3, 5, 7 }, { 2, 3, 5, 7 }, { 300, 301 } }, mean)
  reduce(name, "along 3", 3, { { 3, 5, 7 }, { 2, 3, 5, 7 } }, mean)
  reduce(name, "along 4", 4, { { 2, 3, 5, 7 } }, mean)
end

local function mean_by_weight(x, w)
  local sum, total = 0, 0
  for k = 1, #x do
    sum = sum + (w and w[k] or 1) * x[k]
    total = total + (w and w[k] or 1)
  end
  return { total == 0 and 0 or sum / total }, { 1 }
end
-- Sample weights of n rows.
local function weights(kind, n)
  if kind == "weights" then return constant({ n }, { low = 0.25, high = 2 }) end
  return constant({ n }, { values = function(g)
    local w <const> = {}
    for k = 1, n do w[k] = kind == "some weights 0" and g.integer(2) or 0 end
    if kind == "some weights 0" then w[1] = 1 end
    return w
  end })
end

for _, kind in ipairs { "weights", "some weights 0", "all weights 0" } do
  add {
    name = "weighted_mean", case = kind, shapes = { { 1 }, { 7 }, { 129 } },
    operands = function(s) return { tensor(s), weights(kind, s[1]) } end,
    reference = function(_, x, w) return mean_by_weight(x, w) end,
  }
end

add {
  name = "reshape",
  shapes = { { 1, to = { 1, 1 } }, { 7, 33, to = { 231 } }, { 6, 35, to = { 2, 3, 5, 7 } },
    { 2, 3, 5, 7, to = { 7, 30 } } },
  operands = function(s) return { tensor { table.unpack(s) } } end,
  numbers = function(s) return s.to end,
  reference = function(s, x) return table.move(x, 1, #x, 1, {}), s.to end,
}

local function joined_shape(parts, axis)
  local shape <const> = table.move(parts[1], 1, #parts[1], 1, {})
  for k = 2, #parts do shape[axis] = shape[axis] + parts[k][axis] end
  return shape
end
add {
  name = "concat",
  shapes = {
    { axis = 1, parts = { { 1 }, { 7 } } }, { axis = 1, parts = { { 7, 33 }, { 1, 33 }, { 5, 33 } } },
    { axis = 2, parts = { { 7, 33 }, { 7, 1 }, { 7, 129 } } }, { axis = 2, parts = { { 7, 3 } } },
    { axis = 2, parts = { { 3, 5, 7 }, { 3, 2, 7 } } }, { axis = 3, parts = { { 3, 5, 7 }, { 3, 5, 1 } } },
    { axis = 2, parts = { { 2, 9000 }, { 2, 5 }, { 2, 9001 } } },
  },
  operands = function(s)
    local list <const> = {}
    for k, part in ipairs(s.parts) do list[k] = tensor(part) end
    return list
  end,
  numbers = function(s) return { s.axis } end,
  reference = function(s, ...)
    local shape <const> = joined_shape(s.parts, s.axis)
    local outer <const> = numeric.product { table.unpack(shape, 1, s.axis - 1) }
    local y <const> = {}
    for o = 0, outer - 1 do
      for _, x in ipairs { ... } do
        local run <const> = #x // outer
        table.move(x, o * run + 1, (o + 1) * run, #y + 1, y)
      end
    end
    return y, shape
  end,
}

add {
  name = "slice",
  shapes = { { 1, first = 1, count = 1 }, { 33, first = 7, count = 20 }, { 7, 33, first = 1, count = 7 },
    { 7, 33, first = 7, count = 1 }, { 3, 5, 7, first = 2, count = 2 } },
  operands = function(s) return { tensor { table.unpack(s) } } end,
  numbers = function(s) return { s.first, s.count } end,
  reference = function(s, x)
    local inner <const> = #x // s[1]
    return table.move(x, (s.first - 1) * inner + 1, (s.first - 1 + s.count) * inner, 1, {}),
      { s.count, table.unpack(s, 2) }
  end,
}

-- ---- Losses ------------------------------------------------------------------------------------------------------

-- A loss of outputs against targets: `each(shape, x, target)` gives one number a sample. Makes a row for NAME without
-- weights and with each kind of weights, and one for NAME_rows.
local function loss(name, options)
  local case <const> = options.case and options.case .. ", " or ""
  local numbers <const> = options.number and function() return { options.number } end
  local shapes <const> = options.shapes or MATRICES
  add {
    name = name .. "_rows", case = options.case, shapes = shapes, numbers = numbers,
    operands = function(s) return { tensor(s, options.x), options.target(s) } end,
    reference = function(s, x, target) return options.each(s, x, target), { s[1] } end,
  }
  for _, kind in ipairs { "no weights", "weights", "some weights 0", "all weights 0" } do
    add {
      name = name, case = case .. kind, shapes = shapes, numbers = numbers,
      operands = function(s)
        return { tensor(s, options.x), options.target(s), kind ~= "no weights" and weights(kind, s[1]) }
      end,
      reference = function(s, x, target, w) return mean_by_weight(options.each(s, x, target), w) end,
    }
  end
end

local function cross_entropy(s, x, labels)
  local y <const>, n <const>, cols <const> = {}, rows_cols(s)
  for i = 1, n do y[i] = -log_softmax(x, (i - 1) * cols, cols, 1)[labels[i]] end
  return y
end
loss("cross_entropy", { target = function(s) return integers(s[1], s[2]) end, each = cross_entropy })
loss("cross_entropy", { case = "far apart", x = { low = -60, high = 60 },
  target = function(s) return integers(s[1], s[2]) end, each = cross_entropy })

-- Rows of numbers that add up to 1 exactly in float32.
local function distributions(s)
  return constant(s, { values = function(g)
    local list <const> = {}
    for _ = 1, s[1] do
      local left = 4096
      for j = 1, s[2] do
        local part <const> = j == s[2] and left or g.integer(left + 1) // 2
        left = left - part
        list[#list + 1] = part / 4096
      end
    end
    return list
  end })
end
for _, temperature in ipairs { 1, 3.5 } do
  loss("soft_cross_entropy", {
    case = "temperature " .. temperature, number = temperature, target = distributions,
    each = function(s, x, target)
      local y <const>, n <const>, cols <const> = {}, rows_cols(s)
      for i = 1, n do
        local logs <const>, sum = log_softmax(x, (i - 1) * cols, cols, temperature), 0
        for j = 1, cols do sum = sum + target[(i - 1) * cols + j] * logs[j] end
        y[i] = -temperature ^ 2 * sum
      end
      return y
    end,
  })
end

-- The mean over a sample's outputs of f(x, t).
local function each_mean(f)
  return function(s, x, target)
    local y <const>, n <const>, cols <const> = {}, rows_cols(s)
    for i = 0, n - 1 do
      local sum = 0
      for j = 1, cols do sum = sum + f(x[i * cols + j], target[i * cols + j]) end
      y[i + 1] = sum / cols
    end
    return y
  end
end
local function bce(x, t) return math.max(x, 0) - x * t + math.log(1 + math.exp(-math.abs(x))) end
local function zero_to_one(s) return constant(s, { low = 0, high = 1 }) end
loss("bce", { target = zero_to_one, each = each_mean(bce) })
loss("bce", { case = "far out", x = { low = -90, high = 90 }, target = zero_to_one, each = each_mean(bce) })
loss("mse", { target = function(s) return constant(s) end, each = each_mean(function(x, t) return (x - t) ^ 2 end) })
for _, delta in ipairs { 1, 0.375 } do
  loss("huber", {
    case = "delta " .. delta, number = delta, target = function(s) return constant(s) end,
    each = each_mean(function(x, t)
      local d <const> = math.abs(x - t)
      return d <= delta and d * d / 2 or delta * (d - delta / 2)
    end),
  })
end

-- What a row is called in a test's title.
function rows.title(row, shape)
  local words <const> = { row.name }
  if row.case then words[#words + 1] = "(" .. row.case .. ")" end
  if #shape > 0 then words[#words + 1] = table.concat(shape, "x") end
  local fields <const> = {}
  for key, value in pairs(shape) do
    if type(key) == "string" then
      if type(value) == "table" then
        local parts <const> = {}
        for k, part in ipairs(value) do
          parts[k] = type(part) == "table" and table.concat(part, "x") or tostring(part)
        end
        value = table.concat(parts, type(value[1]) == "table" and "," or "x")
      end
      fields[#fields + 1] = ("%s=%s"):format(key, value)
    end
  end
  table.sort(fields)
  return table.concat(words, " ") .. (#fields > 0 and " " or "") .. table.concat(fields, " ")
end

return rows
