-- The HIGGS benchmark: a heavy Higgs boson's decay against pairs of top quarks in 28 features, weighted. Trains dense
-- and hashed networks alike and shows their ROC curves together.
--
--   scripts/hep-events higgs                                         20,000 events, minutes; the files' default
--   ./hnrun examples/physics/higgs.lua                               some seconds
--   scripts/hep-events higgs -n 400000 -o build/data/higgs-400k.h5
--   ./hnrun examples/physics/higgs.lua --data build/data/higgs-400k.h5 --epochs 20 --trials 6 --seeds 3

package.path = (arg[0]:match "^(.*)/[^/]*$" or ".") .. "/?.lua;" .. package.path

local compare <const> = require "compare"
local hn <const> = require "hn"
local nn <const> = hn.nn

local o <const> = compare.options({
  data = "build/data/higgs.h5", epochs = 8, trials = 3, seeds = 1, out = "build/higgs",
}, [[
usage: hnrun examples/physics/higgs.lua [options]
  --data FILE        of scripts/hep-events higgs (build/data/higgs.h5)
  --epochs N         passes over the training events (8)
  --trials N         candidates of the search for hyper-parameters; 1: the usual ones (3)
  --seeds N          trainings of each network (1)
  --out PREFIX       of the names of networks, figure and report (build/higgs)
  --help             this text]])

local columns <const> = { "lepton_pt", "lepton_eta", "lepton_phi", "met", "met_phi" }
for jet = 1, 4 do
  for _, name in ipairs { "pt", "eta", "phi", "btag" } do columns[#columns + 1] = ("jet%d_%s"):format(jet, name) end
end
for _, name in ipairs { "jj", "jjj", "lv", "jlv", "bb", "wbb", "wwbb" } do columns[#columns + 1] = "m_" .. name end

-- Background outweighs signal by far, so training takes both classes for equal in weight.
hn.use { seed = 1 }
local train <const>, test <const> = hn.data.events {
  files = o.data, group = "events", columns = columns, label = "label", weight = "weight",
  normalise_weights = "equal", spectators = { "label", "weight" }, split = { expression = "event % 5 == 0" },
}

-- Energies and masses have long tails.
local energies <const> = {}
for k, name in ipairs(columns) do
  if name:find "pt$" or name:find "^m" and name ~= "met_phi" then energies[#energies + 1] = k end
end

local function input()
  local transform <const> = hn.transform { { "log", features = energies }, "standardise" }
  return transform:fit(train)
end

--- A network of four hidden layers, made by a function of inputs.
local function network(name, width, hidden)
  return { name = name, make = function(dropout)
    local list <const> = { input(), nn.Linear(#columns, width), nn.ReLU() }
    for _ = 2, 4 do
      table.move({ hidden(), nn.ReLU(), nn.Dropout(dropout) }, 1, 3, #list + 1, list)
    end
    list[#list + 1] = nn.Linear(width, 2)
    return nn.Sequential(list)
  end }
end

local function dense(name, width)
  return network(name, width, function() return nn.Linear(width, width) end)
end

local hashed <const> = network("hashed 1/16", 128, function()
  return nn.Hashed(128, 128, { compression = "1/16" })
end)
hashed.reported = true

compare.run {
  name = "Higgs bosons", train = train, test = test, weighted = true, trials = o.trials, epochs = o.epochs,
  seeds = o.seeds, batch = 128, out = o.out,
  networks = { dense("dense", 128), hashed, dense("dense 44", 44) },
  report = function(net)
    print(hn.report(net, test, o.out .. "-report", { train = train, title = "Higgs bosons",
      names = { "top quarks", "Higgs bosons" } }))
  end,
}
