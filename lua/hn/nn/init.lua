--- Layers, and `hn.nn.module` to write one's own.
-- @module hn.nn

local activations <const> = require "hn.nn.activations"
local containers <const> = require "hn.nn.sequential"
local embeddings <const> = require "hn.nn.embedding"
local fixed <const> = require "hn.nn.fixed"
local norms <const> = require "hn.nn.norms"

local nn <const> = {
  module = require "hn.nn.module",
  Linear = require "hn.nn.linear",
  Hashed = require "hn.nn.hashed",
  Sparse = require "hn.nn.sparse",
  LowRank = require "hn.nn.low_rank",
  Embedding = embeddings.Embedding,
  HashedEmbedding = embeddings.HashedEmbedding,
  Dropout = require "hn.nn.dropout",
  BatchNorm = norms.BatchNorm,
  LayerNorm = norms.LayerNorm,
  Flatten = require "hn.nn.flatten",
  Affine = fixed.Affine,
  Log = fixed.Log,
  Interpolate = fixed.Interpolate,
  Sequential = containers.Sequential,
  Residual = containers.Residual,
  Sum = containers.Sum,
}

for name, class in pairs(activations) do nn[name] = class end

return nn
