--- Training and test part of events, and the weights of their classes.
-- @module hn.data.events.parts

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local recipe <const> = require "hn.data.events.recipe"
local set <const> = require "hn.data.set"

local parts <const> = {}

local check <const> = options.declare("hn.data.events: split", {
  test = { "number", above = 0 },
  how = { choices = { "random", "alternate", "block" }, default = "random" },
  seed = { "integer", default = 1, least = 0, most = 0xFFFFFFFF },
  expression = { "string|callable" },
})

--- Rule of the option `split`.
parts.rule = { "table", convert = function(value)
  local o <const> = check(value)
  if (o.test == nil) == (o.expression == nil) then
    core.fail("argument", "hn.data.events: split: expected either test or expression")
  end
  return o
end }

--- How many events have each code of the training part.
local function counts_of(codes)
  local counts <const>, all = {}, 0
  for code = 1, recipe.strata do
    local index <close> = codes:where(code, code)
    counts[code] = index and index:shape()[1] or 0
    all = all + counts[code]
  end
  return counts, all
end

--- Moves events to the test part, of each class the same share; where expressions say what is test, they have done so.
function parts.split(codes, split)
  if not split then return end
  if split.test then
    local counts <const>, all <const> = counts_of(codes)
    local wanted <const>, before, taken = set.part_size("hn.data.events: split: test", split.test, all), 0, 0
    for code, count in ipairs(counts) do
      before = before + count
      local upto <const> = (before * wanted + all // 2) // all
      if count > 0 then codes:part(code, code, code + recipe.strata, upto - taken, split.how, split.seed) end
      taken = upto
    end
  elseif not codes:where(1, recipe.strata) or not codes:where(recipe.strata + 1, 255) then
    core.fail("argument", "hn.data.events: split: expression: expected some events of each kind, got the same for all")
  end
end

--- What a class' weights are multiplied by, as class_weights says: by its name or number.
local function given_factor(where, given, names, class)
  if not given then return 1 end
  local factor <const> = given[names and names[class]] or given[class] or 1
  if type(factor) ~= "number" or factor ~= factor or factor < 0 then
    core.fail("argument", "%s: class_weights: expected numbers of at least 0, got %s", where, kinds.describe(factor))
  end
  return factor
end

local function check_names(where, given, names, classes)
  for key in pairs(given or {}) do
    local known = math.type(key) == "integer" and key >= 1 and key <= classes
    for _, name in ipairs(names or {}) do known = known or name == key end
    if not known then
      core.fail("argument", "%s: class_weights: there is no class %s", where, kinds.describe(key))
    end
  end
end

--- Tells the recipe the factors on weights, if there are any.
-- @param more { names =, classes = }
-- @param sums function() that gives number of events and sum of weights by class, in the training part
function parts.scale(where, plan, o, more, sums)
  local mode <const>, names <const>, classes <const> = o.normalise_weights, more.names, more.classes
  if not o.class_weights and mode == "none" then return end
  check_names(where, o.class_weights, names, classes)
  local counts, weights
  if mode ~= "none" then counts, weights = sums() end
  local factors <const> = {}
  for class = 1, classes do
    factors[class] = given_factor(where, o.class_weights, names, class)
    if mode ~= "none" and weights[class] <= 0 and counts[class] > 0 then
      core.fail("argument", "%s: normalise_weights: expected weights with a positive sum in each class, got %s", where,
        kinds.describe(weights[class]))
    end
    if mode ~= "none" and counts[class] > 0 then
      factors[class] = factors[class] * counts[mode == "equal" and 1 or class] / weights[class]
    end
  end
  plan:scale_weights(factors)
end

return parts
