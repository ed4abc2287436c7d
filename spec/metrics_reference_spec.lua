-- hn.metrics beside scikit-learn, SciPy and NumPy, which scripts/check-metrics installs.

local files <const> = require "spec.support.files"
local hn <const> = require "hn"
local numeric <const> = require "spec.support.numeric"
local program <const> = require "spec.support.program"

local metrics <const> = hn.metrics
local PYTHON <const> = "build/metrics/bin/python"
local there <const> = os.execute(PYTHON .. " -c 'import numpy, scipy, sklearn' 2>/dev/null")

describe("hn.metrics and scikit-learn, SciPy and NumPy", function()
  it("agree on weighted random samples to 1e-9", function()
    if not there then return pending "scikit-learn is not installed (scripts/check-metrics)" end
    local random <const>, lines <const>, of = numeric.generator(23), {}, {}
    for _, name in ipairs { "score", "label", "weight", "repeats", "x" } do of[name] = {} end
    for i = 1, 3000 do
      local label <const>, a <const>, b <const> = random.integer(2), random.number(0, 1), random.number(-4, 4)
      of.score[i], of.label[i] = (a + random.number(0, 1) + label / 2 + 1e-5) / 2.6, label
      of.weight[i], of.repeats[i] = 0.25 + random.number(0, 2), 1 + random.integer(4)
      of.x[i] = { b, 1000 + a * 50 + b, a * b, random.number(-1, 1) }
      lines[i] = ("%.17g %d %.17g %d %.17g %.17g %.17g %.17g"):format(of.score[i], label, of.weight[i], of.repeats[i],
        table.unpack(of.x[i]))
    end
    local path <const> = files.write(table.concat(lines, "\n"))
    local out <const>, err <const>, code <const> = program.shell(PYTHON .. " spec/support/metrics.py " .. path)
    assert.same({ "", 0 }, { err, code })

    local function part(list, label)
      local numbers <const> = {}
      for i, v in ipairs(list) do
        if of.label[i] == label then numbers[#numbers + 1] = type(v) == "table" and v[1] or v end
      end
      return numbers
    end
    local function test(list, ...)
      local ks <const> = metrics.ks(part(list, 1), part(list, 0), ...)
      return { ks.distance, ks.probability }
    end
    local curve <const> = metrics.roc(of.score, of.label, of.weight)
    local plain <const>, weighted <const> = metrics.calibration(of.score, of.label),
      metrics.calibration(of.score, of.label, of.weight)
    local classes <const>, right <const> = {}, {}
    for i, score in ipairs(of.score) do classes[i], right[i] = score > 0.5 and 2 or 1, of.label[i] + 1 end
    local found <const> = {
      ["auc"] = { metrics.auc(of.score, of.label) }, ["auc weighted"] = { curve.area },
      ["background"] = curve.points.background, ["signal"] = curve.points.signal, ["cut"] = curve.points.cut,
      ["efficiency"] = { curve:efficiency(0.01), curve:efficiency(0.1), curve:efficiency(0.3) },
      ["rejection"] = { curve:rejection(0.3), curve:rejection(0.5), curve:rejection(0.7) },
      ["area's error"] = { curve.error },
      ["significance"] = metrics.significance(of.score, of.label, of.weight, { signal = 100, background = 1000 })
        .significance,
      ["separation"] = { metrics.separation(of.score, of.label, of.weight) },
      ["observed"] = plain.observed, ["predicted"] = plain.predicted,
      ["observed weighted"] = weighted.observed, ["predicted weighted"] = weighted.predicted,
      ["ks"] = test(of.score), ["ks same"] = test(of.x),
      ["ks weighted"] = { test(of.score, part(of.repeats, 1), part(of.repeats, 0))[1] },
      ["correlation"] = numeric.flat(metrics.correlation(of.x)),
      ["correlation weighted"] = numeric.flat(metrics.correlation(of.x, of.weight)),
      ["confusion"] = numeric.flat { table.unpack(metrics.confusion(classes, right, nil, of.weight)) },
    }
    local seen = 0
    for name, numbers in out:gmatch "([^\t\n]+)\t([^\n]+)" do
      local list <const> = {}
      for number in numbers:gmatch "%S+" do list[#list + 1] = tonumber(number) or number == "inf" and math.huge end
      local ok <const>, why <const> = pcall(numeric.assert_all_near, list, found[name], 1e-9)
      assert.is_true(ok, ("%s: %s"):format(name, why))
      seen = seen + 1
    end
    assert.equal(20, seen)
  end)
end)
