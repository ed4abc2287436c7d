-- Completion at the prompt: what is typed, and what it may become.

require "hn"
local complete <const> = require "hn.repl.complete"
local core <const> = require "hn.core"

local FILES <const> = { ["."] = { "data.idx", "dir/", ".hidden", "delta.lua" }, ["dir/"] = { "one.lua", "other.lua" } }
local function list(folder) return FILES[folder] or {} end

describe("completion", function()
  setup(function()
    rawset(_G, "completed", {
      alpha = 1, alphabet = function() end, beta = { gamma = { delta = 1 } }, [1] = { first = 1 }, ["no name"] = 1,
      callable = setmetatable({}, { __call = function() end }),
      lazy = setmetatable({}, { __index = function() error "completion ran code" end }),
      object = setmetatable({}, {
        __index = setmetatable({ method = print, field = 1 }, { __index = { base = print } }),
      }),
      text = "text",
    })
    rawset(_G, "hn", require "hn")
  end)
  teardown(function()
    rawset(_G, "completed", nil)
    rawset(_G, "hn", nil)
  end)

  local CASES <const> = { -- text before the cursor, what is inserted, what is listed
    { "comple", "ted", {} },
    { "x = comple", "ted", {} },
    { "whi", "le", {} },
    { "completed.al", "pha", {} },
    { "completed.alpha", "", { "alpha", "alphabet" } },
    { "completed.beta.ga", "mma", {} },
    { "completed . beta . ga", "mma", {} },
    { "completed[1].fi", "rst", {} },
    { "completed['beta'].ga", "mma", {} },
    { 'completed["beta"].ga', "mma", {} },
    { "completed.no", "", {} },
    { "completed:al", "phabet", {} },
    { "completed:ca", "llable", {} },
    { "completed:bet", "", {} },
    { "completed.object:", "", { "base", "method" } },
    { "completed.object.f", "ield", {} },
    { "completed.lazy.x", "", {} },
    { "completed.text:rev", "erse", {} },
    { "completed.nothing.x", "", {} },
    { "completed().x", "", {} },
    { "nothing_like_it", "", {} },
    { "string.rep", "", {} },
    { "-- completed.al", "", {} },
    { "", "  ", {} },
    { "for i = 1, 3 do\n  ", "  ", {} },
    { "x = {\n  completed.beta.ga", "mma", {} },
    { "?completed.beta.ga", "mma", {} },
    { "hn.fit(net, data, { epo", "chs = ", {} },
    { "hn.fit(net, data, { epochs = 3, patie", "nce = ", {} },
    { "hn.fit(net, data, {\n  epochs = 3,\n  patie", "nce = ", {} },
    { "hn.fit(net, data, { epochs = comple", "ted", {} },
    { "hn.fit(net, f(1, { 2 }), { callbacks = { ep", "och = ", {} },
    { "hn.fit(net, data, { callbacks = { ", "", { "batch = ", "epoch = " } },
    { "hn.fit(net, data, { optimizer = hn.optim.SGD { nest", "erov = ", {} },
    { "hn.optim.SGD{ lr = 0.1, mom", "entum = ", {} },
    { "optim.SGD{ mom", "entum = ", {} },
    { "data:split(0.5, { sh", "uffle = ", {} },
    { "hn.nn.Hashed(2, 3, { comp", "ression = ", {} },
    { "hn.nn.Hashed(2, 3, { scheme = 'li", "ne'", {} },
    { "hn.nn.Hashed(2, 3, { scheme = \"", "", { 'element"', 'line"' } },
    { "unknown.call { comple", "ted", {} },
    { "io.open('da", "ta.idx", {} },
    { 'io.open("d', "", { "data.idx", "delta.lua", "dir/" } },
    { 'io.open("dir/o', "", { "dir/one.lua", "dir/other.lua" } },
    { 'io.open("dir/on', "e.lua", {} },
    { "io.open('.h", "idden", {} },
    { "io.open[[del", "ta.lua", {} },
    { "io.open('nowhere/x", "", {} },
    { 'require "hn.optim', '"', {} },
    { "require 'hn.no_such", "", {} },
    { "x = 'a' .. comple", "ted", {} },
    { "'it''s ", "", {} },
  }
  for _, case in ipairs(CASES) do
    it(("of %q"):format(case[1]), function()
      local insert <const>, names <const> = complete(case[1], list)
      assert.same({ case[2], case[3] }, { insert, names })
    end)
  end

  it("knows the methods of tensors", function()
    local t <close> = core.tensor { 2 }
    rawset(_G, "completed_tensor", t)
    local insert <const> = complete("completed_tensor:is_p", list)
    rawset(_G, "completed_tensor", nil)
    assert.equal("arameter", insert)
  end)

  it("hides names that begin with two underscores until one is typed", function()
    rawset(_G, "completed_meta", { __index = 1, name = 2 })
    local all <const>, some <const> = complete("completed_meta.", list), complete("completed_meta._", list)
    rawset(_G, "completed_meta", nil)
    assert.same({ "name", "_index" }, { all, some })
  end)
end)
