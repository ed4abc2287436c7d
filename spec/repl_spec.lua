-- What the prompt makes of lines: chunks, results, errors, help, commands. Lines from a file here; spec/prompt_spec.lua
-- types them at a terminal.

local program <const> = require "spec.support.program"

-- Gives the lines to the prompt; returns what goes to standard output and to standard error.
local function type_in(...)
  local out <const>, err <const>, code <const> = program.run({ "-i", "--threads", "1" },
    table.concat({ ... }, "\n") .. "\n")
  assert.equal(0, code)
  return out, err
end

describe("the prompt", function()
  local CASES <const> = {
    { "prints an expression", { "1 + 1" }, "2\n" },
    { "prints nothing for a statement", { "x = 5" }, "" },
    { "prints nothing for a call without results", { "print 'once'" }, "once\n" },
    { "prints several results", { "1, 'a', nil" }, '1\n"a"\nnil\n' },
    { "prints what a chunk returns", { "return 7, 8" }, "7\n8\n" },
    { "prints nothing for a comment or an empty line", { "-- nothing", "", "  " }, "" },
    { "keeps the last result in _", { "6 * 7", "x = 1", "_ + 1" }, "42\n43\n" },
    { "keeps a result that is nil in _", { "1", "nil", "_ == nil" }, "1\nnil\ntrue\n" },
    { "knows that a block is not complete", { "for i = 1, 2 do", "print(i)", "end" }, "1\n2\n" },
    { "knows that a table is not complete", { "{", "1,", "2 }" }, "{ 1, 2 }\n" },
    { "knows that a call is not complete", { "math.max(1,", "", "2)" }, "2\n" },
    { "knows that an expression is not complete", { "1 +", "2" }, "3\n" },
    { "knows that a long string is not complete", { "[[a", "b]]" }, '"a\\nb"\n' },
    { "knows that a long comment is not complete", { "--[[ 1", "2 ]] 3" }, "3\n" },
    { "takes ? and , as Lua inside a chunk", { "f = function() return {", "1", ", 2 } end", "f()" }, "{ 1, 2 }\n" },
    { "keeps local variables for later lines", { "local a, b <const> = 1, 2", "a + b" }, "3\n" },
    { "keeps local functions for later lines", { "local function f(n) return n < 2 and 1 or n * f(n - 1) end", "f(5)" },
      "120\n" },
    { "keeps no variable of an inner block", { "do local a = 1 end", "a" }, "nil\n" },
    { "keeps no variable that was closed", { "local a <close> = setmetatable({}, { __close = print })", "a == nil" },
      "true\n" },
    { "keeps local variables before a return", { "local a = 3 return a", "a" }, "3\nnil\n" },
    { "works on when names of Lua's own are taken", { "table, type, string, print = {}, 1, 2, 3", "{ 1, 'a' }",
      "pcall(hn.optim.SGD, { lr = 'fast' })",
      "hn.tensor({ 2 }, 1)", "hn.nn.ReLU()" },
      '{ 1, "a" }\nfalse\n"argument: hn.optim.SGD: lr: expected a number at least 0, got \\"fast\\" (stdin:1)"\n'
        .. "tensor 2, float, data, on cpu\n  1  1\nReLU\n" },
    { "has hn", { "hn.tensor({ 3 }, 2):sum():item()" }, "6.0\n" },
  }
  for _, case in ipairs(CASES) do
    it(case[1], function()
      local out <const>, err <const> = type_in(table.unpack(case[2]))
      assert.equal("", (err:gsub("^table: [^\n]*\n", "")))
      assert.equal(case[3], (out:gsub("table: [^\n]*\n", "")))
    end)
  end

  local ERRORS <const> = {
    { "an error", { "error 'on purpose'" }, "^stdin:1: on purpose\nstack traceback:\n.*stdin:1: in main chunk\n$" },
    { "an error in a function", { "function f()", "error 'deep'", "end", "f() x = 1" },
      "^stdin:2: deep\nstack traceback:\n.*stdin:2: in function 'f'\n.*stdin:1: in main chunk\n$" },
    { "an error that is a table", { "error { code = 3 }" }, "^error object: { code = 3 }\n" },
    { "an error that is an object with text",
      { "error(setmetatable({}, { __tostring = function() return 'spoken' end }))" }, "^spoken\n" },
    { "an error that is nil", { "error()" }, "^error object: nil\n" },
    { "an error of the engine", { "hn.tensor { 2, 3 }:matmul(hn.tensor { 2, 3 })" },
      "^shape: matmul: .*%(stdin:1%)\n" },
    { "an error while a result is printed", { "setmetatable({}, { __tostring = function() error 'bad' end })" },
      "^stdin:1: bad\nstack traceback:\n" },
    { "what is no Lua", { "x = = 1" }, "^stdin:1: .*near '='\n$" },
    { "what is no Lua in a later line", { "for i = 1, 2 do", "i i", "end" }, "^stdin:2: [^\n]*\nstdin:1: [^\n]*\n$" },
    { "a chunk that the input's end cuts off", { "for i = 1, 2 do" }, "^stdin:1: .*near <eof>\n$" },
    { "an unknown command", { ",tim" }, "" },
  }
  for _, case in ipairs(ERRORS) do
    it("goes on after " .. case[1], function()
      local lines <const> = { table.unpack(case[2]) }
      if not case[3]:find("<eof>", 1, true) then lines[#lines + 1] = "6 * 7" end
      local out <const>, err <const> = type_in(table.unpack(lines))
      assert.matches(case[3], err)
      assert.not_matches("hn/repl", err, 1, true)
      if #lines > #case[2] then assert.matches("42\n$", out) end
    end)
  end

  it("has the global variables and the arguments of a script that ran before", function()
    local files <const> = require "spec.support.files"
    local script <const> = files.write "answer = 6 * 7"
    local out <const>, err <const>, code <const> = program.run({ "-i", script, "one" }, "answer\narg[1]\n")
    assert.same({ '42\n"one"\n', "", 0 }, { out, err, code })
  end)

  it("comes after a script that failed, whose exit status is the program's", function()
    local files <const> = require "spec.support.files"
    local script <const> = files.write "answer = 6 * 7 error 'late'"
    local out <const>, err <const>, code <const> = program.run({ "-i", script }, "answer\n")
    assert.same({ "42\n", 1 }, { out, code })
    assert.matches("late", err, 1, true)
  end)

  it("comes after -e and -l", function()
    local out <const> = program.run({ "-e", "x = 3", "-lt=hn.text", "-i" }, "x\nt.bytes(2048)\n")
    assert.equal('3\n"2.0 KiB"\n', out)
  end)

  it("does not ask for input after --version", function()
    assert.not_matches("9", (program.run({ "-i", "--version" }, "3 * 3333\n")), 1, true)
  end)

  it("tells time and memory of the last chunk", function()
    local out <const> = type_in(",time", "x = hn.tensor { 1024, 256 }", ",time")
    assert.matches("^nothing ran so far\n%d+%.%d+ s; device memory 1%.0 MiB %(%+1%.0 MiB%)", out)
  end)

  it("opens no device by itself", function()
    local out <const> = type_in("1", ",time", "require('hn.core').opened()")
    assert.matches("device memory 0 B", out, 1, true)
    assert.matches("false\n$", out)
  end)
end)
