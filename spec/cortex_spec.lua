-- Exported networks on microcontrollers: the C file is compiled for Cortex-M processors without an operating system or
-- a C library, run under QEMU, and compared with the engine. Debian's gcc-arm-none-eabi and qemu-system-arm.

local hn <const> = require "hn"
local files <const> = require "spec.support.files"
local plan_of <const> = require "hn.export.plan"
local program <const> = require "spec.support.program"
local quantise <const> = require "hn.export.quantise"

local nn <const> = hn.nn
local SUPPORT <const> = "spec/support/cortex"
local GCC <const> = "arm-none-eabi-gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -O2 -mthumb -ffreestanding -nostdlib"

local PROCESSORS <const> = {
  { "Cortex-M0", "-mcpu=cortex-m0", "microbit" },
  { "Cortex-M3", "-mcpu=cortex-m3", "mps2-an385" },
  { "Cortex-M4 with a floating-point unit", "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16", "mps2-an386" },
}

local function missing()
  for _, tool in ipairs { "arm-none-eabi-gcc", "qemu-system-arm" } do
    local _, _, code <const> = program.shell("command -v " .. tool)
    if code ~= 0 then return tool end
  end
  return nil
end
local absent <const> = missing()

local function shell(command)
  local out <const>, err <const>, code <const> = program.shell(command)
  assert.same({ "", 0 }, { err, code }, command)
  return out
end

local function value(i, j) return ((i * 7919 + (j or 0) * 104729) % 1009 - 504) / 1009 end

-- A network with numbers everywhere, and samples for it.
local function fill(net, inputs, n)
  for _, tensor in ipairs(net:state()) do tensor:set(function(i, j) return 0.6 + value(i, j) end) end
  return net:eval(), hn.tensor({ n, inputs }, function(i, j) return 2 * value(3 * i, j + 5) end)
end

local function write_samples(x, path)
  local rows <const> = {}
  for i, row in ipairs(x:table()) do
    for j, number in ipairs(row) do row[j] = ("%.9ef"):format(number) end
    rows[i] = "  {" .. table.concat(row, ",\n   ") .. "},\n"
  end
  files.write(("static const float samples[%d][%d] = {\n%s};\n"):format(#rows, x:shape()[2], table.concat(rows)), path)
end

-- Exports, compiles and links; gives the folder. net.o is the exported file's.
local function build(net, x, flags, ...)
  local folder <const> = files.folder()
  net:save(folder .. "/net.hn")
  local _, err <const>, code <const> =
    program.run { "--threads", "1", "export", "--c", folder .. "/net.hn", "-o", folder .. "/net", ... }
  assert.same({ "", 0 }, { err, code })
  write_samples(x, folder .. "/samples.h")
  local compile <const> = ("%s %s -I%s -I%s"):format(GCC, flags, SUPPORT, folder)
  shell(("%s -c %s/net.c -o %s/net.o"):format(compile, folder, folder))
  shell(("%s -T %s/link.ld %s/start.c %s/main.c %s/net.o -lgcc -o %s/net.elf"):format(compile, SUPPORT, SUPPORT,
    SUPPORT, folder, folder))
  return folder
end

-- Outputs of the program for each sample, and its results.
local function run(folder, machine, outputs)
  local out <const> = shell(("qemu-system-arm -M %s -kernel %s/net.elf -display none -monitor none -serial none "
    .. "-chardev stdio,id=out -semihosting-config enable=on,target=native,chardev=out"):format(machine, folder))
  local y <const>, results <const>, words <const> = {}, {}, {}
  for word in out:gmatch "(%x+)\n" do words[#words + 1] = tonumber(word, 16) end
  for i = 0, #words // (outputs + 1) - 1 do
    local row <const> = {}
    for j = 1, outputs do row[j] = string.unpack("<f", string.pack("<I4", words[i * (outputs + 1) + j])) end
    y[#y + 1], results[#results + 1] = row, words[(i + 1) * (outputs + 1)]
  end
  return y, results
end

local function compare(expected, y, results)
  assert.equal(#expected, #y)
  for i, row in ipairs(expected) do
    local largest = 1
    for j, wanted in ipairs(row) do
      assert.near(wanted, y[i][j], 2e-5 * (1 + math.abs(wanted)))
      if y[i][j] > y[i][largest] then largest = j end
    end
    assert.equal(largest - 1, results[i])
    assert.is_true(math.abs(row[1]) > 1e-3, "nothing was compared")
  end
end

-- What it is, inputs, samples, the network, whether as int8.
local NETWORKS <const> = {
  { "784-1000-10 at 1/64 in int8", 784, 2, function()
    return nn.Sequential { nn.Hashed(784, 1000, { compression = "1/64" }), nn.ReLU(),
      nn.Hashed(1000, 10, { compression = "1/64" }) }
  end, "--int8" },
  { "single buckets in balanced strips, dense layers and norms", 37, 5, function()
    return nn.Sequential { nn.BatchNorm(37), nn.Hashed(37, 30, { scheme = "element", strip = 7, balanced = true }),
      nn.LeakyReLU(0.1), nn.Linear(30, 20), nn.BatchNorm(20), nn.HardTanh(),
      nn.Hashed(20, 4, { strip = 2, buckets = 64, bias = "hashed" }) }
  end },
}

describe("an exported network runs on a", function()
  for _, processor in ipairs(PROCESSORS) do
    for _, case in ipairs(NETWORKS) do
      local name <const>, flags <const>, machine <const> = table.unpack(processor)
      local title <const>, inputs <const>, n <const>, make <const>, int8 <const> = table.unpack(case)
      it(("%s: %s"):format(name, title), function()
        if absent then return pending(absent .. " is not installed") end
        local net <const>, x <const> = fill(make(), inputs, n)
        local folder <const> = build(net, x, flags, int8)
        if int8 then quantise.round(plan_of(net)) end
        local expected <const> = net:predict(x):table()
        compare(expected, run(folder, machine, #expected[1]))
      end)
    end
  end

  it("microcontroller: 784-1000-10 at 1/64 in int8 takes at most 20 KiB of flash and 4 KiB of RAM", function()
    if absent then return pending(absent .. " is not installed") end
    local net <const>, x <const> = fill(NETWORKS[1][4](), 784, 1)
    local folder <const> = build(net, x, PROCESSORS[2][2], "--int8")
    local text <const>, data <const>, bss <const> =
      shell(("arm-none-eabi-size %s/net.o"):format(folder)):match "\n%s*(%d+)%s+(%d+)%s+(%d+)"
    assert.is_true(tonumber(text) > 16000 and text + data <= 20 * 1024, text .. " bytes")
    assert.is_true(tonumber(bss) <= 4096, bss .. " bytes")
  end)
end)
