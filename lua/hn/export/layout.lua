--- How a virtual matrix is cut up, in the numbers that its elements are found by.
-- @module hn.export.layout

--- The smallest a with a² at least n.
local function root_above(n)
  local a = math.floor(math.sqrt(n))
  while a * a < n do a = a + 1 end
  while (a - 1) * (a - 1) >= n do a = a - 1 end
  return a
end

--- What matrix:info() says, and: `runs` in a row, `slots`, `strip` (rows, those of the matrix where it has no strips),
-- `strips`; of balanced ones, for all strips but the last and for the last: the `size` in runs, and the parts of a
-- run's number, `left` and `right`.
return function(matrix)
  local m <const> = matrix:info()
  m.runs = (m.cols + m.grain - 1) // m.grain
  m.slots = m.count // m.grain
  m.strip = m.strip > 0 and math.min(m.strip, m.rows) or m.rows
  m.strips = (m.rows + m.strip - 1) // m.strip
  if m.balanced then
    m.size = { m.strip * m.runs, (m.rows - (m.strips - 1) * m.strip) * m.runs }
    m.left = { root_above(m.size[1]), root_above(m.size[2]) }
    m.right = { (m.size[1] + m.left[1] - 1) // m.left[1], (m.size[2] + m.left[2] - 1) // m.left[2] }
  end
  return m
end
