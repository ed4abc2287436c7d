-- In C programs: examples/embed is built against an installed copy, and what it says is what scripts say.

local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

local installed -- one copy for all tests of this file

local function ok(command)
  local out <const>, err <const>, code <const> = program.shell(command)
  assert(code == 0, command .. "\n" .. out .. err)
  return out
end

-- Builds an example with the flags that pkg-config gives.
local function build(source, compiler, flags)
  local path <const> = installed .. "/" .. source:gsub("%.%w+$", "")
  ok(("export PKG_CONFIG_PATH=%s/lib/pkgconfig; %s -Wall -Wextra -Wpedantic -Werror -o %s examples/embed/%s "
    .. "$(pkg-config --define-variable=prefix=%s --cflags --libs hn) -Wl,-rpath,%s/lib %s"):format(installed, compiler,
    path, source, installed, installed, flags or ""))
  return path
end

local function install()
  local folder <const> = os.tmpname()
  os.remove(folder)
  ok(("env -u MAKEFLAGS -u MAKELEVEL make NVCC= install PREFIX=/usr DESTDIR=%s"):format(folder))
  installed = folder .. "/usr"
  return folder
end

local function in_rows(text)
  local rows <const> = {}
  for line in text:gmatch "[^\n]+" do
    local row <const> = {}
    for number in line:gmatch "%S+" do row[#row + 1] = tonumber(number) end
    rows[#rows + 1] = row
  end
  return rows
end

local function in_text(rows)
  local lines <const> = {}
  for i, row in ipairs(rows) do lines[i] = table.concat(row, " ") end
  return table.concat(lines, "\n")
end

local function near(expected, got)
  assert.same(#expected, #got)
  for i, row in ipairs(expected) do
    assert.same(#row, #got[i])
    for j, value in ipairs(row) do
      assert.is_true(math.abs(value - got[i][j]) <= 1e-4 * math.max(1, math.abs(value)),
        ("row %d, column %d: expected %.9g, got %.9g"):format(i, j, value, got[i][j]))
    end
  end
end

-- A network whose numbers are all different from those that it is made with.
local function stirred(net)
  for n, tensor in ipairs(net:state()) do
    tensor:set(function(i, j) return 0.6 + 0.5 * math.sin(n + i * 0.7 + (j or 0) * 1.9) end)
  end
  return net
end

local nn <const> = hn.nn
local function sequence(...) return nn.Sequential { ... } end

-- Inputs, and what is made of them.
local nets <const> = {
  { "Linear alone", 5, function() return nn.Linear(5, 3) end },
  { "Linear without bias", 33, function() return nn.Linear(33, 17, { bias = false }) end },
  { "line", 33, function() return nn.Hashed(33, 70, { buckets = 64, seed = 4294967295 }) end },
  { "line, wide", 1100, function() return nn.Hashed(1100, 9, { compression = "1/8" }) end },
  { "line, balanced, strips", 40, function()
    return nn.Hashed(40, 21, { buckets = 160, balanced = true, strip = 4, bias = false })
  end },
  { "line, no signs", 40, function() return nn.Hashed(40, 21, { buckets = 160, sign = false, strip = 8 }) end },
  { "element", 19, function() return nn.Hashed(19, 37, { scheme = "element", buckets = 41 }) end },
  { "element, balanced, strips", 70, function()
    return nn.Hashed(70, 130, { scheme = "element", buckets = 900, balanced = true, strip = 9 })
  end },
  { "a hashed bias", 8, function() return nn.Hashed(8, 20, { buckets = 32, bias = "hashed" }) end },
  { "a shared pool", 16, function()
    local pool <const> = hn.buckets(96)
    return sequence(nn.Hashed(16, 20, { pool = pool, count = 32 }), nn.Hashed(20, 4, { pool = pool, offset = 32 }))
  end },
  { "norms", 12, function() return sequence(nn.BatchNorm(12, { epsilon = 1e-3 }), nn.Linear(12, 9), nn.LayerNorm(9)) end },
  { "dropout and Flatten", 6, function() return sequence(nn.Flatten(), nn.Dropout(0.9), nn.Linear(6, 2)) end },
  { "Residuals inside each other", 7, function()
    return sequence(nn.Residual { nn.Linear(7, 11), nn.Residual { nn.Tanh(), nn.Linear(11, 11) }, nn.Linear(11, 7) },
      nn.Linear(7, 2))
  end },
  { "a layer that comes twice", 6, function()
    local layer <const> = nn.Linear(6, 6)
    return sequence(sequence(nn.Tanh(), layer), nn.Tanh(), layer)
  end },
  { "layers beyond the stack", 3, function() return sequence(nn.Linear(3, 9000), nn.Linear(9000, 2)) end },
}
for _, name in ipairs { "ReLU", "GELU", "Tanh", "Sigmoid", "ReLU6", "HardTanh", "Abs", "Gauss", "Softsign", "Softplus",
  "Softmax", "LogSoftmax" } do
  nets[#nets + 1] = { name, 9, function() return sequence(nn.Linear(9, 21), nn[name]()) end }
end
for _, name in ipairs { "LeakyReLU", "ELU" } do
  nets[#nets + 1] = { name, 9, function() return sequence(nn.Linear(9, 21), nn[name](0.3)) end }
end

local function rows_of(count, columns)
  local rows <const> = {}
  for i = 1, count do
    rows[i] = {}
    for j = 1, columns do rows[i][j] = 2 * math.sin(i * 1.3 + j * j) end
  end
  return rows
end

local function predict(net, rows, threads)
  local model <const> = files.path()
  net:save(model)
  return in_rows(ok(("%s/predict %s %d <%s"):format(installed, model, threads, files.write(in_text(rows)))))
end

describe("predictions without Lua", function()
  local folder
  lazy_setup(function()
    folder = install()
    build("predict.c", "cc -std=c11", "-pthread")
  end)
  lazy_teardown(function() os.execute("rm -rf " .. folder) end)

  for _, case in ipairs(nets) do
    local name <const>, inputs <const>, make <const> = table.unpack(case)
    it("are the script's: " .. name, function()
      backends.open { device = "cpu" }
      local net <const>, rows <const> = stirred(make()), rows_of(11, inputs)
      near(net:predict(rows):table(), predict(net, rows, 2))
    end)
  end
end)
