--- From a feature's distribution to the curve that makes it uniform or normal: knots and values.
-- @module hn.transform.curve

local normal <const> = require "hn.transform.normal"

--- What a rank in (0, 1) becomes.
local targets <const> = { uniform = function(rank) return rank end, gauss = normal }

local function float32(x) return (string.unpack("<f", string.pack("<f", x))) end

--- The distinct numbers of { x, weight }, smallest first, and what they become: the rank of a number is the weight
-- below it and half of its own, over all weight.
local function points(list, target)
  local xs <const>, ys <const>, total, below, k = {}, {}, 0.0, 0.0, 1
  for _, one in ipairs(list) do total = total + one[2] end
  while k <= #list do
    local x <const>, own = list[k][1], 0.0
    while k <= #list and list[k][1] == x do
      own, k = own + list[k][2], k + 1
    end
    xs[#xs + 1], ys[#ys + 1] = x, target((below + own / 2) / total)
    below = below + own
  end
  return xs, ys
end

--- `count` points of the curve through xs and ys, evenly spaced in y; of those that float32 takes for one x the first.
local function thin(xs, ys, count)
  local knots <const>, values <const>, k = {}, {}, 1
  for n = 0, count - 1 do
    local y <const> = n < count - 1 and ys[1] + (ys[#ys] - ys[1]) * n / (count - 1) or ys[#ys]
    while k < #xs - 1 and ys[k + 1] < y do k = k + 1 end
    local part <const> = math.min(1, (y - ys[k]) / (ys[k + 1] - ys[k]))
    local x <const> = float32(xs[k] + part * (xs[k + 1] - xs[k]))
    if n == 0 or x > knots[#knots] then knots[#knots + 1], values[#values + 1] = x, y end
  end
  return knots, values
end

local curve <const> = {}

--- The curve of a feature through `count` knots at most, flat beyond the smallest and the largest number: knots and
-- values.
function curve.fit(kind, list, count)
  local xs, ys = points(list, targets[kind])
  if #xs > count then xs, ys = thin(xs, ys, count) end
  table.insert(xs, 1, xs[1] - math.max(1, math.abs(xs[1])))
  table.insert(ys, 1, ys[1])
  return curve.extend(xs, ys, #xs + 1)
end

--- Flat to the right, up to `count` knots: tables have as many for every feature.
function curve.extend(xs, ys, count)
  local last <const>, step <const> = xs[#xs], math.max(1, math.abs(xs[#xs]))
  for n = 1, count - #xs do xs[#xs + 1], ys[#ys + 1] = last + n * step, ys[#ys] end
  return xs, ys
end

--- The curve that leaves numbers as they are.
function curve.same(count)
  local xs <const> = {}
  for k = 1, count do xs[k] = k - 1.0 end
  return xs, xs
end

return curve
