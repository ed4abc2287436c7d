--- Pictures of numbers: lines, points, histograms and heat maps, as text for a terminal and, by gnuplot, as files.
--
-- Every function returns a figure, which `print` shows as text. With the option `file` it is also written there: as a
-- picture if the name ends in .svg or .png, which needs the program `gnuplot` in PATH (Debian: gnuplot-nox), as text if
-- it ends in .txt. A file that is there is replaced once the new one is whole; on an error it stays. `figure:svg()` is
-- the picture as a text, without a file. Scripts in a sandbox get text alone.
--
-- Options of all: `title`, `x` and `y` (what the axes show), `file`, `width` and `height` of a picture in pixels
-- (800, 500), `columns` and `lines` of the text's data area (64, 16).
-- @module hn.plot

local core <const> = require "hn.core"
local gnuplot <const> = require "hn.plot.gnuplot"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local output <const> = require "hn.output"
local render <const> = require "hn.plot.text"
local seen <const> = require "hn.plot.seen"

local finite <const> = seen.finite

local plot <const> = {}

local Figure <const> = {}
Figure.__index = Figure
Figure.__tostring = render

--- The picture of a figure as SVG, a text.
function Figure:svg()
  core.unlimited "figure:svg"
  return gnuplot.draw("figure:svg", self, "svg")
end

local endings <const> = { svg = true, png = true, txt = true }

-- A text on one line, in UTF-8.
local words <const> = {
  "string", default = "",
  convert = function(text) return ((utf8.len(text) and text or text:gsub("[\x80-\xff]", "?")):gsub("%c+", " ")) end,
}

local function declare(where, rules)
  for _, name in ipairs { "title", "x", "y" } do rules[name] = words end
  rules.file = {
    "string", expected = "a name that ends in .svg, .png or .txt",
    convert = function(path) return not path:find "\0" and endings[path:match "%.(%w+)$" or ""] and path or nil end,
  }
  rules.width = { "integer", default = 800, least = 100, most = 10000 }
  rules.height = { "integer", default = 500, least = 100, most = 10000 }
  rules.columns = { "integer", default = 64, least = 8, most = 1000 }
  rules.lines = { "integer", default = 16, least = 4, most = 1000 }
  return options.declare(where, rules)
end

--- A list of numbers from a table, tensor or host array; NaN and infinities stay.
local function numbers(where, name, value)
  local kind <const> = kinds.of(value)
  local list <const> = (kind == "tensor" or kind == "array") and value:table() or value
  if type(list) ~= "table" then
    core.fail("argument", "%s: %s: expected a list of numbers, a tensor or a host array, got %s", where, name,
      kinds.describe(value))
  end
  for i = 1, #list do
    if type(list[i]) ~= "number" then
      core.fail("argument", "%s: %s[%d]: expected a number, got %s", where, name, i, kinds.describe(list[i]))
    end
  end
  return list
end

--- Shows or writes a checked figure.
local function finish(where, kind, o)
  o.kind = kind
  local figure <const> = setmetatable(o, Figure)
  if o.file then
    core.unlimited(where .. ": file") -- a script that may not run programs could change string.format under gnuplot's
    local ending <const> = o.file:match "%.(%w+)$"
    local picture <const> = ending == "txt" and render(figure) .. "\n" or gnuplot.draw(where, figure, ending)
    output({ { path = o.file, fill = function(put) put(picture) end } }, where)
  end
  return figure
end

local function count_up(n)
  local list <const> = {}
  for i = 1, n do list[i] = i end
  return list
end

