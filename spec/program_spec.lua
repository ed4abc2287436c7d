-- The program hnrun as a user meets it: arguments, options, exit status, tracebacks, Ctrl-C.

local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

local function lines(text)
  local list <const> = {}
  for line in text:gmatch("[^\n]*") do list[#list + 1] = line end
  if list[#list] == "" then list[#list] = nil end
  return list
end

-- Runs it and expects success; gives the lines of standard output.
local function good(arguments, input)
  local out <const>, err <const>, code <const> = program.run(arguments, input)
  assert.same({ "", 0 }, { err, code })
  return lines(out)
end

-- Runs it and expects this exit status; gives standard error.
local function bad(status, arguments, input)
  local _, err <const>, code <const> = program.run(arguments, input)
  assert.equal(status, code)
  return err
end

describe("hnrun", function()
  it("runs a script with its arguments in arg and ...", function()
    local script <const> = files.write [[
      print(arg[0] == ..., select("#", ...), ...)
      print(#arg, arg[0], arg[1], arg[2], arg[-1])]]
    local out <const> = good { script, "one", "--two" }
    assert.same({ "false\t2\tone\t--two", ("2\t%s\tone\t--two\t%s"):format(script, program.path) }, out)
  end)

  it("puts its own options at negative indices of arg", function()
    local script <const> = files.write "print(arg[-1], arg[-2], arg[-3])"
    assert.same({ ("7\t--seed\t%s"):format(program.path) }, good { "--seed", "7", script })
  end)

  it("gives scripts the standard libraries and the engine, and no globals of its own", function()
    local out <const> = good({ "-" }, [[
      local hn = require "hn"
      print(hn.tensor({ 2 }, 3):sum():item(), math.pi > 3, type(io.open), hn == require "hn")
      print(rawget(_G, "hn"))]])
    assert.same({ "6.0\ttrue\tfunction\ttrue", "nil" }, out)
  end)

  it("runs code given by -e, several times, in order, before the script", function()
    assert.same({ "1", "2", "3" }, good { "-e", "print(1) x = 2", "-eprint(x)", files.write "print(x + 1)" })
  end)

  it("runs only the code if no script is given", function()
    assert.same({ "7" }, good({ "-e", "print(7)" }, "print(8)"))
  end)

  it("loads modules by -l under their own or another name", function()
    assert.same({ "table" }, good { "-l", "hn", "-e", "print(type(hn.nn))" })
    assert.same({ "table" }, good { "-lnn=hn.nn", "-e", "print(type(nn))" })
  end)

  it("takes the cores that the process may use", function()
    local first <const> = "$(sed -n 's/^Cpus_allowed_list:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/self/status)"
    local out <const> = program.shell(([[taskset -c %s %s -e 'print(require "hn".device())']]):format(first,
      program.path))
    assert.matches("^cpu, 1 thread,", out)
  end)

  it("runs standard input for - and if nothing is given", function()
    assert.same({ "a\tb" }, good({ "-", "a", "b" }, "print(...)"))
    assert.same({ "7" }, good({}, "print(7)"))
  end)

  it("ends options with --", function()
    local folder <const> = files.folder()
    files.write("print('dashed', ...)", folder .. "/-x.lua")
    local out <const>, _, code <const> = program.shell(("cd %s && %s -- -x.lua -e 1"):format(files.quoted(folder),
      program.path:sub(1, 1) == "/" and program.path or '"$OLDPWD"/' .. program.path))
    assert.same({ "dashed\t-e\t1\n", 0 }, { out, code })
  end)

  it("passes options behind the script to the script", function()
    assert.same({ "--threads\t3" }, good { files.write "print(...)", "--threads", "3" })
  end)

  it("runs scripts that begin with #!", function()
    assert.same({ "7" }, good { files.write "#!/usr/bin/env hnrun\nprint(7)" })
  end)

  it("prints its version and what was built in", function()
    for _, option in ipairs { "--version", "-v" } do
      local out <const> = table.concat(good { option }, "\n")
      assert.matches("hnrun %d+%.%d+%.%d+", out)
      for _, part in ipairs { "Lua 5.4", "xxHash", "zlib", "HDF5", "BLAS", "line editing" } do
        assert.matches(part, out, 1, true)
      end
    end
  end)

  it("prints how it is used", function()
    for _, option in ipairs { "--help", "-h" } do
      local out <const> = table.concat(good { option }, "\n")
      for _, word in ipairs { "usage:", "script.lua", "-e", "-l", "-i", "--device", "--threads", "--memory", "--seed",
        "--version", "--help" } do
        assert.matches(word, out, 1, true)
      end
    end
  end)
end)

describe("hnrun's exit status", function()
  it("is 0 after a script that ended well, and what os.exit says", function()
    good { "-e", "local x = 1" }
    bad(3, { "-e", "os.exit(3)" })
    bad(0, { "-e", "os.exit(true, true)" })
  end)

  it("is 1 with message, place and traceback after an error", function()
    local err <const> = bad(1, { files.write "local function f()\n  error('on purpose')\nend\nf()" })
    assert.matches("^hnrun: .*:2: on purpose\nstack traceback:\n", err)
    assert.matches(":4: in main chunk", err, 1, true)
  end)

  it("is 1 after an error of the engine, which begins with its status and ends with the script's line", function()
    local script <const> = files.write "local hn = require 'hn'\nlocal x = hn.tensor { 2, 3 }\nx:matmul(x)\n"
    local err <const> = bad(1, { script })
    assert.matches("^hnrun: shape: matmul: .* %(.*:3%)\nstack traceback:\n", err)
  end)

  it("is 1 after an error that is no text", function()
    assert.matches("table", bad(1, { "-e", "error {}" }), 1, true)
    local spoken <const> = "error(setmetatable({}, { __tostring = function() return 'spoken' end }))"
    assert.matches("^hnrun: spoken\n", bad(1, { "-e", spoken }))
    assert.matches("nil", bad(1, { "-e", "error()" }), 1, true)
  end)

  it("is 1 for a script that is missing or no Lua", function()
    assert.matches("/nowhere.lua", bad(1, { "/nowhere.lua" }), 1, true)
    assert.matches(":1: .*near", bad(1, { files.write "local = 1" }))
    assert.matches("near", bad(1, { "-e", "local =" }), 1, true)
    assert.matches("no.such.module", bad(1, { "-l", "no.such.module", "-e", "" }), 1, true)
  end)

  it("is 1 when the dense twin of a large layer does not fit, and 0 if the script catches that", function()
    local script <const> = files.write [[
      local hn = require "hn"
      local ok, message = pcall(hn.nn.Linear, 8192, 8192)
      print(ok, message)
      print(hn.nn.Hashed(8192, 8192, { compression = 1 / 64 }).pool:size())
      if ... then hn.nn.Linear(8192, 8192) end]]
    local out <const> = good { "--memory", "64MiB", script }
    assert.matches("^false\tmemory: .*256%.0 MiB.*64%.0 MiB", out[1])
    assert.equal("1048576", out[2])
    assert.matches("^hnrun: memory: ", bad(1, { "--memory", "64MiB", script, "again" }))
  end)

  local USAGE <const> = {
    { "an unknown option", { "--thread", "3" }, { "--thread", "--threads", "--help" } },
    { "an unknown letter", { "-q" }, { "-q" } },
    { "an option without its value", { "--seed" }, { "--seed", "nothing" } },
    { "-e without code", { "-e" }, { "-e", "nothing" } },
    { "text for threads", { "--threads", "many" }, { "--threads", "whole number", "many" } },
    { "0 threads", { "--threads=0" }, { "--threads", "1 to 4096", "0" } },
    { "a negative number of threads", { "--threads", "-2" }, { "--threads", "-2" } },
    { "a memory that is none", { "--memory", "12XB" }, { "--memory", "64MiB", "12XB" } },
    { "a memory of 0", { "--memory", "0" }, { "--memory", "0" } },
    { "a negative memory", { "--memory", "-5" }, { "--memory", "-5" } },
    { "a seed beyond 32 bits", { "--seed", "4294967296" }, { "--seed", "4294967295", "4294967296" } },
    { "a device that is not there", { "--device", "abacus", "-e", "" }, { "--device", "abacus", "cpu" } },
    { "a value where none is taken", { "--version=3" }, { "--version", "no value", "3" } },
    { "a module's name that is none", { "-l", "a b" }, { "-l", "a b" } },
  }
  for _, case in ipairs(USAGE) do
    it("is 2 for " .. case[1], function()
      local err <const> = bad(2, case[2])
      for _, word in ipairs(case[3]) do assert.matches(word, err, 1, true) end
    end)
  end
end)

describe("the engine's options on the command line", function()
  local script <const> = [[
    local hn = require "hn"
    hn.use { device = "cpu", threads = 2, memory = "1MiB", seed = 5 }
    print(hn.device(), hn.memory().budget, (hn.seed()))]]

  it("are the script's unless they are given", function()
    assert.matches("^cpu, 2 threads, %w+\t1048576\t5$", good({ "-" }, script)[1])
  end)

  it("win over hn.use", function()
    local out <const> = good({ "--threads", "1", "--memory=3MiB", "--seed", "9", "--device", "cpu", "-" }, script)
    assert.matches("^cpu, 1 thread, %w+\t3145728\t9$", out[1])
  end)

  it("hold without hn.use too", function()
    assert.same({ "1048576\t7" }, good { "--memory", "1MiB", "--seed", "7", "-l", "hn", "-e",
      "print(hn.memory().budget, (hn.seed()))" })
  end)

  it("give the same numbers for the same seed, others for another", function()
    local code <const> = "local hn = require 'hn'; print(table.unpack(hn.nn.Hashed(4, 4).pool:table()))"
    local a <const>, b <const> = good { "--seed", "3", "-e", code }, good { "--seed", "3", "-e", code }
    assert.same(a, b)
    assert.not_same(a, good { "--seed", "4", "-e", code })
  end)
end)

describe("Ctrl-C", function()
  -- Starts a script in the background, waits until it has written the file `ready`, sends SIGINT, waits for its end.
  local function interrupt(text)
    local ready <const> = files.path()
    os.remove(ready)
    local path <const> = files.write("local ready <const> = ...\n" .. text)
    return program.shell(([[%s %s %s & pid=$!
      while [ ! -e %s ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
      kill -INT $pid
      wait $pid]]):format(program.path, path, ready, ready))
  end

  it("ends training at the next minibatch, and the script goes on", function()
    local out <const>, err <const>, code <const> = interrupt [[
      local hn <const> = require "hn"
      local data <const> = hn.data.tensors { x = hn.tensor({ 100, 4 }):normal(0, 1), y = hn.tensor { 100, 1 } }
      local history <const> = hn.fit(hn.nn.Linear(4, 1), data, { epochs = 1000000000, progress = false,
        callbacks = { batch = function() io.open(ready, "w"):close() end } })
      print(history.interrupted, history.stopped, "saved")]]
    assert.same({ "true\tinterrupted\tsaved\n", "", 0 }, { out, err, code })
  end)

  it("ends a loop of one's own that asks for it", function()
    local out <const>, _, code <const> = interrupt [[
      local hn <const> = require "hn"
      hn.interrupted()
      io.open(ready, "w"):close()
      repeat until hn.interrupted()
      print "saved"]]
    assert.same({ "saved\n", 0 }, { out, code })
  end)

  local ENDLESS <const> = {
    { "any other script", [[
      io.open(ready, "w"):close()
      while true do end]] },
    { "a script whose coroutine used the engine and is gone", [[
      local hn <const> = require "hn"
      for k = 1, 20 do coroutine.wrap(function() hn.tensor({ 3 }, k):sum():item() end)() end
      collectgarbage()
      io.open(ready, "w"):close()
      while true do end]] },
    { "a message handler", [[
      local _, why <const> = xpcall(error, function()
        io.open(ready, "w"):close()
        while true do end
      end)
      error(why)]] },
    { "a script whose message handler loops", [[
      local _, why <const> = xpcall(function()
        io.open(ready, "w"):close()
        while true do end
      end, function() while true do end end)
      error(why)]] },
    { "a coroutine that uses the engine", [[
      local hn <const> = require "hn"
      coroutine.wrap(function()
        local x <const> = hn.tensor({ 3 }, 1)
        io.open(ready, "w"):close()
        while true do x:sum():close() end
      end)()]] },
  }
  for _, case in ipairs(ENDLESS) do
    it("ends " .. case[1] .. " with an error", function()
      local out <const>, err <const>, code <const> = interrupt(case[2])
      assert.same({ "", 1 }, { out, code })
      assert.matches("interrupted", err, 1, true)
    end)
  end
end)

describe("a training run's display", function()
  local script <const> = [[
    local hn <const> = require "hn"
    local data <const> = hn.data.tensors { x = hn.tensor({ 20, 4 }):normal(0, 1), y = hn.tensor { 20, 1 } }
    hn.fit(hn.nn.Linear(4, 1), data, { epochs = 2, batch = 10 })]]

  -- Runs the script on a terminal of its own; gives what that shows.
  local function on_terminal(redirection)
    local command <const> = ("%s %s %s"):format(files.quoted(program.path), files.write(script), redirection)
    local out <const>, _, code <const> = program.shell(("script -qec %s /dev/null"):format(files.quoted(command)))
    assert.equal(0, code)
    return out
  end

  it("is a bar on a terminal, and a line for each epoch", function()
    local out <const> = on_terminal ""
    assert.matches("epoch 1/2 %[#+%-+%] loss %d", out)
    assert.matches("epoch 2/2  loss %d", out)
  end)

  it("is lines without a bar where the output goes elsewhere", function()
    local path <const> = files.path()
    assert.equal("", on_terminal("> " .. path))
    assert.matches("^epoch 1/2  loss %d[^\27]*epoch 2/2  loss %d[^\27]*$", files.read(path))
    assert.not_matches("\27", on_terminal "| cat")
  end)
end)

describe("the engine in a script", function()
  it("adds no globals, whatever is done with it", function()
    assert.same({ "trained" }, good({ "--threads", "1", "-" }, [[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local hn = require "hn"
      local net = hn.nn.Sequential { hn.nn.Hashed(2, 8), hn.nn.ReLU(), hn.nn.Linear(8, 2) }
      local data = hn.data.tensors { x = hn.tensor({ 6, 2 }):normal(0, 1), y = hn.labels { 1, 2, 1, 2, 1, 2 } }
      hn.fit(net, data:normalise(), { epochs = 1, progress = false, validate = 0.2 })
      tostring(net:summary(), hn.evaluate(net, data), net:predict(data))
      for name in pairs(_G) do if not before[name] then print(name) end end
      print "trained"]]))
  end)

  it("works in coroutines", function()
    assert.same({ "1\t3", "2\t3" }, good({ "-" }, [[
      local hn = require "hn"
      for k = 1, 2 do
        coroutine.wrap(function()
          hn.use { seed = k }
          local t = hn.tensor({ 3 }, 1)
          print((hn.seed()), math.tointeger(t:sum():item()))
        end)()
      end]]))
  end)
end)
