--- The methods that are compared: each makes the layers of a network with a given number of stored weights.
--
-- One rule for all: a matrix between n inputs and m outputs has a budget of (n + 1) · m · c numbers, rounded up, at
-- storage c, biases included (`storage` "1/64"); or that of a dense network whose hidden layers are N units wide
-- ("dense 50"). What counts are the free parameters, as net:summary() does; LowRank's fixed factor is none.

local hn <const> = require "hn"

local methods <const> = {}

-- ---- Budgets --------------------------------------------------------------------------------------------------------

--- Widths of all layers: inputs, the hidden ones, outputs. "3 layers" have one hidden one, as in the paper.
local function widths(inputs, width, outputs, layers)
  local list <const> = { inputs }
  for l = 2, layers - 1 do list[l] = width end
  list[layers] = outputs
  return list
end

--- Numbers that each matrix of a dense network holds, its bias included; and their sum.
local function dense_counts(sizes)
  local counts <const>, sum = {}, 0
  for l = 1, #sizes - 1 do
    counts[l] = (sizes[l] + 1) * sizes[l + 1]
    sum = sum + counts[l]
  end
  return counts, sum
end

--- Numbers that each matrix may store.
local function budgets(cell, sizes)
  local units <const> = cell.storage:match "^dense (%d+)$"
  if units then return (dense_counts(widths(sizes[1], math.tointeger(units), sizes[#sizes], #sizes))) end
  local above <const>, below <const> = cell.storage:match "^(%d+)/(%d+)$"
  local counts <const> = dense_counts(sizes)
  for l, count in ipairs(counts) do counts[l] = (count * above + below - 1) // below end
  return counts
end

-- ---- Layers: make(sizes, counts) gives a layer for each matrix ------------------------------------------------------

local grains <const> = { element = 1, line = 16 }

local function merged(a, b)
  local both <const> = {}
  for _, one in ipairs { a, b } do
    for key, value in pairs(one) do both[key] = value end
  end
  return both
end

local function each_matrix(make)
  return function(sizes, counts)
    local layers <const> = {}
    for l, count in ipairs(counts) do layers[l] = make(sizes[l], sizes[l + 1], count) end
    return layers
  end
end

--- A hashed layer with at most `count` buckets, the biases among them.
local function hashed_layer(inputs, outputs, count, given)
  local grain <const> = grains[given.scheme]
  local buckets <const> = math.max(1, count // grain) * grain
  return hn.nn.Hashed(inputs, outputs, merged(given, { buckets = buckets, bias = "hashed" }))
end

local function hashed(given)
  return each_matrix(function(inputs, outputs, count) return hashed_layer(inputs, outputs, count, given) end)
end

--- Two matrices at half the buckets each are added; together they vary as one does.
local function sum_of_two(given)
  local function init(tensor, fan_in)
    local b <const> = math.sqrt(3 / fan_in)
    tensor:uniform(-b, b)
  end
  local half <const> = merged(given, { init = init })
  return each_matrix(function(inputs, outputs, count)
    local function one() return hashed_layer(inputs, outputs, count // 2, half) end
    return hn.nn.Sum { one(), one() }
  end)
end

--- How many rounded buckets the bytes of a number hold.
local parts <const> = { int8 = 4, int4 = 8 }

--- A hashed layer with rounded buckets, of which as many bytes hold more, except for a number that is the unit of the
-- rounding. More buckets than virtual weights are of no use.
local function rounded(kind, given)
  return each_matrix(function(inputs, outputs, count)
    return hashed_layer(inputs, outputs, math.min(parts[kind] * (count - 1), (inputs + 1) * outputs), given)
  end)
end

--- All layers draw from one pool.
local function one_pool(given)
  return function(sizes, counts)
    local sum = 0
    for _, count in ipairs(counts) do sum = sum + count end
    local grain <const> = grains[given.scheme]
    local o <const> = merged(given, { pool = hn.buckets(sum // grain * grain), bias = "hashed" })
    return each_matrix(function(inputs, outputs) return hn.nn.Hashed(inputs, outputs, o) end)(sizes, counts)
  end
end

--- Whether biases get numbers of their own: not where they would take more than half of the budget.
local function has_bias(outputs, count) return count >= 2 * outputs end

local random_edges <const> = each_matrix(function(inputs, outputs, count)
  local bias <const> = has_bias(outputs, count)
  local edges <const> = math.min(count - (bias and outputs or 0), inputs * outputs)
  return hn.nn.Sparse(inputs, outputs, { edges = edges, bias = bias })
end)

local low_rank <const> = each_matrix(function(inputs, outputs, count)
  local bias <const> = has_bias(outputs, count)
  return hn.nn.LowRank(inputs, outputs, { rank = (count - (bias and outputs or 0)) // outputs, bias = bias })
end)

--- Whether every matrix has room for one rank.
local function ranks(sizes, counts)
  for l, count in ipairs(counts) do
    if count < sizes[l + 1] then return false end
  end
  return true
end

local dense <const> = each_matrix(function(inputs, outputs) return hn.nn.Linear(inputs, outputs) end)

--- A dense network whose hidden layers are so narrow that it stores about as much.
local function narrow(sizes, counts)
  local budget, width = 0, 1
  for _, count in ipairs(counts) do budget = budget + count end
  local function narrowed(units) return widths(sizes[1], units, sizes[#sizes], #sizes) end
  local function distance(units) return math.abs(select(2, dense_counts(narrowed(units))) - budget) end
  while distance(width + 1) < distance(width) do width = width + 1 end
  return dense(narrowed(width), counts)
end

--- By name: { make =, teacher = whether it learns from the network of method "full" too, note = what it is, fits = nil
-- or whether there is such a network, space = where the search looks (search.lua; "hashed" if nil), quantize = as
-- hn.fit's }.
methods.known = {
  full = { make = dense, space = "wide", note = "the dense network at full size" },
  rer = { make = random_edges, space = "wide", note = "random edge removal" },
  lrd = { make = low_rank, fits = ranks, space = "wide", note = "low-rank decomposition, one factor fixed" },
  nn = { make = narrow, space = "narrow", note = "a smaller dense network" },
  dk = { make = narrow, space = "narrow", teacher = true,
    note = "a smaller dense network that learns from the full one" },
  hashnet = { make = hashed { scheme = "element" }, note = "the paper's hashed network" },
  hashnetdk = { make = hashed { scheme = "element" }, teacher = true, note = "the same, learning from the full one" },
  line = { make = hashed { scheme = "line" }, note = "scheme line" },
  linedk = { make = hashed { scheme = "line" }, teacher = true, note = "scheme line, learning from the full one" },
  balanced = { make = hashed { scheme = "element", balanced = true }, note = "scheme element, balanced" },
  balanceddk = { make = hashed { scheme = "element", balanced = true }, teacher = true,
    note = "scheme element, balanced, learning from the full one" },
  strips = { make = hashed { scheme = "line", strip = 32 }, note = "scheme line, strips of 32 rows" },
  sum = { make = sum_of_two { scheme = "line" }, note = "sum of two hashed matrices at half the buckets each" },
  sumdk = { make = sum_of_two { scheme = "line" }, teacher = true, note = "that sum, learning from the full one" },
  pool = { make = one_pool { scheme = "line" }, note = "one pool of buckets for all layers" },
  int8 = { make = rounded("int8", { scheme = "line" }), quantize = "int8",
    note = "scheme line, four times the buckets in 8 bits each" },
  int8dk = { make = rounded("int8", { scheme = "line" }), quantize = "int8", teacher = true,
    note = "the same, learning from the full one" },
  int4 = { make = rounded("int4", { scheme = "line" }), quantize = "int4",
    note = "scheme line, eight times the buckets in 4 bits each" },
  int4dk = { make = rounded("int4", { scheme = "line" }), quantize = "int4", teacher = true,
    note = "the same, learning from the full one" },
}

--- In the order of tables: the paper's, then those beyond it.
methods.names = { "rer", "lrd", "nn", "dk", "hashnet", "hashnetdk", "line", "linedk", "balanced", "balanceddk",
  "strips", "sum", "sumdk", "pool", "int8", "int8dk", "int4", "int4dk", "full" }

--- What a trained network of a method stores, in numbers of 32 bits: net:summary()'s count; where buckets are rounded,
-- what their bits take, and a unit for each matrix.
function methods.stored(name, net)
  local stored <const>, kind <const> = net:summary().stored, methods.known[name].quantize
  return kind and math.ceil(stored / parts[kind]) + #net:parameters() or stored
end

-- What the sets of the paper have; for estimates.
local INPUTS <const>, OUTPUTS <const> = 784, 10

--- Virtual weights of a cell's matrices.
function methods.weights(cell)
  return select(2, dense_counts(widths(INPUTS, cell.width, OUTPUTS, cell.layers)))
end

--- Whether the budget is large enough for the method.
function methods.fits(cell)
  local fits <const>, sizes <const> = methods.known[cell.method].fits, widths(INPUTS, cell.width, OUTPUTS, cell.layers)
  return not fits or fits(sizes, budgets(cell, sizes))
end

--- The network of a cell.
-- @param cell { method =, layers =, width =, storage = }
-- @param settings { input =, hidden = }: dropout of inputs and of hidden units
function methods.network(cell, inputs, outputs, settings)
  local sizes <const> = widths(inputs, cell.width, outputs, cell.layers)
  local matrices <const> = methods.known[cell.method].make(sizes, budgets(cell, sizes))
  local list <const> = {}
  if settings.input > 0 then list[1] = hn.nn.Dropout(settings.input) end
  for l = 1, cell.layers - 1 do
    list[#list + 1] = matrices[l]
    if l < cell.layers - 1 then
      list[#list + 1] = hn.nn.ReLU()
      if settings.hidden > 0 then list[#list + 1] = hn.nn.Dropout(settings.hidden) end
    end
  end
  return hn.nn.Sequential(list)
end

return methods
