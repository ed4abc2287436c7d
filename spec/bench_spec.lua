-- scripts/bench.lua runs and prints what it says. How fast anything is, no spec asks.

local program <const> = require "spec.support.program"

local function bench(...)
  return program.run { "--threads", "1", "scripts/bench.lua", "--quick", ... }
end

local function fields(line, separator)
  local list <const> = {}
  for field in (line .. separator):gmatch("(.-)" .. separator) do list[#list + 1] = field end
  return list
end

describe("scripts/bench.lua", function()
  it("prints the machine, the rows that --only names and the dense one of their work", function()
    local out <const>, err <const>, code <const> = bench("--only", "step 784*line 1/64")
    assert.same({ "", 0 }, { err, code })
    for _, words in ipairs { "^machine: ", "\ndevice: cpu, 1 thread", "\nhnrun %S+: Lua 5.4", "\nwork +layer ",
      "\nstep +784x1000 +50 +dense ", "\nstep +784x1000 +50 +line 1/64 " } do
      assert.matches(words, out)
    end
    assert.not_matches("element", out)
  end)

  it("prints numbers in every column of --csv", function()
    local out <const>, err <const>, code <const> = bench("--csv", "--only", "step 784*line 1/8")
    assert.same({ "", 0 }, { err, code })
    local rows <const> = {}
    for line in out:gmatch("[^\n]+") do
      if not line:find("^#") then rows[#rows + 1] = fields(line, ",") end
    end
    assert.equal(3, #rows)
    assert.same({ "work", "layer", "batch", "weights", "forward", "backward", "update", "total", "least" },
      table.move(rows[1], 1, 9, 1, {}))
    for r = 2, 3 do
      assert.equal(#rows[1], #rows[r])
      for c = 5, #rows[r] do
        local number <const> = tonumber((rows[r][c]:gsub(" %%$", "")))
        assert.is_true(number ~= nil and number >= 0 and number < math.huge, rows[1][c])
      end
    end
  end)

  for _, case in ipairs {
    { "an unknown option", { "--slow" }, "--slow" },
    { "--only without a value", { "--only" }, "needs a value" },
    { "a name that no row has", { "--only", "backward" }, "no row" },
  } do
    it("refuses " .. case[1], function()
      local _, err <const>, code <const> = bench(table.unpack(case[2]))
      assert.equal(2, code)
      assert.matches(case[3], err, 1, true)
      assert.matches("usage: ", err, 1, true)
    end)
  end
end)
