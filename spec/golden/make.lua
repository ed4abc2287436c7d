-- Wrote spec/golden/version-1.hn, which stays as it is: files of format version 1 load for ever. model_spec.lua holds
-- the predictions of the network in it.
local hn <const> = require "hn"
hn.use { device = "cpu", threads = 1, seed = 11 }

local Half <const> = hn.nn.module "Half"
function Half:forward(x) return hn.scale(x, self.factor) end
function Half:init() self.factor = 0.5 end

local pool <const> = hn.buckets(64)
local net <const> = hn.nn.Sequential {
  hn.nn.Hashed(6, 20, { pool = pool, count = 48, balanced = true }), hn.nn.BatchNorm(20), hn.nn.GELU(), Half(),
  hn.nn.Residual { hn.nn.Hashed(20, 20, { pool = pool, scheme = "element", strip = 5, bias = "hashed" }) },
  hn.nn.Dropout(0.2), hn.nn.LayerNorm(20), hn.nn.LeakyReLU(0.1), hn.nn.Linear(20, 3),
}
local x <const> = hn.tensor({ 8, 6 }, function(i, j) return math.sin(i * j) end)
local y <const> = hn.labels { 1, 2, 3, 1, 2, 3, 1, 2 }
hn.fit(net, hn.data.tensors { x = x, y = y }, { epochs = 2, batch = 4, progress = false })
net:save(arg[1])
for _, row in ipairs(net(x):table()) do print(("{ %.9g, %.9g, %.9g },"):format(table.unpack(row))) end
