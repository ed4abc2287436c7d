--- Operations on tensors. Each is a function, `hn.relu(x)`, and a method of its first operand, `x:relu()`; its result
-- is a new tensor, and while a tape is open it is recorded for `backward`. Where a weight is wanted, a tensor and a
-- virtual matrix will do.
-- @module hn.operations

-- C has the code; here are only the words.

--- linear(x, weight, bias): x Wᵀ + b for x of {..., inputs} and a weight of {outputs, inputs}; `bias` may be left out.
-- @function linear

--- matmul(a, b): the product of two matrices.
-- @function matmul

--- embedding(ids, table): the rows of `table` (a tensor or virtual matrix) that an int tensor of any shape lists.
-- @function embedding

--- scale(x, factor): factor · x.
-- @function scale

--- relu(x): max(x, 0).
-- @function relu

--- leaky_relu(x, slope): x, or slope · x (0.01) where x is negative.
-- @function leaky_relu

--- elu(x, alpha): x, or alpha · (exp(x) - 1) (1) where x is negative.
-- @function elu

--- gelu(x): x Φ(x), with Φ the normal distribution function.
-- @function gelu

--- tanh(x): the hyperbolic tangent.
-- @function tanh

--- abs(x): |x|.
-- @function abs

--- gauss(x): exp(-x²).
-- @function gauss

--- hard_tanh(x): x between -1 and 1, else the nearer of them.
-- @function hard_tanh

--- relu6(x): x between 0 and 6, else the nearer of them.
-- @function relu6

--- softsign(x): x / (1 + |x|).
-- @function softsign

--- softplus(x): log(1 + exp(x)).
-- @function softplus

--- sigmoid(x): 1 / (1 + exp(-x)).
-- @function sigmoid

--- add(a, b): a + b, element by element; b has the shape of a, the end of it, or one element.
-- @function add

--- sub(a, b): a - b, element by element; b has the shape of a, the end of it, or one element.
-- @function sub

--- mul(a, b): a · b, element by element; b has the shape of a, the end of it, or one element.
-- @function mul

--- signed_log(a, b): sign(a) log(1 + b |a|) / b, element by element; a where b is 0, its limit. b is at least 0 and has
-- the shape of a, the end of it, or one element.
-- @function signed_log

--- interpolate(x, knots, values): each feature of x {..., features} through straight lines between the points of its
-- row in `knots` and `values`, both {features, count}; the outer lines go on. Knots rise along a row. The tables get no
-- gradient.
-- @function interpolate

--- dropout(x, rate): sets elements to zero with probability `rate` (0.5) and divides the others by 1 - rate.
-- @function dropout

--- quantize(x, levels): x rounded to whole multiples, from -levels (127; at most 255) to levels, of one unit: the
-- largest magnitude over levels, cut to 16 bits, as `hnrun export --int8` stores weights. Its gradient passes straight
-- through, as if nothing were rounded.
-- @function quantize

--- sum(x, axis): the sum over one axis (from 1), which goes; over all elements without one.
-- @function sum

--- mean(x, axis): the mean over one axis (from 1), which goes; over all elements without one.
-- @function mean

--- weighted_mean(x, weight): Σ weight · x / Σ weight.
-- @function weighted_mean

--- reshape(x, n, ...): the same elements in another shape.
-- @function reshape

--- slice(x, first, count): so many leading rows from the first-th on, over the same memory.
-- @function slice

--- concat(x, ..., axis): tensors one behind the other along an axis (from 1).
-- @function concat

--- softmax(x): exp(x) over its sum, in the last dimension.
-- @function softmax

--- log_softmax(x): the logarithm of softmax.
-- @function log_softmax

--- argmax(x): where the largest number stands in the last dimension, an int tensor counted from 1.
-- @function argmax

--- layer_norm(x, gain, bias, epsilon): each row to mean 0 and variance 1, then gain and bias.
-- @function layer_norm

--- batch_norm(x, gain, bias, running_mean, running_variance, training, momentum, epsilon): each column to mean 0 and
-- variance 1 over the minibatch, whose statistics move the running ones; without `training`, by the running ones.
-- @function batch_norm

--- cross_entropy(x, labels, weight): the mean of -log softmax(x) at the right classes; `weight` of samples optional.
-- @function cross_entropy

--- cross_entropy_rows(x, labels): the cross-entropy of each sample.
-- @function cross_entropy_rows

--- soft_cross_entropy(x, target, weight, temperature): the mean cross-entropy against probabilities of the classes.
-- @function soft_cross_entropy

--- soft_cross_entropy_rows(x, target, temperature): that cross-entropy of each sample.
-- @function soft_cross_entropy_rows

--- bce(x, target, weight): the mean binary cross-entropy of outputs before the sigmoid; `weight` of samples optional.
-- @function bce

--- bce_rows(x, target): the binary cross-entropy of each sample.
-- @function bce_rows

--- mse(x, target, weight): the mean of (x - target)²; `weight` of samples optional.
-- @function mse

--- mse_rows(x, target): the mean of (x - target)² of each sample.
-- @function mse_rows

--- huber(x, target, weight, delta): the mean Huber loss, squared up to `delta` (1) and straight beyond.
-- @function huber

--- huber_rows(x, target, delta): the Huber loss of each sample.
-- @function huber_rows
