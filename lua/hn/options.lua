--- The one way in which functions declare and check their options.
--
--     local check = options.declare("hn.optim.SGD", { lr = { "number", default = 0.01, least = 0 } })
--     local o = check { lr = 0.1 }          -- a new table, defaults filled in
--
-- A rule is { types, default=, required=, above=, least=, below=, most=, choices=, convert=, expected=, aka= }:
-- types are kinds (see hn.kinds) joined by "|", also "integer" and "callable"; `choices` lists strings that are taken
-- beside the types; `convert(value)` gives the value to use or nil to refuse; `expected` replaces the generated text;
-- `aka` lists other systems' names of the option, used for hints only.
-- @module hn.options

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"

local options = {
  declared = {}, -- the rules of everything that declares options, by its name: for the prompt to complete
}

local words <const> = {
  number = "a number", integer = "an integer", boolean = "true", string = "a string", table = "a table",
  ["function"] = "a function", callable = "a function", tensor = "a tensor", matrix = "a matrix",
  array = "a host array", module = "a module", data = "a data set", optimizer = "an optimizer of hn.optim",
  schedule = "a schedule of hn.optim",
}

local limits <const> = {
  { "above", "above %s" }, { "least", "at least %s" }, { "below", "below %s" }, { "most", "at most %s" },
}

local function joined(list, last)
  if #list < 2 then return list[1] or "" end
  return table.concat(list, ", ", 1, #list - 1) .. last .. list[#list]
end

--- The range of a rule's numbers, in words: " above 0 and at most 1".
local function range(rule)
  local function show(n) return kinds.describe(math.tointeger(n) or n) end
  local parts <const> = {}
  for _, limit in ipairs(limits) do
    if rule[limit[1]] then parts[#parts + 1] = limit[2]:format(show(rule[limit[1]])) end
  end
  return #parts > 0 and " " .. table.concat(parts, " and ") or ""
end

--- What a rule expects, in words: "a number above 0 and at most 1".
local function expectation(rule)
  if rule.expected then return rule.expected end
  local parts <const> = {}
  for kind in (rule[1] or ""):gmatch("[^|]+") do
    parts[#parts + 1] = words[kind] .. ((kind == "number" or kind == "integer") and range(rule) or "")
    if kind == "boolean" then parts[#parts + 1] = "false" end
  end
  for _, choice in ipairs(rule.choices or {}) do parts[#parts + 1] = ("%q"):format(choice) end
  return joined(parts, " or ")
end

local function within(rule, n)
  return n == n and n ~= math.huge and n ~= -math.huge
    and not (rule.above and n <= rule.above) and not (rule.least and n < rule.least)
    and not (rule.below and n >= rule.below) and not (rule.most and n > rule.most)
end

local function listed(list, value)
  for _, one in ipairs(list or {}) do
    if one == value then return true end
  end
  return false
end

--- The value as the rule takes it, or nil.
local function accepted(rule, value)
  if listed(rule.choices, value) then return value end
  local actual <const> = kinds.of(value)
  for kind in (rule[1] or ""):gmatch("[^|]+") do
    if kind == "number" and actual == "number" and within(rule, value) then return value end
    if kind == "integer" and actual == "number" and math.tointeger(value) and within(rule, value) then
      return math.tointeger(value)
    end
    if kind == "callable" and kinds.callable(value) then return value end
    if kind == actual and kind ~= "number" then return value end
  end
  return nil
end

--- Checks one value, such as a positional argument, against a rule and returns it (nil where it may be left out).
function options.value(where, name, value, rule)
  if value == nil and not rule.required then return rule.default end
  local taken = accepted(rule, value)
  if taken ~= nil and rule.convert then taken = rule.convert(taken) end
  if taken == nil then
    core.fail("argument", "%s: %s: expected %s, got %s", where, name, expectation(rule), kinds.describe(value))
  end
  return taken
end

--- Levenshtein distance of two strings.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost <const> = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

--- The known name that is meant by `name`, if one is near.
function options.nearest(name, known)
  local best, least = nil, #name // 2 + 1
  for _, one in ipairs(known) do
    local d <const> = distance(name:lower(), one:lower())
    if d < least then best, least = one, d end
  end
  return best
end

local function sorted_names(rules)
  local names = {}
  for name in pairs(rules) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function unknown(where, rules, key)
  local known <const> = sorted_names(rules)
  local name <const> = type(key) == "string" and key or ("[%s]"):format(tostring(key))
  local meant = type(key) == "string" and options.nearest(key, known)
  for _, one in ipairs(known) do
    if listed(rules[one].aka, key) then meant = one end
  end
  core.fail("argument", "%s: unknown option '%s'%s (the options are %s)", where, name,
    meant and ("; did you mean '%s'?"):format(meant) or "", #known > 0 and table.concat(known, ", ") or "none")
end

--- Makes the checking function for a table of rules. It takes the caller's table (or nil) and returns a new one with
-- every value checked and defaults filled in. An unknown key, a wrong type and a value out of range raise an argument
-- error that names the key, what was expected and what came.
function options.declare(where, rules)
  local names <const> = sorted_names(rules)
  options.declared[where] = rules
  return function(given)
    if given ~= nil and kinds.of(given) ~= "table" then
      core.fail("argument", "%s: options: expected a table, got %s", where, kinds.describe(given))
    end
    local result = {}
    for key in pairs(given or {}) do
      if not rules[key] then unknown(where, rules, key) end
    end
    for _, name in ipairs(names) do
      result[name] = options.value(where, name, given and given[name], rules[name])
    end
    return result
  end
end

--- Rules that several functions share.
options.rules = {
  size = { "integer", required = true, least = 1, most = 2 ^ 31 - 1 },
  batch = { "integer", default = 100, least = 1, aka = { "batch_size", "batchsize" } },
  seed = { "integer", least = 0, most = 0xFFFFFFFF },
}

return options
