-- hnrun export --onnx: ONNX Runtime's outputs are compared with the engine's (scripts/check-onnx installs it), and the
-- file is read by a reader of our own.

local exported <const> = require "spec.support.exported"
local files <const> = require "spec.support.files"
local hn <const> = require "hn"
local onnx <const> = require "hn.export.onnx"
local output <const> = require "hn.output"
local plan_of <const> = require "hn.export.plan"
local program <const> = require "spec.support.program"
local protobuf <const> = require "spec.support.protobuf"

local nn <const> = hn.nn
local PYTHON <const> = "build/onnx/bin/python"
local there <const> = os.execute(PYTHON .. " -c 'import numpy, onnx, onnxruntime' 2>/dev/null")
local function with_runtime(title, test)
  it(title, there and test or function() pending "onnxruntime is not installed (scripts/check-onnx)" end)
end

local function write(net, path, compressed)
  local model <const> = onnx(plan_of(net), { compressed = compressed })
  output { { path = path, fill = function(put) model:write(put) end } }
end

local function floats(bytes)
  local list <const> = {}
  for at = 1, #bytes, 4 do list[#list + 1] = string.unpack("<f", bytes, at) end
  return list
end

-- ONNX Runtime's outputs for a list of { net =, x =, compressed = }, each a list of numbers.
local function run(list)
  local words <const>, top <const> = { PYTHON, "spec/support/run_onnx.py" }, files.folder()
  for i, case in ipairs(list) do
    local folder <const> = ("%s/%d"):format(top, i)
    os.execute("mkdir " .. folder)
    write(case.net, folder .. "/net.onnx", case.compressed)
    local rows <const> = {}
    for k, row in ipairs(case.x:table()) do rows[k] = string.pack("<" .. ("f"):rep(#row), table.unpack(row)) end
    files.write(table.concat(rows), folder .. "/x")
    words[i + 2] = folder
  end
  local _, err <const>, code <const> = program.shell(table.concat(words, " "))
  assert.same({ "", 0 }, { err, code })
  local outputs <const> = {}
  for i = 1, #list do outputs[i] = floats(files.read(words[i + 2] .. "/y")) end
  return outputs
end

local function compare(expected, actual)
  local at, most = 0, 0
  for i, row in ipairs(expected) do
    for j, wanted in ipairs(row) do
      at = at + 1
      assert.is_true(math.abs(actual[at] - wanted) <= 2e-5 * (1 + math.abs(wanted)),
        ("row %d, output %d: wanted %.8g, got %.8g"):format(i, j, wanted, actual[at]))
      most = math.max(most, math.abs(wanted))
    end
  end
  assert.equal(at, #actual)
  assert.is_true(most > 1e-3, "all outputs are zero: nothing was compared")
end

-- The engine's outputs and ONNX Runtime's of a network in the list, after one run of Python for all.
local results = nil
local function results_of(index, compressed)
  if not results then
    local list <const>, expected <const> = {}, {}
    for i, case in ipairs(exported.networks) do
      local net <const>, x <const> = exported.filled(case[3], case[2])
      expected[i] = net:predict(x):table()
      list[2 * i - 1], list[2 * i] = { net = net, x = x }, { net = net, x = x, compressed = true }
    end
    results = { expected = expected, actual = run(list) }
  end
  return results.expected[index], results.actual[2 * index - (compressed and 0 or 1)]
end

describe("hnrun export --onnx", function()
  for index, case in ipairs(exported.networks) do
    with_runtime("gives the engine's outputs: " .. case[1], function() compare(results_of(index)) end)
    with_runtime("gives them from the buckets: " .. case[1], function() compare(results_of(index, true)) end)
  end

  with_runtime("classifies Fashion-MNIST as the engine does, from a small file", function()
    local train <const>, test <const> = hn.data.fashion_mnist()
    local net <const> = nn.Sequential {
      nn.Hashed(784, 100, { compression = 1 / 64 }), nn.ReLU(), nn.Hashed(100, 10, { compression = 1 / 2 }),
    }
    hn.fit(net, train:take(2000), { epochs = 1, progress = false })
    local x <const> = test:rows(1, 200)
    compare(net:predict(x):table(), run { { net = net, x = x, compressed = true } }[1])
  end)

  local function command(net, ...)
    local folder <const> = files.folder()
    net:save(folder .. "/net.hn")
    local out <const>, err <const>, code <const> = program.run {
      "export", "--onnx", folder .. "/net.hn", "-o", folder .. "/net.onnx", ...
    }
    return folder, out, err, code
  end

  local function hashed()
    return nn.Sequential { nn.Hashed(40, 30, { buckets = 64, seed = 7 }), nn.ReLU(), nn.Linear(30, 3) }
  end

  -- The model as the reader has it, its graph, and its initializers by name.
  local function read(path)
    local model <const> = protobuf(files.read(path))
    local graph <const>, initializers <const> = protobuf(model[7][1]), {}
    for _, bytes in ipairs(graph[5]) do
      local tensor <const> = protobuf(bytes)
      initializers[tensor[8][1]] = tensor
    end
    return model, graph, initializers
  end

  local function operators(graph)
    local list <const> = {}
    for i, bytes in ipairs(graph[1]) do list[i] = protobuf(bytes)[4][1] end
    return list
  end

  it("writes every weight, named, with its shape", function()
    local net <const> = hashed()
    local folder <const>, out <const>, err <const> = command(net)
    assert.equal("", err)
    assert.matches("net%.onnx: x {batch, 40} %-> y {batch, 3}\n[%d.]+ KiB, 1,323 numbers stored as float32\n", out)
    local model <const>, graph <const>, initializers <const> = read(folder .. "/net.onnx")
    assert.same({ { 8 }, { "hnrun" }, { hn.version }, { 18 } },
      { model[1], model[2], model[3], protobuf(model[8][1])[2] })
    assert.same({ "Gemm", "Relu", "Gemm" }, operators(graph))
    local weight <const> = initializers.layer1_weight
    assert.same({ { 30, 40 }, { 1 } }, { weight[1], weight[2] })
    local matrix <const> = net[1].matrix
    local numbers <const> = floats(weight[9][1])
    for row = 1, 30 do
      for col = 1, 40 do assert.equal(matrix:at(row, col), numbers[(row - 1) * 40 + col]) end
    end
    assert.same(net[3].weight:read(1, 90), floats(initializers.layer3_weight[9][1]))
    for field, width in pairs { [11] = 40, [12] = 3 } do
      local info <const> = protobuf(graph[field][1])
      local tensor <const> = protobuf(protobuf(info[2][1])[1][1])
      local batch <const>, size <const> = table.unpack(protobuf(tensor[2][1])[1])
      assert.same({ field == 11 and "x" or "y", 1, "batch", width },
        { info[1][1], tensor[1][1], protobuf(batch)[2][1], protobuf(size)[1][1] })
    end
  end)

  it("writes the buckets alone with --compressed, in a file whose size does not follow the layer's", function()
    local net <const> = hashed()
    local folder <const>, _, err <const> = command(net, "--compressed")
    assert.equal("", err)
    local _, graph <const>, initializers <const> = read(folder .. "/net.onnx")
    assert.same({ net[1].matrix:pool():table(), { 64 } },
      { floats(initializers.layer1_buckets[9][1]), initializers.layer1_buckets[1] })
    assert.is_nil(initializers.layer1_weight)
    local made <const> = {}
    for i, name in ipairs { "x", "y" } do made[protobuf(graph[10 + i][1])[1][1]] = name == "x" end
    for name in pairs(initializers) do made[name] = true end
    for _, bytes in ipairs(graph[1]) do
      local node <const> = protobuf(bytes)
      for _, input in ipairs(node[1]) do assert.is_true(made[input], input .. " is used before it is there") end
      made[node[2][1]] = true
    end
    assert.is_true(made.y)
    local large <const> = command(nn.Sequential { nn.Hashed(4000, 3000, { buckets = 64 }), nn.Linear(3000, 3) },
      "--compressed")
    assert.is_true(#files.read(large .. "/net.onnx") < 60000)
  end)

  it("writes a shared layer once", function()
    local shared <const> = nn.Hashed(6, 6, { buckets = 32 })
    local folder <const> = command(nn.Sequential { shared, nn.ReLU(), shared })
    local _, graph <const>, initializers <const> = read(folder .. "/net.onnx")
    assert.equal(2, #graph[5])
    assert.is_truthy(initializers.layer1_weight)
  end)

  it("refuses what a file cannot hold, and writes nothing", function()
    local folder <const>, out <const>, err <const>, code <const> = command(nn.Sequential {
      nn.Hashed(40000, 20000, { buckets = 64 }),
    })
    assert.matches("argument: export: %-%-onnx: the file would take 3.0 GiB, and an ONNX file has at most 2 GiB; "
      .. "%-%-compressed", err)
    assert.same({ "", 1, "net.hn\n" }, { out, code, (program.shell("ls " .. folder)) })
  end)

  it("leaves the old file where a weight is not finite", function()
    local net <const> = nn.Linear(2, 1)
    net.weight:set { { 1, math.huge } }
    local folder <const> = files.folder()
    net:save(folder .. "/net.hn")
    files.write("old", folder .. "/net.onnx")
    local _, err <const>, code <const> = program.run {
      "export", "--onnx", folder .. "/net.hn", "-o", folder .. "/net.onnx",
    }
    assert.matches("numeric: export: layer_weight: number 2 is inf", err)
    assert.same({ 1, "old", "net.hn\nnet.onnx\n" },
      { code, files.read(folder .. "/net.onnx"), (program.shell("ls " .. folder)) })
  end)

  it("names a file that cannot be written", function()
    local folder <const> = files.folder()
    nn.Linear(2, 1):save(folder .. "/net.hn")
    local _, err <const>, code <const> = program.run {
      "export", "--onnx", folder .. "/net.hn", "-o", folder .. "/no/net.onnx",
    }
    assert.matches("file: export: .*/no/net%.onnx: No such file", err)
    assert.equal(1, code)
  end)

  for _, case in ipairs {
    { "two exports", { "--c", "a", "--onnx", "b", "-o", "c" }, "--c and --onnx are two exports" },
    { "no output", { "--onnx", "a" }, "-o FILE is missing" },
    { "int8", { "--onnx", "a", "-o", "b", "--int8" }, "--int8 is for --c" },
    { "a compressed C file", { "--c", "a", "-o", "b", "--compressed" }, "--compressed is for --onnx" },
  } do
    it("ends with status 2 for " .. case[1], function()
      local _, err <const>, code <const> = program.run { "export", table.unpack(case[2]) }
      assert.is_truthy(err:find("hnrun: export: " .. case[3], 1, true), err)
      assert.equal(2, code)
    end)
  end
end)
