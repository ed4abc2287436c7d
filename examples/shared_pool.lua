-- Two layers over one pool of buckets: their virtual matrices have 784 x 500 and 500 x 500 elements, and all of them
-- are looked up in the same 16,000 stored weights. Each layer has a seed of its own, so they share memory and
-- gradients, not values in the same places. A few seconds:
--
--   ./hnrun examples/shared_pool.lua

local hn <const> = require "hn"

hn.use { seed = 1 }
local train, test = hn.data.fashion_mnist()
train, test = train:take(10000), test:take(2000)

local pool <const> = hn.buckets(16000)
local net <const> = hn.nn.Sequential {
  hn.nn.Hashed(784, 500, { pool = pool, seed = 1 }), hn.nn.ReLU(), -- the first layer fills the pool
  hn.nn.Hashed(500, 500, { pool = pool, seed = 2 }), hn.nn.ReLU(), -- the second takes it as it is
  hn.nn.Linear(500, 10),
}
print(net)
print(net:summary())

-- The same row and column of the two matrices are different buckets of the one pool.
local first <const>, second <const> = net[1].matrix, net[3].matrix
print(("element (1, 1): bucket %d, sign %d in the first layer; bucket %d, sign %d in the second"):format(
  first:bucket(1, 1), select(2, first:bucket(1, 1)), second:bucket(1, 1)))

print(hn.fit(net, train, { optimizer = hn.optim.Adam { lr = 0.001 }, epochs = 4 }))
print("test: " .. tostring(hn.evaluate(net, test)))
