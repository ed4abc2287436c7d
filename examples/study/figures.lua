--- Figures of a study's log, and of the maps that its networks use; hn.plot draws them.

local grid <const> = require "study.grid"
local hn <const> = require "hn"
local paper <const> = require "study.paper"
local summary <const> = require "study.summary"
local train <const> = require "study.train"

local figures <const> = {}

--- A line of a figure, from the points { x =, mean =, deviation = }; nil of no points.
local function series(name, points)
  if #points == 0 then return nil end
  local s <const> = { name = name, x = {}, y = {}, error = {} }
  for k, point in ipairs(points) do s.x[k], s.y[k], s.error[k] = point.x, point.mean, point.deviation or 0 end
  return s
end

--- Lines of the methods, and the paper's: at every x of `xs` stands what the log has of cell(x, method), or what
-- published(x, method) says.
local function lines(names, xs, find, cell, published)
  local list <const> = {}
  for _, name in ipairs(names) do
    local points <const>, printed <const> = {}, {}
    for _, x in ipairs(xs) do
      local found <const>, value <const> = find(cell(x, name)), published(x, name)
      if found and found.mean then points[#points + 1] = { x = x, mean = found.mean, deviation = found.deviation } end
      if value then printed[#printed + 1] = { x = x, mean = value } end
    end
    list[#list + 1] = series(name, points)
    if #points > 0 then list[#list + 1] = series(name .. " (the paper)", printed) end
  end
  return list
end

--- Draws a line figure where it has lines with two points or more.
local function draw(file, list, figure)
  local longest = 0
  for _, s in ipairs(list) do longest = math.max(longest, #s.x) end
  if longest < 2 then return end
  figure.series, figure.file, figure.logx, figure.y = list, file, true, "test error, %"
  print(hn.plot.line(figure))
  print(file)
end

local function draw_compression(o, find, set, layers)
  local list <const> = lines(o.methods, { 64, 32, 16, 8, 4, 2, 1 }, find, function(x, method)
    return { set = set, method = method, layers = layers, width = grid.WIDTH, storage = "1/" .. x }
  end, function(x, method) return paper.error(layers, "1/" .. x, set, method) end)
  draw(("%s/compression-%s-%d.svg"):format(o.figures, set, layers), list,
    { title = ("%s, %d layers"):format(set, layers), x = "virtual weights of one stored" })
end

local function draw_inflation(o, find, set, layers)
  local list <const> = lines(o.methods, grid.expansions, find, function(x, method)
    return { set = set, method = method, layers = layers, width = grid.UNITS * x, storage = grid.INFLATED }
  end, function(x, method) return set == "mnist" and paper.inflated(layers, x, method) or nil end)
  draw(("%s/inflation-%s-%d.svg"):format(o.figures, set, layers), list,
    { title = ("%s, %d layers, the storage of %d units a layer"):format(set, layers, grid.UNITS), x = "times as wide" })
end

--- How many buckets serve so many virtual weights, by that number.
local function loads(inputs, outputs, given)
  local layer <const> = hn.nn.Hashed(inputs, outputs, given)
  local matrix <const>, of <const>, counts <const> = layer.matrix, {}, {}
  for i = 1, outputs do
    for j = 1, inputs do
      local bucket <const> = matrix:bucket(i, j)
      of[bucket] = (of[bucket] or 0) + 1
    end
  end
  for _, load in pairs(of) do counts[load] = (counts[load] or 0) + 1 end
  return counts
end

--- The loads of buckets under each map, for the paper's first layer at 1/64.
local function draw_loads(o)
  local list <const> = {}
  for _, map in ipairs {
    { name = "element", scheme = "element" }, { name = "line", scheme = "line" },
    { name = "element, balanced", scheme = "element", balanced = true },
  } do
    local counts <const> = loads(784, 1000, { scheme = map.scheme, balanced = map.balanced, compression = 1 / 64 })
    local s <const> = { name = map.name, x = {}, y = {} }
    for load = 20, 110 do s.x[#s.x + 1], s.y[#s.y + 1] = load, counts[load] or 0 end
    list[#list + 1] = s
  end
  local file <const> = o.figures .. "/loads.svg"
  print(hn.plot.line { series = list, title = "784 x 1000 virtual weights at 1/64", x = "weights of a bucket",
    y = "buckets", logy = true, file = file })
  print(file)
end

--- The log's last final run of a cell; nil if there is none.
local function final_run(o, runs, cell)
  for k = #runs, 1, -1 do
    local run <const> = runs[k]
    local same = run.stage == "final" and run.samples == o.samples and run.epochs == o.epochs
    for name, value in pairs(cell) do same = same and run[name] == value end
    if same then return run end
  end
end

--- Draws errors of the held fifth of the first set after each epoch, with the settings that the log's final runs have:
-- trains each method anew on the other four fifths.
function figures.curves(o, runs)
  local list <const> = {}
  for _, method in ipairs(o.methods) do
    local cell <const> = method == "full" and grid.teacher { set = o.sets[1], layers = o.layers[1] }
      or { set = o.sets[1], method = method, layers = o.layers[1], width = grid.WIDTH, storage = o.storages[1] }
    local run <const> = final_run(o, runs, cell)
    if run then
      local _, _, history <const> = train.network(o, train.new(run, { stage = "trial", watched = true }, {}))
      if not history then return print "interrupted" end
      local errors <const> = {}
      for k, value in ipairs(history.validation.error) do errors[k] = 100 * value end
      list[#list + 1] = { name = method, y = errors }
    end
  end
  if #list == 0 then error("--curves: the log has no final run of these sets, methods, layers and storages", 0) end
  print(hn.plot.line { series = list, x = "epoch", y = "error of the held fifth, %", logy = true, file = o.curves,
    title = ("%s, %d layers at %s"):format(o.sets[1], o.layers[1], o.storages[1]) })
  print(o.curves)
end

--- The first training images of each set, a row for each.
local function draw_sets(o)
  local SIDE <const>, COUNT <const> = 28, 20
  local rows <const> = {}
  for k, set in ipairs(o.sets) do
    local pixels <const> = train.images(o, set, "train"):slice(1, COUNT):table()
    for r = 1, SIDE do
      local row <const> = {}
      for n = 0, COUNT - 1 do
        local first <const> = SIDE * (SIDE * n + r - 1) + 1
        table.move(pixels, first, first + SIDE - 1, SIDE * n + 1, row)
      end
      rows[SIDE * (k - 1) + r] = row
    end
  end
  hn.plot.heat { values = rows, file = o.figures .. "/sets.png", title = table.concat(o.sets, ", "), width = 1100,
    height = 100 + 50 * #o.sets }
  print(o.figures .. "/sets.png")
end

--- Draws all that the options' grid has into the folder o.figures, and prints it; the sets too if there is a folder.
function figures.draw(o, runs)
  local find <const> = summary.of(o, runs)
  for _, set in ipairs(o.sets) do
    for _, layers in ipairs(o.layers) do
      draw_compression(o, find, set, layers)
      draw_inflation(o, find, set, layers)
    end
  end
  draw_loads(o)
  if o.data ~= "" then draw_sets(o) end
end

return figures
