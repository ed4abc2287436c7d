--- A report's sections on the network: its layers, its memory, its training, the settings.
-- @module hn.report.network

local core <const> = require "hn.core"
local plot <const> = require "hn.plot"
local shapes <const> = require "hn.report.shapes"
local text <const> = require "hn.text"

local network <const> = {}

local function finite(list)
  for _, v in ipairs(list or {}) do
    if v == v and math.abs(v) < math.huge then return true end
  end
  return false
end

--- The course of training, of hn.fit's history.
function network.training(r)
  local history <const> = r.options.history
  if not history then return end
  r.page:section "Training"
  r.page:note(tostring(history))
  local function figure(what)
    local series <const> = {}
    for _, one in ipairs { { "training", history[what] }, { "validation", (history.validation or {})[what] } } do
      if finite(one[2]) then series[#series + 1] = { name = one[1], y = one[2] } end
    end
    return #series > 0 and plot.line(shapes.sized { title = what:gsub("^%l", string.upper), x = "epoch", y = what,
      series = series })
  end
  r.page:figures { figure "loss", figure "error" }
end

local function layers(r)
  local summary <const>, rows <const> = r.net:summary(), {}
  local function row(name, of, shape)
    local some <const> = of.virtual > 0
    return { name, shape, some and text.count(of.virtual) or "", some and text.count(of.stored) or "",
      some and text.bytes(of.bytes) or "", some and text.ratio(of.compression) or "",
      of.load and ("%.3g"):format(of.load) or "" }
  end
  for k, layer in ipairs(summary.layers) do
    rows[k] = row((layer.path .. " " .. layer.name):gsub("^ ", ""), layer, layer.shape)
  end
  rows[#rows + 1] = row("total", summary, "")
  r.page:table({ "layer", "shape", "virtual weights", "stored weights", "bytes", "compression", "load" }, rows)
end

--- Layers and memory.
function network.layers(r)
  r.page:section "Network"
  layers(r)
  local ok <const>, predicted <const> = pcall(r.net.memory, r.net, { batch = math.min(50, #r.test), input = r.test,
    loss = r.options.loss })
  local now <const>, rows <const> = core.memory(), {}
  r.page:heading "Device memory"
  rows[1] = { "used now", text.bytes(now.used) }
  rows[2] = { "peak of this process", text.bytes(now.peak) }
  if now.budget then rows[#rows + 1] = { "budget", text.bytes(now.budget) } end
  if ok then
    rows[#rows + 1] = { ("training step on %d samples, %s"):format(predicted.batch, predicted.optimizer),
      text.bytes(predicted.peak) }
  end
  r.page:table({ "", "" }, rows)
end

--- What the report was made with.
function network.settings(r)
  local o <const>, rows <const>, names <const> = r.options, {}, {}
  for name in pairs(o.settings) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for _, name in ipairs(names) do rows[#rows + 1] = { name, tostring(o.settings[name]) } end
  rows[#rows + 1] = { "loss", r.loss }
  rows[#rows + 1] = { "samples in a minibatch", tostring(o.batch) }
  rows[#rows + 1] = { "test samples", tostring(r.test) }
  if r.train then rows[#rows + 1] = { "training samples", tostring(r.train) } end
  rows[#rows + 1] = { "device", core.device() }
  rows[#rows + 1] = { "seed", tostring((core.seed())) }
  rows[#rows + 1] = { "hnrun", core.version }
  r.page:section "Settings"
  r.page:table({ "", "" }, rows, "words")
end

return network
