-- hn.data.events: files of columns, expressions, cuts, splits and weights, against the same worked out here in Lua.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local numeric <const> = require "spec.support.numeric"
local tables <const> = require "spec.support.tables"

-- n events of two classes; all numbers are exact in float32 but the event numbers, which float64 holds.
local function events(n)
  local random <const> = numeric.generator(n)
  local columns <const> = { { "pt", {}, "<f4" }, { "eta", {} }, { "event", {}, ">i8" }, { "w", {}, ">f4" },
    { "label", {}, "<u1" } }
  for i = 1, n do
    local values <const> = { random.number(0, 100), random.number(-3, 3), 10000000000 + i, random.number(0.5, 1.5),
      random.integer(2) }
    for k, column in ipairs(columns) do column[2][i] = values[k] end
  end
  return columns
end

local function near_list(expected, got, tolerance)
  assert.equal(#expected, #got)
  for k, value in ipairs(expected) do assert.near(value, got[k], tolerance or 0) end
end

local function csv(columns) return files.write(tables.csv(columns)) end

-- Where an error is raised, the end of its text is the script's line.
local function fails(text, options)
  local ok <const>, message <const> = pcall(hn.data.events, options)
  assert.is_false(ok)
  assert.is_truthy(message:find(text, 1, true), message)
end

describe("files of columns", function()
  backends.open()
  local columns <const> = events(300)
  local formats <const> = {
    { "CSV", function() return files.write(tables.csv(columns)) end },
    { "CSV with semicolons", function() return files.write(tables.csv(columns, ";")) end },
    { "CSV with tabs", function() return files.write(tables.csv(columns, "\t")) end },
    { "CSV with carriage returns, quotes, blanks and empty lines", function()
      return files.write((tables.csv(columns):gsub("\n", " \r\n\r\n"):gsub("event", '"event"')))
    end },
    { "CSV in gzip", function() return files.gzip(files.write(tables.csv(columns))) end },
    { "structured NPY", function() return files.write(tables.structured(columns)) end },
    { "NPZ", function() return files.write(tables.npz(columns)) end },
    { "deflated NPZ", function() return files.write(tables.npz(columns, true)) end },
  }
  for _, format in ipairs(formats) do
    it("hold the same events: " .. format[1], function()
      local data <const>, test <const> = hn.data.events { files = format[2](), columns = { "eta", "pt" },
        label = "label", weight = "w", spectators = "event" }
      assert.is_nil(test)
      assert.same({ "eta", "pt" }, data.columns)
      assert.equal(2, data.classes)
      local x <const> = data.x:table()
      for i = 1, 300 do
        assert.equal(columns[2][2][i], x[2 * i - 1])
        assert.equal(columns[1][2][i], x[2 * i])
      end
      near_list(columns[5][2], data.y:table())
      near_list(columns[4][2], data.weight:table())
      near_list(columns[3][2], data:spectator("event"):table())
    end)
  end

  for _, fortran in ipairs { false, true } do
    it("are arrays of two dimensions" .. (fortran and " in Fortran's order" or ""), function()
      local list <const> = events(50)
      list[1][3] = "<f8"
      local path <const> = files.write(tables.plain({ list[1], list[2] }, fortran))
      local data <const> = hn.data.events { files = path, columns = { "x[2]", { name = "double", "2 * x[1]" } } }
      local x <const> = data.x:table()
      for i = 1, 50 do
        assert.equal(list[2][2][i], x[2 * i - 1])
        assert.equal(2 * list[1][2][i], x[2 * i])
      end
      assert.same({ "x[1]", "x[2]" }, hn.data.events { files = path }.columns)
      assert.same({ "x[1]", "x[2]" }, hn.data.events { files = path, columns = "x" }.columns)
    end)
  end

  it("are CSV without names", function()
    assert.same({ 1, 2.5, -3, 4e-3 }, (function()
      local list <const> = hn.data.events { files = files.write "1,2.5\n-3,4e-3\n" }.x:table()
      list[4] = list[4] == string.unpack("f", string.pack("f", 4e-3)) and 4e-3
      return list
    end)())
  end)

  it("hold numbers to the last bit", function()
    local texts <const> = { "0.1", "1e22", "1e23", "123456789012345678", "1.7976931348623157e308", "5e-324", "-0.0",
      "2.2250738585072011e-308", "9007199254740993", "0.30000000000000004", "1e-7", ".5", "5.", "+7",
      "3.14159265358979323846264338327950288419716939937510" }
    local path <const> = files.write("a,b\n" .. table.concat(texts, ",0\n") .. ",0\n")
    local values <const> = hn.data.events { files = path, columns = "b", spectators = "a" }:spectator("a"):table()
    for k, text in ipairs(texts) do
      assert.equal(string.pack("d", tonumber(text)), string.pack("d", values[k]), text)
    end
  end)

  it("come in lists and patterns, in the order of their names", function()
    local folder <const> = files.folder()
    for k = 1, 3 do files.write(("a\n%d\n%d\n"):format(2 * k - 1, 2 * k), folder .. "/part" .. k .. ".csv") end
    assert.same({ 1, 2, 3, 4, 5, 6 }, hn.data.events { files = folder .. "/part*.csv" }.x:table())
    assert.same({ 5, 6, 1, 2 },
      hn.data.events { files = { folder .. "/part3.csv", folder .. "/part[1].csv" } }.x:table())
    fails("no file is called", { files = folder .. "/other*.csv" })
  end)

  it("of a class each give its label", function()
    local s <const>, b <const> = files.write "a\n1\n2\n", files.write "a\n3\n"
    local data = hn.data.events { files = { signal = s, background = { b } } }
    assert.same({ "background", "signal" }, data.names)
    assert.same({ 0, 1, 1 }, data.y:table())
    data = hn.data.events { files = { { "signal", s }, { "background", b } } }
    assert.same({ "signal", "background" }, data.names)
    assert.same({ 0, 0, 1 }, data.y:table())
    fails("label: expected without classes", { files = { signal = s }, label = "a" })
  end)
end)

describe("expressions", function()
  -- Each text beside what it is in Lua, where 0 is as good as false.
  local function truth(value) return value ~= 0 and value ~= false end
  local function number(value) return value == true and 1 or value == false and 0 or value end
  local cases <const> = {
    { "a + b * c - a / b", function(a, b, c) return a + b * c - a / b end },
    { "-a ^ 2 ^ 3", function(a) return -a ^ 2 ^ 3 end },
    { "a % b", function(a, b) return a % b end },
    { "a // b", function(a, b) return a // b end },
    { "a > b && !(b > c)", function(a, b, c) return a > b and b <= c end },
    { "a > b and not (b > c)", function(a, b, c) return a > b and b <= c end },
    { "a > 0 || b != c", function(a, b, c) return a > 0 or b ~= c end },
    { "a ~= 1 and a or b", function(a, b) return truth(a ~= 1) and truth(a) and a or b end },
    { "a > 0 and 2 or 3", function(a) return a > 0 and 2 or 3 end },
    { "a > b ? a : b > c ? b : c", function(a, b, c) if a > b then return a end return b > c and b or c end },
    { "floor(a) && b > 0", function(a, b) return truth(math.floor(a)) and b > 0 end },
    { "abs(a) + math.max(a, b, c) - min(a, b)", function(a, b, c)
      return math.abs(a) + math.max(a, b, c) - math.min(a, b)
    end },
    { "sqrt(abs(a)) + exp(b) + log(c ^ 2 + 1, 2)", function(a, b, c)
      return math.sqrt(math.abs(a)) + math.exp(b) + math.log(c ^ 2 + 1, 2)
    end },
    { "atan(a, b) + atan2(a, b) + sin(a) * cos(b) * tan(c)", function(a, b, c)
      return 2 * math.atan(a, b) + math.sin(a) * math.cos(b) * math.tan(c)
    end },
    { "pi * deg(a) + rad(b) + ceil(c) + fmod(a, 3) + pow(b, 2)", function(a, b, c)
      return math.pi * math.deg(a) + math.rad(b) + math.ceil(c) + math.fmod(a, 3) + b ^ 2
    end },
    { "(a<=b)+(a>=b)+(a==b)+(a<b)+`c`", function(a, b, c)
      return number(a <= b) + number(a >= b) + number(a == b) + number(a < b) + c
    end },
    { "1.5e1 + 2.5E-1 + .5 + true", function() return 16.75 end },
  }
  local random <const> = numeric.generator(3)
  local a <const>, b <const>, c <const> = random.numbers(500, -3, 3), random.numbers(500, -3, 3, { 0 }),
    random.numbers(500, -3, 3)
  for _, case in ipairs(cases) do
    it("mean what Lua's do: " .. case[1], function()
      local path <const> = csv { { "a", a }, { "b", b }, { "c", c } }
      local got <const> = hn.data.events { files = path, columns = "a", spectators = { { name = "v", case[1] } } }
        :spectator("v"):table()
      for i = 1, 500 do
        local expected <const> = number(case[2](a[i], b[i], c[i]))
        assert.near(expected, got[i], 1e-12 * (1 + math.abs(expected)))
      end
    end)
  end

  it("are functions of an event, too", function()
    local path <const> = csv { { "a", a }, { "b", b } }
    local kept
    local data <const> = hn.data.events { files = path, columns = { "a", function(event) return event.a - event.b end },
      cut = function(event)
        kept = event
        return event.b > 0
      end }
    local x <const>, k = data.x:table(), 0
    for i = 1, 500 do
      if b[i] > 0 then
        k = k + 1
        assert.equal(a[i], x[2 * k - 1])
        assert.equal(a[i] - b[i], x[2 * k])
      end
    end
    assert.equal(#data, k)
    assert.has_error(function() return kept.a end)
    fails("the events have no column 'z'", { files = path, cut = function(event) return event.z > 0 end })
    fails("must be a number", { files = path, cut = function() return "yes" end })
  end)

  local mistakes <const> = {
    { "a >> 3", "expected a value at '> 3'" },
    { "a = 3", "expected an operator at '= 3'" },
    { "a < b < c", "comparisons do not chain, say a < b and b < c, at '< c'" },
    { "a &", "expected an operator at '&'" },
    { "(a", "expected ')' at its end" },
    { "a +", "expected a value at its end" },
    { "foo(a)", "no such function at 'foo(a)'" },
    { "sqrt(a, b)", "not the number of values" },
    { "1.2.3", "no number" },
    { "a[x]", "expected an index" },
    { ("("):rep(1000), "too many values within each other" },
    { ("-"):rep(1000) .. "a", "too many values within each other" },
    { ("a+("):rep(90) .. "a" .. (")"):rep(90), "too many values are kept" },
    { "system('ls')", "no such function" },
  }
  for _, case in ipairs(mistakes) do
    it("are refused where they are none: " .. case[1]:sub(1, 20), function()
      fails(case[2], { files = csv { { "a", { 1 } }, { "b", { 1 } } }, cut = case[1] })
    end)
  end
end)

describe("a split", function()
  local columns <const> = events(1000)
  local path
  before_each(function() path = csv(columns) end)

  local function shares(split)
    local train <const>, test <const> = hn.data.events { files = path, columns = "pt", label = "label",
      spectators = "event", split = split }
    local seen <const>, tests <const> = {}, {}
    for part, set in pairs { train = train, test = test } do
      for _, event in ipairs(set:spectator("event"):table()) do
        local i <const> = math.tointeger(event - 10000000000)
        assert.is_nil(seen[i])
        seen[i] = part
        if part == "test" then tests[#tests + 1] = i end
      end
    end
    assert.equal(1000, #seen)
    return seen, tests, #test
  end

  local function by_class(seen, class)
    local list <const> = {}
    for i = 1, 1000 do
      if columns[5][2][i] == class then list[#list + 1] = seen[i] == "test" and 1 or 0 end
    end
    return list, numeric.dot(list, list)
  end

  for _, how in ipairs { "random", "alternate", "block" } do
    it("takes the same share of each class: " .. how, function()
      local seen <const>, _, count <const> = shares { test = 0.2, how = how }
      assert.equal(200, count)
      for class = 0, 1 do
        local list <const>, tests <const> = by_class(seen, class)
        assert.near(0.2 * #list, tests, 1)
      end
    end)
  end

  it("gives a count, the same for one seed and another for another", function()
    local one <const>, _, count <const> = shares { test = 123, seed = 5 }
    assert.equal(123, count)
    assert.same(one, shares { test = 123, seed = 5 })
    assert.not_same(one, shares { test = 123, seed = 6 })
  end)

  it("takes the last of each class, or every so manieth", function()
    local block <const> = by_class(shares { test = 0.3, how = "block" }, 1)
    for i = 2, #block do assert.is_true(block[i] >= block[i - 1]) end
    local spread <const> = by_class(shares { test = 0.5, how = "alternate" }, 1)
    for i = 2, #spread do assert.is_true(spread[i] ~= spread[i - 1]) end
  end)

  it("goes by an expression", function()
    local seen <const> = shares { expression = "event % 5 == 0" }
    for i = 1, 1000 do assert.equal((10000000000 + i) % 5 == 0 and "test" or "train", seen[i]) end
    fails("expected some events of each kind", { files = path, split = { expression = "pt > 1000" } })
    fails("expected either test or expression", { files = path, split = {} })
  end)
end)

describe("weights", function()
  local function weights(more, w)
    local options <const> = { files = csv { { "x", { 1, 2, 3, 4, 5, 6 } }, { "w", w or { 1, 2, 3, 4, 5, 6 } },
      { "c", { 0, 1, 0, 1, 1, 1 } } }, columns = "x", label = "c", weight = "w" }
    for key, value in pairs(more) do options[key] = value end
    local data <const>, test <const> = hn.data.events(options)
    return data.weight and hn.data.tensors { x = data.weight } and data, test
  end
  local function list(data) return (data.index and data.weight:pick(data.index) or data.weight):table() end

  local cases <const> = {
    { "as they are", {}, { 1, 2, 3, 4, 5, 6 } },
    { "of an expression", { weight = "2 * w" }, { 2, 4, 6, 8, 10, 12 } },
    { "with factors by number", { class_weights = { 2, 0.5 } }, { 2, 1, 6, 2, 2.5, 3 } },
    { "with factors by name", { class_weights = { s = 3 }, names = { "b", "s" } }, { 1, 6, 3, 12, 15, 18 } },
    { "normalised to events", { normalise_weights = "events" }, { 0.5, 8 / 17, 1.5, 16 / 17, 20 / 17, 24 / 17 } },
    { "normalised to equal sums", { normalise_weights = "equal" }, { 0.5, 4 / 17, 1.5, 8 / 17, 10 / 17, 12 / 17 } },
    { "normalised, then with factors", { normalise_weights = "equal", class_weights = { 2 } },
      { 1, 4 / 17, 3, 8 / 17, 10 / 17, 12 / 17 } },
    { "negative and kept", {}, { 1, -2, 3, 4, -5, 6 }, { 1, -2, 3, 4, -5, 6 } },
    { "negative and clipped", { negative = "clip" }, { 1, 0, 3, 4, 0, 6 }, { 1, -2, 3, 4, -5, 6 } },
    { "negative and dropped", { negative = "drop" }, { 1, 3, 4, 6 }, { 1, -2, 3, 4, -5, 6 } },
  }
  for _, case in ipairs(cases) do
    it("come " .. case[1], function() near_list(case[3], list((weights(case[2], case[4]))), 1e-6) end)
  end

  it("are normalised by the training part, and the test part's alike", function()
    local train <const>, test <const> = weights { normalise_weights = "events", split = { expression = "x > 4" } }
    near_list({ 0.5, 2 / 3, 1.5, 4 / 3 }, list(train), 1e-6)
    near_list({ 5 / 3, 2 }, list(test), 1e-6)
  end)

  it("refuse classes that are not there, and sums that are not positive", function()
    assert.has_error(function() weights { class_weights = { t = 1 } } end)
    assert.has_error(function() weights { class_weights = { 1, 2, 3 } } end)
    assert.has_error(function() weights({ normalise_weights = "equal" }, { 1, -20, 3, 4, 5, 6 }) end)
  end)

  -- Minibatches of three events whose weights sum to 4, beside minibatches of four.
  it("that are whole numbers are events so many times in hn.fit, and 0 is absence", function()
    local once <const>, again <const> = { {}, {}, {} }, { {}, {} }
    local random <const> = numeric.generator(8)
    for k = 0, 11 do
      for i, w in ipairs(k % 2 == 0 and { 1, 2, 1, 0 } or { 0, 1, 0, 3 }) do
        local x <const>, c <const> = random.number(-1, 1), (i + k) % 2
        table.insert(once[1], x)
        table.insert(once[2], c)
        table.insert(once[3], w)
        for _ = 1, w do
          table.insert(again[1], x)
          table.insert(again[2], c)
        end
      end
    end
    local function train(columns, weight, batch)
      backends.open { seed = 4 }
      local data <const> = hn.data.events { files = csv(columns), columns = "x", label = "c", weight = weight }
      local net <const> = hn.nn.Sequential { hn.nn.Linear(1, 8), hn.nn.Tanh(), hn.nn.Linear(8, 2) }
      local history <const> = hn.fit(net, data, { batch = batch, epochs = 5, shuffle = false, progress = false })
      return history.loss, history.error, numeric.flat(net:predict(hn.tensor { { -0.5 }, { 0.5 } }):table())
    end
    local names <const> = { { "x", once[1] }, { "c", once[2] }, { "w", once[3] } }
    local loss <const>, err <const>, out <const> = train(names, "w", 4)
    local loss2 <const>, err2 <const>, out2 <const> = train({ { "x", again[1] }, { "c", again[2] } }, nil, 4)
    near_list(loss2, loss, 1e-6)
    near_list(err2, err, 1e-12)
    near_list(out2, out, 1e-5)
  end)
end)

describe("values that are not finite", function()
  local function file() return csv { { "a", { 1, "nan", 3, "", 5 } }, { "b", { 1, 2, "inf", 4, "-inf" } } } end

  it("are an error that counts them by column", function()
    fails("NaN or infinite: 2 of 'a', 2 of 'b', of 5 events", { files = file() })
    fails("3 of 'sum', 1 of 'b'", { files = file(), columns = { { name = "sum", "a + b" }, "b" }, cut = "a != 5" })
  end)

  it("drop the event, or become a number", function()
    local data <const> = hn.data.events { files = file(), nan = "drop" }
    assert.same({ 1, 1 }, data.x:table())
    assert.same({ read = 5, kept = 1, negative = 0, nan = { a = 2, b = 2 } }, data.counts)
    assert.same({ 1, 1, -9, 2, 3, -9, -9, 4, 5, -9 }, hn.data.events { files = file(), nan = -9 }.x:table())
    fails("labels or weights", { files = file(), columns = "b", weight = "a", nan = 0 })
  end)
end)

describe("hn.data.events", function()
  it("makes targets for regression", function()
    local data <const> = hn.data.events { files = csv { { "a", { 1, 2 } }, { "b", { 3, 4 } } },
      target = { "2 * b", "b" }, columns = "a" }
    assert.same({ 6, 3, 8, 4 }, data.y:table())
    assert.same({ 2, 2 }, data.y:shape())
    assert.is_nil(data.classes)
  end)

  it("takes all that TMVA has, together", function()
    local columns <const> = events(400)
    local train <const>, test <const> = hn.data.events {
      files = csv(columns), columns = { "pt", { name = "e2", expression = "eta ^ 2" } }, label = "label",
      names = { "background", "signal" }, weight = "w - 0.6", negative = "drop", cut = "pt > 20",
      split = { test = 0.25, how = "alternate", seed = 3 }, class_weights = { signal = 2 }, normalise_weights = "equal",
      spectators = "event",
    }
    assert.same({ "pt", "e2" }, train.columns)
    assert.same({ "background", "signal" }, test.names)
    local kept, sums, counts = 0, { 0, 0 }, { 0, 0 }
    for i = 1, 400 do
      if columns[1][2][i] > 20 and columns[4][2][i] >= 0.6 then kept = kept + 1 end
    end
    assert.equal(kept, #train + #test)
    assert.equal(kept, train.counts.kept)
    for _, y, weight in train:batches() do
      for i, class in ipairs(y:table()) do
        sums[class], counts[class] = sums[class] + weight:table()[i], counts[class] + 1
      end
    end
    assert.near(counts[1], sums[1], 1e-3)
    assert.near(2 * counts[1], sums[2], 1e-3)
  end)

  it("rests on arrays whose rows are found, taken and parted", function()
    local array <const> = core.array("f64", { 5 }, { 5, 1, 4, 2, 3 })
    assert.same({ 0, 2, 4 }, array:where(3, 9):table())
    assert.is_nil(array:where(6, 7))
    assert.equal(15, array:sum())
    local codes <const> = core.array("u8", { 6 }, { 1, 1, 0, 1, 2, 1 })
    codes:part(1, 2, 7, 2, "block", 0)
    assert.same({ 1, 1, 0, 1, 7, 7 }, codes:table())
    local rows <const> = core.array("f32", { 3, 2 })
    rows:pack(2, array:where(4, 5), { array, array })
    assert.same({ 0, 0, 5, 5, 4, 4 }, rows:table())
    rows:copy(1, rows, core.array("i32", { 1 }, { 1 }))
    assert.same({ 5, 5, 5, 5, 4, 4 }, rows:table())
    rows:close()
    assert.has_error(function() return rows:table() end)
    assert.equal("array (closed)", tostring(rows))
  end)

  it("keeps for features what no other option names", function()
    assert.same({ "pt" }, hn.data.events { files = csv(events(20)), label = "label", weight = "w", spectators = "eta",
      split = { expression = "event % 2 == 0" } }.columns)
  end)

  it("has sets that split, take and train", function()
    local data <const> = hn.data.events { files = csv(events(200)), columns = { "pt", "eta" }, label = "label",
      spectators = "pt" }
    local first <const> = data:split(0.5)
    local x <const>, pt <const> = first:rows(1, 100):table(), first:spectator("pt"):table()
    for i = 1, 100 do assert.equal(x[i][1], pt[i]) end
    local net <const> = hn.nn.Sequential { hn.nn.Linear(2, 2) }
    local history <const> = hn.fit(net, data:normalise(), { epochs = 1, batch = 1000, progress = false })
    assert.equal(1, history.epochs)
    assert.has_error(function() data:spectator "eta" end)
  end)

  local mistakes <const> = {
    { "did you mean 'event'?", { cut = "evnt > 1" } },
    { "label: expected classes 0, 1, 2, ..., got 1.5", { label = "pt", columns = "eta" },
      { { "pt", { 1, 1.5 } }, { "eta", { 1, 1 } } } },
    { "label: expected classes from 0 to 0", { label = "label", names = { "only" } } },
    { "target: expected without label", { label = "label", target = "pt" } },
    { "no event is left of 20", { cut = "pt > 1000" } },
    { "did you mean 'normalise_weights'?", { normalize_weights = "equal" } },
    { "expected together with classes", { class_weights = { 2 } } },
    { "memory: expected bytes", { memory = "many" } },
    { "columns: expected at least one", { columns = {} } },
    { "line 3, column 'eta': '1.5x' is no number", {}, { { "pt", { 1, 2 } }, { "eta", { 1, "1.5x" } } } },
    { "line 3: 1 values, but there are 2 columns", {}, "a,b\n1,2\n3\n" },
    { "two columns 'a'", {}, "a,a\n1,2\n" },
    { "column 2 has no name", {}, "a,,b\n1,2,3\n" },
    { "is empty", {}, "" },
    { "hold no events", {}, "a,b\n" },
    { "is no table", {}, "\0\1\2\3\n" },
    { "no NPY array", {}, "\x93NUMPY\9\0\1\0 " },
    { "ends within the header", {}, "\x93NUMPY\1\0\xff\xff {" },
    { "more than two dimensions", {}, tables.npy("'<f4'", "1, 1, 1", "1234") },
    { "expected numbers such as", {}, tables.npy("'<U3'", "1,", ("x"):rep(12)) },
    { "does not fit its 4 bytes", {}, tables.npy("'<f4'", "9999999999999,", "1234") },
    { "does not fit its 4 bytes", {}, tables.npy("'<f4'", "4294967296, 4294967296", "1234") },
    { "no end record", {}, "PK\3\4 and nothing else" },
  }
  for _, case in ipairs(mistakes) do
    it("says what is wrong: " .. case[1], function()
      local content <const> = case[3] or events(20)
      local options <const> = { files = files.write(type(content) == "string" and content or tables.csv(content)) }
      for key, value in pairs(case[2]) do options[key] = value end
      fails(case[1], options)
    end)
  end

  it("says of a file that is cut off where it ends", function()
    for _, whole in ipairs { tables.structured(events(50)), tables.npz(events(50)), tables.npz(events(50), true),
      files.read(files.gzip(csv(events(50)))) } do
      for _, length in ipairs { #whole - 1, #whole // 2, 20 } do
        assert.is_false((pcall(hn.data.events, { files = files.write(whole:sub(1, length)) })))
      end
    end
  end)

  it("notices a file that changes or goes while it is read", function()
    local path <const> = csv(events(20))
    local opened <close> = core.table(path)
    local target <const> = core.array("f64", { 20 })
    opened:read(1, 20, { 1 }, { target })
    files.write(tables.csv(events(21)), path)
    assert.has_error(function() opened:read(1, 20, { 1 }, { target }) end)
    os.remove(path)
    local _, message <const> = pcall(opened.read, opened, 1, 20, { 1 }, { target })
    assert.is_truthy(message:find("No such file", 1, true))
  end)
end)
