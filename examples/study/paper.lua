--- Test errors in % of Chen et al. 2015 (arXiv 1504.04788): tables 1 and 2, and where there is no table the markers of
-- figures 2 to 4. The paper's rows RECT and CONVEX are left out: its sizes and errors fit none of the original files
-- surely.

local paper <const> = {}

local methods <const> = { "rer", "lrd", "nn", "dk", "hashnet", "hashnetdk" }

--- Errors by layers, storage, set and method.
local errors <const> = {}

local function key(...) return table.concat({ ... }, " ") end

local function add(layers, storage, set, method, value) errors[key(layers, storage, set, method)] = value end

--- The error of a method in the tables or figures 2 and 3, or nil.
function paper.error(layers, storage, set, method) return errors[key(layers, storage, set, method)] end

local function add_table(layers, storage, rows)
  for set, values in pairs(rows) do
    for k, value in ipairs(values) do add(layers, storage, set, methods[k], value) end
  end
end

add_table(3, "1/8", {
  mnist = { 2.19, 1.89, 1.69, 1.71, 1.45, 1.43 },
  basic = { 3.29, 3.73, 3.19, 3.18, 2.91, 2.89 },
  rot = { 14.42, 13.41, 12.65, 11.93, 11.17, 10.34 },
  ["bg-rand"] = { 18.16, 45.12, 13.00, 12.41, 13.38, 12.27 },
  ["bg-img"] = { 24.18, 38.83, 20.93, 19.31, 22.57, 18.92 },
  ["bg-img-rot"] = { 59.29, 67.00, 52.90, 53.01, 51.96, 50.05 },
})
add_table(5, "1/8", {
  mnist = { 1.24, 1.77, 1.35, 1.26, 1.22, 1.29 },
  basic = { 2.87, 3.54, 2.73, 2.87, 2.62, 2.85 },
  rot = { 9.89, 11.98, 9.61, 9.46, 8.87, 8.61 },
  ["bg-rand"] = { 11.31, 45.02, 11.19, 10.91, 10.76, 10.96 },
  ["bg-img"] = { 19.81, 35.06, 19.33, 18.94, 19.07, 18.49 },
  ["bg-img-rot"] = { 45.67, 64.28, 48.47, 48.22, 46.67, 46.78 },
})
add_table(3, "1/64", {
  mnist = { 15.03, 28.99, 6.28, 6.32, 2.79, 2.65 },
  basic = { 13.95, 26.95, 7.67, 8.44, 4.17, 3.79 },
  rot = { 49.20, 52.18, 35.60, 35.94, 18.04, 17.62 },
  ["bg-rand"] = { 44.90, 76.21, 43.04, 53.05, 21.50, 20.32 },
  ["bg-img"] = { 44.34, 71.27, 32.64, 41.75, 26.41, 26.17 },
  ["bg-img-rot"] = { 73.17, 80.63, 79.03, 77.40, 59.20, 58.25 },
})
add_table(5, "1/64", {
  mnist = { 3.20, 28.11, 2.69, 2.16, 1.99, 1.92 },
  basic = { 5.31, 27.21, 4.55, 4.07, 3.49, 3.19 },
  rot = { 25.87, 52.03, 16.16, 15.30, 12.38, 11.67 },
  ["bg-rand"] = { 90.28, 76.21, 16.60, 14.57, 16.37, 13.76 },
  ["bg-img"] = { 55.76, 70.85, 22.77, 23.59, 22.22, 20.01 },
  ["bg-img-rot"] = { 88.88, 80.93, 53.18, 53.19, 51.93, 54.51 },
})

--- Lines of the figures; false: beyond the figure's edge, or in a table already.
local function add_line(layers, set, method, storages, values)
  for k, value in ipairs(values) do
    if value then add(layers, storages[k], set, method, value) end
  end
end

local others <const> = { "1/32", "1/16", "1/4", "1/2", "1/1" }
add_line(3, "mnist", "nn", others, { 3.75, 2.18, 1.51, 1.43, 1.37 })
add_line(3, "mnist", "dk", others, { 3.23, 2.30, 1.44, 1.43, 1.28 })
add_line(3, "mnist", "rer", others, { 6.14, 3.37, 1.82, 1.52, 1.41 })
add_line(3, "mnist", "lrd", others, { false, 4.21, 1.48, 1.36, 1.32 })
add_line(3, "mnist", "hashnet", others, { 2.02, 1.64, 1.43, 1.34, 1.38 })
add_line(3, "mnist", "hashnetdk", others, { 1.88, 1.65, 1.37, 1.38, 1.40 })
add_line(3, "rot", "nn", others, { 22.1, 15.8, 11.1, 10.5, 10.2 })
add_line(3, "rot", "hashnet", others, { 14.7, 12.4, 10.5, 10.3, 10.3 })
add_line(3, "rot", "hashnetdk", others, { 14.0, 11.8, 9.9, 9.3, 9.5 })
add_line(5, "mnist", "nn", others, { 1.80, 1.49, 1.22, 1.21, 1.15 })
add_line(5, "mnist", "dk", others, { 1.65, 1.49, 1.19, 1.14, 1.16 })
add_line(5, "mnist", "hashnet", others, { 1.63, 1.34, 1.18, 1.15, 1.11 })
add_line(5, "mnist", "hashnetdk", others, { 1.50, 1.34, 1.26, 1.27, 1.17 })
add_line(5, "rot", "nn", others, { 11.8, 10.4, 9.0, 9.0, 8.8 })
add_line(5, "rot", "hashnet", others, { 10.3, 9.4, 8.6, 8.8, 8.8 })

--- Figure 4: MNIST at the storage of 50 hidden units, networks 1, 2, 4 ... times as wide.
local inflated <const> = {}

local function add_inflation(layers, method, values)
  for k, value in ipairs(values) do inflated[key(layers, 1 << (k - 1), method)] = value end
end

--- The error of a method there, or nil.
function paper.inflated(layers, expansion, method) return inflated[key(layers, expansion, method)] end

add_inflation(3, "nn", { 2.29 })
add_inflation(3, "hashnet", { 2.92, 2.03, 1.80, 1.61, 1.74, 1.71, 1.68 })
add_inflation(3, "rer", { 2.33, 2.20, 2.53, 3.05 })
add_inflation(3, "lrd", { 3.08, 2.41, 1.90, 2.16 })
add_inflation(5, "nn", { 2.96 })
add_inflation(5, "hashnet", { 2.96, 2.04, 1.84, 1.82, 1.72, 1.91, 2.00 })
add_inflation(5, "rer", { 3.03, 2.04, 2.14, 2.18, 2.62, 3.14 })
add_inflation(5, "lrd", { 2.73, 2.10, 1.90, 2.79 })

return paper
