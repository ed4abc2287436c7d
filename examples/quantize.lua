-- Weights for one byte each: trains a hashed network on Fashion-MNIST, goes on with its weights rounded as
-- `hnrun export --c --int8` stores them, and saves the network that comes of it. A minute or two:
--
--   ./hnrun examples/quantize.lua fashion.hn
--   ./hnrun export --c fashion.hn -o classifier --int8 --data fashion_mnist

local hn <const> = require "hn"

hn.use { seed = 1 }

local train <const>, test <const> = hn.data.fashion_mnist()
local rest <const>, held <const> = train:split(0.9)
local net <const> = hn.nn.Sequential {
  hn.nn.Hashed(784, 1000, { compression = "1/64" }), hn.nn.ReLU(), hn.nn.Dropout(0.25),
  hn.nn.Hashed(1000, 10, { compression = "1/64" }),
}

-- The second time with a smaller learning rate: what was learned is to be adjusted.
local function fit(lr, epochs, quantize)
  return hn.fit(net, rest, {
    optimizer = hn.optim.SGD { lr = lr, momentum = 0.9 }, schedule = hn.optim.cosine(),
    epochs = epochs, validate = held, quantize = quantize,
  })
end

print(fit(0.01, 5))
print("float32  " .. tostring(hn.evaluate(net, test)))
print(fit(0.003, 2, "int8"))
print("int8     " .. tostring(hn.evaluate(net, test)))
if arg[1] then net:save(arg[1]) end
