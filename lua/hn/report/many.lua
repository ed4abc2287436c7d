--- A report's sections on more than two classes.
-- @module hn.report.many

local classes <const> = require "hn.report.classes"
local plot <const> = require "hn.plot"
local shapes <const> = require "hn.report.shapes"

local COLOURS <const> = 7 -- that hn.plot has

local function class_rows(r)
  local a <const>, predicted <const>, right <const>, rows <const> = r.answers.test, {}, {}, {}
  for i, label in ipairs(a.label) do
    local p <const> = a.predicted[i]
    predicted[p] = (predicted[p] or 0) + a.weight[i]
    if p == label then right[p] = (right[p] or 0) + a.weight[i] end
  end
  for c, name in ipairs(r.names) do
    local curve <const>, hits <const> = r.class_curves[c], right[c] or 0
    rows[c] = { name, classes.number("%.4f", hits / (classes.sizes(a, c))),
      classes.number("%.4f", hits / (predicted[c] or 0)),
      curve and ("%.5f ± %.5f"):format(curve.area, curve.error) or "–",
      table.unpack(classes.ks_cells(classes.overtraining(r, function(answers) return answers.probability[c] end, c))) }
  end
  return rows
end

--- The curves of the classes with the least area, as many as there are colours.
local function class_figure(r)
  local order <const>, series <const> = {}, {}
  for c in ipairs(r.names) do order[#order + 1] = r.class_curves[c] and c end
  table.sort(order, function(a, b)
    local p <const>, q <const> = r.class_curves[a].area, r.class_curves[b].area
    return p == q and a < b or p < q
  end)
  for k = 1, math.min(#order, COLOURS) do
    local points <const> = r.class_curves[order[k]].points
    series[k] = shapes.thinned(r.names[order[k]], points.background, points.signal, classes.points)
  end
  local some <const> = #order > COLOURS and (", the %d of least area"):format(COLOURS) or ""
  return #series > 0 and plot.line(shapes.sized({ title = "ROC curves against the rest" .. some,
    x = "efficiency of the rest", y = "efficiency", series = series }, 400))
end

local function many_section(r)
  local head <const> = { "class", "efficiency", "purity", "ROC area against the rest" }
  r.class_curves = {}
  for c in ipairs(r.names) do r.class_curves[c] = classes.curve(r.answers.test, c) end
  local rows <const> = class_rows(r)
  for _, row in ipairs(rows) do
    if not r.answers.train then row[5], row[6] = nil, nil end
  end
  if r.answers.train then head[5], head[6] = "train–test distance", "its probability" end
  r.result.classes = r.class_curves
  r.page:section "Classes"
  r.page:table(head, rows)
  r.page:figures { class_figure(r) }
end

--- The probability of each sample's own class.
local function of_right(answers)
  local list <const> = {}
  for i, label in ipairs(answers.label) do list[i] = answers.probability[label][i] end
  return list
end

local function many_responses(r)
  r.page:section "Responses"
  r.result.ks = classes.overtraining(r, of_right)
  if r.result.ks then
    r.page:note(("Training and test samples by the Kolmogorov–Smirnov test: distance %s, probability %s."):format(
      table.unpack(classes.ks_cells(r.result.ks))))
  end
  classes.densities(r, "Response", "probability of the right class", of_right, { { nil, function() return true end } })
end

local function confidence(answers)
  local highest <const>, right <const> = {}, {}
  for i, c in ipairs(answers.predicted) do
    highest[i], right[i] = answers.probability[c][i], c == answers.label[i] and 1 or 0
  end
  return highest, right
end

--- The sections.
return function(r)
  classes.samples(r)
  many_section(r)
  many_responses(r)
  classes.calibration(r, "probability of the predicted class", confidence(r.answers.test))
  classes.confusion(r)
end
