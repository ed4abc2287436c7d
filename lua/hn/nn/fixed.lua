--- Layers whose numbers are fitted to data and not trained: what hn.transform makes. They have no parameters.
-- @module hn.nn.fixed

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local module <const> = require "hn.nn.module"
local options <const> = require "hn.options"

local Affine <const> = module "Affine"
local Log <const> = module "Log"
local Interpolate <const> = module "Interpolate"
Affine.made_of = { size = "size", mean = "tensor size", scale = "tensor size|none", weight = "tensor size size|none" }
Log.made_of = { size = "size", rate = "tensor size" }
Interpolate.made_of = { size = "size", count = "size", knots = "tensor size count", values = "tensor size count" }

local check_affine <const> = options.declare("hn.nn.Affine", {
  mean = { "table", required = true },
  scale = { "table" },
  weight = { "table" },
})

--- A tensor of a list's shape (nested lists: a matrix), or an error that names the field.
local function tensor_of(self, field, list, ...)
  local shape <const> = { ... }
  local tensor <const> = #shape > 1 and core.tensor(list) or core.tensor({ #list }, list)
  if kinds.shape(tensor) ~= table.concat(shape, "x") then
    core.fail("shape", "hn.nn.%s: %s: expected %s numbers, got %s", self.name, field, table.concat(shape, "x"),
      kinds.shape(tensor))
  end
  return tensor
end

--- Affine{ mean =, scale = } gives (x - mean) · scale, feature by feature; Affine{ mean =, weight = } gives
-- (x - mean) Wᵀ, with W of {size, size}. Lists of numbers. Fields: `mean`, and `scale` or `weight`.
function Affine:init(given)
  local o <const> = check_affine(given)
  if (o.scale == nil) == (o.weight == nil) then
    core.fail("argument", "hn.nn.Affine: expected either scale or weight, got %s", o.scale and "both" or "none")
  end
  self.size = #o.mean
  self.mean = tensor_of(self, "mean", o.mean, self.size)
  self.scale = o.scale and tensor_of(self, "scale", o.scale, self.size)
  self.weight = o.weight and tensor_of(self, "weight", o.weight, self.size, self.size)
end

function Affine:forward(x)
  local centred <const> = core.ops.sub(x, self.mean)
  if self.scale then return core.ops.mul(centred, self.scale) end
  return core.ops.linear(centred, self.weight)
end

function Affine:describe() return ("%d%s"):format(self.size, self.weight and ", a matrix" or "") end

--- Log(rate): sign(x) log(1 + r |x|) / r for each feature, with its r in a list of numbers from 0 on; x itself where r
-- is 0. Field: `rate`.
function Log:init(rate)
  options.value("hn.nn.Log", "rate", rate, { "table", required = true })
  self.size = #rate
  self.rate = tensor_of(self, "rate", rate, self.size)
  for i, r in ipairs(rate) do
    if r ~= r or r < 0 then
      core.fail("argument", "hn.nn.Log: rate[%d]: expected a number from 0 on, got %s", i, kinds.describe(r))
    end
  end
end

function Log:forward(x) return core.ops.signed_log(x, self.rate) end

function Log:describe() return tostring(self.size) end

local check_interpolate <const> = options.declare("hn.nn.Interpolate", {
  knots = { "table", required = true },
  values = { "table", required = true },
})

--- Interpolate{ knots =, values = }: each feature through straight lines between the points of its row in `knots` and
-- `values`, nested lists of {size, count}; the outer lines go on. Knots rise along a row. Fields: `knots`, `values`.
function Interpolate:init(given)
  local o <const> = check_interpolate(given)
  self.size, self.count = #o.knots, type(o.knots[1]) == "table" and #o.knots[1] or 0
  for i, row in ipairs(o.knots) do
    for k = 2, self.count do
      if row[k] ~= row[k] or row[k - 1] >= row[k] then
        core.fail("argument", "hn.nn.Interpolate: knots: expected rising numbers, got %s after %s in row %d",
          kinds.describe(row[k]), kinds.describe(row[k - 1]), i)
      end
    end
  end
  self.knots = tensor_of(self, "knots", o.knots, self.size, self.count)
  self.values = tensor_of(self, "values", o.values, self.size, self.count)
end

function Interpolate:forward(x) return core.ops.interpolate(x, self.knots, self.values) end

function Interpolate:describe() return ("%d, %d knots"):format(self.size, self.count) end

return { Affine = Affine, Log = Log, Interpolate = Interpolate }
