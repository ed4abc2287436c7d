-- Every operation at odd shapes on every backend, from the one table in support/ops.lua.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local check <const> = require "spec.support.check"
local numeric <const> = require "spec.support.numeric"
local rows <const> = require "spec.support.ops"

for _, backend in ipairs(backends) do
  describe("on " .. backend.device, function()
    for _, row in ipairs(rows) do
      for _, shape in ipairs(row.shapes) do
        it(rows.title(row, shape), function() check.row(backend, row, shape) end)
      end
    end
  end)
end

-- A GPU has no number of threads to choose; the emulation runs a block's in another order each time.
it("the comparison of one and two threads is not made void by the command line", function()
  for threads = 1, 2 do
    assert.matches(threads .. " thread", backends.open { device = "cpu", threads = threads }, 1, true)
  end
end)

-- Many panels whose additions meet in the same buckets: threads that raced, or came in another order, would show here.
for _, backend in ipairs(backends) do
  describe("on " .. backend.device, function()
    for _, scheme in ipairs { "element", "line" } do
      for _, way in ipairs { { 0, 256 }, { 0, 2 ^ 18 | 0 }, { 100, 256 }, { 300, 4096 }, { 0, 4096, true },
        { 100, 256, true } } do
        local strip <const>, count <const>, balanced <const> = way[1], way[2], way[3] or false
        it(("gradients of 1024 x 1024 have the same bits with 2, 3, 5, 16 threads: linear %s strip %d count %d%s")
          :format(scheme, strip, count, balanced and " balanced" or ""), function()
          local function gradients(threads)
            backends.open { device = backend.device, threads = threads }
            local pool <const> = hn.buckets(count):normal(0, 1)
            local x <const> = hn.tensor({ 2, 1024 }):normal(0, 1):parameter()
            local v <const> = pool:matrix { rows = 1024, cols = 1024, scheme = scheme, strip = strip, seed = 5,
              balanced = balanced }
            local _ <close> = hn.tape()
            local y <const> = hn.linear(x, v)
            y:mul(y):sum():backward()
            return pool:grad():table(), numeric.flat(x:grad():table())
          end
          local one <const>, one_x <const> = gradients(1)
          for _, threads in ipairs { 2, 2, 2, 3, 5, 16 } do
            local two <const>, two_x <const> = gradients(threads)
            check.same_bits(one, two, "gradient of the buckets")
            check.same_bits(one_x, two_x, "gradient of the input")
          end
        end)
      end
    end
  end)
end

describe("a thousand short operations one after the other", function()
  for _, backend in ipairs(backends) do
    it("stay right with more threads than cores: " .. backend.device, function()
      backends.open { device = backend.device, threads = 8, debug = false }
      local x <const>, one <const> = hn.tensor { 40000 }, hn.tensor({ 1 }, 1)
      for _ = 1, 1000 do
        local _ <close> = core.scope()
        x:set(x:add(one))
      end
      for k, value in ipairs(x:table()) do
        if value ~= 1000 then assert.equal(1000, value, "element " .. k) end
      end
    end)
  end
end)

describe("the table of operations", function()
  local tested <const>, listed <const> = {}, {}
  for _, row in ipairs(rows) do tested[row.name] = true end

  for _, op in ipairs(core.op_list) do
    listed[op.name] = true
    it("has a row for " .. op.name, function() assert.is_true(tested[op.name]) end)
    it(op.name .. " is a function of hn and a method", function()
      assert.is_function(hn[op.name])
      assert.is_function(core.tensor { 1 }[op.name])
    end)
  end

  it("has only rows of operations that exist", function()
    for name in pairs(tested) do assert.is_true(listed[name], "no operation " .. name) end
  end)
end)
