-- What ? at the prompt finds in the comments of the sources.

local core <const> = require "hn.core"
local docs <const> = require "hn.repl.docs"
local help <const> = require "hn.repl.help"
local hn <const> = require "hn"
local value <const> = require "hn.repl.value"

describe("help", function()
  setup(function() rawset(_G, "hn", hn) end)
  teardown(function()
    for _, name in ipairs { "hn", "helped" } do rawset(_G, name, nil) end
  end)

  -- Sets the global variable `helped` for a test.
  local function about(object, text)
    rawset(_G, "helped", object)
    local said <const> = help(text or "helped")
    rawset(_G, "helped", nil)
    return said
  end

  local CASES <const> = { -- what is asked, what the answer begins with and what it holds
    { "", "Type Lua.", "Ctrl-C" },
    { "hn", "hn\nThe engine as scripts see it", "\n  fit                Trains a network" },
    { "hn.fit", "hn.fit(net, data, given)\nTrains a network on a data set", "`patience`" },
    { " hn.fit ", "hn.fit(net, data, given)\n", "Options:" },
    { "hn.fit()", "hn.fit(net, data, given)\n", "Options:" },
    { "hn.tensor", "hn.tensor\n", "zeros of a shape" },
    { "hn.relu", "hn.relu\nrelu(x): max(x, 0).", "" },
    { "hn.huber_rows", "hn.huber_rows\nhuber_rows(x, target, delta)", "" },
    { "hn.nn", "hn.nn\nLayers,", "\n  Hashed             y = x V" },
    { "hn.nn.Hashed", "hn.nn.Hashed\nHashed(inputs, outputs, options): ", "compression" },
    { "hn.nn.ReLU", "hn.nn.ReLU\nReLU(): max(x, 0).", "" },
    { "hn.nn.module", "hn.nn.module(name)\nMakes a class of modules.", "\n  name: what printing" },
    { "hn.optim.SGD", "hn.optim.SGD\nSGD{ lr = 0.01", "`stable`" },
    { "hn.optim.step", "hn.optim.step\nstep{ every", "" },
    { "hn.optim.cosine", "hn.optim.cosine\ncosine{ final = 0 }", "" },
    { "hn.data.tensors", "hn.data.tensors(given)\nMakes a data set", "" },
    { "hn.metrics.auc", "hn.metrics.auc(scores, labels, weights)\nThe area", "\n  scores: a number for each sample" },
    { "dropout", "hn.nn.dropout, Dropout\nDropout(rate): ", "hn.operations, dropout\n" },
    { "Patience", "no help for 'Patience'", "" },
    { "hn.no_such", "no help for 'hn.no_such'", "" },
    { "no.such.thing", "no help for 'no.such.thing'", "" },
    { "string.format", "string.format\nA function of Lua: ", "#pdf-string.format" },
  }
  for _, case in ipairs(CASES) do
    it(("about %q"):format(case[1]), function()
      local said <const> = help(case[1])
      assert.equal(case[2], said:sub(1, #case[2]))
      assert.matches(case[3], said, 1, true)
      assert.not_matches("@", said, 1, true)
    end)
  end

  it("about a network says what it is and what it can do", function()
    local net <const> = hn.nn.Sequential { hn.nn.ReLU() }
    local said <const> = about(net)
    assert.matches("^helped is a module %(Sequential%)%.\nSequential{ layer, %.%.%. }: ", said)
    assert.matches("\n  predict            The network's outputs for x", said, 1, true)
    assert.matches("^helped%[1%] is a module %(ReLU%)%.\nReLU%(%)", about(net, "helped[1]"))
    assert.matches("^helped.predict%(self, x, options%)\nThe network's outputs", about(net, "helped.predict"))
  end)

  it("about a class of a script's own says so", function()
    assert.equal("helped\nA class of modules made in a script.", about(hn.nn.module "Own"))
  end)

  it("about a tensor lists its methods", function()
    local said <const> = about(hn.tensor { 2, 3 })
    assert.matches("^helped is a tensor 2x3%.\n\nTensors: ", said)
    assert.matches("\n  keep               hands a result over", said, 1, true)
    assert.matches("\n  relu               max(x, 0)\n", said, 1, true)
  end)

  it("about a function of a script says where it is", function()
    assert.matches("^helped%(a, b%)\nA function at .*help_spec.lua:%d+%.$", about(function(a, b) return a + b end))
  end)

  it("about any other value says what it is", function()
    assert.equal("helped is 3.", about(3))
    assert.equal("helped is a table.", about {})
  end)

  it("runs no code of what it is asked about", function()
    local trap <const> = setmetatable({}, { __index = function() error "help ran code" end })
    assert.equal("no help for 'helped.x'; ? alone tells what the prompt can do", about(trap, "helped.x"))
  end)
end)

describe("every function and method", function()
  setup(function() rawset(_G, "hn", hn) end)
  teardown(function()
    for _, name in ipairs { "hn", "helped" } do rawset(_G, name, nil) end
  end)

  -- What makes an object of which each method must be documented, or the path of a module.
  local OWNERS <const> = {
    { "hn" }, { "hn.nn" }, { "hn.optim" }, { "hn.data" }, { "hn.metrics" },
    { "a tensor", function() return hn.tensor { 2 } end },
    { "a matrix", function() return hn.buckets(16):matrix { rows = 1, cols = 16 } end },
    { "a host array", function() return core.sequence(3, false) end },
    { "a network", function() return hn.nn.Sequential { hn.nn.ReLU() } end },
    { "a data set", function() return hn.data.tensors { x = { { 1 }, { 2 } } } end },
    { "an optimizer", function() return hn.optim.SGD() end },
  }
  for _, owner in ipairs(OWNERS) do
    it("of " .. owner[1] .. " is documented", function()
      local path <const> = owner[2] and "helped" or owner[1]
      if owner[2] then rawset(_G, "helped", owner[2]()) end
      local object <const> = owner[2] and _G.helped or require(owner[1])
      local checked, missing <const> = 0, {}
      for _, name in ipairs(value.names(object, true)) do
        local said <const> = help(path .. "." .. name)
        checked = checked + 1
        local inner <const> = name:find "^__"
        if not inner and (said:find("A function", 1, true) or said:find("no help", 1, true) or not said:find "\n.") then
          missing[#missing + 1] = name
        end
      end
      rawset(_G, "helped", nil)
      assert.same({}, missing)
      assert.is_true(checked > 2)
    end)
  end

  it("is found below its comment alone", function()
    assert.is_nil(docs.of_function(function() end))
    assert.is_nil(docs.of_function(print))
  end)
end)
