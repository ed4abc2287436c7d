-- Numbers for specs: a generator of inputs that float32 holds exactly, errors that NaN cannot pass, finite differences.

local numeric <const> = {}

-- A small generator of its own (Numerical Recipes' 32-bit LCG), so that specs do not depend on the engine's stream.
function numeric.generator(seed)
  local state = (seed * 2654435761 + 12345) & 0xffffffff
  local g <const> = {}
  -- An integer in [0, n).
  function g.integer(n)
    state = (state * 1664525 + 1013904223) & 0xffffffff
    return (state >> 4) * n >> 28
  end
  -- A multiple of 2^-12 in [low, high), at least 0.02 away from every number in `avoid` (kinks, for differences).
  function g.number(low, high, avoid)
    local x
    repeat
      x = low + g.integer(math.floor((high - low) * 4096)) / 4096
      local near = false
      for _, kink in ipairs(avoid or {}) do near = near or math.abs(x - kink) < 0.02 end
    until not near
    return x
  end
  function g.numbers(n, low, high, avoid)
    local list <const> = {}
    for k = 1, n do list[k] = g.number(low, high, avoid) end
    return list
  end
  return g
end

function numeric.product(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

-- Nested tables of numbers, in order, as one list.
function numeric.flat(nested, list)
  list = list or {}
  if type(nested) ~= "table" then
    list[#list + 1] = nested
  else
    for _, part in ipairs(nested) do numeric.flat(part, list) end
  end
  return list
end

-- Normalised squared error: sum (a-b)^2 / sum b^2, the denominator at least a mean of 1e-6 so that zeros can be
-- expected. NaN where anything is NaN, so `error <= tolerance` fails then.
function numeric.error(got, expected)
  if #got ~= #expected then return 0 / 0 end
  local difference, size = 0, 1e-6 * #expected
  for k = 1, #expected do
    difference = difference + (got[k] - expected[k]) ^ 2
    size = size + expected[k] ^ 2
  end
  return difference / size
end

-- The place where two lists differ most, in words.
function numeric.worst(got, expected)
  local at, largest = 1, -1
  for k = 1, math.max(#got, #expected) do
    local d = math.abs((got[k] or 0 / 0) - (expected[k] or 0 / 0))
    if d ~= d then return ("[%d] got %s, expected %s"):format(k, got[k], expected[k]) end
    if d > largest then at, largest = k, d end
  end
  return ("[%d] got %.9g, expected %.9g"):format(at, got[at] or 0 / 0, expected[at] or 0 / 0)
end

-- Slope of f() along `direction` in the list x, by central differences; x is as before afterwards.
function numeric.slope(f, x, direction, step)
  step = step or 1e-5
  local before <const> = table.move(x, 1, #x, 1, {})
  for k = 1, #x do x[k] = before[k] + step * direction[k] end
  local above <const> = f()
  for k = 1, #x do x[k] = before[k] - step * direction[k] end
  local below <const> = f()
  table.move(before, 1, #x, 1, x)
  return (above - below) / (2 * step)
end

-- The same for element k alone.
function numeric.partial(f, x, k, step)
  step = step or 1e-5
  local before <const> = x[k]
  x[k] = before + step
  local above <const> = f()
  x[k] = before - step
  local below <const> = f()
  x[k] = before
  return (above - below) / (2 * step)
end

function numeric.dot(a, b)
  local sum = 0
  for k = 1, #b do sum = sum + a[k] * b[k] end
  return sum
end

-- erf by its Taylor series: to 1e-12 for |x| < 3, which is all that specs ask.
function numeric.erf(x)
  local term, sum, n = x, x, 0
  repeat
    n = n + 1
    term = -term * x * x / n
    sum = sum + term / (2 * n + 1)
  until math.abs(term) < 1e-18
  return sum * 2 / math.sqrt(math.pi)
end

-- Fails unless two numbers are equal to a fraction, or to that amount where they are small.
function numeric.assert_near(expected, got, tolerance)
  local most <const> = (tolerance or 1e-12) * math.max(1, math.abs(expected))
  assert(expected == got or math.abs(expected - got) <= most, ("expected %.17g, got %.17g"):format(expected, got))
end

-- The same for lists.
function numeric.assert_all_near(expected, got, tolerance)
  assert(#expected == #got, ("expected %d numbers, got %d"):format(#expected, #got))
  for k, number in ipairs(expected) do numeric.assert_near(number, got[k], tolerance) end
end

return numeric
