-- MNIST's digits and their variations: Larochelle, Erhan, Courville, Bergstra, Bengio, "An empirical evaluation of deep
-- architectures on problems with many factors of variation", ICML 2007.

local hn <const> = require "hn"
local photographs <const> = require "make_data.photographs"
local turn <const> = require "make_data.turn"

local PIXELS <const> = 784

local digits <const> = {}

--- From the wheel's CSV, a line of names and then lines of a label and 784 pixels: a function that gives an image and
-- its label at every call, nil at the end.
function digits.csv(path)
  local lines <const> = io.lines(path)
  lines()
  return function()
    local line <const> = lines()
    if not line then return nil end
    local values <const> = {}
    for value in line:gmatch "%d+" do values[#values + 1] = math.tointeger(tonumber(value)) end
    if #values ~= PIXELS + 1 then error(path .. ": expected a label and 784 pixels, got " .. line:sub(1, 40), 0) end
    return table.move(values, 2, PIXELS + 1, 1, {}), values[1]
  end
end

-- All 70,000 in random order: a function that gives one at every call. None comes twice, so training and test sets
-- share none.
local function shuffled(folder, random)
  local train <const>, test <const> = hn.data.mnist(folder)
  local order <const> = {}
  for k = 1, #train + #test do order[k] = k end
  for k = #order, 2, -1 do
    local other <const> = random:between(1, k)
    order[k], order[other] = order[other], order[k]
  end
  local n = 0
  return function()
    n = n + 1
    local k = order[n] or error("MNIST has only " .. #order .. " images", 0)
    local set <const> = k > #train and test or train
    k = k > #train and k - #train or k
    return set.x:slice(k, 1):table(), set.y:slice(k, 1):table()[1]
  end
end

local function turned(image, random)
  local target <const> = {}
  turn(image, 2 * math.pi * random:uniform(), target, 0)
  return target
end

-- A digit over a background: its grey is how much of the background it covers. The recipe leaves this open.
local function over(image, background)
  for k = 1, PIXELS do image[k] = image[k] + (background[k] * (255 - image[k]) + 127) // 255 end
  return image
end

-- What each variation does with an image. `patch` gives patches of photographs.
local variations <const> = {
  basic = function(image) return image end,
  rot = turned,
  ["bg-rand"] = function(image, random) return over(image, random:bytes(PIXELS)) end,
  ["bg-img"] = function(image, random, patch) return over(image, patch(random)) end,
  ["bg-img-rot"] = function(image, random, patch) return over(turned(image, random), patch(random)) end,
}

--- By name, the function that makes a variation: of random numbers, the folder of MNIST and PGM files it makes one that
-- gives an image and its label at every call.
digits.makers = {}
for name, change in pairs(variations) do
  digits.makers[name] = function(random, folder, paths)
    local next_digit <const> = shuffled(folder, random)
    local patch <const> = name:find "img" and photographs(paths)
    return function()
      local image <const>, label <const> = next_digit()
      return change(image, random, patch), label
    end
  end
end

return digits
