--- Schedules of the learning rate, which scripts see as hn.optim.cosine() and so on.
--
-- A schedule has a method `rate(progress)` that gives the factor on the optimiser's learning rate, asked before every
-- minibatch with progress = { epoch =, epochs =, step =, steps = }: epochs and minibatches done (`epoch` with its
-- fraction) and planned. One with a method `observe(loss)` hears the validation loss (or, without validation, the
-- training loss) after every epoch. hn.fit also takes a plain function(progress).
-- @module hn.schedule

local options <const> = require "hn.options"

local schedule = {}

--- Makes the constructor of a schedule: its name, the rules of its options, and the class' functions.
local function declare(name, rules, class)
  local check <const> = options.declare("hn.optim." .. name, rules)
  class.kind, class.__index = "schedule", class
  function class:__tostring() return self.name end
  schedule[name] = function(given)
    local self <const> = check(given)
    self.name = name
    if class.start then class.start(self) end
    return setmetatable(self, class)
  end
end

--- constant(): the learning rate as it is.
declare("constant", {}, { rate = function() return 1 end })

--- step{ every =, factor = 0.1 }: times `factor` after every `every` epochs.
declare("step", {
  every = { "number", required = true, above = 0 },
  factor = { "number", default = 0.1, above = 0, aka = { "gamma" } },
}, {
  rate = function(self, progress) return self.factor ^ (progress.epoch // self.every) end,
})

--- exponential{ factor = }: times `factor` per epoch, little by little.
declare("exponential", { factor = { "number", required = true, above = 0, aka = { "gamma" } } }, {
  rate = function(self, progress) return self.factor ^ progress.epoch end,
})

--- cosine{ final = 0 }: half a cosine wave from 1 down to `final` at the last epoch's end.
declare("cosine", { final = { "number", default = 0, least = 0 } }, {
  rate = function(self, progress)
    local done <const> = math.min(progress.epoch / progress.epochs, 1)
    return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done))
  end,
})

--- warmup{ epochs = 1, after = schedule }: rises evenly to 1 within `epochs`, then `after` (constant) for the rest.
declare("warmup", {
  epochs = { "number", default = 1, above = 0 },
  after = { "schedule" },
}, {
  start = function(self) self.after = self.after or schedule.constant() end,
  rate = function(self, progress)
    local per_epoch <const> = progress.steps / progress.epochs
    if progress.epoch < self.epochs then return math.min(1, (progress.step + 1) / (self.epochs * per_epoch)) end
    local skipped <const> = self.epochs * per_epoch
    return self.after:rate {
      epoch = progress.epoch - self.epochs, epochs = math.max(progress.epochs - self.epochs, 1e-9),
      step = progress.step - skipped, steps = progress.steps - skipped,
    }
  end,
  observe = function(self, loss)
    if self.after.observe then self.after:observe(loss) end
  end,
})

--- plateau{ factor = 0.1, patience = 5, threshold = 1e-4, smallest = 0 }: times `factor` when the loss has not improved
-- by the fraction `threshold` for more than `patience` epochs; never below `smallest`.
declare("plateau", {
  factor = { "number", default = 0.1, above = 0, below = 1 },
  patience = { "integer", default = 5, least = 0 },
  threshold = { "number", default = 1e-4, least = 0 },
  smallest = { "number", default = 0, least = 0, most = 1 },
}, {
  start = function(self) self.best, self.waited, self.now = math.huge, 0, 1 end,
  rate = function(self) return self.now end,
  observe = function(self, loss)
    if loss < self.best - self.threshold * math.abs(self.best < math.huge and self.best or 0) then
      self.best, self.waited = loss, 0
      return
    end
    self.waited = self.waited + 1
    if self.waited > self.patience then
      self.now, self.waited = math.max(self.now * self.factor, self.smallest), 0
    end
  end,
})

return schedule
