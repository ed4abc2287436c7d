-- Checkpoints: a run that SIGKILL ends at any moment and that is started again ends with the bits of one that was not.

local hn <const> = require "hn"
local files <const> = require "spec.support.files"
local numeric <const> = require "spec.support.numeric"
local program <const> = require "spec.support.program"

local script <const> = [[
local hn <const> = require "hn"
local out <const>, path <const>, delay = arg[1], arg[2], tonumber(arg[3])
hn.use { threads = 1, seed = 5 }
local x <const>, y <const>, w <const> = {}, {}, {}
for i = 1, 203 do
  x[i], w[i] = {}, 0.5 + i % 3
  for j = 1, 6 do x[i][j] = math.sin(i * j + j) end
  y[i] = x[i][1] + x[i][2] > 0 and 2 or 1
end
local data <const> = hn.data.tensors { x = x, y = hn.labels(y), weight = WEIGHT and w or nil }
local net <const> = hn.nn.Sequential {
  hn.nn.Hashed(6, 32, { buckets = 64 }), hn.nn.BatchNorm(32), hn.nn.ReLU(), hn.nn.Dropout(0.2), hn.nn.Linear(32, 2),
}
local options <const> = { batch = 10, epochs = 6, progress = false, OPTIONS }
options.callbacks = { batch = function()
  local till <const> = hn.clock() + (delay or 0)
  while hn.clock() < till do end
end }
if path then options.checkpoint, options.resume = CHECKPOINT, true end
local history <const> = hn.fit(net, data, options)
net:save(out)
print(history.epochs, history.stopped, history.best, table.concat(history.loss, " "),
  table.concat(history.validation.loss, " "),
  history.quantized and history.quantized.rounded.loss)
]]

local often <const> = "{ path = path, minutes = 1e-9 }"
local cases <const> = {
  { "SGD, cosine", "optimizer = hn.optim.SGD { lr = 0.05, momentum = 0.9, stable = true }, "
    .. "schedule = hn.optim.cosine()" },
  { "Adam, warm-up and plateau, validation", "optimizer = hn.optim.Adam(), validate = 0.2, "
    .. "schedule = hn.optim.warmup { epochs = 1, after = hn.optim.plateau { patience = 0 } }" },
  { "AdamW, patience", "optimizer = hn.optim.AdamW { lr = 0.1 }, validate = 40, patience = 1" },
  { "RMSprop, clipping, pieces", "optimizer = hn.optim.RMSprop { clip = 1 }, microbatch = 4" },
  { "Adagrad, weights, no shuffling, a function as schedule", "optimizer = hn.optim.Adagrad(), shuffle = false, "
    .. "schedule = function(p) return 1 / (1 + p.epoch) end", weight = true },
  { "every second epoch", "optimizer = hn.optim.Adam()", checkpoint = "{ path = path, every = 2 }" },
  { "every epoch", "validate = 0.3", checkpoint = "path" },
  { "rounded weights, validation", "optimizer = hn.optim.Adam(), quantize = 'int8', validate = 0.2" },
  { "best and last", "validate = 0.3", checkpoint = "{ path = path, keep = 'both' }" },
}

local function write_script(case)
  local text <const> = script:gsub("OPTIONS", case[2]):gsub("WEIGHT", tostring(case.weight or false))
    :gsub("CHECKPOINT", case.checkpoint or often)
  return files.write(text)
end

describe("a run that is killed and started again", function()
  for n, case in ipairs(cases) do
    it("ends with the same bits: " .. case[1], function()
      local source <const>, folder <const> = write_script(case), files.folder()
      local whole <const>, broken <const>, run <const> = folder .. "/whole", folder .. "/broken", folder .. "/run.hn"
      local said <const>, err = program.run { source, whole }
      assert.same("", err)
      local random <const> = numeric.generator(n)
      local kills, again, code = 0
      repeat
        local patient <const> = kills < 6 and random.number(0.05, 0.5) or 100
        again, err, code = program.shell(("timeout -s KILL %.3f %s %s %s %s 0.003"):format(patient,
          files.quoted(program.path), source, broken, run))
        kills = kills + 1
      until code ~= 137
      assert.same("", err)
      assert.is_true(kills > 1)
      assert.same(said, again)
      assert.is_true(files.read(whole) == files.read(broken))
      -- A run that is over stays so.
      again = program.run { source, broken, run }
      assert.same(said, again)
      assert.is_true(files.read(whole) == files.read(broken))
    end)
  end
end)

