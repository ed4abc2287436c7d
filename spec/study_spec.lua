-- The study of examples/study: networks within their budgets, its log and its search. What it finds, no spec asks.

local files <const> = require "spec.support.files"
local hn <const> = require "hn"
local idx <const> = require "spec.support.idx"
local numeric <const> = require "spec.support.numeric"
local program <const> = require "spec.support.program"

package.path = "examples/?.lua;" .. package.path
local grid <const> = require "study.grid"
local log <const> = require "study.log"
local methods <const> = require "study.methods"
local search <const> = require "study.search"

-- A folder of sets with one set "tiny": n images of 6 x 6 in two classes, each with a bar that lies or stands.
local function data_folder(n)
  local random <const> = numeric.generator(n)
  local images <const>, labels <const> = {}, {}
  for i = 1, n do
    labels[i] = i % 2
    local at <const> = random.integer(6)
    for r = 0, 5 do
      for c = 0, 5 do images[#images + 1] = (labels[i] == 1 and r or c) == at and 200 or random.integer(60) end
    end
  end
  local folder <const> = files.folder()
  assert(os.execute("mkdir " .. folder .. "/tiny"))
  for _, part in ipairs { "train", "t10k" } do
    files.write(idx.bytes("u8", { n, 6, 6 }, images), ("%s/tiny/%s-images-idx3-ubyte"):format(folder, part))
    files.write(idx.bytes("u8", { n }, labels), ("%s/tiny/%s-labels-idx1-ubyte"):format(folder, part))
  end
  return folder
end

local GRID <const> = "--sets tiny --methods nn,hashnetdk --layers 3 --storage 1/8 --seeds 2 --trials 3 --epochs 2"
local RUNS <const> = 3 * (3 + 2) -- the full network, nn and hashnetdk: three trials and two seeds each

local function command(folder, csv, more)
  return ("%s --threads 1 examples/study/run.lua --data %s --csv %s %s %s"):format(files.quoted(program.path), folder,
    csv, GRID, more or "")
end

-- Runs the study and expects success; gives what it printed.
local function study(folder, csv, more)
  local out <const>, err <const>, code <const> = program.shell(command(folder, csv, more))
  assert.same({ "", 0 }, { err, code })
  return out
end

-- The log's results without the seconds that they took, by what the runs are; and the number of runs and of lines.
local function runs(csv)
  local results <const>, count = {}, 0
  local all <const> = log.read(csv)
  for _, run in ipairs(all) do
    if not results[run.key] then count = count + 1 end
    results[run.key] = ("%d stored, error %.17g, loss %.17g"):format(run.stored, run.error, run.loss)
  end
  return results, count, #all
end

describe("examples/study", function()
  local folder, whole
  before_each(function()
    folder = data_folder(40)
    whole = files.folder() .. "/study.csv"
    study(folder, whole)
  end)

  it("goes on after a kill to the same numbers, and does nothing twice", function()
    local expected <const>, count <const>, lines <const> = runs(whole)
    assert.same({ RUNS, RUNS }, { count, lines })
    local before <const> = files.read(whole)
    study(folder, whole)
    assert.equal(before, files.read(whole))

    local csv <const> = files.folder() .. "/study.csv"
    local _, _, code <const> = program.shell(command(folder, csv) .. " >/dev/null & pid=$!; until [ -s " .. csv
      .. " ]; do sleep 0.01; done; kill -9 $pid; wait $pid")
    assert.equal(137, code)
    local left <const> = files.read(csv)
    files.write(left:sub(1, -4), csv) -- as if the kill had come in the middle of the line
    study(folder, csv)
    assert.same(expected, (runs(csv)))
  end)

  it("is shared by processes side by side", function()
    local csv <const> = files.folder() .. "/study.csv"
    local part <const> = command(folder, csv, "--part %d/2") .. " >/dev/null"
    local both <const> = ("%s & %s; e=$?; wait $! && exit $e"):format(part:format(1), part:format(2))
    local _, err <const>, code <const> = program.shell(both)
    assert.same({ "", 0 }, { err, code })
    assert.same((runs(whole)), (runs(csv)))
  end)

  it("does a line again to the same bits, its teacher too, and tells when they differ", function()
    local lines <const>, number = {}, 0
    for line in files.read(whole):gmatch "[^\n]+" do lines[#lines + 1] = line end
    for k, line in ipairs(lines) do
      if line:find "^tiny,hashnetdk,.*,final," then number = k end
    end
    assert(os.execute("rm " .. whole:gsub("%.csv$", "-*.hn")))
    assert.matches("\nthe same\n$", study(folder, whole, "--again " .. number))
    lines[number] = lines[number]:gsub("(,%d+),([%d.]+),([%d.]+),([%d.]+)$", "%1,%2,0.5,%4")
    files.write(table.concat(lines, "\n") .. "\n", whole)
    local out <const>, _, code <const> = program.shell(command(folder, whole, "--again " .. number))
    assert.equal(1, code)
    assert.matches("loss 0.5\n.*\ndifferent\n$", out)
  end)

  it("prints means and standard deviations, diverged runs apart, beside the paper's numbers", function()
    local head <const> = files.read(whole):match "^[^\n]+\n"
    local line <const> = "mnist,%s,3,1000,1/64,final,all,45,%d,0.1,0,0.2,0,1,0,%d,%s,0.1,3600\n"
    local csv <const> = files.write(head .. line:format("hashnet", 1, 12413, "2.5")
      .. line:format("hashnet", 2, 12413, "2.7") .. line:format("line", 1, 12400, "nan")
      .. line:format("hashnet", 2, 12413, "9"):gsub(",45,", ",5,"))
    local out <const>, err <const>, code <const> = program.run { "examples/study/run.lua", "--table", "--csv", csv }
    assert.same({ "", 0 }, { err, code })
    assert.matches("3 layers at 1/64; 12400 to 12413 stored weights", out, 1, true)
    local row <const> = "| mnist | - (15.03) | - (28.99) | - (6.28) | - (6.32) | 2.60 ± 0.14 (2.79) | - (2.65) | 1 div"
    assert.matches(row, out, 1, true)
  end)

  it("draws the log's figures and the loads of buckets", function()
    local head <const> = files.read(whole):match "^[^\n]+\n"
    local line <const> = "mnist,hashnet,3,1000,1/%d,final,all,45,1,0.1,0,0.2,0,1,0,12413,%s,0.1,3600\n"
    local csv <const> = files.write(head .. line:format(64, "2.5") .. line:format(8, "1.5"))
    local pictures <const> = files.folder()
    local out <const>, err <const>, code <const> = program.run { "examples/study/run.lua", "--figures", pictures,
      "--sets", "mnist", "--layers", "3", "--csv", csv }
    if code ~= 0 and err:find("gnuplot", 1, true) then return pending "gnuplot is not installed" end
    assert.same({ "", 0 }, { err, code })
    for _, name in ipairs { "compression-mnist-3", "loads" } do
      assert.matches(name .. ".svg\n", out, 1, true)
      assert.matches("^<%?xml", files.read(("%s/%s.svg"):format(pictures, name)))
    end
    assert.matches("hashnet (the paper)", out, 1, true)
  end)

  it("draws learning curves of what the log has", function()
    local csv <const>, picture <const> = files.folder() .. "/study.csv", files.folder() .. "/curves.txt"
    files.write(files.read(whole), csv)
    local out <const> = study(folder, csv, "--curves " .. picture)
    assert.matches("nn .*hashnetdk", files.read(picture))
    assert.matches(picture, out, 1, true)
    assert.equal(files.read(whole), files.read(csv))
  end)
end)

describe("the study's networks", function()
  for _, layers in ipairs { 3, 5 } do
    for _, storage in ipairs { "1/8", "1/64", "dense 50" } do
      it(("keep within the budget: %d layers at %s"):format(layers, storage), function()
        local sizes <const>, budget = { 784, 1000, 1000, 1000 }, 0
        for l = 1, layers - 1 do
          local inputs <const>, outputs <const> = sizes[l], l == layers - 1 and 10 or 1000
          budget = budget + (storage ~= "dense 50" and math.ceil((inputs + 1) * outputs / storage:match "%d+$")
            or ((l == 1 and 784 or 50) + 1) * (l == layers - 1 and 10 or 50))
        end
        for _, method in ipairs(methods.names) do
          local cell <const> = { method = method, layers = layers, width = 1000, storage = storage }
          if method ~= "full" and methods.fits(cell) then
            local net <const> = methods.network(cell, 784, 10, { input = 0.1, hidden = 0.2 })
            local stored <const> = methods.stored(method, net)
            local low <const> = (method == "lrd" or method == "nn" or method == "dk") and 0.9 or 0.995
            local most <const> = (method == "nn" or method == "dk") and 1.06 or 1
            assert.is_true(stored >= low * budget and stored <= most * budget,
              ("%s stores %d of %d"):format(method, stored, budget))
          end
        end
      end)
    end
  end

  it("are as wide as the inflation study says, the narrow ones once", function()
    local cells <const> = grid.cells { sets = { "mnist" }, methods = { "nn", "hashnet", "lrd" }, layers = { 3 },
      inflation = true }
    local found <const> = { nn = {}, hashnet = {}, lrd = {} }
    for _, cell in ipairs(cells) do table.insert(found[cell.method], cell.width) end
    local all <const> = { 50, 100, 200, 400, 800, 1600, 3200 }
    assert.same({ nn = { 50 }, hashnet = all, lrd = all }, found)
  end)
end)

describe("the study's search", function()
  it("has a place to look for each method, where a setting has all that the log names", function()
    for name, method in pairs(methods.known) do
      for n = 1, 4 do
        local setting <const> = hn.tune.candidate(search.space(method, n < 3 and 3 or 5), n % 2 + 1, 1)
        for _, key in ipairs(search.names) do assert.is_number(setting[key], name) end
        assert.equal(method.teacher ~= nil, setting.weight > 0)
      end
    end
  end)
end)

describe("examples/study/run.lua", function()
  for _, case in ipairs {
    { "an unknown option", { "--slow" }, "--slow" }, { "an option without its value", { "--seeds" }, "--seeds needs" },
    { "text for a number", { "--seeds", "many" }, "many" }, { "an unknown method", { "--methods", "nn,svm" }, "svm" },
    { "a part beyond the parts", { "--part", "3/2" }, "3/2" }, { "a storage that is none", { "--storage", "2" }, "2" },
    { "a line that is no run", { "--data", "x", "--csv", "/nowhere", "--again", "2" }, "line 2" },
  } do
    it("refuses " .. case[1], function()
      local _, err <const>, code <const> = program.run { "examples/study/run.lua", table.unpack(case[2]) }
      assert.equal(2, code)
      assert.matches(case[3], err, 1, true)
    end)
  end

  it("refuses a seed of hnrun's command line, which would be every run's", function()
    local _, err <const>, code <const> = program.shell(command(data_folder(20), files.folder() .. "/s.csv")
      :gsub("%-%-threads 1", "--seed 99 --threads 1"))
    assert.equal(1, code)
    assert.matches("leave hnrun's --seed out", err, 1, true)
  end)
end)
