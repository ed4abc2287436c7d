--- Hyper-parameters: random search with successive halving. All candidates train shortly; the best third trains three
-- times as long, and so on; the last one left is taken. Candidate n is the same for every cell and in every process.

local hn <const> = require "hn"

local search <const> = {}

--- A setting holds: `lr` of SGD (stable, momentum 0.9, minibatches of 50, falling as a cosine), dropout of `input` and
-- `hidden` units, `l2`, and, where there is a teacher, `temperature` and `weight` of its answers. Candidate 1:
local usual <const> = { lr = 0.1, input = 0, hidden = 0.2, l2 = 0, temperature = 4, weight = 0.7 }

search.names = { "lr", "input", "hidden", "l2", "temperature", "weight" }

--- What the log holds of a number is the number.
local function short(x) return tonumber(("%.4g"):format(x)) end

local function between(low, high) return function(u) return low + u * (high - low) end end
local function logarithmic(low, high) return function(u) return low * (high / low) ^ u end end

--- f in half of the cases, else 0.
local function sometimes(f) return function(u) return u < 0.5 and 0 or f(2 * u - 1) end end

local space <const> = {
  lr = logarithmic(0.03, 0.4), input = sometimes(between(0.02, 0.2)), hidden = between(0, 0.5),
  l2 = sometimes(logarithmic(1e-6, 3e-4)), temperature = logarithmic(1, 10), weight = between(0.3, 1),
}

--- Candidate n of a search with this seed.
function search.candidate(n, seed, has_teacher)
  local setting <const> = {}
  for k, name in ipairs(search.names) do
    setting[name] = n == 1 and usual[name] or short(space[name](hn.hash(seed, n, k) / 2 ^ 32))
  end
  if not has_teacher then setting.temperature, setting.weight = 1, 0 end
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
-- @param try function(setting, epochs) that returns error and loss on the validation set
function search.run(o, has_teacher, try)
  local left <const> = {}
  for n = 1, o.trials do left[n] = { number = n, setting = search.candidate(n, o.seed, has_teacher) } end
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