local function data() return { x = { { 1, 2 }, { 3, 1 }, { 2, 2 }, { 0, 1 } }, y = hn.labels { 1, 2, 1, 2 } } end

local function options(path, more)
  local o <const> = { epochs = 2, batch = 2, progress = false, checkpoint = path }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

describe("a checkpoint", function()
  it("is a model file", function()
    local path <const> = files.path()
    local net <const> = hn.nn.Linear(2, 2)
    hn.fit(net, data(), { epochs = 2, progress = false, checkpoint = { path = path, minutes = 1e-9 } })
    assert.same(net.weight:table(), hn.load(path).weight:table())
  end)

  it("lets a run go on with more epochs, as if they had been asked for at first", function()
    local path <const>, nets <const> = files.path(), {}
    os.remove(path)
    for k, epochs in ipairs { 4, 2, 4 } do
      hn.use { seed = 1, threads = 1, debug = true }
      nets[k] = hn.nn.Linear(2, 2)
      hn.fit(nets[k], data(), options(k > 1 and path or nil, { epochs = epochs, resume = k > 1 }))
    end
    assert.same(nets[1].weight:table(), nets[3].weight:table())
    for _, net in ipairs(nets) do net.weight:close() net.bias:close() end
  end)

  it("behind an epoch's last minibatch is gone on with, learning rates and all", function()
    local path <const>, histories <const> = files.path(), {}
    os.remove(path)
    for k, ends in ipairs { false, true, false } do
      hn.use { seed = 1, threads = 1, debug = true }
      local net <const> = hn.nn.Linear(2, 2)
      local function loss(output, y)
        if ends and not net.training then error("in the validation", 0) end
        return hn.cross_entropy(output, y)
      end
      local place <const> = k > 1 and { path = path, minutes = 1e-9 } or nil
      local ok <const>, result <const> = pcall(hn.fit, net, data(),
        options(place, { loss = loss, validate = 2, epochs = 3, resume = k > 1 }))
      assert.equal(not ends, ok, result)
      histories[k] = result
      net.weight:close()
      net.bias:close()
    end
    for _, name in ipairs { "loss", "lr", "validation" } do assert.same(histories[1][name], histories[3][name]) end
  end)

  local refused <const> = {
    { "another network", function() return hn.nn.Linear(2, 2, { bias = false }) end, {}, "another network" },
    { "another batch", function() return hn.nn.Linear(2, 2) end, { batch = 3 }, "batch 2, now it is 3" },
    { "another optimizer", function() return hn.nn.Linear(2, 2) end, { optimizer = hn.optim.Adam() }, "optimizer SGD" },
    { "rounding", function() return hn.nn.Linear(2, 2) end, { quantize = "int8" }, "quantize nil, now it is int8" },
  }
  for _, row in ipairs(refused) do
    it("is refused for " .. row[1], function()
      local path <const> = files.path()
      hn.fit(hn.nn.Linear(2, 2), data(), options(path))
      local more <const> = { resume = true }
      for key, value in pairs(row[3]) do more[key] = value end
      local ok <const>, message <const> = pcall(hn.fit, row[2](), data(), options(path, more))
      assert.is_false(ok)
      assert.truthy(message:find(row[4], 1, true), message)
    end)
  end

  it("needs what it is made of", function()
    local net <const> = hn.nn.Linear(2, 2)
    local function fails(o, text)
      local ok <const>, message <const> = pcall(hn.fit, net, data(), o)
      assert.is_false(ok)
      assert.truthy(message:find(text, 1, true), message)
    end
    local path <const> = files.path()
    fails(options(nil, { resume = true }), "resume: expected together with checkpoint")
    fails(options { path = path, keep = "best" }, "validate")
    fails(options { every = 2 }, "path")
    fails(options(path, { optimizer = { step = function() end } }), "optimizer of hn.optim")
    net:save(path)
    fails(options(path, { resume = true }), "is no checkpoint")
  end)
end)
