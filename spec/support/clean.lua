-- Around every test: a fresh debug context before, and afterwards no object left alive and no guard zone damaged.
-- A test keeps its objects in local variables, not in upvalues of the describe block. (busted's helper script.)

local busted <const> = require "busted"
local classes <const> = require "hn.nn.classes"
local core <const> = require "hn.core"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local report <const> = require "spec.support.report"

local failed_before

-- A class of modules stays known, with all that its functions hold; those of a test go with it.
local built_in <const> = {}
for name, class in pairs(classes) do built_in[name] = class end

local function forget_classes()
  for name in pairs(classes) do classes[name] = built_in[name] end
end

local function before()
  failed_before = report.failed
  backends.open()
end

-- A test that failed says enough; what it left behind is not news.
local function after()
  files.clean()
  forget_classes()
  collectgarbage()
  collectgarbage()
  local memory <const> = core.memory()
  if report.failed > failed_before then return end
  if memory.objects ~= 0 then error(("the test left %d live objects"):format(memory.objects), 0) end
  if memory.damaged ~= 0 then error(("the test damaged %d guard zones"):format(memory.damaged), 0) end
end

busted.before_each(before)
busted.after_each(after)
