--- Optimisers: what a step does with gradients.
--
--     local optimizer = hn.optim.SGD { lr = 0.05, momentum = 0.9 }
--     optimizer:step(net:parameters())          -- after loss:backward()
--
-- Field `lr` may be read and set at any time. On a pool of buckets a step touches its K numbers, never more; `l1` and
-- `l2` act on these stored numbers, so that at compression 1 they are those of a dense layer.
-- @module hn.optim

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local options <const> = require "hn.options"
local schedule <const> = require "hn.schedule"

local optim <const> = {}
for name, make in pairs(schedule) do optim[name] = make end

local Optimizer <const> = { kind = "optimizer" }
Optimizer.__index = Optimizer

--- Options that every optimiser has, in the order in which printing shows them.
local shown <const> = { "lr", "momentum", "nesterov", "stable", "beta1", "beta2", "epsilon", "l1", "l2", "clip" }

local rules <const> = {
  lr = { "number", least = 0, aka = { "learning_rate", "learningRate", "rate" } },
  momentum = { "number", default = 0, least = 0, below = 1 },
  nesterov = { "boolean", default = false },
  stable = { "boolean", default = false },
  beta1 = { "number", default = 0.9, least = 0, below = 1, aka = { "betas" } },
  beta2 = { "number", default = 0.999, least = 0, below = 1, aka = { "alpha", "rho" } },
  epsilon = { "number", default = 1e-8, above = 0, aka = { "eps" } },
  l1 = { "number", default = 0, least = 0 },
  l2 = { "number", default = 0, least = 0, aka = { "weight_decay", "decay" } },
  clip = { "number", above = 0, aka = { "clip_norm", "max_norm" } },
}

function Optimizer:__tostring()
  local parts = {}
  for _, name in ipairs(shown) do
    local value <const> = name == "lr" and self.lr or self.settings[name]
    if value and value ~= 0 then parts[#parts + 1] = name .. " " .. kinds.describe(value) end
  end
  return ("%s(%s)"):format(self.name, table.concat(parts, ", "))
end

--- Factor on the gradients that keeps their norm within `clip`.
local function clipping(self, parameters)
  local clip <const> = self.settings.clip
  if not clip then return 1 end
  local norm <const> = core.grad_norm(parameters)
  if norm ~= norm or norm == math.huge then
    core.fail("numeric", "%s: the gradients' norm is %s at step %d: lower the learning rate (%g), or look for nan and "
      .. "huge values in the data", self.name, tostring(norm), self.count, self.lr)
  end
  return norm > clip and clip / norm or 1
end

--- Factor on the gradient of a parameter that gives buckets the steps of weights that nobody shares: theirs is a sum of
-- `load` gradients with random signs, and so about sqrt(load) times as large as one of them.
local function easing(self, parameter, loads)
  if not self.settings.stable then return 1 end
  local load <const> = loads and loads[parameter] or core.fail("argument", "%s: parameters: expected the list that "
    .. "net:parameters() returns, as stable = true needs its loads, got one without", self.name)
  return 1 / math.sqrt(load)
end

--- Updates a parameter. core.update reads states by position and makes them on first use; here they are kept by tensor,
-- so that the list may change between steps.
local function update(self, parameter)
  local list <const> = { self.states[parameter] }
  core.update(self.rule, self.settings, { parameter }, list)
  self.states[parameter] = list[1]
end

--- Applies one update with the gradients that `backward` left, and clears these.
-- @param parameters a list of tensors, such as `net:parameters()`; those without a gradient stay as they are
-- @param rate a factor on `lr` for this step, such as a schedule's (1)
function Optimizer:step(parameters, rate)
  if type(parameters) ~= "table" then
    core.fail("argument", "%s: parameters: expected a list of tensors, got %s", self.name, kinds.describe(parameters))
  end
  self.count = self.count + 1
  local settings <const>, factor <const> = self.settings, clipping(self, parameters)
  settings.lr = self.lr * (rate or 1)
  settings.step = self.count
  for _, parameter in ipairs(parameters) do
    settings.scale = factor * easing(self, parameter, parameters.loads)
    update(self, parameter)
  end
  for _, parameter in ipairs(parameters) do parameter:clear_grad() end
end

--- An optimiser like this one, whose steps leave this one as it is. Tensors of state are shared: for dry runs.
function Optimizer:copy()
  local other <const> = {}
  for key, value in pairs(self) do other[key] = value end
  for _, field in ipairs { "settings", "states" } do
    other[field] = {}
    for key, value in pairs(self[field]) do other[field][key] = value end
  end
  return setmetatable(other, getmetatable(self))
end

--- Makes a constructor. `changed` holds this optimiser's options: true, or a default that differs from the usual one.
local function constructor(name, rule, changed)
  local own <const> = {}
  for option, default in pairs(changed) do
    own[option] = {}
    for key, value in pairs(rules[option]) do own[option][key] = value end
    if default ~= true then own[option].default = default end
  end
  for _, option in ipairs { "l1", "l2", "clip" } do own[option] = own[option] or rules[option] end
  local check <const> = options.declare("hn.optim." .. name, own)
  return function(given)
    local o <const> = check(given)
    return setmetatable({ name = name, rule = rule, lr = o.lr, settings = o, states = {}, count = 0 }, Optimizer)
  end
end

--- SGD{ lr = 0.01, momentum = 0, nesterov = false, stable = false, l1 = 0, l2 = 0, clip = nil }. All optimisers have
-- `l1` and `l2` (penalties on stored weights) and `clip` (the largest norm of all gradients together).
--
-- With `stable`, a learning rate that suits a dense network suits hashed ones at any compression: the gradients of
-- buckets are divided by the square root of their load, the mean number of virtual weights that share one. Without it,
-- the best rate and the largest that does not diverge fall as that root rises. It acts on the gradient of the loss
-- after clipping, and not on `l1` and `l2`. Dense layers don't notice it. The other optimisers don't need it: the size
-- of gradients makes no difference to them. `step` then wants the list that `net:parameters()` returns.
optim.SGD = constructor("SGD", "sgd", { lr = 0.01, momentum = true, nesterov = true, stable = true })

--- Adam{ lr = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, l1, l2, clip }: Kingma & Ba 2015.
optim.Adam = constructor("Adam", "adam", { lr = 0.001, beta1 = true, beta2 = true, epsilon = true })

--- AdamW{ lr = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, l1, l2 = 0.01, clip }: Adam with decoupled decay
-- (Loshchilov & Hutter 2019).
optim.AdamW = constructor("AdamW", "adamw", { lr = 0.001, beta1 = true, beta2 = true, epsilon = true, l2 = 0.01 })

--- RMSprop{ lr = 0.01, beta2 = 0.99, epsilon = 1e-8, momentum = 0, l1, l2, clip }: beta2 is the decay of the squares.
optim.RMSprop = constructor("RMSprop", "rmsprop", { lr = 0.01, beta2 = 0.99, epsilon = true, momentum = true })

--- Adagrad{ lr = 0.01, epsilon = 1e-10, l1, l2, clip }: Duchi, Hazan & Singer 2011.
optim.Adagrad = constructor("Adagrad", "adagrad", { lr = 0.01, epsilon = 1e-10 })

return optim
