--- What is run: cells { set =, method =, layers =, width =, storage = }.

local methods <const> = require "study.methods"

local grid <const> = {}

grid.sets = { "mnist", "basic", "rot", "bg-rand", "bg-img", "bg-img-rot", "rectangles", "rectangles-images", "convex" }
--- Hidden units of the compression grid; those whose storage the inflation study has, and how it names that.
grid.WIDTH, grid.UNITS, grid.INFLATED = 1000, 50, "dense 50"
grid.expansions = { 1, 2, 4, 8, 16, 32, 64 }

--- Storages and widths of the compression grid, or of the inflation study at the storage of 50 hidden units.
local function columns(o)
  local list <const> = {}
  if o.inflation then
    for _, factor in ipairs(grid.expansions) do
      list[#list + 1] = { storage = grid.INFLATED, width = grid.UNITS * factor }
    end
  else
    for _, storage in ipairs(o.storages) do list[#list + 1] = { storage = storage, width = grid.WIDTH } end
  end
  return list
end

--- Whether a method has a cell in this column: the full network comes once, and a narrow one does not inflate.
local function belongs(o, method, column)
  if method == "full" then return false end
  local narrow <const> = method == "nn" or method == "dk"
  return not (o.inflation and narrow) or column.width == grid.UNITS
end

--- All cells of the options { sets =, methods =, layers =, storages =, inflation = }, full networks first, which teach.
function grid.cells(o)
  local list <const> = {}
  for _, set in ipairs(o.sets) do
    for _, layers in ipairs(o.layers) do
      local full = false
      for _, name in ipairs(o.methods) do full = full or name == "full" or methods.known[name].teacher end
      if full then list[#list + 1] = grid.teacher { set = set, layers = layers } end
      for _, column in ipairs(columns(o)) do
        for _, method in ipairs(o.methods) do
          local cell <const> = { set = set, method = method, layers = layers, width = column.width,
            storage = column.storage }
          if belongs(o, method, column) and methods.fits(cell) then list[#list + 1] = cell end
        end
      end
    end
  end
  return list
end

--- The cell whose network teaches those of a set and depth.
function grid.teacher(cell)
  return { set = cell.set, method = "full", layers = cell.layers, width = grid.WIDTH, storage = "1/1" }
end

return grid
