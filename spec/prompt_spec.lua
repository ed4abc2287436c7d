-- The prompt at a terminal, as a person types at it.

local files <const> = require "spec.support.files"
local new_terminal <const> = require "spec.support.terminal"
local program <const> = require "spec.support.program"

local editing <const> = program.run({ "--version" }):find("line editing by", 1, true)

local UP <const>, LEFT <const>, CTRL_C <const>, CTRL_D <const>, TAB <const> = "\27[A", "\27[D", "\3", "\4", "\t"

-- A session with its own folder of state, at its first prompt.
local function start(state, arguments)
  local t <const> = new_terminal(arguments or { "--threads", "1" }, "XDG_STATE_HOME=" .. (state or files.folder()))
  t:expect "hn> "
  return t
end

local function leave(t)
  t:send(CTRL_D)
  return t:finish()
end

describe("the prompt at a terminal", function()
  if not editing then
    it("edits lines", function() pending "this program is built without libedit" end)
    return
  end

  it("says how to get help, prints results, and ends with Ctrl-D", function()
    local t <const> = new_terminal({}, "XDG_STATE_HOME=" .. files.folder())
    assert.matches("^hnrun [%d.]+; %? for help, Ctrl%-D ends\n$", t:expect("hn> "):match("hnrun [%d.]+;.*"))
    assert.equal("1 + 1\n2\n", t:enter "1 + 1")
    assert.equal(0, leave(t))
  end)

  it("asks for the rest of a chunk", function()
    local t <const> = start()
    t:enter("for i = 1, 2 do", "..> ")
    t:enter("print(i)", "..> ")
    assert.equal("end\n1\n2\n", t:enter "end")
    leave(t)
  end)

  it("lets a line be edited", function()
    local t <const> = start()
    t:send("1 + 3" .. LEFT .. "4" .. LEFT .. LEFT .. "\127- \n")
    assert.matches("\n%-42\n$", t:expect "hn> ") -- 1 - 43, after the plus was deleted
    leave(t)
  end)

  it("takes letters of any alphabet", function()
    local t <const> = start()
    assert.matches("\n2\n$", t:enter "utf8.len 'éü'")
    leave(t)
  end)

  it("goes on after an error", function()
    local t <const> = start()
    assert.matches("stdin:1: on purpose\nstack traceback:\n", t:enter "error 'on purpose'", 1, true)
    assert.matches("\n42\n$", t:enter "6 * 7")
    assert.equal(0, leave(t))
  end)

  it("completes by Tab", function()
    local t <const> = start()
    t:send("hn.nn.Hash" .. TAB)
    t:expect "hn.nn.Hashed"
    t:send(CTRL_C)
    t:expect "hn> "
    t:send("hn.fit(net, data, { epo" .. TAB)
    t:expect "epochs = "
    leave(t:abandon())
  end)

  it("lists what may stand there where Tab finds several", function()
    local t <const> = start()
    t:send("hn.nn.Hashed" .. TAB)
    local list <const> = t:expect("hn> "):match("\n(.*)")
    assert.matches("^Hashed +HashedEmbedding\n", list)
    t:expect "hn.nn.Hashed"
    leave(t:abandon())
  end)

  it("completes names of files in a string", function()
    local folder <const> = files.folder()
    files.write("return 42", folder .. "/a_file_of_mine.lua")
    local t <const> = start()
    t:send(("dofile '%s/a_f"):format(folder) .. TAB)
    t:expect "a_file_of_mine.lua"
    t:send "'\n"
    assert.matches("\n42\n$", t:expect "hn> ")
    leave(t)
  end)

  it("shows help", function()
    local t <const> = start()
    assert.matches("Trains a network on a data set", t:enter "?hn.fit", 1, true)
    t:enter "net = hn.nn.Linear(2, 3)"
    assert.matches("net is a module (Linear).", t:enter "?net", 1, true)
    assert.matches("Ctrl-C", t:enter "?", 1, true)
    leave(t)
  end)

  it("comes after a script with -i", function()
    local t <const> = start(nil, { "-i", files.write "answer = 6 * 7" })
    assert.matches("\n42\n$", t:enter "answer")
    leave(t)
  end)

  it("works where the history cannot be kept", function()
    local t <const> = start "/dev/null"
    assert.matches("\n42\n$", t:enter "6 * 7")
    assert.equal(0, leave(t))
  end)

  it("takes a script that is pasted", function()
    local t <const> = start()
    t:send [[
local hn <const> = require "hn"
local net <const> = hn.nn.Sequential {
  hn.nn.Hashed(4, 8), hn.nn.ReLU(),
  hn.nn.Linear(8, 1),
}

local data <const> = hn.data.tensors { x = hn.tensor({ 20, 4 }):normal(0, 1), y = hn.tensor { 20, 1 } }
local history <const> = hn.fit(net, data, { epochs = 2, progress = false })
print(history.epochs .. " epochs")
]]
    t:expect "\n2 epochs\n"
    assert.equal(0, leave(t))
  end)

  it("shows the line again when it goes on after others used the terminal", function()
    local t <const> = start()
    local pid <const> = t:enter "print(io.popen('echo $PPID'):read())":match "\n(%d+)\n"
    t:send "6 * 8"
    t:expect "6 * 8"
    assert(os.execute(("stty -F /proc/%s/fd/0 sane; kill -CONT %s"):format(pid, pid)))
    t:expect "hn> 6 * 8"
    t:send "\1277\n"
    assert.matches("\n42\n$", t:expect "hn> ")
    leave(t)
  end)
end)

