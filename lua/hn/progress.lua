--- What a training run shows while it goes on: a line on standard output for each finished epoch and, where output and
-- errors go to a terminal, a bar on standard error in between, redrawn at most ten times a second.
-- @module hn.progress

local core <const> = require "hn.core"
local text <const> = require "hn.text"

local Progress <const> = {}
Progress.__index = Progress

local interval <const> = 0.1

local function rate_text(rate) return text.count(rate) .. " samples/s" end

--- Seconds that the whole run still takes at the pace so far.
local function time_left(self, done)
  local total <const> = self.epochs * self.samples
  local all <const> = (self.epoch - 1) * self.samples + done
  return all > 0 and (core.clock() - self.started) * (total - all) / all or 0
end

local function epoch_text(self)
  return ("epoch %" .. #tostring(self.epochs) .. "d/%d"):format(self.epoch, self.epochs)
end

--- Replaces the bar's line.
local function redraw(line)
  io.stderr:write("\r\27[K", line)
  io.stderr:flush()
end

--- The bar takes the columns that the numbers leave, or is left out.
local function bar_line(self, done, loss, err)
  local numbers <const> = (" loss %.4f%s  %s  %s left"):format(loss, err and "  error " .. text.percent(err) or "",
    rate_text(done / (core.clock() - self.epoch_started)), text.time(time_left(self, done)))
  local head <const> = epoch_text(self)
  local room <const> = math.min(self.columns - #head - #numbers - 5, 40)
  if room < 5 then return (head .. numbers):sub(1, self.columns - 1) end
  local full <const> = math.floor(room * done / self.samples)
  return ("%s [%s%s]%s"):format(head, ("#"):rep(full), ("-"):rep(room - full), numbers)
end

--- An epoch begins.
function Progress:begin(epoch)
  self.epoch, self.epoch_started = epoch, core.clock()
  self.columns = self.bar and core.terminal() or 80
end

--- `done` samples of the epoch are through; `read()` gives mean loss and error so far.
function Progress:advance(done, read)
  if not self.bar then return end
  local now <const> = core.clock()
  if now - self.drawn < interval then return end
  self.drawn = now
  redraw(bar_line(self, done, read()))
end

local function measures(name, loss, err)
  return ("  %s %.4f%s"):format(name, loss, err and ("  error %s"):format(text.percent(err)) or "")
end

--- The epoch is over after `done` samples.
-- @param result { loss =, error =, validation = { loss =, error = } or nil, seconds = of training alone }
function Progress:finish(done, result)
  if not self.shown then return end
  local validation <const> = result.validation
  local line <const> = epoch_text(self) .. measures("loss", result.loss, result.error)
    .. (validation and measures("validation loss", validation.loss, validation.error) or "")
    .. ("  %s  %.1f s  %s left"):format(rate_text(done / result.seconds), core.clock() - self.epoch_started,
      text.time(time_left(self, self.samples)))
  if self.bar then redraw("") end
  io.stdout:write(line, "\n")
  io.stdout:flush()
end

--- Leaves a clean line when training ends in the middle of an epoch.
function Progress:__close()
  if self.bar then redraw("") end
end

--- Starts the display of a run.
-- @param mode true: a bar on a terminal, else lines; "plain": lines; false: nothing
-- @param epochs how many are planned
-- @param samples of one epoch
return function(mode, epochs, samples)
  return setmetatable({
    shown = mode ~= false, bar = mode == true and core.terminal() ~= nil, epochs = epochs, samples = samples,
    started = core.clock(), drawn = -math.huge,
  }, Progress)
end
