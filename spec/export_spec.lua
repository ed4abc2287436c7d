-- hnrun export --c: the C file is compiled, run on some rows and compared with the engine.

local hn <const> = require "hn"
local exported <const> = require "spec.support.exported"
local files <const> = require "spec.support.files"
local plan_of <const> = require "hn.export.plan"
local program <const> = require "spec.support.program"
local quantise <const> = require "hn.export.quantise"

local nn <const> = hn.nn
local WARN <const> = "gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -O2"
-- Weights as whole numbers are read under sanitizers.
local SANITIZE <const> = "gcc -std=c99 -Wall -Wextra -Werror -O1 -g -fsanitize=address,undefined "
  .. "-fno-sanitize-recover=all"

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

local function export(net, folder, ...)
  net:save(folder .. "/net.hn")
  return program.run { "--threads", "1", "export", "--c", folder .. "/net.hn", "-o", folder .. "/net", ... }
end

-- Exports and compiles; gives the folder and what the program said.
local function build(net, math, option)
  local folder <const>, cc <const> = files.folder(), option and SANITIZE or WARN
  local out <const>, err <const>, code <const> = export(net, folder, option)
  assert.same({ "", 0 }, { err, code })
  files.write(MAIN, folder .. "/main.c")
  shell(("cd %s && %s %s -c net.c && %s -o run main.c net.o %s"):format(folder, cc, math and "" or "-ffreestanding", cc,
    math and "-lm" or ""))
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

local function check(make, inputs, math, kind)
  local net <const>, x <const> = exported.filled(make, inputs)
  local folder <const> = build(net, math, kind and "--" .. kind)
  if kind then quantise.round(plan_of(net), kind) end
  local expected <const> = net:predict(x):table()
  compare(expected, run(folder, x:table(), #expected[1]))
end

describe("hnrun export --c", function()
  for _, case in ipairs(exported.networks) do
    local title <const>, inputs <const>, make <const>, math <const> = table.unpack(case)
    it("gives the engine's outputs: " .. title, function() check(make, inputs, math) end)
    for _, kind in ipairs { "int8", "int4" } do
      it(("gives those of rounded weights in %s: %s"):format(kind, title), function()
        check(make, inputs, math, kind)
      end)
    end
  end

  for _, scheme in ipairs { "element", "line" } do
    it("gives the outputs of rounded weights in int16, close to the float32 ones: " .. scheme, function()
      local function make()
        return nn.Sequential { nn.Hashed(37, 13, { scheme = scheme, strip = 5, buckets = 224 }), nn.ReLU(),
          nn.Linear(13, 4) }
      end
      check(make, 37, false, "int16")
      local net <const>, x <const> = exported.filled(make, 37)
      local before <const> = net:predict(x):table()
      quantise.round(plan_of(net), "int16")
      for i, row in ipairs(net:predict(x):table()) do
        for j, v in ipairs(row) do assert.is_true(math.abs(v - before[i][j]) < 2e-3) end
      end
    end)
  end

  it("puts 784-1000-10 at 1/64 into 20 KiB of constants as int8", function()
    local net <const> = nn.Sequential {
      nn.Hashed(784, 1000, { compression = "1/64" }), nn.ReLU(), nn.Hashed(1000, 10, { compression = "1/64" }),
    }
    local folder <const>, said <const> = build(net, false, "--int8")
    assert.matches("784 inputs, 10 outputs\nconstants 16.2 KiB %(12,416 weights stored as int8%), buffers 3.9 KiB",
      said)
    local sections <const>, bytes = shell(("cd %s && %s -c net.c && size -A net.o"):format(folder, WARN)), 0
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
      "argument: export: layer 2: a module %(Residual%) cannot be exported" },
    { "an Embedding", function() return nn.Embedding(4, 2) end,
      "argument: export: layer net: a module %(Embedding%) cannot be exported" },
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

  it("leaves the old files where only one of the two can be replaced", function()
    local folder <const> = files.folder()
    nn.Linear(1, 1):save(folder .. "/net.hn")
    files.write("old", folder .. "/net.c")
    shell("mkdir " .. folder .. "/net.h")
    local _, err <const>, code <const> = program.run { "export", "--c", folder .. "/net.hn", "-o", folder .. "/net" }
    assert.matches("hnrun: file: export: .*/net%.h", err)
    assert.same({ 1, "old", "net.c\nnet.h\nnet.hn\n" },
      { code, files.read(folder .. "/net.c"), shell("ls " .. folder) })
    os.remove(folder .. "/net.c")
    program.run { "export", "--c", folder .. "/net.hn", "-o", folder .. "/net" }
    assert.equal("net.h\nnet.hn\n", shell("ls " .. folder))
  end)

  it("writes a source that takes no other network's header", function()
    local folder <const> = files.folder()
    export(nn.Linear(3, 2), folder)
    local source <const> = files.read(folder .. "/net.c")
    export(nn.Linear(2, 2), folder)
    files.write(source, folder .. "/net.c")
    local _, err <const>, code <const> = program.shell(("cd %s && %s -c net.c"):format(folder, WARN))
    assert.matches("header_is_of_this_source", err)
    assert.equal(1, code)
  end)

  it("says of a class that a script made that the file does not tell what it computes", function()
    local Mine <const> = nn.module "ExportedByNobody"
    function Mine.init() end
    function Mine.forward(_, x) return x end
    assert.matches('argument: export: \'.*net%.hn\' has a layer of kind "ExportedByNobody", a class that a script '
      .. "made: what it computes is not in the file, so it cannot be exported", refused(nn.Sequential { Mine() }))
  end)

  for _, case in ipairs {
    { "no model", { "-o", "net" }, "--c MODEL or --onnx MODEL is missing" },
    { "no output", { "--c", "net.hn" }, "-o NAME is missing" },
    { "an unknown option", { "--cc", "net.hn" }, "unknown option '--cc'" },
    { "an option without its value", { "--c" }, "option '--c' expects a value" },
    { "data without int8", { "--c", "a", "-o", "b", "--data", "mnist" }, "--data tells what --int4, --int8 or" },
    { "two ways to store weights", { "--c", "a", "-o", "b", "--int8", "--int16" }, "--int8 and --int16 are two ways" },
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
