-- Which sharing of weights is best at which speed: test errors of one network under every map of its first layer, many
-- seeds, into one CSV; and the time of that layer's training step.
--
--   HN_DATA=mnist ./hnrun --threads 1 scripts/study_maps.lua --part 1/2 &     two processes side by side
--   HN_DATA=mnist ./hnrun --threads 1 scripts/study_maps.lua --part 2/2
--   ./hnrun --threads 1 scripts/study_maps.lua --time                         on its own
--   ./hnrun scripts/study_maps.lua --table
--
-- A run that was killed goes on where it was: what the CSV has is not done again.
--
-- The network is 784-1000-10 with ReLU and dropout 0.25 between its layers. The first layer uses the map; the last one
-- is scheme element at the same compression; in the row "dense" both are dense. SGD, 0.05 falling as a cosine, momentum
-- 0.9, minibatches of 100. Two sets, the same for all seeds:
--   mnist     60,000 training samples, 12 epochs
--   rotated   the first 12,000 of them, each turned by an angle of its own, uniform over the circle, with bilinear
--             interpolation; 30 epochs. The 10,000 test samples are turned likewise
-- A step is forward, the gradients of input, weights and bias, and the update, at a minibatch of 100.

package.path = "scripts/?.lua;" .. package.path

local core <const> = require "hn.core"
local hn <const> = require "hn"
local turn <const> = require "make_data.turn"

local usage <const> = [[
usage: hnrun scripts/study_maps.lua [options]
  --csv FILE         where results are added, a line for each (study_maps.csv)
  --seeds N          of each row, from 1 (3)
  --only PATTERN     rows whose name has the text PATTERN, where * is anything: "rotated line*1/64"
  --part K/N         every N-th row from the K-th on, for N processes side by side (1/1)
  --data FOLDER      with MNIST's four IDX files (HN_DATA)
  --time             time steps of the first layer instead of training
  --table            print the CSV's means and standard errors, and the times
  --quick            small sizes, to see that it works; needs a CSV of its own
  --help             this text]]

local function stop(message)
  io.stderr:write("study_maps.lua: ", message, "\n", usage, "\n")
  os.exit(2, true)
end

local function parse_arguments()
  local o, i = { csv = false, seeds = "3", only = "", part = "1/1", data = false }, 1
  while i <= #arg do
    local name <const> = arg[i]:match("^%-%-(%l+)$")
    if name == "help" then
      print(usage)
      os.exit(0, true)
    elseif name == "time" or name == "table" or name == "quick" then
      o[name] = true
    elseif name and o[name] ~= nil then
      i = i + 1
      o[name] = arg[i] or stop("--" .. name .. " needs a value")
    else
      stop("unknown option " .. arg[i])
    end
    i = i + 1
  end
  return o
end

local given <const> = parse_arguments()

local seeds <const> = math.tointeger(tonumber(given.seeds)) or stop("--seeds needs a whole number, got " .. given.seeds)
local part, parts = given.part:match("^(%d+)/(%d+)$")
part, parts = tonumber(part or 0), tonumber(parts or 0)
if part < 1 or part > parts then stop("--part needs K/N with K from 1 to N, got " .. given.part) end
if given.quick and not given.csv then stop("--quick needs --csv: its results are none of the study's") end
local csv <const> = given.csv or "study_maps.csv"

local sizes <const> = given.quick
  and { train = 200, test = 100, hidden = 32, epochs = { mnist = 1, rotated = 1 }, seconds = 0 }
  or { train = 60000, test = 10000, hidden = 1000, epochs = { mnist = 12, rotated = 30 }, seconds = 0.5 }
local ROTATED <const>, INPUTS <const>, BATCH <const> = 12000, 784, 100

-- ---- Rows: { set =, map = { scheme =, strip =, balanced =, compression = }, seed =, name = } ------------------------

local function new_map(scheme, compression, strip, balanced)
  local words <const> = { scheme, compression, strip > 0 and "strip " .. strip or "one bank" }
  if balanced then words[4] = "balanced" end
  return { scheme = scheme, compression = compression, strip = strip, balanced = balanced,
    name = scheme == "dense" and "dense" or table.concat(words, " ") }
end

