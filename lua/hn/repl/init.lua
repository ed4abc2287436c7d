--- A session at the prompt: takes lines, runs complete chunks, prints what they give. It knows no terminal; the program
-- hands it one.
-- @module hn.repl

local complete <const> = require "hn.repl.complete"
local core <const> = require "hn.core"
local help <const> = require "hn.repl.help"
local lexer <const> = require "hn.repl.lexer"
local new_history <const> = require "hn.repl.history"
local show <const> = require "hn.repl.show"
local text <const> = require "hn.text"

local Session <const> = {}
Session.__index = Session

local chunk_name <const> = "=stdin"

--- The chunk that keeps local variables of its outermost level as global ones; the text itself if it declares none.
local function keeping_locals(chunk)
  local names <const> = lexer.locals(chunk)
  if #names == 0 then return chunk end
  return ("%s\n_ENV.%s = %s"):format(chunk, table.concat(names, ", _ENV."), table.concat(names, ", "))
end

--- The text as a function: as an expression if it is one, else as statements. Returns nil and Lua's complaint, or nil
-- and nothing where more lines must follow.
local function compile(chunk)
  local expression <const>, no_expression <const> = load("return " .. chunk, chunk_name, "t")
  if expression then return expression end
  local statements <const>, message <const> = load(chunk, chunk_name, "t")
  if statements then return load(keeping_locals(chunk), chunk_name, "t") or statements end
  if no_expression:find("<eof>$") or message:find("<eof>$") then return nil, nil end
  return nil, message
end

--- An error as text with a traceback of what was typed; interruption needs none.
local function explain(problem)
  if type(problem) ~= "string" then
    local meta <const> = getmetatable(problem)
    problem = type(meta) == "table" and meta.__tostring and tostring(problem) or "error object: " .. show(problem)
  end
  if problem:find("interrupted$") then return (core.terminal() and "\n" or "") .. problem end -- behind ^C
  local trace <const> = debug.traceback("", 2):gsub("\n%s*%[C%]: in %a+ 'xpcall'.*", "")
  return problem .. trace:gsub("\n%s*hn/repl/[^\n]*", "")
end

local function complain(problem)
  io.stdout:flush()
  io.stderr:write(problem, "\n")
  io.stderr:flush()
end

--- Time and memory so far.
local function usage()
  local device <const> = core.opened() and core.memory() or { used = 0, peak = 0 }
  return { clock = core.clock(), lua = 1024 * collectgarbage("count"), used = device.used, peak = device.peak }
end

local function more(bytes) return (bytes < 0 and "-" or "+") .. text.bytes(math.abs(bytes // 1 | 0)) end

--- What `,time` prints.
local function usage_text(before, after)
  return ("%.3f s; device memory %s (%s), peak %s; Lua's %s (%s)"):format(after.clock - before.clock,
    text.bytes(after.used), more(after.used - before.used), text.bytes(after.peak), text.bytes(after.lua // 1),
    more(after.lua - before.lua))
end

--- Prints the results of a chunk, which stand behind the first of the values; that result is `_` from now on.
local function print_results(values)
  if values.n == 1 then return end
  rawset(_G, "_", values[2])
  local columns <const> = (core.terminal() or 80) - 1
  for i = 2, values.n do io.stdout:write(show(values[i], columns), "\n") end
  io.stdout:flush()
end

local function run(self, f)
  core.listen(false) -- what ran before may have asked for Ctrl-C; this has not
  local before <const> = usage()
  local values <const> = table.pack(xpcall(f, explain))
  self.last_usage = { before, usage() }
  local ok, problem = values[1], values[2]
  if ok then ok, problem = xpcall(print_results, explain, values) end
  if not ok then complain(problem) end
end

local commands <const> = {
  time = function(self)
    return self.last_usage and usage_text(table.unpack(self.last_usage)) or "nothing ran so far"
  end,
  help = function() return help "" end,
}

local function command(self, line)
  local name <const> = line:match("^,%s*(%a*)%s*$")
  if commands[name] then return commands[name](self) end
  return ("no command '%s'; there are ,time and ,help"):format(line)
end

--- Takes what begins with a question mark or a comma. Returns whether it was one of these.
local function obey(self, line)
  local sign <const> = self.chunk == "" and line:match("^%s*([?,])")
  if not sign then return false end
  line = line:match("^%s*(.-)%s*$")
  self.history:add(line)
  io.stdout:write(sign == "?" and help(line:sub(2)) or command(self, line), "\n")
  io.stdout:flush()
  return true
end

--- What to show before the next line.
function Session:prompt() return self.chunk == "" and "hn> " or "..> " end

--- Takes a line. Returns what goes into the history once it completes a chunk, which has then run; else nil.
function Session:line(line)
  if obey(self, line) then return line end
  local chunk <const> = self.chunk == "" and line or self.chunk .. "\n" .. line
  local f <const>, problem <const> = compile(chunk)
  if not f and not problem then
    self.chunk = chunk
    return nil
  end
  self.chunk = ""
  self.history:add(chunk)
  if f then run(self, f) else complain(problem) end
  return chunk:find("%S") and chunk or nil
end

--- Forgets the lines of a chunk that is not complete.
function Session:clear() self.chunk = "" end

--- The input has ended: complains about a chunk that is not complete.
function Session:finish()
  if not self.chunk:find("%S") then return end
  local _, problem <const> = load(self.chunk, chunk_name, "t")
  if problem then complain(problem) end
  self.chunk = ""
end

--- Completes the line that is `before` the cursor so far. Returns what to insert, and the text of a list of what may
-- stand there (nil: none).
function Session:complete(before)
  local text_before <const> = self.chunk == "" and before or self.chunk .. "\n" .. before
  local insert <const>, names <const> = complete(text_before, self.files)
  if #names == 0 then return insert, nil end
  local width = 0
  for _, name in ipairs(names) do width = math.max(width, #name + 2) end
  local across <const> = math.max(1, (core.terminal() or 80) // width)
  local lines <const> = {}
  for i, name in ipairs(names) do
    local last <const> = i % across == 0 or i == #names
    lines[i] = last and name .. "\n" or name .. (" "):rep(width - #name)
  end
  return insert, table.concat(lines)
end

--- What is typed before, oldest first: strings.
function Session:entries() return self.history.entries end

--- Opens a session. `hn` becomes a global variable unless there is one.
-- @param terminal { history = the file's path or nil, files = function that lists the names in a folder }
return function(terminal)
  if rawget(_G, "hn") == nil then rawset(_G, "hn", require "hn") end
  return setmetatable({
    chunk = "", history = new_history(terminal.history), files = terminal.files or function() return {} end,
  }, Session)
end
