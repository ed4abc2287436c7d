--- Host arrays: samples outside the device's memory, as files have them; `hn.data.idx` reads one.
-- @module hn.array

-- C has the code; here are only the words.

--- shape(): a list of the dimensions.
-- @function shape

--- type(): "u8", "i32", "f32" or "f64".
-- @function type

--- table(): the values as one flat list, row by row.
-- @function table

--- range(): the smallest and the largest value.
-- @function range

--- slice(first, count): so many rows from the first-th on, over the same memory.
-- @function slice

--- pick(index): a new array of the rows that an array of row numbers lists.
-- @function pick

--- gather(index, { dtype =, scale =, shift =, flatten = }): rows as a tensor on the device.
-- @function gather

--- take(tensor): all elements from a tensor of the same size and type.
-- @function take

--- give(tensor): all elements to such a tensor.
-- @function give

--- pack(at, index, columns): rows from the at-th on become the numbers that a list of arrays "f64" has in the index's
-- rows (nil: in all).
-- @function pack

--- where(least, most): an array of the row numbers (from 0, as pick takes them) of the values in this range; nil if
-- there are none.
-- @function where

--- sum(): the sum of all values.
-- @function sum

--- copy(at, source, index): rows from the at-th on become those of another array of the same type that the index lists
-- (nil: all).
-- @function copy

--- part(least, most, to, wanted, how, seed): of the bytes from `least` to `most`, makes so many into `to`: "random"
-- ones, "alternate" ones, evenly spread, or the last ones ("block").
-- @function part

--- close(): frees the memory now, unless slices share it. Also `local a <close> = ...`.
-- @function close
