--- Tables of a study's log: mean ± standard deviation of the final runs' test errors in %, the paper's in brackets.

local grid <const> = require "study.grid"
local methods <const> = require "study.methods"
local paper <const> = require "study.paper"

local report <const> = {}

--- "2.51 ± 0.04", of one value without deviation, "-" of none; trainings that diverged are told apart.
function report.statistics(values)
  local sum, squares, n = 0, 0, 0
  for _, value in ipairs(values) do
    if value == value then sum, n = sum + value, n + 1 end
  end
  for _, value in ipairs(values) do
    if value == value then squares = squares + (value - sum / n) ^ 2 end
  end
  local parts <const> = {}
  if n > 0 then parts[1] = ("%.2f"):format(sum / n) end
  if n > 1 then parts[1] = ("%s ± %.2f"):format(parts[1], math.sqrt(squares / (n - 1))) end
  if n < #values then parts[#parts + 1] = ("%d diverged"):format(#values - n) end
  return #parts > 0 and table.concat(parts, ", ") or "-"
end

--- Final runs with the options' samples and epochs, by a text for each cell.
local function final_runs(o, runs)
  local by_cell <const> = {}
  for _, run in ipairs(runs) do
    if run.stage == "final" and run.samples == o.samples and run.epochs == o.epochs and runs[run.key] == run then
      local cell <const> = report.cell_text(run)
      by_cell[cell] = by_cell[cell] or {}
      table.insert(by_cell[cell], run)
    end
  end
  return by_cell
end

--- What tells cells apart.
function report.cell_text(cell)
  return ("%s %s %d %d %s"):format(cell.set, cell.method, cell.layers, cell.width, cell.storage)
end

--- What a table says of a cell: errors, the paper's, stored weights.
local function entry(by_cell, cell, published)
  local found <const>, values <const> = by_cell[report.cell_text(cell)] or {}, {}
  for k, run in ipairs(found) do values[k] = run.error end
  local text = report.statistics(values)
  if published then text = ("%s (%.2f)"):format(text, published) end
  return text, found[1] and found[1].stored or nil
end

local function print_row(cells) print("| " .. table.concat(cells, " | ") .. " |") end

--- One table: a row for each of `rows` { title =, cell = function(method), published = function(method) }.
local function print_table(title, first, names, rows, by_cell)
  local lines <const>, least, most = {}, math.huge, 0
  local filled = false
  for _, row in ipairs(rows) do
    local cells <const> = { row.title }
    local any = false
    for _, name in ipairs(names) do
      local text <const>, stored <const> = entry(by_cell, row.cell(name), row.published(name))
      cells[#cells + 1], any = text, any or stored ~= nil
      if stored and name ~= "full" then least, most = math.min(least, stored), math.max(most, stored) end
    end
    if any then lines[#lines + 1] = cells end
    filled = filled or any
  end
  if not filled then return end
  local range <const> = least == most and ("%d"):format(most) or ("%d to %d"):format(least, most)
  print(("\n%s; %s stored weights\n"):format(title, most > 0 and range or "all"))
  print_row { first, table.unpack(names) }
  print("|" .. (" --- |"):rep(#names + 1))
  for _, cells in ipairs(lines) do print_row(cells) end
end

local function field(t, ...)
  for _, key in ipairs { ... } do t = t and t[key] end
  return t
end

local function print_compression(o, by_cell)
  for _, layers in ipairs(o.layers) do
    for _, storage in ipairs(o.storages) do
      local rows <const> = {}
      for k, set in ipairs(o.sets) do
        rows[k] = {
          title = set,
          cell = function(method)
            if method == "full" then return grid.teacher { set = set, layers = layers } end
            return { set = set, method = method, layers = layers, width = 1000, storage = storage }
          end,
          published = function(method) return field(paper, layers, storage, set, method) end,
        }
      end
      print_table(("%d layers at %s"):format(layers, storage), "set", o.methods, rows, by_cell)
    end
  end
end

local function print_inflation(o, by_cell)
  for _, set in ipairs(o.sets) do
    for _, layers in ipairs(o.layers) do
      local rows <const> = {}
      for k, factor in ipairs(grid.expansions) do
        rows[k] = {
          title = factor .. "x",
          cell = function(method)
            return { set = set, method = method, layers = layers, width = grid.UNITS * factor,
              storage = "dense " .. grid.UNITS }
          end,
          published = function(method)
            return set == "mnist" and field(paper.inflation, layers, factor, method) or nil
          end,
        }
      end
      local title <const> = ("%s, %d layers, the storage of %d units a layer"):format(set, layers, grid.UNITS)
      print_table(title, "width", o.methods, rows, by_cell)
    end
  end
end

--- Prints the tables of the options' grid, and the hours that its runs took.
function report.print(o, runs)
  local by_cell <const>, seconds = final_runs(o, runs), 0
  for _, run in ipairs(runs) do seconds = seconds + run.seconds end
  print(("Test error in %%, mean ± standard deviation (the paper's); %d runs, %.1f hours of computing"):format(#runs,
    seconds / 3600))
  if o.inflation then print_inflation(o, by_cell) else print_compression(o, by_cell) end
  print ""
  for _, name in ipairs(o.methods) do print(("%s: %s"):format(name, methods.known[name].note)) end
end

return report
