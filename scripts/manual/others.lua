-- The pages that are not Lua's: the README, the C interface and the examples.

local files <const> = require "manual.files"
local header <const> = require "c_header"
local lfs <const> = require "lfs"
local words <const> = require "manual.words"

local others <const> = {}

function others.c()
  local read_header <const> = header.read "engine/hn.h"
  local texts <const> = { words.plain(read_header.introduction) }
  for _, section in ipairs(read_header.sections) do
    for _, item in ipairs(section.items) do texts[#texts + 1] = words.plain(item.comment or "") end
  end
  local done <const>, n = words.html(texts), 1
  local out <const>, contents <const> = {}, {}
  for _, section in ipairs(read_header.sections) do
    local id <const> = section.title:lower():gsub("%W+", "-")
    contents[#contents + 1] = ('<li><a href="#%s">%s</a></li>'):format(id, section.title)
    out[#out + 1] = ('<h2 id="%s">%s</h2>'):format(id, section.title)
    for _, item in ipairs(section.items) do
      n = n + 1
      for _, name in ipairs(item.names) do out[#out + 1] = ('<a id="%s"></a>'):format(name) end
      local code <const> = item.code:gsub(" +\\\n", " \\\n")
      out[#out + 1] = ('<pre>%s</pre>\n<div class="c">%s</div>'):format(words.escape(code), done[n])
    end
  end
  return ("<h1>The C interface</h1>\n<p><code>#include &lt;hn.h&gt;</code></p>\n%s<ul>%s</ul>\n%s"):format(done[1],
    table.concat(contents, "\n"), table.concat(out, "\n"))
end

--- The examples of a folder: their paths, sorted.
local function paths_in(folder)
  local paths <const> = {}
  for name in lfs.dir(folder) do
    if name:find "^[^.].*%." and not name:find "%.md$" then paths[#paths + 1] = folder .. "/" .. name end
  end
  table.sort(paths)
  return paths
end

local folders <const> = { -- of examples
  { title = "In Lua", path = "examples" }, { title = "In C and C++", path = "examples/embed" },
  { title = "In ROOT", path = "examples/root" }, { title = "Analyses", path = "examples/physics" },
}

function others.examples()
  local contents <const>, out <const> = {}, {}
  local function add(list, ...) list[#list + 1] = string.format(...) end
  for _, folder in ipairs(folders) do
    add(contents, "<h3>%s</h3>\n<ul>", folder.title)
    for _, path in ipairs(paths_in(folder.path)) do
      add(contents, '<li><a href="#%s">%s</a></li>', path, path)
      add(out, '<h2 id="%s">%s</h2>\n<pre>%s</pre>', path, path, words.escape(files.read(path)))
    end
    add(contents, "</ul>")
  end
  return ("<h1>Examples</h1>\n%s\n%s"):format(table.concat(contents, "\n"), table.concat(out, "\n"))
end

--- The README, with anchors for the links within it. Links to files of the source tree lose their target, but for
-- those that have a page here.
function others.readme()
  local text = words.html({ files.read "README.md" })[1]
  text = text:gsub("<h(%d)>(.-)</h%d>", function(level, title)
    local id <const> = title:gsub("<[^>]*>", ""):lower():gsub("[^%w %-]", ""):gsub(" ", "-")
    return ('<h%s id="%s">%s</h%s>'):format(level, id, title, level)
  end)
  return (text:gsub('<a href="([^"]*)">(.-)</a>', function(target, shown)
    if target:find "^examples" then return ('<a href="examples.html">%s</a>'):format(shown) end
    if not target:find "^#" and not target:find "^https?:" then return shown end
  end))
end

return others
