-- The C header as a manual wants it: its introduction and its sections, each with items in their order, an item being
-- declarations with the comment above them. Read by manual.lua, check_docs.lua and check_specs.lua.

local header <const> = {}

--- The words of a C comment, without stars and slashes.
local function words(comment)
  local text = comment:gsub("^/%*+ ?", ""):gsub("%s*%*/%s*$", "")
  return (text:gsub("\n%s*%* ?", "\n"):gsub("^%s+", ""))
end

--- The names that a declaration brings in: of functions, types and macros.
local function names_of(code)
  local names <const> = {}
  local function add(name) names[#names + 1] = name end
  for name in code:gmatch "HN_API[^;]-([%w_]+)%(" do add(name) end
  for name in code:gmatch "#define ([%w_]+)" do if name ~= "X" then add(name) end end
  for name in code:gmatch "typedef enum ([%w_]+)" do add(name) end
  for name in code:gmatch "typedef struct ([%w_]+)" do add(name) end
  return names
end

--- Whether a declaration goes on behind this line: an open brace, a macro's backslash, or no semicolon yet.
local function goes_on(code)
  local _, opened <const> = code:gsub("{", "")
  local _, closed <const> = code:gsub("}", "")
  if code:find "\\$" or opened > closed then return true end
  local last <const> = code:match "([^\n]*)$"
  if last:find "^#" or code:find "^#define" then return false end
  local bare <const> = code:gsub("%s*/%*[^\n]-%*/%s*$", "")
  return not bare:find ";%s*$" and not last:find "^%s*X?%b()$"
end

--- Reads the header: its introduction and sections { title =, items = { { comment =, code =, names =, line = } } }.
function header.read(path)
  local result <const> = { sections = {} }
  local section, comment, code, start, fresh = nil, nil, nil, nil, true
  local number = 0
  local function item(text)
    local items <const> = section.items
    local last <const> = items[#items]
    if not comment and last and not fresh then -- declarations in one block share a comment
      last.code = last.code .. "\n" .. text
      for _, name in ipairs(names_of(text)) do last.names[#last.names + 1] = name end
      return
    end
    items[#items + 1] = { comment = comment, code = text, names = names_of(text), line = start }
    comment, fresh = nil, false
  end
  local open -- the lines of a comment that is not closed yet
  for line in io.lines(path) do
    number = number + 1
    local title <const> = line:match "^/%* %-%-%-%- (.-) %-+ %*/$"
    if title then
      section = { title = title, items = {} }
      table.insert(result.sections, section)
      comment, code, fresh = nil, nil, true
    elseif code then
      code = code .. "\n" .. line
      if not goes_on(code) then item(code) code = nil end
    elseif open or line:find "^/%*" then
      open = open and open .. "\n" .. line or line
      if open:find "%*/%s*$" then
        comment, open, fresh = words(open), nil, true
        if not section then result.introduction, comment = comment, nil end
      end
    elseif line:find "^%s*$" then
      fresh = true
    elseif section and not line:find "^#[ie]" and line ~= "}" then
      code, start = line, number
      if not goes_on(code) then item(code) code = nil end
    end
  end
  return result
end

--- The functions that a header declares: a list of { name =, line = of the item, comment = of it or nil }.
function header.functions(path)
  local list <const> = {}
  for _, section in ipairs(header.read(path).sections) do
    for _, item in ipairs(section.items) do
      for name in item.code:gmatch "HN_API[^;(]-([%w_]+)%(" do
        list[#list + 1] = { name = name, line = item.line, comment = item.comment }
      end
    end
  end
  return list
end

return header
