-- hnrun --sandbox: what scripts of others try, and the options for them.

local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

-- What a script tries; true if nothing gave way.
local closed <const> = {
  { "libraries", "for _, name in ipairs { 'io', 'os', 'package', 'debug', 'loadfile', 'dofile' } do "
    .. "if _G[name] ~= nil then return false end end return true" },
  { "require", "for _, name in ipairs { 'io', 'os', 'package', 'debug', 'hn.core', 'hn.repl', 'hn.export', 'hn.model', "
    .. "'spec.run', '/etc/passwd', 'lfs' } do if pcall(require, name) then return false end end return true" },
  { "hn's modules", "return require 'hn'.nn == require 'hn.nn' and require 'math' == math" },
  { "bytecode", "local code = string.dump(function() return 1 end) return not load(code) and not load(code, 'c', 'b') "
    .. "and not load(code, 'c', 'bt', {}) and not load(function() local c = code code = nil return c end, 'c', 'b')" },
  { "texts", "return load('return 1 + 1')() == 2 and load('return x', 'c', 't', { x = 3 })() == 3 and select('#', "
    .. "load('return ...')(1, nil)) == 2" },
  { "where code sees globals", "x = 5 return load('return x')() == 5 and load('return io')() == nil" },
  { "metatables", "local hn = require 'hn' local t = hn.tensor { 2 } "
    .. "for _, o in ipairs { t, hn.tape(), hn.buckets(16) } do local m = getmetatable(o) "
    .. "if m.__gc or m.__index or m.__close then return false end end return not pcall(setmetatable, t, {})" },
  { "finalizers", "return not pcall(setmetatable, {}, { __gc = 1 })", },
  { "texts' methods", "return getmetatable('').__index == string and ('x').dump == string.dump" },
  { "pictures", "local hn = require 'hn' for _, f in ipairs { '/tmp/x.svg', '/tmp/x.txt' } do local ok, why = "
    .. "pcall(hn.plot.line, { series = { { y = { 1 } } }, file = f }) if ok or not why:find('not open to this script', "
    .. "1, true) then error(why) end end return #tostring(hn.plot.line { series = { { y = { 1 } } } }) > 0" },
  { "files", "local hn = require 'hn' for _, f in ipairs { hn.load, hn.data.mnist, hn.data.fashion_mnist, function(p) "
    .. "hn.nn.Linear(2, 2):save(p) end } do local ok, why = pcall(f, '/etc') "
    .. "if ok or not why:find('open to this script', 1, true) then error(why) end end return true" },
}

-- Runs a text in a sandbox with this folder; gives what it printed, its error, and the exit status.
local function sandboxed(text, folder)
  return program.run { "--sandbox", "--allow", folder, "-e", text }
end

describe("hnrun --sandbox", function()
  for _, case in ipairs(closed) do
    it("is closed: " .. case[1], function()
      local out <const>, err <const>, code <const> = program.run { "--sandbox", "-e",
        ("print((function() %s end)())"):format(case[2]) }
      assert.same({ "true\n", "", 0 }, { out, err, code })
    end)
  end

  it("takes no bytecode as a script", function()
    local path <const> = files.write(string.dump(function() return 1 end))
    local _, err <const>, code <const> = program.run { "--sandbox", path }
    assert.equal(1, code)
    assert.matches("attempt to load a binary chunk", err, 1, true)
  end)
end)

