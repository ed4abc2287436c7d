-- Events that do not fit the memory: the same samples as in memory, in whatever order, and the same training again.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local numeric <const> = require "spec.support.numeric"
local program <const> = require "spec.support.program"
local tables <const> = require "spec.support.tables"

local EVENTS <const> = 3000
local MEMORY <const> = 60000

local random <const> = numeric.generator(1)
local columns <const> = { { "id", {} }, { "pt", {} }, { "w", {} }, { "label", {} } }
for i = 1, EVENTS do
  local values <const> = { i, random.number(0, 100), random.integer(8) / 4, random.integer(3) }
  for k, column in ipairs(columns) do column[2][i] = values[k] end
end

local function file() return files.write(tables.structured(columns)) end

local function options(more)
  local o <const> = { columns = { "id", { name = "half", "pt / 2" } }, label = "label", weight = "w", cut = "pt > 10",
    spectators = { "id" }, memory = MEMORY }
  for key, value in pairs(more or {}) do o[key] = value end
  o.files = o.files or file()
  return o
end

-- All that a pass gives, as one flat list.
local function pass(data, given)
  local list <const> = {}
  for x, y, weight, about in data:batches(given) do
    for _, tensor in ipairs { x, y, weight } do
      for _, value in ipairs(tensor:read(1, tensor:size())) do list[#list + 1] = value end
    end
    list[#list + 1] = ("%s %s %s"):format(about.first, about.last, about.total)
  end
  return list
end

-- Event numbers in the order of a pass.
local function ids(data, given)
  local list <const> = {}
  for x in data:batches(given) do
    for _, row in ipairs(x:table()) do list[#list + 1] = math.tointeger(row[1]) end
  end
  return list
end

local function both(more)
  local o <const> = options(more)
  local streamed <const>, test <const> = hn.data.events(o)
  o.memory = nil
  local loaded <const>, loaded_test <const> = hn.data.events(o)
  return streamed, loaded, test, loaded_test
end

describe("a stream of events", function()
  backends.open()

  local formats <const> = {
    { "structured NPY", function() return tables.structured(columns) end },
    { "NPZ", function() return tables.npz(columns) end },
    { "CSV", function() return tables.csv(columns) end },
  }
  for _, format in ipairs(formats) do
    it("gives what a set in memory gives, in the same order: " .. format[1], function()
      local streamed <const>, loaded <const> = both { files = files.write(format[2]()) }
      assert.is_truthy(tostring(streamed):find("read from files", 1, true))
      assert.is_falsy(tostring(loaded):find("read from files", 1, true))
      for _, given in ipairs { { batch = 64 }, { batch = 64, microbatch = 20 }, { batch = 10000 },
        { batch = 64, skip = 17 } } do
        assert.same(pass(loaded, given), pass(streamed, given))
      end
      assert.equal(#loaded, #streamed)
    end)
  end

  it("comes from several files, by class", function()
    local parts <const> = {}
    for k = 1, 3 do
      local some <const> = { { "a", {} }, { "b", {} } }
      for i = 1, 700 * k do
        some[1][2][i], some[2][2][i] = random.number(0, 1), k
      end
      parts[k] = files.write(tables.csv(some))
    end
    local o <const> = { files = { { "one", { parts[1], parts[3] } }, { "two", parts[2] } }, split = { test = 0.25 },
      normalise_weights = "equal", class_weights = { two = 2 }, memory = 40000 }
    local train <const>, test <const> = hn.data.events(o)
    o.memory = nil
    local loaded <const>, loaded_test <const> = hn.data.events(o)
    assert.is_truthy(train.stream)
    assert.same(pass(loaded, { batch = 50 }), pass(train, { batch = 50 }))
    assert.same(pass(loaded_test, { batch = 50 }), pass(test, { batch = 50 }))
  end)

  it("comes shuffled: each event once, blocks and files mixed, in one order for a seed", function()
    local data <const> = hn.data.events(options())
    core.seed(7, 0)
    local one <const> = ids(data, { batch = 50, shuffle = true })
    core.seed(7, 0)
    assert.same(one, ids(data, { batch = 50, shuffle = true }))
    assert.not_same(one, ids(data, { batch = 50, shuffle = true }))
    local sorted <const> = table.move(one, 1, #one, 1, {})
    table.sort(sorted)
    assert.same(ids(data, { batch = 50 }), sorted)
    -- A minibatch is spread over the whole file, as draws from all of it are: their mean distance is a third of it.
    local distance, pairs_of = 0, 0
    for i = 1, #one - 50, 50 do
      for k = 1, 49 do distance, pairs_of = distance + math.abs(one[i + k] - one[i + k - 1]), pairs_of + 1 end
    end
    assert.near(EVENTS / 3, distance / pairs_of, EVENTS / 10)
  end)

  it("goes on behind skipped minibatches in the same order, without reading them", function()
    local data <const> = hn.data.events(options())
    core.seed(3, 0)
    local all <const> = ids(data, { batch = 32, shuffle = true })
    for _, skip in ipairs { 1, 30, 60, 80 } do
      core.seed(3, 0)
      assert.same(table.move(all, skip * 32 + 1, #all, 1, {}), ids(data, { batch = 32, shuffle = true, skip = skip }))
    end
    local reads = 0
    for _, block in ipairs(data.stream.shared.blocks) do
      local inner <const> = block.part.table
      block.part = setmetatable({ table = setmetatable({}, { __index = function(_, name)
        return function(_, ...)
          if name == "start" then reads = reads + 1 end
          return inner[name](inner, ...)
        end
      end }) }, { __index = block.part })
    end
    ids(data, { batch = 32, skip = 75 })
    assert.is_true(reads > 0 and reads < #data.stream.shared.blocks / 3, reads .. " blocks read")
  end)

  it("stays within the memory", function()
    collectgarbage()
    local before <const>, most = hn.memory().host, 0
    local data <const> = hn.data.events(options())
    for _ = 1, 3 do
      for _ in data:batches { batch = 10, shuffle = true } do most = math.max(most, hn.memory().host - before) end
    end
    assert.is_true(most > MEMORY / 2 and most <= MEMORY, most .. " bytes")
  end)

  it("trains as a set in memory does, without shuffling", function()
    local function train(data)
      backends.open { seed = 5 }
      local net <const> = hn.nn.Sequential { hn.nn.Linear(2, 8), hn.nn.ReLU(), hn.nn.Linear(8, 3) }
      local history <const> = hn.fit(net, data:normalise(), { epochs = 2, batch = 30, shuffle = false,
        progress = false })
      local result <const> = hn.evaluate(net, data)
      return history.loss, result.loss, result.error
    end
    backends.open()
    local streamed <const>, loaded <const> = both()
    assert.same({ train(loaded) }, { train(streamed) })
  end)

  it("goes on from a checkpoint in the middle of an epoch as if there had been no break", function()
    local path <const>, checkpoint <const> = file(), files.path() .. ".hn"
    local function train(stop, resume)
      backends.open { seed = 5 }
      local data <const> = hn.data.events(options { files = path })
      local net <const> = hn.nn.Sequential { hn.nn.Linear(2, 8), hn.nn.Dropout(0.2), hn.nn.Linear(8, 3) }
      local done = 0
      local history <const> = hn.fit(net, data:normalise(), { epochs = 3, batch = 30, validate = 0.1, microbatch = 20,
        progress = false, resume = resume, checkpoint = (stop or resume) and checkpoint or nil,
        callbacks = { batch = function()
          done = done + 1
          return done ~= stop
        end } })
      return history.loss, history.validation.loss
    end
    local loss <const>, validation <const> = train()
    train(130)
    local again <const>, again_validation <const> = train(nil, true)
    assert.same(loss, again)
    assert.same(validation, again_validation)
    os.remove(checkpoint)
  end)

  it("splits, takes, scales and tells spectators as sets in memory do", function()
    local data <const>, loaded <const> = both()
    local one <const>, rest <const> = data:split(100)
    local seen <const> = {}
    for _, part in ipairs { one, rest } do
      for _, id in ipairs(ids(part, { batch = 100 })) do seen[#seen + 1] = id end
    end
    assert.same({ 100, #data - 100 }, { #one, #rest })
    table.sort(seen)
    assert.same(ids(data, { batch = 100 }), seen)
    local first <const> = data:split(0.3, { shuffle = false })
    assert.same(ids(loaded:split(0.3, { shuffle = false }), { batch = 100 }), ids(first, { batch = 100 }))
    assert.same(ids(loaded:take(70), { batch = 100 }), ids(data:take(70), { batch = 100 }))
    assert.equal(#data, #data:take(EVENTS))
    assert.equal(50, #first:split(100):split(50))
    assert.same(loaded:spectator("id"):table(), data:spectator("id"):table())
    assert.has_error(function() data:spectator "pt" end)
    assert.same(loaded:rows(700, 3):table(), data:rows(700, 3):table())
    local range <const> = data:normalise "range"
    local x <const> = range:rows(1, 400):table()
    local y <const> = loaded:normalise("range"):rows(1, 400):table()
    for i = 1, 400 do assert.near(y[i][1], x[i][1], 1e-6) end
    local net <const> = hn.nn.Sequential { hn.nn.Linear(2, 1) }
    assert.same(net:predict(loaded):table(), net:predict(data):table())
    assert.same({ #data, 1 }, net:predict(data):shape())
  end)

  it("makes targets for regression, and puts numbers in the place of what is not finite", function()
    local some <const> = { { "a", {} }, { "t", {} } }
    for i = 1, 2000 do some[1][2][i], some[2][2][i] = i % 7 == 0 and "nan" or i, 2 * i end
    local o <const> = { files = files.write(tables.csv(some)), target = { "t", "t + 1" }, nan = -5, memory = 40000 }
    local data <const> = hn.data.events(o)
    o.memory = nil
    assert.is_truthy(data.stream)
    local i = 0
    for x, y in data:batches { batch = 100 } do
      local answers <const> = y:table()
      for k, row in ipairs(x:table()) do
        i = i + 1
        assert.equal(i % 7 == 0 and -5 or i, row[1])
        assert.same({ 2 * i, 2 * i + 1 }, answers[k])
      end
    end
    assert.equal(2000, i)
  end)
end)

describe("scripts/bench_events.lua", function()
  it("trains from a file and in memory, in turns", function()
    local out <const>, err <const>, code <const> = program.run { "--threads", "1", "scripts/bench_events.lua", "20000",
      "1MiB", files.folder() .. "/events.npy", "0.05" }
    assert.same({ "", 0 }, { err, code })
    local _, turns <const> = out:gsub("from files %d+ events/s, in memory %d+: [%d.]+ of it\n", "")
    assert.equal(3, turns)
    assert.is_truthy(out:find("20,000 samples of 28, 2 classes, read from files", 1, true))
  end)
end)

describe("a stream of events refuses", function()
  local function message_of(f, ...)
    local ok <const>, message <const> = pcall(f, ...)
    assert.is_false(ok)
    return message
  end

  it("files that are compressed as a whole", function()
    local packed <const> = files.gzip(files.write(tables.csv(columns)))
    assert.is_truthy(message_of(hn.data.events, options { files = packed }):find("compressed as a whole", 1, true))
    local deflated <const> = files.write(tables.npz(columns, true))
    assert.is_truthy(message_of(hn.data.events, options { files = deflated }):find("compressed as a whole", 1, true))
  end)

  it("memory that is too little, and a teacher", function()
    assert.is_truthy(message_of(hn.data.events, options { memory = 7000 }):find("too few", 1, true))
    local data <const> = hn.data.events(options())
    local net <const> = hn.nn.Sequential { hn.nn.Linear(2, 3) }
    assert.is_truthy(message_of(hn.fit, net, data, { teacher = net, progress = false }):find("in memory", 1, true))
  end)

  for _, case in ipairs { { "is gone", os.remove, "No such file" },
    { "is another one", function(path) files.write("other", path) end, "has changed" } } do
    it("to go on when its file " .. case[1], function()
      local path <const> = file()
      local data <const> = hn.data.events(options { files = path })
      local net <const> = hn.nn.Sequential { hn.nn.Linear(2, 3) }
      local message <const> = message_of(hn.fit, net, data:normalise(), { epochs = 3, batch = 30, progress = false,
        callbacks = { epoch = function() case[2](path) end } })
      assert.is_truthy(message:find(case[3], 1, true), message)
      assert.is_truthy(message:find(path, 1, true))
    end)
  end
end)
