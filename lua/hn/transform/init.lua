--- Transformations of the input, fitted to data, as layers at the front of a network:
--
--     local input = hn.transform { "log", "gauss", { "decorrelate", class = "signal" } }
--     input:fit(train)
--     local net = hn.nn.Sequential { input, hn.nn.Linear(28, 300), hn.nn.ReLU(), hn.nn.Linear(300, 1) }
--
-- They are saved with the network, and every reader of it applies them; none of their numbers is trained.
-- @module hn.transform

local core <const> = require "hn.core"
local curve <const> = require "hn.transform.curve"
local eigen <const> = require "hn.transform.eigen"
local fixed <const> = require "hn.nn.fixed"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local pass <const> = require "hn.transform.pass"

local Transform <const> = require "hn.nn.module" "Transform"
Transform.made_of = { items = "modules" }

--- What a module is to be fitted as; one from a file has nothing here.
local recipes <const> = setmetatable({}, { __mode = "k" })

local function filled(n, value)
  local list <const> = {}
  for i = 1, n do list[i] = value end
  return list
end

--- A part's lists over all features, from those over its own.
local function spread(list, part, rest)
  local all <const> = filled(part.inputs, rest)
  for k, feature in ipairs(part.features) do all[feature] = list[k] end
  return all
end

local function diagonal(part, mean, scale)
  return fixed.Affine { mean = spread(mean, part, 0.0), scale = spread(scale, part, 1.0) }
end

local function rotation(part, mean, rows)
  local weight <const> = {}
  for i = 1, part.inputs do
    weight[i] = filled(part.inputs, 0.0)
    weight[i][i] = 1.0
  end
  for a, i in ipairs(part.features) do
    for b, j in ipairs(part.features) do weight[i][j] = rows[a][b] end
  end
  return fixed.Affine { mean = spread(mean, part, 0.0), weight = weight }
end

--- Directions in which events differ, as hn.transform.eigen gives them; others have `still` set: their variance is a
-- billionth or less of what it would be if features were independent.
local function directions(moments)
  local covariances <const>, variances <const> = moments:matrix(), {}
  for a, row in ipairs(covariances) do variances[a] = row[a] end
  local list <const> = eigen(covariances)
  for _, one in ipairs(list) do
    local independent = 0
    for a, v in ipairs(one.vector) do independent = independent + v * v * variances[a] end
    one.still = one.value <= 1e-9 * independent
  end
  return list
end

local makers <const> = {}

