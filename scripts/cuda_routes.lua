-- Which way to compute a hashed product is fastest on this GPU, by batch and scheme: what the table in cuda/hashed.cu
-- is filled in from.
--
--   ./hnrun scripts/cuda_routes.lua                     a minute or two on the first GPU
--   ./hnrun scripts/cuda_routes.lua --device cuda:1 --rows 1000 --cols 784 --quick
--
-- A row is one product of one layer; its figures are microseconds by each way and, behind them, of the dense layer's
-- product (cuBLAS). The gradients are differences of a step with and without them, so they are rougher than forward.

local core <const> = require "hn.core"
local hn <const> = require "hn"

local o <const> = { device = "cuda", rows = 4096, cols = 4096, seconds = 0.05,
  batches = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 1024 } }

local function stop(message)
  io.stderr:write("cuda_routes.lua: ", message, "\nusage: hnrun scripts/cuda_routes.lua [--device cuda] [--rows 4096] ",
    "[--cols 4096] [--quick]\n")
  os.exit(2, true)
end

local i = 1
while i <= #arg do
  local name <const> = arg[i]:match "^%-%-(%l+)$"
  if name == "quick" then
    o.seconds, o.batches = 0.002, { 1, 8, 64, 256 }
  elseif name == "device" or name == "rows" or name == "cols" then
    i = i + 1
    local value <const> = arg[i] or stop("--" .. name .. " needs a value")
    o[name] = name == "device" and value or math.tointeger(tonumber(value)) or stop("--" .. name .. " needs a number")
  else
    stop("unknown option " .. arg[i])
  end
  i = i + 1
end

-- Microseconds of one call, when many are asked for at a time.
local function time(call)
  call()
  hn.wait()
  local started <const>, n = core.clock(), 0
  repeat
    for _ = 1, 10 do call() end
    n = n + 10
    hn.wait()
  until core.clock() - started > o.seconds
  return 1e6 * (core.clock() - started) / n
end

-- A training step: forward, and backward to the weights, and to the input where it is a parameter.
local function step(x, weight)
  local _ <close> = hn.tape()
  hn.sum(hn.linear(x, weight)):backward()
end

-- Times of the three products: forward, bucket gradient, input gradient.
local function products(weight, batch)
  local x <const> = hn.tensor({ batch, o.cols }):uniform(-0.5, 0.5)
  local function forward()
    local _ <close> = hn.scope()
    hn.sum(hn.linear(x, weight))
  end
  local alone <const> = time(forward)
  local with_weights <const> = time(function() step(x, weight) end)
  x:parameter()
  local with_both <const> = time(function() step(x, weight) end)
  return { alone, with_weights - alone, with_both - with_weights }
end

local function on(words)
  return hn.use { device = o.device .. (words and (o.device:find ":" and "," or ":") .. words or "") }
end

local function dense(batch)
  on()
  return products(hn.tensor({ o.rows, o.cols }):uniform(-0.5, 0.5):parameter(), batch)
end

local function hashed(route, scheme, compression, batch)
  on(route)
  local count <const> = math.max(1, o.rows * o.cols // compression // 16) * 16
  local pool <const> = hn.buckets(count):uniform(-0.5, 0.5)
  return products(pool:matrix { rows = o.rows, cols = o.cols, scheme = scheme, seed = 1 }, batch)
end

local ROUTES <const> = { "direct", "tile", "panel" }
local PRODUCTS <const> = { "forward", "bucket gradient", "input gradient" }

print(("%s, %d x %d, microseconds\n"):format(on(), o.rows, o.cols))
print("| product | scheme | compression | batch | direct | tile | panel | fastest | dense |")
print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
for _, batch in ipairs(o.batches) do
  local whole <const> = dense(batch)
  for _, kind in ipairs { { "line", 8 }, { "line", 64 }, { "element", 8 }, { "element", 64 } } do
    local by_route <const> = {}
    for r, route in ipairs(ROUTES) do
      if route ~= "direct" or batch <= 8 then by_route[r] = hashed(route, kind[1], kind[2], batch) end
    end
    for p, product in ipairs(PRODUCTS) do
      local best, cells <const> = nil, {}
      for r in ipairs(ROUTES) do
        local us <const> = by_route[r] and by_route[r][p]
        cells[r] = us and ("%.1f"):format(us) or "-"
        if us and (not best or us < by_route[best][p]) then best = r end
      end
      print(("| %s | %s | 1/%d | %d | %s | %s | %.1f |"):format(product, kind[1], kind[2], batch,
        table.concat(cells, " | "), ROUTES[best], whole[p]))
      io.stdout:flush()
    end
  end
end
