-- Which learning rates suit hashed layers? Test errors in percent of a dense network 784-1000-10 and of hashed ones, by
-- learning rate, means of two seeds; "-" where training diverged. Two or three minutes each:
--
--   ./hnrun --threads 1 scripts/rates.lua             SGD with momentum, plain and with stable = true
--   ./hnrun --threads 1 scripts/rates.lua adam        Adam
--
-- Fashion-MNIST, or what HN_DATA names: 10,000 pictures for two epochs with a cosine schedule, 2,000 to test.

local hn <const> = require "hn"

local epochs <const>, seeds <const>, training <const>, testing <const> = 2, 2, 10000, 2000

-- For each optimiser: the learning rates, and the variants as title and maker.
local studies <const> = {
  sgd = {
    rates = { 0.01, 0.03, 0.1, 0.3, 1 },
    { "SGD", function(lr) return hn.optim.SGD { lr = lr, momentum = 0.9 } end },
    { "stable", function(lr) return hn.optim.SGD { lr = lr, momentum = 0.9, stable = true } end },
  },
  adam = {
    rates = { 1e-4, 3e-4, 1e-3, 3e-3, 1e-2 },
    { "Adam", function(lr) return hn.optim.Adam { lr = lr } end },
  },
}

local layers <const> = {
  { "dense", hn.nn.Linear },
  { "line 1/8", hn.nn.Hashed, { compression = "1/8" } },
  { "line 1/64", hn.nn.Hashed, { compression = "1/64" } },
  { "line 1/512", hn.nn.Hashed, { compression = "1/512" } },
  { "element 1/64", hn.nn.Hashed, { compression = "1/64", scheme = "element" } },
}

local study <const> = studies[arg[1] or "sgd"]
if not study or arg[2] then
  io.stderr:write("usage: hnrun scripts/rates.lua [sgd|adam]\n")
  os.exit(2, true)
end
local all <const>, unseen <const> = hn.data.fashion_mnist()
local train <const>, test <const> = all:take(training), unseen:take(testing)

-- The error on the test set after a training, or nil where it diverged.
local function error_of(layer, optimizer, seed)
  hn.use { seed = seed }
  local _, make <const>, options <const> = table.unpack(layer)
  local net <const> = hn.nn.Sequential { make(784, 1000, options), hn.nn.ReLU(), make(1000, 10, options) }
  local ok <const>, message <const> = pcall(hn.fit, net, train, {
    optimizer = optimizer, schedule = hn.optim.cosine(), batch = 50, epochs = epochs, progress = false,
  })
  if ok then return hn.evaluate(net, test).error end
  if not message:find("^numeric") then error(message, 0) end
  return nil
end

local function cell(layer, make_optimizer, rate)
  local sum = 0
  for seed = 1, seeds do
    local found <const> = error_of(layer, make_optimizer(rate), seed)
    if not found then return "-" end
    sum = sum + found
  end
  return ("%.1f"):format(100 * sum / seeds)
end

local rows <const> = { { "layers", "optimiser" } }
for _, rate in ipairs(study.rates) do table.insert(rows[1], ("%g"):format(rate)) end
for _, layer in ipairs(layers) do
  for _, variant in ipairs(study) do
    local row <const> = { layer[1], variant[1] }
    for _, rate in ipairs(study.rates) do row[#row + 1] = cell(layer, variant[2], rate) end
    rows[#rows + 1] = row
  end
end
print(require "hn.text".align(rows, { true, true }))
