-- How the prompt reads Lua: tokens of text that need not be complete, and what a chunk declares.

local lexer <const> = require "hn.repl.lexer"

describe("tokens", function()
  local CASES <const> = { -- text, its tokens, the kind of a last one that is open
    { "", {} },
    { " \n\t ", {} },
    { "local x = 1", { "local", "x", "=", "1" } },
    { "a.b:c(1)", { "a", ".", "b", ":", "c", "(", "1", ")" } },
    { "a==b~=c<=d>=e//f::g<<h>>i..j...", { "a", "==", "b", "~=", "c", "<=", "d", ">=", "e", "//", "f", "::", "g", "<<",
      "h", ">>", "i", "..", "j", "..." } },
    { "0x1F .5 1e10", { "0x1F", ".5", "1e10" } },
    { [['a\'b' "c\"d"]], { [['a\'b']], [["c\"d"]] } },
    { [["open]], { [["open]] }, "string" },
    { [["open\"]], { [["open\"]] }, "string" },
    { "[[a\nb]] c", { "[[a\nb]]", "c" } },
    { "[==[a]]b]==] c", { "[==[a]]b]==]", "c" } },
    { "[==[a]]", { "[==[a]]" }, "string" },
    { "a[1]", { "a", "[", "1", "]" } },
    { "-- words\nx", { "-- words", "x" } },
    { "x -- words", { "x", "-- words" }, "comment" },
    { "--[[ a\nb ]] x", { "--[[ a\nb ]]", "x" } },
    { "--[[ a", { "--[[ a" }, "comment" },
  }
  for _, case in ipairs(CASES) do
    it(("of %q"):format(case[1]), function()
      local texts <const>, tokens <const> = {}, lexer.tokens(case[1])
      for i, token in ipairs(tokens) do
        texts[i] = token.text
        assert.equal(token.text, case[1]:sub(token.first, token.last))
      end
      assert.same(case[2], texts)
      local last <const> = tokens[#tokens]
      assert.equal(case[3], last and last.open and last.kind or nil)
    end)
  end
end)

describe("outermost local variables", function()
  local CASES <const> = {
    { "x = 1", {} },
    { "local x", { "x" } },
    { "local x = 1 local y = 2", { "x", "y" } },
    { "local x, y <const>, z = 1, 2", { "x", "y", "z" } },
    { "local x <close>, y = 1", { "y" } },
    { "local function f() local x end", { "f" } },
    { "local f = function() local x end local y", { "f", "y" } },
    { "do local x end local y", { "y" } },
    { "if a then local x elseif b then local y else local z end local w", { "w" } },
    { "for i = 1, 2 do local x end local y", { "y" } },
    { "while a do local x end local y", { "y" } },
    { "repeat local x until x local y", { "y" } },
    { "local x = { f = function() end } local y", { "x", "y" } },
    { "local x = 'local y'", { "x" } },
    { "-- local x", {} },
    { "local --[[ z ]] x -- local y", { "x" } },
    { "local x = a < b, c local y", { "x", "y" } },
  }
  for _, case in ipairs(CASES) do
    it(("of %q"):format(case[1]), function() assert.same(case[2], lexer.locals(case[1])) end)
  end
end)
