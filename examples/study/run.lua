-- The study of Chen et al. 2015, and what came after: test errors of hashed networks and others of the same storage.
-- Hyper-parameters are judged by a fifth of the training set that is held out; a final run trains on all of it with the
-- best ones, once for each seed, and looks at the test set once. Every training is a line of one CSV, and none is done
-- twice: the same command, also after a kill, does what is missing.
--
--   ./hnrun --threads 1 examples/study/run.lua --reduced                          minutes; Fashion-MNIST
--   ./hnrun --threads 1 examples/study/run.lua --data build/data --part 1/2 &     hours; two processes side by side
--   ./hnrun --threads 1 examples/study/run.lua --data build/data --part 2/2
--   ./hnrun --threads 1 examples/study/run.lua --data build/data --inflation      the paper's figure 4
--   ./hnrun examples/study/run.lua --table                                        what the CSV says, beside the paper
--   ./hnrun examples/study/run.lua --figures .                                    the same as pictures
--   ./hnrun --threads 1 examples/study/run.lua --data build/data --again 17       line 17 once more: the same bits?

package.path = (arg[0]:match "^(.*)/[^/]*/[^/]*$" or "..") .. "/?.lua;" .. package.path

local figures <const> = require "study.figures"
local grid <const> = require "study.grid"
local hn <const> = require "hn"
local log <const> = require "study.log"
local methods <const> = require "study.methods"
local report <const> = require "study.report"
local search <const> = require "study.search"
local train <const> = require "study.train"

local usage <const> = [[
usage: hnrun --threads 1 examples/study/run.lua [options]
  --data FOLDER      with a folder for each set, of the four IDX files (HN_DATA)
  --sets A,B         of the folder (mnist,basic,rot,bg-rand,bg-img,bg-img-rot,rectangles,rectangles-images,convex;
                     with --inflation mnist)
  --methods A,B      (rer,lrd,nn,dk,hashnet,hashnetdk,line,linedk,balanced,balanceddk,strips,sum,sumdk,pool,int8,
                     int8dk,int4,int4dk,full)
  --layers A,B       3: one hidden layer of 1000 units; 5: three (3,5)
  --storage A,B      stored weights over those of the dense network (1/8,1/64, as in the paper's tables; its figures
                     have 1/1,1/2,1/4,1/16,1/32 too)
  --inflation        the storage of 50 units a layer instead, in networks 1 to 64 times as wide
  --seeds N          final runs of each cell (3)
  --trials N         candidates of the search for hyper-parameters; 1: the usual ones (9)
  --epochs N         of a final run; the search's rounds are shorter (45)
  --samples N        of the training and of the test set at most (all)
  --csv FILE         the log (study.csv); teachers are kept in files beside it
  --part K/N         every N-th cell from the K-th on, for N processes side by side (1/1)
  --table            print the log's tables; runs nothing
  --figures FOLDER   print and write what the log has as figures (SVG, by gnuplot), and the buckets' loads
  --curves FILE      the first set's errors after each epoch, as a figure; trains each method once more
  --again LINE       do the run of that line of the log again and compare
  --reduced          small: 2,000 samples of fashion-mnist where Debian puts it, 3 layers, 1/8 and 1/64, one seed
  --help             this text]]

local reduced <const> = { data = "/usr/share/datasets", sets = "fashion-mnist", methods = "nn,hashnet,line,sum",
  layers = "3", storage = "1/8,1/64", seeds = "1", trials = "3", epochs = "9", samples = "2000" }
local usual <const> = { data = os.getenv "HN_DATA" or "", methods = table.concat(methods.names, ","), layers = "3,5",
  storage = "1/8,1/64", seeds = "3", trials = "9", epochs = "45", samples = "all",
  csv = "study.csv", part = "1/1" }

-- ---- The command line -----------------------------------------------------------------------------------------------

local function stop(message)
  io.stderr:write("run.lua: ", message, "\n", usage, "\n")
  os.exit(2, true)
end

--- Options as texts; those that take no value are true.
local function given_options()
  local flags <const> = { inflation = true, table = true, reduced = true }
  local valued <const> = { sets = true, again = true, figures = true, curves = true }
  local o, i = {}, 1
  while i <= #arg do
    local name <const> = arg[i]:match "^%-%-(%l+)$"
    if name == "help" then
      print(usage)
      os.exit(0, true)
    elseif flags[name] then
      o[name] = true
    elseif name and (usual[name] or valued[name]) then
      i = i + 1
      o[name] = arg[i] or stop("--" .. name .. " needs a value")
    else
      stop("unknown option " .. arg[i])
    end
    i = i + 1
  end
  for _, defaults in ipairs { o.reduced and reduced or {}, usual } do
    for name, value in pairs(defaults) do o[name] = o[name] or value end
  end
  return o
end

local function whole(name, text)
  local n <const> = math.tointeger(tonumber(text))
  return n and n > 0 and n or stop(("--%s needs a whole number above 0, got %s"):format(name, text))
end

