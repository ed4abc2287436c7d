--- Virtual matrices: how elements are found in a pool of buckets; `pool:matrix{ rows =, cols =, ... }` makes one and
-- costs a few bytes. Operations take one where they take a weight.
-- @module hn.matrix

-- C has the code; here are only the words.

--- rows(): the number of rows, which are outputs.
-- @function rows

--- cols(): the number of columns, which are inputs.
-- @function cols

--- bucket(row, col): the bucket of an element, counted from 1, and its sign, 1 or -1.
-- @function bucket

--- at(row, col): the value of an element.
-- @function at

--- expand(first, count): rows of the matrix as a tensor, all of them unless said otherwise; this does allocate them.
-- @function expand

--- members(bucket): `for row, col in matrix:members(bucket)` goes through the elements of a balanced matrix that share
-- a bucket.
-- @function members

--- pool(): the buckets, a tensor.
-- @function pool

--- info(): { rows, cols, scheme, seed, sign, balanced, strip, offset, count, grain }.
-- @function info
