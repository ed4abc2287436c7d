-- Tapes and scopes: what is recorded, what lives how long, and what backward asks for.

local core <const> = require "hn.core"
local hn <const> = require "hn"

local function parameter(...) return hn.tensor(...):parameter() end

describe("a tape", function()
  it("records what is made while it is open, and backward gives gradients", function()
    local x <const> = parameter({ 3 }, { 1, -2, 3 })
    local _ <close> = hn.tape()
    local y <const> = x:relu():scale(2):sum()
    assert.equal(8, y:item())
    y:backward()
    assert.same({ 2, 0, 2 }, x:grad():table())
  end)

  it("adds gradients of all uses of a tensor", function()
    local x <const> = parameter({ 2 }, { 3, 4 })
    local _ <close> = hn.tape()
    x:mul(x):add(x):sum():backward()
    assert.same({ 7, 9 }, x:grad():table())
  end)

  it("adds gradients of several tapes", function()
    local x <const> = parameter({ 2 }, { 3, 4 })
    for _ = 1, 3 do
      local _ <close> = hn.tape()
      x:scale(2):sum():backward()
    end
    assert.same({ 6, 6 }, x:grad():table())
  end)

  it("gives no gradient to tensors that did not ask for one", function()
    local x <const>, c <const> = parameter({ 2 }, 1), hn.tensor({ 2 }, 5)
    local _ <close> = hn.tape()
    local y <const> = x:mul(c)
    y:sum():backward()
    assert.same({ 5, 5 }, x:grad():table())
    assert.is_nil(c:grad())
    assert.is_nil(y:grad())
  end)

  it("keeps the gradient of a result that was made a parameter", function()
    local x <const> = parameter({ 2 }, { 1, 2 })
    local y
    do
      local _ <close> = hn.tape()
      y = x:scale(3):parameter()
      y:mul(y):sum():backward()
      assert.same({ 6, 12 }, y:grad():table())
    end
  end)

  it("does not differentiate what the loss does not depend on", function()
    local x <const>, other <const> = parameter({ 2 }, 1), parameter({ 2 }, 1)
    local _ <close> = hn.tape()
    other:scale(7):sum()
    x:sum():backward()
    assert.is_nil(other:grad())
    assert.same({ 1, 1 }, x:grad():table())
  end)

  it("frees the results of operations when it closes", function()
    local x <const> = parameter({ 100 }, 1)
    local before <const> = core.memory()
    local y
    do
      local _ <close> = hn.tape()
      y = x:relu():scale(2)
      assert.equal(before.used + 800, core.memory().used)
    end
    assert.is_true(y:closed())
    assert.equal(before.used, core.memory().used)
  end)

  it("frees gradients under way, not those of parameters", function()
    local x <const> = parameter({ 100 }, 1)
    do
      local _ <close> = hn.tape()
      x:relu():scale(2):sum():backward()
    end
    local kinds <const> = core.memory().kinds
    assert.same({ 400, 0 }, { kinds.gradients, kinds.activations })
  end)

  it("hands kept results to the scope around", function()
    local x <const> = parameter({ 2 }, 3)
    local outer <const> = hn.tape()
    local y
    do
      local _ <close> = hn.tape()
      y = x:scale(2):keep()
    end
    assert.same({ 6, 6 }, y:table())
    outer:close()
    assert.is_true(y:closed())
  end)

  it("leaves kept results to the collector if there is no scope around", function()
    local x <const> = parameter({ 2 }, 3)
    local y
    do
      local _ <close> = hn.tape()
      y = x:scale(2):keep()
    end
    assert.same({ 6, 6 }, y:table())
  end)

  it("closes those that were opened inside it", function()
    local x <const> = parameter({ 2 }, 3)
    local outer <const> = hn.tape()
    local inner <const> = hn.tape()
    local y <const> = x:scale(2)
    outer:close()
    assert.is_true(y:closed())
    inner:close() -- nothing left to do
    outer:close()
    assert.has_error(function() x:sum():backward() end) -- no tape is open
  end)

  it("may be closed twice", function()
    local tape <const> = hn.tape()
    tape:close()
    tape:close()
    assert.equal(0, core.memory().objects - 0)
  end)

  it("whose handle is lost is closed by the collector, with what was opened inside it", function()
    local x <const> = parameter({ 2 }, 3)
    hn.tape()
    local inner <const> = hn.tape()
    local y <const> = x:scale(2)
    collectgarbage()
    collectgarbage()
    assert.is_true(y:closed())
    assert.error_matches(function() y:sum():backward() end, "^state: ")
    inner:close()
    local _ <close> = hn.tape()
    x:sum():backward()
    assert.same({ 1, 1 }, x:grad():table())
  end)

  it("is closed when an error passes through it", function()
    local x <const> = parameter({ 2 }, 3)
    local before <const> = core.memory().used
    pcall(function()
      local _ <close> = hn.tape()
      x:scale(2)
      error("on purpose")
    end)
    assert.equal(before, core.memory().used)
    assert.has_error(function() x:sum():backward() end)
  end)

  it("can go on recording after backward, and run backward again on what is new", function()
    local x <const> = parameter({ 2 }, 3)
    local _ <close> = hn.tape()
    x:sum():backward()
    x:scale(2):sum():backward()
    assert.same({ 3, 3 }, x:grad():table())
  end)

  it("that was opened inside another one records alone", function()
    local x <const> = parameter({ 2 }, 3)
    local _ <close> = hn.tape()
    local kept <const> = x:scale(5)
    do
      local _ <close> = hn.tape()
      x:scale(2):sum():backward()
    end
    assert.same({ 2, 2 }, x:grad():table())
    kept:sum():backward()
    assert.same({ 7, 7 }, x:grad():table())
  end)

  it("leaves out what a scope inside it makes", function()
    local x <const> = parameter({ 2 }, { 3, 4 })
    local _ <close> = hn.tape()
    local factor
    do
      local _ <close> = core.scope()
      factor = x:scale(2):keep()
    end
    x:mul(factor):sum():backward()
    assert.same({ 6, 8 }, x:grad():table()) -- the factor counts as a constant
  end)

  it("runs an operand's gradient through views: reshape and slice", function()
    local x <const> = parameter({ 2, 3 }, { 1, 2, 3, 4, 5, 6 })
    local _ <close> = hn.tape()
    local y <const> = x:reshape(3, 2):slice(2, 1)
    assert.same({ { 3, 4 } }, y:table())
    y:mul(y):sum():backward()
    assert.same({ { 0, 0, 6 }, { 8, 0, 0 } }, x:grad():table())
  end)
end)

