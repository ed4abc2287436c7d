-- The file in which the prompt keeps what was typed.

local files <const> = require "spec.support.files"
local open <const> = require "hn.repl.history"

describe("history", function()
  -- A path where there is no file yet.
  local function fresh() return files.folder() .. "/history" end

  it("is empty where there is no file, and makes it with the first entry", function()
    local path <const> = fresh()
    local history <const> = open(path)
    assert.same({}, history.entries)
    history:add "x = 1"
    assert.equal("x = 1\n", files.read(path))
  end)

  local ENTRIES <const> = { "x = 1", "for i = 1, 2 do\n  print(i)\nend", [[print "a\nb" -- \ \\]], "\\", "\\n", "é\t" }
  it("gives every entry back as it was", function()
    local path <const> = fresh()
    local history <const> = open(path)
    for _, entry in ipairs(ENTRIES) do history:add(entry) end
    assert.same(ENTRIES, open(path).entries)
    assert.same(ENTRIES, history.entries)
  end)

  it("takes no blank entry, and none twice in a row", function()
    local path <const> = fresh()
    local history <const> = open(path)
    for _, entry in ipairs { "a", "a", "", " \n ", "a", "b", "a" } do history:add(entry) end
    assert.same({ "a", "b", "a" }, open(path).entries)
    open(path):add "a"
    assert.equal("a\nb\na\n", files.read(path))
  end)

  it("gives the last entries, and cuts a file of twice as many", function()
    local path <const> = fresh()
    local history <const> = open(path, 3)
    for i = 1, 5 do history:add(tostring(i)) end
    assert.same({ "3", "4", "5" }, open(path, 3).entries)
    assert.equal("1\n2\n3\n4\n5\n", files.read(path))
    history:add "6"
    assert.same({ "4", "5", "6" }, open(path, 3).entries)
    assert.equal("4\n5\n6\n", files.read(path))
    assert.is_nil(io.open(path .. ".new"))
  end)

  it("keeps what sessions side by side add", function()
    local path <const> = fresh()
    local one <const>, other <const> = open(path), open(path)
    one:add "1"
    other:add "2"
    one:add "3"
    assert.same({ "1", "2", "3" }, open(path).entries)
  end)

  it("lives in memory without a file, or where none can be written", function()
    for _, path in ipairs { false, "/dev/null/history" } do
      local history <const> = open(path or nil)
      history:add "x"
      assert.same({ "x" }, history.entries)
    end
  end)
end)
