--- Image sets in the four IDX files that MNIST made common.
-- @module hn.data.images

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local tensors <const> = require "hn.data.tensors"

local images = {}

local fashion_folder <const> = "/usr/share/datasets/fashion-mnist"
local fashion_names <const> = {
  "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
}
local digit_names <const> = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" }

--- The file in the folder, plain or gzip.
local function find(folder, name, advice)
  for _, path in ipairs { folder .. "/" .. name, folder .. "/" .. name .. ".gz" } do
    if core.exists(path) then return path end
  end
  core.fail("file", "'%s': neither %s nor %s.gz is in that folder; %s", folder, name, name, advice)
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

--- The folder that the environment variable HN_DATA names; nil where it is unset or empty.
local function from_environment()
  local folder <const> = os.getenv "HN_DATA"
  return folder ~= "" and folder or nil
end

--- Fashion-MNIST: 60,000 and 10,000 images of 28 x 28 in [0, 1] with ten classes, as two data sets, train and test.
-- @param folder where the four IDX files are, plain or gzip; else the environment variable HN_DATA says it, else they
-- are expected where Debian's package dataset-fashion-mnist puts them
function images.fashion_mnist(folder)
  return read_folder("hn.data.fashion_mnist", folder or from_environment() or fashion_folder, fashion_names,
    "install the package dataset-fashion-mnist, or name a folder by HN_DATA or the argument")
end

--- MNIST, or any other set in the same four files; class d + 1 is the digit d. Two data sets, train and test.
-- @param folder where they are; else the environment variable HN_DATA says it
function images.mnist(folder)
  folder = folder or from_environment()
  if not folder then
    core.fail("file", "hn.data.mnist: folder: expected the folder of the four IDX files (train-images-idx3-ubyte.gz "
      .. "and so on), as an argument or in the environment variable HN_DATA, got neither")
  end
  return read_folder("hn.data.mnist", folder, digit_names, "name the right folder by HN_DATA or the argument")
end

return images
