--- The constants of an exported network as C: arrays of numbers and the descriptions of virtual matrices. Each tensor
-- is written once, whichever layers share it.
-- @module hn.export.constants

local finite <const> = require "hn.export.finite"
local layout <const> = require "hn.export.layout"
local quantise <const> = require "hn.export.quantise"

local Constants <const> = {}
Constants.__index = Constants

--- A number as a C constant of type float.
local function float(value)
  local text <const> = ("%.9g"):format(value)
  return (text:find "[.e]" and text or text .. ".0") .. "f"
end
Constants.float = float

--- The items in lines of at most 120 characters.
local function lines(items)
  local list <const>, line = {}, " "
  for _, item in ipairs(items) do
    if #line + #item + 2 > 120 then
      list[#list + 1], line = line, " "
    end
    line = line .. " " .. item .. ","
  end
  list[#list + 1] = line
  return table.concat(list, "\n")
end

--- `kind` is how weights are stored: "float32" or one of quantise.levels; `parts` gets the text.
function Constants.new(kind)
  return setmetatable({ kind = kind, parts = {}, known = {}, bytes = 0, count = 0 }, Constants)
end

function Constants:array(kind, name, items, size)
  self.bytes = self.bytes + size * #items
  self.parts[#self.parts + 1] = ("static const %s %s[%d] = {\n%s\n};\n"):format(kind, name, #items, lines(items))
end

--- An array of floats from a list.
function Constants:floats(name, values)
  finite(name, values)
  local items <const> = {}
  for i, value in ipairs(values) do items[i] = float(value) end
  self:array("float", name, items, 4)
end

--- An array of floats from a tensor.
function Constants:tensor(name, tensor)
  if not self.known[tensor] then
    self.known[tensor] = name
    self:floats(name, tensor:read(1, tensor:size()))
  end
  return self.known[tensor]
end

--- Whole numbers of 4 bits, as text: two in a byte, each more by 8, the first one in the lower half.
local function pairs_of(whole)
  local items <const> = {}
  for i = 1, #whole, 2 do items[#items + 1] = ("%d"):format(whole[i] + 8 + 16 * ((whole[i + 1] or 0) + 8)) end
  return items
end

local function each_of(whole)
  local items <const> = {}
  for i, value in ipairs(whole) do items[i] = ("%d"):format(value) end
  return items
end

--- The array of a tensor of weights, as they are stored. Returns its name and the scale as C text.
function Constants:weights(name, tensor)
  local known = self.known[tensor]
  if not known then
    known = { name, "1.0f" }
    self.known[tensor] = known
    self.count = self.count + tensor:size()
    local values <const> = tensor:read(1, tensor:size())
    finite(name, values)
    if quantise.levels[self.kind] then
      local whole <const>, scale <const> = quantise.whole(self.kind, values)
      known[2] = float(scale)
      self:array("stored", name, (self.kind == "int4" and pairs_of or each_of)(whole), self.kind == "int16" and 2 or 1)
    else
      self:floats(name, values)
    end
  end
  return known[1], known[2]
end

--- What a balanced matrix has more.
local function balance(m)
  if not m.balanced then return "" end
  return ("  .balanced = 1, .left = {%d, %d}, .right = {%d, %d},\n"):format(m.left[1], m.left[2], m.right[1],
    m.right[2])
end

local form <const> = [[
static const matrix %s = {
  .buckets = %s, .offset = %d, .scale = %s,
  .rows = %d, .cols = %d, .runs = %d,
  .slots = %d, .strip = %d, .strips = %d, .seed = %du, .signs = %s,
%s};
]]

--- Describes a virtual matrix under `name`; `owner` is what its pool is called after, if it is not there yet.
function Constants:matrix(name, matrix, owner)
  local m <const> = layout(matrix)
  local pool <const>, scale <const> = self:weights(owner .. "_buckets", matrix:pool())
  self.bytes = self.bytes + 72 -- where a pointer takes 8 bytes
  self.parts[#self.parts + 1] = form:format(name, pool, m.offset, scale, m.rows, m.cols,
    m.runs, m.slots, m.strip, m.strips, m.seed, m.sign and "0xFFFFFFFFu" or "0", balance(m))
end

return Constants
