--- What the final runs of a log say of each cell.

local search <const> = require "study.search"

local summary <const> = {}

--- What tells cells apart.
local function cell_text(cell)
  return ("%s %s %d %d %s"):format(cell.set, cell.method, cell.layers, cell.width, cell.storage)
end

--- Number, mean and standard deviation of a cell's errors; trainings that diverged are counted apart.
local function statistics(cell)
  local sum, squares = 0, 0
  for _, value in ipairs(cell.errors) do sum = sum + value end
  cell.n = #cell.errors
  cell.mean = cell.n > 0 and sum / cell.n or nil
  for _, value in ipairs(cell.errors) do squares = squares + (value - cell.mean) ^ 2 end
  cell.deviation = cell.n > 1 and math.sqrt(squares / (cell.n - 1)) or nil
end

--- The setting that a run was made with, as a text.
local function setting_text(run)
  local list <const> = {}
  for k, name in ipairs(search.names) do list[k] = run[name] end
  return table.concat(list, " ")
end

--- A function that finds what the log's final runs with the options' samples and epochs say of a cell: { n =, mean =,
-- deviation = (nil of less than two), diverged =, stored =, errors = all }, or nil where there is none. Of runs with
-- several settings, as after a search of more candidates, the last one's count.
-- @param runs log.read's
function summary.of(o, runs)
  local cells <const> = {}
  for _, run in ipairs(runs) do
    if run.stage == "final" and run.samples == o.samples and run.epochs == o.epochs and runs[run.key] == run then
      local text <const> = cell_text(run)
      local setting <const> = setting_text(run)
      local cell <const> = cells[text] and cells[text].setting == setting and cells[text]
        or { errors = {}, diverged = 0, setting = setting }
      if run.error == run.error then table.insert(cell.errors, run.error) else cell.diverged = cell.diverged + 1 end
      if run.stored > 0 then cell.stored = run.stored end -- 0 where it diverged
      cells[text] = cell
    end
  end
  for _, cell in pairs(cells) do statistics(cell) end
  return function(cell) return cells[cell_text(cell)] end
end

return summary
