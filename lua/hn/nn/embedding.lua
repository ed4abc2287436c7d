--- Table look-up: a row of numbers for each class, stored or virtual.
-- @module hn.nn.Embedding

local core <const> = require "hn.core"
local module <const> = require "hn.nn.module"
local options <const> = require "hn.options"
local virtual <const> = require "hn.nn.virtual"
local weights <const> = require "hn.nn.weights"

local Embedding <const> = module "Embedding"
local HashedEmbedding <const> = module "HashedEmbedding"
Embedding.made_of = { entries = "size", width = "size", weight = "tensor entries width" }
HashedEmbedding.made_of = { entries = "size", width = "size", matrix = "matrix entries width", pool = "pool matrix" }

local function sizes(self, entries, width)
  local where <const> = "hn.nn." .. self.name
  self.entries = options.value(where, "entries", entries, options.rules.size)
  self.width = options.value(where, "width", width, options.rules.size)
end

local check <const> = options.declare("hn.nn.Embedding", { init = weights.rule })

--- Embedding(entries, width, options): rows of a table {entries, width}, for an int tensor of entries from 1 (made by
-- hn.labels). Option `init` ("lecun" with the fan-in `width`, so that a row has norm one on average; see
-- hn.nn.weights). Field: `weight`.
function Embedding:init(entries, width, given)
  sizes(self, entries, width)
  local o <const> = check(given)
  self.weight = core.tensor { self.entries, self.width }:parameter()
  weights.fill(self.weight, o.init or "lecun", self.width, self.entries)
end

function Embedding:forward(ids) return core.ops.embedding(ids, self.weight) end

function Embedding:describe() return ("%d entries of %d"):format(self.entries, self.width) end

local check_hashed <const> = options.declare("hn.nn.HashedEmbedding", virtual.rules)

--- HashedEmbedding(entries, width, options): an Embedding whose table is virtual, over buckets. Options as
-- hn.nn.Hashed has them, without `bias`; `init` is "lecun". Fields: `matrix`, `pool`.
function HashedEmbedding:init(entries, width, given)
  sizes(self, entries, width)
  local o <const> = check_hashed(given)
  self.matrix = virtual.matrix("hn.nn.HashedEmbedding", self.entries, self.width, o, "lecun")
  self.pool = self.matrix:pool()
end

function HashedEmbedding:forward(ids) return core.ops.embedding(ids, self.matrix) end

function HashedEmbedding:describe()
  return ("%d entries of %d, %s"):format(self.entries, self.width, virtual.describe(self.matrix))
end

return { Embedding = Embedding, HashedEmbedding = HashedEmbedding }
