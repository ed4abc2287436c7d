-- How fast training is and how much memory it takes: layer steps and epochs, hashed beside dense, one table in one run.
--
--   make bench                                            about two minutes on two cores; leave the machine alone
--   ./hnrun scripts/bench.lua --only "step 4096*line"     some rows, with the dense ones that they are compared with
--   ./hnrun --threads 1 scripts/bench.lua --csv           the engine's own options come before the script
--
-- A row is one contestant. Those of one work take turns, so that whatever else the machine does hits all alike; a turn
-- is one step that isn't counted, which warms the caches, and then as many as fit a fixed time.
--   step      of one layer: forward, the gradients of input, weights and bias, update by SGD with momentum
--   forward   of one layer, unrecorded
--   events    28-300-300-300-1, binary cross-entropy and Adam: a minibatch fetched, forward, backward, update
--   epoch     60,000 samples through 784-1000-10, ReLU and cross-entropy, minibatches shuffled: 12 times the median of
--             turns of 100 minibatches; forward counts the loss, and the total also fetching the minibatches
-- Times are medians in milliseconds. "ns/weight" is the time of one step over the virtual weights. GFLOP/s counts what
-- the dense layer would compute; "of peak" is its share of the best product of two large square matrices in this run.
-- A GPU works on its own time: there a turn's steps are timed together, and its phases are left out.
-- "peak" is the most device memory that the contestant took on its own. "beyond" is what it had then beside weights,
-- activations, the gradients of both, optimiser state and data, divided by the threads.

local core <const> = require "hn.core"
local hn <const> = require "hn"

local clock <const> = core.clock

local usage <const> = [[
usage: hnrun scripts/bench.lua [options]
  --quick            a few seconds, for a look; the figures are rough
  --only PATTERN     rows whose name has the text PATTERN, where * is anything: "step 4096*line", "epoch"
  --csv              comma-separated, with the lines about the machine as # comments
  --turns            for scripts/bench-peers: reads names of rows, answers each with the times of one turn in ms
  --help             this text]]

local function stop(message)
  io.stderr:write("bench.lua: ", message, "\n", usage, "\n")
  os.exit(2, true)
end

--- A text with * for anything, as a Lua pattern.
local function pattern_of(text)
  return (text:gsub("%W", "%%%0"):gsub("%%%*", ".*"))
end

local function parse_arguments()
  local o, i = { only = "" }, 1
  while i <= #arg do
    local name <const> = arg[i]:match("^%-%-(%l+)$")
    if name == "help" then
      print(usage)
      os.exit(0, true)
    elseif name == "quick" or name == "csv" or name == "turns" then
      o[name] = true
    elseif name == "only" then
      i = i + 1
      o.only = pattern_of(arg[i] or stop("--only needs a value"))
    else
      stop("unknown option " .. arg[i])
    end
    i = i + 1
  end
  return o
end

local given <const> = parse_arguments()

-- How much is enough: turns of each contestant, seconds of a turn, size of the product that tells the machine's peak.
local effort <const> = given.quick and { rounds = 2, seconds = 0.005, minibatches = 5, epoch_rounds = 2, square = 512 }
  or { rounds = 11, seconds = 0.15, minibatches = 100, epoch_rounds = 24, square = 2048 }
local EPOCH <const> = 1200 -- minibatches of 50 in an epoch of 60,000

-- ---- Contestants: each is made by a function and gives step(times, look), which appends what it took to `times` -----

--- The layer that a contestant's weights say: { scheme =, compression = }, or {} for dense.
local function new_layer(weights, inputs, outputs)
  if not weights.scheme then return hn.nn.Linear(inputs, outputs) end
  return hn.nn.Hashed(inputs, outputs, { scheme = weights.scheme, compression = weights.compression })
end

local function random_tensor(rows, cols)
  return hn.tensor({ rows, cols }):uniform(-0.5, 0.5)
end

local function note(times, fetch, forward, backward, update)
  times[#times + 1] = { forward = forward, backward = backward, update = update,
    total = fetch + forward + backward + update }
end

--- Optimiser and parameters of a net, as one function.
local function new_update(net, optimizer)
  local parameters <const> = net:parameters()
  return function() optimizer:step(parameters) end
end

--- With a rate so small that endless steps diverge nowhere.
local function new_sgd(rate) return hn.optim.SGD { lr = rate, momentum = 0.9 } end

