-- Devices by name: what there is, what is said where there is none, and reading results later.

local hn <const> = require "hn"
local core <const> = require "hn.core"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

-- What hnrun says of a device that the command line asks for: output, errors, exit status.
local function device_of(name) return program.run { "--device", name, "-e", "print(require('hn').device())" } end

describe("a device", function()
  for _, row in ipairs {
    { "cuda-host:7", "no GPU number 7: they count from 0, and there is 1" },
    { "cuda-host:fast", "'fast' is neither a GPU's number nor one of deterministic, tf32" },
    { "cuda-host:0,", "'' is neither" },
    { "cpu:fast", "no device 'cpu:fast' here; there is: cpu, " },
    { "../cuda", "no device '../cuda' here" },
    { "CUDA", "no device 'CUDA' here; there is: auto, cpu, cuda" },
    { ":1", "no device ':1' here" },
    { "", "no device '' here" },
    { "nothing", "libhn_nothing.so was not built or is not installed" },
  } do
    local name <const>, reason <const> = table.unpack(row)
    it(("%q is refused with a reason"):format(name), function()
      local ok <const>, message <const> = pcall(hn.use, { device = name })
      assert.is_false(ok)
      assert.matches("^device: ", message)
      assert.matches(reason, message, 1, true)
    end)
  end

  it("that is refused leaves the one before", function()
    local before <const> = hn.device()
    assert.is_false(pcall(hn.use, { device = "cuda-host:7" }))
    assert.equal(before, hn.device())
    assert.equal(6, hn.tensor({ 3 }, 2):sum():item())
  end)

  it("says what it was asked for", function()
    assert.equal("cuda-host:0, host emulation, deterministic, tf32",
      hn.use { device = "cuda-host:tf32,0,deterministic" })
  end)

  it('is a GPU or the CPU for "auto", which says why not the GPU', function()
    local gpu <const>, problem <const>, status <const> = device_of "cuda"
    local best <const>, _, best_status <const> = device_of "auto"
    assert.equal(0, best_status)
    if status == 0 then return assert.equal(gpu, best) end
    local reason <const> = problem:match "device: device: (.-)\n$" or problem:match "device: (.-)\n$"
    assert.equal(2, status)
    assert.is_string(reason, problem)
    assert.matches("^cpu, .* %(.*%)\n$", best)
    assert.matches(reason, best, 1, true)
  end)

  it("counts what it holds for itself against the budget", function()
    local ok <const>, message <const> = pcall(hn.use, { device = "cuda-host", memory = "100KiB" })
    assert.is_false(ok)
    assert.matches("^memory: the device %(workspace%) needs 512.0 KiB", message)
    hn.use { device = "cuda-host", memory = "1MiB" }
    assert.equal(512 * 1024, hn.memory().kinds.workspace)
  end)
end)

-- A script that trains with everything and says how it ended.
local TRAINING <const> = [[
  local hn <const> = require "hn"
  local net <const> = hn.nn.Sequential { hn.nn.Hashed(6, 8), hn.nn.BatchNorm(8), hn.nn.ReLU(), hn.nn.Dropout(0.5),
    hn.nn.Hashed(8, 3) }
  local x <const>, y <const> = hn.tensor({ 20, 6 }):uniform(-1, 1), {}
  for i = 1, 20 do y[i] = i % 3 + 1 end
  local ok <const>, message <const> = pcall(hn.fit, net, { x = x, y = hn.labels(y) },
    { epochs = 2, batch = 5, progress = false, optimizer = hn.optim.Adam { clip = 1 } })
  print(ok, message)
  print(pcall(hn.sum, x))
  print(pcall(hn.use, { device = "cpu" }))]]

describe("a device that is lost", function()
  for _, launch in ipairs { 2, 3, 5, 10, 20, 40, 80 } do
    it("tells why from then on, and the program goes on without it: launch " .. launch, function()
      local out <const>, err <const>, status <const> = program.shell(("HN_CUDA_HOST_FAIL=%d %s --device cuda-host %s")
        :format(launch, files.quoted(program.path), files.write(TRAINING)))
      assert.same({ "", 0 }, { err, status }, out)
      assert.matches("^false\tdevice: .-kernel .-: fails because HN_CUDA_HOST_FAIL asks for it", out)
      assert.matches("\nfalse\tdevice: cuda%-host: the device was lost, and is until the program starts again, by ",
        out)
    end)
  end
end)

for _, backend in ipairs(backends) do
  describe("a fetch on " .. backend.device, function()
    it("gives the numbers as they were when it was asked for", function()
      backends.open { device = backend.device }
      local t <const> = hn.tensor({ 2, 2 }, { 1, 2, 3, 4 })
      local numbers <const>, labels <const> = t:fetch(), hn.labels { 3, 1 }:fetch()
      t:set(0)
      assert.same({ 1, 2, 3, 4 }, numbers:list())
      assert.same({ 2, 0 }, labels:list()) -- as the device has them, from 0
      assert.is_true(numbers:ready())
    end)

    it("is read once, and can be left unread", function()
      backends.open { device = backend.device }
      local once <const>, never <close> = hn.tensor({ 1 }, 7):fetch(), hn.tensor({ 5000 }, 7):fetch()
      assert.same({ 7 }, once:list())
      assert.error_matches(function() once:list() end, "^state: a fetch is read once")
      assert.is_boolean(never:ready())
      once:close()
      assert.error_matches(function() once:list() end, "^state: the fetch is closed")
    end)

    it("reads as zero in a dry run", function()
      backends.open { device = backend.device }
      local run <close> = core.dry()
      assert.same({ 0, 0 }, hn.tensor({ 2 }, 7):fetch():list())
      run:finish()
    end)

    it("is ready when the device was waited for", function()
      backends.open { device = backend.device }
      local fetched <const> = hn.tensor({ 300, 300 }, 1):matmul(hn.tensor({ 300, 300 }, 1)):fetch()
      hn.wait()
      assert.is_true(fetched:ready())
      assert.equal(300, fetched:list()[1])
    end)

    it("outlives the tensor", function()
      backends.open { device = backend.device }
      local t <const> = hn.tensor({ 3 }, 2)
      local fetched <const> = t:fetch()
      t:close()
      assert.error_matches(function() t:fetch() end, "^state: ")
      assert.same({ 2, 2, 2 }, fetched:list())
    end)
  end)
end
