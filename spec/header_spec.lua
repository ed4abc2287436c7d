-- The pieces of hn.h from C, against an installed copy: those that the examples of embed_spec.lua do not call.

local files <const> = require "spec.support.files"
local install <const> = require "spec.support.install"

describe("hn.h in C:", function()
  local copy
  lazy_setup(function() copy = install.copy() end)
  lazy_teardown(function() os.execute("rm -rf " .. copy) end)

  for _, name in ipairs { "tensors", "data", "tables", "blas" } do
    it(("spec/support/c/%s.c finds all as the header says"):format(name), function()
      local path <const> = install.build(copy, ("spec/support/c/%s.c"):format(name), "cc -std=c11 -O1", "-lm")
      assert.equal("ok\n", install.ok(path .. " " .. files.folder()))
    end)
  end
end)
