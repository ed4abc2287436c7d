-- Data: IDX files good and bad, data sets of tensors and tables, splits, minibatches, normalisation.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local files <const> = require "spec.support.files"
local idx <const> = require "spec.support.idx"
local numeric <const> = require "spec.support.numeric"

local function sorted(list)
  table.sort(list)
  return list
end

describe("a host array", function()
  it("takes all elements from a tensor, and gives them to one", function()
    local array <const>, t <const> = core.array("f32", { 3 }, { 1, 2, 3 }), hn.tensor({ 3, 1 }, 7)
    array:give(t)
    assert.same({ { 1 }, { 2 }, { 3 } }, t:table())
    array:take(t:scale(2))
    assert.same({ 2, 4, 6 }, array:table())
    local labels <const> = hn.labels { 5, 5, 5 }
    core.sequence(3, false):give(labels)
    assert.same({ 1, 2, 3 }, labels:table())
  end)

  it("refuses a tensor of another size or type", function()
    local array <const> = core.array("f32", { 3 }, { 1, 2, 3 })
    for _, t in ipairs { hn.tensor { 2 }, hn.labels { 1, 2, 3 } } do
      assert.error_matches(function() array:give(t) end, "^shape: .*array of [23] numbers")
      assert.error_matches(function() array:take(t) end, "^shape: .*array of [23] numbers")
    end
    assert.same({ 1, 2, 3 }, array:table())
  end)
end)

describe("hn.data.idx", function()
  local CASES <const> = {
    { "u8", { 5 }, { 0, 1, 127, 128, 255 } },
    { "u8", { 2, 3, 2 }, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 } },
    { "i32", { 2, 2 }, { -2147483648, -1, 258, 2147483647 } },
    { "f32", { 4 }, { -1.5, 0, 0.15625, 1024 } },
    { "u8", { 1, 1, 1, 1 }, { 9 } },
  }
  for _, packed in ipairs { false, true } do
    for _, case in ipairs(CASES) do
      local type <const>, shape <const>, values <const> = table.unpack(case)
      it(("reads %s of shape %s, %s"):format(type, table.concat(shape, "x"), packed and "gzip" or "plain"), function()
        local path = idx.write(type, shape, values)
        if packed then path = files.gzip(path) end
        local array <const> = hn.data.idx(path)
        assert.same({ type, shape, values }, { array:type(), array:shape(), array:table() })
      end)
    end
  end

  local GOOD <const> = idx.bytes("u8", { 2, 3 }, { 1, 2, 3, 4, 5, 6 })
  local BAD <const> = {
    { "an empty file", "", "^format: .*ends" },
    { "3 bytes", GOOD:sub(1, 3), "^format: .*ends" },
    { "a header cut off", GOOD:sub(1, 9), "^format: .*ends" },
    { "values cut off", GOOD:sub(1, -2), "^format: .*short.*%[2, 3%].*5 bytes" },
    { "one byte too many", GOOD .. "x", "^format: .*long.*%[2, 3%].*7 bytes" },
    { "another magic number", "\1" .. GOOD:sub(2), "^format: .*not an IDX file.*01 00 08 02" },
    { "text", "hello, world, here is no data", "^format: .*not an IDX file" },
    { "an unknown type", "\0\0\11" .. GOOD:sub(4), "^format: .*type.*0b" },
    { "no dimensions", "\0\0\8\0", "^format: .*dimensions.*0" },
    { "5 dimensions", "\0\0\8\5" .. ("\0\0\0\1"):rep(5) .. "x", "^format: .*4 dimensions.*5" },
    { "a dimension of 0", "\0\0\8\2\0\0\0\2\0\0\0\0", "^format: .*dimension 2.*0" },
    { "a promise of 2^64 bytes", "\0\0\8\2\255\255\255\255\255\255\255\255x", "^format: .*short" },
    { "a promise of 2^128 bytes", "\0\0\8\4" .. ("\255"):rep(16) .. "x", "^format: .*short" },
    { "a promise of 2^34 bytes of floats", "\0\0\13\1\255\255\255\255x", "^format: .*short" },
  }
  for _, case in ipairs(BAD) do
    it("refuses " .. case[1], function()
      local path <const> = files.write(case[2])
      local ok <const>, message <const> = pcall(hn.data.idx, path)
      assert.is_false(ok)
      assert.matches(case[3], message)
      assert.matches(path, message, 1, true)
    end)
    it("refuses " .. case[1] .. ", packed", function()
      local path <const> = files.gzip(files.write(case[2]))
      local ok <const>, message <const> = pcall(hn.data.idx, path)
      assert.is_false(ok)
      assert.matches("^format: ", message)
      assert.matches(path, message, 1, true)
    end)
  end

  it("refuses gzip data that are cut off or changed", function()
    local values <const> = {}
    for k = 1, 3000 do values[k] = (k * k) % 251 end
    local bytes <const> = files.read(files.gzip(idx.write("u8", { 3000 }, values)))
    for _, length in ipairs { 5, 12, #bytes // 2, #bytes - 9, #bytes - 4, #bytes - 1 } do
      assert.error_matches(function() hn.data.idx(files.write(bytes:sub(1, length))) end, "^format: ")
    end
    local check <const> = #bytes - 6 -- within the check sum at the end
    local changed <const> = bytes:sub(1, check) .. string.char(bytes:byte(check + 1) ~ 1) .. bytes:sub(check + 2)
    assert.error_matches(function() hn.data.idx(files.write(changed)) end, "^format: .*damaged")
  end)

  it("refuses what is not there or no file", function()
    assert.error_matches(function() hn.data.idx("/nowhere/at/all") end, "^file: .*/nowhere/at/all.*No such")
    assert.error_matches(function() hn.data.idx(files.folder()) end, "^file: .*folder")
    assert.error_matches(function() hn.data.idx("/dev/zero") end, "^file: .*regular")
    assert.error_matches(function() hn.data.idx(7) end, "^argument: hn.data.idx: path: expected a string, got 7")
  end)

  it("leaves nothing behind when it fails", function()
    local before <const> = core.memory()
    pcall(hn.data.idx, files.gzip(files.write(GOOD:sub(1, -2))))
    collectgarbage()
    collectgarbage()
    assert.same({ before.host, before.objects }, { core.memory().host, core.memory().objects })
  end)
end)

