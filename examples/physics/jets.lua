-- Jet images: top quarks against light jets in 40 x 40 pixels, where networks get wide and memory counts. Trains dense
-- and hashed networks alike and shows their ROC curves together.
--
--   scripts/hep-events jets                                          20,000 jets, minutes; the files' default
--   ./hnrun examples/physics/jets.lua                                a minute or two
--   scripts/hep-events jets -n 200000 -o build/data/jets-200k.h5
--   ./hnrun examples/physics/jets.lua --data build/data/jets-200k.h5 --epochs 4 --trials 6 --seeds 3

package.path = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/?.lua;" .. package.path

local compare <const> = require "compare"
local hn <const> = require "hn"
local nn <const> = hn.nn

local o <const> = compare.options({
  data = "build/data/jets.h5", epochs = 8, trials = 3, seeds = 1, width = 1000, out = "build/jets",
}, [[
usage: hnrun examples/physics/jets.lua [options]
  --data FILE        of scripts/hep-events jets (build/data/jets.h5)
  --epochs N         passes over the training events (8)
  --trials N         candidates of the search for hyper-parameters; 1: the usual ones (3)
  --seeds N          trainings of each network (1)
  --width N          units of the wide networks (1000)
  --out PREFIX       of the names of networks, figure and report (build/jets)
  --help             this text]])

hn.use { seed = 1 }
local train <const>, test <const> = hn.data.events {
  files = o.data, group = "events", columns = "images", label = "label", spectators = { "label", "mass" },
  split = { expression = "event % 5 == 0" },
}

local PIXELS <const> = 1600

-- Pixels hold shares of the jet's momentum, over many orders of magnitude.
local function input()
  local rate <const>, mean <const>, scale <const> = {}, {}, {}
  for i = 1, PIXELS do rate[i], mean[i], scale[i] = 100, 0, 40 end
  return nn.Log(rate), nn.Affine { mean = mean, scale = scale }
end

--- A network of hidden layers of these widths, which `layer(inputs, outputs)` makes.
local function network(name, widths, layer)
  return { name = name, make = function(dropout)
    local list <const> = { input() }
    local inputs = PIXELS
    for _, width in ipairs(widths) do
      table.move({ layer(inputs, width), nn.ReLU(), nn.Dropout(dropout) }, 1, 3, #list + 1, list)
      inputs = width
    end
    list[#list + 1] = nn.Linear(inputs, 2)
    return nn.Sequential(list)
  end }
end

local hashed <const> = network("hashed 1/64", { o.width }, function(inputs, outputs)
  return nn.Hashed(inputs, outputs, { compression = "1/64" })
end)
hashed.reported = true

compare.run {
  name = "Jet images", train = train, test = test, trials = o.trials, epochs = o.epochs, seeds = o.seeds, batch = 100,
  out = o.out,
  networks = {
    network("dense", { o.width }, nn.Linear), hashed,
    network("dense 16", { 16 }, nn.Linear), network("dense 15-15", { 15, 15 }, nn.Linear),
  },
  report = function(net)
    print(hn.report(net, test, o.out .. "-report", { train = train, title = "Jet images",
      names = { "light quarks and gluons", "top quarks" } }))
  end,
}
