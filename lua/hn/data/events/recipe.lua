--- What becomes of the columns of events: features, label, weight and so on, each a column, an expression or a
-- function.
-- @module hn.data.events.recipe

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"

local Recipe <const> = {}
Recipe.__index = Recipe

local recipe <const> = {}

-- Classes that a split keeps the shares of; codes of events are 0 for those that are left out, else the number of the
-- class (the last one stands for all behind it), and that much more for the test part.
recipe.strata = 120

local any <const> = "string|callable"

local check_column <const> = options.declare("hn.data.events: columns", {
  name = { "string" },
  expression = { any, required = true },
})

--- One value of an event: { name =, column = } or { name =, expression = } or { name =, call = }.
local function make(self, value, name)
  local where <const> = self.where
  if kinds.callable(value) then
    self.needs_all = true
    return { name = name, call = value }
  end
  if type(value) ~= "string" then
    core.fail("argument", "%s: %s: expected a column, an expression or a function of an event, got %s", where, name,
      kinds.describe(value))
  end
  if self.known[value] then return { name = name, columns = { value }, column = value } end
  local expression <const> = core.expression(value)
  local columns <const> = expression:columns()
  -- A name alone that is no column is a mistake; the source says so.
  return { name = name, columns = columns, expression = expression, column = #columns == 1 and columns[1] == value
    and value or nil }
end

