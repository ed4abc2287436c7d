--- Measures of how good answers are. All take tables, tensors or host arrays; weights of samples may be left
-- out. Weights may be negative and count as such; each function's comment says where that has a limit.
-- @module hn.metrics

local classes <const> = require "hn.metrics.classes"
local importance <const> = require "hn.metrics.importance"
local response <const> = require "hn.metrics.response"
local roc <const> = require "hn.metrics.roc"
local samples <const> = require "hn.metrics.samples"

local metrics <const> = {}

for _, part in ipairs { classes, roc, response, samples, importance } do
  for name, measure in pairs(part) do metrics[name] = measure end
end

return metrics
