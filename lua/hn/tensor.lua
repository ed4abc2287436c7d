--- Tensors: numbers on the device, float (32 bits) or int (classes and indices, counted from 1), of up to four
-- dimensions, last one fastest. `hn.tensor`, `hn.labels` and `hn.buckets` make them; every operation (see
-- hn.operations) is a function `hn.relu(x)` and a method `x:relu()`.
-- @module hn.tensor

-- C has the code; here are only the words.

--- shape(): a list of the dimensions, such as { 50, 784 }.
-- @function shape

--- size(): the number of elements.
-- @function size

--- dims(): the number of dimensions.
-- @function dims

--- dtype(): "float" or "int".
-- @function dtype

--- kind(): what memory counts it as: "buckets", "weights", "gradients", "activations", "data" and so on.
-- @function kind

--- device(): where it lies, in words.
-- @function device

--- table(): the values as nested tables.
-- @function table

--- read(first, count): so many values from the first-th on, in order, as a list; nothing else is read from the device.
-- @function read

--- item(): the value of a tensor of one element.
-- @function item

--- fetch(): values on their way to the host while the device works on: an object with `ready()`, `list()`, `close()`.
-- @function fetch

--- set(values): sets all values from a number, a function of the indices (from 1), a table or a tensor; returns it.
-- @function set

--- uniform(low, high): fills it with random numbers of the engine's stream; returns it.
-- @function uniform

--- normal(mean, deviation): fills it with normally distributed random numbers; returns it.
-- @function normal

--- copy(): another tensor with the same values.
-- @function copy

--- parameter(): makes it a parameter, which wants a gradient; returns it.
-- @function parameter

--- is_parameter(): whether it wants a gradient.
-- @function is_parameter

--- grad(): the gradient that `backward` left, as a tensor; nil if there is none.
-- @function grad

--- clear_grad(): drops the gradient.
-- @function clear_grad

--- backward(): on a loss of one element, while the tape that made it is open: adds the gradients of all parameters that
-- took part to theirs, and drops what the tape recorded.
-- @function backward

--- keep(): hands a result over to the scope around the one that it was made in, so that it outlives that; returns it.
-- @function keep

--- close(): frees the memory now. Also `local x <close> = ...`.
-- @function close

--- closed(): whether it is closed, by hand or with its tape or scope.
-- @function closed
