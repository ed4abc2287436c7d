-- Tensors: how they are made, read, written, shared and closed.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"

describe("hn.tensor", function()
  it("of a shape is zeros", function()
    local t <const> = hn.tensor { 2, 3 }
    assert.same({ { 0, 0, 0 }, { 0, 0, 0 } }, t:table())
    assert.same({ 2, 3 }, t:shape())
    assert.equal(6, t:size())
    assert.equal(2, t:dims())
    assert.equal("float", t:dtype())
  end)

  it("takes a number for every element", function()
    assert.same({ 1.5, 1.5, 1.5 }, hn.tensor({ 3 }, 1.5):table())
  end)

  it("takes a function of the indices, from 1", function()
    assert.same({ { 11, 12, 13 }, { 21, 22, 23 } }, hn.tensor({ 2, 3 }, function(i, j) return 10 * i + j end):table())
    local t <const> = hn.tensor({ 2, 1, 2, 3 }, function(i, j, k, l) return 1000 * i + 100 * j + 10 * k + l end)
    assert.same({ { { { 1111, 1112, 1113 }, { 1121, 1122, 1123 } } },
      { { { 2111, 2112, 2113 }, { 2121, 2122, 2123 } } } }, t:table())
  end)

  it("takes a flat table, row by row", function()
    assert.same({ { 1, 2, 3 }, { 4, 5, 6 } }, hn.tensor({ 2, 3 }, { 1, 2, 3, 4, 5, 6 }):table())
  end)

  it("takes nested tables, whose shape is the tensor's", function()
    local t <const> = hn.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }
    assert.same({ 3, 2 }, t:shape())
    assert.same({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, t:table())
    assert.same({ 1, 2, 2 }, hn.tensor({ { { 1, 2 }, { 3, 4 } } }):shape())
  end)

  it("takes another tensor's elements", function()
    local a <const> = hn.tensor({ 2, 3 }, { 1, 2, 3, 4, 5, 6 })
    assert.same({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, hn.tensor({ 3, 2 }, a):table())
  end)

  it("keeps what float32 keeps", function()
    assert.equal((string.unpack("<f", string.pack("<f", 1 / 3))), hn.tensor({ 1 }, 1 / 3):item())
    assert.equal(math.huge, hn.tensor({ 1 }, math.huge):item())
    local nan <const> = hn.tensor({ 1 }, 0 / 0):item()
    assert.is_true(nan ~= nan)
  end)
end)

describe("hn.labels", function()
  it("makes an int tensor that reads as it was written, from 1", function()
    local t <const> = hn.labels { 1, 3, 2 }
    assert.same({ 1, 3, 2 }, t:table())
    assert.equal("int", t:dtype())
    assert.same({ 3 }, t:shape())
  end)
end)

describe("hn.buckets", function()
  it("makes a parameter of kind buckets", function()
    local pool <const> = hn.buckets(5)
    assert.same({ { 5 }, "buckets", true }, { pool:shape(), pool:kind(), pool:is_parameter() })
    assert.same({ 0, 0, 0, 0, 0 }, pool:table())
  end)

  it("is filled by set with a function of the index from 1, a table or a tensor", function()
    assert.same({ 10, 20, 30 }, hn.buckets(3):set(function(k) return 10 * k end):table())
    assert.same({ 1, 2, 3 }, hn.buckets(3):set({ 1, 2, 3 }):table())
    assert.same({ 4, 5, 6 }, hn.buckets(3):set(hn.tensor({ 3 }, { 4, 5, 6 })):table())
  end)
end)

describe("a tensor", function()
  it("is set to a number, a function, a table or another tensor, and gives itself back", function()
    local t <const> = hn.tensor { 2, 2 }
    assert.equal(t, t:set(7))
    assert.same({ { 7, 7 }, { 7, 7 } }, t:table())
    assert.same({ { 11, 12 }, { 21, 22 } }, t:set(function(i, j) return 10 * i + j end):table())
    assert.same({ { 1, 2 }, { 3, 4 } }, t:set({ 1, 2, 3, 4 }):table())
    assert.same({ { 5, 6 }, { 7, 8 } }, t:set({ { 5, 6 }, { 7, 8 } }):table())
    assert.same({ { 0, 1 }, { 2, 3 } }, t:set(hn.tensor({ 4 }, { 0, 1, 2, 3 })):table())
  end)

  it("gives a part of its values, in order", function()
    local t <const> = hn.tensor({ 2, 3 }, { 1, 2, 3, 4, 5, 6 })
    assert.same({ { 2, 3, 4 }, { 6 }, {} }, { t:read(2, 3), t:read(6, 1), t:read(1, 0) })
    assert.same({ 3, 1 }, hn.labels({ 2, 3, 1 }):read(2, 2))
  end)

  it("tells its device", function() assert.equal(hn.device(), hn.tensor({ 2 }):device()) end)

  it("of one element has an item", function() assert.equal(2.5, hn.tensor({ 1, 1 }, 2.5):item()) end)

  it("is copied with its contents, not shared", function()
    local a <const> = hn.tensor({ 3 }, { 1, 2, 3 })
    local b <const> = a:copy()
    a:set(0)
    assert.same({ 1, 2, 3 }, b:table())
    assert.same({ "data", false }, { b:kind(), b:is_parameter() })
  end)

  it("shares the storage of its slices", function()
    local a <const> = hn.tensor({ 3, 2 }, { 1, 2, 3, 4, 5, 6 })
    local rows <const> = a:slice(2, 2)
    assert.same({ { 3, 4 }, { 5, 6 } }, rows:table())
    rows:set(0)
    assert.same({ { 1, 2 }, { 0, 0 }, { 0, 0 } }, a:table())
    local before <const> = core.memory().used
    assert.same({ 1, 2 }, a:slice(1, 1):shape())
    assert.equal(before, core.memory().used)
  end)

  it("lives on in its slices after it is closed", function()
    local a <const> = hn.tensor({ 3, 2 }, { 1, 2, 3, 4, 5, 6 })
    local last <const> = a:slice(3, 1)
    a:close()
    assert.same({ { 5, 6 } }, last:table())
  end)

  it("frees its bytes when it is closed, once", function()
    local before <const> = core.memory().used
    local t <const> = hn.tensor { 100 }
    assert.equal(before + 400, core.memory().used)
    t:close()
    assert.equal(before, core.memory().used)
    t:close()
    assert.equal(before, core.memory().used)
    assert.is_true(t:closed())
  end)

  it("is closed by <close>", function()
    local before <const> = core.memory().used
    do
      local t <close> = hn.tensor { 100 }
      assert.is_false(t:closed())
    end
    assert.equal(before, core.memory().used)
  end)

  it("becomes a parameter and is then counted among the weights", function()
    local t <const> = hn.tensor { 10 }
    assert.is_false(t:is_parameter())
    assert.equal(t, t:parameter())
    assert.is_true(t:is_parameter())
    assert.equal("weights", t:kind())
    assert.equal(40, core.memory().kinds.weights)
  end)

  it("has no gradient before one is computed and after it is cleared", function()
    local t <const> = hn.tensor({ 2 }, 1):parameter()
    assert.is_nil(t:grad())
    do
      local _ <close> = hn.tape()
      t:scale(3):sum():backward()
    end
    assert.same({ 3, 3 }, t:grad():table())
    t:clear_grad()
    assert.is_nil(t:grad())
  end)

  it("starts from zero again after its gradient was cleared", function()
    local t <const> = hn.tensor({ 2 }, 1):parameter()
    for _ = 1, 3 do
      t:clear_grad()
      local _ <close> = hn.tape()
      t:scale(3):sum():backward()
    end
    assert.same({ 3, 3 }, t:grad():table())
  end)

  it("prints its shape, kind of numbers and whether it is closed", function()
    local t <const> = hn.tensor { 4, 25 }
    assert.matches("4", tostring(t), 1, true)
    assert.matches("25", tostring(t), 1, true)
    assert.matches("int", tostring(hn.labels { 1 }), 1, true)
    assert.not_matches("closed", tostring(t), 1, true)
    t:close()
    assert.matches("closed", tostring(t), 1, true)
  end)
end)

describe("a fresh result of an operation", function()
  it("may be as large as it likes in four dimensions", function()
    local t <const> = hn.tensor({ 2, 3, 4, 5 }, 1):relu()
    assert.same({ 2, 3, 4, 5 }, t:shape())
    assert.equal(120, t:sum():item())
  end)
end)

-- A NaN must come through, or training would hide it.
for _, backend in ipairs(backends) do
  describe("NaN goes through on " .. backend.device, function()
    before_each(function() backends.open { device = backend.device } end)

    local nan <const> = 0 / 0
    for _, name in ipairs { "scale", "relu", "leaky_relu", "elu", "gelu", "tanh", "sigmoid", "softmax", "log_softmax",
      "sum", "mean" } do
      it(name, function()
        local args <const> = name == "scale" and { 2 } or {}
        local y <const> = hn[name](hn.tensor({ 2, 3 }, { 1, nan, 2, 3, 4, 5 }), table.unpack(args)):table()
        local seen = false
        for _, row in ipairs(y) do
          for _, value in ipairs(type(row) == "table" and row or { row }) do seen = seen or value ~= value end
        end
        assert.is_true(seen)
      end)
    end
    for _, name in ipairs { "add", "sub", "mul", "mse", "huber", "bce" } do
      it(name, function()
        local a <const>, b <const> = hn.tensor({ 2, 1 }, { 1, nan }), hn.tensor({ 2, 1 }, { 0.5, 0.5 })
        local y <const> = hn[name](a, b)
        local last <const> = y:size() == 1 and y:item() or y:table()[2][1]
        assert.is_true(last ~= last)
      end)
    end
    it("cross_entropy, linear and a hashed linear", function()
      local x <const> = hn.tensor({ 1, 2 }, { nan, 1 })
      local loss <const> = hn.cross_entropy(x, hn.labels { 2 }):item()
      assert.is_true(loss ~= loss)
      local dense <const> = hn.linear(x, hn.tensor({ 1, 2 }, 1)):item()
      assert.is_true(dense ~= dense)
      local hashed <const> = hn.linear(x, hn.buckets(16):set(1):matrix { rows = 1, cols = 2 }):item()
      assert.is_true(hashed ~= hashed)
    end)

    it("not into the gradients of other samples, where batch norm takes running statistics", function()
      local x <const>, one <const> = hn.tensor({ 3, 1 }, { 1, nan, 2 }):parameter(), hn.tensor({ 1 }, 1)
      local _ <close> = hn.tape()
      local y <const> = hn.batch_norm(x, one, hn.tensor({ 1 }, 0), hn.tensor({ 1 }, 0), hn.tensor({ 1 }, 3), 0, 0.1, 1)
      y:sum():backward()
      local gradient <const> = x:grad():table()
      assert.same({ 0.5, 0.5 }, { gradient[1][1], gradient[3][1] })
    end)
  end)
end
