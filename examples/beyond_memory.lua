-- Trains a layer that does not fit into memory by far: 100,000 x 100,000 virtual weights over 16 million buckets.
-- Stored densely it would take 40 GB, and 120 GB with its gradient and SGD's momentum; here a full training step
-- (forward, both gradients, update) stays within 1 GiB. A minute or two on two cores:
--
--   ./hnrun --memory 1GiB examples/beyond_memory.lua
--   ./hnrun --memory 1GiB examples/beyond_memory.lua --buckets 64000000 --batch 8
--
-- The layer has a small layer before it, so that its input wants a gradient, and one behind it. The time of a step is
-- also predicted, from the ns per weight of a layer 25 times shorter and narrower.

local hn <const> = require "hn"

local usage <const> = [[
usage: hnrun examples/beyond_memory.lua [options]
  --rows N       outputs of the layer (100000)
  --cols N       inputs of the layer (100000)
  --buckets N    stored weights (16000000)
  --strip N      rows that own buckets of their own, so that these fit the cache; 0: none (128)
  --batch N      samples of a minibatch (50)
  --steps N      training steps (2)
  --help         this text]]

local settings <const> = { rows = 100000, cols = 100000, buckets = 16000000, strip = 128, batch = 50, steps = 2 }
local inputs <const>, classes <const>, shrink <const> = 64, 10, 25

local function stop(message)
  io.stderr:write("beyond_memory.lua: ", message, "\n", usage, "\n")
  os.exit(2, true)
end

for i = 1, #arg, 2 do
  local name <const> = arg[i]:match("^%-%-(%l+)$")
  if name == "help" then
    print(usage)
    os.exit(0, true)
  end
  if not settings[name] then stop("unknown option " .. arg[i]) end
  settings[name] = math.tointeger(tonumber(arg[i + 1])) or stop(arg[i] .. " needs a whole number")
end

local function network(rows, cols, buckets)
  buckets = buckets // 16 * 16
  return hn.nn.Sequential {
    hn.nn.Linear(inputs, cols), hn.nn.ReLU(),
    hn.nn.Hashed(cols, rows, { buckets = buckets, strip = settings.strip }), hn.nn.ReLU(),
    hn.nn.Linear(rows, classes, { init = "lecun" }),
  }
end

-- Small enough that steps are stable at any width.
local function new_optimizer() return hn.optim.SGD { lr = 1e-3, momentum = 0.9, clip = 1 } end

-- Points around a centre for each class.
local function minibatch(batch)
  local x <const>, labels <const> = hn.tensor({ batch, inputs }):normal(0, 0.5), {}
  local shifts <const> = {}
  for i = 1, batch do
    labels[i] = 1 + i % classes
    shifts[i] = {}
    for j = 1, inputs do shifts[i][j] = j % classes == i % classes and 1 or 0 end
  end
  return hn.add(x, hn.tensor(shifts)), hn.labels(labels)
end

-- Runs steps and calls visit(number, seconds, loss) for each.
local function train(net, steps, visit)
  local _ <close> = hn.scope()
  local x <const>, y <const> = minibatch(settings.batch)
  local optimizer <const>, parameters <const> = new_optimizer(), net:parameters()
  for number = 1, steps do
    local started <const> = hn.clock()
    local _ <close> = hn.tape()
    local loss <const> = hn.cross_entropy(net(x), y)
    loss:backward()
    optimizer:step(parameters)
    visit(number, hn.clock() - started, loss:item())
  end
end

local function close(net)
  for _, parameter in ipairs(net:parameters()) do parameter:close() end
  collectgarbage()
end

-- Seconds for a virtual weight and step: the median of a few steps of the same network, made smaller.
local function measure(rows, cols, buckets)
  local net <const>, times <const> = network(rows, cols, buckets), {}
  train(net, 8, function(number, seconds) times[number] = seconds end)
  close(net)
  table.remove(times, 1) -- the first step also makes gradients and momentum
  table.sort(times)
  return times[4] / (rows * cols)
end

local function gigabytes(bytes) return ("%.2f GB"):format(bytes / 1e9) end

print(hn.use { memory = "1GiB", seed = 1 })
local rows <const>, cols <const>, buckets <const> = settings.rows, settings.cols, settings.buckets
local small_rows <const> = math.max(rows // shrink, math.min(rows, 2 * math.max(settings.strip, 1)))
local small_cols <const> = math.max(cols // shrink, math.min(cols, 16))
local per_weight <const> = measure(small_rows, small_cols, math.max(buckets * small_rows // rows, 16))

local net <const> = network(rows, cols, buckets)
print(net:summary())
local dense <const> = 4 * rows * cols
print(("\nthe layer stored densely: %s, with gradient and momentum %s"):format(gigabytes(dense), gigabytes(3 * dense)))
print("\npredicted: " .. tostring(net:memory { batch = settings.batch, optimizer = new_optimizer() }))
print(("predicted: %.1f s a step, from %.2f ns a weight at %d x %d\n"):format(per_weight * rows * cols,
  1e9 * per_weight, small_rows, small_cols))

train(net, settings.steps, function(number, seconds, loss)
  print(("step %d: loss %.4f, %.1f s, %.2f ns a weight"):format(number, loss, seconds, 1e9 * seconds / (rows * cols)))
end)

local memory <const> = hn.memory()
print(("\nmeasured: %.1f MiB at most"):format(memory.peak / 2 ^ 20))
for _, kind in ipairs { "buckets", "weights", "gradients", "optimizer", "activations", "workspace", "data" } do
  print(("  %-12s %8.1f MiB"):format(kind, memory.peak_kinds[kind] / 2 ^ 20))
end
print(("1/%.0f of what the dense layer alone would need"):format(3 * dense / memory.peak))
