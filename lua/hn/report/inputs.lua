--- A report's sections on the inputs: how they hang together, and which of them count.
-- @module hn.report.inputs

local metrics <const> = require "hn.metrics"
local new_moments <const> = require "hn.metrics.moments"

local inputs <const> = {}

local function name_of(data, column) return data.columns and data.columns[column] or tostring(column) end

--- The correlations of each class's samples (of all, where there are none): a list of matrices.
local function correlations(r, width)
  local of <const>, first = {}, 1
  for x, _, weight in r.test:batches { batch = r.options.batch } do
    local n <const>, flat <const> = x:shape()[1], x:read(1, x:size())
    local weights <const> = weight and weight:read(1, n)
    for i = 1, n do
      local c <const> = r.task == "classes" and r.answers.test.label[first] or 1
      of[c] = of[c] or new_moments(width)
      of[c]:add(flat, (i - 1) * width + 1, weights and weights[i] or 1)
      first = first + 1
    end
  end
  local list <const> = {}
  for c, moments in pairs(of) do list[c] = moments:correlation() end
  return list
end

local function correlation_section(r, width)
  local names <const> = {}
  for column = 1, width do names[column] = name_of(r.test, column) end
  r.result.correlation = correlations(r, width)
  r.page:section "Correlations of the inputs"
  r.page:note "Linear correlations in percent, of the test samples. A dash: one of the two does not vary."
  local titles <const> = r.task == "classes" and r.names or { "All samples" }
  for c, title in ipairs(titles) do
    local matrix <const> = r.result.correlation[c]
    if matrix then
      r.page:folded(title, #titles <= 2, function()
        r.page:matrix("", names, function(i, j)
          local v <const> = matrix[i][j]
          return v == v and ("%.0f"):format(100 * v):gsub("^%-0$", "0"):gsub("^%-", "−") or "–"
        end, function(i, j) return matrix[i][j] == matrix[i][j] and matrix[i][j] or 0 end)
      end)
    end
  end
end

local function importance_section(r)
  local o <const>, rows <const> = r.options, {}
  local found <const> = metrics.importance(r.net, r.test, { loss = o.loss, batch = o.batch, repeats = o.repeats })
  r.result.importance = found
  r.page:section "Importance of the inputs"
  r.page:note(("The increase of the loss when an input's values are dealt out anew among the test samples, the mean of "
    .. "%d times. Inputs that tell the same share their importance."):format(o.repeats))
  local most <const> = math.max(found[1].loss, 1e-300)
  for k, one in ipairs(found) do
    rows[k] = { one.name, r.page.bar(one.loss / most), ("%+.5f ± %.5f"):format(one.loss, one.deviation),
      one.error and ("%+.2f %%"):format(100 * one.error) or nil }
  end
  r.page:table({ "input", "", "loss", found.error and "error" or nil }, rows)
end

--- The sections; left out, with a word why, where inputs are no numbers or too many.
function inputs.sections(r)
  local x <close> = r.test:rows(1, 1)
  local width <const> = x:size()
  if x:dtype() ~= "float" or width > r.options.inputs then
    r.page:section "Inputs"
    return r.page:note(x:dtype() ~= "float" and "They are no numbers: correlations and importance are left out."
      or ("There are %d: correlations and importance are left out of a report on more than %d (option inputs).")
      :format(width, r.options.inputs))
  end
  importance_section(r)
  if width > 1 then correlation_section(r, width) end
end

return inputs
