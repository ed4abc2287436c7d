--- Histograms and thinned curves for a report's figures.
-- @module hn.report.shapes

local bins <const> = require "hn.metrics.bins"

local shapes <const> = {
  styles = { test = "steps", train = "points" }, -- of a part's histograms
}

--- A series of the density of values, with statistical errors: of sum 1 times the bin's width.
-- @param take nil, or take(i): whether sample i counts
function shapes.density(name, style, values, weight, low, high, n, take)
  local sums <const>, squares <const> = bins.fill(values, weight, low, high, n, take)
  local width <const>, total = (high - low) / n, 0
  for _, sum in ipairs(sums) do total = total + sum end
  local s <const> = { name = name, style = style, x = {}, y = {}, error = style == "points" and {} or nil }
  for b = 1, n do
    s.x[b], s.y[b] = low + (b - 0.5) * width, total > 0 and sums[b] / total / width or 0 / 0
    if s.error then s.error[b] = math.sqrt(squares[b]) / math.abs(total) / width end
  end
  return s
end

--- A series of at most so many points, evenly spread over the lists, first and last among them.
-- @param keep nil, or keep(x, y): whether a point is shown
function shapes.thinned(name, x, y, most, keep)
  local s <const>, last = { name = name, style = "curve", x = {}, y = {} }, 0
  local count <const> = math.min(most, #x)
  for k = 1, count do
    local i <const> = count > 1 and math.floor((k - 1) / (count - 1) * (#x - 1) + 0.5) + 1 or 1
    if i ~= last and (not keep or keep(x[i], y[i])) then
      s.x[#s.x + 1], s.y[#s.y + 1], last = x[i], y[i], i
    end
  end
  return s
end

--- A figure's options with the size of all figures.
function shapes.sized(figure, height)
  figure.width, figure.height = 520, height or 340
  return figure
end

return shapes
