-- The backends under test, and how a spec opens a context on one. A new backend is one more row: every spec that loops
-- over this list then runs on it.

local hn <const> = require "hn"

-- What specs run on that do not say where: HN_DEVICE=cuda:deterministic ./hnrun spec/run.lua runs them on a GPU. Some
-- ask for equal bits, which need additions to buckets in one order.
local default <const> = os.getenv "HN_DEVICE" or "cpu"

local backends <const> = {
  { device = "cpu" },
  { device = "cuda-host:deterministic" },
}

if default ~= backends[1].device and default ~= backends[2].device then
  table.insert(backends, { device = default })
end

-- The levels of SIMD that this processor has, for what depends on them.
backends.levels = {}
for _, level in ipairs { "avx512", "avx2", "plain" } do
  local device <const> = "cpu:" .. level
  if pcall(hn.use, { device = device }) then table.insert(backends.levels, { device = device }) end
end

-- Every set of kernels for hashed layers: those levels, and the ways that a GPU has to compute a product.
backends.kernels = table.move(backends.levels, 1, #backends.levels, 1, {})
for k = 2, #backends do
  local gpu <const> = backends[k].device:match "^[^:]*"
  for _, way in ipairs { "direct", "tile", "panel" } do
    table.insert(backends.kernels, { device = gpu .. ":" .. way })
  end
end

-- Opens a context as the engine's current one: guard zones, fresh results filled with NaN, a fixed seed.
function backends.open(options)
  options = options or {}
  return hn.use {
    device = options.device or default,
    threads = options.threads or 1,
    memory = options.memory,
    seed = options.seed or 1,
    debug = options.debug == nil or options.debug,
  }
end

return backends
