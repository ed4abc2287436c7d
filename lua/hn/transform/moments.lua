--- Weighted means and covariances in one pass, in doubles, about the first event.
-- @module hn.transform.moments

local Moments <const> = {}
Moments.__index = Moments

--- To be fed the numbers of the features in a list. `full`: with covariances of all pairs; else variances alone.
function Moments.new(features, full)
  local self <const> = { features = features, full = full, weight = 0.0, sums = {}, products = {} }
  for a = 1, #features do
    self.sums[a], self.products[a] = 0.0, {}
    for b = full and 1 or a, a do self.products[a][b] = 0.0 end
  end
  return setmetatable(self, Moments)
end

--- Adds an event of weight w, whose number of feature 1 is at `first` + 1 in a list.
function Moments:add(values, first, w)
  local d <const> = {}
  if not self.origin then
    self.origin = {}
    for a, feature in ipairs(self.features) do self.origin[a] = values[first + feature] end
  end
  for a, feature in ipairs(self.features) do d[a] = values[first + feature] - self.origin[a] end
  self.weight = self.weight + w
  for a = 1, #d do
    local wd <const>, row <const> = w * d[a], self.products[a]
    self.sums[a] = self.sums[a] + wd
    for b = self.full and 1 or a, a do row[b] = row[b] + wd * d[b] end
  end
end

--- The mean of each feature.
function Moments:means()
  local list <const> = {}
  for a, sum in ipairs(self.sums) do list[a] = self.origin[a] + sum / self.weight end
  return list
end

--- The covariance of the features number a and b, b at most a; a feature whose deviation is a millionth of its mean or
-- less, which is what float32 leaves of a constant, has none.
function Moments:covariance(a, b)
  local function about(i, j)
    return self.products[i][j] / self.weight - self.sums[i] / self.weight * (self.sums[j] / self.weight)
  end
  for _, i in ipairs { a, b } do
    local mean <const> = self.origin[i] + self.sums[i] / self.weight
    if about(i, i) <= (1e-6 * mean) ^ 2 then return 0 end
  end
  return about(a, b)
end

--- All covariances, as rows.
function Moments:matrix()
  local rows <const> = {}
  for a = 1, #self.features do
    rows[a] = {}
    for b = 1, a do
      rows[a][b] = self:covariance(a, b)
      rows[b][a] = rows[a][b]
    end
  end
  return rows
end

return Moments
