--- Model files: net:save(path) and hn.load(path). The file is in the safetensors layout (see hn.h); its metadata hold
-- "model" (hn.model.describe as JSON), "loss" (the name of the loss that the network was trained with) and, of a
-- checkpoint, "checkpoint".
-- @module hn.model

local build <const> = require "hn.model.build"
local core <const> = require "hn.core"
local describe <const> = require "hn.model.describe"
local json <const> = require "hn.model.json"
local losses <const> = require "hn.loss"
local options <const> = require "hn.options"

local model <const> = {}

local path_rule <const> = { "string", required = true }

--- A file with the network in it, to add to and to save; and the names of its tensors.
function model.file(net)
  local description <const>, tensors <const>, names <const> = describe(net)
  local file <const> = core.file()
  file:set("model", json(description))
  local loss <const> = losses.remembered(net)
  if type(loss) == "string" then file:set("loss", loss) end
  for _, entry in ipairs(tensors) do file:add(entry.name, entry.tensor) end
  return file, names
end

--- Writes a network into a file; see Module:save.
function model.save(net, path)
  options.value("save", "path", path, path_rule)
  local file <close> = model.file(net)
  file:save(path)
  return net
end

--- The network in a file that net:save or hn.fit's `checkpoint` wrote, in evaluation mode; hn.evaluate knows the loss
-- that it was trained with. The file is checked before anything is made of it, and holds no code: classes of one's own
-- (hn.nn.module) must have been made before, under the same names.
function model.load(path)
  options.value("hn.load", "path", path, path_rule)
  local file <close> = core.file(path)
  local description <const>, loss <const> = file:get "model", file:get "loss"
  if not description then core.fail("format", "'%s' holds no network", path) end
  if loss and not losses.known(loss) then
    core.fail("format", "'%s': its network was trained with a loss %q, which is not known here", path, loss)
  end
  local net <const> = build(path, file, core.json(description))
  losses.remember(net, loss)
  return net
end

return model
