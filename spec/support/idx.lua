-- Writes small IDX files (LeCun's MNIST format), good ones and bad ones.

local files <const> = require "spec.support.files"

local idx <const> = {}

local TYPES <const> = { u8 = { 0x08, "B" }, i32 = { 0x0c, ">i4" }, f32 = { 0x0d, ">f" } }

-- The bytes of a file of that type ("u8", "i32", "f32"), shape and flat values.
function idx.bytes(type, shape, values)
  local parts <const> = { string.char(0, 0, TYPES[type][1], #shape) }
  for _, size in ipairs(shape) do parts[#parts + 1] = string.pack(">I4", size) end
  for _, value in ipairs(values) do parts[#parts + 1] = string.pack(TYPES[type][2], value) end
  return table.concat(parts)
end

function idx.write(type, shape, values) return files.write(idx.bytes(type, shape, values)) end

local NAMES <const> = { "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
  "t10k-labels-idx1-ubyte" }

-- A folder of an image set: n training and n test images of 2 x 3, labels 0, 1, 2, ... below `classes`. `change` may
-- replace the bytes of files by name.
function idx.folder(n, classes, change)
  local folder <const> = files.folder()
  for k, name in ipairs(NAMES) do
    local images <const>, values <const> = k % 2 == 1, {}
    for v = 1, images and 6 * n or n do values[v] = images and (37 * v + k) % 256 or (v - 1) % classes end
    local bytes <const> = idx.bytes("u8", images and { n, 2, 3 } or { n }, values)
    local other <const> = change and change[name]
    if other ~= false then files.write(other or bytes, folder .. "/" .. name) end
  end
  return folder
end

return idx
