-- Lua's pages, set by ldoc: every function described as ? at the prompt describes it.

local docs <const> = require "hn.repl.docs"
local files <const> = require "manual.files"
local help <const> = require "hn.repl.help"
local words <const> = require "manual.words"

--- The words about a name on a page, and how it is called.
local function described(page, name)
  local prefix = page.prefix
  local said <const> = help(prefix:gsub(":", ".") .. name)
  local call, text = said:match "^([^\n]*)\n(.*)$"
  local own = text:match("^" .. name .. "%s?%b()") or text:match("^" .. name .. "%s?%b{}")
  local method <const> = text:match("^%w+:" .. name .. "%b{}")
  if method then own, prefix = method, "" end
  if own then
    text = text:sub(#own + 1):gsub("^[:.]?%s*", "")
    call = prefix .. own
  else
    call = prefix .. call:sub(#prefix + 1):gsub("%(self,?%s*", "(")
  end
  return text, call
end

--- The comment on what a page tells at its end, as a paragraph.
local function ending(page)
  if not page.ending then return "" end
  for _, entry in ipairs(docs.named(page.ending)) do
    if entry.module == page.module then return "\n\n" .. entry.text end
  end
  error(("%s: no comment on %s"):format(page.module, page.ending), 0)
end

--- What ldoc reads of a page, and into `calls` how its functions are called.
local function source_of(page, calls)
  local texts <const>, items <const> = {}, {}
  local function put(text)
    texts[#texts + 1] = words.plain(text)
    return #texts
  end
  local first <const>, rest <const> = words.parts(assert(docs.of_module(page.module), page.module))
  put(first)
  put(rest .. ending(page))
  for _, name in ipairs(page.names) do
    local text <const>, call <const> = described(page, name)
    local sentence, more, parameters = words.parts(text)
    local item <const> = { name = name, sentence = put(sentence), more = put(more), parameters = parameters }
    for _, parameter in ipairs(parameters) do parameter.put = put(parameter.text) end
    calls[page.name .. "|" .. name] = call
    items[#items + 1] = item
  end
  local done <const> = words.html(texts)
  local function shown(i) return words.one_line(words.inline(done[i])) end
  local lines <const> = { "--- " .. shown(1), "-- " .. words.one_line(done[2]), "-- @module " .. page.name, "" }
  for _, item in ipairs(items) do
    lines[#lines + 1] = "--- " .. shown(item.sentence)
    lines[#lines + 1] = "-- " .. words.one_line(done[item.more])
    lines[#lines + 1] = "-- @function " .. item.name
    for _, parameter in ipairs(item.parameters) do
      lines[#lines + 1] = ("-- @param %s %s"):format(parameter.name, shown(parameter.put))
    end
    lines[#lines + 1] = ""
  end
  return table.concat(lines, "\n")
end

local config <const> = [[
project = "hnrun"
title = "hnrun, the manual"
description = "Hashed neural networks in bounded memory"
format = "plain"
no_return_or_parms = false
not_luadoc = true
sort_modules = false
no_space_before_args = true
file = { %s }
local calls = { %s }
custom_display_name_handler = function(item, default)
  local module = item.module and item.module.name
  return module and calls[module .. "|" .. item.name] or default(item)
end
]]

--- Has ldoc write the pages into a folder.
-- @param o the objects that the pages are of, for the help to find as global variables
-- @param work a folder for what ldoc reads
return function(pages, o, folder, work)
  local sources <const>, list <const>, calls <const> = {}, {}, {}
  for name, object in pairs(o) do rawset(_G, name, object) end
  for i, page in ipairs(pages) do
    local path <const> = ("%s/%02d.lua"):format(work, i)
    files.write(path, source_of(page, calls))
    sources[i] = ("%q"):format(("%02d.lua"):format(i))
  end
  for name in pairs(o) do rawset(_G, name, nil) end
  for key, call in pairs(calls) do list[#list + 1] = ("[%q] = %q"):format(key, words.escape(call)) end
  table.sort(list)
  files.write(work .. "/config.ld", config:format(table.concat(sources, ", "), table.concat(list, ",\n  ")))
  -- It says what it reads; anything else that it says is about a mistake.
  files.run(("cd '%s' && ! ldoc -q -c config.ld -d '%s' . 2>&1 | grep -v '^reading configuration'"):format(
    work, folder))
end
