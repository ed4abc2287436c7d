--- Numbers and tables as people read them; what summaries, progress lines and `tostring` are made of.
-- @module hn.text

local text = {}

--- An integer with thousands separated: 98000 -> "98,000".
function text.count(n)
  local digits = ("%d"):format(math.floor(n + 0.5))
  local sign, rest = digits:match("^(-?)(%d+)$")
  return sign .. rest:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", "")
end

--- Bytes with a binary unit: 392000 -> "382.8 KiB".
function text.bytes(n)
  for _, unit in ipairs { "B", "KiB", "MiB", "GiB" } do
    if n < 1024 then return (unit == "B" and "%d %s" or "%.1f %s"):format(n, unit) end
    n = n / 1024
  end
  return ("%.1f TiB"):format(n)
end

--- A compression as a fraction of one: 0.125 -> "1/8"; above one as a plain number.
function text.ratio(compression)
  if compression > 0.9995 then return ("%.3g"):format(compression) end
  local times <const> = 1 / compression
  return times >= 100 and ("1/%.0f"):format(times) or ("1/%.3g"):format(times)
end

--- Seconds as "0:07", "12:30" or "1:02:03".
function text.time(seconds)
  local s <const> = math.floor(seconds + 0.5)
  if s < 3600 then return ("%d:%02d"):format(s // 60, s % 60) end
  return ("%d:%02d:%02d"):format(s // 3600, s // 60 % 60, s % 60)
end

--- A fraction as a percentage: 0.1042 -> "10.42 %".
function text.percent(fraction)
  return ("%.2f %%"):format(100 * fraction)
end

--- Rows of strings as aligned lines. The columns named in `left` (a set of indices) are set left, others right.
function text.align(rows, left)
  local width = {}
  for _, row in ipairs(rows) do
    for c, cell in ipairs(row) do width[c] = math.max(width[c] or 0, #cell) end
  end
  local lines = {}
  for r, row in ipairs(rows) do
    local cells = {}
    for c, cell in ipairs(row) do
      local pad <const> = (" "):rep(width[c] - #cell)
      cells[c] = left[c] and cell .. pad or pad .. cell
    end
    lines[r] = table.concat(cells, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

return text
