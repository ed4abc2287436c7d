-- What Lua's side of the manual has pages for: what Lua code can call is asked of the engine itself.

local core <const> = require "hn.core"
local docs <const> = require "hn.repl.docs"
local hn <const> = require "hn"
local value <const> = require "hn.repl.value"

local pages <const> = {}

--- Names in a module or an object that are to be listed, but those in the modules of `without`.
local function names(object, without)
  local list <const> = {}
  for _, name in ipairs(value.names(object, true)) do
    local other = name:find "^_" ~= nil or name == "init"
    for _, entry in ipairs(docs.named(name)) do other = other or (entry.name == name and entry.module == without) end
    if not other then list[#list + 1] = name end
  end
  return list
end

local function operations()
  local list <const> = {}
  for _, name in ipairs(value.names(hn, true)) do
    for _, entry in ipairs(docs.named(name)) do
      if entry.module == "hn.operations" then list[#list + 1] = name break end
    end
  end
  return list
end

--- Objects whose methods are described, as variables for the help to find.
function pages.objects()
  return {
    tensor = hn.tensor { 2 }, matrix = hn.buckets(16):matrix { rows = 1, cols = 16 },
    array = core.sequence(3, false), net = hn.nn.Sequential { hn.nn.ReLU() },
    data = hn.data.tensors { x = { { 1 }, { 2 } } }, optimizer = hn.optim.SGD(), hn = hn,
  }
end

--- The pages in their order, of the objects `o`: name, title, module whose comment heads it, names, what stands before
-- a name; or, on a page of words alone, what else of the module is told.
function pages.list(o)
  local function page(name, title, module, list, prefix)
    return { name = name, title = title, module = module, names = list, prefix = prefix }
  end
  local function words(title, module, name)
    return { name = module, title = title, module = module, names = {}, ending = name }
  end
  return {
    page("hn", "The engine", "hn", names(hn, "hn.operations"), "hn."),
    page("hn.nn", "Layers", "hn.nn", names(hn.nn), "hn.nn."),
    page("net", "Networks", "hn.nn.module", names(o.net), "net:"),
    page("hn.optim", "Optimisers and schedules", "hn.optim", names(hn.optim), "hn.optim."),
    page("optimizer", "An optimiser's methods", "hn.optim", names(o.optimizer), "optimizer:"),
    page("hn.data", "Where data come from", "hn.data", names(hn.data), "hn.data."),
    page("data", "Data sets", "hn.data.set", names(o.data), "data:"),
    page("hn.metrics", "Metrics", "hn.metrics", names(hn.metrics), "hn.metrics."),
    page("tensor", "Tensors", "hn.tensor", names(o.tensor, "hn.operations"), "tensor:"),
    page("hn.operations", "Operations", "hn.operations", operations(), "hn."),
    page("matrix", "Virtual matrices", "hn.matrix", names(o.matrix), "matrix:"),
    page("array", "Host arrays", "hn.array", names(o.array), "array:"),
    -- What comments refer to.
    words("What training returns", "hn.history"),
    words("Schedules of one's own", "hn.schedule"),
    words("Options of hashed layers", "hn.nn.virtual", "rules"),
    words("First values", "hn.nn.weights", "rule"),
    words("Memory predicted", "hn.nn.memory", "run"),
    words("Model files", "hn.model"),
    words("Checkpoints", "hn.checkpoint"),
  }
end

return pages
