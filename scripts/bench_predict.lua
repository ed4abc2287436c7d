-- The network of `make bench-predict`: a model file, and its expanded weights and biases as float32, layer after layer.
local hn <const> = require "hn"
hn.use { device = "cpu", threads = 1, seed = 1 }

local function hashed(inputs, outputs) return hn.nn.Hashed(inputs, outputs, { compression = "1/8" }) end

local net <const> = hn.nn.Sequential { hashed(28, 300), hn.nn.ReLU(), hashed(300, 300), hn.nn.ReLU(), hashed(300, 1) }
net:save(arg[1])

local function floats(list) return string.pack("<" .. ("f"):rep(#list), table.unpack(list)) end

local file <const> = assert(io.open(arg[2], "wb"))
for i = 1, 5, 2 do
  for _, row in ipairs(net[i].matrix:expand():table()) do file:write(floats(row)) end
  file:write(floats(net[i].bias:table()))
end
file:close()