--- A list of the option's words, each of which `take` accepts by a value or refuses by nil.
local function words(name, text, take)
  local list <const> = {}
  for word in text:gmatch "[^,]+" do
    list[#list + 1] = take(word) or stop(("--%s: %s is none"):format(name, word))
  end
  return #list > 0 and list or stop(("--%s needs a value"):format(name))
end

local function itself(word) return word end
local function known_method(word) return methods.known[word] and word end
local function known_layers(word) return (word == "3" or word == "5") and math.tointeger(word) end
local function known_storage(word) return word:find "^1/[1-9]%d*$" and word end

local function parse_options()
  local g <const> = given_options()
  local first <const>, parts <const> = g.part:match "^(%d+)/(%d+)$"
  local o <const> = {
    data = g.data, csv = g.csv, table = g.table, inflation = g.inflation, seed = 1, again = g.again,
    figures = g.figures, curves = g.curves,
    sets = words("sets", g.sets or (g.inflation and "mnist") or table.concat(grid.sets, ","), itself),
    methods = words("methods", g.methods, known_method), layers = words("layers", g.layers, known_layers),
    storages = words("storage", g.storage, known_storage), seeds = whole("seeds", g.seeds),
    trials = whole("trials", g.trials), epochs = whole("epochs", g.epochs),
    samples = g.samples == "all" and "all" or tostring(whole("samples", g.samples)),
    part = math.tointeger(first) or 0, parts = math.tointeger(parts) or 0,
  }
  if o.part < 1 or o.part > o.parts then stop("--part needs K/N with K from 1 to N, got " .. g.part) end
  if o.data == "" and not (o.table or o.figures) then stop("--data: no folder given, and HN_DATA is not set") end
  return o
end

local o <const> = parse_options()

-- ---- Progress: cost is samples × epochs × virtual weights -----------------------------------------------------------

local progress <const> = { cost = 0, done = 0, seconds = 0, counts = {} }

local function run_cost(cell, stage, epochs)
  progress.counts[cell.set] = progress.counts[cell.set] or train.samples(o, cell.set)
  return progress.counts[cell.set] * (stage == "trial" and 0.8 or 1) * epochs * methods.weights(cell)
end

local function cell_cost(cell)
  local cost = o.seeds * run_cost(cell, "final", o.epochs)
  for _, round in ipairs(hn.tune.rounds(o.trials, o.epochs)) do
    cost = cost + round.count * run_cost(cell, "trial", round.epochs)
  end
  return cost
end

local function time_text(seconds)
  if seconds < 90 then return ("%.0f s"):format(seconds) end
  if seconds < 5400 then return ("%.0f min"):format(seconds / 60) end
  return ("%.1f h"):format(seconds / 3600)
end

local function show(run, fresh)
  progress.done = progress.done + run_cost(run, run.stage, run.epochs)
  if not fresh then return end
  progress.seconds, progress.fresh = progress.seconds + run.seconds,
    (progress.fresh or 0) + run_cost(run, run.stage, run.epochs)
  local left <const> = math.max(0, progress.cost - progress.done) * progress.seconds / progress.fresh
  local what <const> = run.stage == "final" and ("seed %d: test error"):format(run.seed)
    or ("trial, %d epochs: validation error"):format(run.epochs)
  local error <const> = run.error == run.error and ("%.2f %%"):format(run.error) or "none, it diverged,"
  print(("%3.0f %%, %s left  %s %s %d layers %s x%d, %s %s  %.1f s"):format(
    math.min(100, 100 * progress.done / progress.cost), time_text(left), run.set, run.method, run.layers, run.storage,
    run.width, what, error, run.seconds))
  io.stdout:flush()
end

-- ---- Cells ----------------------------------------------------------------------------------------------------------

--- The run's results from the log, else from a training. Nil after Ctrl-C.
local function result(run)
  local found <const> = log.read(o.csv)[log.key(run)]
  if not found then
    if not train.run(o, run) then return nil end
    log.add(o.csv, run)
  end
  show(found or run, not found)
  return found or run
end

--- The setting that the search finds for a cell. Nil after Ctrl-C.
function o.chosen(cell)
  local function try(setting, epochs)
    local run <const> = result(train.new(cell, { stage = "trial", samples = o.samples, epochs = epochs, seed = 1 },
      setting))
    if run then return run.error, run.loss end
  end
  return (hn.tune.search { space = search.space(methods.known[cell.method], cell.layers), trials = o.trials,
    epochs = o.epochs, seed = o.seed, try = try })
end

--- Does what is missing of a cell. False after Ctrl-C.
local function complete(cell)
  local setting <const> = o.chosen(cell)
  if not setting then return false end
  for seed = 1, o.seeds do
    local course <const> = { stage = "final", samples = o.samples, epochs = o.epochs, seed = seed }
    if not result(train.new(cell, course, setting)) then return false end
  end
  return true
end

local function run_all()
  local mine <const> = {}
  for k, cell in ipairs(grid.cells(o)) do
    if (k - o.part) % o.parts == 0 then mine[#mine + 1] = cell end
  end
  for _, cell in ipairs(mine) do progress.cost = progress.cost + cell_cost(cell) end
  for _, cell in ipairs(mine) do
    if not complete(cell) then return print "interrupted; the same command goes on from here" end
  end
end

--- Does the run of a line again. Exit status 1 if it comes out otherwise.
local function again(line)
  local before
  for _, run in ipairs(log.read(o.csv)) do
    if run.line == line then before = run end
  end
  if not before then stop(("--again: line %d of %s is no run"):format(line, o.csv)) end
  local run <const> = {}
  for key, value in pairs(before) do run[key] = value end
  o.samples = run.samples
  if not train.run(o, run) then return print "interrupted" end
  local same <const> = before.error == run.error and before.loss == run.loss
    or before.error ~= before.error and run.error ~= run.error
  print(("line %d: error %.17g %%, loss %.17g\nagain:  error %.17g %%, loss %.17g\n%s"):format(line, before.error,
    before.loss, run.error, run.loss, same and "the same" or "different"))
  if not same then os.exit(1, true) end
end

if o.table then
  report.print(o, (log.read(o.csv)))
elseif o.figures then
  figures.draw(o, (log.read(o.csv)))
elseif o.curves then
  figures.curves(o, (log.read(o.csv)))
elseif o.again then
  again(whole("again", o.again))
else
  run_all()
end
