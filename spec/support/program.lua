-- Runs the program under test as a subprocess.

local files <const> = require "spec.support.files"

local program <const> = {}

-- The program that runs the specs: what stands first on its command line.
local function find()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end
program.path = find()

-- Runs a shell command; gives standard output, standard error and the exit status. An endless one counts as status 124.
function program.shell(command)
  local out <const>, err <const> = files.path(), files.path()
  local _, _, code <const> = os.execute(("{ timeout 120 sh -c %s; } >%s 2>%s"):format(files.quoted(command), out, err))
  return files.read(out), files.read(err), code
end

-- Runs the program with a list of arguments and, if given, a text as standard input.
function program.run(arguments, input)
  local words <const> = { files.quoted(program.path) }
  for _, argument in ipairs(arguments) do words[#words + 1] = files.quoted(argument) end
  local source <const> = input and files.write(input) or "/dev/null"
  return program.shell(table.concat(words, " ") .. " <" .. source)
end

-- Writes a script to a temporary file and runs it.
function program.script(text, ...)
  return program.run { files.write(text), ... }
end

return program
