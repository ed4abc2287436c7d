--- Image sets in the four IDX files that MNIST made common.
-- @module hn.data.images

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local tensors <const> = require "hn.data.tensors"

local images = {}

local fashion_folder <const> = "/usr/share/datasets/fashion-mnist"
local made_folder <const> = "build/data" -- of scripts/data
local fashion_names <const> = {
  "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
}
local digit_names <const> = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" }
local class_names <const> = { -- where they are not digits
  ["fashion-mnist"] = fashion_names,
  rectangles = { "wide", "tall" },
  ["rectangles-images"] = { "wide", "tall" },
  convex = { "not convex", "convex" },
}
local set_names <const> = {
  "mnist", "basic", "rot", "bg-rand", "bg-img", "bg-img-rot", "rectangles", "rectangles-images", "convex",
  "fashion-mnist",
}

--- The file in the folder, plain or gzip, or nil.
local function found(folder, name)
  for _, path in ipairs { folder .. "/" .. name, folder .. "/" .. name .. ".gz" } do
    if core.exists(path) then return path end
  end
end

local function find(folder, name, advice)
  return found(folder, name)
    or core.fail("file", "'%s': neither %s nor %s.gz is in that folder; %s", folder, name, name, advice)
end

--- Reads an IDX file and checks that it is one of bytes with `dims` dimensions, called `what`.
local function read(path, dims, what)
  local array <const> = core.idx(path)
  if array:type() ~= "u8" or #array:shape() ~= dims then
    core.fail("format", "%s: expected %s, unsigned bytes of %d dimensions, got type %s of shape %s", path, what, dims,
      array:type(), kinds.shape(array))
  end
  return array
end

local function read_part(folder, part, names, advice)
  local x_path <const> = find(folder, part .. "-images-idx3-ubyte", advice)
  local y_path <const> = find(folder, part .. "-labels-idx1-ubyte", advice)
  local x <const>, y <const> = read(x_path, 3, "images"), read(y_path, 1, "labels")
  if x:shape()[1] ~= y:shape()[1] then
    core.fail("format", "%s: expected a label for each of the %d images, got %d", y_path, x:shape()[1], y:shape()[1])
  end
  local _, largest <const> = y:range()
  if largest >= #names then
    core.fail("format", "%s: expected labels from 0 to %d, got %d", y_path, #names - 1, largest)
  end
  return tensors { x = x, y = y, names = names }
end

local function read_folder(where, folder, names, advice)
  if type(folder) ~= "string" then
    core.fail("argument", "%s: folder: expected a string, got %s", where, kinds.describe(folder))
  end
  folder = #folder > 1 and folder:gsub("/+$", "") or folder
  return read_part(folder, "train", names, advice), read_part(folder, "t10k", names, advice)
end

--- Whether the folder has the first of the four files.
local function there(folder) return found(folder, "train-images-idx3-ubyte") ~= nil end

--- The folder of the environment variable HN_DATA that has the set: the one of that name in it, else itself; nil where
-- it is unset or empty.
local function from_environment(name)
  local folder <const> = os.getenv "HN_DATA"
  if not folder or folder == "" then return nil end
  return there(folder .. "/" .. name) and folder .. "/" .. name or folder
end

--- Fashion-MNIST: 60,000 and 10,000 images of 28 x 28 in [0, 1] with ten classes, as two data sets, train and test.
-- @param folder where the four IDX files are, plain or gzip; else the environment variable HN_DATA says it (the folder
-- or one with a folder fashion-mnist in it), else they are expected where Debian's package dataset-fashion-mnist puts
-- them
function images.fashion_mnist(folder)
  return read_folder("hn.data.fashion_mnist", folder or from_environment "fashion-mnist" or fashion_folder,
    fashion_names, "install the package dataset-fashion-mnist, or name a folder by HN_DATA or the argument")
end

--- MNIST, or any other set in the same four files; class d + 1 is the digit d. Two data sets, train and test.
-- @param folder where they are; else the environment variable HN_DATA says it (the folder or one with a folder mnist in
-- it), else they are expected in build/data/mnist, where scripts/data mnist puts them
function images.mnist(folder)
  return read_folder("hn.data.mnist", folder or from_environment "mnist" or made_folder .. "/mnist", digit_names,
    "scripts/data mnist makes it, or name the right folder by HN_DATA or the argument")
end

--- A set that scripts/data makes, by its name: "mnist", "basic", "rot", "bg-rand", "bg-img", "bg-img-rot",
-- "rectangles", "rectangles-images", "convex" or "fashion-mnist". Two data sets, train and test, of images of 28 x 28
-- in [0, 1].
-- @param name the set
-- @param folder the one with a folder for each set; else the environment variable HN_DATA says it, else it is
-- build/data
function images.open(name, folder)
  name = options.value("hn.data.open", "name", name, { choices = set_names, required = true })
  folder = options.value("hn.data.open", "folder", folder, { "string" }) or os.getenv "HN_DATA" or ""
  folder = folder ~= "" and folder or made_folder
  return read_folder("hn.data.open", folder .. "/" .. name, class_names[name] or digit_names,
    ("scripts/data %s makes the set in build/data"):format(name))
end

return images
