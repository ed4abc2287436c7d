-- The reference manual, one folder of HTML pages: ./hnrun scripts/manual.lua FOLDER (make doc). What Lua code calls is
-- asked of the engine itself, and described as ? at the prompt describes it; ldoc sets these pages. The README, the C
-- interface and the examples are put beside them. cmark-gfm turns the comments' words into HTML.

package.path = "scripts/?.lua;" .. package.path

local core <const> = require "hn.core"
local docs <const> = require "hn.repl.docs"
local header <const> = require "c_header"
local help <const> = require "hn.repl.help"
local hn <const> = require "hn"
local lfs <const> = require "lfs"
local value <const> = require "hn.repl.value"

local given <const> = arg[1] or "build/doc"
local folder <const> = given:find "^/" and given or lfs.currentdir() .. "/" .. given
local work <const> = folder .. ".input" -- what ldoc reads

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

local function run(command)
  if not os.execute(command) then error("failed: " .. command, 0) end
end

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

-- ---- Words into HTML -----------------------------------------------------------------------------------------------

local border <const> = "HNBORDER"

--- The HTML of Markdown texts: a list in the same order.
local function html(texts)
  local path <const> = work .. "/texts.md"
  local marked <const> = {}
  for i, text in ipairs(texts) do marked[i] = text end
  write(path, table.concat(marked, "\n\n" .. border .. "\n\n") .. "\n")
  local pipe <close> = assert(io.popen("cmark-gfm -e table '" .. path .. "'"))
  local list <const> = {}
  for part in (pipe:read "a" .. "<p>" .. border .. "</p>"):gmatch("(.-)<p>" .. border .. "</p>%s*") do
    list[#list + 1] = part
  end
  if #list ~= #texts then error(("cmark-gfm: %d texts became %d"):format(#texts, #list), 0) end
  return list
end

--- A comment's words as Markdown. Only `code`, indented lines and tables are meant as such; what else Markdown reads
-- as a sign stands for itself.
local function plain(text)
  local blocks <const> = {}
  local current -- lines of a block that is neither code nor table
  local function close()
    if not current then return end
    local words <const> = (table.concat(current, "\n") .. "``"):gsub("([^`]*)(`[^`]*`)", function(words, code)
      words = words:gsub("[%*_<>%[%]|~#]", "\\%0"):gsub("\n([%+=])", "\n\\%1")
      return words .. (code == "``" and "" or code)
    end)
    blocks[#blocks + 1], current = words, nil
  end
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    if line:find "^    " or line:find "^|" then
      close()
      blocks[#blocks + 1] = line
    else
      current = current or {}
      current[#current + 1] = line
    end
  end
  close()
  return table.concat(blocks, "\n")
end

-- ---- Lua's pages ---------------------------------------------------------------------------------------------------

--- Names in a module or an object that are to be listed, but those in the modules of `without`.
local function names(object, without)
  local list <const> = {}
  for _, name in ipairs(value.names(object, true)) do
    local other = name:find "^_" ~= nil or name == "init"
    for _, entry in ipairs(docs.named(name)) do other = other or (entry.name == name and entry.module == without) end
    if not other then list[#list + 1] = name end
  end
  return list
end

local function operations()
  local list <const> = {}
  for _, name in ipairs(value.names(hn, true)) do
    for _, entry in ipairs(docs.named(name)) do
      if entry.module == "hn.operations" then list[#list + 1] = name break end
    end
  end
  return list
end

--- Objects whose methods are described, as variables for the help to find.
local function objects()
  return {
    tensor = hn.tensor { 2 }, matrix = hn.buckets(16):matrix { rows = 1, cols = 16 },
    array = core.sequence(3, false), net = hn.nn.Sequential { hn.nn.ReLU() },
    data = hn.data.tensors { x = { { 1 }, { 2 } } }, optimizer = hn.optim.SGD(), hn = hn,
  }
end

--- The pages in their order: name, title, module whose comment heads it, names, what stands before a name; or, on a
-- page of words alone, what else of the module is told.
local function pages_of(o)
  local function page(name, title, module, list, prefix)
    return { name = name, title = title, module = module, names = list, prefix = prefix }
  end
  local function words(title, module, name)
    return { name = module, title = title, module = module, names = {}, ending = name }
  end
  return {
    page("hn", "The engine", "hn", names(hn, "hn.operations"), "hn."),
    page("hn.nn", "Layers", "hn.nn", names(hn.nn), "hn.nn."),
    page("net", "Networks", "hn.nn.module", names(o.net), "net:"),
    page("hn.optim", "Optimisers and schedules", "hn.optim", names(hn.optim), "hn.optim."),
    page("optimizer", "An optimiser's methods", "hn.optim", names(o.optimizer), "optimizer:"),
    page("hn.data", "Where data come from", "hn.data", names(hn.data), "hn.data."),
    page("data", "Data sets", "hn.data.set", names(o.data), "data:"),
    page("hn.metrics", "Metrics", "hn.metrics", names(hn.metrics), "hn.metrics."),
    page("tensor", "Tensors", "hn.tensor", names(o.tensor, "hn.operations"), "tensor:"),
    page("hn.operations", "Operations", "hn.operations", operations(), "hn."),
    page("matrix", "Virtual matrices", "hn.matrix", names(o.matrix), "matrix:"),
    page("array", "Host arrays", "hn.array", names(o.array), "array:"),
    -- What comments refer to.
    words("What training returns", "hn.history"),
    words("Schedules of one's own", "hn.schedule"),
    words("Options of hashed layers", "hn.nn.virtual", "rules"),
    words("First values", "hn.nn.weights", "rule"),
    words("Memory predicted", "hn.nn.memory", "run"),
    words("Model files", "hn.model"),
    words("Checkpoints", "hn.checkpoint"),
  }
end

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

--- Cuts words behind their first sentence, but not within `code`.
local function cut(words)
  local from = 1
  while true do
    local dot <const> = words:find("%.%s", from)
    if not dot then return words, "" end
    local first <const> = words:sub(1, dot)
    local paragraph <const> = first:match "^(.-)\n\n"
    if paragraph then return paragraph, words:sub(#paragraph + 3) end
    if select(2, first:gsub("`", "")) % 2 == 0 then return first, (words:sub(dot + 1):gsub("^%s?\n*", "")) end
    from = dot + 1
  end
end

--- Cuts a text into its first sentence, the rest, and what it says of each parameter.
local function parts_of(text)
  local parameters <const>, lines = {}, {}
  local last
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local name <const>, words <const> = line:match "^  ([%a_][%w_.]*): (.*)$"
    if name then
      last = { name = name, text = words }
      parameters[#parameters + 1] = last
    elseif last and not line:find "^Returns " and line ~= "" then
      last.text = last.text .. " " .. line:gsub("^%s+", "")
    else
      last = nil
      lines[#lines + 1] = line
    end
  end
  local first <const>, rest <const> = cut(table.concat(lines, "\n"))
  return first, rest, parameters
end

--- One line, for a comment of Lua's; line breaks in code stay.
local function one_line(text)
  text = text:gsub("<pre>.-</pre>", function(code) return (code:gsub("\n", "&#10;")) end)
  return (text:gsub("%s*\n%s*", " "):gsub("@", "&#64;"))
end

--- A paragraph without its tags. ldoc ends its summaries behind a dot, which must not be one in code.
local function inline(text)
  text = text:gsub("^%s*<p>", ""):gsub("</p>%s*$", "")
  return (text:gsub("<code>.-</code>", function(code) return (code:gsub("%.", "&#46;")) end))
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
    texts[#texts + 1] = plain(text)
    return #texts
  end
  local first <const>, rest <const> = parts_of(assert(docs.of_module(page.module), page.module))
  put(first)
  put(rest .. ending(page))
  for _, name in ipairs(page.names) do
    local text <const>, call <const> = described(page, name)
    local sentence, more, parameters = parts_of(text)
    local item <const> = { name = name, sentence = put(sentence), more = put(more), parameters = parameters }
    for _, parameter in ipairs(parameters) do parameter.put = put(parameter.text) end
    calls[page.name .. "|" .. name] = call
    items[#items + 1] = item
  end
  local done <const> = html(texts)
  local function shown(i) return one_line(inline(done[i])) end
  local lines <const> = { "--- " .. shown(1), "-- " .. one_line(done[2]), "-- @module " .. page.name, "" }
  for _, item in ipairs(items) do
    lines[#lines + 1] = "--- " .. shown(item.sentence)
    lines[#lines + 1] = "-- " .. one_line(done[item.more])
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

local function run_ldoc(o, pages)
  local files <const>, list <const>, calls <const> = {}, {}, {}
  for name, object in pairs(o) do rawset(_G, name, object) end
  for i, page in ipairs(pages) do
    local path <const> = ("%s/%02d.lua"):format(work, i)
    write(path, source_of(page, calls))
    files[i] = ("%q"):format(("%02d.lua"):format(i))
  end
  for name in pairs(o) do rawset(_G, name, nil) end
  for key, call in pairs(calls) do list[#list + 1] = ("[%q] = %q"):format(key, escape(call)) end
  table.sort(list)
  write(work .. "/config.ld", config:format(table.concat(files, ", "), table.concat(list, ",\n  ")))
  -- It says what it reads; anything else that it says is about a mistake.
  run(("cd '%s' && ! ldoc -q -c config.ld -d '%s' . 2>&1 | grep -v '^reading configuration'"):format(work,
    folder))
end

-- ---- The other pages -----------------------------------------------------------------------------------------------

local function c_page()
  local read_header <const> = header.read "engine/hn.h"
  local texts <const> = { plain(read_header.introduction) }
  for _, section in ipairs(read_header.sections) do
    for _, item in ipairs(section.items) do texts[#texts + 1] = plain(item.comment or "") end
  end
  local done <const>, n = html(texts), 1
  local out <const>, contents <const> = {}, {}
  for _, section in ipairs(read_header.sections) do
    local id <const> = section.title:lower():gsub("%W+", "-")
    contents[#contents + 1] = ('<li><a href="#%s">%s</a></li>'):format(id, section.title)
    out[#out + 1] = ('<h2 id="%s">%s</h2>'):format(id, section.title)
    for _, item in ipairs(section.items) do
      n = n + 1
      for _, name in ipairs(item.names) do out[#out + 1] = ('<a id="%s"></a>'):format(name) end
      out[#out + 1] = "<pre>" .. escape(item.code:gsub(" +\\\n", " \\\n")) .. "</pre>\n<div class=\"c\">" .. done[n]
        .. "</div>"
    end
  end
  return ("<h1>The C interface</h1>\n<p><code>#include &lt;hn.h&gt;</code></p>\n%s<ul>%s</ul>\n%s"):format(done[1],
    table.concat(contents, "\n"), table.concat(out, "\n"))
end

local function examples_page()
  local paths <const>, out <const> = {}, {}
  for name in lfs.dir "examples" do
    if name:find "%.lua$" then paths[#paths + 1] = name end
  end
  table.sort(paths)
  out[1] = "<h1>Examples</h1>\n<ul>"
  for _, name in ipairs(paths) do out[#out + 1] = ('<li><a href="#%s">%s</a></li>'):format(name, name) end
  out[#out + 1] = "</ul>"
  for _, name in ipairs(paths) do
    out[#out + 1] = ('<h2 id="%s">examples/%s</h2>\n<pre>%s</pre>'):format(name, name,
      escape(read("examples/" .. name)))
  end
  return table.concat(out, "\n")
end

--- The README, with anchors for the links within it. Links to files of the source tree lose their target, but for
-- those that have a page here.
local function readme_page()
  local text = html({ read "README.md" })[1]
  text = text:gsub("<h(%d)>(.-)</h%d>", function(level, title)
    local id <const> = title:gsub("<[^>]*>", ""):lower():gsub("[^%w %-]", ""):gsub(" ", "-")
    return ('<h%s id="%s">%s</h%s>'):format(level, id, title, level)
  end)
  return (text:gsub('<a href="([^"]*)">(.-)</a>', function(target, words)
    if target:find "^examples" then return ('<a href="examples.html">%s</a>'):format(words) end
    if not target:find "^#" and not target:find "^https?:" then return words end
  end))
end

local links <const> = [[
<ul>
  <li><a href="%sindex.html">README</a></li>
  <li><a href="%sc.html">The C interface</a></li>
  <li><a href="%sexamples.html">Examples</a></li>
</ul>]]

local viewport <const> = '<meta name="viewport" content="width=device-width, initial-scale=1"/>'

--- Gives a page of ldoc's the links to ours, its title, and the width of small screens.
-- @param up the way to the manual's folder
-- @param titles of the pages of Lua, by name
local function dressed(text, up, titles)
  text = text:gsub("<title>", viewport .. "\n    %0", 1)
  text = text:gsub("<br/>%s*<h1>hnrun</h1>", function() return "<h1>hnrun</h1>\n" .. links:gsub("%%s", up) end, 1)
  text = text:gsub('<ul>%s*<li><a href="../index.html">Index</a></li>%s*</ul>', "", 1)
  text = text:gsub("<h2>Modules</h2>", "<h2>Lua</h2>"):gsub("<h2>Contents</h2>.-</ul>", "", 1)
  text = text:gsub("<h1>Module <code>(.-)</code></h1>", function(name)
    return ("<h1>%s <code>%s</code></h1>"):format(titles[name], name)
  end)
  text = text:gsub("(see )(hn%.[%w_.]*[%w_])", function(see, name)
    return titles[name] and ('%s<a href="%smodules/%s.html">%s</a>'):format(see, up, name, name)
  end)
  return (text:gsub("<i>generated by.-</i>", ""):gsub('<i style="float:right;">Last updated.-</i>', ""))
end

local style <const> = [[

body { font-size: 15px; line-height: 1.45; }
#main { border-left: none; }
#navigation { padding-top: 1em; }
#navigation h1 { padding-left: 0.5em; }
#content { width: auto; max-width: 62em; }
#content p, #content dd, #content li, #content td { font-size: 1em; }
#content pre { white-space: pre; overflow-x: auto; padding: 0.7em; font-size: 0.85em; }
#content code { font-size: 0.92em; }
#content pre code { font-size: 1em; }
#content h1 code { font-weight: normal; padding-left: 0.5em; }
#content div.c { margin: 0 0 1.5em 1.5em; }
#content table { border-collapse: collapse; display: block; overflow-x: auto; }
#content td, #content th { padding: 0.2em 0.6em; text-align: left; vertical-align: top; }
#content table.function_list td { box-sizing: border-box; white-space: normal; }
#content table.function_list td.name { width: 35%; overflow-wrap: anywhere; }
#content dt { overflow-wrap: anywhere; }
@media (max-width: 50em) {
  #container, #main { margin: 0; border: none; background-color: white; }
  #navigation { float: none; width: auto; position: static; }
  #navigation ul { columns: 2; }
  #content { margin-left: 0; padding: 0.8em; border: none; }
  #content table.function_list td, #content table.function_list td.name { display: block; width: 100%; }
}
]]

--- Dresses ldoc's pages and puts ours beside them, in the frame of its index.
local function finish(pages)
  local titles <const> = {}
  for _, page in ipairs(pages) do
    titles[page.name] = page.title
  end
  for name in pairs(titles) do
    local path <const> = ("%s/modules/%s.html"):format(folder, name)
    write(path, dressed(read(path), "../", titles))
  end
  write(folder .. "/ldoc.css", read(folder .. "/ldoc.css") .. style)
  local frame <const> = dressed(read(folder .. "/index.html"), "", titles)
  local before <const>, after <const> = frame:match '^(.-<div id="content">).*(</div> <!%-%- id="content" %-%->.*)$'
  for name, content in pairs { index = readme_page(), c = c_page(), examples = examples_page() } do
    write(("%s/%s.html"):format(folder, name), before .. "\n" .. content .. "\n" .. after)
  end
end

run(("rm -rf '%s' '%s' && mkdir -p '%s' '%s'"):format(folder, work, folder, work))
local o <const> = objects()
local pages <const> = pages_of(o)
run_ldoc(o, pages)
finish(pages)
run(("rm -rf '%s'"):format(work))
