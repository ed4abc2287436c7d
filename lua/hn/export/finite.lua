--- What an export says of weights that no format can hold.
-- @module hn.export.finite

local core <const> = require "hn.core"

--- Raises a numeric error where a list has a number that is not finite; `first` is the number of its first one, 1 if
-- left out.
return function(name, values, first)
  for i, value in ipairs(values) do
    if value ~= value or math.abs(value) == math.huge then
      core.fail("numeric", "export: %s: number %d is %s", name, (first or 1) + i - 1, value)
    end
  end
end
