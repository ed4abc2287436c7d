-- The README's script is a program that works, and about as long as promised.

local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

-- The first block of Lua in the README that loads the engine.
local function script_of(text)
  for block in text:gmatch("```lua\n(.-)```") do
    if block:find('require "hn"', 1, true) then return block end
  end
end

describe("README.md", function()
  it("has a script of about twenty lines that runs", function()
    local file <const> = io.open("README.md")
    if not file then
      pending("there is no README.md yet")
      return
    end
    local script <const> = script_of(file:read("a"))
    file:close()
    assert.is_string(script, "no ```lua block that requires hn")
    local _, count <const> = script:gsub("\n", "\n")
    assert.is_true(count <= 25, count .. " lines")
    local out <const>, err <const>, code <const> = program.run { "--threads", "1", files.write(script) }
    assert.same({ "", 0 }, { err, code })
    assert.is_true(#out > 0)
  end)
end)
