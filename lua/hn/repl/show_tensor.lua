--- Tensors as the prompt prints them: shape and device, values in a grid, and where the grid leaves some out, what the
-- rest is like. Only what is shown is read from the device.
-- @module hn.repl.show_tensor

local kinds <const> = require "hn.kinds"
local text <const> = require "hn.text"

local most_rows <const>, most_columns <const>, most_matrices <const> = 8, 12, 4
local pieces <const>, piece_size <const> = 64, 65536 -- of what statistics read of a large tensor

local function heading(tensor)
  return ("tensor %s, %s, %s, on %s"):format(kinds.shape(tensor), tensor:dtype(), tensor:kind(),
    tensor:device():match("^[^,]*"))
end

--- The numbers from 1 to n of which at most `most` are to be shown: the first ones, false where some are left out, and
-- the last ones.
local function shown(n, most)
  local list <const> = {}
  if n <= most then
    for i = 1, n do list[i] = i end
    return list
  end
  local head <const> = most // 2
  for i = 1, head do list[i] = i end
  list[head + 1] = false
  for i = n - (most - head - 1) + 1, n do list[#list + 1] = i end
  return list
end

local function number(value)
  if value ~= value then return "nan" end
  return (math.type(value) == "integer" and "%d" or "%.4g"):format(value)
end

--- The cells of a row of `width` elements that begins at element `first`.
local function row_cells(tensor, first, width, columns)
  local cells <const>, head = {}, 0
  while columns[head + 1] do head = head + 1 end
  for _, value in ipairs(tensor:read(first, head)) do cells[#cells + 1] = number(value) end
  local tail <const> = #columns - head - 1
  if tail > 0 then
    cells[#cells + 1] = "..."
    for _, value in ipairs(tensor:read(first + width - tail, tail)) do cells[#cells + 1] = number(value) end
  end
  return cells
end

--- Rows of cells set right, all columns equally wide so that numbers stand in a grid.
local function align(rows)
  local width = 0
  for _, row in ipairs(rows) do
    for _, cell in ipairs(row) do width = math.max(width, #cell) end
  end
  local lines <const> = {}
  for i, row in ipairs(rows) do
    local cells <const> = {}
    for j, cell in ipairs(row) do cells[j] = (" "):rep(width - #cell) .. cell end
    lines[i] = "  " .. table.concat(cells, "  ")
  end
  return lines, width
end

--- The grid of a matrix of height x width elements that begins at element `first`.
local function grid(tensor, first, height, width, columns)
  local rows <const> = {}
  for _, i in ipairs(shown(height, most_rows)) do
    rows[#rows + 1] = i and row_cells(tensor, first + (i - 1) * width, width, columns) or { "..." }
  end
  return align(rows)
end

--- What stands before the matrix number k of a tensor of more than two dimensions: "[2, 5]".
local function place(k, shape)
  local indices <const> = {}
  for d = #shape - 2, 1, -1 do
    table.insert(indices, 1, (k - 1) % shape[d] + 1)
    k = (k - 1) // shape[d] + 1
  end
  return "[" .. table.concat(indices, ", ") .. "]"
end

--- Visits all elements, or of a large tensor pieces that lie evenly in it. Returns how many.
local function visit(tensor, f)
  local size <const> = tensor:size()
  local step <const> = math.max(piece_size, size // pieces)
  local seen = 0
  for first = 1, size, step do
    local values <const> = tensor:read(first, math.min(piece_size, size - first + 1))
    for i = 1, #values do f(values[i]) end
    seen = seen + #values
  end
  return seen
end

--- Smallest and largest number, mean and standard deviation, in a line.
local function statistics(tensor)
  local low, high, sum, squares, finite = math.huge, -math.huge, 0.0, 0.0, 0
  local seen <const> = visit(tensor, function(value)
    if value - value ~= 0 then return end -- infinite or no number
    if value < low then low = value end
    if value > high then high = value end
    sum, squares, finite = sum + value, squares + value * value, finite + 1
  end)
  if finite == 0 then return "no finite number" end
  local mean <const> = sum / finite
  local line = ("from %s to %s, mean %.4g, deviation %.4g"):format(number(low), number(high), mean,
    math.sqrt(math.max(squares / finite - mean * mean, 0)))
  if finite < seen then line = line .. (", %s not finite"):format(text.count(seen - finite)) end
  if seen < tensor:size() then line = line .. (" (of %s of them)"):format(text.count(seen)) end
  return line
end

--- How many columns fit; numbers are taken to need as much room as those of the first row.
local function fitting(tensor, width, columns)
  local _, cell <const> = grid(tensor, 1, 1, width, shown(width, most_columns))
  return math.max(3, math.min(most_columns, (columns - 1) // (cell + 3)))
end

return function(tensor, columns)
  if tensor:closed() then return tostring(tensor) end
  local shape <const> = tensor:shape()
  local width <const>, height <const> = shape[#shape], shape[#shape - 1] or 1
  local across <const> = shown(width, fitting(tensor, width, columns))
  local matrices <const> = tensor:size() // (width * height)
  local lines <const> = { heading(tensor) }
  for _, k in ipairs(shown(matrices, most_matrices)) do
    if #shape > 2 then lines[#lines + 1] = k and place(k, shape) or "..." end
    local rows <const> = k and grid(tensor, (k - 1) * width * height + 1, height, width, across) or {}
    table.move(rows, 1, #rows, #lines + 1, lines)
  end
  if width > #across or height > most_rows or matrices > most_matrices then lines[#lines + 1] = statistics(tensor) end
  return table.concat(lines, "\n")
end
