-- In C programs: examples/embed is built against an installed copy, and what it says is what scripts say.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local install <const> = require "spec.support.install"
local program <const> = require "spec.support.program"

local installed -- one copy for all tests of this file
local ok <const> = install.ok

local function build(...) return install.build(installed, ...) end

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
  { "norms", 12, function()
    return sequence(nn.BatchNorm(12, { epsilon = 1e-3 }), nn.Linear(12, 9), nn.LayerNorm(9))
  end },
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

local function saved(net)
  local path <const> = files.path()
  net:save(path)
  return path
end

-- A file with this text as its network.
local function described(text)
  local path <const> = files.path()
  local file <close> = core.file()
  file:set("model", text)
  file:save(path)
  return path
end

-- Models that are no use, and what the error says.
local refused <const> = {
  { "no file", function() return "/nonexistent.hn" end, { "cannot read '/nonexistent.hn'" } },
  { "no model file", function() return files.write(("x"):rep(100)) end, { "no file of hnrun" } },
  { "a layer that is not known", function()
    return saved(sequence(nn.Linear(4, 4), sequence(nn.ReLU(), nn.module "Mine"())))
  end, { "layer 2.2 (Mine)", "know no layers of that kind" } },
  { "a module in a field", function()
    local net <const> = sequence(nn.Linear(4, 4))
    net.extra = nn.ReLU()
    return saved(net)
  end, { "extra" } },
  { "no sizes", function() return saved(nn.ReLU()) end, { "how many columns" } },
  { "layers that do not fit", function() return saved(sequence(nn.Linear(4, 3), nn.Linear(5, 2))) end,
    { "takes 5 columns, but the one before gives 3" } },
  { "a Residual that does not fit", function() return saved(nn.Residual { nn.Linear(4, 3) }) end,
    { "takes 4 columns but gives 3" } },
  { "no network", function() return described "[]" end, { "describes no network" } },
  { "no JSON", function() return described "{" end, { "describes no network" } },
  { "a layer without its numbers", function()
    return described '{"kind":"Linear","fields":{"inputs":2,"outputs":2}}'
  end, { "layer 1 (Linear)", "lacks a tensor" } },
  { "a size that is none", function() return described '{"kind":"Linear","fields":{"inputs":2.5}}' end,
    { "inputs: expected a size" } },
  { "a tensor that is not there", function()
    return described '{"kind":"Linear","fields":{"inputs":2,"outputs":2,"weight":{"tensor":"w"}}}'
  end, { "'w'", "not there" } },
  { "a layer that holds itself", function()
    return described '{"kind":"Sequential","items":[{"module":1}]}'
  end, { "nest deeper" } },
  { "endlessly many layers", function()
    local text = '{"kind":"ReLU"}'
    for i = 30, 1, -1 do text = ('{"kind":"Sequential","items":[%s,{"module":%d}]}'):format(text, i + 1) end
    return described(text)
  end, { "are more than" } },
  { "a module that is not there", function() return described '{"kind":"Sequential","items":[{"module":9}]}' end,
    { "no module" } },
}

