-- From training to ROOT: learns to tell signal from background in made-up events of 28 numbers, and writes the network,
-- and events that it was not trained with, for score.py and score.C. Some seconds:
--
--   ./hnrun examples/root/train.lua              writes signal.hn and events.csv

local hn <const> = require "hn"
hn.use { seed = 1 }

local columns <const> = 28

local function normal() return math.sqrt(-2 * math.log(1 - hn.random())) * math.cos(2 * math.pi * hn.random()) end

-- Signal differs in how its numbers go together, in pairs: no cut on a single one of them tells it.
local function event(is_signal)
  local x <const> = {}
  for j = 1, columns, 2 do
    x[j], x[j + 1] = normal(), normal()
    if is_signal then x[j + 1] = 0.6 * x[j] + 0.8 * x[j + 1] end
  end
  return x
end

-- n events, every other one signal: their numbers, and 1 for signal or 0.
local function events(n)
  local x <const>, y <const> = {}, {}
  for i = 1, n do x[i], y[i] = event(i % 2 == 0), { i % 2 == 0 and 1 or 0 } end
  return x, y
end

local function write(path, x, y)
  local file <close> = assert(io.open(path, "w"))
  file:write("event,signal")
  for j = 1, columns do file:write(",x", j) end
  for i, row in ipairs(x) do
    file:write(("\n%d,%d"):format(i, y[i][1]), (",%.6f"):rep(columns):format(table.unpack(row)))
  end
  file:write("\n")
end

local net <const> = hn.nn.Sequential {
  hn.nn.Hashed(columns, 300, { compression = "1/8" }), hn.nn.ReLU(),
  hn.nn.Hashed(300, 300, { compression = "1/8" }), hn.nn.ReLU(),
  hn.nn.Hashed(300, 1, { compression = "1/8" }),
}
print(net:summary())

local x <const>, y <const> = events(20000)
print(hn.fit(net, hn.data.tensors { x = x, y = y }, {
  loss = "bce", optimizer = hn.optim.Adam { lr = 0.01 }, schedule = hn.optim.cosine(), epochs = 6, validate = 0.1,
}))

local test_x <const>, test_y <const> = events(20000)
print(hn.evaluate(net, hn.data.tensors { x = test_x, y = test_y }))
net:save "signal.hn"
write("events.csv", test_x, test_y)
