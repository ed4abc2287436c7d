--- Hyper-parameters: random search with successive halving (Jamieson & Talwalkar 2016). All candidates train shortly;
-- the best third trains three times as long, and so on; the last one left is taken.
--
--     local best <const> = hn.tune.search {
--       space = {
--         { "lr", from = 0.01, to = 1, log = true },
--         { "hidden", from = 0, to = 0.5 },
--         { "scheme", choice = { "line", "element" } },
--       },
--       trials = 9, epochs = 45,
--       try = function(setting, epochs) return validation_error(setting, epochs) end,
--     }
-- @module hn.tune

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"

local tune <const> = {}

local KEEP <const> = 3 -- one of so many goes on, for so many times as long

local rules <const> = {
  from = { "number" }, to = { "number" },
  log = { "boolean", default = false }, integer = { "boolean", default = false },
  zero = { "number", default = 0, least = 0, most = 1 },
  choice = { "table" }, usual = { "number|string|boolean|table" },
}

--- One name's part of a space: { name =, and the options }.
local function checked(k, given)
  local name <const> = type(given) == "table" and given[1]
  if type(name) ~= "string" then
    core.fail("argument", "hn.tune: space[%d]: expected { name, from =, to = } or { name, choice = }, got %s", k,
      kinds.describe(given))
  end
  local where <const>, own <const> = ("hn.tune: %s"):format(name), {}
  for key, value in pairs(given) do
    if key ~= 1 then own[key] = value end
  end
  local o <const> = options.declare(where, rules)(own)
  if o.choice and #o.choice == 0 or not o.choice and not (o.from and o.to and o.from <= o.to) then
    core.fail("argument", "%s: expected from and to, the smaller one first, or a choice of values", where)
  end
  if o.log and not (o.from and o.from > 0) then
    core.fail("argument", "%s: from: expected a number above 0 with log, got %s", where, kinds.describe(o.from))
  end
  o.name = name
  return o
end

local function checked_space(space)
  local list <const> = {}
  for k, one in ipairs(space) do list[k] = checked(k, one) end
  if #list == 0 then core.fail("argument", "hn.tune: space: expected a list of what to look for, got none") end
  return list
end

--- Four digits, so that what a log holds of a number is the number.
local function short(x) return tonumber(("%.4g"):format(x)) end

--- The value at u, from 0 to 1, of what is looked for.
local function value_at(o, u)
  if u < o.zero then return 0 end
  u = o.zero > 0 and (u - o.zero) / (1 - o.zero) or u
  if o.choice then return o.choice[math.min(#o.choice, math.floor(u * #o.choice) + 1)] end
  local x <const> = o.log and o.from * (o.to / o.from) ^ u or o.from + u * (o.to - o.from)
  return o.integer and math.tointeger(math.floor(x + 0.5)) or short(x)
end

local function candidate(list, n, seed)
  local setting <const> = {}
  for k, o in ipairs(list) do
    local usual = o.usual
    if type(usual) == "table" then usual = usual[n] elseif n > 1 then usual = nil end
    if usual == nil then usual = value_at(o, core.hash(seed, n, k) / 2 ^ 32) end
    setting[o.name] = usual
  end
  return setting
end

--- Candidate n, from 1, of a space (see `search`) under a seed: a table of values by name, the same everywhere.
function tune.candidate(space, n, seed) return candidate(checked_space(space), n, seed) end

--- The rounds of a search among `trials` candidates for a training of `epochs`: a list of { count =, epochs = }, how
-- many candidates train for how long; none for one candidate. With `halving` = false it is one round of all.
function tune.rounds(trials, epochs, halving)
  if halving == false and trials > 1 then return { { count = trials, epochs = epochs } } end
  local list <const>, length = {}, 1
  while KEEP ^ length < trials do length = length + 1 end
  for k = 1, trials > 1 and length or 0 do
    list[k] = { count = math.max(1, math.ceil(trials / KEEP ^ (k - 1))),
      epochs = math.max(1, math.floor(epochs / KEEP ^ (length - k + 1) + 0.5)) }
  end
  return list
end

--- NaN is the worst of all; equal losses are told apart by the second value, then by the candidates' order.
local function better(a, b)
  if a.loss ~= b.loss then return a.loss < b.loss end
  return a.second == b.second and a.number < b.number or a.second < b.second
end

local function worst_if_nan(x) return x ~= x and math.huge or x end

local check <const> = options.declare("hn.tune.search", {
  space = { "table", required = true },
  try = { "callable", required = true },
  trials = { "integer", default = 9, least = 1 },
  epochs = { "integer", default = 45, least = 1 },
  seed = { "integer", default = 1, least = 0 },
  halving = { "boolean", default = true },
})

--- Searches. Options: `space`, a list of { name, from =, to = } or { name, choice = { values } }, where `log` (false)
-- draws evenly by magnitude, `integer` (false) rounds, `zero` (0) is the chance of 0 instead, and `usual` is the value
-- of candidate 1, or a list of those of the first ones; `trials` (9), how many candidates; `epochs` (45) of the
-- training that the setting is for, which no trial reaches unless `halving` (true) is false, where one round trains
-- all candidates for as long: what is best after few epochs need not be later; `seed` (1); `try`, function(setting,
-- epochs), which trains a network so long and returns its loss on held samples (the least is best; NaN where it
-- diverged), and, if it likes, a second number that tells equal ones apart; nil ends the search.
-- Returns the setting of the best candidate of the last round and a list of all trials { setting =, epochs =, loss = };
-- nil where `try` gave nil. With one trial there is nothing to try: candidate 1 is the setting.
function tune.search(given)
  local o <const> = check(given)
  local space <const> = checked_space(o.space)
  local left <const>, trials <const> = {}, {}
  for n = 1, o.trials do left[n] = { number = n, setting = candidate(space, n, o.seed) } end
  for _, round in ipairs(tune.rounds(o.trials, o.epochs, o.halving)) do
    for k = #left, round.count + 1, -1 do left[k] = nil end
    for _, one in ipairs(left) do
      local loss <const>, second <const> = o.try(one.setting, round.epochs)
      if loss == nil then return nil end
      one.loss, one.second = worst_if_nan(loss), worst_if_nan(second or 0)
      trials[#trials + 1] = { setting = one.setting, epochs = round.epochs, loss = loss }
    end
    table.sort(left, better)
  end
  return left[1].setting, trials
end

return tune
