--- Tables of a study's log: mean ± standard deviation of the final runs' test errors in %, the paper's in brackets.

local grid <const> = require "study.grid"
local methods <const> = require "study.methods"
local paper <const> = require "study.paper"
local summary <const> = require "study.summary"

local report <const> = {}

--- "2.51 ± 0.04", of one value without deviation, "-" of none; trainings that diverged are told apart.
local function text_of(found)
  if not found then return "-" end
  local parts <const> = {}
  if found.mean then parts[1] = ("%.2f"):format(found.mean) end
  if found.deviation then parts[1] = ("%s ± %.2f"):format(parts[1], found.deviation) end
  if found.diverged > 0 then parts[#parts + 1] = found.diverged .. " diverged" end
  return table.concat(parts, ", ")
end

local function print_row(cells) print("| " .. table.concat(cells, " | ") .. " |") end

--- The least and the most numbers that the table's networks store; the full ones, which come beside them, left out.
local function stored_text(rows, names)
  local least, most
  for _, row in ipairs(rows) do
    for _, name in ipairs(names) do
      local stored <const> = name ~= "full" and (row.found[name] or {}).stored
      if stored then least, most = math.min(least or stored, stored), math.max(most or stored, stored) end
    end
  end
  if not least then return "" end
  return least == most and ("; %d stored weights"):format(least)
    or ("; %d to %d stored weights"):format(least, most)
end

--- Methods that the paper has, or the rows.
local function columns_of(rows, names)
  local list <const> = {}
  for _, name in ipairs(names) do
    local any = false
    for _, row in ipairs(rows) do any = any or row.found[name] or row.published(name) end
    if any then list[#list + 1] = name end
  end
  return list
end

--- One table of rows { title =, cell = function(method), published = function(method) }; of those without a result,
-- none.
local function print_table(title, first, names, all, find)
  local rows <const> = {}
  for _, row in ipairs(all) do
    row.found = {}
    for _, name in ipairs(names) do row.found[name] = find(row.cell(name)) end
    if next(row.found) then rows[#rows + 1] = row end
  end
  if #rows == 0 then return end
  local columns <const> = columns_of(rows, names)
  print(("\n%s%s\n"):format(title, stored_text(rows, names)))
  print_row { first, table.unpack(columns) }
  print("|" .. (" --- |"):rep(#columns + 1))
  for _, row in ipairs(rows) do
    local cells <const> = { row.title }
    for _, name in ipairs(columns) do
      local published <const> = row.published(name)
      cells[#cells + 1] = text_of(row.found[name]) .. (published and (" (%.2f)"):format(published) or "")
    end
    print_row(cells)
  end
end

--- A table's cell in the grid of compressions.
local function compressed(set, layers, storage, method)
  if method == "full" then return grid.teacher { set = set, layers = layers } end
  return { set = set, method = method, layers = layers, width = grid.WIDTH, storage = storage }
end

local function print_compression(o, find)
  for _, layers in ipairs(o.layers) do
    for _, storage in ipairs(o.storages) do
      local rows <const> = {}
      for k, set in ipairs(o.sets) do
        rows[k] = {
          title = set,
          cell = function(method) return compressed(set, layers, storage, method) end,
          published = function(method) return paper.error(layers, storage, set, method) end,
        }
      end
      print_table(("%d layers at %s"):format(layers, storage), "set", o.methods, rows, find)
    end
  end
end

local function print_inflation(o, find)
  for _, set in ipairs(o.sets) do
    for _, layers in ipairs(o.layers) do
      local rows <const> = {}
      for k, factor in ipairs(grid.expansions) do
        rows[k] = {
          title = factor .. "x",
          cell = function(method)
            return { set = set, method = method, layers = layers, width = grid.UNITS * factor,
              storage = grid.INFLATED }
          end,
          published = function(method) return set == "mnist" and paper.inflated(layers, factor, method) or nil end,
        }
      end
      local title <const> = ("%s, %d layers, the storage of %d units a layer"):format(set, layers, grid.UNITS)
      print_table(title, "width", o.methods, rows, find)
    end
  end
end

--- Prints the tables of the options' grid, and the hours that its runs took.
function report.print(o, runs)
  local find <const>, seconds = summary.of(o, runs), 0
  for _, run in ipairs(runs) do seconds = seconds + run.seconds end
  print(("Test error in %%, mean ± standard deviation (the paper's); %d runs, %.1f hours of computing"):format(#runs,
    seconds / 3600))
  if o.inflation then print_inflation(o, find) else print_compression(o, find) end
  print ""
  for _, name in ipairs(o.methods) do print(("%s: %s"):format(name, methods.known[name].note)) end
end

return report
