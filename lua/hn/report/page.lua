--- A page of HTML: sections with words, tables, matrices and figures, which needs nothing but itself.
-- @module hn.report.page

local gnuplot <const> = require "hn.plot.gnuplot"
local style <const> = require "hn.report.style"

local Page <const> = {}
Page.__index = Page

local entities <const> = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- A text in HTML, with what is no UTF-8 as question marks.
local function escape(text)
  text = tostring(text)
  return ((utf8.len(text) and text or text:gsub("[\x80-\xff]", "?")):gsub('[&<>"]', entities))
end

function Page:put(...)
  for _, text in ipairs { ... } do table.insert(self.parts, text) end
  table.insert(self.parts, "\n")
end

--- Starts a section.
function Page:section(title)
  local id <const> = title:lower():gsub("[^%w]+", "-")
  table.insert(self.sections, { title = title, id = id })
  self:put(('<h2 id="%s">%s</h2>'):format(id, escape(title)))
end

function Page:heading(title) self:put("<h3>", escape(title), "</h3>") end

function Page:note(text) self:put('<p class="note">', escape(text), "</p>") end

function Page:preformatted(text) self:put("<pre>", escape(text), "</pre>") end

local function row_of(cells, tag)
  local parts <const> = {}
  for c, cell in ipairs(cells) do
    local name <const> = c == 1 and "th" or tag
    parts[c] = type(cell) == "table" and cell.html or ("<%s>%s</%s>"):format(name, escape(cell), name)
  end
  return "<tr>" .. table.concat(parts) .. "</tr>"
end

--- A table of texts: its head, a list, and its rows, lists whose first entry names the row.
function Page:table(head, rows, class)
  self:put(('<div class="scroll"><table class="%s"><thead>'):format(class or "numbers"), row_of(head, "th"),
    "</thead><tbody>")
  for _, row in ipairs(rows) do self:put(row_of(row, "td")) end
  self:put "</tbody></table></div>"
end

--- A cell with a bar of so much of its width, from 0 to 1.
function Page.bar(share)
  return { html = ('<td class="bar"><span style="width:%.1f%%"></span></td>'):format(100 * math.max(0, share)) }
end

--- A square of numbers as a table, coloured by shade(i, j) from -1 (blue) to 1 (orange); columns are named by number.
-- @param names of the rows
-- @param show show(i, j), the text of a cell
function Page:matrix(corner, names, show, shade)
  local head <const>, rows <const> = { corner }, {}
  for i, name in ipairs(names) do
    head[i + 1], rows[i] = tostring(i), { ("%d %s"):format(i, name) }
    if name == tostring(i) then rows[i][1] = name end
    for j in ipairs(names) do
      local v <const> = shade(i, j)
      rows[i][j + 1] = { html = ('<td style="background:rgba(%s,%.2f)">%s</td>'):format(
        v < 0 and "0,114,178" or "230,120,0", 0.7 * math.min(1, math.abs(v)), escape(show(i, j))) }
    end
  end
  self:table(head, rows, "matrix")
end

--- What `fill` puts, folded unless `open`.
function Page:folded(title, open, fill)
  self:put(("<details%s><summary>%s</summary>"):format(open and " open" or "", escape(title)))
  fill()
  self:put "</details>"
end

--- The picture of the k-th figure to stand among others: with names of its own, without a background.
local function picture(figure, k)
  local svg <const> = figure:svg():gsub("^.-<svg", '<svg role="img"'):gsub("<filter.-</filter>", "")
    :gsub("<title>.-</title>%s*<desc>.-</desc>", ""):gsub('fill="#ffffff"', 'fill="none"')
    :gsub("(['\"#])gp(%w+)(['\"])", ("%%1f%dp%%2%%3"):format(k)):gsub('id="gnuplot', ('id="f%d'):format(k))
  return svg
end

--- Figures of hn.plot side by side: pictures, or texts where there is no gnuplot. Entries may be false, or functions
-- that put something else.
function Page:figures(list)
  self:put '<div class="figures">'
  for _, figure in ipairs(list) do
    if type(figure) == "function" then
      self:put "<div>"
      figure()
      self:put "</div>"
    elseif figure then
      self.pictures = self.pictures + 1
      local caption <const> = figure.title
      figure.title = ""
      self:put("<figure><figcaption>", escape(caption), "</figcaption>",
        self.drawn and picture(figure, self.pictures) or ("<pre>%s</pre>"):format(escape(figure)), "</figure>")
    end
  end
  self:put "</div>"
end

--- The page as a text.
function Page:html()
  local links <const> = {}
  for i, section in ipairs(self.sections) do
    links[i] = ('<a href="#%s">%s</a>'):format(section.id, escape(section.title))
  end
  return ([[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>
%s</style>
</head>
<body>
<h1>%s</h1>
<nav>%s</nav>
%s</body>
</html>
]]):format(escape(self.title), style, escape(self.title), table.concat(links, "\n"), table.concat(self.parts))
end

--- Starts a page.
return function(title)
  return setmetatable({ title = title, parts = {}, sections = {}, pictures = 0, drawn = gnuplot.there() }, Page)
end
