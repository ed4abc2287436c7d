-- A report: trains a hashed network to tell a signal from a background of eight correlated quantities, with event
-- weights, and writes what is to be known of it as one page of HTML. A few seconds:
--
--   ./hnrun examples/report.lua [FOLDER]      # writes FOLDER/index.html, else build/example-report/index.html

local hn <const> = require "hn"

hn.use { seed = 1 }

local names <const> = { "energy", "momentum", "mass", "angle", "width", "distance", "noise 1", "noise 2" }

-- Roughly normal, mean 0 and deviation 1.
local function normal()
  local sum = -6
  for _ = 1, 12 do sum = sum + hn.random() end
  return sum
end

-- One event: signal is heavier, narrower and more central; energy and momentum go together in both.
local function event(signal)
  local energy <const> = normal() + (signal and 0.4 or 0)
  return {
    energy, 0.8 * energy + 0.6 * normal(),
    signal and 0.9 + 0.7 * normal() or 1.3 * normal(), signal and 0.6 * normal() or normal(),
    (signal and 0.7 or 1) * normal() ^ 2, math.abs(normal()) + (signal and 0 or 0.3),
    normal(), normal(),
  }
end

local function events(n)
  local x <const>, y <const>, weight <const> = {}, {}, {}
  for i = 1, n do
    local signal <const> = i % 2 == 0
    x[i], y[i], weight[i] = event(signal), signal and 1 or 0, signal and 0.5 + hn.random() or 1
  end
  local data <const> = hn.data.tensors { x = x, y = y, weight = weight }
  data.columns = names
  return data
end

local train <const>, test <const> = events(6000), events(6000)
local net <const> = hn.nn.Sequential {
  hn.nn.Linear(8, 64), hn.nn.ReLU(),
  hn.nn.Hashed(64, 64, { compression = "1/4" }), hn.nn.ReLU(),
  hn.nn.Linear(64, 1),
}
local history <const> = hn.fit(net, train, {
  loss = "bce", optimizer = hn.optim.Adam { lr = 0.002 }, batch = 100, epochs = 15, validate = 0.2,
})
print(hn.report(net, test, arg[1] or "build/example-report", {
  train = train, history = history, title = "Signal and background", signal = 200, background = 2000,
  settings = { ["hidden units"] = "64, 64", compression = "1/4" },
}))
