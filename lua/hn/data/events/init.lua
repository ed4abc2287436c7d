--- Events as physicists have them: columns of numbers in files, weighted, cut, and parted for training and test.
-- @module hn.data.events

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local loaded <const> = require "hn.data.events.loaded"
local options <const> = require "hn.options"
local parts <const> = require "hn.data.events.parts"
local recipe <const> = require "hn.data.events.recipe"
local source <const> = require "hn.data.events.source"

local WHERE <const> = "hn.data.events"

--- Bytes of a number, or of a text such as "256MiB".
local function bytes(value)
  if type(value) == "number" then return value end
  return core.bytes(value)
end

local check <const> = options.declare(WHERE, {
  files = { "string|table", required = true, aka = { "file", "path" } },
  group = { "string" },
  columns = { "string|table", aka = { "features", "variables" } },
  label = { "string|callable" },
  names = { "table" },
  target = { "string|table|callable", aka = { "targets" } },
  weight = { "string|callable", aka = { "weights" } },
  cut = { "string|callable" },
  spectators = { "string|table" },
  split = parts.rule,
  class_weights = { "table" },
  normalise_weights = { choices = { "none", "events", "equal" }, default = "none", aka = { "normalize_weights" } },
  negative = { choices = { "keep", "clip", "drop" }, default = "keep" },
  nan = { "number", choices = { "error", "drop" }, default = "error" },
  memory = { "integer|string", above = 0, convert = bytes, expected = 'bytes, or a text such as "256MiB"' },
})

local function check_options(o)
  if o.label and o.target then core.fail("argument", "%s: target: expected without label", WHERE) end
  return o
end

local function check_source(o, from)
  if o.label and from.classes then
    core.fail("argument", "%s: label: expected without classes in files, which say it already", WHERE)
  end
  if o.target and from.classes then
    core.fail("argument", "%s: target: expected without classes in files", WHERE)
  end
  if from.rows == 0 then core.fail("argument", "%s: the files hold no events", WHERE) end
  if from.rows > 2 ^ 31 - 1 then core.fail("argument", "%s: more than 2^31 - 1 events", WHERE) end
end

--- Rows of a block: few enough for the arrays that it is worked on in, at least 64.
local function block_rows(plan, memory, rows)
  local items <const> = #plan.features + #plan.targets + #plan.spectators + 8
  local most <const> = memory // (8 * 8 * (#plan.read + items))
  return math.min(rows, math.max(64, math.min(65536, most)))
end

--- Reads a block's columns.
local function read(plan, block, arrays)
  local some <const> = { class = block.part.class, count = block.count }
  for k, name in ipairs(plan.read) do
    arrays[k] = arrays[k] or core.array("f64", { plan.rows })
    some[name] = block.count < plan.rows and arrays[k]:slice(1, block.count) or arrays[k]
  end
  block.part.table:read(block.first, block.count, block.part.columns, arrays)
  return some
end

--- First pass over all events: what becomes of each, and, with `into`, its numbers. Returns the codes.
local function scan(plan, blocks, rows, into)
  local codes <const>, arrays <const> = core.array("u8", { rows }), {}
  for _, block in ipairs(blocks) do
    local result <const> = plan:judge(read(plan, block, arrays))
    codes:pack(block.at + 1, nil, { result.code })
    local index <const> = into and result.code:where(1, 255)
    if index then into:add(result, index) end
  end
  return codes
end

--- Fails where the first pass found what cannot be trained with.
local function check_events(plan, codes, rows)
  local complaint <const> = plan:complaint()
  if complaint and plan.nan == "error" then
    core.fail("argument", '%s: NaN or infinite: %s, of %d events; nan = "drop" leaves such events out, nan = 0 puts '
      .. "0 in the place of such values", WHERE, complaint, rows)
  end
  if plan:unusable() then
    core.fail("argument", '%s: NaN or infinite labels or weights: %s; nan = "drop" leaves such events out', WHERE,
      complaint)
  end
  if not codes:where(1, 255) then core.fail("argument", "%s: no event is left of %d", WHERE, rows) end
