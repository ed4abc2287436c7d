--- What of a figure can be seen.
-- @module hn.plot.seen

local seen <const> = {}

function seen.finite(n) return n == n and math.abs(n) < math.huge end

--- Whether a point has a place on the figure's axes.
function seen.point(figure, x, y)
  return seen.finite(x) and seen.finite(y) and not (figure.logx and x <= 0) and not (figure.logy and y <= 0)
end

return seen
