--- Cuts Lua's text into tokens, also text that is not complete yet: for completion, and to see what a chunk declares.
-- @module hn.repl.lexer

local lexer <const> = {}

local keywords <const> = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch("%a+") do keywords[word] = true end
lexer.keywords = keywords

--- The end of a long bracket that opens at `at`, and whether it is still open; nil if none opens there.
local function long_bracket(text, at)
  local level <const> = text:match("^%[(=*)%[", at)
  if not level then return nil, false end
  local _, last <const> = text:find("]" .. level .. "]", at + #level + 2, true)
  return last or #text, not last
end

local function comment(text, at)
  local last <const>, open <const> = long_bracket(text, at + 2)
  if last then return last, open end
  local newline <const> = text:find("\n", at, true)
  return newline and newline - 1 or #text, not newline
end

--- The end of a quoted string, and whether it is still open.
local function quoted(text, at)
  local quote <const>, i = text:sub(at, at), at + 1
  while i <= #text do
    local c <const> = text:sub(i, i)
    if c == quote or c == "\n" then return i, false end
    i = i + (c == "\\" and 2 or 1)
  end
  return #text, true
end

local symbols <const> = { "...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>" }

--- The end of the symbol at `at`, the longest that fits.
local function symbol(text, at)
  for _, one in ipairs(symbols) do
    if text:sub(at, at + #one - 1) == one then return at + #one - 1 end
  end
  return at
end

--- Kind and end of the token at `at`, and whether it is still open.
local function token_at(text, at)
  local c <const> = text:sub(at, at)
  if text:find("^%-%-", at) then return "comment", comment(text, at) end
  if c == '"' or c == "'" then return "string", quoted(text, at) end
  local last <const>, open <const> = long_bracket(text, at)
  if last then return "string", last, open end
  local _, word <const> = text:find("^[%a_][%w_]*", at)
  if word then return keywords[text:sub(at, word)] and "keyword" or "name", word, false end
  local _, number <const> = text:find("^%.?%d[%w.]*", at)
  if number then return "number", number, false end
  return "symbol", symbol(text, at), false
end

--- The tokens of a text, comments included: { kind = "name", "keyword", "number", "string", "symbol" or "comment",
-- text =, first =, last = its place, open = true where a string or comment has no end }.
function lexer.tokens(text)
  local tokens, at = {}, text:find("%S")
  while at do
    local kind <const>, last <const>, open <const> = token_at(text, at)
    tokens[#tokens + 1] = { kind = kind, text = text:sub(at, last), first = at, last = last, open = open }
    at = text:find("%S", last + 1)
  end
  return tokens
end

local opens <const> = { ["do"] = 1, ["if"] = 1, ["function"] = 1, ["repeat"] = 1, ["end"] = -1, ["until"] = -1 }

--- Appends the names that a `local` at tokens[i] declares; variables to be closed have no use behind the chunk.
local function declared_at(tokens, i, names)
  local from <const> = tokens[i + 1]
  if from and from.text == "function" then
    names[#names + 1] = tokens[i + 2] and tokens[i + 2].text
    return
  end
  repeat
    i = i + 1
    local name <const>, attribute = tokens[i], nil
    if not name or name.kind ~= "name" then return end
    if tokens[i + 1] and tokens[i + 1].text == "<" then attribute, i = tokens[i + 2].text, i + 3 end
    if attribute ~= "close" then names[#names + 1] = name.text end
    i = i + 1
  until not tokens[i] or tokens[i].text ~= ","
end

--- The names of the local variables that a complete chunk declares outside of any block.
function lexer.locals(text)
  local tokens <const>, names <const>, depth = {}, {}, 0
  for _, token in ipairs(lexer.tokens(text)) do
    if token.kind ~= "comment" then tokens[#tokens + 1] = token end
  end
  for i, token in ipairs(tokens) do
    if token.kind == "keyword" then
      depth = depth + (opens[token.text] or 0)
      if token.text == "local" and depth == 0 then declared_at(tokens, i, names) end
    end
  end
  return names
end

return lexer