describe("the folders of hnrun --allow", function()
  local folder, outside
  before_each(function()
    folder, outside = files.folder(), files.folder()
    assert(os.execute(("ln -s %s %s/link && ln -s %s/file %s/dangling && mkdir %s/inner %s-beside"):format(outside,
      folder, outside, folder, folder, folder)))
    files.write("x", outside .. "/there")
    files.write("x", folder .. "-beside/there")
  end)
  after_each(function() os.execute(("rm -rf %s-beside"):format(folder)) end)

  local function save(path) return ("require 'hn'.nn.Linear(2, 2):save(%q)"):format(path) end

  it("hold models, checkpoints and data", function()
    local run <const> = [[local hn, path = require "hn", ...
      local data = { x = hn.tensor { 4, 2 }, y = hn.tensor { 4, 1 } }
      hn.nn.Linear(2, 1):save(path .. "/inner/../net.hn")
      hn.fit(hn.load(path .. "/net.hn"), data, { loss = "mse", progress = false, epochs = 1,
        checkpoint = path .. "/inner/run.hn", resume = true })
      print(hn.load(path .. "/inner/run.hn") ~= nil)]]
    local out <const>, err <const>, code <const> = program.run { "--sandbox", "--allow", outside, "--allow", folder,
      files.write(run), folder }
    assert.same({ "true\n", "", 0 }, { out, err, code })
  end)

  local OUTSIDE <const> = {
    { "another folder", function() return outside .. "/net.hn" end },
    { "the folder above", function() return folder .. "/../net.hn" end },
    { "a way out and in again", function() return folder .. "/inner/../../net.hn" end },
    { "a link to a folder", function() return folder .. "/link/net.hn" end },
    { "a link to a file that is not there, read", function() return folder .. "/link/../net.hn" end },
    { "a folder whose name begins with the same letters", function() return folder .. "-beside/net.hn" end },
    { "a folder that is not there", function() return outside .. "/none/net.hn" end },
    { "a folder above as a name", function() return folder .. "/none/.." end },
  }
  for _, case in ipairs(OUTSIDE) do
    it("are not left: " .. case[1], function()
      local out <const>, err <const>, code <const> = sandboxed(([[local hn, path = require "hn", %q
        print(pcall(hn.load, path))
        print(pcall(function() hn.nn.Linear(2, 2):save(path) end))]]):format(case[2]()), folder)
      assert.same({ "", 0 }, { err, code })
      local _, refused <const> = out:gsub("false\tfile: '[^\n]*' is in no folder that is open to this script", "")
      assert.equal(2, refused)
    end)
  end

  it("tell nothing of what is outside", function()
    local function answer(name)
      local path <const> = outside .. "/" .. name
      local _, err <const> = sandboxed(("require 'hn'.load(%q)"):format(path), folder)
      return (err:match("^[^\n]*"):gsub(path, "PATH"))
    end
    assert.equal(answer "there", answer "absent")
  end)

  it("hold events, and patterns name no files elsewhere", function()
    files.write("a,b\n1,2\n3,4\n", folder .. "/inner/events.csv")
    files.write("a,b\n1,2\n", outside .. "/events.csv")
    local out <const>, err <const>, code <const> = sandboxed(([[local hn, inner, outside = require "hn", %q, %q
      print(hn.data.events { files = inner .. "/ev*.csv" })
      for _, pattern in ipairs { outside .. "/*.csv", outside .. "/none/*", inner .. "/../../*/*.csv",
        inner .. "/*/../../*.csv" } do
        print(pcall(hn.data.events, { files = pattern }))
      end]]):format(folder .. "/inner", outside), folder)
    assert.same({ "", 0 }, { err, code })
    local _, refused <const> = out:gsub("is in no folder that is open to this script", "")
    assert.equal(3, refused)
    assert.is_truthy(out:find("2 samples of 2", 1, true))
    assert.is_truthy(out:find("has '..' behind a wildcard", 1, true))
  end)

  it("are not left by a link that is written over", function()
    local _, err <const>, code <const> = sandboxed(save(folder .. "/dangling"), folder)
    assert.same({ "", 0 }, { err, code })
    assert.is_nil(io.open(outside .. "/file"))
  end)
end)

describe("hnrun's quotas", function()
  it("end scripts", function()
    local endless <const> = "while true do pcall(function() while true do end end) end"
    for option, value in pairs { ["--seconds"] = "0.2", ["--instructions"] = "100000" } do
      local _, err <const>, code <const> = program.run { option, value, "-e", endless }
      assert.equal(1, code)
      assert.matches("^hnrun: quota: the script has used its " .. value, (err:gsub("%(command line%):1: ", "")))
    end
    for times, text in pairs { ["1e9"] = "not enough memory", ["1e15"] = "resulting string too large" } do
      local _, err <const>, code <const> = program.run { "--lua-memory", "8MB", "-e",
        ("local x = ('x'):rep(%s)"):format(times) }
      assert.equal(1, code)
      assert.matches(text, err, 1, true)
    end
  end)

  local LONG <const> = "print(('a'):rep(40):find(('a*'):rep(40) .. 'b'))"
  for way, arguments in pairs { ["-e"] = { "-e", LONG }, ["standard input"] = {}, ["-"] = { "-" } } do
    it("end scripts in the middle of one call: " .. way, function()
      local out <const>, err <const>, code <const> = program.run({ "--seconds", "0.2", table.unpack(arguments) }, LONG)
      assert.same({ "", 1 }, { out, code })
      assert.matches("^hnrun: quota: the script has used its seconds", err)
    end)
  end

  local USAGE <const> = {
    { "--allow alone", { "--allow", "/", "-e", "" }, { "--sandbox" } },
    { "the prompt in a sandbox", { "--sandbox", "-i" }, { "prompt" } },
    { "the prompt with a quota", { "--seconds", "3", "-i" }, { "prompt" } },
    { "export in a sandbox", { "--sandbox", "export" }, { "export" } },
    { "no seconds", { "--seconds", "0", "-e", "" }, { "--seconds", "above 0" } },
    { "seconds that are none", { "--seconds", "nan", "-e", "" }, { "--seconds", "nan" } },
    { "no instructions", { "--instructions", "0", "-e", "" }, { "--instructions" } },
    { "a memory that is none", { "--lua-memory", "x", "-e", "" }, { "--lua-memory" } },
  }
  for _, case in ipairs(USAGE) do
    it("are refused: " .. case[1], function()
      local _, err <const>, code <const> = program.run(case[2])
      assert.equal(2, code)
      for _, word in ipairs(case[3]) do assert.matches(word, err, 1, true) end
    end)
  end

  it("need folders that are there", function()
    local _, err <const>, code <const> = program.run { "--sandbox", "--allow", "/nowhere/at/all", "-e", "" }
    assert.equal(1, code)
    assert.matches("'/nowhere/at/all'", err, 1, true)
  end)
end)
