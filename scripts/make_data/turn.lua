-- Turned images.

local SIDE <const>, STRIDE <const> = 28, 30

local empty <const> = {}
for p = 1, STRIDE * STRIDE do empty[p] = 0 end

--- Turns an image of 28 x 28 by an angle in radians about its middle, with bilinear interpolation; what comes from
-- outside of it is 0. Pixel k, for all k, goes to target[at + k].
return function(image, angle, target, at)
  local padded <const> = table.move(empty, 1, #empty, 1, {}) -- the image within a frame of zeros
  for r = 1, SIDE do table.move(image, (r - 1) * SIDE + 1, r * SIDE, r * STRIDE + 2, padded) end
  local c <const>, s <const>, floor <const> = math.cos(angle), math.sin(angle), math.floor
  local middle <const> = (SIDE - 1) / 2
  for r = 0, SIDE - 1 do
    local x, y = middle - c * middle + s * (r - middle), middle + s * middle + c * (r - middle)
    for k = at + r * SIDE + 1, at + (r + 1) * SIDE do
      local value = 0
      if x >= -1 and x < SIDE and y >= -1 and y < SIDE then
        local left <const>, top <const> = floor(x), floor(y)
        local a <const>, b <const>, p <const> = x - left, y - top, (top + 1) * STRIDE + left + 2
        local upper <const> = padded[p] + a * (padded[p + 1] - padded[p])
        local lower <const> = padded[p + STRIDE] + a * (padded[p + STRIDE + 1] - padded[p + STRIDE])
        value = floor(upper + b * (lower - upper) + 0.5)
      end
      target[k] = value
      x, y = x + c, y - s
    end
  end
end
