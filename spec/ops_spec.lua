-- Every operation at odd shapes on every backend, from the one table in support/ops.lua.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local check <const> = require "spec.support.check"
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
