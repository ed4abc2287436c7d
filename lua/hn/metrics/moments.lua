--- Weighted means and covariances of columns, sample by sample.
-- @module hn.metrics.moments

local Moments <const> = {}
Moments.__index = Moments

--- Adds the sample that begins at flat[first]. Products are those of differences to the first sample, which are small
-- where the columns' means are large.
function Moments:add(flat, first, weight)
  local n <const>, shift <const>, sums <const>, products <const> = self.columns, self.shift, self.sums, self.products
  local d <const> = self.difference
  self.weight = self.weight + weight
  for i = 1, n do
    shift[i] = shift[i] or flat[first + i - 1]
    d[i] = flat[first + i - 1] - shift[i]
    local row <const>, weighted <const> = products[i], weight * d[i]
    sums[i] = sums[i] + weighted
    for j = 1, i do row[j] = row[j] + weighted * d[j] end
  end
end

--- The linear correlations, a list of rows; NaN where one of the columns does not vary.
function Moments:correlation()
  local function covariance(i, j)
    return self.products[i][j] / self.weight - self.sums[i] * self.sums[j] / self.weight ^ 2
  end
  local matrix <const> = {}
  for i = 1, self.columns do
    matrix[i] = {}
    for j = 1, i do
      local variance <const>, other <const> = covariance(i, i), covariance(j, j)
      local varies <const> = variance > 0 and other > 0
      local value <const> = varies and (i == j and 1 or covariance(i, j) / math.sqrt(variance * other)) or 0 / 0
      matrix[i][j], matrix[j][i] = value, value
    end
  end
  return matrix
end

--- Starts moments of so many columns.
return function(columns)
  local self <const> = { columns = columns, weight = 0, shift = {}, difference = {}, sums = {}, products = {} }
  for i = 1, columns do
    self.sums[i], self.products[i] = 0, {}
    for j = 1, i do self.products[i][j] = 0 end
  end
  return setmetatable(self, Moments)
end
