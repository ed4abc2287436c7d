--- Whether a module that came from a file is made as its class says: `made_of`, a text for each field, such as
-- "size", "number", "tensor outputs inputs" (a tensor of that shape), "matrix outputs 1", "pool matrix" (that matrix'
-- pool), "none" (it may be left out), several joined by "|"; `items` = "modules" for the list part. A class without it
-- takes what comes.
-- @module hn.model.check

local kinds <const> = require "hn.kinds"

local function number_of(self, word) return tonumber(word) or self[word] end

local function same_shape(self, shape, words)
  if #shape ~= #words then return false end
  for i, word in ipairs(words) do
    if shape[i] ~= number_of(self, word) then return false end
  end
  return true
end

local tests <const> = {
  none = function(_, value) return value == nil end,
  number = function(_, value) return type(value) == "number" end,
  size = function(_, value) return math.type(value) == "integer" and value >= 1 and value < 2 ^ 31 end,
  tensor = function(self, value, words)
    return kinds.of(value) == "tensor" and same_shape(self, value:shape(), words)
  end,
  matrix = function(self, value, words)
    return kinds.of(value) == "matrix" and same_shape(self, { value:rows(), value:cols() }, words)
  end,
  pool = function(self, value, words)
    local matrix <const> = self[words[1]]
    return kinds.of(matrix) == "matrix" and rawequal(matrix:pool(), value)
  end,
}

local function fits(self, value, rule)
  for choice in rule:gmatch "[^|]+" do
    local words <const> = {}
    for word in choice:gmatch "%S+" do words[#words + 1] = word end
    if tests[table.remove(words, 1)](self, value, words) then return true end
  end
  return false
end

--- Calls bad(text) where a field is not as the class says.
return function(self, class, bad)
  for field, rule in pairs(rawget(class, "made_of") or {}) do
    if field == "items" then
      for i, item in ipairs(self) do
        if kinds.of(item) ~= "module" then bad(("item %d: expected a module"):format(i)) end
      end
    elseif not fits(self, rawget(self, field), rule) then
      bad(("%s: expected %s, got %s"):format(field, rule, kinds.describe(rawget(self, field))))
    end
  end
end
