-- Holds one row of ops.lua at one shape against its reference, on one backend. Four questions: is the result the
-- reference's, are the gradients its finite differences (in double, so they are precise), do gradients add up over two
-- backward passes, and are all bits the same with two threads. Guard zones are looked at after every test (clean.lua).

local assert <const> = require "luassert"
local core <const> = require "hn.core"
local backends <const> = require "spec.support.backends"
local numeric <const> = require "spec.support.numeric"
local operands <const> = require "spec.support.operands"

local check <const> = {}

local ELEMENTS <const> = 20 -- leaves up to this size are differenced element by element, larger ones along directions

-- The operation's arguments: the operands' objects (nil where one is left out), then the numbers; and how many.
local function arguments(case, objects)
  local args <const>, n <const> = {}, #case.list
  for k, operand in ipairs(case.list) do args[k] = operands.object(operand, objects) end
  for k, number in ipairs(case.numbers) do args[n + k] = number end
  return args, n + #case.numbers
end

-- Runs the operation and, if the row has gradients, backward twice. Everything comes back as flat lists.
local function run(backend, threads, row, case)
  backends.open { device = backend.device, threads = threads }
  local result <const> = { gradients = {}, twice = {} }
  local objects <const> = operands.upload(case.leaves)
  for pass = 1, row.gradient == false and 1 or 2 do
    core.seed(case.seed)
    local _ <close> = core.tape()
    local list <const>, n <const> = arguments(case, objects)
    local y <const> = core.ops[row.name](table.unpack(list, 1, n))
    if pass == 1 then
      result.shape, result.values = y:shape(), numeric.flat(y:table())
      if row.after then result.after = row.after(list) end
    end
    if row.gradient ~= false then
      core.ops.sum(core.ops.mul(y, core.tensor(result.shape, case.weights))):backward()
      for k, leaf in ipairs(case.leaves) do
        if leaf.gradient then
          local gradient <const> = objects[leaf]:grad()
          result[pass == 1 and "gradients" or "twice"][k] = gradient and numeric.flat(gradient:table()) or {}
        end
      end
    end
  end
  for _, object in pairs(objects) do object:close() end
  return result
end

-- The case's objective as a function of what the leaves hold now: sum of weights times the reference's result.
local function objective(row, case)
  return function()
    local seen <const> = {}
    for k, operand in ipairs(case.list) do seen[k] = operands.seen(operand) end
    return numeric.dot(((row.slope_of or row.reference)(case.shape, table.unpack(seen, 1, #case.list))), case.weights)
  end
end

local function by_element(f, leaf, gradient, tolerance, title)
  local expected <const> = {}
  for k = 1, #leaf.data do expected[k] = numeric.partial(f, leaf.data, k) end
  local e <const> = numeric.error(gradient, expected)
  assert(e <= tolerance, ("%s: normalised squared error %.3g against finite differences; %s"):format(title, e,
    numeric.worst(gradient, expected)))
end

local function by_direction(f, leaf, gradient, tolerance, title, directions)
  assert(#gradient == #leaf.data, ("%s: %d elements, expected %d"):format(title, #gradient, #leaf.data))
  local generator <const> = numeric.generator(#leaf.data)
  for _ = 1, directions do
    local direction <const> = generator.numbers(#leaf.data, -1, 1)
    local expected <const>, got <const> = numeric.slope(f, leaf.data, direction), numeric.dot(gradient, direction)
    local scale = 1e-6 * #leaf.data
    for k, g in ipairs(gradient) do scale = scale + (g * direction[k]) ^ 2 end
    local e <const> = (got - expected) ^ 2 / scale
    assert(e <= tolerance, ("%s: slope %.9g along a direction, finite differences give %.9g"):format(title, got,
      expected))
  end
end

local function check_gradients(row, case, result)
  local f <const> = objective(row, case)
  local tolerance <const> = row.gradient_tolerance or 1e-9
  for k, leaf in ipairs(case.leaves) do
    if leaf.gradient then
      local title <const> = "gradient of operand leaf " .. k
      if #leaf.data <= ELEMENTS then
        by_element(f, leaf, result.gradients[k], tolerance, title)
      else
        by_direction(f, leaf, result.gradients[k], tolerance, title, row.directions or 3)
      end
      local doubled <const> = {}
      for n, g in ipairs(result.gradients[k]) do doubled[n] = 2 * g end
      local e <const> = numeric.error(result.twice[k], doubled)
      assert(e <= 1e-11, ("%s does not add up over two passes: %s"):format(title,
        numeric.worst(result.twice[k], doubled)))
    end
  end
end

-- Fails unless two lists of numbers are equal in every bit. The second came with several threads, or as `by` says.
function check.same_bits(one, two, title, by)
  by = by or "with more threads"
  assert(#one == #two, ("%s: %d numbers, %d %s"):format(title, #one, #two, by))
  for k, value in ipairs(one) do
    if value ~= two[k] then
      assert(false, ("%s: [%d] is %.9g, but %.9g %s"):format(title, k, value, two[k], by))
    end
  end
end

local function check_threads(one, two)
  check.same_bits(one.values, two.values, "result")
  for k, gradient in pairs(one.gradients) do
    check.same_bits(gradient, two.gradients[k], "gradient of operand leaf " .. k)
    check.same_bits(one.twice[k], two.twice[k], "gradient of operand leaf " .. k .. " after two passes")
  end
end

-- Raises a failure that says what differs.
function check.row(backend, row, shape)
  local case <const> = { shape = shape, seed = 99, numbers = row.numbers and row.numbers(shape) or {} }
  case.list, case.leaves = operands.build(row, shape)
  case.seen = {}
  for k, operand in ipairs(case.list) do case.seen[k] = operands.seen(operand) end
  local expected <const>, expected_shape <const> = row.reference(shape, table.unpack(case.seen, 1, #case.list))
  case.weights = numeric.generator(#expected).numbers(#expected, -1, 1)

  local result <const> = run(backend, 1, row, case)
  assert.same(expected_shape, result.shape)
  local e <const> = numeric.error(result.values, expected)
  assert(e <= (row.tolerance or 1e-11), ("result: normalised squared error %.3g against the reference; %s"):format(e,
    numeric.worst(result.values, expected)))
  if row.gradient ~= false then check_gradients(row, case, result) end
  if row.after_check then row.after_check(shape, result.after, case.seen) end
  check_threads(result, run(backend, 2, row, case))
end

return check
