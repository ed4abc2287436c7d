-- A regression: learns a surface z(x, y) from noisy points, with the mean squared error and early stopping on points
-- held out, by a network of hashed layers. A few seconds:
--
--   ./hnrun examples/regression.lua

local hn <const> = require "hn"

hn.use { seed = 1 }

local function surface(x, y) return math.sin(3 * x) * math.cos(2 * y) + 0.5 * x * y end

-- n points in the square from -1 to 1, with noise of about 0.05 on z.
local function points(n, noise)
  local places <const>, heights <const> = {}, {}
  for i = 1, n do
    local x <const>, y <const> = 2 * hn.random() - 1, 2 * hn.random() - 1
    local error <const> = noise * (hn.random() + hn.random() + hn.random() - 1.5) * 2
    places[i], heights[i] = { x, y }, surface(x, y) + error
  end
  return hn.data.tensors { x = places, y = heights }
end

local net <const> = hn.nn.Sequential {
  hn.nn.Linear(2, 128, { init = "xavier" }), hn.nn.Tanh(),
  hn.nn.Hashed(128, 128, { compression = 1 / 8, init = "xavier" }), hn.nn.Tanh(),
  hn.nn.Linear(128, 1, { init = "xavier" }),
}
print(net:summary())

print(hn.fit(net, points(4000, 0.05), {
  loss = "mse",
  optimizer = hn.optim.Adam { lr = 0.005 },
  schedule = hn.optim.plateau { factor = 0.3, patience = 3 },
  epochs = 60, validate = 0.2, patience = 10,
}))

local exact <const> = points(1000, 0)
print(("root mean squared error on points without noise: %.4f"):format(hn.evaluate(net, exact).loss ^ 0.5))
for _, place in ipairs { { 0, 0 }, { 0.5, 0 }, { -0.5, 0.5 } } do
  print(("z(%4.1f, %4.1f) = %6.3f, predicted %6.3f"):format(place[1], place[2], surface(place[1], place[2]),
    net:predict({ place }):item()))
end
