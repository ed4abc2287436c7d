-- Is a white region convex (class 1) or not (class 0)? After Larochelle et al., ICML 2007: a convex region
-- is where random half-planes meet, their number geometric with parameter 0.195, of 19 pixels at least; another one is
-- the union of 2 to 4 such regions, of 10 pixels at least and parameter 0.07, that is not convex. Their page of the
-- data says that both have as many white pixels in the mean: 460 and 452 here, where the geometric numbers begin with 0
-- (274 and 473 if they began with 1). So a third of the convex regions are the whole image.

local SIDE <const> = 28

local convex <const> = {}

-- What is left of a region, the first and the last pixel of each row, in a half-plane whose edge goes through a random
-- point in a random direction.
local function cut(first, last, random)
  local angle <const> = 2 * math.pi * random:uniform()
  local x <const>, y <const> = SIDE * random:uniform() - 0.5, SIDE * random:uniform() - 0.5
  local c <const>, s <const> = math.cos(angle), math.sin(angle)
  for r = 1, SIDE do
    local edge <const> = x - (r - 1 - y) * s / c
    if c > 0 then
      if edge > first[r] then first[r] = math.min(math.ceil(edge), SIDE) end
    elseif edge < last[r] then
      last[r] = math.max(math.floor(edge), -1)
    end
  end
end

local function count(first, last)
  local pixels = 0
  for r = 1, SIDE do pixels = pixels + math.max(last[r] - first[r] + 1, 0) end
  return pixels
end

-- A region where half-planes meet.
local function region(random, parameter, least)
  while true do
    local first <const>, last <const> = {}, {}
    for r = 1, SIDE do first[r], last[r] = 0, SIDE - 1 end
    local left = random:geometric(parameter)
    while left > 0 and count(first, last) >= least do
      cut(first, last, random)
      left = left - 1
    end
    if count(first, last) >= least then return first, last end
  end
end

local function paint(image, first, last)
  for r = 1, SIDE do
    for k = (r - 1) * SIDE + first[r] + 1, (r - 1) * SIDE + last[r] + 1 do image[k] = 255 end
  end
end

-- The first and the last white pixel of each row that has one, by row; nil where there are black ones between.
local function runs(image)
  local rows <const> = {}
  for r = 1, SIDE do
    local first, last, pixels = nil, nil, 0
    for x = 0, SIDE - 1 do
      if image[(r - 1) * SIDE + x + 1] > 0 then first, last, pixels = first or x, x, pixels + 1 end
    end
    if first and last - first + 1 ~= pixels then return nil end
    if first then rows[#rows + 1] = { r, first, last } end
  end
  return rows
end

--- Whether each pixel that is between white pixels, on any line, is white: whether the white ones are all the pixels of
-- their convex hull.
function convex.holds(image)
  local rows <const> = runs(image)
  if not rows then return false end
  for k = 2, #rows do
    if rows[k][1] ~= rows[k - 1][1] + 1 then return false end
  end
  for i = 1, #rows do
    for k = i + 2, #rows do
      local a <const>, b <const> = rows[i], rows[k]
      for j = i + 1, k - 1 do
        local c <const>, to_c <const>, to_b <const> = rows[j], j - i, k - i
        if (c[2] - 1 - a[2]) * to_b >= (b[2] - a[2]) * to_c or (c[3] + 1 - a[3]) * to_b <= (b[3] - a[3]) * to_c then
          return false
        end
      end
    end
  end
  return true
end

local function black()
  local image <const> = {}
  for k = 1, SIDE * SIDE do image[k] = 0 end
  return image
end

local function other(random)
  while true do
    local image <const> = black()
    for _ = 1, random:between(2, 4) do paint(image, region(random, 0.07, 10)) end
    if not convex.holds(image) then return image end
  end
end

convex.makers = {
  convex = function(random)
    return function()
      if random:uniform() < 0.5 then return other(random), 0 end
      local image <const> = black()
      paint(image, region(random, 0.195, 19))
      return image, 1
    end
  end,
}

return convex
