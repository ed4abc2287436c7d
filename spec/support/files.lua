-- Temporary files and folders of a test; clean.lua removes them after it.

local files <const> = {}
local made = {}

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
files.quoted = quoted

-- A path that is free.
function files.path()
  local path <const> = os.tmpname()
  made[#made + 1] = path
  return path
end

-- A new file with these bytes.
function files.write(bytes, path)
  path = path or files.path()
  local file <const> = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

function files.read(path)
  local file <const> = assert(io.open(path, "rb"))
  local bytes <const> = file:read("a")
  file:close()
  return bytes
end

-- A new empty folder.
function files.folder()
  local path <const> = files.path()
  os.remove(path)
  assert(os.execute("mkdir " .. quoted(path)))
  return path
end

-- Packs a file with gzip and returns its new name.
function files.gzip(path)
  assert(os.execute("gzip -f " .. quoted(path)))
  made[#made + 1] = path .. ".gz"
  return path .. ".gz"
end

function files.clean()
  for _, path in ipairs(made) do os.execute("rm -rf " .. quoted(path)) end
  made = {}
end

return files