describe("backward", function()
  local function fails(pattern, f) assert.error_matches(f, pattern) end

  it("needs an open tape", function()
    local y <const> = parameter({ 2 }, 1):sum()
    fails("^state: .*tape", function() y:backward() end)
  end)

  it("refuses within an unrecorded scope", function()
    local x <const> = parameter({ 2 }, 1)
    local _ <close> = hn.tape()
    local y <const> = x:sum()
    local _ <close> = core.scope()
    fails("^state: .*scope", function() y:backward() end)
  end)

  it("refuses a loss from outside the tape", function()
    local x <const> = parameter({ 2 }, 1)
    local y <const> = x:sum()
    local _ <close> = hn.tape()
    fails("^state: .*tape", function() y:backward() end)
  end)

  it("refuses a loss that depends on no parameter", function()
    local _ <close> = hn.tape()
    local y <const> = hn.tensor({ 2 }, 1):sum()
    fails("^state: .*gradient", function() y:backward() end)
  end)

  it("refuses more than one number", function()
    local x <const> = parameter({ 2 }, 1)
    local _ <close> = hn.tape()
    local y <const> = x:scale(2)
    fails("^shape: .*one number.*%[2%]", function() y:backward() end)
  end)

  it("runs once", function()
    local x <const> = parameter({ 2 }, 1)
    local _ <close> = hn.tape()
    local y <const> = x:sum()
    y:backward()
    fails("^state: .*already", function() y:backward() end)
    assert.same({ 1, 1 }, x:grad():table())
  end)

  it("refuses to go through an operand that was closed by hand", function()
    local x <const> = parameter({ 2 }, 1)
    local _ <close> = hn.tape()
    local y <const> = x:scale(2)
    local z <const> = y:mul(y):sum()
    y:close()
    fails("^state: .*closed", function() z:backward() end)
  end)
end)

describe("without a tape", function()
  it("operations work and nothing is recorded or kept", function()
    local x <const> = parameter({ 100 }, 1)
    for _ = 1, 10 do x:relu():scale(2) end
    collectgarbage()
    collectgarbage()
    assert.equal(0, core.memory().kinds.activations)
  end)

  it("a scope frees what was made in it", function()
    local x <const> = hn.tensor({ 100 }, 1)
    local before <const> = core.memory().used
    do
      local _ <close> = core.scope()
      for _ = 1, 5 do x:relu() end
      assert.equal(before + 2000, core.memory().used)
    end
    assert.equal(before, core.memory().used)
  end)
end)
