-- A training loop written by hand: minibatches, the tape, gradients and the optimiser, without hn.fit. Start here when
-- hn.fit doesn't do what you want. A few seconds:
--
--   ./hnrun examples/loop.lua

local hn <const> = require "hn"

hn.use { seed = 1 }
local train, test = hn.data.fashion_mnist()
train, test = train:take(10000), test:take(2000)

local net <const> = hn.nn.Sequential {
  hn.nn.Hashed(784, 200, { compression = 1 / 8 }), hn.nn.ReLU(), hn.nn.Linear(200, 10),
}
local optimizer <const> = hn.optim.Adam { lr = 0.002 }
local parameters <const> = net:parameters()
local epochs <const>, batch <const> = 4, 50

-- One step. What operations make is freed when the tape closes, at the end of the block or by an error.
local function step(x, y)
  local _ <close> = hn.tape()
  local loss <const> = hn.cross_entropy(net(x), y)
  loss:backward() -- adds to the gradient of every parameter
  optimizer:step(parameters) -- uses the gradients and clears them
  return loss:item()
end

local function error_rate(data)
  local wrong = 0
  for x, y in data:batches { batch = 500 } do
    wrong = wrong + hn.metrics.error(net:predict(x), y) * y:size()
  end
  return wrong / #data
end

local function train_epoch()
  local sum, steps = 0, 0
  net:train()
  for x, y in train:batches { batch = batch, shuffle = true } do
    sum, steps = sum + step(x, y), steps + 1
    if hn.interrupted() then return sum / steps, true end -- Ctrl-C ends training, not the script
  end
  return sum / steps, false
end

for epoch = 1, epochs do
  local loss <const>, stop <const> = train_epoch()
  print(("epoch %d: loss %.4f, test error %.1f %%"):format(epoch, loss, 100 * error_rate(test)))
  if stop then break end
  optimizer.lr = optimizer.lr / 2
end
print("device memory: " .. hn.memory().peak // 1024 .. " KiB at most")
