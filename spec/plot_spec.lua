-- hn.plot: figures as text and, where gnuplot is there, as pictures.

local core <const> = require "hn.core"
local files <const> = require "spec.support.files"
local hn <const> = require "hn"
local program <const> = require "spec.support.program"
local plot <const> = hn.plot

local gnuplot <const> = os.execute "command -v gnuplot >/dev/null 2>&1"

-- The rows of a text's data area, from the top, without the axis.
local function area(figure)
  local rows <const> = {}
  for line in tostring(figure):gmatch "[^\n]+" do
    rows[#rows + 1] = line:match "┤(.*)" or line:match "│(.*)"
  end
  return rows
end

describe("hn.plot as text", function()
  it("draws a line from corner to corner, and its reverse", function()
    local o <const> = { columns = 8, lines = 8, series = { { y = { 1, 8 } } } }
    for row, text in ipairs(area(plot.line(o))) do assert.equal((" "):rep(8 - row) .. "*", text) end
    o.series = { { x = { 3, 1 }, y = { 1, 8 } } }
    for row, text in ipairs(area(plot.line(o))) do assert.equal((" "):rep(row - 1) .. "*", text) end
  end)

  it("puts powers of ten on a straight line where the axes are logarithmic", function()
    local rows <const> = area(plot.points {
      columns = 10, lines = 4, logx = true, logy = true,
      series = { { x = { 1, 10, 100, 1000 }, y = { 1, 10, 100, 1000 } } },
    })
    assert.same({ (" "):rep(9) .. "*", (" "):rep(6) .. "*", (" "):rep(3) .. "*", "*" }, rows)
  end)

  it("breaks a line at what is not a finite number", function()
    for _, gap in ipairs { 0 / 0, 1 / 0, -1 / 0 } do
      local rows <const> = area(plot.line { columns = 9, lines = 5, series = { { y = { 1, 1, gap, 2, 2 } } } })
      assert.same({ "      ***", "", "", "", "***" }, rows)
    end
  end)

  it("draws each series in its style", function()
    local y <const> = { 1, 1, 1, 1, 1, 1, 1, 4 }
    local o <const> = { columns = 8, lines = 4, series = { { y = y, style = "points" } } }
    assert.same({ "       *", "", "", "*******" }, area(plot.line(o)))
    for _, style in ipairs { "line", "curve" } do
      o.series[1].style = style
      assert.same(area(plot.line { columns = 8, lines = 4, series = { { y = y } } }), area(plot.points(o)))
    end
    o.series[1].style = "steps" -- a histogram stands on zero
    assert.matches("\n *0 ┤", tostring(plot.line(o)))
  end)

  it("takes tensors and lists, and names the series", function()
    local data <const> = hn.tensor({ 3 }, { 3, 2, 1 })
    local text <const> = tostring(plot.line { title = "t\nu", x = "epoch", y = "loss",
      series = { { name = "training", y = data }, { name = "validation", y = { 3, 2.5, 2 } } } })
    for _, part in ipairs { "t u", "epoch", "loss", "* training", "+ validation" } do
      assert.matches(part, text, 1, true)
    end
  end)

  it("counts values in bins; the last holds both ends", function()
    local h <const> = plot.histogram { values = { 0, 1, 1.5, 2, 4, 0 / 0 }, bins = 4 }
    assert.same({ 0, 1, 2, 3, 4 }, h.edges)
    assert.same({ 1, 2, 1, 1 }, h.counts)
    assert.same({ 1 }, plot.histogram({ values = { 5 }, bins = 1 }).counts)
  end)

  it("takes numbers of any size", function()
    for _, values in ipairs { { -1e308, 1e308 }, { 1e300, 1e300 }, { 1e-320, 0 } } do
      local h <const> = plot.histogram { values = values }
      assert.is_string(tostring(h))
      assert.is_string(tostring(plot.heat { values = { values } }))
      assert.is_string(tostring(plot.line { series = { { y = values } } }))
    end
  end)

  it("shows the loads of a balanced matrix's buckets, which are equal", function()
    local matrix <const> = hn.buckets(16):matrix { rows = 16, cols = 8, balanced = true, scheme = "element" }
    local loads <const> = {}
    for bucket = 1, 16 do
      loads[bucket] = 0
      for _ in matrix:members(bucket) do loads[bucket] = loads[bucket] + 1 end
    end
    assert.same({ 16 }, plot.histogram({ values = loads, bins = 1 }).counts)
  end)

  it("shades a matrix from its smallest number to its largest", function()
    for _, values in ipairs { hn.tensor({ 2, 2 }, { { 0, 1 }, { 1, 0 } }), core.array("f32", { 2, 2 }, { 0, 1, 1, 0 }),
      { { 0, 1 }, { 1, 0 } } } do
      assert.same({ "  ██│", "██  │" }, area(plot.heat { values = values }))
    end
  end)
end)

describe("hn.plot refuses", function()
  local one <const> = { { y = { 1 } } }
  local bad <const> = {
    { "line", { series = {} }, "nothing to plot" },
    { "line", { series = { { y = { 0 } } }, logy = true }, "above 0" },
    { "line", { series = { { y = { 1, "a" } } } }, 'series[1]: y[2]: expected a number, got "a"' },
    { "points", { series = { { y = { 1 }, x = { 1, 2 } } } }, "series[1]: x: expected 1 numbers as in y, got 2" },
    { "line", { series = { { y = { 1 }, nme = "" } } }, "did you mean 'name'?" },
    { "line", { series = { { y = { 1 }, style = "bars" } } }, 'style: expected "line", "curve", "points" or' },
    { "line", { series = { { y = { 1 }, colour = 0 } } }, "series[1]: colour: expected an integer at least 1, got 0" },
    { "line", { series = one, file = "a.gif" }, "ends in .svg, .png or .txt" },
    { "line", { series = one, file = "/nowhere/a.txt" }, "hn.plot.line: /nowhere/a.txt: No such file" },
    { "line", { series = one, file = "a\0.svg" }, "expected a name that" },
    { "histogram", { values = { 0 / 0 } }, "no value is finite" },
    { "heat", { values = core.array("f32", { 2 }, { 0, 1 }) }, "expected two dimensions, got a host array 2" },
    { "heat", { values = { { 1 }, { 1, 2 } } }, "values[2]: expected 1 numbers as in row 1, got 2" },
  }
  for _, case in ipairs(bad) do
    it(case[3], function()
      local ok <const>, why <const> = pcall(plot[case[1]], case[2])
      assert.is_false(ok)
      assert.matches(case[3], tostring(why), 1, true)
    end)
  end
end)

describe("hn.plot's files", function()
  local shapes <const> = {
    line = { series = { { name = "it's `id` \"q\" <&> \\", y = { 1, 2, 3 }, error = { 1, 1, 1 } } } },
    points = { series = { { y = { 1, 2, 3 } } } },
    histogram = { values = { 1, 2, 2, 3 } },
    heat = { values = { { 1, 2 }, { 3, 4 } } },
  }
  for kind, o in pairs(shapes) do
    for ending, starts in pairs { svg = "<?xml", png = "\x89PNG\r\n\x1a\n", txt = "" } do
      it(("%s: a whole .%s"):format(kind, ending), function()
        if ending ~= "txt" and not gnuplot then return pending "gnuplot is not in PATH" end
        o.file = files.folder() .. "/it's \"$(x)\"." .. ending
        local figure <const> = plot[kind](o)
        local bytes <const> = files.read(o.file)
        assert.equal(starts, bytes:sub(1, #starts))
        if ending == "svg" then assert.matches("</svg>%s*$", bytes) end
        if ending == "png" then assert.equal("IEND", bytes:sub(-8, -5)) end
        if ending == "txt" then assert.equal(tostring(figure) .. "\n", bytes) end
        if kind == "line" and ending == "svg" then assert.matches([[it's `id` "q" &lt;&amp;]], bytes, 1, true) end
      end)
    end
  end
end)

describe("a figure's SVG", function()
  local function picture(series, width)
    return plot.line({ series = series, width = width, title = "head" }):svg()
  end

  it("is what its file holds", function()
    if not gnuplot then return pending "gnuplot is not in PATH" end
    local path <const> = files.folder() .. "/a.svg"
    local figure <const> = plot.histogram { values = { 1, 2, 2 }, file = path }
    assert.equal(files.read(path), figure:svg())
  end)

  it("has the colour and the style of each series", function()
    if not gnuplot then return pending "gnuplot is not in PATH" end
    local blue <const>, green <const> = "rgb(  0, 114, 178)", "rgb(  0, 158, 115)"
    local svg <const> = picture { { y = { 1, 2, 3 }, style = "curve", colour = 3 } }
    assert.is_truthy(svg:find(green, 1, true))
    assert.is_nil(svg:find(blue, 1, true))
    assert.is_nil(svg:find "<use[^>]*href='#gpPt6' transform")
    assert.is_truthy(picture({ { y = { 1, 2, 3 } } }):find "<use[^>]*href='#gpPt6' transform")
    local steps <const> = picture { { y = { 1, 2, 3 }, error = { 1, 1, 1 }, style = "steps" } }
    assert.is_truthy(steps:find(blue, 1, true))
    assert.is_truthy(steps:find "<use[^>]*href='#gpPt6' transform") -- its error bars
  end)
end)

describe("hn.plot's options", function()
  local series <const> = { { y = { 1, 2, 3 } } }
  local cases <const> = {
    { "line", { series = series, logx = true, title = "head", x = "across", y = "up", file = "a.svg", width = 321,
      height = 234, columns = 20, lines = 7 } },
    { "points", { series = series, logx = true, title = "head", x = "across", y = "up", file = "a.svg", width = 321,
      height = 234, columns = 20, lines = 7 } },
    { "histogram", { values = { 1, 2, 2, 3 }, logy = true, title = "head", x = "across", y = "up", file = "a.svg",
      width = 321, height = 234, columns = 20, lines = 7 } },
    { "heat", { values = { { 1, 2 }, { 3, 4 } }, title = "head", x = "across", y = "up", file = "a.svg", width = 321,
      height = 234, columns = 20, lines = 7 } },
  }
  for _, case in ipairs(cases) do
    local kind <const>, o <const> = table.unpack(case)
    it("head, name and size a figure: " .. kind, function()
      if not gnuplot then return pending "gnuplot is not in PATH" end
      o.file = files.folder() .. "/" .. o.file
      local text <const> = tostring(plot[kind](o))
      local picture <const> = files.read(o.file)
      for _, words in ipairs { "head", "across", "up" } do
        assert.matches(words, text, 1, true)
        assert.matches(words, picture, 1, true)
      end
      assert.matches('width="321" height="234"', picture, 1, true)
      for _, row in ipairs(area(text)) do assert.is_true(utf8.len(row) <= 20 + 12, row) end
      assert.is_true(#area(text) <= 7 + 1 or kind == "histogram")
    end)
  end
end)

describe("hn.plot and gnuplot", function()
  -- Writes over a file with this PATH; gives the error, and checks that the file is as it was.
  local function refused(path)
    local picture <const> = files.write("old", files.folder() .. "/a.svg")
    local script <const> = files.write(
      ("require 'hn'.plot.line { series = { { y = { 1 } } }, file = %q }"):format(picture))
    local _, err <const>, code <const> = program.shell(("PATH=%s %s %s"):format(path, program.path, script))
    assert.equal(1, code)
    assert.equal("old", files.read(picture))
    return err
  end

  it("says what is missing where gnuplot is", function()
    assert.matches("a.svg' needs the program gnuplot, which is not in PATH", refused(files.folder()), 1, true)
  end)

  it("passes on what gnuplot complains of", function()
    local folder <const> = files.folder()
    files.write("#!/bin/sh\necho 'line 3: broken' >&2\nexit 1\n", folder .. "/gnuplot")
    assert(os.execute("chmod +x " .. folder .. "/gnuplot"))
    assert.matches("hn.plot.line: gnuplot: line 3: broken", refused(folder .. ":$PATH"), 1, true)
  end)
end)
