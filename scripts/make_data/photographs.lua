-- Patches of photographs.

local PIXELS <const>, SIDE <const> = 784, 28
-- Patches of less standard deviation, of 255, have too little texture. The recipe leaves the limit open.
local LEAST_DEVIATION <const> = 10

-- Reads a grey binary PGM of 8 bits.
local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  local bytes <const> = file:read "a"
  local width, height, start <const> = bytes:match "^P5%s+(%d+)%s+(%d+)%s+255%s()"
  width, height = tonumber(width), tonumber(height)
  if not width or width < SIDE or height < SIDE or #bytes - start + 1 ~= width * height then
    error(path .. ": expected a grey PGM of 8 bits and at least 28 x 28 pixels", 0)
  end
  return { bytes = bytes, start = start, width = width, height = height }
end

local function patch(photograph, random)
  local left <const> = random:between(0, photograph.width - SIDE)
  local top <const> = random:between(0, photograph.height - SIDE)
  local pixels <const> = {}
  local sum, squares = 0, 0
  for r = 0, SIDE - 1 do
    local from <const> = photograph.start + (top + r) * photograph.width + left
    table.move({ photograph.bytes:byte(from, from + SIDE - 1) }, 1, SIDE, r * SIDE + 1, pixels)
  end
  for k = 1, PIXELS do sum, squares = sum + pixels[k], squares + pixels[k] * pixels[k] end
  return pixels, squares * PIXELS - sum * sum >= (LEAST_DEVIATION * PIXELS) ^ 2
end

--- A function that gives a patch of 28 x 28 of any of the PGM files, as a list of pixels, by random numbers.
return function(paths)
  if #paths == 0 then error("this set needs photographs: PGM files", 0) end
  local photographs <const> = {}
  for k, path in ipairs(paths) do photographs[k] = read(path) end
  return function(random)
    while true do
      local pixels <const>, textured <const> = patch(photographs[random:between(1, #photographs)], random)
      if textured then return pixels end
    end
  end
end
