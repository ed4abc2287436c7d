--- A report's sections on classes: two of them, a background and a signal, or more.
-- @module hn.report.classes

local metrics <const> = require "hn.metrics"
local plot <const> = require "hn.plot"
local shapes <const> = require "hn.report.shapes"
local text <const> = require "hn.text"

local classes <const> = {}

local POINTS <const> = 300 -- of a curve, at most
local COLOURS <const> = 7 -- that hn.plot has
local BOOTSTRAP <const> = 50000 -- samples, at most, for which the area's error is also found by drawing

local function number(format, v) return v == v and math.abs(v) < math.huge and format:format(v) or "–" end

--- The labels of a part's samples as 0 and 1: whether they are of class c.
local function one_against_rest(answers, c)
  local labels <const> = {}
  for i, label in ipairs(answers.label) do labels[i] = label == c and 1 or 0 end
  return labels
end

--- The sum of weights of each class, and the number of samples.
local function sizes(answers, c)
  local sum, n = 0, 0
  for i, label in ipairs(answers.label) do
    if label == c then sum, n = sum + answers.weight[i], n + 1 end
  end
  return sum, n
end

--- The curve of class c against the rest; nil where a side weighs nothing.
local function curve_of(answers, c)
  local own, all = (sizes(answers, c)), 0
  for _, w in ipairs(answers.weight) do all = all + w end
  if own <= 0 or all - own <= 0 then return nil end
  return metrics.roc(answers.probability[c], one_against_rest(answers, c), answers.weight)
end

