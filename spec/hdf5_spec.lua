-- Events in HDF5 files that a program of libhdf5 wrote.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"
local files <const> = require "spec.support.files"
local program <const> = require "spec.support.program"

local ROWS <const> = 1000

-- The folder of the files; nil and the reason where there is no libhdf5.
local function write()
  local folder <const> = files.folder()
  local _, err <const>, code <const> = program.shell(("cc -std=c11 -Wall -Wextra -Werror -o %s/write "
    .. "spec/support/c/hdf5.c $(pkg-config --cflags --libs hdf5) && %s/write %s"):format(folder, folder, folder))
  if code ~= 0 then return nil, "no program with libhdf5 can be built here: " .. err end
  local _, message <const> = pcall(core.table, folder .. "/group.h5")
  if tostring(message):find("has no HDF5", 1, true) then return nil, "hnrun is built without HDF5" end
  return folder
end

describe("HDF5 files", function()
  local folder, reason
  before_each(function()
    backends.open()
    folder, reason = write()
  end)

  local function each(title, f)
    it(title, function()
      if not folder then return pending(reason) end
      f()
    end)
  end

  local function fails(text, options)
    local ok <const>, message <const> = pcall(hn.data.events, options)
    assert.is_false(ok)
    assert.is_truthy(message:find(text, 1, true), message)
  end

  each("hold the same events in a group, a compound dataset and an array", function()
    local cases <const> = {
      { "group.h5" }, { "group.h5", "events" }, { "group.h5", "/events/" }, { "two.h5", "whole" }, { "compound.h5" },
      { "compound.h5", "tree" }, { "named.h5" }, { "named.h5", "m" },
      { "array.h5", nil, { "m[1]", "m[2]", "m[3]" } }, { "array.h5", "/m", { "m[1]", "m[2]", "m[3]" } },
    }
    for _, case in ipairs(cases) do
      local names <const> = case[3] or { "pt", "event", "flag" }
      for _, memory in ipairs(case[2] and { 1000000 } or { 1000000, 20000 }) do
        local data <const> = hn.data.events { files = folder .. "/" .. case[1], group = case[2], columns = names[1],
          label = names[3], spectators = names[2], memory = memory }
        assert.equal(memory < 1000000, data.stream ~= nil)
        local at = 0
        for x, y in data:batches { batch = 128 } do
          local classes <const> = y:table()
          for k, row in ipairs(x:table()) do
            assert.equal(at / 4, row[1])
            assert.equal(at % 2 + 1, classes[k])
            at = at + 1
          end
        end
        assert.equal(ROWS, at)
        assert.equal(10000000000 + ROWS - 1, data:spectator(names[2]):table()[ROWS])
      end
    end
  end)

  each("that are not as they should be are refused with the reason", function()
    fails("has no group or dataset 'nothing'", { files = folder .. "/group.h5", group = "nothing" })
    fails("expected the group of events to be named", { files = folder .. "/two.h5" })
    fails("expected datasets of as many rows", { files = folder .. "/two.h5", group = "short" })
    fails("no column 'ptt'; did you mean 'pt'?", { files = folder .. "/group.h5", cut = "ptt > 1" })
    local whole <const> = files.read(folder .. "/group.h5")
    for _, length in ipairs { #whole - 1, #whole // 2, 9 } do
      fails("is damaged", { files = files.write(whole:sub(1, length)) })
    end
  end)

  each("say which damaged chunk stops a training that reads them", function()
    local whole <const> = files.read(folder .. "/group.h5")
    local seen, last = 0, 1
    for at in whole:gmatch "()\x78\x5e" do seen, last = seen + 1, at end -- where zlib's data begin
    assert.is_true(seen > 3)
    fails("is damaged: its numbers", {
      files = files.write(whole:sub(1, last + 1) .. ("\xff"):rep(40) .. whole:sub(last + 42)) })
  end)
end)
