-- scripts/study_maps.lua runs, goes on where it was killed, and prints its table. What it finds, no spec asks.

local files <const> = require "spec.support.files"
local idx <const> = require "spec.support.idx"
local program <const> = require "spec.support.program"

-- A folder of MNIST's kind: n images of 28 x 28 for training and n for tests, each with a bar of its own.
local function image_folder(n)
  local images <const>, labels <const> = {}, {}
  for i = 1, n do
    for p = 0, 783 do images[#images + 1] = (p % 28 == 8 + i % 10 or p // 28 == i % 7 + 10) and 200 or 0 end
    labels[i] = i % 10
  end
  local folder <const> = files.folder()
  for _, part in ipairs { "train", "t10k" } do
    files.write(idx.bytes("u8", { n, 28, 28 }, images), ("%s/%s-images-idx3-ubyte"):format(folder, part))
    files.write(idx.bytes("u8", { n }, labels), ("%s/%s-labels-idx1-ubyte"):format(folder, part))
  end
  return folder
end

local function study(...)
  return program.run { "--threads", "1", "scripts/study_maps.lua", ... }
end

-- Runs it on small sizes and expects success; gives the lines of its output.
local function quick(csv, folder, ...)
  local out <const>, err <const>, code <const> = study("--quick", "--csv", csv, "--data", folder, ...)
  assert.same({ "", 0 }, { err, code })
  local lines <const> = {}
  for line in out:gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

describe("scripts/study_maps.lua", function()
  it("adds a line for each row, does none twice, and does one again that was cut off", function()
    local csv <const>, folder <const> = files.path(), image_folder(40)
    local only <const> = { "--only", "line 1/64 strip 8", "--seeds", "2" }
    assert.equal(8, #quick(csv, folder, table.unpack(only))) -- 2 sets, random and balanced, 2 seeds
    local before <const> = files.read(csv)
    assert.matches("\nrotated,line,8,true,1/64,2,[%d.]+,[%d.]+\n$", before)
    assert.same({}, quick(csv, folder, table.unpack(only)))
    assert.equal(before, files.read(csv))

    files.write(before:sub(1, -5), csv)
    local again <const> = quick(csv, folder, table.unpack(only))
    assert.equal(1, #again)
    assert.matches("^8/8 rotated line 1/64 strip 8 balanced seed 2: ", again[1])
    local value <const> = "rotated,line,8,true,1/64,2,[%d.]+"
    assert.equal(before:match(value), files.read(csv):match("\n(" .. value .. "),[%d.]+\n$"))
  end)

  it("shares the rows between processes", function()
    local csv <const>, folder <const> = files.path(), image_folder(20)
    local all <const> = { "--only", "mnist*1/8*balanced", "--seeds", "1" }
    local counts <const> = {}
    for k = 1, 3 do counts[k] = #quick(csv, folder, "--part", k .. "/3", table.unpack(all)) end
    assert.equal(8, counts[1] + counts[2] + counts[3])
    assert.same({}, quick(csv, folder, table.unpack(all)))
  end)

  it("prints means with their standard errors, diverged runs apart, and times", function()
    local csv <const> = files.write [[
set,scheme,strip,balanced,compression,seed,value,seconds
mnist,line,8,false,1/64,1,2.5,30.1
mnist,line,8,false,1/64,2,2.7,30.2
rotated,line,8,false,1/64,1,diverged,5.0
step,line,8,false,1/64,1,0.125,0.5
]]
    local out <const>, err <const>, code <const> = study("--table", "--csv", csv)
    assert.same({ "", 0 }, { err, code })
    assert.matches("| line | 1/64 | 8 |  | 2.60 ± 0.10 | 1 diverged | 2, 1 | 0.125 |", out, 1, true)
    assert.equal(3, select(2, out:gsub("\n", "")))
  end)

  it("times the steps of the first layer", function()
    local lines <const> = quick(files.path(), "/nowhere", "--time", "--only", "element 1/2")
    assert.equal(8, #lines)
    for _, line in ipairs(lines) do assert.matches("^%d/8 step element 1/2 .* seed 1: [%d.]+ ns", line) end
  end)

  for _, case in ipairs {
    { "an unknown option", { "--slow" }, "--slow" },
    { "an option without its value", { "--seeds" }, "--seeds needs a value" },
    { "text for a number", { "--seeds", "many" }, "many" },
    { "a part beyond the parts", { "--part", "3/2" }, "3/2" },
    { "a part that is none", { "--part", "first" }, "first" },
    { "a name that no row has", { "--only", "linear" }, "no row" },
    { "small sizes in the study's own CSV", { "--quick" }, "--csv" },
  } do
    it("refuses " .. case[1], function()
      local _, err <const>, code <const> = study(table.unpack(case[2]))
      assert.equal(2, code)
      assert.matches(case[3], err, 1, true)
      assert.matches("usage: ", err, 1, true)
    end)
  end
end)
