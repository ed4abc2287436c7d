-- The program at a terminal of its own (a pseudo-terminal, by script of bsdutils), as a person types at it: send keys,
-- wait for what they show.

local core <const> = require "hn.core"
local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

local Terminal <const> = {}
Terminal.__index = Terminal

local patience <const> = 30 -- seconds until what was expected does not come any more

-- What was shown so far, without the sequences that move cursors and set colours.
function Terminal:shown()
  return (files.read(self.output):gsub("\27%[[%d;?]*[%a@]", ""):gsub("\27[=>]", ""):gsub("\r", ""))
end

function Terminal:send(keys)
  self.input:write(keys)
  self.input:flush()
end

-- Waits until the text is shown behind what was expected before; returns what came in between.
function Terminal:expect(text)
  local started <const> = core.clock()
  repeat
    local shown <const> = self:shown()
    local first <const>, last <const> = shown:find(text, self.at, true)
    if first then
      local between <const> = shown:sub(self.at, first - 1)
      self.at = last + 1
      return between
    end
    os.execute "sleep 0.01"
  until core.clock() - started > patience
  self.input:close()
  error(("waited in vain for %q behind %q in:\n%s"):format(text, self:shown():sub(1, self.at - 1):sub(-40),
    self:shown()), 2)
end

-- Types a line and waits for the next prompt; returns what was printed in between.
function Terminal:enter(line, prompt)
  self:send(line .. "\n")
  return self:expect(prompt or "hn> ")
end

-- Clears the line that is being typed.
function Terminal:abandon()
  self:send "\3"
  self:expect "hn> "
  return self
end

-- Waits for the program's end; returns its exit status.
function Terminal:finish()
  local _, _, code <const> = self.input:close()
  return code
end

-- Starts the program with a list of arguments. `environment`: settings in front of it, as a shell takes them.
return function(arguments, environment)
  local words <const> = { "stty cols 80 rows 24; TERM=xterm", environment or "", files.quoted(program.path) }
  for _, argument in ipairs(arguments or {}) do words[#words + 1] = files.quoted(argument) end
  local output <const> = files.path()
  local command <const> = ("timeout 60 env SHELL=/bin/bash script -qefc %s %s >/dev/null"):format(
    files.quoted(table.concat(words, " ")), output)
  return setmetatable({ input = io.popen(command, "w"), output = output, at = 1 }, Terminal)
end
