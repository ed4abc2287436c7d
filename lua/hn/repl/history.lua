--- What was typed, kept in a file across sessions: an entry a line, in which \n and \\ stand for a new line and a
-- backslash. Each entry is appended when it is typed, so that sessions side by side lose nothing.
-- @module hn.repl.history

local History <const> = {}
History.__index = History

local default_limit <const> = 1000

local function encode(entry) return (entry:gsub("\\", "\\\\"):gsub("\n", "\\n")) end

local function decode(line)
  return (line:gsub("\\(.)", function(c) return c == "n" and "\n" or c end))
end

local function read(path)
  local lines <const> = {}
  local file <const> = path and io.open(path, "r")
  if not file then return lines end
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  return lines
end

--- Puts lines in the place of the file's, at once or not at all.
local function replace(path, lines)
  local temporary <const> = path .. ".new"
  local file <const> = io.open(temporary, "w")
  if not file then return end
  local written <const> = file:write(table.concat(lines, "\n"), "\n")
  if file:close() and written then os.rename(temporary, path) else os.remove(temporary) end
end

--- Adds an entry, unless it is the same as the one before or blank. One that cannot be written lasts for the session.
function History:add(entry)
  if not entry:find("%S") or entry == self.entries[#self.entries] then return end
  table.insert(self.entries, entry)
  local file <const> = self.path and io.open(self.path, "a")
  if not file then return end
  file:write(encode(entry), "\n")
  file:close()
end

--- Opens the history of a file (nil: none is kept); field `entries` lists them, oldest first, the last `limit` (1000).
-- A file that has grown to twice as many is cut.
return function(path, limit)
  limit = limit or default_limit
  local lines <const> = read(path)
  local last <const> = table.move(lines, math.max(1, #lines - limit + 1), #lines, 1, {})
  if #lines >= 2 * limit then replace(path, last) end
  local entries <const> = {}
  for i, line in ipairs(last) do entries[i] = decode(line) end
  return setmetatable({ path = path, entries = entries }, History)
end