--- Class c of test and train by the test of Kolmogorov and Smirnov: of `response(answers)`, a list; or nil.
local function overtraining(r, response, c)
  local function part(answers)
    local values <const>, weights <const>, sum, of <const> = {}, {}, 0, response(answers)
    for i, label in ipairs(answers.label) do
      if not c or label == c then
        values[#values + 1], weights[#weights + 1], sum = of[i], answers.weight[i], sum + answers.weight[i]
      end
    end
    return values, weights, sum
  end
  if not r.answers.train then return nil end
  local a <const>, wa <const>, sum_a <const> = part(r.answers.test)
  local b <const>, wb <const>, sum_b <const> = part(r.answers.train)
  return sum_a > 0 and sum_b > 0 and metrics.ks(a, b, wa, wb) or nil
end

local function ks_cells(ks) return ks and { ("%.4f"):format(ks.distance), ("%.3g"):format(ks.probability) } or { "–", "–" } end

local function samples_section(r)
  local head <const>, rows <const> = { "class" }, {}
  for _, part in ipairs(r.parts) do
    head[#head + 1] = part .. ", samples"
    if r[part].weight then head[#head + 1] = part .. ", weight" end
  end
  for c, name in ipairs(r.names) do
    rows[c] = { name }
    for _, part in ipairs(r.parts) do
      local sum <const>, n <const> = sizes(r.answers[part], c)
      table.insert(rows[c], text.count(n))
      if r[part].weight then table.insert(rows[c], ("%.6g"):format(sum)) end
    end
  end
  r.page:section "Samples"
  r.page:table(head, rows)
end

--- An efficiency or a rejection of each part's curve.
local function curve_row(r, title, read)
  local row <const> = { title }
  for _, part in ipairs(r.parts) do
    local curve <const> = r.curves[part]
    row[#row + 1] = curve and read(curve) or "–"
  end
  return row
end

local function bootstrap_row(r)
  local row <const> = { "area's error, bootstrap" }
  for k, part in ipairs(r.parts) do
    local a <const> = r.answers[part]
    local drawn <const> = r.curves[part] and #a.label <= BOOTSTRAP
      and metrics.bootstrap(a.probability[2], a.label, a.weight, { n = 100 })
    row[k + 1] = drawn and ("%.5f"):format(drawn.deviation) or "–"
  end
  return row
end

local function roc_rows(r)
  local rows <const> = {
    curve_row(r, "area", function(curve) return ("%.5f"):format(curve.area) end),
    curve_row(r, "area's error, Hanley and McNeil", function(curve) return ("%.5f"):format(curve.error) end),
    bootstrap_row(r),
  }
  for _, at in ipairs { 0.01, 0.1, 0.3 } do
    rows[#rows + 1] = curve_row(r, ("signal efficiency at background efficiency %.2f"):format(at),
      function(curve) return number("%.4f", curve:efficiency(at)) end)
  end
  for _, at in ipairs { 0.3, 0.5, 0.7, 0.9 } do
    rows[#rows + 1] = curve_row(r, ("background rejection at signal efficiency %.1f"):format(at),
      function(curve) return number("%.5g", curve:rejection(at)) end)
  end
  rows[#rows + 1] = { "separation" }
  for _, part in ipairs(r.parts) do
    local a <const> = r.answers[part]
    table.insert(rows[#rows], r.curves[part] and ("%.4f"):format(metrics.separation(a.probability[2], a.label, a.weight,
      { bins = r.options.bins })) or "–")
  end
  return rows
end

local function roc_figures(r)
  local curves <const>, rejections <const> = {}, {}
  for _, part in ipairs(r.parts) do
    local points <const> = r.curves[part] and r.curves[part].points
    if points then
      curves[#curves + 1] = shapes.thinned(part, points.background, points.signal, POINTS)
      local inverse <const> = {}
      for k, b in ipairs(points.background) do inverse[k] = 1 / b end
      local rejection <const> = shapes.thinned(part, points.signal, inverse, POINTS,
        function(_, y) return y > 0 and y < math.huge end)
      if #rejection.x > 0 then rejections[#rejections + 1] = rejection end
    end
  end
  curves[#curves + 1] = { name = "chance", style = "curve", x = { 0, 1 }, y = { 0, 1 } }
  r.page:figures {
    plot.line(shapes.sized { title = "ROC curve", x = "background efficiency", y = "signal efficiency", series = curves }),
    #rejections > 0 and plot.line(shapes.sized { title = "Background rejection", x = "signal efficiency",
      y = "1 / background efficiency", logy = true, series = rejections }),
  }
end

local function roc_section(r)
  r.page:section "ROC curve"
  r.result.roc = r.curves.test
  if not r.curves.test then return r.page:note "The test samples of one class weigh nothing: there is no curve." end
  r.page:table({ "", table.unpack(r.parts) }, roc_rows(r))
  roc_figures(r)
end

--- Densities of a response: test as steps, train as points; `takes` is a list of { name, take(answers, i) }.
local function densities(r, title, x, response, takes)
  local series <const> = {}
  for _, part in ipairs(r.parts) do
    local answers <const> = r.answers[part]
    for k, one in ipairs(takes) do
      local s <const> = shapes.density(one[1] and one[1] .. ", " .. part or part, part == "test" and "steps" or "points",
        response(answers), answers.weight, 0, 1, r.options.bins, function(i) return one[2](answers, i) end)
      s.colour = k
      if s.y[1] == s.y[1] then series[#series + 1] = s end
    end
  end
  local function figure(log)
    return plot.line(shapes.sized { title = title .. (log and ", logarithmic" or ""), x = x, y = "density",
      series = series, logy = log })
  end
  if #series > 0 then r.page:figures { figure(false), figure(true) } end
end

local function binary_responses(r)
  local function signal(answers) return answers.probability[2] end
  local rows <const>, takes <const> = {}, {}
  r.page:section "Responses"
  r.result.ks = {}
  for c = 1, 2 do
    r.result.ks[c] = overtraining(r, signal, c)
    rows[c] = { r.names[c], table.unpack(ks_cells(r.result.ks[c])) }
    takes[c] = { r.names[c], function(answers, i) return answers.label[i] == c end }
  end
  if r.answers.train then
    r.page:note("A Kolmogorov–Smirnov test compares the responses to the training and to the test samples. A small "
      .. "probability means that the network answers differently to what it was trained on.")
    r.page:table({ "class", "distance", "probability" }, rows)
  end
  densities(r, "Response", "probability of " .. r.names[2], signal, takes)
end

local function significance_section(r)
  if not r.curves.test then return end
  local a <const>, o <const> = r.answers.test, r.options
  local found <const> = metrics.significance(a.probability[2], a.label, a.weight,
    { signal = o.signal, background = o.background })
  r.result.significance = found
  r.page:section "Significance"
  local rows <const> = {
    { "expected signal", ("%.6g"):format(o.signal or r.curves.test.signals) },
    { "expected background", ("%.6g"):format(o.background or r.curves.test.backgrounds) },
    { "best cut", ("%.6g"):format(found.best.cut) },
    { "S / √(S + B) there", ("%.5g"):format(found.best.significance) },
    { "S there", ("%.6g"):format(found.best.signal) }, { "B there", ("%.6g"):format(found.best.background) },
  }
  local best <const> = { name = "best cut", style = "points", x = { found.best.cut }, y = { found.best.significance } }
  r.page:figures { plot.line(shapes.sized { title = "Significance", x = "cut on the probability of " .. r.names[2],
    y = "S / √(S + B)", series = { shapes.thinned("significance", found.cut, found.significance, POINTS), best } }),
    function() r.page:table({ "", "" }, rows) end }
end

--- @param labels 0 and 1; where all are equal there is nothing to compare
local function calibration_section(r, what, probability, labels)
  local seen <const> = {}
  for i, label in ipairs(labels) do seen[label] = (seen[label] or 0) + r.answers.test.weight[i] end
  if (seen[0] or 0) <= 0 or (seen[1] or 0) <= 0 then return end
  local found <const>, rows <const> = metrics.calibration(probability, labels, r.answers.test.weight), {}
  r.result.calibration = found
  for k, predicted in ipairs(found.predicted) do
    rows[k] = { ("%.4f"):format(predicted), ("%.4f ± %.4f"):format(found.observed[k], found.deviation[k]),
      ("%.6g"):format(found.weight[k]) }
  end
  r.page:section "Calibration"
  r.page:note(("How often what is predicted happens, by the %s: %s apart on average."):format(what,
    text.percent(found.error)))
  r.page:figures { plot.line(shapes.sized { title = "Calibration", x = what, y = "fraction observed", series = {
    { name = "test", style = "points", x = found.predicted, y = found.observed, error = found.deviation },
    { name = "ideal", style = "curve", x = { 0, 1 }, y = { 0, 1 } },
  } }), function() r.page:table({ "predicted", "observed", "weight" }, rows) end }
end

local function confusion_section(r)
  local a <const> = r.answers.test
  local counts <const>, sums <const> = metrics.confusion(a.predicted, a.label, r.names, a.weight), {}
  for c, row in ipairs(counts) do
    sums[c] = 0
    for _, n in ipairs(row) do sums[c] = sums[c] + n end
  end
  local function share(i, j) return sums[i] > 0 and counts[i][j] / sums[i] or 0 end
  r.result.confusion = counts
  r.page:section "Confusion matrix"
  r.page:note "Rows are the true classes, columns the predicted ones; numbers are samples, by weight."
  r.page:matrix("true \\ predicted", r.names, function(i, j) return ("%.5g"):format(counts[i][j]) end,
    function(i, j) return i == j and share(i, j) or -math.min(1, 2 * share(i, j)) end)
end

local function class_rows(r)
  local a <const>, predicted <const>, right <const>, rows <const> = r.answers.test, {}, {}, {}
  for i, label in ipairs(a.label) do
    local p <const> = a.predicted[i]
    predicted[p] = (predicted[p] or 0) + a.weight[i]
    if p == label then right[p] = (right[p] or 0) + a.weight[i] end
  end
  for c, name in ipairs(r.names) do
    local curve <const>, hits <const> = r.class_curves[c], right[c] or 0
    rows[c] = { name, number("%.4f", hits / (sizes(a, c))), number("%.4f", hits / (predicted[c] or 0)),
      curve and ("%.5f ± %.5f"):format(curve.area, curve.error) or "–",
      table.unpack(ks_cells(overtraining(r, function(answers) return answers.probability[c] end, c))) }
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
    series[k] = shapes.thinned(r.names[order[k]], points.background, points.signal, POINTS)
  end
  return #series > 0 and plot.line(shapes.sized({ x = "efficiency of the rest", y = "efficiency", series = series,
    title = "ROC curves against the rest" .. (#order > COLOURS and (", the %d of least area"):format(COLOURS) or "") }, 400))
end

local function many_section(r)
  local head <const> = { "class", "efficiency", "purity", "ROC area against the rest" }
  r.class_curves = {}
  for c in ipairs(r.names) do r.class_curves[c] = curve_of(r.answers.test, c) end
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
  r.result.ks = overtraining(r, of_right)
  if r.result.ks then
    r.page:note(("Training and test samples by the Kolmogorov–Smirnov test: distance %s, probability %s."):format(
      table.unpack(ks_cells(r.result.ks))))
  end
  densities(r, "Response", "probability of the right class", of_right, { { nil, function() return true end } })
end

local function confidence(answers)
  local highest <const>, right <const> = {}, {}
  for i, c in ipairs(answers.predicted) do
    highest[i], right[i] = answers.probability[c][i], c == answers.label[i] and 1 or 0
  end
  return highest, right
end

--- Two classes, the second of which is signal.
function classes.two(r)
  r.curves = {}
  for _, part in ipairs(r.parts) do r.curves[part] = curve_of(r.answers[part], 2) end
  samples_section(r)
  roc_section(r)
  binary_responses(r)
  significance_section(r)
  calibration_section(r, "probability of " .. r.names[2], r.answers.test.probability[2],
    one_against_rest(r.answers.test, 2))
  confusion_section(r)
end

--- More than two classes.
function classes.many(r)
  samples_section(r)
  many_section(r)
  many_responses(r)
  calibration_section(r, "probability of the predicted class", confidence(r.answers.test))
  confusion_section(r)
end

return classes
