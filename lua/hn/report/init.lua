--- One page of HTML that tells how good a network is.
-- @module hn.report

local ask <const> = require "hn.report.answers"
local core <const> = require "hn.core"
local inputs <const> = require "hn.report.inputs"
local kinds <const> = require "hn.kinds"
local losses <const> = require "hn.loss"
local many <const> = require "hn.report.many"
local network <const> = require "hn.report.network"
local new_page <const> = require "hn.report.page"
local options <const> = require "hn.options"
local output <const> = require "hn.output"
local regression <const> = require "hn.report.regression"
local set <const> = require "hn.data.set"
local text <const> = require "hn.text"
local two <const> = require "hn.report.two"

local Result <const> = {}

function Result:__tostring()
  local parts <const> = { ("%s: loss %.4f"):format(self.path, self.loss) }
  if self.error then parts[#parts + 1] = "error " .. text.percent(self.error) end
  if self.roc then parts[#parts + 1] = ("AUC %.4f ± %.4f"):format(self.roc.area, self.roc.error) end
  return table.concat(parts, ", ")
end

local check <const> = options.declare("hn.report", {
  train = { "data|table" },
  title = { "string", default = "Report" },
  names = { "table" },
  loss = losses.rule,
  batch = { "integer", default = 1000, least = 1 },
  bins = { "integer", default = 40, least = 1, most = 1000 },
  signal = { "number", above = 0 },
  background = { "number", above = 0 },
  inputs = { "integer", default = 50, least = 0 },
  repeats = { "integer", default = 3, least = 1 },
  history = { "table", convert = function(value) return type(value.loss) == "table" and value or nil end,
    expected = "what hn.fit returned" },
  settings = { "table", default = {} },
})

--- The classes' names, or those of outputs that are given.
local function names_of(given, data, count)
  if given and #given ~= count then
    core.fail("argument", "hn.report: names: expected %d of them, got %d", count, #given)
  end
  local names <const> = given or data.names or count == 2 and not data.classes and { "background", "signal" } or {}
  local list <const> = {}
  for c = 1, count do list[c] = tostring(names[c] or "class " .. c) end
  return list
end

local function overview(r)
  local head <const>, rows <const> = { "" }, { { "samples" }, { "loss" } }
  for _, part in ipairs(r.parts) do
    local answers <const> = r.answers[part]
    head[#head + 1] = part
    table.insert(rows[1], text.count(#answers.weight))
    table.insert(rows[2], ("%.5f"):format(answers.loss))
    if answers.error then
      rows[3] = rows[3] or { "error" }
      table.insert(rows[3], text.percent(answers.error))
    end
  end
  r.page:table(head, rows)
end

local function fill(r)
  overview(r)
  local sections <const> = r.task == "regression" and regression or #r.names == 2 and two or many
  sections(r)
  inputs.sections(r)
  network.training(r)
  network.layers(r)
  network.settings(r)
end

--- Writes the page into a folder, which is made if it is not there; one that was made goes again if that fails.
local function write(folder, path, html)
  local quoted <const> = "'" .. folder:gsub("'", "'\\''") .. "'"
  local made <const> = not os.rename(folder, folder)
  if made and not os.execute("mkdir -- " .. quoted .. " 2>/dev/null") then
    core.fail("file", "hn.report: folder: '%s' cannot be made", folder)
  end
  local function whole(put) put(html) end
  local ok <const>, message <const> = pcall(output, { { path = path, fill = whole } }, "hn.report")
  if ok then return end
  if made then os.remove(folder) end
  error(message, 0)
end

local function checked_arguments(net, folder)
  if kinds.of(net) ~= "module" then
    core.fail("argument", "hn.report: net: expected a module, got %s", kinds.describe(net))
  end
  if type(folder) ~= "string" or folder == "" or folder:find "\0" then
    core.fail("argument", "hn.report: folder: expected a name, got %s", kinds.describe(folder))
  end
  core.unlimited "hn.report: folder" -- a script that may not run programs could change what is run
  return #folder > 1 and folder:gsub("/+$", "") or folder
end

--- Writes `index.html` into a folder (made if it is not there): how good a network is on a test set, with tables and
-- pictures (by gnuplot, else as text), on one page that needs no other file and no network. It is written whole or,
-- after an error, not at all. Of two classes it tells the ROC curve, responses, significance, calibration and
-- confusion; of more, those of each against the rest; of a regression, the residuals; and of all, the inputs'
-- importance and correlations, the network's layers and memory, the settings. Classes are those of `test`, or 0 and 1
-- with the loss bce; of two, the second is signal. Inputs have the names in the field `columns` of `test`, or numbers.
-- Negative weights: as hn.metrics has them.
--
-- Options: `train`, the set that the network was trained with, for comparison with `test`: differences are
-- overtraining; `title`; `names` of the classes or outputs (those of the set); `loss` (what hn.fit trained with);
-- `batch` (1000), samples at a time; `bins` (40) of histograms; `signal` and `background`, the expected numbers of
-- events for the significance (the sums of weights in `test`); `inputs` (50), the most inputs for which importance and
-- correlations are told; `repeats` (3), how often each input is dealt out for its importance; `history`, of hn.fit, for
-- the course of training; `settings`, a table of further names and values to be listed.
--
-- Memory holds the outputs for all samples, and one minibatch. Returns { path =, loss =, error =, ... } with what the
-- page tells as hn.metrics gave it: `roc`, `ks`, `significance`, `calibration`, `confusion`, `classes`, `outputs`,
-- `importance`, `correlation`. Printing shows the first of them.
--
--     hn.report(net, test, "report/", { train = train, history = history })
return function(net, test, folder, given)
  folder = checked_arguments(net, folder)
  local o <const> = check(given)
  local r <const> = { net = net, options = o, parts = { "test" }, answers = {}, page = new_page(o.title) }
  r.test, r.train = set.of("hn.report: test", test), o.train and set.of("hn.report: train", o.train)
  o.loss = o.loss or losses.remembered(net)
  for _, part in ipairs { "test", "train" } do
    if r[part] then
      local found <const> = losses.find("hn.report: " .. part, o.loss, r[part])
      r.loss, r.answers[part] = found.name, ask(net, r[part], found, o.batch)
    end
  end
  if r.train then r.parts[2] = "train" end
  local answers <const> = r.answers.test
  r.task, r.result = answers.task, { path = folder .. "/index.html", loss = answers.loss, error = answers.error }
  r.names = r.task == "classes" and names_of(o.names, r.test, #answers.probability) or o.names
  fill(r)
  write(folder, r.result.path, r.page:html())
  return setmetatable(r.result, Result)
end