--- A training step of one layer. `look` is called while all that the step needs is there.
local function new_step(work, weights)
  local net <const> = new_layer(weights, work.cols, work.rows)
  local x <const> = random_tensor(work.batch, work.cols):parameter()
  local update <const> = new_update(net, new_sgd(1e-7))
  return function(times, look)
    local start <const> = clock()
    local _ <close> = hn.tape()
    local sum <const> = hn.sum(net(x))
    local middle <const> = clock()
    sum:backward()
    local last <const> = clock()
    update()
    x:clear_grad()
    note(times, 0, middle - start, last - middle, clock() - last)
    if look then look() end
  end
end

local function new_forward(work, weights)
  local net <const>, x <const> = new_layer(weights, work.cols, work.rows), random_tensor(work.batch, work.cols)
  return function(times, look)
    local start <const> = clock()
    local _ <close> = hn.scope()
    net(x)
    note(times, 0, clock() - start, 0, 0)
    if look then look() end
  end
end

--- Minibatches without end, shuffled anew for each pass.
local function endless(data, batch)
  local following
  return function()
    local x, y
    if following then x, y = following() end
    if not x then
      following = data:batches { batch = batch, shuffle = true }
      x, y = following()
    end
    return x, y
  end
end

--- A minibatch of a network's training.
local function new_minibatch(net, data, batch, loss_of, update)
  local following <const> = endless(data, batch)
  return function(times, look)
    local before <const> = clock()
    local x <const>, y <const> = following()
    local start <const> = clock()
    local _ <close> = hn.tape()
    local loss <const> = loss_of(net(x), y)
    local middle <const> = clock()
    loss:backward()
    local last <const> = clock()
    update()
    note(times, start - before, middle - start, last - middle, clock() - last)
    if look then look() end
  end
end

local images -- of the epochs, read when needed

local function new_epoch(work, weights)
  images = images or (hn.data.fashion_mnist())
  local net <const> = hn.nn.Sequential { new_layer(weights, 784, 1000), hn.nn.ReLU(), new_layer(weights, 1000, 10) }
  return new_minibatch(net, images, work.batch, hn.cross_entropy, new_update(net, new_sgd(0.01)))
end

--- 100 minibatches of events that random numbers make; what they are makes no difference to the time.
local function random_events(work)
  local count <const>, y <const> = 100 * work.batch, {}
  for i = 1, count do y[i] = { i % 2 } end
  return hn.data.tensors { x = random_tensor(count, 28), y = y }
end

local function new_events(work, weights)
  local net <const> = hn.nn.Sequential {
    new_layer(weights, 28, 300), hn.nn.ReLU(), new_layer(weights, 300, 300), hn.nn.ReLU(),
    new_layer(weights, 300, 300), hn.nn.ReLU(), new_layer(weights, 300, 1),
  }
  return new_minibatch(net, random_events(work), work.batch, hn.bce, new_update(net, hn.optim.Adam { lr = 1e-4 }))
end

-- ---- Turns ----------------------------------------------------------------------------------------------------------

