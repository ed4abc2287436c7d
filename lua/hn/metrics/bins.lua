--- Weighted histograms.
-- @module hn.metrics.bins

local bins <const> = {}

--- The smallest and the largest of the numbers in several lists; where they are equal, a little to either side.
function bins.range(...)
  local low, high = math.huge, -math.huge
  for _, list in ipairs { ... } do
    for _, v in ipairs(list) do low, high = math.min(low, v), math.max(high, v) end
  end
  if low < high then return low, high end
  local half <const> = math.max(0.5, math.abs(low) / 4)
  return low - half, high + half
end

--- The bin of v among n equally wide ones, from 1; what is outside counts to the nearest one.
function bins.place(v, low, high, n)
  return math.max(1, math.min(n, math.floor((v - low) / (high - low) * n) + 1))
end

--- Sums of the weights in each of n bins, and of their squares.
-- @param take nil, or take(i): whether sample i counts
function bins.fill(values, weight, low, high, n, take)
  local sums <const>, squares <const> = {}, {}
  for b = 1, n do sums[b], squares[b] = 0, 0 end
  for i, v in ipairs(values) do
    if not take or take(i) then
      local b <const> = bins.place(v, low, high, n)
      sums[b], squares[b] = sums[b] + weight[i], squares[b] + weight[i] ^ 2
    end
  end
  return sums, squares
end

return bins
