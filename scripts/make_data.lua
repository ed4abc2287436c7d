-- Makes one image set in MNIST's four IDX files; scripts/data calls it and finds what it needs.
--
--   hnrun scripts/make_data.lua NAME OUT SEED TRAIN/TEST SOURCE PGM...
--
-- OUT is a folder that exists; TRAIN/TEST are numbers of images. SOURCE is, for mnist, the folder of mnist_train.csv
-- and mnist_test.csv, else that of MNIST. PGM files are the photographs.

package.path = "scripts/?.lua;" .. package.path

local convex <const> = require "make_data.convex"
local digits <const> = require "make_data.digits"
local rectangles <const> = require "make_data.rectangles"
local new_random <const> = require "make_data.random"

local names <const> = { "basic", "rot", "bg-rand", "bg-img", "bg-img-rot", "rectangles", "rectangles-images", "convex" }

-- Writes n images that next_image() gives with their labels.
local function write(folder, part, n, next_image)
  local images <close> = assert(io.open(("%s/%s-images-idx3-ubyte"):format(folder, part), "wb"))
  local labels <close> = assert(io.open(("%s/%s-labels-idx1-ubyte"):format(folder, part), "wb"))
  assert(images:write(string.pack(">I4I4I4I4", 0x803, n, 28, 28)))
  assert(labels:write(string.pack(">I4I4", 0x801, n)))
  for k = 1, n do
    local image <const>, label <const> = next_image()
    if not image then error(("%s: expected %d images, got %d"):format(part, n, k - 1), 0) end
    assert(images:write(string.char(table.unpack(image))))
    assert(labels:write(string.char(label)))
  end
  assert(images:flush())
  assert(labels:flush())
end

local function make(name, out, seed, train, test, source, ...)
  if name == "mnist" then
    write(out, "train", train, digits.csv(source .. "/mnist_train.csv"))
    write(out, "t10k", test, digits.csv(source .. "/mnist_test.csv"))
    return
  end
  for k, known in ipairs(names) do
    if known == name then
      local maker <const> = digits.makers[name] or rectangles[name] or convex.makers[name]
      local next_image <const> = maker(new_random(seed * 1000 + k), source, { ... })
      write(out, "train", train, next_image)
      write(out, "t10k", test, next_image)
      return
    end
  end
  error("there is no set " .. name, 0)
end

local train <const>, test <const> = (arg[4] or ""):match "^(%d+)/(%d+)$"
local seed <const> = math.tointeger(tonumber(arg[3]))
if not train or not arg[5] or not seed or seed < 0 or seed > 1000000 then
  io.stderr:write "usage: hnrun scripts/make_data.lua NAME OUT SEED TRAIN/TEST SOURCE PGM...\n"
  os.exit(2, true)
end
make(arg[1], arg[2], seed, math.tointeger(tonumber(train)), math.tointeger(tonumber(test)),
  table.unpack(arg, 5))
