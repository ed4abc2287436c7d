-- Runs the specs inside the program under test: ./hnrun spec/run.lua [busted options] [files or folders]
--   ./hnrun spec/run.lua spec/hash_spec.lua          one file
--   ./hnrun spec/run.lua --filter "linear" -v        tests whose title matches, each title printed before it runs
-- The last line is "N passed, N failed"; the exit status is 0 only if nothing failed and something ran.

local root <const> = arg[0]:match("^(.*)/spec/[^/]*$") or "."
package.path = root .. "/?.lua;" .. package.path

-- Loaded before busted insulates the spec files from each other: one engine, one set of helpers for all of them.
require "hn"
require "hn.core"
local report <const> = require "spec.support.report"

table.insert(arg, 1, "--helper=" .. root .. "/spec/support/clean.lua")
require "busted.runner" {
  standalone = false,
  output = "spec.support.report",
}
-- busted takes its options from the command line alone; it comes back here when nothing failed.
os.exit(report.good(), true)
