--- Figures as text, for a terminal.
-- @module hn.plot.text

local seen <const> = require "hn.plot.seen"

local finite <const> = seen.finite
local marks <const> = { "*", "+", "o", "x", "#", "@", "%", "&" }
local shades <const> = { " ", "░", "▒", "▓", "█" }

local function show(n) return ("%.4g"):format(n) end

local function centred(text, width) return (" "):rep((width - (utf8.len(text) or #text)) // 2) .. text end

--- An axis over the lists' finite numbers: place(v) is where v lies from 0 to 1, or nil; value(p) turns it round.
local function axis(lists, log)
  local function scaled(v)
    if not finite(v) or log and v <= 0 then return nil end
    return log and math.log(v, 10) or v
  end
  local low, high = math.huge, -math.huge
  for _, list in ipairs(lists) do
    for _, v in ipairs(list) do
      local at <const> = scaled(v)
      if at then low, high = math.min(low, at), math.max(high, at) end
    end
  end
  if low == high then
    local half <const> = math.max(0.5, math.abs(low) / 4)
    low, high = low - half, high + half
  end
  return {
    place = function(v)
      local at <const> = scaled(v)
      return at and (at / 2 - low / 2) / (high / 2 - low / 2) -- halves do not overflow
    end,
    value = function(p)
      local at <const> = low * (1 - p) + high * p
      return log and 10 ^ at or at
    end,
  }
end

--- The lists that an axis must hold: the points that can be seen, with their error bars' ends on the y axis.
local function extents(figure)
  local xs <const>, ys <const> = {}, {}
  for _, s in ipairs(figure.series) do
    if s.style == "steps" then ys[#ys + 1] = 0 end
    for i, x in ipairs(s.x) do
      local y <const> = s.y[i]
      if seen.point(figure, x, y) then
        xs[#xs + 1], ys[#ys + 1] = x, y
        if s.error and finite(s.error[i]) then ys[#ys + 1], ys[#ys + 2] = y - s.error[i], y + s.error[i] end
      end
    end
  end
  return axis({ xs }, figure.logx), axis({ ys }, figure.logy)
end

--- Puts the marks of a segment from one cell to another.
local function segment(put, x0, y0, x1, y1, mark)
  local steps <const> = math.max(math.abs(x1 - x0), math.abs(y1 - y0), 1)
  for k = 0, steps do
    put(math.floor(x0 + (x1 - x0) * k / steps + 0.5), math.floor(y0 + (y1 - y0) * k / steps + 0.5), mark)
  end
end

local function draw_series(put, figure, s, mark, xaxis, yaxis)
  local function cell(x, y)
    local px <const>, py <const> = xaxis.place(x), yaxis.place(y)
    if not (px and py) then return nil end
    return math.floor(px * (figure.columns - 1) + 0.5), math.floor(py * (figure.lines - 1) + 0.5)
  end
  local before_x, before_y
  for i, x in ipairs(s.x) do
    local cx <const>, cy <const> = cell(x, s.y[i])
    local _, low = cell(x, s.y[i] - (s.error and s.error[i] or 0))
    local _, high <const> = cell(x, s.y[i] + (s.error and s.error[i] or 0))
    if cx and s.error and high then segment(put, cx, low or 0, cx, high, "|") end
    if cx and before_x and s.style ~= "points" then segment(put, before_x, before_y, cx, cy, mark) end
    if cx then put(cx, cy, mark) end
    before_x, before_y = cx, cy
  end
end

--- The data area between its axes, as lines of text.
local function framed(figure, cells, xaxis, yaxis)
  local lines <const>, labels <const>, wide = {}, {}, 0
  local every <const> = math.max((figure.lines - 1) // 3, 1)
  for row = 0, figure.lines - 1, every do
    labels[row] = show(yaxis.value(row / (figure.lines - 1)))
    wide = math.max(wide, #labels[row])
  end
  for row = figure.lines - 1, 0, -1 do
    local line <const> = {}
    for column = 0, figure.columns - 1 do line[#line + 1] = cells[row][column] or " " end
    lines[#lines + 1] = (("%" .. wide .. "s %s%s"):format(labels[row] or "", labels[row] and "┤" or "│",
      table.concat(line)):gsub(" +$", ""))
  end
  local margin <const> = (" "):rep(wide + 1)
  lines[#lines + 1] = margin .. "└" .. ("─"):rep(figure.columns)
  local left <const>, right <const> = show(xaxis.value(0)), show(xaxis.value(1))
  local between <const> = figure.columns - #left - #right
  local label <const> = centred(figure.x, between)
  lines[#lines + 1] = margin .. " " .. left .. label
    .. (" "):rep(math.max(between - (utf8.len(label) or #label), 1)) .. right
  return lines
end

local draw <const> = {}

function draw.line(figure)
  local cells <const>, legend <const> = {}, {}
  for row = 0, figure.lines - 1 do cells[row] = {} end
  local xaxis <const>, yaxis <const> = extents(figure)
  for k, s in ipairs(figure.series) do
    local mark <const> = marks[(k - 1) % #marks + 1]
    draw_series(function(x, y, what) cells[y][x] = what end, figure, s, mark, xaxis, yaxis)
    if s.name ~= "" then legend[#legend + 1] = mark .. " " .. s.name end
  end
  local lines <const> = framed(figure, cells, xaxis, yaxis)
  if figure.y ~= "" then table.insert(lines, 1, figure.y) end
  if #legend > 0 then lines[#lines + 1] = table.concat(legend, "   ") end
  return lines
end

draw.points = draw.line

function draw.histogram(figure)
  local function height(count) return figure.logy and math.log(count + 1) or count end
  local heads <const>, most = figure.x ~= "" or figure.y ~= "", 0
  local lines <const> = { heads and ("%-23s │%s"):format(figure.x, figure.y) or nil }
  for _, count in ipairs(figure.counts) do most = math.max(most, height(count)) end
  for b, count in ipairs(figure.counts) do
    lines[#lines + 1] = ("%10s … %-10s │%s %d"):format(show(figure.edges[b]), show(figure.edges[b + 1]),
      ("█"):rep(math.floor(height(count) / most * figure.columns + 0.5)), count)
  end
  return lines
end

--- The mean of a block of cells, of those that are finite; nil of none.
local function mean(rows, i0, i1, j0, j1)
  local sum, n = 0, 0
  for i = i0, i1 do
    for j = j0, j1 do
      if finite(rows[i][j]) then sum, n = sum + rows[i][j], n + 1 end
    end
  end
  return n > 0 and sum / n or nil
end

function draw.heat(figure)
  local rows <const>, lines <const> = figure.values, { figure.y ~= "" and figure.y or nil }
  local scale <const> = axis(rows)
  -- A cell is two columns wide, which makes it about square; a larger matrix is shown by means of blocks.
  local side <const> = math.max(-(-#rows[1] * 2 // figure.columns), 1)
  for i = 1, #rows, side do
    local line <const> = {}
    for j = 1, #rows[1], side do
      local at <const> = mean(rows, i, math.min(i + side - 1, #rows), j, math.min(j + side - 1, #rows[1]))
      local shade <const> = at and shades[math.min(math.floor(scale.place(at) * #shades) + 1, #shades)] or "?"
      line[#line + 1] = shade:rep(2)
    end
    lines[#lines + 1] = "│" .. table.concat(line) .. "│"
  end
  if figure.x ~= "" then lines[#lines + 1] = " " .. figure.x end
  lines[#lines + 1] = (" %s = '%s' to %s = '%s'%s"):format(show(scale.value(0)), shades[1], show(scale.value(1)),
    shades[#shades], side > 1 and ("; means of %dx%d"):format(side, side) or "")
  return lines
end

--- The text of a figure, without a line feed at its end.
return function(figure)
  local lines <const> = draw[figure.kind](figure)
  if figure.title ~= "" then table.insert(lines, 1, centred(figure.title, figure.columns)) end
  return table.concat(lines, "\n")
end
