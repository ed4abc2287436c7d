--- A network as a plain table, for the metadata "model" of a file, and the names of its tensors there:
--
-- - a module is { kind = name of its class, items = { list part }, fields = { the others by name } }, the first time;
--   where it comes again, { module = n }, with n its number in the order of first mention: items, then fields by name;
-- - a tensor is { tensor = name in the file, use = "buckets", "parameter" or "state" };
-- - a matrix is { matrix = { rows, cols, scheme, seed, sign, balanced, strip, offset, count }, pool = a tensor };
-- - a plain table is { items =, fields = }; numbers, texts, true and false are themselves.
-- @module hn.model.describe

local classes <const> = require "hn.nn.classes"
local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local walk <const> = require "hn.nn.walk"

local function each_held(net, visit)
  walk.modules(net, function(module, place)
    walk.own(module, function(value, kind, name) visit(value, kind, place == "" and name or place .. "." .. name) end)
  end)
end

--- Names of tensors in the file, by tensor and as a list: where they are in the network; a pool that is in no field is
-- called after its first matrix.
local function name_tensors(net)
  local names <const>, pools <const>, list <const> = {}, {}, {}
  local function take(tensor, path)
    if names[tensor] then return end
    names[tensor], list[#list + 1] = path, { name = path, tensor = tensor }
  end
  each_held(net, function(value, kind, path)
    if kind == "tensor" then take(value, path) end
    if kind == "matrix" then pools[value:pool()] = true end
  end)
  each_held(net, function(value, kind, path)
    if kind == "matrix" then take(value:pool(), path .. ".pool") end
  end)
  return names, pools, list
end

local function matrix(value)
  local info <const> = value:info()
  info.grain = nil
  return info
end

local function refuse(path, value)
  core.fail("argument", "save: %s: %s cannot be kept in a file; make it a module with a class of its own",
    path, kinds.describe(value))
end

local function place_of(path, key) return path == "" and tostring(key) or path .. "." .. tostring(key) end

local function check_keys(object, path)
  for key in pairs(object) do
    local item <const> = math.type(key) == "integer" and key >= 1 and key <= #object
    if not item and type(key) ~= "string" then
      core.fail("argument", "save: %s: its key is no text", place_of(path, key))
    end
  end
end

local scalars <const> = { number = true, string = true, boolean = true }

--- Describes a network. Returns the table and the list of its tensors, { name =, tensor = }.
return function(net)
  local names <const>, pools <const>, list <const> = name_tensors(net)
  local numbers <const>, open <const>, count = {}, {}, 0
  local describe

  local function tensor(value)
    local use <const> = pools[value] and "buckets" or value:is_parameter() and "parameter" or "state"
    return { tensor = names[value], use = use }
  end

  local function contents(object, path, into)
    if open[object] then core.fail("argument", "save: %s: the table holds itself", path) end
    open[object] = true
    check_keys(object, path)
    for _, field in ipairs(walk.fields(object)) do
      local key <const>, part <const> = field[1], math.type(field[1]) and "items" or "fields"
      if not (key == "training" and into.kind) then
        into[part] = into[part] or {}
        into[part][key] = describe(field[2], place_of(path, key))
      end
    end
    open[object] = nil
    return into
  end

  local function module(value, path)
    if numbers[value] then return { module = numbers[value] } end
    if classes[value.name] ~= getmetatable(value) then
      core.fail("argument", "save: %s: another class was made that is also called %s", path == "" and "net" or path,
        value.name)
    end
    count = count + 1
    numbers[value] = count
    return contents(value, path, { kind = value.name })
  end

  function describe(value, path)
    local kind <const> = kinds.of(value)
    if scalars[kind] then return value end
    if kind == "tensor" then return tensor(value) end
    if kind == "matrix" then return { matrix = matrix(value), pool = tensor(value:pool()) } end
    if kind == "module" then return module(value, path) end
    if kind ~= "table" or getmetatable(value) then refuse(path, value) end
    return contents(value, path, {})
  end

  return describe(net, ""), list, names
end
