-- The words of comments: cut as ldoc wants them, and as HTML by way of cmark-gfm.

local files <const> = require "manual.files"

local words <const> = {}

--- A text as HTML shows it.
function words.escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

local border <const> = "HNBORDER"

--- The HTML of Markdown texts: a list in the same order.
function words.html(texts)
  local path <const> = os.tmpname()
  files.write(path, table.concat(texts, "\n\n" .. border .. "\n\n") .. "\n")
  local pipe <close> = assert(io.popen("cmark-gfm -e table '" .. path .. "'"))
  local list <const> = {}
  for part in (pipe:read "a" .. "<p>" .. border .. "</p>"):gmatch("(.-)<p>" .. border .. "</p>%s*") do
    list[#list + 1] = part
  end
  os.remove(path)
  if #list ~= #texts then error(("cmark-gfm: %d texts became %d"):format(#texts, #list), 0) end
  return list
end

--- A comment's words as Markdown. Only `code`, indented lines and tables are meant as such; what else Markdown reads
-- as a sign stands for itself.
function words.plain(text)
  local blocks <const> = {}
  local current -- lines of a block that is neither code nor table
  local function close()
    if not current then return end
    local marked <const> = (table.concat(current, "\n") .. "``"):gsub("([^`]*)(`[^`]*`)", function(between, code)
      between = between:gsub("[%*_<>%[%]|~#]", "\\%0"):gsub("\n([%+=])", "\n\\%1")
      return between .. (code == "``" and "" or code)
    end)
    blocks[#blocks + 1], current = marked, nil
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

--- Cuts words behind their first sentence, but not within `code`.
local function cut(text)
  local from = 1
  while true do
    local dot <const> = text:find("%.%s", from)
    if not dot then return text, "" end
    local first <const> = text:sub(1, dot)
    local paragraph <const> = first:match "^(.-)\n\n"
    if paragraph then return paragraph, text:sub(#paragraph + 3) end
    if select(2, first:gsub("`", "")) % 2 == 0 then return first, (text:sub(dot + 1):gsub("^%s?\n*", "")) end
    from = dot + 1
  end
end

--- Cuts a text into its first sentence, the rest, and what it says of each parameter.
function words.parts(text)
  local parameters <const>, lines = {}, {}
  local last
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    local name <const>, about <const> = line:match "^  ([%a_][%w_.]*): (.*)$"
    if name then
      last = { name = name, text = about }
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
function words.one_line(text)
  text = text:gsub("<pre>.-</pre>", function(code) return (code:gsub("\n", "&#10;")) end)
  return (text:gsub("%s*\n%s*", " "):gsub("@", "&#64;"))
end

--- A paragraph without its tags. ldoc ends its summaries behind a dot, which must not be one in code.
function words.inline(text)
  text = text:gsub("^%s*<p>", ""):gsub("</p>%s*$", "")
  return (text:gsub("<code>.-</code>", function(code) return (code:gsub("%.", "&#46;")) end))
end

return words