end

--- Classes, their names, and what their weights are multiplied by (nil: nothing).
local function classes_of(o, plan, names)
  local classes <const> = plan.most and math.max(plan.most + 1, names and #names or 0) or nil
  if names and plan.most and plan.most >= #names then
    core.fail("argument", "%s: label: expected classes from 0 to %d, as names has %d, got %d", WHERE, #names - 1,
      #names, plan.most)
  end
  if not classes and (o.class_weights or o.normalise_weights ~= "none") then
    core.fail("argument", "%s: class_weights, normalise_weights: expected together with classes", WHERE)
  end
  if classes and classes > recipe.strata and o.normalise_weights ~= "none" then
    core.fail("argument", "%s: normalise_weights: expected at most %d classes, got %d", WHERE, recipe.strata, classes)
  end
  return classes
end

--- Events from files: data sets for training and test (nil without `split`), which hn.fit, hn.evaluate and net:predict
-- take. Fields beside those of each data set: `columns` (names of the features), `counts` { events, negative, nan }.
-- `set:spectator "mass"` gives the values of a spectator as a host array, in the order of a pass that does not shuffle.
--
-- Files are CSV (.gz as well), NPY, NPZ or HDF5: see hn_table in engine/hn.h; their columns go by names. A value is a
-- column, an expression such as "sqrt(px^2 + py^2)" (see hn_expression there), or a function(event) that is called for
-- every event, with fields event.px and so on, and returns a number or a boolean.
--
-- Options: `files`: a path, a pattern such as "run-*.h5", or a list of these; with classes in files of their own
-- { signal = files, background = files } (classes in the order of their names) or { { "signal", files }, ... } (in this
-- order). `group`: where an HDF5 file has the events. `columns`: features, values or { name = "logpt", "log(pt)" }, or
-- the name of a two-dimensional array (all columns that no other option names). `label`: the class, 0 or more, with
-- `names` of the classes; or `target`: a value or a list, for regression. `weight`. `cut`: a value, of which events with
-- 0 (or false) are left out. `spectators`: values that are kept and not trained on.
--
-- `split` = { test = 0.2 (a fraction, or a number of events), how = "random" ("alternate": evenly spread, "block": the
-- last ones), seed = 1 }, by classes alike; or { expression = "event % 5 == 0" }, which says what is test.
-- `class_weights` = { signal = 2 } (or a list): factors on the weights. `normalise_weights`: "none", "events" (each
-- class' weights in the training part sum to its number of events) or "equal" (each to that of the first class), as
-- TMVA's NormMode None, NumEvents, EqualNumEvents; the test part's get the same factors, and class_weights come on top.
-- `negative`: weights below 0 stay ("keep"), become 0 ("clip"), or their events are left out ("drop").
-- `nan`: what features and targets that are NaN or infinite mean: "error", "drop" (such events are left out) or a number
-- in their place.
-- `memory` (a quarter of the machine's): bytes or a text such as "256MiB".
return function(given)
  local o <const> = check_options(check(given))
  local from <const> = source.open(WHERE, o.files, o.group)
  check_source(o, from)
  local plan <const> = recipe.new(WHERE, o, from.names)
  local memory <const> = o.memory or core.physical() // 4
  from:choose(plan.read)
  plan:allocate(block_rows(plan, memory, from.rows))
  local blocks <const> = from:blocks(plan.rows)
  local all <const> = loaded.new(plan, from.rows, o.label or from.classes)
  local codes = scan(plan, blocks, from.rows, all)
  check_events(plan, codes, from.rows)
  all:finish()
  local names <const> = from.classes or o.names
  local classes <const> = classes_of(o, plan, names)
  if all.count < from.rows then codes = codes:pick(codes:where(1, 255)) end
  parts.split(codes, o.split)
  parts.scale(WHERE, plan, o, names, classes, function() return all:sums(codes, classes) end)
  return all:sets(codes, { names = names, classes = classes })
end
