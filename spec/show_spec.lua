-- How the prompt prints values.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local show <const> = require "hn.repl.show"

describe("a value at the prompt", function()
  local round <const> = { name = "round" }
  round.self, round.inner = round, { back = round }
  local deep <const> = {}
  do
    local t = deep
    for _ = 1, 20 do
      t.t = {}
      t = t.t
    end
  end

  local CASES <const> = {
    { "a number", 1.5, "1.5" },
    { "nil", nil, "nil" },
    { "a boolean", true, "true" },
    { "a string", "a\tb\n\"c\" \\ \0", [["a\tb\n\"c\" \\ \000"]] },
    { "a string of UTF-8", "é", '"é"' },
    { "a string that is no UTF-8", "\xe9 ok", [["\233 ok"]] },
    { "an empty table", {}, "{}" },
    { "a list", { 1, "a", false }, '{ 1, "a", false }' },
    { "fields, by name", { b = 2, a = 1 }, "{ a = 1, b = 2 }" },
    { "odd keys", { ["b c"] = 2, ["end"] = 1, [2.5] = 3, [true] = 4, [-1] = 5 },
      '{ [-1] = 5, [2.5] = 3, ["b c"] = 2, ["end"] = 1, [true] = 4 }' },
    { "a list with fields", { 1, 2, n = 2 }, "{ 1, 2, n = 2 }" },
    { "tables in tables", { { 1, 2 }, { x = { 3 } } }, "{ { 1, 2 }, { x = { 3 } } }" },
    { "a table that holds itself", round, '{ inner = { back = { <a table around this one> } }, name = "round", '
      .. "self = { <a table around this one> } }" },
    { "a table that comes twice", { { 1 }, { 1 } }, "{ { 1 }, { 1 } }" },
    { "a deep table", deep, "{ t = { t = { t = { t = { t = { t = { ... } } } } } } }" },
    { "an object with text", setmetatable({}, { __tostring = function() return "spoken\nagain" end }),
      "spoken\nagain" },
    { "an object with text in a table", { setmetatable({}, { __tostring = function() return "spoken\nagain" end }) },
      "{ <spoken ...> }" },
    { "a table whose metatable has no text", setmetatable({ 1 }, { __index = { hidden = 2 } }), "{ 1 }" },
    { "a table that counts on its metatable", setmetatable({ 1 }, { __len = function() error "asked" end }), "{ 1 }" },
    { "a function of Lua's", print, "function (in C)" },
  }
  for _, case in ipairs(CASES) do
    it("is shown for " .. case[1], function()
      assert.equal(case[#case], show(#case == 3 and case[2] or nil, 120))
    end)
  end

  it("is cut where a string is long", function()
    local text <const> = show(("x"):rep(1000000))
    assert.is_true(#text < 5000)
    assert.matches('"... (1,000,000 bytes)', text, 1, true)
    assert.matches('é"... ', show(("é"):rep(10000)), 1, true) -- not within a letter
  end)

  it("is cut where a table is large", function()
    local list <const>, fields <const> = {}, {}
    for i = 1, 100000 do list[i], fields["f" .. i] = i, i end
    for _, t in ipairs { list, fields } do
      local text <const> = show(t)
      assert.is_true(#text < 2000)
      assert.matches("... 99,940 more\n}", text, 1, true)
    end
  end)

  it("goes over lines within the columns", function()
    local list <const> = {}
    for i = 1, 50 do list[i] = i end
    local text <const> = show({ list = list, other = { name = ("x"):rep(30), more = ("y"):rep(30) } }, 60)
    for line in text:gmatch "[^\n]+" do assert.is_true(#line <= 60, line) end
    assert.matches("^{\n  list = {\n    1, 2, 3, .*\n  },\n  other = {\n    more = ", text)
  end)

  it("names functions by where they stand", function()
    assert.matches("^function %(.*show_spec.lua:%d+%)$", show(function() end))
  end)

  it("is an object's own text, and short in a table", function()
    local net <const> = hn.nn.Sequential { hn.nn.ReLU() }
    assert.equal("Sequential {\n  (1) ReLU\n}", show(net))
    assert.equal("{ net = <module (Sequential)> }", show { net = net })
    assert.equal("{ t = <tensor 2x3> }", show { t = hn.tensor { 2, 3 } })
    assert.equal("class ReLU", show(hn.nn.ReLU))
  end)
end)

describe("a tensor at the prompt", function()
  local function lines(t, columns)
    local list <const> = {}
    for line in show(t, columns):gmatch "[^\n]+" do list[#list + 1] = line end
    return list
  end

  it("is shape, kind and device, and a grid of all values", function()
    local t <const> = hn.tensor({ 2, 3 }, function(i, j) return i + j / 10 end)
    local shown <const> = lines(t)
    assert.matches("^tensor 2x3, float, data, on %w", shown[1])
    assert.same({ "  1.1  1.2  1.3", "  2.1  2.2  2.3" }, { table.unpack(shown, 2) })
  end)

  local NAN <const> = 0 / 0
  local CASES <const> = {
    { "one dimension", function() return hn.tensor({ 3 }, 1.5) end, { "  1.5  1.5  1.5" } },
    { "one element", function() return hn.tensor({ 1 }, -2) end, { "  -2" } },
    { "classes, from 1", function() return hn.labels { 3, 1, 2 } end, { "  3  1  2" } },
    { "a column", function() return hn.tensor({ 2, 1 }, 1) end, { "  1", "  1" } },
    { "what is no number", function() return hn.tensor({ 3 }, { NAN, 1 / 0, -1 / 0 }) end, { "   nan   inf  -inf" } },
    { "three dimensions", function() return hn.tensor({ 2, 1, 2 }, function(i, _, k) return 10 * i + k end) end,
      { "[1]", "  11  12", "[2]", "  21  22" } },
    { "four dimensions", function() return hn.tensor({ 2, 2, 1, 1 }, function(i, j) return 10 * i + j end) end,
      { "[1, 1]", "  11", "[1, 2]", "  12", "[2, 1]", "  21", "[2, 2]", "  22" } },
    { "a long row", function() return hn.tensor({ 20 }, function(i) return i end) end,
      { "    1    2    3    4    5    6  ...   16   17   18   19   20", "from 1 to 20, mean 10.5, deviation 5.766" } },
    { "many rows", function() return hn.tensor({ 100, 1 }, function(i) return i end) end,
      { "    1", "    2", "    3", "    4", "  ...", "   98", "   99", "  100",
        "from 1 to 100, mean 50.5, deviation 28.87" } },
    { "many matrices", function() return hn.tensor({ 9, 1, 1 }, function(i) return i end) end,
      { "[1]", "  1", "[2]", "  2", "...", "[9]", "  9", "from 1 to 9, mean 5, deviation 2.582" } },
    { "many classes", function() return hn.labels((function()
      local list <const> = {}
      for i = 1, 30 do list[i] = i % 3 + 1 end
      return list
    end)()) end, { "    2    3    1    2    3    1  ...    3    1    2    3    1",
      "from 1 to 3, mean 2, deviation 0.8165" } },
    { "a large one with what is no number", function() return hn.tensor({ 20 }, function(i)
      return i == 9 and NAN or i == 10 and 1 / 0 or 1
    end) end, { "    1    1    1    1    1    1  ...    1    1    1    1    1",
      "from 1 to 1, mean 1, deviation 0, 2 not finite" } },
    { "a large one without a number", function() return hn.tensor({ 20 }, NAN) end,
      { "  nan  nan  nan  nan  nan  nan  ...  nan  nan  nan  nan  nan", "no finite number" } },
  }
  for _, case in ipairs(CASES) do
    it("is shown for " .. case[1], function()
      assert.same(case[3], { table.unpack(lines(case[2]()), 2) })
    end)
  end

  it("keeps within the columns", function()
    local t <const> = hn.tensor({ 10, 100 }, -1.234e-10)
    for columns = 60, 120, 20 do
      for i, line in ipairs(lines(t, columns)) do assert.is_true(i == 1 or #line <= columns, line) end
    end
  end)

  it("says what part of a huge one the statistics are of, and holds little of it", function()
    local t <const> = hn.buckets(20000000):set(2)
    collectgarbage()
    local before <const> = collectgarbage "count"
    local shown <const> = lines(t)
    assert.is_true(collectgarbage "count" - before < 20000)
    assert.equal("from 2 to 2, mean 2, deviation 0 (of 4,194,304 of them)", shown[#shown])
  end)

  it("needs no device memory and is not recorded", function()
    local t <const> = hn.tensor({ 1000, 1000 }, 1)
    local before <const> = core.memory()
    show(t)
    assert.same({ before.used, before.peak }, { core.memory().used, core.memory().peak })
  end)

  it("says so if it is closed", function()
    local t <const> = hn.tensor { 3 }
    t:close()
    assert.equal("tensor [3] (closed)", show(t))
  end)
end)
