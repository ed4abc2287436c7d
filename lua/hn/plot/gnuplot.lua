--- Figures as SVG and PNG, drawn by the program gnuplot.
-- @module hn.plot.gnuplot

local core <const> = require "hn.core"
local seen <const> = require "hn.plot.seen"

-- Okabe and Ito's colours, which people with any kind of colour vision tell apart.
local colours <const> = { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000" }

local terminals <const> = {
  svg = "set terminal svg size %d,%d noenhanced font 'Helvetica,14' background '#ffffff'",
  png = "set terminal pngcairo size %d,%d noenhanced font 'Sans,12'",
}

--- A line of text as gnuplot reads it: in single quotes nothing but the quote itself means anything.
local function quoted(text) return "'" .. text:gsub("'", "''") .. "'" end

local function number(n) return seen.finite(n) and ("%.9g"):format(n) or "NaN" end

local function block(put, name, rows)
  put(("$%s << EOD"):format(name))
  for _, row in ipairs(rows) do put(row) end
  put "EOD"
end

local draw <const> = {}

--- How a series is drawn: the words of gnuplot for it, one after the other.
local function looks(s)
  local bars <const> = { s.error and "using 1:2:3 with yerrorbars" }
  if s.style == "points" then return s.error and bars or { "using 1:2 with points" } end
  if s.style == "steps" then return { "using 1:2 with histeps", bars[1] } end
  if s.style == "curve" then return { "using 1:2 with lines", bars[1] } end
  return { s.error and "using 1:2:3 with yerrorlines" or "using 1:2 with linespoints" }
end

local function has_steps(figure)
  for _, s in ipairs(figure.series) do
    if s.style == "steps" then return true end
  end
  return false
end

function draw.line(put, figure)
  local parts <const> = {}
  for k, s in ipairs(figure.series) do
    local rows <const> = {}
    for i, x in ipairs(s.x) do
      local y <const> = seen.point(figure, x, s.y[i]) and number(s.y[i]) or "NaN"
      rows[i] = ("%s %s %s"):format(number(x), y, number(s.error and s.error[i] or 0))
    end
    block(put, "s" .. k, rows)
    for n, look in ipairs(#rows > 0 and looks(s) or {}) do
      parts[#parts + 1] = ("$s%d %s lw 2 pt 7 ps 0.6 lc rgb '%s' %s"):format(k, look,
        colours[(s.colour - 1) % #colours + 1], (s.name == "" or n > 1) and "notitle" or "title " .. quoted(s.name))
    end
  end
  if has_steps(figure) and not figure.logy then put "set yrange [0:*]" end
  put("plot " .. table.concat(parts, ", "))
end

draw.points = draw.line

function draw.histogram(put, figure)
  local rows <const> = {}
  for b, count in ipairs(figure.counts) do
    local low <const>, high <const> = figure.edges[b], figure.edges[b + 1]
    rows[b] = ("%s %d %s"):format(number(low / 2 + high / 2), count, number(high - low))
  end
  block(put, "bins", rows)
  put(("set xrange [%s:%s]"):format(number(figure.edges[1]), number(figure.edges[#figure.edges])))
  put(("set yrange [%s:*]"):format(figure.logy and "0.5" or "0"))
  put(("plot $bins using 1:2:3 with boxes fill solid 0.7 lc rgb '%s' notitle"):format(colours[1]))
end

function draw.heat(put, figure)
  local rows <const> = {}
  for i, row in ipairs(figure.values) do
    local cells <const> = {}
    for j, v in ipairs(row) do cells[j] = number(v) end
    rows[i] = table.concat(cells, " ")
  end
  block(put, "cells", rows)
  put "unset grid"
  put "set palette defined (0 '#440154', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#fde725')"
  put(("set xrange [0.5:%d.5]"):format(#figure.values[1]))
  put(("set yrange [%d.5:0.5]"):format(#figure.values))
  put "set autoscale cbfix"
  put "plot $cells matrix using ($1+1):($2+1):3 with image notitle"
end

-- A picture less wide than this has its key above it, not beside it.
local NARROW <const> = 600

--- The commands that draw a figure.
local function script(figure, ending)
  local lines <const> = {}
  local function put(line) lines[#lines + 1] = line end
  put "set encoding utf8"
  put(terminals[ending]:format(figure.width, figure.height))
  put("set title " .. quoted(figure.title))
  put("set xlabel " .. quoted(figure.x))
  put("set ylabel " .. quoted(figure.y))
  put("set key outside " .. (figure.width < NARROW and "top center horizontal" or "right top") .. " Left reverse")
  put "set grid lc rgb '#dddddd' lt 1"
  put "set border 3 lc rgb '#444444'"
  put "set tics nomirror"
  put "set errorbars small"
  if figure.logx then put "set logscale x" end
  if figure.logy then put "set logscale y" end
  draw[figure.kind](put, figure)
  return table.concat(lines, "\n") .. "\n"
end

local function contents(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

--- Runs gnuplot; gives what it wrote (nothing if it failed) and its complaints. Names of os.tmpname need no quotes.
local function run(commands, picture, errors)
  -- The rest is read by cat: writing to a program that has ended would end this one.
  local pipe <const> = io.popen(("{ gnuplot; s=$?; cat >/dev/null; exit $s; } >%s 2>%s"):format(picture, errors), "w")
  local sent <const> = pipe and pipe:write(commands)
  local ended <const> = pipe and pipe:close()
  return sent and ended and contents(picture) or "", contents(errors)
end

local gnuplot <const> = {}

--- Whether there is a gnuplot.
function gnuplot.there() return os.execute "command -v gnuplot >/dev/null 2>&1" == true end

--- The picture of a figure, as the bytes of a file that ends in "svg" or "png".
function gnuplot.draw(where, figure, ending)
  if not gnuplot.there() then
    core.fail("file", "%s: %s needs the program gnuplot, which is not in PATH (Debian: gnuplot-nox); text does not",
      where, figure.file and ("file: '%s'"):format(figure.file) or "a picture")
  end
  local picture <const>, errors <const> = os.tmpname(), os.tmpname()
  local ok <const>, bytes <const>, complaint <const> = pcall(run, script(figure, ending), picture, errors)
  os.remove(picture)
  os.remove(errors)
  if not ok then core.fail("file", "%s: gnuplot: %s", where, bytes) end
  if bytes == "" then
    core.fail("file", "%s: gnuplot: %s", where, (complaint:gsub("%s+", " "):gsub("^%s*(.-)%s*$", "%1")))
  end
  return bytes
end

return gnuplot
