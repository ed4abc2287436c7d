-- The examples of physics, on a few events that random numbers make; and their networks' responses in C.

local files <const> = require "spec.support.files"
local install <const> = require "spec.support.install"
local program <const> = require "spec.support.program"

local hn <const> = require "hn"

-- A table of events in CSV: a feature is 1 higher for signal in every seventh column, and pixels are never negative.
local function write(path, features, others, rows, pixels)
  local lines <const> = { table.concat(features, ",") .. "," .. table.concat(others, ",") }
  for i = 1, rows do
    local label <const>, scale <const>, row <const> = i % 2, pixels and 0.01 or 50, {}
    for k = 1, #features do
      row[k] = ("%.4g"):format(scale * (hn.random() + (k % 7 == 0 and label or 0)))
    end
    row[#row + 1], row[#row + 2] = label, i
    for _ = 3, #others do row[#row + 1] = ("%.3g"):format(0.5 + hn.random()) end
    lines[i + 1] = table.concat(row, ",")
  end
  files.write(table.concat(lines, "\n") .. "\n", path)
end

local function pixels()
  local names <const> = {}
  for i = 1, 1600 do names[i] = ("images[%d]"):format(i) end
  return names
end

local higgs <const> = { "lepton_pt", "lepton_eta", "lepton_phi", "met", "met_phi" }
for jet = 1, 4 do
  for _, name in ipairs { "pt", "eta", "phi", "btag" } do higgs[#higgs + 1] = ("jet%d_%s"):format(jet, name) end
end
for _, name in ipairs { "jj", "jjj", "lv", "jlv", "bb", "wbb", "wwbb" } do higgs[#higgs + 1] = "m_" .. name end

local CASES <const> = {
  { name = "jets", features = pixels(), others = { "label", "event", "mass" }, rows = 200, arguments = "--width 40",
    networks = { "dense", "hashed 1/64", "dense 16" }, columns = "images" },
  { name = "higgs", features = higgs, others = { "label", "event", "weight" }, rows = 400,
    networks = { "dense", "hashed 1/16", "dense 44" }, columns = table.concat(higgs, " ") },
}

describe("the analysis", function()
  local folder

  lazy_setup(function()
    hn.use { device = "cpu", seed = 1 }
    folder = install.copy()
    install.build(folder, "examples/physics/read.c", "cc -std=c11")
  end)
  lazy_teardown(function() os.execute("rm -rf " .. folder) end)

  for _, case in ipairs(CASES) do
    local csv <const>, out <const> = case.name .. ".csv", case.name .. "-out"

    it(case.name .. " compares networks, and C gives their responses", function()
      write(folder .. "/" .. csv, case.features, case.others, case.rows, case.name == "jets")
      local text <const>, err <const>, code <const> = program.shell(("%s --threads 1 examples/physics/%s.lua "
        .. "--data %s/%s --epochs 2 --trials 2 --seeds 2 --out %s/%s %s"):format(program.path, case.name, folder, csv,
        folder, out, case.arguments or ""))
      assert.same({ "", 0 }, { err, code })
      for _, name in ipairs(case.networks) do
        local file <const> = ("%s/%s-%s.hn"):format(folder, out, (name:gsub("%W+", "-")))
        local row <const> = text:match("\n(| " .. name:gsub("%p", "%%%0") .. " | [^\n]*)\n")
        assert.matches("^| [^|]+ | %d+ | %d+%.%d+ | [01]%.%d+ ± 0%.%d+ | [^|]+ | [^|]+ | .*%.hn |$", row)
        local answers <const> = program.shell(("cd %s && ./read %s %s '' %s"):format(folder, file, csv, case.columns))
        local n, net <const> = 0, hn.load(file)
        local events <const> = hn.data.events { files = folder .. "/" .. csv, columns = case.name == "jets" and "images"
          or higgs }
        local expected <const> = net:predict(events):table()
        for line in answers:gmatch "[^\n]+" do
          n = n + 1
          local one <const> = expected[n][2] - expected[n][1]
          assert.is_true(math.abs(tonumber(line) - one) <= 1e-4 * (1 + math.abs(one)), line)
        end
        assert.equal(case.rows, n)
      end
      assert.is_truthy(io.open(("%s/%s-report/index.html"):format(folder, out)))
    end)
  end

  it("says which option it does not know", function()
    local _, err <const>, code <const> = program.run { "examples/physics/jets.lua", "--trails", "2" }
    assert.equal(2, code)
    assert.matches("unknown option --trails\nusage: hnrun examples/physics/jets.lua", err, 1, true)
  end)

  for _, case in ipairs {
    { "there is no column mass", "net.hn events.csv '' mass" },
    { "2 columns, but the network takes 3", "net.hn events.csv '' a b" },
    { "nothing.csv", "net.hn nothing.csv '' a" },
    { "nothing.hn", "nothing.hn events.csv '' a" },
    { "expected a network of two outputs, one.hn has 1", "one.hn events.csv '' a b c" },
    { "usage", "net.hn" },
  } do
    it("in C says what is wrong: " .. case[1], function()
      hn.nn.Sequential { hn.nn.Linear(3, 2) }:save(folder .. "/net.hn")
      hn.nn.Sequential { hn.nn.Linear(3, 1) }:save(folder .. "/one.hn")
      files.write("a,b,c\n1,2,3\n", folder .. "/events.csv")
      local out <const>, err <const>, code <const> = program.shell(("cd %s && ./read %s"):format(folder, case[2]))
      assert.equal("", out)
      assert.not_equal(0, code)
      assert.matches(case[1], err, 1, true)
    end)
  end
end)