--- Every map, in the order of the table.
local function all_maps()
  local list <const> = { new_map("dense", "1", 0, false) }
  for _, compression in ipairs { "1/2", "1/8", "1/64" } do
    for _, scheme in ipairs { "element", "line" } do
      for _, strip in ipairs { 0, 8, 32, 128 } do
        for _, balanced in ipairs { false, true } do
          list[#list + 1] = new_map(scheme, compression, strip, balanced)
        end
      end
    end
  end
  return list
end

--- Adds the rows of a set for one seed.
local function add_rows(list, set, seed)
  for _, map in ipairs(all_maps()) do
    list[#list + 1] = { set = set, map = map, seed = seed, name = ("%s %s seed %d"):format(set, map.name, seed) }
  end
end

--- The rows that the command line asks for; a full round of all maps before the next seed.
local function chosen_rows()
  local all <const>, list <const> = {}, {}
  if given.time then
    add_rows(all, "step", 1)
  else
    for seed = 1, seeds do
      for _, set in ipairs { "mnist", "rotated" } do add_rows(all, set, seed) end
    end
  end
  local pattern <const> = given.only:gsub("%W", "%%%0"):gsub("%%%*", ".*")
  for i, row in ipairs(all) do
    if (i - part) % parts == 0 and row.name:find(pattern) then list[#list + 1] = row end
  end
  if #list == 0 then stop("--only: no row has this name") end
  return list
end

-- ---- The CSV: a value is a test error in %, ns a weight, or "diverged" ----------------------------------------------

local HEADER <const> = "set,scheme,strip,balanced,compression,seed,value,seconds\n"

local function key_of(set, map, seed)
  return ("%s,%s,%d,%s,%s,%d"):format(set, map.scheme, map.strip, map.balanced, map.compression, seed)
end

--- Values by key (nan for diverged), whether the last line is whole, and whether there is none. A line that a kill cut
-- off does not count.
local function read_results()
  local file <close> = io.open(csv)
  local all <const> = file and file:read("a") or ""
  local values <const> = {}
  for key, value in all:gmatch("(%l+,%l+,%d+,%l+,[%d/]+,%d+),([%w.+-]+),[%d.]+\n") do
    values[key] = tonumber(value) or 0 / 0
  end
  return values, all == "" or all:sub(-1) == "\n", all == ""
end

local function add_result(row, value, seconds)
  local _, whole <const>, empty <const> = read_results()
  local file <close> = assert(io.open(csv, "a"))
  file:write((empty and HEADER or "") .. (whole and "" or "\n")
    .. ("%s,%s,%.1f\n"):format(key_of(row.set, row.map, row.seed),
      value == value and ("%.6g"):format(value) or "diverged", seconds))
end

-- ---- Data -----------------------------------------------------------------------------------------------------------

local SIDE <const> = 28

--- The first samples of a set, at most `most`, turned; angle i is random number i under `seed`.
local function rotated(data, most, seed)
  local count <const> = math.min(most, #data)
  local values <const> = {}
  for i = 1, count do
    turn(data.x:slice(i, 1):table(), 2 * math.pi * hn.hash(seed, i) / 2 ^ 32, values, (i - 1) * INPUTS)
  end
  return hn.data.tensors { x = core.array("u8", { count, SIDE, SIDE }, values), y = data.y:slice(1, count),
    names = data.names }
end

local makers <const> = {
  mnist = function()
    local train <const>, test <const> = hn.data.mnist(given.data or nil)
    return train:take(sizes.train), test:take(sizes.test)
  end,
  rotated = function()
    local train <const>, test <const> = hn.data.mnist(given.data or nil)
    return rotated(train, math.min(ROTATED, sizes.train), 1), rotated(test, sizes.test, 2)
  end,
}
local made <const> = {} -- by set

local function data_of(set)
  if not made[set] then made[set] = { makers[set]() } end
  return table.unpack(made[set])
end

-- ---- Training and timing --------------------------------------------------------------------------------------------

local function first_layer(map)
  if map.scheme == "dense" then return hn.nn.Linear(INPUTS, sizes.hidden) end
  return hn.nn.Hashed(INPUTS, sizes.hidden, { scheme = map.scheme, compression = map.compression, strip = map.strip,
    balanced = map.balanced })
end

local function last_layer(map)
  if map.scheme == "dense" then return hn.nn.Linear(sizes.hidden, 10) end
  return hn.nn.Hashed(sizes.hidden, 10, { scheme = "element", compression = map.compression })
end

--- Test error in %; nan where training diverged, nil where Ctrl-C ended it.
local function train(row)
  local training <const>, test <const> = data_of(row.set)
  hn.use { seed = row.seed }
  local net <const> = hn.nn.Sequential { first_layer(row.map), hn.nn.ReLU(), hn.nn.Dropout(0.25), last_layer(row.map) }
  local ok <const>, history <const> = pcall(hn.fit, net, training, {
    optimizer = hn.optim.SGD { lr = 0.05, momentum = 0.9 }, schedule = hn.optim.cosine(), batch = BATCH,
    epochs = sizes.epochs[row.set], progress = false,
  })
  if not ok and not tostring(history):find("^numeric") then error(history, 0) end
  if not ok then return 0 / 0 end
  return not history.interrupted and 100 * hn.evaluate(net, test).error or nil
end

--- Median time of a step, in ns for each virtual weight; nil after Ctrl-C.
local function time_step(row)
  hn.use { seed = row.seed }
  local net <const>, optimizer <const> = first_layer(row.map), hn.optim.SGD { lr = 1e-7, momentum = 0.9 }
  local x <const> = hn.tensor({ BATCH, INPUTS }):uniform(-0.5, 0.5):parameter()
  local times <const>, started = {}, hn.clock()
  repeat
    local before <const> = hn.clock()
    do
      local _ <close> = hn.tape()
      hn.sum(net(x)):backward()
      optimizer:step(net:parameters())
      x:clear_grad()
    end
    times[#times + 1] = hn.clock() - before
    if hn.interrupted() then return nil end
  until hn.clock() - started > sizes.seconds and #times >= 3
  table.sort(times)
  return 1e9 * times[(#times + 1) // 2] / INPUTS / sizes.hidden
end

local function run_all(rows)
  for i, row in ipairs(rows) do
    if read_results()[key_of(row.set, row.map, row.seed)] == nil then
      local started <const> = hn.clock()
      local value <const> = (given.time and time_step or train)(row)
      if not value then return print("interrupted; the same command goes on from here") end
      add_result(row, value, hn.clock() - started)
      print(("%d/%d %s: %s  %.1f s"):format(i, #rows, row.name,
        (given.time and "%.3f ns" or "%.2f %%"):format(value), hn.clock() - started))
      io.stdout:flush()
    end
  end
end

-- ---- The table ------------------------------------------------------------------------------------------------------

--- Mean, standard error (nil for one value) and number of those that are numbers.
local function statistics(values)
  local sum, squares, n = 0, 0, 0
  for _, value in ipairs(values) do
    if value == value then sum, n = sum + value, n + 1 end
  end
  for _, value in ipairs(values) do
    if value == value then squares = squares + (value - sum / n) ^ 2 end
  end
  return n > 0 and sum / n or nil, n > 1 and math.sqrt(squares / (n - 1) / n) or nil, n
end

local function values_of(results, set, map)
  local list, seed = {}, 1
  while results[key_of(set, map, seed)] do
    list[seed], seed = results[key_of(set, map, seed)], seed + 1
  end
  return list
end

--- "2.51 ± 0.04", with the diverged ones told apart; "-" where there is nothing.
local function error_text(values)
  local mean <const>, deviation <const>, n <const> = statistics(values)
  local diverged <const> = n < #values and ("%d diverged"):format(#values - n) or nil
  if not mean then return diverged or "-" end
  return ("%.2f"):format(mean) .. (deviation and (" ± %.2f"):format(deviation) or "")
    .. (diverged and ", " .. diverged or "")
end

local function print_table()
  local results <const> = read_results()
  print "| scheme | compression | strip | balanced | MNIST, error % | rotated, error % | seeds | ns a weight and step |"
  print "| --- | --- | --- | --- | --- | --- | --- | --- |"
  for _, map in ipairs(all_maps()) do
    local mnist <const>, turned <const> = values_of(results, "mnist", map), values_of(results, "rotated", map)
    local ns <const> = results[key_of("step", map, 1)]
    if #mnist > 0 or #turned > 0 or ns then
      print(("| %s | %s | %s | %s | %s | %s | %d, %d | %s |"):format(map.scheme, map.compression,
        map.strip > 0 and map.strip or "", map.balanced and "yes" or "", error_text(mnist), error_text(turned), #mnist,
        #turned, ns and ("%.3f"):format(ns) or "-"))
    end
  end
end

if given.table then print_table() else run_all(chosen_rows()) end
