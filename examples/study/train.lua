--- One training of the study, from what stands in a line of its log.

local grid <const> = require "study.grid"
local hn <const> = require "hn"
local log <const> = require "study.log"
local methods <const> = require "study.methods"

local train <const> = {}

local BATCH <const>, SPLIT_SEED <const>, HELD <const> = 50, 4711, 0.2

-- ---- Data: a folder for each set, with the four IDX files -----------------------------------------------------------

local function idx(path)
  local file <close> = io.open(path .. ".gz", "rb")
  return hn.data.idx(file and path .. ".gz" or path)
end

--- Images of a set's part, "train" or "t10k".
function train.images(o, set, part) return idx(("%s/%s/%s-images-idx3-ubyte"):format(o.data, set, part)) end

local function part_of(o, set, part)
  local x <const>, y <const> = train.images(o, set, part), idx(("%s/%s/%s-labels-idx1-ubyte"):format(o.data, set, part))
  local data <const> = hn.data.tensors { x = x, y = y }
  return o.samples ~= "all" and data:take(math.tointeger(tonumber(o.samples))) or data
end

--- Training samples of a set; the labels' file tells.
function train.samples(o, set)
  local count <const> = idx(("%s/%s/train-labels-idx1-ubyte"):format(o.data, set)):shape()[1]
  return math.min(count, math.tointeger(tonumber(o.samples)) or count)
end

--- The set that a stage trains on, and the one that it is judged by: for a trial the held fifth of the training set;
-- the test set is for final runs alone.
local function data_of(o, run)
  local all <const> = part_of(o, run.set, "train")
  if run.stage == "final" then return all, part_of(o, run.set, "t10k") end
  hn.use { seed = SPLIT_SEED }
  local held <const>, rest <const> = all:split(HELD)
  return rest, held
end

-- ---- Training -------------------------------------------------------------------------------------------------------

--- The full network that teaches a run, trained on the same samples: from its file, which is made when it is not there.
-- Nil after Ctrl-C.
local function teacher_of(o, run)
  local setting <const> = o.chosen(grid.teacher(run))
  if not setting then return nil end
  local full <const> = train.new(grid.teacher(run), { stage = run.stage, samples = o.samples, epochs = o.epochs,
    seed = 1 }, setting)
  local path <const> = ("%s-%s.hn"):format(o.csv:gsub("%.csv$", ""), (log.key(full):gsub("[,/ ]", "_")))
  local file <close> = io.open(path, "rb")
  if not file then
    local net <const> = train.network(o, full)
    if not net then return nil end
    net:save(path)
  end
  return path
end

--- A run without its results: the cell, { stage =, samples =, epochs =, seed = }, and the setting.
function train.new(cell, course, setting)
  local run <const> = {}
  for _, part in ipairs { cell, course, setting } do
    for key, value in pairs(part) do run[key] = value end
  end
  return run
end

--- The trained network, the set that it is to be judged by, and hn.fit's history, where run.watched with the errors of
-- that set after each epoch. Nil after Ctrl-C; raises a numeric error where training diverges.
function train.network(o, run)
  local taught <const> = methods.known[run.method].teacher
  local teacher_path <const> = taught and teacher_of(o, run)
  if taught and not teacher_path then return nil end
  local data <const>, judge <const> = data_of(o, run)
  hn.use { seed = run.seed }
  if hn.seed() ~= run.seed then error("the study's runs have seeds of their own: leave hnrun's --seed out", 0) end
  local teacher <const> = teacher_path
    and { net = hn.load(teacher_path), temperature = run.temperature, weight = run.weight } or nil
  local net <const> = methods.network(run, #data.x:slice(1, 1):table(), data.classes, run)
  local history <const> = hn.fit(net, data, {
    optimizer = hn.optim.SGD { lr = run.lr, momentum = 0.9, stable = true, l2 = run.l2 },
    schedule = hn.optim.cosine(), batch = BATCH, epochs = run.epochs, teacher = teacher,
    quantize = methods.known[run.method].quantize, validate = run.watched and judge or nil, progress = false,
  })
  if history.interrupted then return nil end
  return net, judge, history
end

--- Trains and fills in the results: error in %, loss, stored weights, seconds. Returns the run; nil as train.network.
function train.run(o, run)
  local started <const> = hn.clock()
  local ok <const>, net <const>, judge <const> = pcall(train.network, o, run)
  if not ok and not tostring(net):find "^numeric" then error(net, 0) end
  if ok and not net then return nil end
  run.stored, run.error, run.loss = ok and methods.stored(run.method, net) or 0, 0 / 0, 0 / 0
  if ok then
    local result <const> = hn.evaluate(net, judge, { loss = "cross_entropy" })
    run.error, run.loss = tonumber(("%.8g"):format(100 * result.error)), result.loss
  end
  run.seconds = math.floor(10 * (hn.clock() - started)) / 10
  return run
end

return train