describe("an image folder", function()
  it("is read as training and test set, in [0, 1], classes from 1", function()
    local train <const>, test <const> = hn.data.mnist(idx.folder(7, 10))
    assert.same({ 7, 7, 10 }, { #train, #test, train.classes })
    assert.equal("9", train.names[10])
    local x <const>, y <const> = train:rows(1, 7)
    assert.same({ 7, 6 }, x:shape())
    for v, value in ipairs(numeric.flat(x:table())) do
      assert.is_true(math.abs(value - (37 * v + 1) % 256 / 255) < 1e-6)
    end
    assert.same({ 1, 2, 3, 4, 5, 6, 7 }, y:table())
  end)

  it("may be packed", function()
    local folder <const> = idx.folder(3, 10)
    assert(os.execute("gzip " .. files.quoted(folder) .. "/*"))
    assert.equal(3, #hn.data.fashion_mnist(folder))
  end)

  it("is Fashion-MNIST as Debian installs it, of 60,000 and 10,000", function()
    local train <const>, test <const> = hn.data.fashion_mnist("/usr/share/datasets/fashion-mnist")
    assert.same({ 60000, 10000, 10 }, { #train, #test, train.classes })
    assert.same({ 784 }, { train:rows(1, 1):size() })
    local counts <const> = {}
    for _, label in ipairs(test.y:table()) do counts[label] = (counts[label] or 0) + 1 end
    for label = 0, 9 do assert.equal(1000, counts[label]) end
  end)

  local labels <const>, images <const> = "train-labels-idx1-ubyte", "train-images-idx3-ubyte"
  local BAD <const> = {
    { "without one of its files", { [labels] = false }, "^file: .*train%-labels.*gz" },
    { "with images where labels should be", { [labels] = idx.bytes("u8", { 1, 2, 3 }, { 1, 2, 3, 4, 5, 6 }) },
      "^format: .*train%-labels.*labels.*1 dimensions.*1x2x3" },
    { "with labels where images should be", { [images] = idx.bytes("u8", { 7 }, { 1, 2, 3, 4, 5, 6, 7 }) },
      "^format: .*train%-images.*images.*3 dimensions.*7" },
    { "with floats as images", { [images] = idx.bytes("f32", { 1, 1, 1 }, { 1 }) }, "^format: .*train%-images.*f32" },
    { "with fewer labels than images", { [labels] = idx.bytes("u8", { 6 }, { 0, 1, 2, 3, 4, 5 }) },
      "^format: .*train%-labels.*7 images.*6" },
    { "with a label beyond the classes", { [labels] = idx.bytes("u8", { 7 }, { 0, 1, 2, 10, 4, 5, 6 }) },
      "^format: .*train%-labels.*0 to 9.*10" },
  }
  for _, case in ipairs(BAD) do
    it("is refused " .. case[1], function()
      local folder <const> = idx.folder(7, 10, case[2])
      assert.error_matches(function() hn.data.mnist(folder) end, case[3])
    end)
  end

  it("is refused where there is none", function()
    assert.error_matches(function() hn.data.fashion_mnist("/nowhere") end, "^file: .*/nowhere")
    assert.error_matches(function() hn.data.fashion_mnist(7) end, "^argument: .*folder: expected a string, got 7")
  end)

  it("is refused with the system's reason where its files cannot be opened", function()
    local no_folder <const> = files.write "a file"
    assert.error_matches(function() hn.data.mnist(no_folder) end,
      "^file: cannot read '.*/train%-images%-idx3%-ubyte': %u")
  end)
end)

describe("a data set", function()
  -- n samples: x = { k, 10 k }, class 1 + k mod 3, weight k.
  local function make(n)
    local x <const>, y <const>, w <const> = {}, {}, {}
    for k = 1, n do x[k], y[k], w[k] = { k, 10 * k }, 1 + k % 3, k end
    return hn.data.tensors { x = x, y = hn.labels(y), weight = w }
  end

  -- The first feature of all samples, in the order they come.
  local function ids(data, options)
    local list <const> = {}
    for x, y, weight in data:batches(options) do
      local rows <const>, classes <const>, weights <const> = x:table(), y:table(), weight:table()
      for k, row in ipairs(rows) do
        assert.same({ 10 * row[1], 1 + row[1] % 3, row[1] }, { row[2], classes[k], weights[k] })
        list[#list + 1] = row[1]
      end
    end
    return list
  end

  it("is made of tables, tensors and host arrays alike", function()
    local rows <const> = { { 1, 2 }, { 3, 4 } }
    for _, x in ipairs { rows, hn.tensor(rows), core.array("f32", { 2, 2 }, { 1, 2, 3, 4 }) } do
      local data <const> = hn.data.tensors { x = x, y = { 0.5, 1.5 } }
      local a <const>, b <const>, c <const> = data:rows(1, 2)
      assert.same({ rows, { 0.5, 1.5 } }, { a:table(), b:table() })
      assert.is_nil(c)
      assert.is_nil(data.classes)
    end
  end)

  it("scales bytes to [0, 1] and keeps integers of the labels", function()
    local data <const> = hn.data.tensors { x = core.array("u8", { 2, 2 }, { 0, 51, 255, 102 }),
      y = core.array("u8", { 2 }, { 0, 2 }) }
    local x <const>, y <const> = data:rows(1, 2)
    assert.is_true(numeric.error(numeric.flat(x:table()), { 0, 0.2, 1, 0.4 }) < 1e-12)
    assert.same({ { 1, 3 }, 3 }, { y:table(), data.classes })
  end)

  it("makes one row of a sample of several dimensions, or leaves it", function()
    local x <const> = hn.tensor({ 2, 3, 2 }, function(i, j, k) return 100 * i + 10 * j + k end)
    assert.same({ 2, 6 }, (hn.data.tensors { x = x }:rows(1, 2)):shape())
    local y <const> = hn.data.tensors({ x = x, flatten = false }):rows(1, 2)
    assert.same(x:table(), y:table())
  end)

  it("knows its size and prints it", function()
    local data <const> = make(7)
    assert.same({ 7, 7, 3 }, { #data, data:size(), data.classes })
    for _, word in ipairs { "7", "3 classes", "weighted" } do assert.matches(word, tostring(data), 1, true) end
  end)

  for _, case in ipairs { { 21, 10, { 10, 11 } }, { 11, 10, { 11 } }, { 3, 1, { 1, 1, 1 } }, { 1, 5, { 1 } },
    { 22, 10, { 10, 10, 2 } } } do
    local count <const>, batch <const>, expected <const> = table.unpack(case)
    it(("leaves no sample alone: %d by %d"):format(count, batch), function()
      local data <const>, sizes = make(count), {}
      for x in data:batches { batch = batch } do sizes[#sizes + 1] = x:shape()[1] end
      assert.same(expected, sizes)
      assert.equal(#expected, data:minibatches(batch))
    end)
  end

  it("comes in minibatches, the last one smaller", function()
    local data <const> = make(23)
    local sizes <const> = {}
    for x in data:batches { batch = 10 } do sizes[#sizes + 1] = x:shape()[1] end
    assert.same({ 10, 10, 3 }, sizes)
    local all <const> = {}
    for k = 1, 23 do all[k] = k end
    for _, batch in ipairs { 1, 5, 23, 100 } do assert.same(all, ids(data, { batch = batch })) end
  end)

  it("is shuffled anew each time: every sample once, with its class and weight", function()
    local data <const>, all <const> = make(50), {}
    for k = 1, 50 do all[k] = k end
    local first <const> = ids(data, { batch = 7, shuffle = true })
    local second <const> = ids(data, { batch = 7, shuffle = true })
    assert.not_same(first, second)
    assert.not_same(all, first)
    assert.same(all, sorted(first))
    assert.same(all, sorted(second))
  end)

  it("frees a minibatch when the next one comes, and when the loop is left", function()
    local data <const> = make(20)
    local before <const>, most = core.memory().used, 0
    for _ in data:batches { batch = 5 } do most = math.max(most, core.memory().used - before) end
    assert.equal(4 * 5 * (2 + 1 + 1), most)
    assert.equal(before, core.memory().used)
    for _ in data:batches { batch = 5 } do
      if core.memory().used > before then break end
    end
    assert.equal(before, core.memory().used)
  end)

  it("is cut by a fraction or a count, into parts that have every sample once", function()
    local data <const>, all <const> = make(40), {}
    for k = 1, 40 do all[k] = k end
    for size, first in pairs { [0.25] = 10, [13] = 13, [0.974] = 39 } do
      local a <const>, b <const> = data:split(size)
      assert.same({ first, 40 - first }, { #a, #b })
      local together <const> = ids(a)
      table.move(ids(b), 1, #b, #together + 1, together)
      assert.not_same(all, together)
      assert.same(all, sorted(together))
    end
    local a <const>, b <const> = data:split(0.5, { shuffle = false })
    assert.same({ 1, 20, 21, 40 }, { ids(a)[1], ids(a)[20], ids(b)[1], ids(b)[20] })
  end)

  it("leaves out minibatches at the beginning", function()
    local function rest(skip)
      hn.use { seed = 3 }
      local list <const> = {}
      for x in make(10):batches { batch = 3, shuffle = true, skip = skip } do list[#list + 1] = x:table() end
      return list
    end
    local whole <const> = rest(0)
    assert.same({ whole[2], whole[3] }, rest(1))
    assert.same({}, rest(4))
  end)

  it("may be cut again", function()
    local _, b <const> = make(40):split(0.5, { shuffle = false })
    local c <const> = b:split(5, { shuffle = false })
    assert.same({ 21, 22, 23, 24, 25 }, ids(c))
    assert.same({ 21, 22 }, ids(c:take(2)))
  end)

  it("gives its first samples, or some at random", function()
    local data <const> = make(40)
    assert.same({ 1, 2, 3 }, ids(data:take(3)))
    assert.equal(40, #data:take(1000))
    local some <const> = ids(data:take(10, { shuffle = true }))
    assert.equal(10, #some)
    assert.not_same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, some)
  end)

  it("shares its arrays with its parts", function()
    local data <const> = make(1000)
    local before <const> = core.memory().host
    local a <const>, b <const> = data:split(0.5)
    assert.equal(1000, #a + #b)
    assert.is_true(core.memory().host - before <= 4 * 1000)
  end)
end)

describe("normalise", function()
  local function columns(data)
    local x <const> = data:rows(1, #data)
    local rows <const> = x:table()
    local moments <const> = {}
    for j = 1, #rows[1] do
      local mean, square = 0, 0
      for _, row in ipairs(rows) do mean, square = mean + row[j] / #rows, square + row[j] ^ 2 / #rows end
      moments[j] = { mean = mean, variance = square - mean ^ 2 }
    end
    return moments, rows
  end
  local function near(expected, got) assert.is_true(math.abs(expected - got) < 1e-5, expected .. " and " .. got) end

  it("gives every feature mean 0 and deviation 1, a constant one mean 0", function()
    local data <const> = hn.data.tensors { x = hn.tensor({ 50, 3 }, function(i, j)
      return j == 3 and 7 or j * 100 + (i * 37 % 50) * j
    end) }
    assert.equal(data, data:normalise())
    local moments <const> = columns(data)
    for j = 1, 2 do
      near(0, moments[j].mean)
      near(1, moments[j].variance)
    end
    near(0, moments[3].mean)
    near(0, moments[3].variance)
  end)

  it("costs no device memory between the minibatches of a loop and after it", function()
    local data <const> = hn.data.tensors({ x = hn.tensor({ 20, 3 }):normal(0, 1) }):normalise()
    collectgarbage()
    collectgarbage()
    local before <const> = core.memory().used
    local during <const> = {}
    for _ in data:batches { batch = 5 } do during[#during + 1] = core.memory().used end
    assert.equal(during[1], during[4])
    assert.equal(before, core.memory().used)
  end)

  it("by range maps all of x to [0, 1]", function()
    local data <const> = hn.data.tensors { x = { { -2, 0 }, { 6, 2 } } }
    data:normalise("range")
    assert.same({ { 0, 0.25 }, { 1, 0.5 } }, (data:rows(1, 2)):table())
  end)

  it("may take over the scale of another set", function()
    local train <const> = hn.data.tensors { x = { { 0 }, { 2 }, { 4 } } }
    local test <const> = hn.data.tensors { x = { { 2 }, { 100 } } }
    test:normalise(train:normalise())
    local y <const> = test:rows(1, 2):table()
    near(0, y[1][1])
    near(98 / math.sqrt(8 / 3), y[2][1])
  end)

  it("fits a part to that part alone", function()
    local first <const>, second <const> = hn.data.tensors({ x = { { 0 }, { 2 }, { 100 }, { 200 } } }):split(0.5,
      { shuffle = false })
    first:normalise("range")
    assert.same({ { 0 }, { 1 } }, (first:rows(1, 2)):table())
    assert.same({ { 100 }, { 200 } }, (second:rows(1, 2)):table())
  end)
end)