--- Items of a list such as columns: "pt", "images" (all columns of an array), { name = "logpt", "log(pt)" }.
local function items(self, list, option)
  local made <const> = {}
  local function add(value, name) made[#made + 1] = make(self, value, name) end
  for k, entry in ipairs(type(list) == "table" and list or { list }) do
    if type(entry) == "table" and not kinds.callable(entry) then
      local o <const> = check_column { name = entry.name, expression = entry[1] or entry.expression }
      add(o.expression, o.name or type(o.expression) == "string" and o.expression or option .. k)
    elseif type(entry) == "string" and self.arrays[entry] then
      for _, name in ipairs(self.arrays[entry]) do add(name, name) end
    else
      add(entry, type(entry) == "string" and entry or option .. k)
    end
  end
  return made
end

--- Columns that are no features unless they are asked for: those of labels, weights and the like.
local function others(self)
  local used <const> = {}
  for _, list in ipairs { self.targets, self.spectators, { self.label }, { self.weight }, { self.test } } do
    for _, item in ipairs(list) do
      for _, name in ipairs(item.columns or {}) do used[name] = true end
    end
  end
  return used
end

local function all_but(self, used)
  local list <const> = {}
  for _, name in ipairs(self.names) do
    if not used[name] then list[#list + 1] = name end
  end
  return list
end

--- The columns to be read.
local function needed(self)
  if self.needs_all then return self.names end
  local list <const>, seen <const> = {}, {}
  for _, group in ipairs { self.features, self.targets, self.spectators, { self.label }, { self.weight },
    { self.cut }, { self.test } } do
    for _, item in ipairs(group) do
      for _, name in ipairs(item.columns) do
        if not seen[name] then list[#list + 1], seen[name] = name, true end
      end
    end
  end
  return list
end

--- Reads the options.
-- @param names the columns that there are
function recipe.new(where, o, names)
  local self <const> = setmetatable({ where = where, names = names, known = {}, arrays = {}, nan = o.nan,
    negative = o.negative, bad = {}, negatives = 0, formulas = {}, clean = {} }, Recipe)
  self.weighted = o.weight or o.class_weights or o.normalise_weights ~= "none"
  for _, name in ipairs(names) do
    self.known[name] = true
    local array <const> = name:match "^(.*)%[%d+%]$"
    if array then
      self.arrays[array] = self.arrays[array] or {}
      table.insert(self.arrays[array], name)
    end
  end
  self.label = o.label and make(self, o.label, "label") or nil
  self.weight = o.weight and make(self, o.weight, "weight") or nil
  self.cut = o.cut and make(self, o.cut, "cut") or nil
  self.test = o.split and o.split.expression and make(self, o.split.expression, "split") or nil
  self.targets = items(self, o.target or {}, "target")
  self.spectators = items(self, o.spectators or {}, "spectator")
  self.features = items(self, o.columns or all_but(self, others(self)), "column")
  if #self.features == 0 then core.fail("argument", "%s: columns: expected at least one", where) end
  self.read = needed(self)
  return self
end

--- Makes the arrays that one block of so many rows is worked on in.
function Recipe:allocate(rows)
  if self.rows == rows then return end
  self.rows, self.scratch = rows, {}
end

--- An array that belongs to a purpose.
local function scratch(self, purpose, count)
  local array = self.scratch[purpose]
  if not array then
    array = core.array("f64", { self.rows })
    self.scratch[purpose] = array
  end
  return count < self.rows and array:slice(1, count) or array
end

--- The values of a text of a, b, c, ... for arrays in this order.
local function formula(self, text, list, target, count)
  local expression = self.formulas[text]
  if not expression then
    expression = core.expression(text)
    self.formulas[text] = expression
  end
  local ordered <const> = {}
  for k, name in ipairs(expression:columns()) do ordered[k] = list[name:byte() - 96] end
  expression:evaluate(count, ordered, target)
  return target
end

--- The values of an item in a block { count =, NAME = array }.
local function values(self, item, block)
  if item.column then return block[item.column] end
  local target <const>, list <const> = scratch(self, item, block.count), {}
  for k, name in ipairs(item.call and self.names or item.columns) do list[k] = block[name] end
  if item.call then
    core.each(item.call, block.count, self.names, list, target)
  else
    item.expression:evaluate(block.count, list, target)
  end
  return target
end

--- Notes what is not finite among the events that are kept; they are left out, or get another number, as `nan` says.
local function clean(self, item, array, keep, count, replace)
  local sum <const> = array:sum()
  if sum - sum == 0 then return end -- all of them are finite
  local bad <const> = formula(self, "a && !finite(b)", { keep, array }, scratch(self, "bad", count), count):sum()
  if bad == 0 then return end
  self.bad[item] = (self.bad[item] or 0) + bad
  item.replace = replace and type(self.nan) == "number"
  if self.nan == "drop" then formula(self, "a && finite(b)", { keep, array }, keep, count) end
end

--- Values with another number in the place of what is not finite.
local function replaced(self, item, array, count)
  if not item.replace then return array end
  self.clean[item] = self.clean[item] or {}
  local target <const> = scratch(self, self.clean[item], count)
  return formula(self, ("finite(a) ? a : %.17g"):format(self.nan), { array }, target, count)
end

local function check_labels(self, label, keep, count)
  local limit <const> = 2 ^ 20
  local wrong <const> = formula(self, ("a && (b < 0 || b != floor(b) || b >= %d)"):format(limit), { keep, label },
    scratch(self, "bad", count), count)
  local row <const> = wrong:where(1, math.huge)
  if row then
    core.fail("argument", "%s: label: expected classes 0, 1, 2, ..., got %s", self.where,
      kinds.describe(label:slice(row:table()[1] + 1, 1):table()[1]))
  end
  local _, most <const> = formula(self, "a ? b : 0", { keep, label }, scratch(self, "bad", count), count):range()
  self.most = math.max(self.most or 0, math.tointeger(most))
end

local function label_of(self, block)
  local class <const> = block.class
  if class then return formula(self, tostring(class - 1), {}, scratch(self, "class", block.count), block.count) end
  return self.label and values(self, self.label, block) or nil
end

local function weight_of(self, block)
  local count <const> = block.count
  if not self.weight then
    return self.weighted and formula(self, "1", {}, scratch(self, "weight", count), count) or nil
  end
  local weight <const> = values(self, self.weight, block)
  if self.negative ~= "clip" then return weight end
  return formula(self, "max(a, 0)", { weight }, scratch(self, "weight", count), count)
end

--- All that an event gives, but for factors on weights: { x = arrays, label =, weight =, targets =, spectators = }.
function Recipe:evaluate(block)
  local result <const>, count <const> = { label = label_of(self, block), count = block.count }, block.count
  for name, list in pairs { x = self.features, targets = self.targets, spectators = self.spectators } do
    result[name] = {}
    for k, item in ipairs(list) do
      result[name][k] = replaced(self, item, values(self, item, block), count)
    end
  end
  result.weight = weight_of(self, block)
  return result
end

local function clean_all(self, result, keep)
  local count <const> = result.count
  for name, list in pairs { x = self.features, targets = self.targets } do
    for k, item in ipairs(list) do clean(self, item, result[name][k], keep, count, true) end
  end
  if self.label then clean(self, self.label, result.label, keep, count) end
  if self.weight then clean(self, self.weight, result.weight, keep, count) end
end

local function drop_negative(self, weight, keep, count)
  if not weight then return end
  local negative <const> = formula(self, "a && b < 0", { keep, weight }, scratch(self, "bad", count), count)
  self.negatives = self.negatives + negative:sum()
  if self.negative == "drop" then formula(self, "a && b >= 0", { keep, weight }, keep, count) end
end

--- The first look at a block: as evaluate, with `code`, what becomes of each event (see `recipe.strata`).
function Recipe:judge(block)
  local result, count <const> = self:evaluate(block), block.count
  local keep <const> = scratch(self, "keep", count)
  if self.cut then
    formula(self, "a != 0", { values(self, self.cut, block) }, keep, count)
  else
    formula(self, "1", {}, keep, count)
  end
  clean_all(self, result, keep)
  drop_negative(self, self.weight and values(self, self.weight, block), keep, count)
  if result.label then check_labels(self, result.label, keep, count) end
  local code <const>, last <const> = scratch(self, "code", count), recipe.strata
  local text <const> = result.label and ("a ? min(b, %d) + 1 : 0"):format(last - 1) or "a ? 1 : 0"
  formula(self, text, { keep, result.label }, code, count)
  if self.test then
    formula(self, ("a && b ? a + %d : a"):format(last), { code, values(self, self.test, block) }, code, count)
  end
  if next(self.bad) and type(self.nan) == "number" then result = self:evaluate(block) end
  result.code = code
  return result
end

--- How many values were not finite, by name, and in words: "3 of 'pt', 1 of 'mass'" (nil if none).
function Recipe:not_finite()
  local counts <const>, parts <const> = {}, {}
  for _, list in ipairs { self.features, self.targets, { self.label }, { self.weight } } do
    for _, item in ipairs(list) do
      if self.bad[item] then
        counts[item.name] = math.tointeger(self.bad[item])
        parts[#parts + 1] = ("%d of '%s'"):format(counts[item.name], item.name)
      end
    end
  end
  return counts, #parts > 0 and table.concat(parts, ", ") or nil
end

--- Whether labels or weights that are kept are not finite.
function Recipe:unusable()
  return self.nan ~= "drop" and (self.label and self.bad[self.label] or self.weight and self.bad[self.weight])
end

--- Gives weights the factor of their class in all later blocks.
function Recipe:scale_weights(factors)
  local terms <const> = {}
  for class, factor in ipairs(factors) do terms[class] = ("(b == %d) * %.17g"):format(class - 1, factor) end
  self.factor = "a * (" .. table.concat(terms, " + ") .. ")"
end

--- How numbers become minibatches: the specifications of x, y and weight, as set.new takes them.
function Recipe:specifications(labelled)
  local function spec(dtype) return { spec = { dtype = dtype, scale = 1, shift = 0, flatten = true } } end
  return { x = spec "float", y = labelled and spec "int" or #self.targets > 0 and spec "float" or nil,
    weight = self.weighted and spec "float" or nil }
end

--- Final weights of a block's.
function Recipe:final_weight(weight, label, count, target)
  if not self.factor then return weight end
  return formula(self, self.factor, { weight, label }, target or scratch(self, "final", count), count)
end

return recipe
