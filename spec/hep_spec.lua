-- scripts/hep-events and scripts/root2hdf5: what they refuse, and their files as hn.data.events reads them.
-- scripts/check-hep makes the environment that all but the first need.

local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local lfs <const> = require "lfs"
local program <const> = require "spec.support.program"

local there <const> = lfs.attributes "build/hep/complete" ~= nil

local function test(title, body)
  it(title, function()
    if not there then return pending "scripts/check-hep makes the environment with Pythia and uproot" end
    backends.open { device = "cpu" }
    body()
  end)
end

local function ok(...)
  local out <const>, err <const>, code <const> = program.shell(string.format(...))
  assert.equal(0, code, err)
  return out, err
end

local function fails(text, ...)
  local _, err <const>, code <const> = program.shell(string.format(...))
  assert.not_equal(0, code)
  assert.is_truthy(err:find(text, 1, true), err)
end

-- A column's values in the order of the file.
local function columns(options)
  local data <const> = hn.data.events(options)
  return setmetatable({}, { __index = function(self, name)
    self[name] = data:spectator(name):table()
    return self[name]
  end }), data
end

describe("scripts of events", function()
  local REFUSED <const> = {
    { "hep-events", "hep-events jets|higgs [-o FILE]" },
    { "hep-events photons", "there is no set photons" },
    { "hep-events jets --sed 1", "there is no option --sed" },
    { "hep-events jets -n", "-n: expected a value" },
    { "hep-events jets -n 1", "-n: expected a whole number from 2 on, got 1" },
    { "hep-events jets -n 1e6", "-n: expected a whole number from 2 on, got 1e6" },
    { "hep-events jets --seed -1", "--seed: expected a whole number from 0 on, got -1" },
    { "hep-events jets --processes 0", "--processes: expected a whole number from 1 on, got 0" },
    { "hep-events jets -o /nowhere/jets.h5", "-o: there is no folder /nowhere" },
    { "root2hdf5", "root2hdf5 IN.root[:TREE] -o OUT.h5" },
    { "root2hdf5 README.md", "-o: expected the file to write" },
    { "root2hdf5 README.md LICENSE -o /tmp/x.h5", "one file at a time, not LICENSE as well" },
    { "root2hdf5 README.md --cut", "--cut: expected a value" },
    { "root2hdf5 README.md --cuts 1", "there is no option --cuts" },
    { "root2hdf5 nowhere.root:tree -o /tmp/x.h5", "cannot read nowhere.root" },
    { "root2hdf5 README.md -o /nowhere/x.h5", "-o: there is no folder /nowhere" },
  }
  for _, case in ipairs(REFUSED) do
    it("refuse " .. case[1], function() fails(case[2], "scripts/%s", case[1]) end)
  end
  it("tell what they do", function()
    assert.matches("--processes N", (ok "scripts/hep-events --help"), 1, true)
    assert.matches("--cut EXPRESSION", (ok "scripts/root2hdf5 --help"), 1, true)
  end)
end)

