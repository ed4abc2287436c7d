-- hnrun export --c: the C file is compiled, run on some rows and compared with the engine.

local hn <const> = require "hn"
local files <const> = require "spec.support.files"
local plan_of <const> = require "hn.export.plan"
local program <const> = require "spec.support.program"
local quantise <const> = require "hn.export.quantise"

local nn <const> = hn.nn
local ROWS <const> = 7
local WARN <const> = "gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -O2"

-- Reads samples from standard input and writes each one's outputs and the result, as floats.
local MAIN <const> = [[
#include "net.h"
#include <stdio.h>
int main(void) {
  static float x[NET_INPUTS], y[NET_OUTPUTS + 1];
  while (fread(x, sizeof x, 1, stdin) == 1) {
    y[NET_OUTPUTS] = (float)net_predict(x, y);
    fwrite(y, sizeof y, 1, stdout);
  }
  return 0;
}
]]

local function shell(command)
  local out <const>, err <const>, code <const> = program.shell(command)
  assert.same({ "", 0 }, { err, code }, command)
  return out
end

local function value(i, j) return ((i * 7919 + (j or 0) * 104729) % 1009 - 504) / 1009 end

-- Numbers everywhere, in biases and running statistics too.
local function fill(net, x)
  for _, tensor in ipairs(net:parameters()) do tensor:set(value) end
  net:train()
  do
    local _ <close> = require "hn.core".scope()
    net(x)
  end
  return net:eval()
end

local function export(net, folder, ...)
  net:save(folder .. "/net.hn")
  return program.run { "--threads", "1", "export", "--c", folder .. "/net.hn", "-o", folder .. "/net", ... }
end

-- Exports and compiles; gives the folder and what the program said.
local function build(net, math, ...)
  local folder <const> = files.folder()
  local out <const>, err <const>, code <const> = export(net, folder, ...)
  assert.same({ "", 0 }, { err, code })
  files.write(MAIN, folder .. "/main.c")
  shell(("cd %s && %s %s -c net.c && %s -o run main.c net.o %s"):format(folder, WARN, math and "" or "-ffreestanding",
    WARN, math and "-lm" or ""))
  return folder, out
end

