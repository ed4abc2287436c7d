--- Files that are replaced together.
-- @module hn.output

local core <const> = require "hn.core"

local function contents(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a"
end

local function fail(where, message) core.fail("file", "%s: %s", where, message) end

--- Writes what fill(put) gives beside the path, as PATH.new, by calls of put(text).
local function write(path, fill, where)
  local file <close>, message <const> = io.open(path .. ".new", "wb")
  if not file then fail(where, (message:gsub("%.new: ", ": "))) end
  local function check(ok, why)
    if not ok then fail(where, ("'%s': %s"):format(path, why or "cannot be written")) end
  end
  fill(function(text) check(file:write(text)) end)
  check(file:flush())
end

--- Puts the new files in the places of the old ones; where one can't, the old ones before it come back.
local function replace(list, where)
  local old <const> = {}
  for i, entry in ipairs(list) do
    old[i] = i < #list and contents(entry.path)
    local ok <const>, why <const> = os.rename(entry.path .. ".new", entry.path)
    if not ok then
      for k = 1, i - 1 do
        if old[k] then
          write(list[k].path, function(put) put(old[k]) end, where)
          os.rename(list[k].path .. ".new", list[k].path)
        else
          os.remove(list[k].path)
        end
      end
      fail(where, ("'%s': %s"):format(entry.path, why))
    end
  end
end

--- Writes files, a list of { path =, fill = }, where fill(put) gives the contents by calls of put(text). On an error
-- the old ones stay; `where` ("export") begins its message.
return function(list, where)
  where = where or "export"
  local ok <const>, message <const> = pcall(function()
    for _, entry in ipairs(list) do write(entry.path, entry.fill, where) end
    replace(list, where)
  end)
  if ok then return end
  for _, entry in ipairs(list) do os.remove(entry.path .. ".new") end
  error(message, 0)
end
