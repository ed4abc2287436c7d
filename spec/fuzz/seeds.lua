-- Writes files for the fuzzer to begin with: ./hnrun spec/fuzz/seeds.lua FOLDER fills FOLDER/model with small networks
-- that have layers of every kind, FOLDER/idx, FOLDER/table with the formats that we read ourselves, FOLDER/expression.
local hn <const> = require "hn"
local files <const> = require "spec.support.files"
local idx <const> = require "spec.support.idx"
local tables <const> = require "spec.support.tables"
local nn <const> = hn.nn
hn.use { device = "cpu", threads = 1, seed = 1 }

local pool <const> = hn.buckets(64)

local NETWORKS <const> = {
  dense = nn.Sequential { nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2), nn.Softmax() },
  line = nn.Sequential { nn.Hashed(20, 5), nn.LeakyReLU(), nn.Hashed(5, 2, { bias = "hashed" }) },
  element = nn.Hashed(7, 6, { scheme = "element", strip = 2, bias = "hashed" }),
  balanced = nn.Sequential { nn.Hashed(7, 6, { scheme = "element", balanced = true }),
    nn.Hashed(6, 35, { balanced = true, sign = false }) },
  norms = nn.Sequential { nn.Flatten(), nn.BatchNorm(6), nn.Dropout(0.5), nn.LayerNorm(6), nn.LogSoftmax() },
  shared = nn.Sequential { nn.Hashed(5, 5, { pool = pool, count = 32 }), nn.Residual { nn.Hashed(5, 5, { pool = pool }),
    nn.Residual { nn.ELU() } } },
}
local few <const> = hn.data.tensors { x = { { 1, 2, 4 }, { 2, 1, 0 }, { 3, 5, -2 }, { 5, 3, 7 } } }
NETWORKS.transform = nn.Sequential { hn.transform { "log", "standardise", "pca", "gauss" }:fit(few), nn.Linear(3, 2) }
local tanh <const> = nn.Tanh()
NETWORKS.again = nn.Sequential { nn.Linear(3, 3), tanh, nn.Linear(3, 3, { bias = false }), tanh }

local folder <const> = assert(arg[1], "usage: hnrun spec/fuzz/seeds.lua FOLDER")
for name, net in pairs(NETWORKS) do net:save(("%s/model/%s.hn"):format(folder, name)) end
for type, values in pairs { u8 = { 0, 7, 255 }, i32 = { -1, 0, 7 }, f32 = { -0.5, 0, 7 } } do
  local bytes <const> = idx.bytes(type, { 3, 1 }, values)
  files.write(bytes, ("%s/idx/%s"):format(folder, type))
  files.gzip(files.write(bytes, ("%s/idx/%s-packed"):format(folder, type)))
end

local columns <const> = { { "pt", { 1, 2.5, 3 }, "<f4" }, { "eta", { -1, 0, 1e-3 } }, { "id", { 1, 2, 3 }, ">i2" } }
local samples <const> = {
  csv = tables.csv(columns), tabs = tables.csv(columns, "\t"), structured = tables.structured(columns),
  plain = tables.plain { columns[2], columns[2] }, fortran = tables.plain({ columns[2], columns[2] }, true),
  npz = tables.npz(columns), deflated = tables.npz(columns, true),
}
for name, bytes in pairs(samples) do files.write(bytes, ("%s/table/%s"):format(folder, name)) end
for k, text in ipairs { "pt > 20 && !(abs(eta) < 2.5)", "a ? b : max(c, d, 1e-3)",
  "not (x[3] ~= 1 and y) or `z z` ^ -2", "log(a, 2) + math.atan(b, c) // 3 % 2" } do
  files.write(text, ("%s/expression/%d"):format(folder, k))
end
