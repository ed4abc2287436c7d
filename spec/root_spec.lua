-- In ROOT: what examples/root writes for events are the engine's own predictions. scripts/check-root makes the
-- environment that this needs.

local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local install <const> = require "spec.support.install"
local lfs <const> = require "lfs"
local program <const> = require "spec.support.program"

local here <const> = lfs.currentdir()
local place <const> = here .. "/build/root-env"
local there <const> = lfs.attributes(place .. "/complete") ~= nil

local PYTHON <const> = place .. "/bin/python -W ignore "
local ROOT <const> = place .. "/lib/python3*/site-packages/ROOT/bin/root -l -b -q "

-- How the examples are run, on a network and the file that the scores go to.
local WAYS <const> = {
  { "score.py", PYTHON .. "root/score.py %s events.csv %s" },
  { "score.C", ROOT .. [['root/score.C("%s", "events.csv", "%s")']] },
  { "score.py without its network", PYTHON .. "root/score.py nowhere.hn events.csv none.root",
    error = "cannot read 'nowhere.hn'" },
}

local nn <const> = hn.nn
local function net(inputs)
  return nn.Sequential { nn.Hashed(inputs, 40, { buckets = 64 }), nn.Tanh(), nn.Linear(40, 1) }
end

-- Networks, the types of the three columns that they get, and the error if they are refused.
local COLUMNS <const> = {
  { function() return net(3) end, "float,float,float" },
  { function() return net(3) end, "double,double,double" },
  { function() return net(3) end, "float,int,double" },
  { function() return net(5) end, "float,float,float", "the network takes 5 columns, not 3" },
  { function() return nn.Linear(3, 2) end, "float,float,float", "expected a network of one output" },
}

local copy -- the installed engine
local folder -- with a copy of the examples, and what they write

local function in_root(command)
  return ("export LD_LIBRARY_PATH=%s/lib ROOT_INCLUDE_PATH=%s/include; %s"):format(copy, copy, command)
end

-- Trains, and scores in all ways at the same time; each leaves its output, errors and status.
local function score()
  folder = os.tmpname()
  install.ok(("rm %s && mkdir %s && cp -r examples/root %s"):format(folder, folder, folder))
  install.ok(("cd %s && $OLDPWD/%s --threads 1 root/train.lua"):format(folder, program.path))
  local commands <const> = {}
  for i, way in ipairs(WAYS) do
    commands[i] = ("(%s) >%d.out 2>%d.err; echo $? >%d.rc"):format(way[2]:format("signal.hn", i .. ".root"), i, i, i)
  end
  install.ok(in_root(("cd %s; { %s; }& wait"):format(folder, table.concat(commands, "; }& { "))))
end

-- What ROOT says about files of scores and networks: lists of { event, score }, or texts of errors.
local function look(arguments)
  local found <const> = {}
  for _, argument in ipairs(arguments) do found[argument] = {} end
  local said <const> = install.ok(in_root(PYTHON .. "spec/support/root.py " .. table.concat(arguments, " ")))
  for argument, event, rest in said:gmatch "(%S+) (%S+) ([^\n]*)" do
    if event == "error" then
      found[argument] = rest
    else
      table.insert(found[argument], { tonumber(event), tonumber(rest) })
    end
  end
  return found
end

-- The events that train.lua wrote, by their numbers.
local function written_events()
  local events <const> = {}
  for line in io.lines(folder .. "/events.csv") do
    local numbers <const> = {}
    for number in line:gmatch "[^,]+" do numbers[#numbers + 1] = tonumber(number) end
    if #numbers > 0 then events[numbers[1]] = table.move(numbers, 3, #numbers, 1, {}) end
  end
  return events
end

-- Compares scores with what the engine predicts by a network's file for events x, a list from `first` on.
local function check(path, x, first, scores)
  assert.same({ "table", #x }, { type(scores), #scores }, scores)
  backends.open { device = "cpu" }
  local y <const>, seen <const> = hn.load(path):predict(x):table(), {}
  for _, pair in ipairs(scores) do
    local event <const>, got <const> = table.unpack(pair)
    local expected <const> = y[event - first + 1][1]
    assert.is_nil(seen[event])
    seen[event] = true
    assert.is_true(math.abs(expected - got) <= 1e-4 * math.max(1, math.abs(expected)),
      ("event %d: expected %.9g, got %.9g"):format(event, expected, got))
  end
end

describe("in ROOT,", function()
  local found
  local arguments <const> = {}

  lazy_setup(function()
    if not there then return end
    backends.open { device = "cpu" }
    copy = install.copy()
    score()
    local all <const> = {} -- what is refused comes last: PyROOT is not itself after an error
    for i, way in ipairs(WAYS) do
      if not way.error then all[#all + 1] = ("%s/%d.root"):format(folder, i) end
    end
    for i, case in ipairs(COLUMNS) do
      local path <const> = ("%s/columns%d.hn"):format(folder, i)
      case[1]():save(path)
      arguments[i] = path .. ":" .. case[2]
      all[#all + 1] = arguments[i]
    end
    found = look(all)
  end)
  lazy_teardown(function()
    if there then os.execute(("rm -rf %s %s"):format(copy, folder)) end
  end)

  local function test(title, body)
    it(title, function()
      if not there then return pending "scripts/check-root makes the environment with ROOT" end
      body()
    end)
  end

  for i, way in ipairs(WAYS) do
    local function left(what) return files.read(("%s/%d.%s"):format(folder, i, what)) end
    if way.error then
      test(way[1] .. " says what is wrong", function()
        assert.same({ "", "1\n" }, { left "out", left "rc" })
        assert.matches(way.error, left "err", 1, true)
      end)
    else
      test(way[1] .. " gives every event the engine's prediction", function()
        assert.same("0\n", left "rc", left "err")
        local signal <const>, background <const> = left "out":match "signal (%-?[%d.]+), of background (%-?[%d.]+)"
        assert.is_true(tonumber(signal) > 1 and tonumber(background) < -1)
        assert.matches("\n%d+%.%d us an event with %d+ threads\n", left "out")
        check(folder .. "/signal.hn", written_events(), 1, found[("%s/%d.root"):format(folder, i)])
      end)
    end
  end

  for i, case in ipairs(COLUMNS) do
    local _ <const>, types <const>, error <const> = table.unpack(case)
    test(("network %d %s columns of %s"):format(i, error and "refuses" or "takes", types), function()
      local result <const> = found[arguments[i]]
      if error then
        assert.matches(error, result, 1, true)
      else
        local x <const> = {}
        for event = 0, 4 do x[event + 1] = { event - 3, 2 * event - 3, 3 * event - 3 } end
        check(arguments[i]:match "^[^:]*", x, 0, result)
      end
    end)
  end
end)
