--- The files of a set of events: one table after the other, each of one class where classes come from separate files.
-- @module hn.data.events.source

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"

local Source <const> = {}
Source.__index = Source

local source <const> = {}

--- Paths that a text or a list of texts names; patterns such as "signal-*.h5" name all files that match.
local function paths_of(where, value, list)
  if type(value) == "table" then
    for _, one in ipairs(value) do paths_of(where, one, list) end
  elseif type(value) ~= "string" then
    core.fail("argument", "%s: expected a path or a list of paths, got %s", where, kinds.describe(value))
  elseif value:find "[*?%[]" then
    local found <const> = core.glob(value)
    if #found == 0 then core.fail("file", "%s: no file is called '%s'", where, value) end
    table.move(found, 1, #found, #list + 1, list)
  else
    list[#list + 1] = value
  end
  return list
end

--- Classes with their paths: { { name, paths }, ... }, in the order of a list { { "signal", "s*.h5" }, ... } or of the
-- sorted names of { signal = "s*.h5", ... }. Without classes: one without a name.
local function classes_of(where, files)
  if type(files) ~= "table" or type(files[1]) == "string" then return { { paths = paths_of(where, files, {}) } } end
  local classes <const> = {}
  for name, paths in pairs(files) do
    if type(name) == "string" then
      classes[#classes + 1] = { name = name, paths = paths_of(where .. ": " .. name, paths, {}) }
    end
  end
  table.sort(classes, function(a, b) return a.name < b.name end)
  for k, entry in ipairs(files) do
    if type(entry) ~= "table" or type(entry[1]) ~= "string" or entry[2] == nil then
      core.fail("argument", '%s: [%d]: expected { "name of a class", files }, got %s', where, k, kinds.describe(entry))
    end
    classes[k] = { name = entry[1], paths = paths_of(where .. ": " .. entry[1], entry[2], {}) }
  end
  return classes
end

--- Opens all files. Fields: `tables` { table =, path =, class = its number or nil }, `rows`, `names` (the first file's
-- columns), `classes` (names, or nil).
function source.open(where, files, group)
  local self <const> = setmetatable({ tables = {}, rows = 0, where = where }, Source)
  for number, class in ipairs(classes_of(where .. ": files", files)) do
    if class.name then
      self.classes = self.classes or {}
      self.classes[number] = class.name
    end
    for _, path in ipairs(class.paths) do
      local opened <const> = core.table(path, group)
      table.insert(self.tables, { table = opened, path = path, rows = opened:rows(), class = class.name and number })
      self.rows = self.rows + opened:rows()
    end
  end
  if #self.tables == 0 then core.fail("argument", "%s: files: expected at least one file", where) end
  self.names = self.tables[1].table:names()
  return self
end

--- A few of many names, for messages.
local function some(names)
  if #names <= 20 then return table.concat(names, ", ") end
  return table.concat(names, ", ", 1, 20) .. (" and %d more"):format(#names - 20)
end

local function missing(self, path, name, names)
  local meant <const> = options.nearest(name, names)
  core.fail("argument", "%s: '%s' has no column '%s'%s (its columns are %s)", self.where, path, name,
    meant and ("; did you mean '%s'?"):format(meant) or "", some(names))
end

--- Finds the columns of these names in every file; they are what is read from then on.
function Source:choose(wanted)
  self.wanted = wanted
  for _, part in ipairs(self.tables) do
    local names <const>, places <const> = part.table:names(), {}
    for i, name in ipairs(names) do places[name] = i end
    part.columns = {}
    for k, name in ipairs(wanted) do
      if not places[name] then missing(self, part.path, name, names) end
      part.columns[k] = places[name]
    end
  end
end

--- The rows of all files, in order, in blocks of at most so many: { part =, first =, count =, at = rows before it }.
function Source:blocks(most)
  local blocks <const>, before = {}, 0
  for _, part in ipairs(self.tables) do
    for first = 1, part.rows, most do
      local count <const> = math.min(most, part.rows - first + 1)
      blocks[#blocks + 1] = { part = part, first = first, count = count, at = before }
      before = before + count
    end
  end
  return blocks
end

--- The file that can only be read from its beginning, or nil.
function Source:sequential()
  for _, part in ipairs(self.tables) do
    if part.table:sequential() then return part.path end
  end
  return nil
end

return source
