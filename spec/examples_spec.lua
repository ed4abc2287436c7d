-- Every example runs: as it is, but on little data (the data set's files, cut short) and with small settings.

local files <const> = require "spec.support.files"
local idx <const> = require "spec.support.idx"
local program <const> = require "spec.support.program"

local hn <const> = require "hn"

local IMAGES <const>, LABELS <const> = "%s-images-idx3-ubyte", "%s-labels-idx1-ubyte"

-- A folder with the first images of Fashion-MNIST.
local function small_folder(counts)
  local train <const>, test <const> = hn.data.fashion_mnist("/usr/share/datasets/fashion-mnist")
  local folder <const> = files.folder()
  for part, data in pairs { train = train, t10k = test } do
    local n <const> = counts[part]
    files.write(idx.bytes("u8", { n, 28, 28 }, data.x:slice(1, n):table()), folder .. "/" .. IMAGES:format(part))
    files.write(idx.bytes("u8", { n }, data.y:slice(1, n):table()), folder .. "/" .. LABELS:format(part))
  end
  return folder
end

local function example_files()
  local list <const> = {}
  for path in io.popen("ls examples/*.lua"):lines() do list[#list + 1] = path end
  return list
end

-- Arguments and words of the output. An example without a row here runs without arguments.
local ROWS <const> = {
  ["examples/train.lua"] = { arguments = "--epochs 2 --batch 20 --lr 0.03 --compression 1/16 --scheme element "
    .. "--balanced --hidden 50 --seed 3", words = { "Hashed", "epoch 2/2", "test: ", "error" } },
  ["examples/loop.lua"] = { words = { "epoch 4", "test error" } },
  ["examples/shared_pool.lua"] = { words = { "counted once", "test: " } },
  ["examples/beyond_memory.lua"] = { arguments = "--rows 3000 --cols 2000 --buckets 64000 --batch 8 --steps 2",
    words = { "6,003,000", "peak", "fits", "ns a weight at 256 x 80", "step 2: loss", "measured: " } },
  ["examples/wider.lua"] = { arguments = "--budget 32 --wider 16 --batch 20 --epochs 1 --seeds 2",
    words = { "dense, 784-3-10: 2395 weights, 2395 stored", "hashed, 784-48-10: 38170 weights", "pieces of up to 2",
      "seed 2: test error", "mean test error: dense" } },
  ["examples/quantize.lua"] = { words = { "float32  100 samples", "int8: error", "rounded", "int8     100 samples" } },
  ["examples/report.lua"] = { arguments = "FOLDER/report", words = { "index.html: loss 0.", "AUC 0.8" } },
  ["examples/regression.lua"] = { words = { "root mean squared error" } },
}

local function run(path, row)
  local folder <const> = small_folder { train = 500, t10k = 100 }
  -- One thread: the numbers are the same, and a busy machine does not matter.
  return program.shell(("HN_DATA=%s %s --threads 1 %s %s"):format(files.quoted(folder), files.quoted(program.path),
    path, ((row.arguments or ""):gsub("FOLDER", files.quoted(folder)))))
end

describe("the example", function()
  for _, path in ipairs(example_files()) do
    local row <const> = ROWS[path] or { words = {} }
    it(path .. " runs", function()
      local out <const>, err <const>, code <const> = run(path, row)
      assert.same({ "", 0 }, { err, code })
      assert.is_true(#out > 0)
      for _, word in ipairs(row.words) do assert.matches(word, out, 1, true) end
    end)
  end

  it("scripts/rates.lua runs", function()
    local out <const>, err <const>, code <const> = run("scripts/rates.lua", { arguments = "adam" })
    assert.same({ "", 0 }, { err, code })
    for _, words in ipairs { "^layers +optimiser +0.0001 ", "\ndense +Adam +%d+%.%d ",
      "\nline 1/512 +Adam +%d+%.%d " } do
      assert.matches(words, out)
    end
    assert.same({ "usage: hnrun scripts/rates.lua [sgd|adam]\n", 2 },
      { select(2, program.run { "scripts/rates.lua", "adams" }) })
  end)

  it("examples/root/train.lua runs: its network tells the events that it writes apart", function()
    local folder <const> = files.folder()
    local out <const>, err <const>, code <const> = program.shell(("cd %s && $OLDPWD/%s --threads 1 %s"):format(folder,
      program.path, "$OLDPWD/examples/root/train.lua"))
    assert.same({ "", 0 }, { err, code })
    assert.matches("20,000 samples: loss .* AUC 0%.9", out)
    local x <const>, y <const> = {}, {}
    for line in io.lines(folder .. "/events.csv") do
      local event <const>, signal <const>, rest <const> = line:match "^(%d+),([01]),(.*)$"
      if tonumber(event or 201) <= 200 then
        x[#x + 1], y[#y + 1] = {}, tonumber(signal)
        for number in rest:gmatch "[^,]+" do table.insert(x[#x], tonumber(number)) end
      end
    end
    local scores <const> = hn.load(folder .. "/signal.hn"):predict(x)
    assert.is_true(hn.metrics.auc(scores, hn.tensor({ #y }, y)) > 0.9)
  end)

  for path in pairs(ROWS) do
    it(path .. " is there", function() assert.is_truthy(io.open(path)):close() end)
  end

  it("examples/train.lua takes its data from --data and refuses what it does not know", function()
    local folder <const> = small_folder { train = 100, t10k = 50 }
    local out <const> = program.run { "--threads", "1", "examples/train.lua", "--data", folder,
      "--epochs", "1", "--hidden", "20" }
    assert.matches("test: 50 samples", out, 1, true)
    assert.matches("Linear +20 %-> 10 ", (program.run { "--threads", "1", "examples/train.lua", "--data", folder,
      "--epochs", "1", "--hidden", "20", "--scheme", "dense", "--dropout", "0" }))
    local _, err <const>, code <const> = program.run { "examples/train.lua", "--epoch", "1" }
    assert.equal(2, code)
    assert.matches("--epoch", err, 1, true)
    assert.matches("--epochs N", err, 1, true)
  end)
end)
