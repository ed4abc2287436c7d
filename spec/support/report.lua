-- How a run of the specs is told: one line per spec file, failures in full where they happen, and at the end how many
-- were skipped and why, then the line that scripts read: "N passed, N failed".

local busted <const> = require "busted"

-- skipped: the reasons in the order in which they came, and how many tests each kept from running
local report <const> = { passed = 0, failed = 0, skipped = {} }
local verbose, line_open, file_start = false, false, nil

-- True if nothing failed and at least one test ran.
function report.good() return report.failed == 0 and report.passed > 0 end

local function say(...)
  io.stdout:write(...)
  io.stdout:flush()
end

local function new_line()
  if line_open then say("\n") end
  line_open = false
end

local function title(element)
  local names = {}
  while element and element.descriptor ~= "file" and element.descriptor ~= "suite" do
    table.insert(names, 1, element.name or element.descriptor)
    element = busted.parent(element)
  end
  return table.concat(names, " ")
end

local function place(element, trace)
  trace = trace and trace.short_src and trace or element.trace
  if not (trace and trace.short_src) then return element.name or "?" end
  return ("%s:%s"):format(trace.short_src, trace.currentline)
end

local function on_problem(element, _, message, trace)
  report.failed = report.failed + 1
  new_line()
  say(("FAILED %s\n  at %s\n  "):format(title(element), place(element, trace)),
    (tostring(message):gsub("\n", "\n  ")), "\n")
  if verbose and trace and trace.traceback then say(trace.traceback, "\n") end
  return nil, true
end

local function on_pending(element, _, message)
  element.reason = message
  return nil, true
end

local function on_test_start(element)
  if verbose then
    new_line()
    say("  ", title(element))
    line_open = true
  end
  return nil, true
end

-- busted puts a position before the reason, which is not always the spec's.
local function skip(reason)
  reason = reason:gsub("^%S+%.lua:%d+: ", "")
  if not report.skipped[reason] then table.insert(report.skipped, reason) end
  report.skipped[reason] = (report.skipped[reason] or 0) + 1
end

local function on_test_end(element, _, status)
  if status == "success" then
    report.passed = report.passed + 1
  elseif status == "pending" then
    skip(element.reason or title(element))
  end
  return nil, true
end

local function on_file_start(file)
  new_line()
  file_start = { passed = report.passed, failed = report.failed, time = busted.monotime() }
  say(file.name)
  line_open = true
  return nil, true
end

local function on_file_end(file)
  if not line_open then say(file.name) end
  local failed = report.failed - file_start.failed
  say((": %d passed%s, %.1f s\n"):format(report.passed - file_start.passed,
    failed > 0 and (", %d FAILED"):format(failed) or "", busted.monotime() - file_start.time))
  line_open = false
  return nil, true
end

local function on_suite_end()
  new_line()
  for _, reason in ipairs(report.skipped) do say(("%d skipped: %s\n"):format(report.skipped[reason], reason)) end
  say(("%d passed, %d failed\n"):format(report.passed, report.failed))
  return nil, true
end

-- busted calls the module to get a handler and lets that subscribe itself.
local function subscribe(_, options)
  require("busted.languages." .. options.language) -- busted's own messages
  verbose = options.verbose
  busted.subscribe({ "test", "start" }, on_test_start)
  busted.subscribe({ "test", "end" }, on_test_end)
  busted.subscribe({ "file", "start" }, on_file_start)
  busted.subscribe({ "file", "end" }, on_file_end)
  busted.subscribe({ "pending" }, on_pending)
  busted.subscribe({ "failure" }, on_problem)
  busted.subscribe({ "error" }, on_problem)
  busted.subscribe({ "suite", "end" }, on_suite_end)
end

return setmetatable(report, { __call = function() return { subscribe = subscribe } end })