function makers.log(part)
  return fixed.Log(spread(filled(#part.features, 1.0), part, 0.0))
end

function makers.normalise(part, events)
  local low <const>, high <const> = events:range(part)
  local middle <const>, scale <const> = {}, {}
  for k in ipairs(low) do
    middle[k] = low[k] + (high[k] - low[k]) / 2
    scale[k] = high[k] > low[k] and 2 / (high[k] - low[k]) or 1.0
  end
  return diagonal(part, middle, scale)
end

function makers.standardise(part, events)
  local moments <const>, scale <const> = events:moments(part, false), {}
  for k in ipairs(part.features) do
    local variance <const> = moments:covariance(k, k)
    scale[k] = variance > 0 and 1 / math.sqrt(variance) or 1.0
  end
  return diagonal(part, moments:means(), scale)
end

function makers.decorrelate(part, events)
  local moments <const>, rows <const> = events:moments(part, true), {}
  for a in ipairs(part.features) do rows[a] = filled(#part.features, 0.0) end
  for _, one in ipairs(directions(moments)) do
    local factor <const> = one.still and 0.0 or 1 / math.sqrt(one.value)
    for a, row in ipairs(rows) do
      for b in ipairs(row) do row[b] = row[b] + factor * one.vector[a] * one.vector[b] end
    end
  end
  return rotation(part, moments:means(), rows)
end

function makers.pca(part, events)
  local moments <const>, rows <const> = events:moments(part, true), {}
  for k, one in ipairs(directions(moments)) do rows[k] = one.vector end
  return rotation(part, moments:means(), rows)
end

local function curves(part, events)
  local sample <const>, knots <const>, values <const>, most = events:sample(part), {}, {}, 0
  for _, feature in ipairs(part.features) do
    knots[feature], values[feature] = curve.fit(part.kind, sample:column(feature), part.knots)
    most = math.max(most, #knots[feature])
  end
  for feature = 1, part.inputs do
    if knots[feature] then
      curve.extend(knots[feature], values[feature], most)
    else
      knots[feature], values[feature] = curve.same(most)
    end
  end
  return fixed.Interpolate { knots = knots, values = values }
end
makers.uniform, makers.gauss = curves, curves

local kind_rule <const> = { required = true, choices = { "normalise", "standardise", "decorrelate", "pca", "uniform",
  "gauss", "log" } }
local check_part <const> = options.declare("hn.transform", {
  features = { "table", expected = "a list of features' numbers" },
  class = { "integer|string" },
  knots = { "integer", least = 2, most = 10000 },
})

--- Options that are for some kinds alone.
local function check_kind(part)
  if part.knots and makers[part.kind] ~= curves then
    core.fail("argument", "hn.transform: %s: knots are for uniform and gauss alone", part.kind)
  end
  if part.class and part.kind == "log" then
    core.fail("argument", "hn.transform: log: it is not fitted, so it takes no class")
  end
end

--- One entry of the list that hn.transform takes, as { kind =, features =, class =, knots = }.
local function read(i, entry)
  local given <const> = {}
  if kinds.of(entry) == "table" then
    for key, value in pairs(entry) do given[key] = value end
  end
  local kind <const> = options.value("hn.transform", ("transformation %d"):format(i),
    given[1] == nil and entry or given[1], kind_rule)
  given[1] = nil
  local part <const> = check_part(given)
  part.kind = kind
  check_kind(part)
  return part
end

function Transform:init(list)
  if kinds.of(list) ~= "table" then
    core.fail("argument", "hn.transform: expected a list of transformations, got %s", kinds.describe(list))
  end
  local parts <const> = {}
  for key, entry in pairs(list) do
    if math.type(key) ~= "integer" then
      core.fail("argument", "hn.transform: expected a list of transformations, got the key %s", kinds.describe(key))
    end
    parts[key] = read(key, entry)
  end
  if #parts == 0 then core.fail("argument", "hn.transform: expected at least one transformation") end
  recipes[self] = parts
end

--- The numbers of the features that a part acts on, checked, or all.
local function features_of(part, inputs)
  local list <const>, seen <const> = {}, {}
  for k, feature in ipairs(part.features or {}) do
    local number <const> = math.tointeger(feature)
    if not number or number < 1 or number > inputs or seen[number] then
      core.fail("argument", "fit: %s: features[%d]: expected a feature's number from 1 to %d that comes once, got %s",
        part.kind, k, inputs, kinds.describe(feature))
    end
    list[k], seen[number] = number, true
  end
  if part.features and #list == 0 then core.fail("argument", "fit: %s: features: the list is empty", part.kind) end
  for i = 1, part.features and 0 or inputs do list[i] = i end
  return list
end

local check_fit <const> = options.declare("fit", { batch = { "integer", default = 1000, least = 1 } })

--- Fits the transformations to a data set, each to what those before it give, and returns the module. Each but "log" is
-- one pass over the set in minibatches (option `batch`, 1000), and memory holds no more than one of them, so sets may
-- be larger than memory. Events count by their weights, negative ones by their absolute value; weight 0 is absence.
--
-- "uniform" and "gauss" give the rank (weight below + half of its own) / all weight, equal numbers one rank, exactly at
-- the knots, and straight lines between; beyond what was seen they are flat. Of more than 50,000 events (or as many as
-- have 2^24 numbers) they see a random sample of so many, always the same; ranks then are off by less than 0.8 % with
-- probability 99 % where weights are equal.
--
-- A feature that does not vary becomes 0 (0.5 with "uniform"), and so does, with "decorrelate", every direction in
-- which events do not vary: several equal features, fewer events than features. The work of "decorrelate" and "pca"
-- grows with the third power of the number of features: for some hundreds. NaN and infinities in the data are errors.
function Transform:fit(data, given)
  local o <const> = check_fit(given)
  if not recipes[self] then
    core.fail("state", "fit: these transformations come from a file and are fitted; make others by hn.transform")
  end
  if kinds.of(data) ~= "data" then
    core.fail("argument", "fit: expected a data set, got %s", kinds.describe(data))
  end
  local made <const> = {}
  for k, recipe in ipairs(recipes[self]) do
    local events <const> = pass(data, made, recipe, o.batch)
    local part <const> = { kind = recipe.kind, knots = recipe.knots or 200, inputs = events.inputs }
    part.features = features_of(recipe, events.inputs)
    made[k] = makers[recipe.kind](part, events)
  end
  for k, module in ipairs(made) do self[k] = module end
  return self
end

function Transform:forward(x)
  if #self == 0 then core.fail("state", "Transform: it is not fitted yet: call its fit(data) first") end
  local shape <const> = x:shape()
  if #shape > 2 then x = core.ops.reshape(x, shape[1], x:size() // shape[1]) end
  for _, module in ipairs(self) do x = module(x) end
  return x
end

function Transform:describe()
  if #self > 0 or not recipes[self] then return "" end
  local names <const> = {}
  for k, part in ipairs(recipes[self]) do names[k] = part.kind end
  return table.concat(names, ", ") .. ", not fitted"
end

--- hn.transform{ kind or { kind, option = ... }, ... }: transformations one after the other, to be fitted by
-- `input:fit(data)`. Kinds:
--
-- - "log": sign(x) log(1 + |x|);
-- - "normalise": to [-1, 1], linearly (TMVA's Norm);
-- - "standardise": to mean 0 and deviation 1;
-- - "decorrelate": C^(-1/2) (x - mean), with C the covariance: features without correlation, of deviation 1;
-- - "pca": minus the mean, turned to the principal axes, largest variance first;
-- - "uniform": the rank in [0, 1], by the cumulative distribution;
-- - "gauss": the normal distribution's quantile of that rank.
--
-- Options: `features` (all): the numbers of those that it acts on, the others pass; `class` (of all): the class, by
-- number or name, whose events it is fitted to, or of targets that are numbers their value; `knots` (200) of "uniform"
-- and "gauss".
return function(list) return Transform(list) end
