--- Hyper-parameters: random search with successive halving. All candidates train shortly; the best third trains three
-- times as long, and so on; the last one left is taken. Candidate n is the same for all cells of a
-- kind of network and in every process.

local hn <const> = require "hn"

local search <const> = {}

--- A setting holds: `lr` of SGD (stable, momentum 0.9, minibatches of 50, falling as a cosine), dropout of `input` and
-- `hidden` units, `l2`, and, where there is a teacher, `temperature` and `weight` of its answers.
search.names = { "lr", "input", "hidden", "l2", "temperature", "weight" }

--- What the log holds of a number is the number.
local function short(x) return tonumber(("%.4g"):format(x)) end

local function between(low, high) return function(u) return low + u * (high - low) end end
local function logarithmic(low, high) return function(u) return low * (high / low) ^ u end end

--- f in half of the cases, else 0.
local function sometimes(f) return function(u) return u < 0.5 and 0 or f(2 * u - 1) end end

local temperature <const>, weight <const> = logarithmic(1, 10), between(0.3, 1)

--- Where the search looks, by the kind of network. Wide ones need dropout and large steps; what 16 units learn well
-- with would be far out for them, and the other way round.
local spaces <const> = {
  hashed = { lr = logarithmic(0.08, 0.5), input = between(0, 0.25), hidden = between(0, 0.4),
    l2 = sometimes(logarithmic(1e-5, 1e-3)), temperature = temperature, weight = weight },
  wide = { lr = logarithmic(0.02, 0.3), input = between(0, 0.25), hidden = between(0, 0.5),
    l2 = sometimes(logarithmic(1e-6, 3e-4)), temperature = temperature, weight = weight },
  narrow = { lr = logarithmic(0.003, 0.1), input = sometimes(between(0, 0.1)), hidden = sometimes(between(0, 0.1)),
    l2 = sometimes(logarithmic(1e-6, 1e-3)), temperature = temperature, weight = weight },
}

--- Candidate 1 of each.
local usual <const> = {
  hashed = { lr = 0.2, input = 0.1, hidden = 0.2, l2 = 3e-4, temperature = 4, weight = 0.7 },
  wide = { lr = 0.1, input = 0.1, hidden = 0.3, l2 = 0, temperature = 4, weight = 0.7 },
  narrow = { lr = 0.01, input = 0, hidden = 0, l2 = 0, temperature = 4, weight = 0.7 },
}

--- Candidate n of a search with this seed, for a method of methods.known.
function search.candidate(n, seed, method)
  local kind <const> = method.space or "hashed"
  local setting <const> = {}
  for k, name in ipairs(search.names) do
    setting[name] = n == 1 and usual[kind][name] or short(spaces[kind][name](hn.hash(seed, n, k) / 2 ^ 32))
  end
  if not method.teacher then setting.temperature, setting.weight = 1, 0 end
  return setting
end

--- The rounds { count =, epochs = } of a search among `trials` candidates for a training of `epochs`.
function search.rounds(trials, epochs)
  local list <const>, length = {}, 1
  while 3 ^ length < trials do length = length + 1 end
  for k = 1, trials > 1 and length or 0 do
    list[k] = { count = math.max(1, math.ceil(trials / 3 ^ (k - 1))),
      epochs = math.max(1, math.floor(epochs / 3 ^ (length - k + 1) + 0.5)) }
  end
  return list
end

local function better(a, b)
  if a.error ~= b.error then return a.error < b.error end
  return a.loss == b.loss and a.number < b.number or a.loss < b.loss
end

--- Searches. Returns the setting, or nil where `try` gave nil.
-- @param o { trials =, epochs =, seed = }
-- @param method an entry of methods.known
-- @param try function(setting, epochs) that returns error and loss on the validation set
function search.run(o, method, try)
  local left <const> = {}
  for n = 1, o.trials do left[n] = { number = n, setting = search.candidate(n, o.seed, method) } end
  for _, round in ipairs(search.rounds(o.trials, o.epochs)) do
    for k = #left, round.count + 1, -1 do left[k] = nil end
    for _, one in ipairs(left) do
      one.error, one.loss = try(one.setting, round.epochs)
      if not one.error then return nil end
    end
    table.sort(left, better)
  end
  return left[1].setting
end

return search
