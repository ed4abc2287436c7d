-- The reference manual, one folder of HTML pages: ./hnrun scripts/manual.lua FOLDER (make doc). What Lua code calls is
-- asked of the engine itself, and described as ? at the prompt describes it; ldoc sets these pages. The README, the C
-- interface and the examples are put beside them. cmark-gfm turns the comments' words into HTML.

package.path = "scripts/?.lua;" .. package.path

local files <const> = require "manual.files"
local frame <const> = require "manual.frame"
local ldoc <const> = require "manual.ldoc"
local lfs <const> = require "lfs"
local others <const> = require "manual.others"
local pages <const> = require "manual.pages"

local given <const> = arg[1] or "build/doc"
local folder <const> = given:find "^/" and given or lfs.currentdir() .. "/" .. given
local work <const> = folder .. ".input" -- what ldoc reads

files.run(("rm -rf '%s' '%s' && mkdir -p '%s' '%s'"):format(folder, work, folder, work))
local objects <const> = pages.objects()
local list <const> = pages.list(objects)
ldoc(list, objects, folder, work)
frame(folder, list, { index = others.readme(), c = others.c(), examples = others.examples() })
files.run(("rm -rf '%s'"):format(work))
