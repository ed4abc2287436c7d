-- Trains a network whose two weight matrices are virtual: 784-1000-10 on Fashion-MNIST, with one stored weight for
-- every eight that the network sees.
--
--   ./hnrun examples/train.lua                                       about a minute on two cores
--   ./hnrun examples/train.lua --compression 1/64 --epochs 5 --lr 0.01 --save fashion.hn
--   HN_DATA=folder ./hnrun examples/train.lua                        another set in the four IDX files, such as MNIST
--   ./hnrun --threads 1 --memory 64MiB examples/train.lua            the engine's own options come before the script

local hn <const> = require "hn"

local usage <const> = [[
usage: hnrun examples/train.lua [options]
  --epochs N         passes over the training set (20)
  --batch N          samples of a minibatch (50)
  --lr X             learning rate at the start (0.05)
  --compression C    stored weights over virtual ones, such as 1/64 (1/8)
  --scheme NAME      how weights map to buckets: line or element; dense for none (line)
  --balanced         lets every bucket serve as many weights as any other
  --hidden N         width of the hidden layer (1000)
  --dropout P        share of the hidden units that a training step leaves out (0.2)
  --seed N           of first values, shuffling and hashes (1)
  --data FOLDER      with the IDX files (HN_DATA, or where Debian's dataset-fashion-mnist puts them)
  --save FILE        where the trained network is kept
  --help             this text]]

local settings <const> = {
  epochs = 20, batch = 50, lr = 0.05, compression = "1/8", scheme = "line", hidden = 1000, dropout = 0.2,
  seed = 1, data = false, save = false,
}
local balanced = false

local function stop(message)
  io.stderr:write("train.lua: ", message, "\n", usage, "\n")
  os.exit(2, true)
end

local i = 1
while i <= #arg do
  local name <const> = arg[i]:match("^%-%-(%l+)$")
  if name == "help" then
    print(usage)
    os.exit(0, true)
  end
  if name == "balanced" then
    balanced = true
    i = i + 1
  else
    if settings[name] == nil then stop("unknown option " .. arg[i]) end
    local value = arg[i + 1] or stop(arg[i] .. " needs a value")
    if math.type(settings[name]) then value = tonumber(value) or stop(arg[i] .. " needs a number, got " .. value) end
    settings[name] = value
    i = i + 2
  end
end

print(hn.use { seed = settings.seed })
local train <const>, test <const> = hn.data.fashion_mnist(settings.data or nil)

local hashing <const> = { compression = settings.compression, scheme = settings.scheme, balanced = balanced }

local function layer(inputs, outputs)
  if settings.scheme == "dense" then return hn.nn.Linear(inputs, outputs) end
  return hn.nn.Hashed(inputs, outputs, hashing)
end

local net <const> = hn.nn.Sequential {
  layer(784, settings.hidden), hn.nn.ReLU(), hn.nn.Dropout(settings.dropout),
  layer(settings.hidden, 10),
}
print(net:summary())

local history <const> = hn.fit(net, train, {
  optimizer = hn.optim.SGD { lr = settings.lr, momentum = 0.9 },
  schedule = hn.optim.cosine(),
  batch = settings.batch,
  epochs = settings.epochs,
})
print(history)
print("test: " .. tostring(hn.evaluate(net, test)))
if settings.save then net:save(settings.save) end
