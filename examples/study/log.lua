--- The study's log: a CSV with a line for each training that was finished. A line has all that makes the training's
-- numbers, then these.

local search <const> = require "study.search"

local log <const> = {}

local made_of <const> = { "set", "method", "layers", "width", "storage", "stage", "samples", "epochs", "seed" }
table.move(search.names, 1, #search.names, #made_of + 1, made_of)
local results <const> = { "stored", "error", "loss", "seconds" }

local columns <const> = table.move(results, 1, #results, #made_of + 1, table.move(made_of, 1, #made_of, 1, {}))
local HEADER <const> = table.concat(columns, ",")

local texts <const> = { set = true, method = true, storage = true, stage = true, samples = true }

--- A number in as few digits as tell it from all others.
local function shortest(x)
  if x ~= x then return "nan" end
  if math.tointeger(x) then return ("%d"):format(x) end
  for digits = 1, 16 do
    local text <const> = ("%%.%dg"):format(digits):format(x)
    if tonumber(text) == x then return text end
  end
  return ("%.17g"):format(x)
end

local function joined(run, names)
  local cells <const> = {}
  for k, name in ipairs(names) do
    local value <const> = run[name]
    cells[k] = math.type(value) and shortest(value) or value
  end
  return table.concat(cells, ",")
end

--- What a run is found by: everything but its results.
function log.key(run) return joined(run, made_of) end

--- A line as a run, or nil where it is none. "nan" is the result of a training that diverged.
local function parse(line)
  local run <const>, k = {}, 0
  for cell in line:gmatch "[^,]+" do
    k = k + 1
    local name <const> = columns[k]
    if not name then return nil end
    run[name] = texts[name] and cell or tonumber(cell) or cell:find "nan" and 0 / 0 or nil
    if run[name] == nil then return nil end
  end
  return k == #columns and run or nil
end

--- All runs in the log, by key and as a list with fields `line`, and whether the last line is whole. A line that a kill
-- cut off is none.
function log.read(path)
  local file <close> = io.open(path, "rb")
  local all <const> = file and file:read "a" or ""
  local runs <const>, number = {}, 0
  for line in all:gmatch "([^\n]*)\n" do
    number = number + 1
    local run <const> = line ~= HEADER and parse(line)
    if run then
      run.line, run.key, runs[#runs + 1] = number, log.key(run), run
      runs[run.key] = run
    end
  end
  return runs, all == "" or all:sub(-1) == "\n", all == ""
end

--- Adds a run. The line goes to the file's end in one piece, so that processes side by side may share a log.
function log.add(path, run)
  local _, whole <const>, empty <const> = log.read(path)
  local file <close> = assert(io.open(path, "ab"))
  file:setvbuf("full", 4096)
  assert(file:write((empty and HEADER .. "\n" or "") .. (whole and "" or "\n") .. joined(run, columns) .. "\n"))
  assert(file:flush())
end

return log
