--- TMVA's option strings (ROOT's MethodDNN and MethodDL), for those who bring theirs.
--
--     local net <const> = hn.tmva.layout("TANH|128,HASHED:1/16|128,LINEAR", 28, 1)
--     hn.phases(net, train, { loss = "bce", validate = 0.2,
--       phases = hn.tmva.strategy("LearningRate=1e-2,BatchSize=100,ConvergenceSteps=20|LearningRate=1e-3", net) })
-- @module hn.tmva

local core <const> = require "hn.core"
local kinds <const> = require "hn.kinds"
local nn <const> = require "hn.nn"
local optim <const> = require "hn.optim"
local options <const> = require "hn.options"
local transform <const> = require "hn.transform"
local walk <const> = require "hn.nn.walk"

local tmva <const> = {}

--- TMVA's names of activation functions, and those of hn.nn that it has none for; false: none.
local activations <const> = {
  TANH = nn.Tanh, RELU = nn.ReLU, SYMMRELU = nn.Abs, SIGMOID = nn.Sigmoid, SOFTSIGN = nn.Softsign, GAUSS = nn.Gauss,
  LINEAR = false, IDENTITY = false, LEAKYRELU = nn.LeakyReLU, ELU = nn.ELU, GELU = nn.GELU, SOFTPLUS = nn.Softplus,
}

