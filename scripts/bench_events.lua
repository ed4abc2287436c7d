-- Training on events that are read from a file in every pass, beside the same events in memory:
--
--   ./hnrun --threads 1 scripts/bench_events.lua 10000000 256MiB
--
-- writes build/events.npy with so many events of 28 features and a label (1.1 GB; 100,000 different ones, over and
-- over), unless it is there, and trains 28-300-300-2 for some seconds on both, in turns. It tells events/s and the
-- most that the process ever held, before the events are loaded into memory.
local hn <const> = require "hn"

local events <const> = math.tointeger(tonumber(arg[1] or "10000000")) or error "the number of events is no integer"
local memory <const>, path <const> = arg[2] or "256MiB", arg[3] or "build/events.npy"
local FEATURES <const>, BLOCK <const>, BATCH <const>, SECONDS <const> = 28, 100000, 128, tonumber(arg[4] or "20")

--- So many events as bytes: normal features, of which some lie higher in class 1.
local function block(count)
  local parts <const> = {}
  local function normal() return math.sqrt(-2 * math.log(1 - math.random())) * math.cos(2 * math.pi * math.random()) end
  local form <const> = "<" .. ("f"):rep(FEATURES + 1)
  for i = 1, count do
    local row <const>, class <const> = {}, math.random(0, 1)
    for k = 1, FEATURES do row[k] = normal() + 0.2 * class * (k % 3) end
    row[FEATURES + 1] = class
    parts[i] = form:pack(table.unpack(row))
  end
  return table.concat(parts)
end

local function write()
  local fields <const> = {}
  for k = 1, FEATURES do fields[k] = ("('f%d', '<f4')"):format(k) end
  local header = ("{'descr': [%s, ('label', '<f4')], 'fortran_order': False, 'shape': (%d,), }"):format(
    table.concat(fields, ", "), events)
  header = header .. (" "):rep(63 - (10 + #header) % 64) .. "\n"
  local file <close> = assert(io.open(path, "wb"))
  file:write("\x93NUMPY\1\0", string.pack("<I2", #header), header)
  local bytes <const> = block(math.min(events, BLOCK))
  for first = 1, events, BLOCK do file:write(bytes:sub(1, math.min(BLOCK, events - first + 1) * 4 * (FEATURES + 1))) end
end

local function peak()
  for line in io.lines "/proc/self/status" do
    local kib <const> = line:match "^VmHWM:%s*(%d+)"
    if kib then return tonumber(kib) // 1024 end
  end
end

local function open(limit)
  local started <const> = hn.clock()
  local data <const> = hn.data.events { files = path, label = "label", memory = limit }
  print(("%s; opened in %.1f s"):format(data, hn.clock() - started))
  return data
end

--- Events/s of a new network on the set.
local function train(data)
  local net <const> = hn.nn.Sequential { hn.nn.Linear(FEATURES, 300), hn.nn.ReLU(), hn.nn.Linear(300, 300),
    hn.nn.ReLU(), hn.nn.Linear(300, 2) }
  local started <const>, done = hn.clock(), 0
  hn.fit(net, data, { epochs = 1, batch = BATCH, progress = false, optimizer = hn.optim.Adam(),
    callbacks = { batch = function()
      done = done + BATCH
      return hn.clock() - started < SECONDS
    end } })
  return done / (hn.clock() - started)
end

local found <const> = io.open(path, "rb")
if found then found:close() else write() end
-- What the engine and the network take by themselves is there before.
local labels <const> = {}
for k = 1, 4096 do labels[k] = 1 + k % 2 end
train(hn.data.tensors { x = hn.tensor { #labels, FEATURES }, y = hn.labels(labels) })
local before <const>, streamed <const> = peak(), open(memory)
train(streamed)
print(("%d MiB before, at most %d MiB with the events in %s"):format(before, peak(), memory))
local loaded <const> = open(64 * 4 * FEATURES * events)
for _ = 1, 3 do
  local files <const>, host <const> = train(streamed), train(loaded)
  print(("from files %.0f events/s, in memory %.0f: %.3f of it"):format(files, host, files / host))
end
