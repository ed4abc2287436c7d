--- A report's sections on two classes, a background and a signal.
-- @module hn.report.two

local classes <const> = require "hn.report.classes"
local metrics <const> = require "hn.metrics"
local plot <const> = require "hn.plot"
local shapes <const> = require "hn.report.shapes"

local BOOTSTRAP <const> = 50000 -- samples, at most, for which the area's error is also found by drawing

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
      function(curve) return classes.number("%.4f", curve:efficiency(at)) end)
  end
  for _, at in ipairs { 0.3, 0.5, 0.7, 0.9 } do
    rows[#rows + 1] = curve_row(r, ("background rejection at signal efficiency %.1f"):format(at),
      function(curve) return classes.number("%.5g", curve:rejection(at)) end)
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
      curves[#curves + 1] = shapes.thinned(part, points.background, points.signal, classes.points)
      local inverse <const> = {}
      for k, b in ipairs(points.background) do inverse[k] = 1 / b end
      local rejection <const> = shapes.thinned(part, points.signal, inverse, classes.points,
        function(_, y) return y > 0 and y < math.huge end)
      if #rejection.x > 0 then rejections[#rejections + 1] = rejection end
    end
  end
  curves[#curves + 1] = { name = "chance", style = "curve", x = { 0, 1 }, y = { 0, 1 } }
  r.page:figures {
    plot.line(shapes.sized { title = "ROC curve", x = "background efficiency", y = "signal efficiency",
      series = curves }),
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

local function binary_responses(r)
  local function signal(answers) return answers.probability[2] end
  local rows <const>, takes <const> = {}, {}
  r.page:section "Responses"
  r.result.ks = {}
  for c = 1, 2 do
    r.result.ks[c] = classes.overtraining(r, signal, c)
    rows[c] = { r.names[c], table.unpack(classes.ks_cells(r.result.ks[c])) }
    takes[c] = { r.names[c], function(answers, i) return answers.label[i] == c end }
  end
  if r.answers.train then
    r.page:note("A Kolmogorov–Smirnov test compares the responses to the training and to the test samples. A small "
      .. "probability means that the network answers differently to what it was trained on.")
    r.page:table({ "class", "distance", "probability" }, rows)
  end
  classes.densities(r, "Response", "probability of " .. r.names[2], signal, takes)
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
  local curve <const> = shapes.thinned("significance", found.cut, found.significance, classes.points)
  local best <const> = { name = "best cut", style = "points", x = { found.best.cut }, y = { found.best.significance } }
  r.page:figures { plot.line(shapes.sized { title = "Significance", x = "cut on the probability of " .. r.names[2],
    y = "S / √(S + B)", series = { curve, best } }),
    function() r.page:table({ "", "" }, rows) end }
end

--- The sections; the second class is signal.
return function(r)
  r.curves = {}
  for _, part in ipairs(r.parts) do r.curves[part] = classes.curve(r.answers[part], 2) end
  classes.samples(r)
  roc_section(r)
  binary_responses(r)
  significance_section(r)
  classes.calibration(r, "probability of " .. r.names[2], r.answers.test.probability[2],
    classes.one_against_rest(r.answers.test, 2))
  classes.confusion(r)
end
