-- The widest dense network 784-H-10 that can train within a budget of device memory, against a hashed one that is 64
-- times wider and trains within the same budget: the wide one errs much less. A few minutes:
--
--   ./hnrun examples/wider.lua                                       Fashion-MNIST
--   HN_DATA=folder ./hnrun examples/wider.lua                        another set in the four IDX files, such as MNIST
--   ./hnrun --threads 1 examples/wider.lua --budget 64 --seeds 1     the engine's own options come before the script
--
-- The engine enforces the budget on everything that grows with a network: weights or buckets, gradients, momentum,
-- activations, data; minibatches go through in the pieces that it leaves room for. The workspace in which hashed layers
-- expand panels comes on top. It is some 3 MiB for a network of any size, so it would be the most of so small a budget.

local hn <const> = require "hn"

local usage <const> = [[
usage: hnrun examples/wider.lua [options]
  --budget N     KiB of device memory for either network (128)
  --wider N      how many times wider the hashed network is (64)
  --batch N      samples of a minibatch (50)
  --epochs N     passes over the training set (4)
  --seeds N      trainings of either network (3)
  --help         this text]]

local settings <const> = { budget = 128, wider = 64, batch = 50, epochs = 4, seeds = 3 }
local inputs <const>, classes <const> = 784, 10

local function stop(message)
  io.stderr:write("wider.lua: ", message, "\n", usage, "\n")
  os.exit(2, true)
end

for i = 1, #arg, 2 do
  local name <const> = arg[i]:match("^%-%-(%l+)$")
  if name == "help" then
    print(usage)
    os.exit(0, true)
  end
  if not settings[name] then stop("unknown option " .. arg[i]) end
  local value <const> = math.tointeger(tonumber(arg[i + 1]))
  settings[name] = value and value > 0 and value or stop(arg[i] .. " needs a whole number above 0")
end

local budget <const> = settings.budget * 1024

local function dense(hidden)
  return hn.nn.Sequential { hn.nn.Linear(inputs, hidden), hn.nn.ReLU(), hn.nn.Linear(hidden, classes) }
end

-- Buckets come in lines of 16. One line in 65 is for the last layer, which has about that share of the weights.
local function hashed(hidden, lines)
  local last <const> = math.max(1, lines // 65)
  return hn.nn.Sequential {
    hn.nn.Hashed(inputs, hidden, { buckets = 16 * math.max(1, lines - last), bias = "hashed" }), hn.nn.ReLU(),
    hn.nn.Hashed(hidden, classes, { buckets = 16 * last }),
  }
end

-- Each kind of network has the learning rate that suits it. `stable` is for buckets that many weights share; dense
-- layers don't notice it.
local rates <const> = { [dense] = 0.02, [hashed] = 0.1 }
local function new_optimizer(kind) return hn.optim.SGD { lr = rates[kind], momentum = 0.9, stable = true } end

-- Bytes that a step on so many samples needs of the budget, and those of the workspace.
local function needs(kind, samples, ...)
  local predicted <const> = kind(...):memory { batch = samples, optimizer = new_optimizer(kind) }
  local workspace <const> = predicted.kinds.workspace
  return predicted.peak - workspace, workspace
end

-- The largest n for which fits(n), if it does up to some n and not beyond.
local function largest(fits)
  if not fits(1) then stop(("--budget: %d KiB are too few"):format(settings.budget)) end
  local low, high = 1, 2
  while fits(high) do low, high = high, 2 * high end
  while high - low > 1 do
    local middle <const> = (low + high) // 2
    if fits(middle) then low = middle else high = middle end
  end
  return low
end

local train_set <const>, test_set <const> = hn.data.fashion_mnist()

-- One training within the budget: the error on the test set, the peak beside the workspace, the history.
local function train(kind, seed, workspace, ...)
  hn.use { memory = budget + workspace, seed = seed }
  local net <const> = kind(...)
  local history <const> = hn.fit(net, train_set, {
    optimizer = new_optimizer(kind), schedule = hn.optim.cosine(), batch = settings.batch, microbatch = "auto",
    epochs = settings.epochs, progress = false,
  })
  local result <const> = hn.evaluate(net, test_set, { batch = history.microbatch or settings.batch })
  return result.error, hn.memory().peak - workspace, history
end

-- Trains a kind of network with each seed and prints what came of it. Returns the mean error.
local function compare(kind, title, ...)
  local summary <const>, _, workspace = kind(...):summary(), needs(kind, 1, ...)
  print(("\n%s: %d weights, %d stored; workspace %d KiB"):format(title, summary.virtual, summary.stored,
    workspace // 1024))
  local sum = 0
  for seed = 1, settings.seeds do
    local test_error <const>, peak <const>, history <const> = train(kind, seed, workspace, ...)
    print(("  seed %d: test error %.2f %%, %.1f KiB at most; %s"):format(seed, 100 * test_error, peak / 1024, history))
    sum = sum + test_error
  end
  return sum / settings.seeds
end

hn.use { seed = 1 }
local hidden <const> = largest(function(n) return needs(dense, 1, n) <= budget end)
local wide <const> = settings.wider * hidden
-- Pieces of two samples: larger ones are faster, but activations would take the place of buckets.
local lines <const> = largest(function(n) return needs(hashed, 2, wide, n) <= budget end)
print(("a budget of %d KiB"):format(settings.budget))
local dense_error <const> = compare(dense, ("dense, %d-%d-%d"):format(inputs, hidden, classes), hidden)
local hashed_error <const> = compare(hashed, ("hashed, %d-%d-%d"):format(inputs, wide, classes), wide, lines)
print(("\nmean test error: dense %.2f %%, hashed %.2f %%"):format(100 * dense_error, 100 * hashed_error))