describe("simulated", function()
  local folder
  local N <const> = 150 -- two chunks

  -- The file of a set, after it has been made twice: it is the same whoever makes it.
  local function made(name)
    folder = files.folder()
    for processes = 1, 2 do
      local _, err <const> = ok("scripts/hep-events %s -o %s/%d.h5 -n %d --seed 5 --processes %d", name, folder,
        processes, N, processes)
      assert.matches(("%d of %d"):format(N, N), err, 1, true)
    end
    assert.is_true(files.read(folder .. "/1.h5") == files.read(folder .. "/2.h5"))
    assert.equal("1.h5\n2.h5\n", (ok("ls -A %s", folder)))
    return folder .. "/1.h5"
  end

  local function check_labels(c)
    local sum = 0
    for k = 1, N do
      sum = sum + c.label[k]
      assert.equal(k - 1, c.event[k])
    end
    assert.equal(N // 2, sum)
  end

  -- What an image says: its sum, its sums over quadrants, its moments.
  local function look(image)
    local sum, quadrants, xx, yy = 0, { [0] = 0, 0, 0, 0 }, 0, 0
    for k, value in ipairs(image) do
      assert.is_true(value >= 0)
      local x <const>, y <const> = (k - 1) % 40 - 19.5, 19.5 - (k - 1) // 40
      local quadrant <const> = (x > 0 and 1 or 0) + (y > 0 and 2 or 0)
      sum, quadrants[quadrant] = sum + value, quadrants[quadrant] + value
      xx, yy = xx + value * x * x, yy + value * y * y
    end
    return sum, quadrants, xx, yy
  end

  test("jets have images that are upright and turned to the hardest quadrant", function()
    local c <const>, data <const> = columns { files = made "jets", columns = "images",
      spectators = { "label", "mass", "pt", "eta", "event" } }
    check_labels(c)
    local masses <const> = { [0] = {}, {} }
    for k, value in ipairs(c.mass) do
      assert.is_true(c.pt[k] >= 400 and c.pt[k] <= 650 and math.abs(c.eta[k]) <= 2 and value > 0)
      table.insert(masses[c.label[k]], value)
    end
    for _, list in pairs(masses) do table.sort(list) end
    assert.is_true(masses[1][#masses[1] // 2] > 1.4 * masses[0][#masses[0] // 2]) -- medians
    local upright, seen = 0, 0
    for x in data:batches { batch = 50 } do
      for _, image in ipairs(x:table()) do
        local sum <const>, quadrants <const>, xx <const>, yy <const> = look(image)
        assert.near(1, sum, 2e-3)
        assert.is_true(quadrants[3] + 0.02 >= math.max(quadrants[0], quadrants[1], quadrants[2]))
        seen, upright = seen + 1, upright + (yy >= xx and 1 or 0)
      end
    end
    assert.equal(N, seen)
    assert.is_true(upright > 0.97 * N) -- but for what pixels round
  end)

  test("Higgs events have masses that their jets have, and weights", function()
    local names <const> = { "lepton_pt", "lepton_eta", "met", "m_lv", "m_bb", "m_wwbb", "m_wbb", "label", "event",
      "weight" }
    for k = 1, 4 do
      for _, name in ipairs { "pt", "eta", "phi", "btag" } do names[#names + 1] = ("jet%d_%s"):format(k, name) end
    end
    local path <const> = made "higgs"
    local c <const>, data <const> = columns { files = path, columns = "m_jj", spectators = names }
    check_labels(c)
    local all <const> = hn.data.events { files = path }
    assert.equal(21 + 7 + 3, #all.columns)
    assert.equal(N, data.counts.kept)

    local sums <const> = { [0] = 0, 0 }
    for k = 1, N do
      sums[c.label[k]] = sums[c.label[k]] + c.weight[k]
      assert.is_true(c.lepton_pt[k] >= 20 and math.abs(c.lepton_eta[k]) <= 2.5 and c.met[k] >= 0)
      assert.is_true(c.m_lv[k] > 80.39 and c.m_wwbb[k] > c.m_wbb[k] and c.m_wbb[k] > c.m_bb[k])
      local tagged <const> = {}
      for j = 1, 4 do
        local function of(name) return c[("jet%d_%s"):format(j, name)][k] end
        assert.is_true(of "pt" >= 20 and (j == 1 or of "pt" <= c[("jet%d_pt"):format(j - 1)][k]))
        if of "btag" == 1 then tagged[#tagged + 1] = { of "pt", of "eta", of "phi" } end
      end
      if #tagged == 2 then -- without the jets' own masses
        local a <const>, b <const> = table.unpack(tagged)
        local cosh <const> = (math.exp(a[2] - b[2]) + math.exp(b[2] - a[2])) / 2
        local mass <const> = math.sqrt(2 * a[1] * b[1] * (cosh - math.cos(a[3] - b[3])))
        assert.is_true(c.m_bb[k] > 0.999 * mass and c.m_bb[k] < 1.5 * mass + 10)
      end
    end
    assert.is_true(sums[0] / sums[1] > 80 and sums[0] / sums[1] < 320)
  end)
end)

describe("root2hdf5", function()
  local ROWS <const> = 200000 -- several pieces
  local folder

  lazy_setup(function()
    if not there then return end
    folder = os.tmpname()
    ok("rm %s && mkdir %s && build/hep/bin/python -B spec/support/root_files.py %s %d", folder, folder, folder, ROWS)
  end)
  lazy_teardown(function()
    if there then os.execute("rm -rf " .. folder) end
  end)

  for _, name in ipairs { "tree.root", "tree.root:tree", "ntuple.root" } do
    test("copies what has one number for each event of " .. name, function()
      local out <const>, err <const> = ok("scripts/root2hdf5 %s/%s -o %s/out.h5", folder, name, folder)
      assert.matches("200,000 of 200,000 events, %d columns in group events", out)
      assert.matches("left out, as they have not one number for each event: .*hits", err)
      local c <const> = columns { files = folder .. "/out.h5", group = "events", columns = "pt",
        spectators = { "pt", "id", "flag" } }
      for k = 0, ROWS - 1, 997 do
        assert.same({ k / 4, 10000000000 + k, k % 2 }, { c.pt[k + 1], c.id[k + 1], c.flag[k + 1] })
      end
    end)
  end

  local CUTS <const> = { -- the cut, and whether event k, from 0, passes
    { "pt > 100 && !flag", function(k) return k > 400 and k % 2 == 0 end },
    { "abs(pt - 10) < 5 || id >= 10000000000 + 199990",
      function(k) return math.abs(k / 4 - 10) < 5 or k >= 199990 end },
    { "1 <= pt and pt <= 2 or pt == 40000", function(k) return k >= 4 and k <= 8 or k == 160000 end },
    { "pt ^ 2 == 16", function(k) return k == 16 end },
    { "math.sqrt(pt) % 1 == 0 and pt ~= 0", function(k) return k > 0 and math.sqrt(k / 4) % 1 == 0 end },
  }
  for _, case in ipairs(CUTS) do
    test("keeps what passes " .. case[1], function()
      ok("scripts/root2hdf5 %s/tree.root -o %s/out.h5 --columns id --group a/b --cut %s", folder, folder,
        files.quoted(case[1]))
      local found <const>, at = columns { files = folder .. "/out.h5", group = "a/b", columns = "id",
        spectators = "id" }.id, 0
      for k = 0, ROWS - 1 do
        if case[2](k) then
          at = at + 1
          assert.equal(10000000000 + k, found[at])
        end
      end
      assert.equal(#found, at)
    end)
  end

  local REFUSED <const> = {
    { "two.root", "which tree? It has a, sub/b" },
    { "two.root:c", "there is no tree 'c' (there are: a, sub/b)" },
    { "none.root", "there is no TTree or RNTuple in it" },
    { "tree.root --columns pt,idd", "there is no column 'idd'; did you mean 'id'?" },
    { "tree.root --columns hits", "column 'hits' has not one number for each event" },
    { "tree.root --cut 'ptt > 1'", "there is no column 'ptt'; did you mean 'pt'?" },
    { "tree.root --cut 'hits > 1'", "column 'hits' has not one number for each event" },
    { "tree.root --cut 'pt > '", "expression 'pt > ': expected a value at its end" },
    { "tree.root --cut '1 < pt < 2'", "comparisons do not chain" },
    { "tree.root --cut 'pt.tofile(1)'", "no such function at 'pt.tofile(1)'" },
    { "tree.root --cut 'pt & 1'", "'pt & 1'" },
    { "tree.root --cut 'pt < 0'", "no event passes the cut" },
  }
  for _, case in ipairs(REFUSED) do
    test("refuses " .. case[1] .. " and leaves no file", function()
      fails(case[2], "scripts/root2hdf5 %s/%s -o %s/refused.h5", folder, case[1], folder)
      assert.equal("", (ok("ls -A %s | grep -e refused -e new || true", folder)))
    end)
  end
  test("refuses what is no ROOT file", function()
    fails("not a ROOT file", "scripts/root2hdf5 README.md -o %s/refused.h5", folder)
  end)
end)
