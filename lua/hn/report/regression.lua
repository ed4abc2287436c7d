--- A report's sections on a regression.
-- @module hn.report.regression

local metrics <const> = require "hn.metrics"
local plot <const> = require "hn.plot"
local shapes <const> = require "hn.report.shapes"

local POINTS <const> = 1500 -- of a figure, at most
local FIGURES <const> = 6 -- outputs, at most, that have figures

--- Weighted mean and deviation.
local function moments(values, weight)
  local sum, all, squares = 0, 0, 0
  for i, v in ipairs(values) do sum, all = sum + weight[i] * v, all + weight[i] end
  local mean <const> = sum / all
  for i, v in ipairs(values) do squares = squares + weight[i] * (v - mean) ^ 2 end
  return mean, math.sqrt(math.max(0, squares / all))
end

--- What is measured of output k on a part.
local function measures(answers, k)
  local residual <const>, size <const>, pairs_of <const> = {}, {}, {}
  for i, answer in ipairs(answers.answer[k]) do
    local target <const> = answers.target[k][i]
    residual[i], size[i], pairs_of[i] = answer - target, math.abs(answer - target), { answer, target }
  end
  local bias <const>, scatter <const> = moments(residual, answers.weight)
  local _, spread <const> = moments(answers.target[k], answers.weight)
  local rmse <const> = math.sqrt(bias ^ 2 + scatter ^ 2)
  return {
    residual = residual, bias = bias, scatter = scatter, rmse = rmse, mae = (moments(size, answers.weight)),
    determination = 1 - rmse ^ 2 / spread ^ 2, correlation = metrics.correlation(pairs_of, answers.weight)[1][2],
  }
end

local columns <const> = {
  { "rmse", "root mean square of residuals" }, { "bias", "mean residual" }, { "scatter", "residuals' deviation" },
  { "mae", "mean |residual|" }, { "determination", "R²" }, { "correlation", "correlation" },
}

local function figures(r, name, k, of)
  local test <const>, series <const> = r.answers.test, {}
  local half <const> = of.test.scatter > 0 and 4 * of.test.scatter or 1
  local low <const>, high <const> = of.test.bias - half, of.test.bias + half
  for i, part in ipairs(r.parts) do
    series[i] = shapes.density(part, shapes.styles[part], of[part].residual, r.answers[part].weight, low, high,
      r.options.bins)
  end
  local least, most = math.huge, -math.huge
  for _, target in ipairs(test.target[k]) do least, most = math.min(least, target), math.max(most, target) end
  local points <const> = shapes.thinned("test", test.target[k], test.answer[k], POINTS)
  points.style = "points"
  r.page:figures {
    plot.line(shapes.sized { title = "Residuals" .. name, x = "answer - target", y = "density", series = series }),
    plot.line(shapes.sized { title = "Answers" .. name, x = "target", y = "answer",
      series = { points, { name = "equal", style = "curve", x = { least, most }, y = { least, most } } } }),
  }
end

--- The sections, for every output.
return function(r)
  local head <const>, rows <const>, outputs <const> = { "" }, {}, #r.answers.test.answer
  for c, column in ipairs(columns) do head[c + 1] = column[2] end
  r.result.outputs = {}
  for k = 1, outputs do
    r.result.outputs[k] = {}
    for _, part in ipairs(r.parts) do
      local of <const>, row <const> = measures(r.answers[part], k), { part }
      if outputs > 1 then row[1] = (r.names and r.names[k] or "output " .. k) .. ", " .. part end
      for c, column in ipairs(columns) do row[c + 1] = ("%.5g"):format(of[column[1]]) end
      r.result.outputs[k][part], rows[#rows + 1] = of, row
    end
  end
  r.page:section "Residuals"
  r.page:table(head, rows)
  for k, of in ipairs(r.result.outputs) do
    local test <const>, train <const> = of.test, of.train
    local ks <const> = train and metrics.ks(test.residual, train.residual, r.answers.test.weight,
      r.answers.train.weight)
    local name <const> = outputs > 1 and ", " .. (r.names and r.names[k] or "output " .. k) or ""
    if ks then
      r.page:note(("Residuals of training and test samples%s by the Kolmogorov–Smirnov test: distance %.4f, "
        .. "probability %.3g."):format(name, ks.distance, ks.probability))
    end
    of.ks = ks
    if k <= FIGURES then figures(r, name, k, of) end
  end
end