-- Bytes for Lua, instructions, a script, and how it ends; after it, another one runs as ever.
local QUOTA <const> = "quota: the script has used its 100000 instructions"
local limited <const> = {
  { "no limits", 0, 0, "local t = {} for i = 1, 1e6 do t[i] = i end debug.getinfo(1)", "ok" },
  { "a long loop", 0, 100000, "while true do end", QUOTA },
  { "within the quota", 0, 100000, "for i = 1, 9e4 do end", "ok" },
  { "pcall", 0, 100000, "while true do pcall(function() while true do end end) end", QUOTA },
  { "pcall of pcall", 0, 100000, "while true do pcall(pcall, pcall, function() while true do end end) end", QUOTA },
  { "xpcall", 0, 100000, "local function f() while true do end end while true do xpcall(f, f) end", QUOTA },
  { "a handler", 0, 100000, "assert(select(2, xpcall(error, function(x) return x .. '!' end, 'a')) == 'a!')", "ok" },
  { "a handler around a yield", 0, 100000,
    "local f = coroutine.wrap(function() return xpcall(coroutine.yield, print, 1) end) "
      .. "assert(f() == 1 and select(2, f(2)) == 2)", "ok" },
  { "a coroutine", 0, 100000,
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end", QUOTA },
  { "many coroutines", 0, 100000, "while true do coroutine.wrap(function() return 1 end)() end", QUOTA },
  { "closing", 0, 100000, "local f = function() while true do end end "
    .. "while true do pcall(function() local x <close> = setmetatable({}, { __close = f }) f() end) end", QUOTA },
  { "many coroutines within each other", 0, 100000, "local function f() while true do coroutine.wrap(f)() end end "
    .. "while true do pcall(f) end", QUOTA },
  { "coroutines made before", 0, 100000, "local c = {} for i = 1, 50 do c[i] = coroutine.create(function() "
    .. "while true do coroutine.yield() end end) end while true do for i = 1, 50 do coroutine.resume(c[i]) end end",
    QUOTA },
  { "closing a coroutine", 0, 100000, "local f = function() while true do end end while true do "
    .. "local c = coroutine.create(function() local x <close> = setmetatable({}, { __close = f }) "
    .. "coroutine.yield() end) coroutine.resume(c) coroutine.close(c) end", QUOTA },
  { "a handler that loops", 0, 100000, "xpcall(error, function() while true do end end)", QUOTA },
  { "functions of C that catch", 0, 100000, "local t = {} "
    .. "for i = 1, 1000 do t[i] = function() while true do end end end while true do pcall(table.sort, t, pcall) end",
    QUOTA },
  { "a finalizer", 0, 100000, "setmetatable({}, { __gc = function() while true do end end })", "__gc" },
  { "a finalizer of a class", 0, 1000000, "local M = require 'hn'.nn.module 'M' "
    .. "M.__gc = function() while true do end end M()", "__gc" },
  { "a finalizer of a tensor", 0, 1000000, "local t = require 'hn'.tensor { 2 } "
    .. "getmetatable(t).__gc = function() while true do end end t = nil collectgarbage()", "ok" },
  { "callbacks", 0, 1000000, "local hn = require 'hn' local data = { x = hn.tensor { 4, 2 }, y = hn.tensor { 4, 1 } } "
    .. "while true do pcall(hn.fit, hn.nn.Linear(2, 1), data, { progress = false, loss = 'mse', "
    .. "callbacks = { batch = function() pcall(function() while true do end end) end } }) end",
    "quota: the script has used its 1000000 instructions" },
  { "training", 0, 100000, "local hn = require 'hn' while true do hn.tensor({ 4 }, 1):relu():sum():item() end", QUOTA },
  { "no way out", 0, 100000, "assert(debug == nil and not pcall(require, 'debug'))", "ok" },
  { "a table", 8e6, 0, "local t = {} for i = 1, 1e8 do t[i] = i end", "not enough memory" },
  { "a text", 8e6, 0, "local x = ('x'):rep(1e9)", "not enough memory" },
  { "memory caught", 8e6, 0, "for i = 1, 50 do pcall(string.rep, 'x', 1e9) end", "ok" },
  { "within the memory", 8e6, 0, "for i = 1, 50 do local x = ('x'):rep(1e6) end require 'hn'", "ok" },
}

-- Seconds, a script, and how it ends.
local LATE <const> = "quota: the script has used its 0.2 seconds"
local timed <const> = {
  { "a long loop", 0.2, "while true do end", LATE },
  { "within the time", 100, "for i = 1, 1e5 do end", "ok" },
  { "pcall and coroutines", 0.2, "while true do pcall(coroutine.wrap(function() while true do end end)) end", LATE },
  { "many coroutines within each other", 0.2, "local function f() while true do pcall(coroutine.wrap(f)) end end "
    .. "while true do pcall(f) end", LATE },
  { "operations", 0.2, "local x = require 'hn'.tensor({ 600, 600 }, 1) while true do pcall(function() "
    .. "while true do x:matmul(x):close() end end) end", LATE },
  { "an operation in C", 0.2, "local x = require 'hn'.tensor({ 600, 600 }, 1) while true do pcall(x.matmul, x, x) end",
    LATE },
}

-- How a script ends under limits; after it, another one runs as ever.
local function limit(memory, instructions, seconds, libraries, text)
  local out <const> = ok(("%s/limits %d %d %g %s %s %s"):format(installed, memory, instructions, seconds, libraries,
    files.quoted(text), files.quoted "for i = 1, 9e4 do end"))
  local first <const>, second <const> = out:match "^([^\n]*)\n([^\n]*)\n$"
  assert.same("ok ", second)
  return first
end

describe("in a C program,", function()
  lazy_setup(function()
    installed = install.copy()
    build("examples/embed/predict.c", "cc -std=c11 -D_POSIX_C_SOURCE=200809L", "-pthread")
    build("spec/support/c/allocations.c", "cc -std=c11")
    build("spec/support/c/limits.c", "cc -std=c11")
    build("spec/support/c/renew.c", "cc -std=c11", "$(pkg-config --cflags --libs lua5.4)")
    build("spec/support/c/engines.c", "cc -std=c11 -D_POSIX_C_SOURCE=200809L", "-pthread")
    build("examples/embed/host.c", "cc -std=c11", "$(pkg-config --cflags --libs lua5.4)")
    build("examples/embed/layer.c", "cc -std=c11")
    build("examples/embed/header.cpp", "c++ -std=c++11")
  end)
  lazy_teardown(function() os.execute("rm -rf " .. installed) end)

  for _, case in ipairs(nets) do
    local name <const>, inputs <const>, make <const> = table.unpack(case)
    it("predictions are the script's: " .. name, function()
      backends.open { device = "cpu" }
      local net <const>, rows <const> = stirred(make()), rows_of(11, inputs)
      near(net:predict(rows):table(), predict(net, rows, 2))
    end)
  end

  it("predictions are the engine's: transformations of the input", function()
    backends.open { device = "cpu" }
    local rows <const> = rows_of(60, 6)
    local function fitted(list) return hn.transform(list):fit(hn.data.tensors { x = rows }) end
    local net <const> = sequence(fitted { { "log", features = { 1, 4 } }, { "gauss", knots = 15 } },
      fitted { "standardise", "pca", "uniform" }, nn.Linear(6, 6), fitted { "decorrelate" })
    near(net:predict(rows):table(), predict(net, rows, 1))
  end)

  it("predictions of a sample do not depend on threads and on the others", function()
    backends.open { device = "cpu" }
    local net <const>, rows <const> = stirred(nn.Hashed(28, 50, { compression = 1 / 2 })), rows_of(23, 28)
    local all <const> = predict(net, rows, 1)
    assert.same(all, predict(net, rows, 4))
    assert.same({ all[7] }, predict(net, { rows[7] }, 1))
  end)

  it("predictions allocate nothing, but for layers that are very wide", function()
    backends.open { device = "cpu" }
    local function allocations(net, n) return ok(("%s/allocations %s %d"):format(installed, saved(net), n)) end
    local net <const> = sequence(nn.Hashed(28, 300), nn.ReLU(), nn.Residual { nn.LayerNorm(300) }, nn.Hashed(300, 1))
    assert.same("0 ok\n", allocations(net, 1))
    assert.same("0 ok\n", allocations(net, 50))
    assert.same("1 ok\n", allocations(nn.Linear(9000, 1), 50))
  end)

  for _, case in ipairs(refused) do
    local name <const>, make <const>, words <const> = table.unpack(case)
    it("a model is refused with the reason: " .. name, function()
      backends.open { device = "cpu" }
      local out <const>, err <const>, code <const> =
        program.shell(("%s/predict %s </dev/null"):format(installed, make()))
      assert.same({ "", 1 }, { out, code })
      for _, word in ipairs(words) do assert.matches(word, err, 1, true) end
    end)
  end

  for _, case in ipairs(limited) do
    local name <const>, memory <const>, instructions <const>, text <const>, ends <const> = table.unpack(case)
    it("a script has limits: " .. name, function()
      assert.matches(ends, limit(memory, instructions, 0, "-", text), 1, true)
    end)
  end

  for _, case in ipairs(timed) do
    local name <const>, seconds <const>, text <const>, ends <const> = table.unpack(case)
    it("a script has seconds: " .. name, function()
      assert.matches(ends, limit(0, 0, seconds, "-", text), 1, true)
    end)
  end

  it("a host that calls a script's functions renews its quota", function()
    local first <const>, second <const>, third <const> = ok(installed .. "/renew"):match "^([^\n]*)\n(.*)\n([^\n]*)\n$"
    assert.same({ "ok", "ok" }, { first, third })
    assert.matches("quota: the script has used its 100000 instructions", second, 1, true)
  end)

  it("a script has the libraries that the host lists", function()
    assert.same("ok ", limit(0, 0, 0, "math,io",
      "assert(math and io and not os and not string and not pcall(require, 'hn'))"))
    assert.matches("open: argument argument: libraries: 'mat' is none of base",
      ok(installed .. "/limits 0 0 0 mat '' ''"), 1, true)
  end)

  it("a script has limits: too little memory to open", function()
    assert.matches("open: memory", ok(installed .. "/limits 20000 0 0 - '' ''"), 1, true)
  end)

  it("engines that are opened and closed leave nothing", function()
    local grown <const> = ok(installed .. "/engines open 10000"):match "^(%-?%d+)\n$"
    assert.is_true(tonumber(grown) < 8192, grown .. " KiB")
  end)

  it("engines in several threads train at once, and alike", function()
    local said <const> = {}
    for line in ok(installed .. "/engines threads 4"):gmatch "[^\n]*\n" do said[#said + 1] = line end
    assert.is_number(tonumber(said[1]))
    assert.same({ said[1], said[1], said[1], said[1] }, said)
  end)

  it("the library neither prints, exits nor takes signals", function()
    local calls <const> = ok("nm -u --no-demangle " .. installed .. "/lib/libhn.a | sed -n 's/^ *U //p' | sort -u")
    assert.matches("%f[%w]malloc\n", calls)
    for _, name in ipairs { "exit", "_exit", "abort", "signal", "sigaction", "raise", "printf", "__printf_chk", "puts",
      "putchar", "fprintf", "__fprintf_chk", "perror", "fputs", "fwrite", "stdout", "stderr", "system", "execve" } do
      assert.not_matches("\n" .. name .. "\n", "\n" .. calls, 1, true)
    end
  end)

  it("host.c runs a script and calls its function", function()
    local out <const> = ok(installed .. "/host examples/embed/train.lua")
    local epochs <const>, low <const>, high <const> =
      out:match "reported (%d+) epochs.* as (%d%.%d+) and .* as (%d%.%d+)"
    assert.same("5", epochs)
    assert.is_true(tonumber(low) < 0.2 and tonumber(high) > 0.8, out)
  end)

  it("host.c tells what was wrong in a script", function()
    local out <const>, err <const>, code <const> = program.shell(installed .. "/host " .. files.write "report('x')")
    assert.same({ "", 1 }, { out, code })
    assert.matches("number expected, got string", err, 1, true)
  end)

  it("layer.c learns", function()
    local out <const> = ok(installed .. "/layer")
    local first <const>, last <const> = out:match "step 1: loss ([%d.]+)\nstep 200: loss ([%d.]+)"
    assert.is_true(tonumber(last) < tonumber(first) / 100, last)
  end)

  it("header.cpp includes the header", function()
    backends.open { device = "cpu" }
    local path <const> = files.path()
    nn.Linear(3, 2):save(path)
    assert.same("3 -> 2: 0 0\n", ok(("%s/header %s"):format(installed, path)))
  end)
end)