describe("the prompt's history", function()
  if not editing then
    it("edits lines", function() pending "this program is built without libedit" end)
    return
  end

  it("is kept from one session to the next", function()
    local state <const> = files.folder()
    local t = start(state)
    t:enter "x = 6 * 7"
    t:enter("for i = 1, 2 do", "..> ")
    t:enter "x = x + i end"
    leave(t)
    t = start(state)
    t:send(UP)
    t:expect "x = x + i end"
    t:send "\n"
    assert.matches("attempt to perform arithmetic on a nil value", t:expect "hn> ", 1, true)
    t:send(UP)
    t:expect "x = x + i end"
    t:send(UP)
    t:expect "x = 6 * 7"
    t:send "\n"
    t:expect "hn> "
    assert.matches("\n42\n$", t:enter "x")
    leave(t)
  end)

  it("is the owner's alone, and known at once", function()
    local state <const> = files.folder()
    local t <const> = start(state)
    t:enter "secret = 1"
    assert.equal("secret = 1\n", files.read(state .. "/hnrun/history"))
    local out <const> = program.shell("stat -c %a " .. state .. "/hnrun " .. state .. "/hnrun/history")
    assert.equal("700\n600\n", out)
    leave(t)
  end)

  it("holds a line once that was entered several times in a row", function()
    local state <const> = files.folder()
    local t <const> = start(state)
    for _, line in ipairs { "1", "2", "2", "", "2", "1" } do t:enter(line) end
    leave(t)
    assert.equal("1\n2\n1\n", files.read(state .. "/hnrun/history"))
  end)
end)

describe("Ctrl-C at the prompt", function()
  if not editing then
    it("edits lines", function() pending "this program is built without libedit" end)
    return
  end

  it("clears the line", function()
    local t <const> = start()
    t:send("nonsense(" .. CTRL_C)
    assert.matches("^C\n", t:expect "hn> ", 1, true)
    assert.matches("\n42\n$", t:enter "6 * 7")
    leave(t)
  end)

  it("drops a chunk that is not complete", function()
    local t <const> = start()
    t:enter("x = {", "..> ")
    t:send(CTRL_C)
    t:expect "hn> "
    assert.matches("\n42\n$", t:enter "6 * 7")
    leave(t)
  end)

  it("does not end the program, however often it comes", function()
    local t <const> = start()
    for _ = 1, 5 do
      t:send(CTRL_C)
      t:expect "hn> "
    end
    assert.matches("\n42\n$", t:enter "6 * 7")
    assert.equal(0, leave(t))
  end)

  local ENDLESS <const> = {
    { "an endless loop", "print 'on its way' while true do end" },
    { "an endless loop in a coroutine that uses the engine", [[x = hn.tensor { 3 } coroutine.wrap(function()
      x:sum() print 'on its way' while true do end end)()]] },
    { "an endless computation", "x = hn.tensor { 64, 64 } print 'on its way' while true do x:matmul(x):close() end" },
    { "a loop after a chunk that asked for Ctrl-C", "print 'on its way' while true do end", "hn.interrupted()" },
  }
  for _, case in ipairs(ENDLESS) do
    it("stops " .. case[1] .. " and keeps the session", function()
      local t <const> = start()
      t:enter "answer = 6 * 7"
      if case[3] then t:enter(case[3]) end
      t:send(case[2] .. "\n")
      t:expect "\non its way\n"
      t:send(CTRL_C)
      assert.matches("\n[^\n]*interrupted\n$", t:expect "hn> ")
      assert.matches("\n42\n$", t:enter "answer")
      assert.equal(0, leave(t))
    end)
  end

  it("stops training at the next minibatch; the history and the network stay", function()
    local t <const> = start()
    t:enter "data = hn.data.tensors { x = hn.tensor({ 100, 4 }):normal(0, 1), y = hn.tensor { 100, 1 } }"
    t:enter "net = hn.nn.Linear(4, 1)"
    t:send "history = hn.fit(net, data, { epochs = 1000000000, batch = 10 })\n"
    t:expect "epoch          1/1000000000"
    t:send(CTRL_C)
    t:expect "hn> "
    assert.matches("\ntrue\n$", t:enter "history.interrupted")
    assert.matches("\n100x1\n$", t:enter "print(table.concat(net:predict(data):shape(), 'x'))")
    assert.equal(0, leave(t))
  end)
end)

describe("a terminal that cannot move its cursor", function()
  it("gives the prompt plain lines", function()
    local t <const> = new_terminal({}, "TERM=dumb")
    t:expect "hn> "
    assert.matches("\n42\n$", t:enter "6 * 7")
    t:send("abandoned" .. CTRL_C)
    t:expect "hn> "
    assert.matches("\n43\n$", t:enter "43")
    assert.equal(0, leave(t))
  end)
end)
