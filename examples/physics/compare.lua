--- What the examples of this folder share: networks that are tuned, trained and judged alike on the same events.
local hn <const> = require "hn"

local compare <const> = {}

local HELD <const> = 0.2 -- of the training events, for the search

--- Options of the command line: `usual` has their values, by name; whole numbers stay such. `about` is the usage.
function compare.options(usual, about)
  local function stop(message)
    io.stderr:write(message, "\n", about, "\n")
    os.exit(2, true)
  end
  for i = 1, #arg, 2 do
    local name <const>, value = arg[i]:match "^%-%-(%l+)$", arg[i + 1]
    if name == "help" then
      print(about)
      os.exit(0, true)
    end
    if usual[name] == nil then stop("unknown option " .. arg[i]) end
    if not value then stop(arg[i] .. " needs a value") end
    if math.type(usual[name]) then
      value = math.tointeger(tonumber(value)) or stop(arg[i] .. " needs a whole number, got " .. value)
    end
    usual[name] = value
  end
  return usual
end

-- ---- Training -------------------------------------------------------------------------------------------------------

local space <const> = {
  { "lr", from = 3e-4, to = 1e-2, log = true, usual = 2e-3 },
  { "dropout", from = 0, to = 0.4, zero = 0.4, usual = 0 },
}

--- A trained network, or nil where it diverged.
local function trained(o, network, setting, data, epochs, seed)
  hn.use { seed = seed }
  local net <const> = network.make(setting.dropout)
  local ok <const>, result <const> = pcall(hn.fit, net, data, {
    optimizer = hn.optim.Adam { lr = setting.lr }, schedule = hn.optim.cosine(), batch = o.batch, epochs = epochs,
    progress = false,
  })
  if not ok and not tostring(result):find "^numeric" then error(result, 0) end
  if ok and result.interrupted then os.exit(130, true) end
  return ok and net or nil
end

--- The setting that is best on held events. `o.trials` candidates, the same for every network.
local function tuned(o, network)
  hn.use { seed = 1 }
  local rest <const>, held <const> = o.train:split(1 - HELD)
  return hn.tune.search {
    space = space, trials = o.trials, epochs = o.epochs, halving = false,
    try = function(setting, epochs)
      local net <const> = trained(o, network, setting, rest, epochs, 1)
      local loss <const> = net and hn.evaluate(net, held, { loss = "cross_entropy" }).loss or 0 / 0
      print(("  %-12s lr %-9g dropout %-7g %d epochs: loss %.4f of held events"):format(network.name, setting.lr,
        setting.dropout, epochs, loss))
      return loss
    end,
  }
end

-- ---- Judging --------------------------------------------------------------------------------------------------------

--- The network's ROC curve over a set with the spectators `label` and, where events are weighted, `weight`.
function compare.roc(net, set, weighted)
  local scores <const> = {}
  for i, answer in ipairs(net:predict(set):table()) do scores[i] = answer[2] - answer[1] end
  return hn.metrics.roc(scores, set:spectator "label", weighted and set:spectator "weight" or nil)
end

--- "0.9344 ± 0.0003".
local function mean_text(list, form)
  local sum, squares = 0, 0
  for _, x in ipairs(list) do sum = sum + x end
  local mean <const> = sum / #list
  for _, x in ipairs(list) do squares = squares + (x - mean) ^ 2 end
  if #list < 2 then return form:format(mean) end
  return (form .. " ± " .. form):format(mean, math.sqrt(squares / (#list - 1)))
end

--- Trains a network once for each seed and fills in a row of results.
local function finals(o, network, setting)
  local row <const> = { name = network.name, auc = {}, rejection = {}, seconds = {} }
  for seed = 1, o.seeds do
    local started <const> = hn.clock()
    local net <const> = trained(o, network, setting, o.train, o.epochs, seed)
      or error(network.name .. " diverged with the setting that the search found", 0)
    row.seconds[seed], row.peak = hn.clock() - started, hn.memory().peak
    row.curve = compare.roc(net, o.test, o.weighted)
    row.auc[seed], row.rejection[seed] = row.curve.area, row.curve:rejection(0.5)
    row.stored = net:summary().stored
    print(("  %-12s seed %d: AUC %.4f, rejection %.1f, %.1f s"):format(network.name, seed, row.auc[seed],
      row.rejection[seed], row.seconds[seed]))
    if seed == o.seeds then
      row.file = ("%s-%s.hn"):format(o.out, (network.name:gsub("[^%w]+", "-")))
      net:save(row.file)
      if network.reported then o.report(net) end
    end
  end
  return row
end

--- Signal efficiency against background rejection, all networks in one figure.
local function draw(o, rows)
  local series <const> = {}
  for k, row in ipairs(rows) do
    local x <const>, y <const> = {}, {}
    for i = 1, 16 do
      x[i] = 0.15 + 0.05 * i
      y[i] = row.curve:rejection(x[i])
    end
    series[k] = { name = row.name, x = x, y = y }
  end
  local figure <const> = { series = series, logy = true, title = o.name, x = "signal efficiency",
    y = "1 / background efficiency" }
  print(hn.plot.line(figure))
  figure.file = o.out .. "-roc.svg"
  local ok <const>, message <const> = pcall(hn.plot.line, figure)
  print(ok and "written: " .. figure.file or tostring(message))
end

--- Compares networks. Fields of `o`: `name`; `train` and `test`, sets of hn.data.events with the spectator `label` and,
-- if `weighted`, `weight`; `networks`, a list of { name =, make = function(dropout) that returns a network of two
-- outputs, reported = whether `report(net)` is called }; `trials`, `epochs`, `batch`, `seeds`; `out`, how
-- files' names begin. Prints a table, draws the curves, and keeps the networks of the last seed.
function compare.run(o)
  print(("%s: %d events to train with, %d to test"):format(o.name, #o.train, #o.test))
  local rows <const> = {}
  local lines <const> = { { "network", "stored", "training MiB", "AUC", "rejection at 50 %", "seconds", "file" } }
  for k, network in ipairs(o.networks) do
    local row <const> = finals(o, network, tuned(o, network))
    rows[k] = row
    lines[k + 1] = { row.name, ("%d"):format(row.stored), ("%.2f"):format(row.peak / 2 ^ 20),
      mean_text(row.auc, "%.4f"), mean_text(row.rejection, "%.1f"), mean_text(row.seconds, "%.1f"), row.file }
  end
  print()
  for _, line in ipairs(lines) do print("| " .. table.concat(line, " | ") .. " |") end
  draw(o, rows)
end

return compare
