-- Model files: what is saved comes back on every backend, files of every version load, hostile bytes give an error.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

local function scaling()
  local Half <const> = hn.nn.module "Half"
  function Half:init() self.factor = 0.5 end
  function Half:forward(x) return hn.scale(x, self.factor) end
  return Half
end

local function input(rows, cols) return hn.tensor({ rows, cols }, function(i, j) return math.sin(i * j) end) end

-- The function's error contains all of these texts.
local function fails(run, ...)
  local ok <const>, message <const> = pcall(run)
  assert.is_false(ok)
  for _, part in ipairs { ... } do assert.truthy(message:find(part, 1, true), message) end
end

local function near(expected, got, tolerance)
  assert.same(#expected, #got)
  for i, row in ipairs(expected) do
    for j, value in ipairs(row) do assert.is_true(math.abs(value - got[i][j]) <= tolerance) end
  end
end

local nets <const> = {
  { "Linear alone", function() return hn.nn.Linear(4, 3) end },
  { "no bias", function() return hn.nn.Sequential { hn.nn.Linear(4, 3, { bias = false }) } end },
  { "Hashed", function() return hn.nn.Hashed(4, 20, { buckets = 32, seed = 4294967295 }) end },
  { "Hashed, every option", function()
    return hn.nn.Hashed(4, 20, { buckets = 32, scheme = "element", strip = 5, balanced = true, sign = false,
      bias = "hashed" })
  end },
  { "Sparse, LowRank, Sum", function()
    return hn.nn.Sequential { hn.nn.Sparse(4, 20, { edges = 33 }),
      hn.nn.Sum { hn.nn.LowRank(20, 5, { rank = 3 }), hn.nn.Sparse(20, 5, { bias = false }) } }
  end },
  { "a shared pool", function()
    local pool <const> = hn.buckets(64)
    return hn.nn.Sequential { hn.nn.Hashed(4, 20, { pool = pool, count = 32 }),
      hn.nn.Hashed(20, 4, { pool = pool, offset = 32 }) }
  end },
  { "a layer that comes twice", function()
    local layer <const> = hn.nn.Linear(4, 4)
    return hn.nn.Sequential { layer, hn.nn.Tanh(), layer }
  end },
  { "norms, dropout, activations, Residual, Flatten", function()
    return hn.nn.Sequential { hn.nn.BatchNorm(4, { momentum = 0.3 }), hn.nn.LeakyReLU(0.2), hn.nn.Dropout(0.1),
      hn.nn.Residual { hn.nn.LayerNorm(4), hn.nn.ELU(2) }, hn.nn.Flatten(), hn.nn.Softmax() }
  end },
  { "modules in fields that come again", function()
    local Many <const> = hn.nn.module "Many"
    function Many:init()
      for name in ("qwertyuiopas"):gmatch "." do self[name] = hn.nn.Linear(4, 4) end
      self.last = { again = self.q, once_more = self.a }
    end
    function Many:forward(x)
      for name in ("qwertyuiopas"):gmatch "." do x = self[name](x) end
      return self.last.once_more(self.last.again(x))
    end
    return Many()
  end },
  { "a module of one's own, with a table", function()
    local Own <const> = hn.nn.module "Own"
    function Own:init() self.parts = { hn.nn.Linear(4, 4), gain = hn.tensor({ 4 }, 2):parameter() } end
    function Own:forward(x) return hn.mul(self.parts[1](x), self.parts.gain) end
    return Own()
  end },
}

for _, backend in ipairs(backends) do
  describe("a model file on " .. backend.device, function()
    for _, row in ipairs(nets) do
      it("gives the network back: " .. row[1], function()
        local path <const>, x_shape <const> = files.path(), { 5, 4 }
        local net <const> = row[2]()
        net:train()
        net(input(table.unpack(x_shape))) -- moves running statistics
        net:save(path)
        local expected <const> = net:eval()(input(5, 4)):table()
        backends.open { device = backend.device }
        local again <const> = hn.load(path)
        near(expected, again(input(5, 4)):table(), backend.device == "cpu" and 0 or 1e-5)
        assert.is_false(again.training)
        assert.same(tostring(net), tostring(again))
        assert.same(#net:parameters(), #again:parameters())
        again:save(path .. "2")
        assert.same(files.read(path), files.read(path .. "2"))
        os.remove(path .. "2")
      end)
    end

    it("of version 1 loads and predicts as it did", function()
      backends.open { device = backend.device }
      scaling()
      local expected <const> = {
        { 0.516767442, -2.07162142, -0.635523021 },
        { 0.262583882, 0.596314251, -1.54626656 },
        { -1.28807366, -1.78203452, -0.216813073 },
        { 0.960973442, 0.653768182, -0.700854838 },
        { 0.878093004, 0.670670509, -1.04677653 },
        { 0.955485046, -1.9808054, -0.99409467 },
        { -0.882162452, -1.80120778, -0.802668989 },
        { 0.188927516, 0.81497252, -0.365570217 },
      }
      local got <const> = hn.load "spec/golden/version-1.hn" (input(8, 6)):table()
      near(expected, got, 1e-4)
    end)
  end)
end

describe("a model file", function()
  it("keeps the loss for hn.evaluate", function()
    local path <const> = files.path()
    local net <const> = hn.nn.Linear(2, 1)
    local data <const> = { x = { { 1, 2 }, { 3, 4 } }, y = { 1, 0 } }
    hn.fit(net, data, { loss = "bce", epochs = 1, progress = false })
    net:save(path)
    assert.same(hn.evaluate(net, data).loss, hn.evaluate(hn.load(path), data).loss)
    assert.truthy(hn.evaluate(hn.load(path), data).error)
  end)

  it("needs the classes of one's own modules", function()
    local path <const> = files.path()
    hn.nn.module "Rare" ():save(path)
    require("hn.nn.classes").Rare = nil
    fails(function() hn.load(path) end, "format:", '"Rare"')
  end)

  it("refuses what cannot be kept, and leaves the old file and nothing else", function()
    local folder <const> = files.folder()
    local path <const> = files.write("old", folder .. "/net.hn")
    local net <const> = hn.nn.Sequential { hn.nn.Linear(2, 2), function(x) return x end }
    fails(function() net:save(path) end, "argument:", "2: a function")
    fails(function() hn.nn.Linear(2, 2):save(folder .. "/none/net.hn") end, "file:", "none/net.hn")
    fails(function() hn.nn.Linear(2, 2):save(folder) end, "file:")
    fails(function() hn.nn.Linear(2, 2):save(42) end, "argument:", "path")
    assert.same("old", files.read(path))
    local list <const> = io.popen("ls -A " .. folder)
    assert.same("net.hn\n", list:read "a")
    list:close()
  end)
end)

describe("a full disk", function()
  it("leaves the old file and no other", function()
    local folder <const> = files.folder()
    local path <const> = files.write("old", folder .. "/net.hn")
    local source <const> = files.write [[require("hn").nn.Linear(1000, 1000):save(arg[1])]]
    -- A limit on the size of files stands for it.
    local _, err <const>, code <const> = program.shell(("trap '' XFSZ; ulimit -f 100; %s %s %s"):format(
      files.quoted(program.path), source, path))
    assert.same(1, code)
    assert.truthy(err:find("file: cannot write '" .. path, 1, true), err)
    assert.same("old", files.read(path))
    assert.same("net.hn\n", (program.shell("ls -A " .. folder)))
  end)
end)

-- A file of this header and data with a checksum that fits, and the checksum's place.
local function hostile(header, data)
  local path <const> = files.path()
  local net <const> = hn.nn.Linear(1, 1)
  net:save(path)
  header = '{"__metadata__":{"xxh3":"0000000000000000"' .. header
  return files.write(string.pack("<s8", header) .. data, path)
end

-- Opens it; the error tells the sum that it should have, which goes in.
local function open_with_sum(header, data)
  local path <const> = hostile(header, data)
  local ok <const>, message = pcall(core.file, path)
  assert.is_false(ok)
  local sum <const> = message:match "its bytes give (%x+)"
  if not sum then return message end
  local bytes <const> = files.read(path)
  files.write(bytes:sub(1, 33) .. sum .. bytes:sub(34 + 16), path)
  return select(2, pcall(hn.load, path))
end

local v <const> = ',"version":"1"}'
local function tensor(name, dtype, shape, offsets)
  return (',"%s":{"dtype":"%s","shape":%s,"data_offsets":%s}'):format(name, dtype, shape, offsets)
end

local bad <const> = {
  { "no version", "}}", "", "version none" },
  { "another version", ',"version":"2"}}', "", "version 2" },
  { "metadata that is no text", ',"version":1}}', "", "'version' is not a string" },
  { "no JSON", v .. ",}", "", "not JSON" },
  { "text behind the header", v .. "}x", "", "not JSON" },
  { "deep JSON", v .. ',"a":' .. ("["):rep(100000), "", "not JSON" },
  { "a tensor that is a number", v .. ',"a":1}', "", "'a'", "object" },
  { "a dtype that is none", v .. tensor("a", "F64", "[1]", "[0,8]") .. "}", ("\0"):rep(8), "dtype" },
  { "no shape", v .. tensor("a", "F32", "1", "[0,4]") .. "}", "1234", "shape" },
  { "a count of nan", v .. tensor("a", "F32", "[nan]", "[0,4]") .. "}", "1234", "not JSON" },
  { "an endless count", v .. tensor("a", "F32", "[1e999]", "[0,4]") .. "}", "1234", "shape" },
  { "a broken count", v .. tensor("a", "F32", "[1.5]", "[0,4]") .. "}", "1234", "shape" },
  { "a count below 0", v .. tensor("a", "F32", "[-1]", "[0,4]") .. "}", "1234", "shape" },
  { "a count of 0", v .. tensor("a", "F32", "[0]", "[0,0]") .. "}", "", "shape" },
  { "a huge product", v .. tensor("a", "F32", "[4294967296,4294967296]", "[0,4]") .. "}", "1234", "shape" },
  { "too many dimensions", v .. tensor("a", "F32", "[1,1,1,1,1]", "[0,4]") .. "}", "1234", "shape" },
  { "offsets that don't fit", v .. tensor("a", "F32", "[1]", "[0,8]") .. "}", "12345678", "offsets" },
  { "offsets backwards", v .. tensor("a", "F32", "[1]", "[4,0]") .. "}", "1234", "offsets" },
  { "offsets beyond the end", v .. tensor("a", "F32", "[1]", "[4,8]") .. "}", "1234", "offsets" },
  { "one offset", v .. tensor("a", "F32", "[1]", "[0]") .. "}", "1234", "data_offsets" },
  { "overlapping tensors", v .. tensor("a", "F32", "[2]", "[0,8]") .. tensor("b", "F32", "[2]", "[4,12]") .. "}",
    ("x"):rep(12), "overlaps" },
  { "a gap", v .. tensor("a", "F32", "[1]", "[4,8]") .. "}", "12345678", "gap" },
  { "bytes left over", v .. tensor("a", "F32", "[1]", "[0,4]") .. "}", "12345678", "follow" },
  { "two of a name", v .. tensor("a", "F32", "[1]", "[0,4]") .. tensor("a", "F32", "[1]", "[4,8]") .. "}", "12345678",
    "two entries" },
  { "no network", v .. "}", "", "no network" },
  { "a network that is no JSON", ',"model":"{"' .. v .. "}", "", "not JSON" },
  { "a network of a list", ',"model":"[1]"' .. v .. "}", "", "no network" },
  { "an unknown kind", ',"model":"{\\"kind\\":\\"os.exit\\"}"' .. v .. "}", "", "os.exit" },
  { "a layer without its fields", ',"model":"{\\"kind\\":\\"Linear\\"}"' .. v .. "}", "", "Linear" },
  { "a tensor that is not there",
    ',"model":"{\\"kind\\":\\"Linear\\",\\"fields\\":{\\"weight\\":{\\"tensor\\":\\"w\\"}}}"' .. v .. "}", "", "'w'" },
  { "an unknown loss", ',"model":"{}","loss":"x"' .. v .. "}", "", "loss" },
}

describe("a hostile file", function()
  for _, row in ipairs(bad) do
    it("is refused: " .. row[1], function()
      local message <const> = open_with_sum(row[2], row[3])
      assert.is_string(message)
      assert.truthy(message:find("^format: "), message)
      for k = 4, #row do assert.truthy(message:find(row[k], 1, true), message) end
    end)
  end

  it("is refused when it ends early, at every byte, or has any bit turned", function()
    local path <const> = files.path()
    hn.nn.Linear(1, 1):save(path)
    local bytes <const> = files.read(path)
    for n = 0, #bytes - 1 do
      files.write(bytes:sub(1, n), path)
      assert.is_false((pcall(hn.load, path)), "cut at " .. n)
      files.write(bytes:sub(1, n) .. string.char(bytes:byte(n + 1) ~ (1 << n % 8)) .. bytes:sub(n + 2), path)
      assert.is_false((pcall(hn.load, path)), "turned at " .. n)
    end
    files.write(bytes .. "\0", path)
    assert.is_false((pcall(hn.load, path)))
  end)
end)
