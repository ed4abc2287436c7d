-- Is a rectangle wide (class 0) or tall (class 1)? After Larochelle et al., ICML 2007.

local photographs <const> = require "make_data.photographs"

local SIDE <const> = 28

-- A rectangle within the image whose sizes are accepted, as left, top, right, bottom from 0, and its class.
local function draw(random, accepted)
  local width, height
  repeat
    width, height = random:between(1, SIDE), random:between(1, SIDE)
  until accepted(width, height)
  local left <const>, top <const> = random:between(0, SIDE - width), random:between(0, SIDE - height)
  return left, top, left + width - 1, top + height - 1, height > width and 1 or 0
end

local function outlined(width, height) return math.abs(width - height) >= 3 end

local function filled(width, height)
  local area <const> = width * height / SIDE ^ 2
  return math.abs(width - height) >= 5 and width >= 10 and height >= 10 and area >= 0.25 and area <= 0.75
end

local makers <const> = {}

-- A white outline on black.
function makers.rectangles(random)
  return function()
    local left <const>, top <const>, right <const>, bottom <const>, class <const> = draw(random, outlined)
    local image <const> = {}
    for k = 1, SIDE * SIDE do image[k] = 0 end
    for x = left, right do image[top * SIDE + x + 1], image[bottom * SIDE + x + 1] = 255, 255 end
    for y = top, bottom do image[y * SIDE + left + 1], image[y * SIDE + right + 1] = 255, 255 end
    return image, class
  end
end

-- One patch of a photograph within, another around.
makers["rectangles-images"] = function(random, _, paths)
  local patch <const> = photographs(paths)
  return function()
    local left <const>, top <const>, right <const>, bottom <const>, class <const> = draw(random, filled)
    local image <const>, inner <const> = patch(random), patch(random)
    for y = top, bottom do
      table.move(inner, y * SIDE + left + 1, y * SIDE + right + 1, y * SIDE + left + 1, image)
    end
    return image, class
  end
end

return makers
