--- Events as physicists have them: columns of numbers in files, weighted, cut, and parted for training and test.
-- @module hn.data.events

local core <const> = require "hn.core"
local loaded <const> = require "hn.data.events.loaded"
local options <const> = require "hn.options"
local parts <const> = require "hn.data.events.parts"
local recipe <const> = require "hn.data.events.recipe"
local source <const> = require "hn.data.events.source"
local stream <const> = require "hn.data.events.stream"

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

--- How the memory is used: rows of a block, whose columns and values are worked on at a time, and events of a buffer
-- of streams, of which there are two. The codes of all events may be there twice, for a validation set.
local function sizes(plan, memory, rows)
  local items <const> = #plan.features + #plan.targets + #plan.spectators + 8
  local left <const>, cached <const> = memory - 2 * rows, math.max(64, 2 ^ 22 // #plan.read)
  local room <const> = left // 3 // (4 * (#plan.features + #plan.targets) + 16)
  local most <const> = math.min(room // 8, left // 6 // (8 * (#plan.read + items)))
  return math.tointeger(math.min(rows, 65536, cached, most)), room
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

--- Calls visit(block, columns) for each block in order.
local function each(plan, blocks, visit)
  local arrays <const> = {}
  for _, block in ipairs(blocks) do visit(block, read(plan, block, arrays)) end
  for _, array in ipairs(arrays) do array:close() end
  collectgarbage() -- the last block's slices hold them, too
end

--- First pass over all events: what becomes of each, and, with `into`, its numbers. Returns the codes.
local function scan(plan, blocks, rows, into)
  local codes <const> = core.array("u8", { rows })
  each(plan, blocks, function(block, columns)
    local result <const> = plan:judge(columns)
    codes:pack(block.at + 1, nil, { result.code })
    local index <close> = into and result.code:where(1, 255) or nil
    if index then into:add(result, index) end
  end)
  return codes
end

--- Second pass: the numbers of events that the first one kept.
local function load(plan, blocks, codes, into)
  each(plan, blocks, function(block, columns)
    local index <close> = codes:slice(block.at + 1, block.count):where(1, 255)
    if index then into:add(plan:evaluate(columns), index) end
  end)
end

--- Fails where the first pass found what cannot be trained with.
local function check_events(plan, codes, rows)
  local _, complaint <const> = plan:not_finite()
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

--- Codes of events, and the events in memory, if they fit; then the codes of those that are kept alone.
local function read_all(run)
  local plan <const>, from <const>, fits <const> = run.plan, run.from, run.memory // loaded.bytes(run.plan)
  local all = from.rows <= fits and loaded.new(plan, from.rows, run.labelled)
  local codes <const> = scan(plan, run.blocks, from.rows, all)
  check_events(plan, codes, from.rows)
  local kept <close> = codes:where(1, 255)
  if not all and kept:shape()[1] > fits then return codes, nil end
  if not all then
    all = loaded.new(plan, kept:shape()[1], run.labelled)
    load(plan, run.blocks, codes, all)
  end
  all:finish()
  return codes:pick(kept), all
end

--- What data sets tell about the events.
local function counts_of(run, codes)
  local kept <close> = codes:where(1, 255)
  return { read = run.from.rows, kept = kept:shape()[1], negative = math.tointeger(run.plan.negatives),
    nan = (run.plan:not_finite()) }
end

--- Sets that are read from the files in each pass.
local function streams(run, o, codes, more, rows)
  local plan <const>, packed <const> = run.plan, run.from:sequential()
  if packed then
    core.fail("argument", "%s: memory: %d events are too many for it, and '%s' is compressed as a whole, so it cannot "
      .. "be read in parts: unpack it, or give more memory", WHERE, run.from.rows, packed)
  end
  if rows < 16 then
    core.fail("argument", "%s: memory: %d bytes are too few for %d events of %d columns", WHERE, run.memory,
      run.from.rows, #plan.read)
  end
  local shared <const> = { plan = plan, blocks = run.blocks, room = run.room, labelled = run.labelled, idle = {} }
  parts.scale(WHERE, plan, o, more, function()
    return stream.new(shared, codes, 1, recipe.strata):sums(more.classes)
  end)
  return stream.sets(shared, codes, more)
end

--- Events from files: data sets for training and test (nil without `split`), which hn.fit, hn.evaluate and net:predict
-- take. Fields beside those of each data set: `columns`, the names of the features, and `counts` of events: { read =,
-- kept =, negative = (their weights), nan = { NAME = values that were NaN or infinite } }.
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
-- `names` of the classes; or `target`: a value or a list, for regression. `weight`. `cut`: a value; events where it is
-- 0 (or false) are left out. `spectators`: values that are kept and not trained on.
--
-- `split` = { test = 0.2 (a fraction, or a number of events), how = "random" ("alternate": evenly spread, "block": the
-- last ones), seed = 1 }, by classes alike; or { expression = "event % 5 == 0" }, which says what is test.
-- `class_weights` = { signal = 2 } (or a list): factors on the weights. `normalise_weights`: "none", "events" (each
-- class' weights in the training part sum to its number of events) or "equal" (each to that of the first class), as
-- TMVA's NormMode None, NumEvents, EqualNumEvents; the test part's get the same factors, and class_weights come on top.
-- `negative`: weights below 0 stay ("keep"), become 0 ("clip"), or their events are left out ("drop").
-- `nan`: what features and targets that are NaN or infinite mean: "error", "drop" (such events are left out) or a
-- number in their place.
--
-- `memory` (a quarter of the machine's): bytes of host memory, or a text such as "256MiB". Events that do not fit are
-- read from their files in every pass, in the background, in a random order where a pass shuffles; their sets have no
-- arrays, and no teacher can be asked of them. See hn.data.events.stream.
return function(given)
  local o <const> = check_options(check(given))
  local from <const> = source.open(WHERE, o.files, o.group)
  check_source(o, from)
  local plan <const> = recipe.new(WHERE, o, from.names)
  from:choose(plan.read)
  local run <const> = { from = from, plan = plan, labelled = o.label or from.classes,
    memory = o.memory or core.physical() // 4 }
  local rows <const>, room <const> = sizes(plan, run.memory, from.rows)
  plan:allocate(math.max(rows, 1))
  run.blocks, run.room = from:blocks(plan.rows), room
  local codes <const>, all <const> = read_all(run)
  local names <const> = from.classes or o.names
  local more <const> = { names = names, classes = classes_of(o, plan, names), counts = counts_of(run, codes) }
  parts.split(codes, o.split)
  if not all then return streams(run, o, codes, more, rows) end
  parts.scale(WHERE, plan, o, more, function() return all:sums(codes, more.classes) end)
  return all:sets(codes, more)
end
