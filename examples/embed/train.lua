-- The script of host.c: learns whether a + b is above 0. `report` is the program's; `score` is for the program.

local hn <const> = require "hn"
hn.use { seed = 1, threads = 1 }

local x <const>, y <const> = {}, {}
for i = 1, 400 do
  x[i] = { 4 * hn.random() - 2, 4 * hn.random() - 2 }
  y[i] = { x[i][1] + x[i][2] > 0 and 1 or 0 }
end

local net <const> = hn.nn.Sequential {
  hn.nn.Hashed(2, 32, { buckets = 32 }), hn.nn.Tanh(), hn.nn.Hashed(32, 1, { compression = 1 / 2 }),
}
hn.fit(net, hn.data.tensors { x = x, y = y }, {
  loss = "bce", optimizer = hn.optim.Adam { lr = 0.02 }, batch = 20, epochs = 5, progress = false,
  callbacks = { epoch = function(state) _G.report(state.epoch, state.loss) end },
})

function _G.score(a, b) return hn.sigmoid(net:predict { { a, b } }):item() end
