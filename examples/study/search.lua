--- Where the search for hyper-parameters looks. A setting holds `lr` of SGD (stable, momentum 0.9, minibatches of 50,
-- falling as a cosine), dropout of `input` and `hidden` units, `l2`, and, where there is a teacher, `temperature` and
-- `weight` of its answers.

local search <const> = {}

search.names = { "lr", "input", "hidden", "l2", "temperature", "weight" }

local function hashed(least, most, usual)
  return {
    { "lr", from = least, to = most, log = true, usual = { usual, usual } },
    { "input", from = 0, to = 0.25, usual = { 0.1, 0 } },
    { "hidden", from = 0, to = 0.4, usual = { 0.2, 0.1 } },
    { "l2", from = 1e-5, to = 1e-3, log = true, zero = 0.5, usual = { 3e-4, 0 } },
  }
end

--- By the kind of network. Wide ones need large steps and mostly dropout (the first candidate has it, the second has
-- little); what 16 units learn well with would be far out for them, and the other way round. With three hidden layers
-- steps that suit one are at the edge of what diverges.
local spaces <const> = {
  hashed = hashed(0.08, 0.5, 0.2),
  deep = hashed(0.03, 0.2, 0.08),
  wide = {
    { "lr", from = 0.02, to = 0.3, log = true, usual = { 0.1, 0.1 } },
    { "input", from = 0, to = 0.25, usual = { 0.1, 0 } },
    { "hidden", from = 0, to = 0.5, usual = { 0.3, 0.1 } },
    { "l2", from = 1e-6, to = 3e-4, log = true, zero = 0.5, usual = { 0, 0 } },
  },
  narrow = {
    { "lr", from = 0.003, to = 0.1, log = true, usual = 0.01 },
    { "input", from = 0, to = 0.1, zero = 0.5, usual = 0 },
    { "hidden", from = 0, to = 0.1, zero = 0.5, usual = 0 },
    { "l2", from = 1e-6, to = 1e-3, log = true, zero = 0.5, usual = 0 },
  },
}

local taught <const> = {
  { "temperature", from = 1, to = 10, log = true, usual = { 4, 4 } },
  { "weight", from = 0.3, to = 1, usual = { 0.7, 0.7 } },
}

local untaught <const> = { { "temperature", choice = { 1 } }, { "weight", choice = { 0 } } }

--- The space of a method of methods.known in networks of so many layers, in the order of `names`.
function search.space(method, layers)
  local kind <const> = method.space or layers > 3 and "deep" or "hashed"
  local list <const> = table.move(spaces[kind], 1, 4, 1, {})
  return table.move(method.teacher and taught or untaught, 1, 2, 5, list)
end

return search
