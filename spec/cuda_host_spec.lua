-- The emulation of CUDA on the host finds what it is there to find, and nothing else: cuda/host/faults.cu.

local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

local function exists(path)
  local file <const> = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- Beside the program where that is a build of its own.
local folder <const> = program.path:match "^(.*/)" or "./"
local faults <const> = exists(folder .. "cuda/host/faults") and folder .. "cuda/host/faults"
  or folder .. "build/cuda/host/faults"

local function run(case, seed)
  return program.shell(("HN_CUDA_HOST_SEED=%d %s %s"):format(seed, files.quoted(faults), case))
end

-- What is wrong, and words of the report, as patterns.
local caught <const> = {
  missing_barrier = { "kernel reversed<false>: block 0 0 0 thread %d+ reads byte %d+ of shared buffer" },
  shared_race = { "kernel shared_writes: .* writes byte 0 of shared one .* a race: it was written by" },
  missing_syncwarp = { "kernel warp_turns<false>: .* shared buffer" },
  global_race = {
    "kernel blocks_write: block %d .* writes byte 28 of device allocation .* a race: it was written by block",
  },
  global_race_read = { "kernel blocks_read: .* byte 36 of device allocation .* a race" },
  atomic_race = { "kernel plain_and_atomic: .* a race" },
  shared_end = { "thread 63 writes byte 256 of shared buffer %(256 bytes%)" },
  shared_start = { "thread 0 writes shared memory" },
  dynamic_end = { "thread 63 writes byte 252 of shared %(dynamic%)" },
  device_end = { "block 8 0 0 thread 0 writes byte 4096 of device allocation %d+ %(4096 bytes%)" },
  device_start = { "thread 0 writes device memory" },
  shared_uninitialised = { "thread 5 reads byte 20 of shared buffer .* which nobody wrote" },
  device_uninitialised = { "reads byte %d+ of device allocation .* which nobody wrote" },
  barrier_divergent = { "divergent __syncthreads: .* thread %d+ waits at faults.cu:%d+, but thread 4%d has exited" },
  barrier_places = { "divergent __syncthreads: .* waits at faults.cu:%d+, but thread %d+ waits at faults.cu:%d+" },
  shuffle_absent = { "names lanes that the block does not have: ffffffff" },
  shuffle_exited = { "divergent warp operation: .*, but thread %d+ has exited" },
  shuffle_other_mask = { "divergent warp operation" },
  shuffle_not_in_mask = { "is not in its own mask: 7fffffff", "shuffles from lane 31, which is not in the mask" },
  misaligned = { "kernel vectors: .* misaligned for 16 bytes %(faults.cu:%d+%)" },
  reads_host = { "kernel copy: .* reads host memory" },
  writes_host = { "kernel copy: .* writes host memory" },
  host_reads_device = { "host code reads byte 12 of device allocation" },
  freed = { "kernel fill: .* of device allocation %d+ %(4096 bytes, freed%)" },
  freed_twice = { "cudaFree: .* is not allocated" },
  copy_overrun = { "cudaMemcpy writes 4096 bytes from byte 4 on of device allocation" },
  shared_not_allowed = { "invalid argument" },
  default_stream = { "default stream" },
}

describe("a faulty kernel or call on cuda-host", function()
  for case, patterns in pairs(caught) do
    it("is reported in every order: " .. case, function()
      for seed = 1, 8 do
        local out <const>, _, status <const> = run(case, seed)
        local found = false
        for _, pattern in ipairs(patterns) do found = found or out:find(pattern) ~= nil end
        assert.is_true(found, ("seed %d: %s"):format(seed, out))
        assert.equal(1, status)
        if case ~= "shared_not_allowed" then assert.matches("HN_CUDA_HOST_SEED=" .. seed, out, 1, true) end
        assert.is_true(#out <= 400)
      end
    end)
  end

  it("shows in some order: an event that is missing between two streams", function()
    local shown = 0
    for seed = 1, 20 do
      local out <const>, _, status <const> = run("missing_event", seed)
      if status == 1 then
        shown = shown + 1
        assert.matches("reads byte %d+ of device allocation .* which nobody wrote", out)
      end
    end
    assert.is_true(shown > 3)
  end)

  it("shows in its result: a pinned buffer that is used again before its copy is done", function()
    for seed = 1, 8 do
      local out <const>, _, status <const> = run("pinned_too_early", seed)
      assert.equal(2, status)
      assert.matches("pinned buffer", out, 1, true)
    end
  end)

  it("is told when the last stream ends: a leak", function()
    local _, err <const> = run("leak", 1)
    assert.matches("a leak: 1 device allocations", err, 1, true)
  end)

  it("gives the same report again for the same seed", function()
    assert.equal((run("global_race", 77)), (run("global_race", 77)))
  end)

  it("leaves a device that can be opened again", function()
    local out <const>, _, status <const> = run("again", 1)
    assert.matches("which nobody wrote", out, 1, true)
    assert.equal(0, status)
  end)
end)

describe("right kernels and calls on cuda-host", function()
  for _, case in ipairs { "barriers", "atomics", "vectors_aligned", "last_warp", "events", "pinned_in_time",
    "tensor_cores" } do
    it("pass in every order: " .. case, function()
      for seed = 1, 30 do
        local out <const>, err <const>, status <const> = run(case, seed)
        assert.equal("", out, "seed " .. seed)
        assert.equal("", err)
        assert.equal(0, status)
      end
    end)
  end
end)
