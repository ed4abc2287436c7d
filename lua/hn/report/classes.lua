--- A report's sections on classes, of two as of more.
-- @module hn.report.classes

local metrics <const> = require "hn.metrics"
local plot <const> = require "hn.plot"
local shapes <const> = require "hn.report.shapes"
local text <const> = require "hn.text"

local classes <const> = {
  points = 300, -- of a curve, at most
}

--- A number as text; a dash where it is none.
function classes.number(format, v) return v == v and math.abs(v) < math.huge and format:format(v) or "–" end

--- The labels of a part's samples as 0 and 1: whether they are of class c.
function classes.one_against_rest(answers, c)
  local labels <const> = {}
  for i, label in ipairs(answers.label) do labels[i] = label == c and 1 or 0 end
  return labels
end

--- The sum of the weights of class c, and the number of its samples.
function classes.sizes(answers, c)
  local sum, n = 0, 0
  for i, label in ipairs(answers.label) do
    if label == c then sum, n = sum + answers.weight[i], n + 1 end
  end
  return sum, n
end

--- The curve of class c against the rest; nil where a side weighs nothing.
function classes.curve(answers, c)
  local own, all = (classes.sizes(answers, c)), 0
  for _, w in ipairs(answers.weight) do all = all + w end
  if own <= 0 or all - own <= 0 then return nil end
  return metrics.roc(answers.probability[c], classes.one_against_rest(answers, c), answers.weight)
end

--- Class c of test and train by the test of Kolmogorov and Smirnov: of `response(answers)`, a list; or nil.
function classes.overtraining(r, response, c)
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

--- The two cells of a test's distance and probability.
function classes.ks_cells(ks)
  return ks and { ("%.4f"):format(ks.distance), ("%.3g"):format(ks.probability) } or { "–", "–" }
end

--- The samples of each class.
function classes.samples(r)
  local head <const>, rows <const> = { "class" }, {}
  for _, part in ipairs(r.parts) do
    head[#head + 1] = part .. ", samples"
    if r[part].weight then head[#head + 1] = part .. ", weight" end
  end
  for c, name in ipairs(r.names) do
    rows[c] = { name }
    for _, part in ipairs(r.parts) do
      local sum <const>, n <const> = classes.sizes(r.answers[part], c)
      table.insert(rows[c], text.count(n))
      if r[part].weight then table.insert(rows[c], ("%.6g"):format(sum)) end
    end
  end
  r.page:section "Samples"
  r.page:table(head, rows)
end

--- Densities of a response: test as steps, train as points; `takes` is a list of { name, take(answers, i) }.
function classes.densities(r, title, x, response, takes)
  local series <const> = {}
  for _, part in ipairs(r.parts) do
    local answers <const> = r.answers[part]
    for k, one in ipairs(takes) do
      local name <const>, style <const> = one[1] and one[1] .. ", " .. part or part, shapes.styles[part]
      local s <const> = shapes.density(name, style, response(answers), answers.weight, 0, 1, r.options.bins,
        function(i) return one[2](answers, i) end)
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

--- What is predicted beside what happens, on the test samples.
-- @param labels 0 and 1; where all are equal there is nothing to compare
function classes.calibration(r, what, probability, labels)
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

--- The confusion matrix of the test samples.
function classes.confusion(r)
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

return classes