local function sorted(list)
  local names <const> = {}
  for name in pairs(list) do names[#names + 1] = name end
  table.sort(names)
  return table.concat(names, ", ")
end

--- Units as TMVA writes them: a number, or N for the number of inputs, with a factor or a summand: "2*N", "N+10".
local function units_of(word, inputs)
  local number <const> = math.tointeger(tonumber(word))
  if number then return number end
  local factor <const>, sign <const>, summand <const> = word:match "^(%d*)%*?N([+-]?)(%d*)$"
  if not factor or (sign == "") ~= (summand == "") then return nil end
  local units <const> = (math.tointeger(factor) or 1) * inputs
  return sign == "" and units or units + (sign == "+" and 1 or -1) * math.tointeger(summand)
end

--- One layer's text as { hashed = nil or the compression, norm = whether it is a batch norm, activation =, units = }.
local function parse(part, inputs)
  local layer <const> = {}
  for word in part:gmatch "[^|]+" do
    word = word:match "^%s*(.-)%s*$"
    local name <const>, argument <const> = word:upper():match "^(%a+):?(.*)$"
    if name == "HASHED" and argument ~= "" then
      layer.hashed = argument
    elseif activations[name] ~= nil and argument == "" then
      layer.activation = name
    elseif name == "BNORM" then
      layer.norm = true
    elseif name ~= "DENSE" then
      layer.units = units_of(word, inputs)
      if not layer.units or layer.units < 1 then
        core.fail("argument", "hn.tmva.layout: %q: expected DENSE, HASHED:1/16, BNORM, a number of units, or an "
          .. "activation (%s), got %q", part, sorted(activations), word)
      end
    end
  end
  return layer
end

--- Makes a network of a layout: parts with commas between them, each one layer, whose words "|" parts in any order:
-- an activation (TANH, RELU, SYMMRELU, SIGMOID, SOFTSIGN, GAUSS, LINEAR; without one RELU), units (128, N, 2*N, N+10,
-- where N is the number of inputs), DENSE (as is understood) or HASHED:1/16 (hn.nn.Hashed at that compression), or
-- BNORM alone. The last layer has `outputs` units, and no activation unless it names one. Before each matrix stands a
-- layer hn.nn.Dropout of rate 0, for DropConfig (see `strategy`). Returns an hn.nn.Sequential.
-- @param layout such as "TANH|128,TANH|128,LINEAR" or "DENSE|64|RELU,BNORM,HASHED:1/8|500,DENSE|1|LINEAR"
-- @param inputs number of features
-- @param outputs units of the last layer (1)
function tmva.layout(layout, inputs, outputs)
  layout = options.value("hn.tmva.layout", "layout", layout, { "string", required = true })
  inputs = options.value("hn.tmva.layout", "inputs", inputs, options.rules.size)
  outputs = options.value("hn.tmva.layout", "outputs", outputs, { "integer", default = 1, least = 1 })
  local parts <const>, list <const>, width = {}, {}, inputs
  for part in layout:gmatch "[^,]+" do parts[#parts + 1] = parse(part, inputs) end
  for k, layer in ipairs(parts) do
    local last <const> = k == #parts
    if layer.norm then
      list[#list + 1] = nn.BatchNorm(width)
    else
      local units <const> = last and outputs or layer.units
      if not units then core.fail("argument", "hn.tmva.layout: layer %d has no number of units", k) end
      list[#list + 1] = nn.Dropout(0)
      list[#list + 1] = layer.hashed and nn.Hashed(width, units, { compression = layer.hashed })
        or nn.Linear(width, units)
      local activation <const> = activations[layer.activation or last and "LINEAR" or "RELU"]
      if activation then list[#list + 1] = activation() end
      width = units
    end
  end
  if #parts == 0 or parts[#parts].norm then
    core.fail("argument", "hn.tmva.layout: expected a layout that ends in a layer of units, got %q", layout)
  end
  return nn.Sequential(list)
end

-- ---- TrainingStrategy -----------------------------------------------------------------------------------------------

local function number(phase, name, word)
  local value <const> = tonumber(word)
  return value or core.fail("argument", "hn.tmva.strategy: %s: expected a number, got %q", name, word)
end

--- What an option does to a phase { options of hn.phases, momentum =, decay =, regularization =, optimizer = }.
local known <const> = {
  learningrate = function(phase, ...) phase.lr = number(phase, ...) end,
  momentum = function(phase, ...) phase.momentum = number(phase, ...) end,
  batchsize = function(phase, ...) phase.batch = math.tointeger(number(phase, ...)) end,
  convergencesteps = function(phase, ...) phase.patience = math.tointeger(number(phase, ...)) end,
  testrepetitions = function(phase, ...) phase.interval = math.tointeger(number(phase, ...)) end,
  maxepochs = function(phase, ...) phase.epochs = math.tointeger(number(phase, ...)) end,
  weightdecay = function(phase, ...) phase.decay = number(phase, ...) end,
  regularization = function(phase, _, word) phase.regularization = word:upper() end,
  optimizer = function(phase, _, word) phase.kind = word:upper() end,
  dropconfig = function(phase, name, word)
    phase.dropout = {}
    for rate in word:gmatch "[^+]+" do table.insert(phase.dropout, number(phase, name, rate)) end
  end,
}

-- TMVA repeats epochs and dropout patterns; here every minibatch draws a pattern. It computes on all cores.
for _, name in ipairs { "repetitions", "droprepetitions", "multithreading" } do known[name] = function() end end

local makers <const> = { SGD = optim.SGD, ADAM = optim.Adam, ADAGRAD = optim.Adagrad, RMSPROP = optim.RMSprop }

--- The optimizer of a phase: SGD as MethodDNN has it, unless it names another.
local function optimizer_of(phase)
  local kind <const>, norm <const> = phase.kind or "SGD", phase.regularization or "NONE"
  local make <const> = makers[kind]
  if not make then
    core.fail("argument", "hn.tmva.strategy: Optimizer: expected one of %s, got %q", sorted(makers), kind)
  end
  if norm ~= "NONE" and norm ~= "L1" and norm ~= "L2" then
    core.fail("argument", 'hn.tmva.strategy: Regularization: expected NONE, L1 or L2, got %q', norm)
  end
  local o <const> = { lr = phase.lr }
  if norm ~= "NONE" then o[norm:lower()] = phase.decay end
  if kind == "SGD" then o.momentum, o.stable = phase.momentum, true end
  return make(o)
end

local function dropout_layers(net)
  local count = 0
  walk.modules(net, function(module) count = count + (module.name == "Dropout" and 1 or 0) end)
  return count
end

--- DropConfig has a rate for the inputs and each layer's outputs; what it leaves out has none.
local function fill_dropout(phase, count)
  for k = 1, count do phase.dropout[k] = phase.dropout[k] or 0 end
  for k = #phase.dropout, count + 1, -1 do phase.dropout[k] = nil end
end

--- The phases of a TrainingStrategy, for hn.phases: options with commas between them, phases with "|". LearningRate
-- (0.01), Momentum (0), BatchSize (30), ConvergenceSteps (100; hn.phases' `patience`),
-- TestRepetitions (`interval`), MaxEpochs (2000; `epochs`), Regularization (NONE, L1, L2) with WeightDecay, DropConfig
-- ("0.0+0.5+0.5", from the inputs on), Optimizer (SGD, ADAM, ADAGRAD, RMSPROP). Repetitions, DropRepetitions and
-- Multithreading are taken and mean nothing here. Each phase has an optimizer of its own.
-- @param strategy the text
-- @param net the network of `layout` that is to be trained, where DropConfig needs it
function tmva.strategy(strategy, net)
  strategy = options.value("hn.tmva.strategy", "strategy", strategy, { "string", required = true })
  local phases <const> = {}
  for part in strategy:gmatch "[^|]+" do
    local phase <const> = { lr = 1e-2, batch = 30, patience = 100, epochs = 2000, decay = 0 }
    for name, word in part:gmatch "%s*([^,=]+)%s*=%s*([^,]*)" do
      local set <const> = known[name:lower():match "^(.-)%s*$"]
      if not set then
        core.fail("argument", "hn.tmva.strategy: unknown option %q (the options are %s)", name, sorted(known))
      end
      set(phase, name, word:match "^(.-)%s*$")
    end
    if phase.dropout then
      if kinds.of(net) ~= "module" then
        core.fail("argument", "hn.tmva.strategy: net: expected the network for DropConfig, got %s", kinds.describe(net))
      end
      fill_dropout(phase, dropout_layers(net))
    end
    phase.optimizer = optimizer_of(phase)
    phase.momentum, phase.decay, phase.regularization, phase.kind = nil, nil, nil, nil
    phases[#phases + 1] = phase
  end
  if #phases == 0 then core.fail("argument", "hn.tmva.strategy: expected options, got %q", strategy) end
  return phases
end

--- TMVA's letters of transformations.
local transformations <const> = { N = "normalise", D = "decorrelate", P = "pca", U = "uniform", G = "gauss" }

--- The numbers of variables in "(_V0_,_V3_)", counted from 1, or nil for "".
local function variables_of(part, word)
  if word == "" then return nil end
  local list <const> = {}
  for one in word:sub(2, -2):gmatch "[^;]+" do
    local found <const> = one:match "^%s*_V(%d+)_%s*$"
    if not found then
      core.fail("argument", "hn.tmva.transform: %q: expected variables by number, as _V0_, got %q", part, one)
    end
    list[#list + 1] = math.tointeger(found) + 1
  end
  return list
end

--- The transformations of a VarTransform, for hn.transform: letters with commas between them, N (normalise), D
-- (decorrelate), P (pca), U (uniform), G (gauss) and I (none), each with the variables that it acts on and the class
-- that it is fitted to, if not all: "G,D_Signal,N(_V0_,_V3_)". Classes are known by the data set's names.
function tmva.transform(text)
  local list <const> = {}
  for part in text:gsub("%b()", function(inner) return (inner:gsub(",", ";")) end):gmatch "[^,]+" do
    local letter <const>, rest <const> = part:match "^%s*(%u)(.-)%s*$"
    local variables <const> = (rest or ""):match "^%b()" or ""
    local class <const> = (rest or ""):sub(#variables + 1):match "^_(%w+)$"
    if letter ~= "I" and not transformations[letter] or #rest ~= #variables + (class and #class + 1 or 0) then
      core.fail("argument", "hn.tmva.transform: expected I or one of %s, such as G(_V0_)_Signal, got %q",
        sorted(transformations), (part:gsub(";", ",")))
    end
    if letter ~= "I" then
      list[#list + 1] = { transformations[letter], features = variables_of(part, variables),
        class = class ~= "AllClasses" and class or nil }
    end
  end
  return transform(list)
end

return tmva
