--- Data sets: where they come from.
-- @module hn.data

local core <const> = require "hn.core"
local images <const> = require "hn.data.images"
local kinds <const> = require "hn.kinds"

local data = {
  tensors = require "hn.data.tensors",
  events = require "hn.data.events",
  fashion_mnist = images.fashion_mnist,
  mnist = images.mnist,
  open = images.open,
}

--- Reads an IDX file (plain or gzip) as a host array, for hn.data.tensors.
function data.idx(path)
  if type(path) ~= "string" then
    core.fail("argument", "hn.data.idx: path: expected a string, got %s", kinds.describe(path))
  end
  return core.idx(path)
end

return data
