--- Scaling of the samples: what `data:normalise` does.
-- @module hn.data.normalise

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local set <const> = require "hn.data.set"

--- Sums over all samples, feature by feature, of f(x) for minibatches x {n, features}: a list of doubles.
local function feature_sums(data, features, f)
  local sums <const> = {}
  for i = 1, features do sums[i] = 0.0 end
  for x in data:batches { batch = math.max(1, 262144 // features) } do
    local _ <close> = core.scope()
    local rows <const> = core.ops.reshape(x, x:shape()[1], features)
    for i, sum in ipairs(core.ops.sum(f(rows), 1):table()) do sums[i] = sums[i] + sum end
  end
  return sums
end

local function identity(x) return x end

--- Mean and 1 / deviation of each feature; a feature that does not vary keeps its scale.
local function moments(data, features)
  local mean <const>, factor <const> = feature_sums(data, features, identity), {}
  for i = 1, features do mean[i] = mean[i] / #data end
  local centre <close> = core.tensor({ features }, mean)
  local squares <const> = feature_sums(data, features, function(x)
    local d <const> = core.ops.sub(x, centre)
    return core.ops.mul(d, d)
  end)
  for i = 1, features do
    local deviation <const> = math.sqrt(squares[i] / #data)
    factor[i] = deviation > 1e-6 * math.abs(mean[i]) and 1 / deviation or 1.0
  end
  return mean, factor
end

local function standard(data)
  local shape <const>, features = set.shape(data), 1
  for i = 2, #shape do features = features * shape[i] end
  data.affine = nil
  local mean <const>, factor <const> = moments(data, features)
  local sample <const> = (data.specs.x.flatten or #shape < 2) and { features } or table.move(shape, 2, #shape, 1, {})
  data.affine = { shape = sample, mean = mean, factor = factor }
end

--- The column's specification with another scale and shift; sets that share it keep theirs.
local function with_scale(data, scale, shift)
  local specs <const> = {}
  for name, spec in pairs(data.specs) do specs[name] = spec end
  specs.x = { dtype = "float", scale = scale, shift = shift, flatten = data.specs.x.flatten }
  data.specs = specs
end

local function range(data)
  local rows <const> = data.stream or data.index and data.x:pick(data.index) or data.x
  local low <const>, high <const> = rows:range()
  local scale <const> = high > low and 1 / (high - low) or 1
  data.affine = nil
  with_scale(data, scale, -low * scale)
end

local function take_over(data, other)
  if table.concat(set.shape(data), "x", 2) ~= table.concat(set.shape(other), "x", 2) then
    core.fail("shape", "normalise: expected a set with samples of the same shape, got %s for %s", tostring(other),
      tostring(data))
  end
  with_scale(data, other.specs.x.scale, other.specs.x.shift)
  data.affine = other.affine
end

return function(data, how)
  if data.specs.x.dtype ~= "float" then
    core.fail("argument", "normalise: expected x to hold numbers, got classes")
  end
  if kinds.of(how) == "data" then
    take_over(data, how)
  elseif how == "range" then
    range(data)
  elseif how == nil or how == "standard" then
    standard(data)
  else
    core.fail("argument", 'normalise: how: expected "standard", "range" or a data set, got %s', kinds.describe(how))
  end
  return data
end
