--- Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations (Golub & Van Loan, 8.5).
-- @module hn.transform.eigen

--- The tangent of the angle that makes element (p, q) zero: the smaller one of two.
local function tangent(a, p, q)
  local theta <const> = (a[q][q] - a[p][p]) / (2 * a[p][q])
  return (theta < 0 and -1 or 1) / (math.abs(theta) + math.sqrt(theta * theta + 1))
end

local function rotate_columns(m, p, q, c, s)
  for _, row in ipairs(m) do
    row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
  end
end

local function rotate_rows(m, p, q, c, s)
  local at_p <const>, at_q <const> = m[p], m[q]
  for k = 1, #at_p do
    at_p[k], at_q[k] = c * at_p[k] - s * at_q[k], s * at_p[k] + c * at_q[k]
  end
end

--- Rotates every pair that is not zero beside its diagonal elements; whether there was one.
local function sweep(a, vectors)
  local rotated = false
  for p = 1, #a - 1 do
    for q = p + 1, #a do
      if math.abs(a[p][q]) > 1e-16 * math.sqrt(math.abs(a[p][p] * a[q][q])) then
        local t <const> = tangent(a, p, q)
        local c <const> = 1 / math.sqrt(t * t + 1)
        rotate_columns(a, p, q, c, t * c)
        rotate_rows(a, p, q, c, t * c)
        rotate_columns(vectors, p, q, c, t * c)
        a[p][q], a[q][p] = 0, 0
        rotated = true
      end
    end
  end
  return rotated
end

--- The vector with its largest element made positive: one of the two that there are.
local function oriented(vector)
  local largest = 0
  for _, v in ipairs(vector) do
    if math.abs(v) > math.abs(largest) * (1 + 1e-9) then largest = v end
  end
  if largest < 0 then
    for k, v in ipairs(vector) do vector[k] = -v end
  end
  return vector
end

--- Of a symmetric matrix, rows of numbers, which it changes: a list of { value =, vector = }, largest value first; the
-- vectors have length 1, and their largest element is positive.
return function(a)
  local vectors <const>, list <const>, sweeps = {}, {}, 0
  for i = 1, #a do
    vectors[i] = {}
    for j = 1, #a do vectors[i][j] = i == j and 1.0 or 0.0 end
  end
  repeat sweeps = sweeps + 1 until not sweep(a, vectors) or sweeps == 60
  for j = 1, #a do
    local vector <const> = {}
    for i = 1, #a do vector[i] = vectors[i][j] end
    list[j] = { value = a[j][j], vector = oriented(vector), place = j }
  end
  table.sort(list, function(x, y) return x.value > y.value or x.value == y.value and x.place < y.place end)
  return list
end
