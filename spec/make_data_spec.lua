-- scripts/data and what it makes images with. What needs downloads, no spec asks for.

package.path = "scripts/?.lua;" .. package.path

local convex <const> = require "make_data.convex"
local digits <const> = require "make_data.digits"
local files <const> = require "spec.support.files"
local hn <const> = require "hn"
local idx <const> = require "spec.support.idx"
local new_random <const> = require "make_data.random"
local photographs <const> = require "make_data.photographs"
local program <const> = require "spec.support.program"
local rectangles <const> = require "make_data.rectangles"
local turn <const> = require "make_data.turn"

-- An image of 28 x 28 from a function of column and row, both from 0.
local function image_of(f)
  local image <const> = {}
  for k = 0, 783 do image[k + 1] = f(k % 28, k // 28) end
  return image
end

-- An image in which no two pixels that are near each other are alike.
local function pattern(n) return image_of(function(x, y) return (x * 37 + y * 91 + n * 13) % 256 end) end

-- A folder as scripts/data wants it, with a set "mnist" of n + n images: in image k all pixels of the frame are 0, the
-- others its number, and its label is k mod 10.
local function data_folder(n)
  local folder <const> = files.folder()
  assert(os.execute("mkdir " .. files.quoted(folder .. "/mnist")))
  for p, part in ipairs { "train", "t10k" } do
    local images <const>, labels <const> = {}, {}
    for k = 1, n do
      local number <const> = (p - 1) * n + k
      table.move(image_of(function(x, y)
        return math.min(x, y, 27 - x, 27 - y) > 3 and number or 0
      end), 1, 784, #images + 1, images)
      labels[k] = number % 10
    end
    files.write(idx.bytes("u8", { n, 28, 28 }, images), ("%s/mnist/%s-images-idx3-ubyte"):format(folder, part))
    files.write(idx.bytes("u8", { n }, labels), ("%s/mnist/%s-labels-idx1-ubyte"):format(folder, part))
  end
  return folder
end

local function pgm(width, height, f)
  local bytes <const> = {}
  for y = 0, height - 1 do
    for x = 0, width - 1 do bytes[#bytes + 1] = string.char(f(x, y)) end
  end
  return files.write(("P5\n%d %d\n255\n%s"):format(width, height, table.concat(bytes)))
end

local function data(...)
  local words <const> = { "scripts/data" }
  for _, word in ipairs { ... } do words[#words + 1] = files.quoted(word) end
  return program.shell(table.concat(words, " "))
end

describe("turned images", function()
  it("are exact at quarter turns", function()
    local image <const> = pattern(1)
    local cases <const> = {
      [0] = function(x, y) return x, y end,
      [1] = function(x, y) return y, 27 - x end,
      [2] = function(x, y) return 27 - x, 27 - y end,
      [3] = function(x, y) return 27 - y, x end,
    }
    for quarters, from in pairs(cases) do
      local target <const> = {}
      turn(image, quarters * math.pi / 2, target, 0)
      local expected <const> = image_of(function(x, y)
        local u <const>, v <const> = from(x, y)
        return image[v * 28 + u + 1]
      end)
      for r = 1, 26 do -- at the edge, rounding may take a little of what is outside
        for k = r * 28 + 2, r * 28 + 27 do assert.near(expected[k], target[k], 1) end
      end
    end
  end)

  it("keep a ramp a ramp: bilinear interpolation is exact there", function()
    local target <const>, angle <const> = {}, 0.7
    turn(image_of(function(x, y) return 5 * x + 3 * y end), angle, target, 0)
    for y = 9, 18 do
      for x = 9, 18 do
        local u <const>, v <const> = x - 13.5, y - 13.5
        local c <const>, s <const> = math.cos(angle), math.sin(angle)
        assert.near(5 * (13.5 + c * u + s * v) + 3 * (13.5 - s * u + c * v), target[y * 28 + x + 1], 0.5001)
      end
    end
  end)
end)

describe("variations of digits", function()
  it("take each digit once, with its label", function()
    local next_image <const> = digits.makers.basic(new_random(1), data_folder(20) .. "/mnist", {})
    local seen <const> = {}
    for _ = 1, 40 do
      local image <const>, label <const> = next_image()
      local number <const> = image[14 * 28 + 14]
      assert.is_nil(seen[number])
      seen[number] = true
      assert.equal(number % 10, label)
    end
    assert.error_matches(next_image, "only 40 images")
  end)

  it("are laid over noise of any value", function()
    local next_image <const> = digits.makers["bg-rand"](new_random(2), data_folder(20) .. "/mnist", {})
    local counts <const>, sum = {}, 0
    for _ = 1, 40 do
      local image <const> = next_image()
      for k = 1, 84 do sum, counts[image[k]] = sum + image[k], (counts[image[k]] or 0) + 1 end
    end
    assert.near(127.5, sum / 3360, 5) -- four standard deviations
    for value = 0, 255 do assert.is_truthy(counts[value]) end
  end)

  it("are laid over patches of photographs that have texture", function()
    local width <const> = 60
    local photograph <const> = pgm(width, 40, function(x, y) return x < 30 and 7 or (x * 5 + y * 3) % 250 end)
    local folder <const> = data_folder(20) .. "/mnist"
    local next_image <const> = digits.makers["bg-img"](new_random(3), folder, { photograph })
    for _ = 1, 20 do
      local image <const> = next_image()
      local x
      for k = 1, 28 do
        if image[k] ~= 7 then x = x or k end
      end
      assert.is_truthy(x) -- flat patches would be 7 everywhere
      if x > 1 then
        assert.equal(7, image[x - 1])
        assert.equal(7, image[27 * 28 + 1])
      end
      for k = x + 1, 28 do assert.equal(5, (image[k] - image[k - 1]) % 250) end
    end
  end)

  it("refuse files that are no photographs", function()
    assert.error_matches(function() photographs { files.write "P6 1 1 255 abc" } end, "expected a grey PGM")
    assert.error_matches(function() photographs { "/nowhere.pgm" } end, "/nowhere.pgm")
    assert.error_matches(function() photographs {} end, "needs photographs")
  end)
end)

describe("rectangles", function()
  it("are outlines, wide or tall by three pixels or more", function()
    local next_image <const> = rectangles.rectangles(new_random(1))
    local seen <const> = { [0] = 0, 0 }
    for _ = 1, 300 do
      local image <const>, class <const> = next_image()
      local left, right, top, bottom, white = 28, -1, 28, -1, 0
      for k, value in ipairs(image) do
        local x <const>, y <const> = (k - 1) % 28, (k - 1) // 28
        if value == 255 then
          left, right, top, bottom = math.min(left, x), math.max(right, x), math.min(top, y), math.max(bottom, y)
          white = white + 1
        end
      end
      local width <const>, height <const> = right - left + 1, bottom - top + 1
      assert.is_true(math.abs(width - height) >= 3)
      assert.equal(height > width and 1 or 0, class)
      assert.equal(width * height - math.max(width - 2, 0) * math.max(height - 2, 0), white)
      seen[class] = seen[class] + 1
    end
    assert.is_true(seen[0] > 100 and seen[1] > 100)
  end)

  it("of photographs are a patch in a patch", function()
    local dark <const> = pgm(28, 28, function(x, y) return (x + y) % 2 * 60 end)
    local light <const> = pgm(28, 28, function(x, y) return 150 + (x + y) % 2 * 60 end)
    local next_image <const> = rectangles["rectangles-images"](new_random(1), nil, { dark, light })
    local found = 0
    for _ = 1, 100 do
      local image <const>, class <const> = next_image()
      local outside <const>, inside, columns, rows = image[1] >= 150, 0, {}, {}
      for k, value in ipairs(image) do
        if (value >= 150) ~= outside then
          inside, columns[(k - 1) % 28], rows[(k - 1) // 28] = inside + 1, true, true
        end
      end
      local width, height = 0, 0
      for x = 0, 27 do width, height = width + (columns[x] and 1 or 0), height + (rows[x] and 1 or 0) end
      if inside > 0 and inside == width * height and width < 28 and height < 28 then
        found = found + 1
        assert.is_true(math.min(width, height) >= 10 and math.abs(width - height) >= 5)
        assert.is_true(inside >= 196 and inside <= 588)
        assert.equal(height > width and 1 or 0, class)
      end
    end
    assert.is_true(found > 20)
  end)
end)

describe("convex regions", function()
  -- The definition: each pixel in the convex hull is white. From one outside of it, all white ones are seen within less
  -- than half a turn.
  local function outside(x, y, white)
    local angles <const> = {}
    for k, at in ipairs(white) do angles[k] = math.atan(at[2] - y, at[1] - x) end
    table.sort(angles)
    local gap = 2 * math.pi + angles[1] - angles[#angles]
    for k = 2, #angles do gap = math.max(gap, angles[k] - angles[k - 1]) end
    return gap > math.pi + 1e-9
  end

  local function by_definition(image)
    local white <const> = {}
    for k, value in ipairs(image) do
      if value > 0 then white[#white + 1] = { (k - 1) % 28, (k - 1) // 28 } end
    end
    for k, value in ipairs(image) do
      if value == 0 and not outside((k - 1) % 28, (k - 1) // 28, white) then return false end
    end
    return true
  end

  it("are what the class says", function()
    local next_image <const> = convex.makers.convex(new_random(1))
    local seen <const> = { [0] = 0, 0 }
    for _ = 1, 20 do
      local image <const>, class <const> = next_image()
      seen[class] = seen[class] + 1
      assert.equal(class == 1, by_definition(image))
    end
    assert.is_true(seen[0] > 2 and seen[1] > 2)
  end)

  it("are told from others by a pixel", function()
    local function disc(x, y) return (x - 13) ^ 2 + (y - 12) ^ 2 < 60 and 255 or 0 end
    assert.is_true(convex.holds(image_of(disc)))
    for _, change in ipairs { { 13, 12 }, { 13, 13 }, { 8, 12 } } do
      local image <const> = image_of(disc)
      image[change[2] * 28 + change[1] + 1] = 0
      assert.is_false(convex.holds(image))
    end
    local image <const> = image_of(disc)
    image[25 * 28 + 1] = 255
    assert.is_false(convex.holds(image))
  end)
end)

describe("scripts/data", function()
  it("makes sets that hn.data.open opens, the same ones for the same seed", function()
    local folder <const>, other <const> = data_folder(20), data_folder(20)
    local out <const>, err <const>, code <const> = data("-o", folder, "--samples", "9/7", "rot", "rectangles", "convex")
    assert.same({ "", 0 }, { err, code })
    assert.equal(12, select(2, out:gsub("%x+  [%l-]+/[%w-]+%-ubyte\n", "")))
    assert.equal(out, (data("-o", other, "--samples", "9/7", "rot", "rectangles", "convex")))
    local train <const>, test <const> = hn.data.open("rot", folder)
    assert.same({ 9, 7, 10 }, { #train, #test, train.classes })
    assert.equal("tall", hn.data.open("rectangles", folder).names[2])
    assert.equal(2, hn.data.open("convex", folder).classes)

    local again <const>, said <const> = data("-o", folder, "rot")
    assert.equal("", again)
    assert.matches("/rot is there\n$", said)
    assert(os.execute("rm -r " .. files.quoted(other .. "/rot")))
    assert.not_equal(out:match "[^\n]+", (data("-o", other, "--samples", "9/7", "--seed", "2", "rot")):match "[^\n]+")
  end)

  local BAD <const> = {
    { "no set", {}, "NAME", 2 },
    { "an unknown set", { "rotated" }, "there is no set rotated", 2 },
    { "a seed that is none", { "--seed", "x", "rot" }, "%-%-seed: expected a whole number, got x", 1 },
    { "sizes that are none", { "--samples", "9", "rot" }, "%-%-samples: expected TRAIN/TEST", 1 },
    { "more samples than there are", { "--samples", "90/9", "rot" }, "MNIST has only 40 images", 1 },
  }
  for _, case in ipairs(BAD) do
    it("refuses " .. case[1], function()
      local folder <const> = data_folder(20)
      local _, err <const>, code <const> = data("-o", folder, table.unpack(case[2]))
      assert.matches(case[3], err)
      assert.equal(case[4], code)
      assert.equal("mnist\n", (program.shell("ls -A " .. files.quoted(folder)))) -- nothing is left
    end)
  end

  it("is named where hn.data.open finds no set", function()
    assert.error_matches(function() hn.data.open("rot", "/nowhere") end, "^file: '/nowhere/rot': .*scripts/data rot")
    assert.error_matches(function() hn.data.open "digits" end, '^argument: hn.data.open: name: expected "mnist"')
  end)
end)
