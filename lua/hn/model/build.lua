--- A network made again from its description (see hn.model.describe) and an opened file. No code comes from the file:
-- classes are those that the program and the script made.
-- @module hn.model.build

local check <const> = require "hn.model.check"
local classes <const> = require "hn.nn.classes"
local core <const> = require "hn.core"
local walk <const> = require "hn.nn.walk"

local makers <const> = {
  buckets = function(shape) return core.buckets(shape[1]) end,
  parameter = function(shape) return core.tensor(shape):parameter() end,
  state = function(shape, dtype)
    if dtype == "float" then return core.tensor(shape) end
    return core.array("i32", shape):gather(nil, { dtype = "int", flatten = false })
  end,
}

local function builder(path, file)
  local tensors <const>, modules <const>, build = {}, {}, nil

  local function bad(format, ...) core.fail("format", "'%s': " .. format, path, ...) end

  local function tensor(d)
    if type(d) ~= "table" or type(d.tensor) ~= "string" then bad("its network has a pool that is no tensor") end
    if tensors[d.tensor] then return tensors[d.tensor] end
    local shape <const>, dtype = file:shape(d.tensor)
    if not shape then bad("its network needs a tensor '%s', which is not there", d.tensor) end
    local fits <const> = dtype == "float" and (d.use ~= "buckets" or #shape == 1) or d.use == "state"
    if not makers[d.use] or not fits then bad("tensor '%s' cannot be used as %s", d.tensor, tostring(d.use)) end
    tensors[d.tensor] = makers[d.use](shape, dtype)
    file:read(d.tensor, tensors[d.tensor])
    return tensors[d.tensor]
  end

  local function fill(object, d)
    for _, part in ipairs { "items", "fields" } do
      if d[part] and type(d[part]) ~= "table" then bad("the %s of its network are no table", part) end
      for _, field in ipairs(walk.fields(d[part] or {})) do
        local key <const> = field[1]
        if (math.type(key) == "integer") ~= (part == "items") then bad("the %s of its network are mixed up", part) end
        object[key] = build(field[2])
      end
    end
    return object
  end

  local function module(d)
    local class <const> = classes[d.kind]
    if not class then
      bad("its network has a layer of kind %s, which is not known here: run what makes that class (hn.nn.module) first",
        type(d.kind) == "string" and ("%q"):format(d.kind) or "?")
    end
    local self <const> = setmetatable({}, class)
    modules[#modules + 1] = self
    fill(self, d)
    self.training = false
    check(self, class, function(...) bad("layer %s: %s", d.kind, (...)) end)
    return self
  end

  function build(d)
    if type(d) ~= "table" then return d end
    if d.kind then return module(d) end
    if d.tensor then return tensor(d) end
    if d.matrix then
      if type(d.matrix) ~= "table" then bad("its network has a matrix that is no table") end
      return core.matrix(tensor(d.pool), d.matrix)
    end
    if d.module then return modules[d.module] or bad("its network names a module that is not there") end
    return fill({}, d)
  end

  return build, tensors
end

--- Builds the network of an opened file. What was made is closed again if an error ends it.
return function(path, file, description)
  local build <const>, tensors <const> = builder(path, file)
  if type(description) ~= "table" or not description.kind then
    core.fail("format", "'%s' describes no network", path)
  end
  local ok <const>, result <const> = pcall(build, description)
  if ok then return result end
  for _, tensor in pairs(tensors) do tensor:close() end
  error(result, 0)
end