-- Outputs of the compiled file for rows of a table, and the result of each call.
local function run(folder, rows, outputs)
  local bytes <const> = {}
  for i, row in ipairs(rows) do bytes[i] = string.pack(("<" .. ("f"):rep(#row)), table.unpack(row)) end
  files.write(table.concat(bytes), folder .. "/x")
  local out <const>, y <const>, results <const> = shell(("cd %s && ./run <x"):format(folder)), {}, {}
  assert.equal(4 * #rows * (outputs + 1), #out)
  for i = 1, #rows do
    y[i] = { string.unpack("<" .. ("f"):rep(outputs + 1), out, 4 * (i - 1) * (outputs + 1) + 1) }
    results[i] = y[i][outputs + 1]
    y[i][outputs + 1], y[i][outputs + 2] = nil, nil
  end
  return y, results
end

local function largest(row)
  local best = 1
  for i, v in ipairs(row) do
    if v > row[best] then best = i end
  end
  return best - 1
end

local function compare(expected, actual, results)
  local most = 0
  for i, row in ipairs(expected) do
    for j, wanted in ipairs(row) do
      local tolerance <const> = 2e-5 * (1 + math.abs(wanted))
      assert.is_true(math.abs(actual[i][j] - wanted) <= tolerance,
        ("row %d, output %d: wanted %.8g, got %.8g"):format(i, j, wanted, actual[i][j]))
      most = math.max(most, math.abs(wanted))
    end
    assert.equal(largest(actual[i]), results[i])
  end
  assert.is_true(most > 1e-3, "all outputs are zero: nothing was compared")
end

local function samples(inputs)
  return hn.tensor({ ROWS, inputs }, function(i, j) return 4 * value(3 * i, j + 5) end)
end

local function check(make, inputs, math, int8)
  local net, x <const> = make(), samples(inputs)
  net = fill(net, x)
  local folder <const> = build(net, math, int8)
  if int8 then quantise.round(plan_of(net)) end
  local expected <const> = net:predict(x):table()
  compare(expected, run(folder, x:table(), #expected[1]))
end

-- What it is, its inputs, the network, whether it needs libm.
local networks <const> = {
  { "a Linear alone", 5, function() return nn.Linear(5, 3) end },
  { "a Linear without bias", 5, function() return nn.Sequential { nn.Linear(5, 3, { bias = false }) } end },
  { "layers within layers", 9, function()
    return nn.Sequential { nn.Flatten(), nn.Sequential { nn.Linear(9, 20), nn.ReLU(), nn.Dropout(0.5) },
      nn.Hashed(20, 7), nn.ReLU(), nn.Hashed(7, 30), nn.Sequential { nn.ReLU(), nn.Linear(30, 4) } }
  end },
  { "an activation before everything", 6, function() return nn.Sequential { nn.Abs(), nn.Linear(6, 2), nn.Abs() } end },
  { "one layer in two places", 6, function()
    local shared <const> = nn.Hashed(6, 6, { scheme = "element", compression = 1 / 2 })
    return nn.Sequential { shared, nn.ReLU(), shared }
  end },
  { "two layers over one pool, with offsets", 40, function()
    local pool <const> = hn.buckets(96)
    return nn.Sequential { nn.Hashed(40, 30, { pool = pool, offset = 32, count = 64 }), nn.ReLU(),
      nn.Hashed(30, 5, { pool = pool, scheme = "element", offset = 3, count = 50 }) }
  end },
  { "BatchNorm", 8, function()
    return nn.Sequential { nn.BatchNorm(8), nn.Linear(8, 5), nn.BatchNorm(5, { epsilon = 0.01 }) }
  end },
  { "LayerNorm", 8, function()
    return nn.Sequential { nn.Linear(8, 5), nn.LayerNorm(5, { epsilon = 0.01 }) }
  end, true },
  { "norms alone", 8, function() return nn.Sequential { nn.BatchNorm(8), nn.LayerNorm(8) } end, true },
}

local needs_no_libm <const> = { ReLU = true, ReLU6 = true, HardTanh = true, Abs = true, Softsign = true,
  LeakyReLU = true }
for name in pairs(require "hn.nn.activations") do
  networks[#networks + 1] = { name, 6, function()
    return nn.Sequential { nn.Linear(6, 11), nn[name](name == "LeakyReLU" and 0.2 or name == "ELU" and 0.7 or nil) }
  end, not needs_no_libm[name] }
end

for _, scheme in ipairs { "element", "line" } do
  for _, strip in ipairs { 0, 1, 5, 100 } do
    for _, balanced in ipairs { false, true } do
      for _, more in ipairs { { sign = true, bias = true }, { sign = false, bias = "hashed" } } do
        networks[#networks + 1] = {
          ("Hashed, %s, strips of %d%s%s"):format(scheme, strip, balanced and ", balanced" or "",
            more.sign and "" or ", no signs, hashed bias"), 37,
          function()
            return nn.Sequential { nn.Hashed(37, 13, { scheme = scheme, strip = strip, balanced = balanced,
              buckets = 224, seed = 4000000007, sign = more.sign, bias = more.bias }) }
          end,
        }
      end
    end
  end
end

describe("hnrun export --c", function()
  table.sort(networks, function(a, b) return a[1] < b[1] end)
  for _, case in ipairs(networks) do
    local title <const>, inputs <const>, make <const>, math <const> = table.unpack(case)
    it("gives the engine's outputs: " .. title, function() check(make, inputs, math) end)
    it("gives those of rounded weights in int8: " .. title, function() check(make, inputs, math, "--int8") end)
  end

  it("puts 784-1000-10 at 1/64 into 20 KiB of constants as int8", function()
    local net <const> = nn.Sequential {
      nn.Hashed(784, 1000, { compression = "1/64" }), nn.ReLU(), nn.Hashed(1000, 10, { compression = "1/64" }),
    }
    local folder <const>, said <const> = build(net, false, "--int8")
    assert.matches("784 inputs, 10 outputs; constants 16.2 KiB %(12,416 weights stored as int8%), buffers 3.9 KiB",
      said)
    local sections <const>, bytes = shell(("size -A %s/net.o"):format(folder)), 0
    for size in sections:gmatch "\n%.[rod]+ata%S*%s+(%d+)" do bytes = bytes + tonumber(size) end
    assert.is_true(bytes > 16000 and bytes <= 20 * 1024, bytes .. " bytes")
  end)

  it("tells what int8 costs on data", function()
    local script <const> = files.write [[
      local hn <const> = require "hn"
      return { x = hn.tensor({ 4, 2 }, function(i, j) return i * j % 3 end), y = hn.labels { 1, 2, 1, 2 } }]]
    local net <const> = nn.Sequential { nn.Linear(2, 2) }
    net[1].weight:set { { 1, 0.3 }, { 0.2, 0.6 } }
    local folder <const> = files.folder()
    local out <const>, err <const> = export(net, folder, "--int8", "--data", script)
    assert.equal("", err)
    local before <const>, after <const> =
      out:match "\nfloat32  4 samples: loss ([%d.]+).*\nint8     4 samples: loss ([%d.]+)"
    assert.is_true(math.abs(before - after) < 0.01)
    assert.is_true(tonumber(before) > 0.1)
  end)

  local function refused(net, ...)
    local folder <const> = files.folder()
    local out <const>, err <const>, code <const> = export(net, folder, ...)
    assert.same({ "", 1 }, { out, code })
    assert.same("net.hn\n", shell("ls " .. folder))
    return err
  end

  for _, case in ipairs {
    { "a Residual", function() return nn.Sequential { nn.ReLU(), nn.Residual { nn.Linear(2, 2) } } end,
      "argument: export: layer 2: a module %(Residual%) cannot be exported to C" },
    { "an Embedding", function() return nn.Embedding(4, 2) end,
      "argument: export: layer net: a module %(Embedding%) cannot be exported to C" },
    { "sizes that do not fit", function() return nn.Sequential { nn.Linear(2, 3), nn.ReLU(), nn.Linear(4, 1) } end,
      "shape: export: layer 3, Linear%(4 %-> 1%): takes 4 numbers, and 3 come" },
    { "a network without sizes", function() return nn.Sequential { nn.ReLU() } end,
      "shape: export: the network does not tell how many numbers it takes" },
    { "weights that are not finite", function()
      local net <const> = nn.Linear(2, 1)
      net.weight:set { { 1, math.huge } }
      return net
    end, "numeric: export: layer: number 2 is inf" },
  } do
    it("refuses " .. case[1] .. " and writes nothing", function() assert.matches(case[3], refused(case[2]())) end)
  end

  it("refuses a name that C does not take", function()
    local folder <const> = files.folder()
    nn.Linear(1, 1):save(folder .. "/net.hn")
    local _, err <const>, code <const> = program.run { "export", "--c", folder .. "/net.hn", "-o", folder .. "/1-a" }
    assert.equal(('hnrun: argument: export: -o: expected a path that ends in a name as C takes it, got "%s/1-a"\n')
      :format(folder), err)
    assert.equal(1, code)
  end)

  it("leaves the old files where it cannot write", function()
    local folder <const> = files.folder()
    nn.Linear(1, 1):save(folder .. "/net.hn")
    local _, err <const>, code <const> = program.run { "export", "--c", folder .. "/net.hn", "-o", folder .. "/no/net" }
    assert.matches("hnrun: file: export: .*/no/net%.c: No such file or directory", err)
    assert.equal(1, code)
  end)

  for _, case in ipairs {
    { "no model", { "-o", "net" }, "--c MODEL is missing" },
    { "no output", { "--c", "net.hn" }, "-o NAME is missing" },
    { "an unknown option", { "--cc", "net.hn" }, "unknown option '--cc'" },
    { "an option without its value", { "--c" }, "option '--c' expects a value" },
    { "data without int8", { "--c", "a", "-o", "b", "--data", "mnist" }, "--data tells what --int8 costs" },
  } do
    it("ends with status 2 for " .. case[1], function()
      local _, err <const>, code <const> = program.run { "export", table.unpack(case[2]) }
      assert.is_truthy(err:find("hnrun: export: " .. case[3], 1, true), err)
      assert.is_truthy(err:find("usage: hnrun [options] export", 1, true))
      assert.equal(2, code)
    end)
  end

  it("leaves a script of that name to ./export", function()
    local folder <const> = files.folder()
    files.write("print('a script', ...)", folder .. "/export")
    assert.equal("a script\tx\n", shell(("cd %s && %s ./export x"):format(folder, files.quoted(
      program.path:find "^/" and program.path or shell("pwd"):sub(1, -2) .. "/" .. program.path))))
  end)
end)
