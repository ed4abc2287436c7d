-- Networks that are exported in specs: every layer that exports take, hashed ones in every scheme.

local core <const> = require "hn.core"
local hn <const> = require "hn"

local nn <const> = hn.nn
local ROWS <const> = 7

local exported <const> = {}

local function value(i, j) return ((i * 7919 + (j or 0) * 104729) % 1009 - 504) / 1009 end

-- Numbers everywhere, in biases and running statistics too.
local function fill(net, x)
  for _, tensor in ipairs(net:parameters()) do tensor:set(value) end
  net:train()
  do
    local _ <close> = core.scope()
    net(x)
  end
  return net:eval()
end

local function samples(inputs)
  return hn.tensor({ ROWS, inputs }, function(i, j) return 4 * value(3 * i, j + 5) end)
end

-- What make() gives with numbers everywhere, and some samples.
function exported.filled(make, inputs)
  local x <const> = samples(inputs)
  return fill(make(), x), x
end

-- What it is, its inputs, the network, whether it needs libm.
local networks <const> = {
  { "a Linear alone", 5, function() return nn.Linear(5, 3) end },
  { "a Linear without bias", 5, function() return nn.Sequential { nn.Linear(5, 3, { bias = false }) } end },
  { "layers within layers", 9, function()
    return nn.Sequential { nn.Flatten(), nn.Sequential { nn.Linear(9, 20), nn.ReLU(), nn.Dropout(0.5) },
      nn.Hashed(20, 7), nn.ReLU(), nn.Hashed(7, 30), nn.Sequential { nn.ReLU(), nn.Linear(30, 4) } }
  end },
  { "an activation before everything", 6, function() return nn.Sequential { nn.Abs(), nn.Linear(6, 2), nn.Abs() } end },
  { "one layer in two places", 6, function()
    local shared <const> = nn.Hashed(6, 6, { scheme = "element", compression = 1 / 2 })
    return nn.Sequential { shared, nn.ReLU(), shared }
  end },
  { "two layers over one pool, with offsets", 40, function()
    local pool <const> = hn.buckets(96)
    return nn.Sequential { nn.Hashed(40, 30, { pool = pool, offset = 32, count = 64 }), nn.ReLU(),
      nn.Hashed(30, 5, { pool = pool, scheme = "element", offset = 3, count = 50 }) }
  end },
  { "BatchNorm", 8, function()
    return nn.Sequential { nn.BatchNorm(8), nn.Linear(8, 5), nn.BatchNorm(5, { epsilon = 0.01 }) }
  end },
  { "LayerNorm", 8, function()
    return nn.Sequential { nn.Linear(8, 5), nn.LayerNorm(5, { epsilon = 0.01 }) }
  end, true },
  { "norms alone", 8, function() return nn.Sequential { nn.BatchNorm(8), nn.LayerNorm(8) } end, true },
}

-- Transformations fitted to skewed numbers.
local function fitted(list)
  local x <const> = hn.tensor({ 400, 6 }, function(i, j)
    return math.exp(3 * value(i * j, j)) * (j % 2 == 0 and -1 or 1)
  end)
  return hn.transform(list):fit(hn.data.tensors { x = x })
end
networks[#networks + 1] = { "transformations of the input", 6, function()
  return nn.Sequential { fitted { { "log", features = { 1, 2, 3, 5 } },
    { "gauss", knots = 30, features = { 1, 3, 4, 5, 6 } }, "decorrelate" }, nn.Linear(6, 4) }
end, true }
networks[#networks + 1] = { "linear transformations of the input", 6, function()
  return nn.Sequential { fitted { "standardise", "pca", { "uniform", knots = 300 }, "normalise" }, nn.ReLU() }
end }
networks[#networks + 1] = { "a transformation at the end", 6, function()
  return nn.Sequential { nn.Linear(6, 6), fitted { "decorrelate" } }
end }

local needs_no_libm <const> = { ReLU = true, ReLU6 = true, HardTanh = true, Abs = true, Softsign = true,
  LeakyReLU = true }
for name in pairs(require "hn.nn.activations") do
  networks[#networks + 1] = { name, 6, function()
    return nn.Sequential { nn.Linear(6, 11), nn[name](name == "LeakyReLU" and 0.2 or name == "ELU" and 0.7 or nil) }
  end, not needs_no_libm[name] }
end

for _, scheme in ipairs { "element", "line" } do
  for _, strip in ipairs { 0, 1, 5, 100 } do
    for _, balanced in ipairs { false, true } do
      for _, more in ipairs { { sign = true, bias = true }, { sign = false, bias = "hashed" } } do
        networks[#networks + 1] = {
          ("Hashed, %s, strips of %d%s%s"):format(scheme, strip, balanced and ", balanced" or "",
            more.sign and "" or ", no signs, hashed bias"), 37,
          function()
            return nn.Sequential { nn.Hashed(37, 13, { scheme = scheme, strip = strip, balanced = balanced,
              buckets = 224, seed = 4000000007, sign = more.sign, bias = more.bias }) }
          end,
        }
      end
    end
  end
end

table.sort(networks, function(a, b) return a[1] < b[1] end)
exported.networks = networks

return exported
