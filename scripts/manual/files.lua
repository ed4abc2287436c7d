-- Files and commands of the manual's parts.

local files <const> = {}

function files.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

function files.write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

-- Runs a shell command; an error if it fails.
function files.run(command)
  if not os.execute(command) then error("failed: " .. command, 0) end
end

return files