--- Steps of a turn on a device that works on its own time: `going` says after each step whether to go on.
local function timed_together(step, times, steps_noted, going)
  local started <const>, unread <const> = clock(), {}
  local n = 0
  repeat
    step(unread)
    n = n + 1
  until not going(n)
  hn.wait()
  times[#times + 1] = { total = (clock() - started) / n * steps_noted }
end

local function on_its_own() return not hn.device():find "^cpu" end

--- A turn of step or forward: its steps' times go to `times`.
local function timed_turn(step, times)
  step {}
  hn.wait()
  local started <const> = clock()
  if on_its_own() then
    return timed_together(step, times, 1, function(n) return n < 2 or clock() - started < effort.seconds end)
  end
  local before <const> = #times
  repeat step(times) until clock() - started > effort.seconds and #times - before >= 2
end

--- A turn of minibatches, whose sum is noted as that of an epoch.
local function epoch_turn(step, times)
  if on_its_own() then
    return timed_together(step, times, EPOCH, function(n) return n < effort.minibatches end)
  end
  local all <const>, sum <const> = {}, { forward = 0, backward = 0, update = 0, total = 0 }
  for _ = 1, effort.minibatches do step(all) end
  for _, one in ipairs(all) do
    for phase, seconds in pairs(one) do sum[phase] = sum[phase] + seconds * EPOCH / effort.minibatches end
  end
  times[#times + 1] = sum
end

-- flops: of one step, for each weight and sample; a network's first layer has no gradient of its input.
local kinds <const> = {
  step = { new = new_step, turn = timed_turn, rounds = effort.rounds, steps = 1, flops = 6 },
  forward = { new = new_forward, turn = timed_turn, rounds = effort.rounds, steps = 1, flops = 2 },
  events = { new = new_events, turn = timed_turn, rounds = effort.rounds, steps = 1,
    flops = (4 * 8400 + 6 * 180300) / 188700 },
  epoch = { new = new_epoch, turn = epoch_turn, rounds = effort.epoch_rounds, steps = EPOCH,
    flops = (4 * 784000 + 6 * 10000) / 794000 },
}

local works <const> = {
  { kind = "step", shape = "784x1000", cols = 784, rows = 1000, batch = 50 },
  { kind = "step", shape = "4096x4096", cols = 4096, rows = 4096, batch = 50 },
  { kind = "step", shape = "4096x4096", cols = 4096, rows = 4096, batch = 256 },
  { kind = "forward", shape = "4096x4096", cols = 4096, rows = 4096, batch = 1 },
  { kind = "events", shape = "28-300-300-300-1", size = 188700, batch = 128 },
  { kind = "epoch", shape = "784-1000-10", size = 794000, batch = 50 },
}

local weightings <const> = {
  { name = "dense" },
  { name = "line 1/8", scheme = "line", compression = "1/8" },
  { name = "line 1/64", scheme = "line", compression = "1/64" },
  { name = "element 1/8", scheme = "element", compression = "1/8" },
  { name = "element 1/64", scheme = "element", compression = "1/64" },
}

local function open() hn.use { seed = 1 } end

--- Every contestant of a work, as named.
local function contestants_of(work)
  local list <const> = {}
  for i, weights in ipairs(weightings) do
    list[i] = { name = ("%s %s %d %s"):format(work.kind, work.shape, work.batch, weights.name), work = work,
      kind = kinds[work.kind], weights = weights, times = {} }
  end
  return list
end

--- Those that --only asks for, and the dense one if there are any.
local function chosen(work)
  local all <const> = contestants_of(work)
  local list <const>, wanted = { all[1] }, all[1].name:find(given.only) ~= nil
  for i = 2, #all do
    if all[i].name:find(given.only) then list[#list + 1], wanted = all[i], true end
  end
  return wanted and list or {}
end

-- ---- Memory ---------------------------------------------------------------------------------------------------------

--- Measures a contestant alone on a device of its own: the peak, and what of it nobody can name.
local function measure_memory(one)
  open()
  local step <const> = one.kind.new(one.work, one.weights)
  local named
  step {}
  step({}, function()
    named = 0
    for kind, bytes in pairs(hn.memory().kinds) do named = named + (kind == "workspace" and 0 or bytes) end
  end)
  one.peak = hn.memory().peak
  -- The gradient of a step's y has come and gone in between.
  if one.work.kind == "step" then named = named + 4 * one.work.batch * one.work.rows end
  one.beyond = (one.peak - named) / (tonumber(hn.device():match("(%d+) threads?")) or 1)
end

-- ---- Statistics and the table ---------------------------------------------------------------------------------------

--- Median and least of one phase.
local function statistics(times, phase)
  local list <const> = {}
  for i, one in ipairs(times) do list[i] = one[phase] end
  table.sort(list)
  return (list[(#list + 1) // 2] + list[#list // 2 + 1]) / 2, list[1]
end

local square -- the two factors and the best time of their product so far

local function try_peak()
  local n <const> = effort.square
  square = square or { a = random_tensor(n, n), b = random_tensor(n, n), seconds = math.huge }
  for _ = 1, 2 do
    local _ <close>, start <const> = hn.scope(), clock()
    hn.matmul(square.a, square.b)
    hn.wait()
    square.seconds = math.min(square.seconds, clock() - start)
  end
end

--- GFLOP/s of the best product.
local function peak_rate() return 2e-9 * effort.square ^ 3 / square.seconds end

local columns <const> = { "work", "layer", "batch", "weights", "forward", "backward", "update", "total", "least",
  "/dense", "ns/weight", "GFLOP/s", "of peak", "peak MiB", "/dense", "beyond MiB", "n" }

local function milliseconds(seconds)
  local ms <const> = 1000 * seconds
  return (ms >= 100 and "%.0f" or ms >= 10 and "%.1f" or ms >= 1 and "%.2f" or "%.3f"):format(ms)
end

local function row_of(one, dense)
  local work <const>, kind <const> = one.work, one.kind
  local total <const>, least <const> = statistics(one.times, "total")
  local size <const> = work.size or work.rows * work.cols
  local rate <const> = 1e-9 * kind.flops * size * work.batch * kind.steps / total
  local function phase(name) return milliseconds((statistics(one.times, name))) end
  local phases <const> = on_its_own() and { "-", "-", "-" }
    or kind == kinds.forward and { milliseconds(total), "-", "-" }
    or { phase "forward", phase "backward", phase "update" }
  return { work.kind, work.shape, ("%d"):format(work.batch), one.weights.name, phases[1], phases[2], phases[3],
    milliseconds(total), milliseconds(least), ("%.2f"):format(total / (statistics(dense.times, "total"))),
    ("%.3f"):format(1e9 * total / kind.steps / size), ("%.1f"):format(rate),
    ("%.0f %%"):format(100 * rate / peak_rate()), ("%.1f"):format(one.peak / 2 ^ 20),
    ("%.2f"):format(one.peak / dense.peak), ("%.2f"):format(one.beyond / 2 ^ 20),
    ("%d"):format(#one.times) }
end

--- Runs all turns of one work, forth and back through the contestants, and gives their rows.
local function run_work(list)
  for _, one in ipairs(list) do measure_memory(one) end
  open()
  square = square and { seconds = square.seconds, a = random_tensor(effort.square, effort.square),
    b = random_tensor(effort.square, effort.square) }
  for _, one in ipairs(list) do one.step = one.kind.new(one.work, one.weights) end
  for round = 1, list[1].kind.rounds do
    if round % 2 == 1 then try_peak() end
    for i = 1, #list do
      local one <const> = list[round % 2 == 1 and i or #list + 1 - i]
      one.kind.turn(one.step, one.times)
    end
  end
  for _, one in ipairs(list) do one.step = nil end
  collectgarbage()
end

-- ---- What the machine is --------------------------------------------------------------------------------------------

--- First text in a file that a pattern captures, or nil.
local function found(path, pattern)
  local file <close> = io.open(path)
  return file and file:read("a"):match(pattern)
end

local function print_machine(before)
  local function say(...) print((given.csv and "# " or "") .. string.format(...)) end
  if before then
    say("machine: %s, load %s before", found("/proc/cpuinfo", "model name%s*:%s*([^\n]*)") or "unknown processor",
      found("/proc/loadavg", "^%S+") or "unknown")
    say("device: %s", hn.device())
    say("hnrun %s: %s", hn.version, table.concat(core.built, ", "))
  else
    say("best product of two %d x %d matrices: %.1f GFLOP/s; load %s after", effort.square, effort.square, peak_rate(),
      found("/proc/loadavg", "^%S+") or "unknown")
  end
end

local function print_table(rows)
  if given.csv then
    for _, row in ipairs(rows) do print(table.concat(row, ",")) end
  else
    print(require "hn.text".align(rows, { true, true, false, true }))
  end
end

local function bench()
  open()
  print_machine(true)
  local rows <const> = { columns }
  local lists <const> = {}
  for _, work in ipairs(works) do
    local list <const> = chosen(work)
    if #list > 0 then
      run_work(list)
      lists[#lists + 1] = list
    end
  end
  if #lists == 0 then stop("--only: no row has this name") end
  -- The peak is known only now.
  for _, list in ipairs(lists) do
    for _, one in ipairs(list) do rows[#rows + 1] = row_of(one, list[1]) end
  end
  print_machine(false)
  print_table(rows)
end

--- Turns on demand, of which scripts/bench-peers takes one after each of the peers'.
local function serve()
  open()
  local known <const> = {}
  for _, work in ipairs(works) do
    for _, one in ipairs(contestants_of(work)) do known[one.name] = one end
  end
  for name in io.lines() do
    local one <const> = known[name] or stop("--turns: no row is called " .. name)
    local times <const> = {}
    one.step = one.step or one.kind.new(one.work, one.weights)
    one.kind.turn(one.step, times)
    print(("%.9g %.9g"):format(1000 * (statistics(times, "total")), 1000 * select(2, statistics(times, "total"))))
    io.stdout:flush()
  end
end

if given.turns then serve() else bench() end