--- A copy of one series with lists of equal length, and the number of its points that can be seen.
local function checked(where, k, given, o, check)
  local name <const> = ("%s: series[%d]"):format(where, k)
  local s <const> = check[k](given)
  s.y = numbers(name, "y", s.y)
  s.x = s.x and numbers(name, "x", s.x) or count_up(#s.y)
  s.error = s.error and numbers(name, "error", s.error)
  for _, list in ipairs { "x", "error" } do
    if s[list] and #s[list] ~= #s.y then
      core.fail("argument", "%s: %s: expected %d numbers as in y, got %d", name, list, #s.y, #s[list])
    end
  end
  local count = 0
  for i, x in ipairs(s.x) do
    if seen.point(o, x, s.y[i]) then count = count + 1 end
  end
  return s, count
end

-- The checks of the k-th series, made when first asked for; their errors name it.
local function series_checks(where, kind)
  return setmetatable({}, { __index = function(_, k)
    return options.declare(("%s: series[%d]"):format(where, k), {
      name = words, style = { default = kind, choices = { "line", "curve", "points", "steps" } },
      colour = { "integer", default = k, least = 1, aka = { "color" } },
      x = { "table|tensor|array" }, y = { "table|tensor|array", required = true }, error = { "table|tensor|array" },
    })
  end })
end

local function xy(kind)
  local where <const> = "hn.plot." .. kind
  local checks <const> = series_checks(where, kind)
  local check <const> = declare(where, {
    series = { "table", required = true }, logx = { "boolean", default = false }, logy = { "boolean", default = false },
  })
  return function(given)
    local o <const> = check(given)
    local list <const>, total = {}, 0
    for k, one in ipairs(o.series) do
      local count
      list[k], count = checked(where, k, one, o, checks)
      total = total + count
    end
    if total == 0 then
      core.fail("argument", "%s: series: nothing to plot: no point is finite%s", where,
        (o.logx or o.logy) and " and above 0 where the axis is logarithmic" or "")
    end
    o.series = list
    return finish(where, kind, o)
  end
end

--- line{ series = { { y =, x = 1, 2, ..., name =, error =, style = "line", colour = }, ... }, logx = false, logy =
-- false, ... }: a line for each series; `x`, `y` and `error` (drawn from y - error to y + error) are lists of numbers,
-- tensors or host arrays. `style` is "line", "curve" (a line without marks), "points" or "steps" (the outline of a
-- histogram, with x in the middle of its bins); `colour` is the number of its colour in a picture: 1 for the first
-- series, and so on, unless said otherwise. NaN, infinities and, on a logarithmic axis, numbers up to 0 are left out,
-- and the line is broken there. The options `title`, `x`, `y`, `file`, `width`, `height`, `columns` and `lines` are
-- every figure's: see hn.plot.
--
--     print(hn.plot.line { x = "epoch", y = "loss", series = {
--       { name = "training", y = history.loss }, { name = "validation", y = history.validation.loss },
--     } })
-- @function line
plot.line = xy "line"

--- points{ series =, logx = false, logy = false, ... }: as `line`, with a mark for each point and no line between them.
-- Also takes `title`, `x`, `y`, `file`, `width`, `height`, `columns` and `lines`: see hn.plot.
-- @function points
plot.points = xy "points"

local check_histogram <const> = declare("hn.plot.histogram", {
  values = { "table|tensor|array", required = true }, bins = { "integer", default = 20, least = 1, most = 10000 },
  logy = { "boolean", default = false },
})

--- histogram{ values =, bins = 20, logy = false, ... }: how many of the finite values, a list of numbers, tensor or
-- host array, lie in each of so many equally wide bins from the smallest value to the largest. A bin holds its lower
-- end; the last one holds both. The figure's `counts` and `edges` list them.
-- Also takes `title`, `x`, `y`, `file`, `width`, `height`, `columns` and `lines`: see hn.plot.
function plot.histogram(given)
  local where <const> = "hn.plot.histogram"
  local o <const> = check_histogram(given)
  local least, most = math.huge, -math.huge
  local values <const> = numbers(where, "values", o.values)
  for _, v in ipairs(values) do
    if finite(v) then least, most = math.min(least, v), math.max(most, v) end
  end
  if least > most then core.fail("argument", "%s: values: nothing to plot: no value is finite", where) end
  if least == most then
    local half <const> = math.max(0.5, math.abs(least) / 4)
    least, most = least - half, most + half
  end
  local step <const> = most / o.bins - least / o.bins
  o.edges, o.counts, o.values = {}, {}, nil
  for b = 0, o.bins do o.edges[b + 1], o.counts[b + 1] = least + b * step, b < o.bins and 0 or nil end
  for _, v in ipairs(values) do
    if finite(v) then
      local b <const> = math.min(math.floor((v / 2 - least / 2) / (most / 2 - least / 2) * o.bins) + 1, o.bins)
      o.counts[b] = o.counts[b] + 1
    end
  end
  return finish(where, "histogram", o)
end

--- The rows of a matrix: a list of them, a tensor, or a host array, whose table is flat.
local function rows_of(value)
  local kind <const> = kinds.of(value)
  if kind == "table" then return value end
  local shape <const> = value:shape()
  if #shape ~= 2 then
    core.fail("shape", "hn.plot.heat: values: expected two dimensions, got %s", kinds.describe(value))
  end
  local all <const>, rows <const> = value:table(), {}
  if kind == "tensor" then return all end
  for r = 1, shape[1] do rows[r] = table.move(all, (r - 1) * shape[2] + 1, r * shape[2], 1, {}) end
  return rows
end

local check_heat <const> = declare("hn.plot.heat", { values = { "table|tensor|array", required = true } })

--- heat{ values =, ... }: a cell for each number of a matrix, coloured by it; `values` is a list of rows of equal
-- length, a tensor or a host array of two dimensions. Row 1 is at the top.
-- Also takes `title`, `x`, `y`, `file`, `width`, `height`, `columns` and `lines`: see hn.plot.
function plot.heat(given)
  local where <const> = "hn.plot.heat"
  local o <const> = check_heat(given)
  local rows <const>, any = rows_of(o.values), false
  for i, row in ipairs(rows) do
    numbers(where, ("values[%d]"):format(i), row)
    if #row ~= #rows[1] then
      core.fail("argument", "%s: values[%d]: expected %d numbers as in row 1, got %d", where, i, #rows[1], #row)
    end
    for _, v in ipairs(row) do any = any or finite(v) end
  end
  if not any then core.fail("argument", "%s: values: nothing to plot: no value is finite", where) end
  o.values = rows
  return finish(where, "heat", o)
end

return plot
