-- What each CUDA kernel takes of a GPU, as a table: `make cuda-report` pipes the PTX of every file in here, which tells
-- the kernels' launch bounds, and what ptxas says of it. Fails if a kernel spills registers.
--   threads     of a block, at most
--   registers   of a thread
--   shared      bytes of a block that are known when it is compiled; dynamic ones come on top
--   warps       theoretical occupancy: warps that an SM holds at a time

local WARPS <const> = { sm_75 = 32, sm_86 = 48, sm_89 = 48, sm_120 = 48 }
local SHARED <const> = { sm_75 = 65536, sm_80 = 167936, sm_86 = 102400, sm_89 = 102400, sm_90 = 233472,
  sm_100 = 233472, sm_120 = 102400 }
local THREADS <const> = 256 -- of kernels without launch bounds

-- Warps of an SM: registers are given to warps in units of 256, shared memory to blocks in units of 1 KiB with 1 KiB
-- more for the system.
local function occupancy(arch, threads, registers, shared)
  local warps <const>, most <const> = threads // 32, WARPS[arch] or 64
  local by_registers <const> = 65536 // (-(-registers * 32 // 256) * 256) // warps
  local by_shared <const> = SHARED[arch] // (-(-shared // 1024) * 1024 + 1024)
  return math.min(by_registers, by_shared, most // warps, 32) * warps, most
end

local function demangled(names)
  if #names == 0 then return {} end
  local list <const> = {}
  local pipe <const> = assert(io.popen("c++filt -p " .. table.concat(names, " ")))
  for line in pipe:lines() do list[#list + 1] = line:gsub("%(anonymous namespace%)::", "") end
  pipe:close()
  return list
end

local rows <const>, names <const>, bounds <const>, row, entry = {}, {}, {}, nil, nil
for line in io.lines() do
  entry = line:match "%.entry ([%w_$]+)" or entry
  local threads <const> = line:match "^%.maxntid (%d+)"
  if threads then bounds[entry] = tonumber(threads) end
  local name <const>, arch <const> = line:match "Compiling entry function '(%S+)' for '(%S+)'"
  if name then
    row = { arch = arch, threads = bounds[name] or THREADS, stores = 0, loads = 0 }
    rows[#rows + 1], names[#names + 1] = row, name
  elseif row then
    local stores <const>, loads <const> = line:match "(%d+) bytes spill stores, (%d+) bytes spill loads"
    if stores then row.stores, row.loads = tonumber(stores), tonumber(loads) end
    local registers <const> = line:match "Used (%d+) registers"
    if registers then
      row.registers, row.shared = tonumber(registers), tonumber(line:match "(%d+) bytes smem" or 0)
      row = nil
    end
  end
  if line:find "error" then io.stderr:write(line, "\n") end
end

local spilling = 0
print "| kernel | GPU | threads | registers | shared | warps | spilled |"
print "| --- | --- | --- | --- | --- | --- | --- |"
for i, name in ipairs(demangled(names)) do
  local r <const> = rows[i]
  local warps <const>, most <const> = occupancy(r.arch, r.threads, r.registers, r.shared)
  if r.stores + r.loads > 0 then spilling = spilling + 1 end
  print(("| %s | %s | %d | %d | %d | %d of %d | %d |"):format(name, r.arch, r.threads, r.registers, r.shared, warps,
    most, r.stores + r.loads))
end
print(("\n%d kernels, %d of them spill"):format(#rows, spilling))
os.exit(#rows > 0 and spilling == 0, true)
