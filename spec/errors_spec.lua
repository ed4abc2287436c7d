-- Every mistake a script can make is an error that begins with its status, names the argument, says what was expected
-- and what came, and ends with the script's own line. One row for each: title, status, words in the message, the code.

local core <const> = require "hn.core"
local hn <const> = require "hn"
local backends <const> = require "spec.support.backends"

local nn <const>, optim <const> = hn.nn, hn.optim

local function pool() return hn.buckets(64) end
local function matrix(description)
  return function() return hn.buckets(64):matrix(description) end
end
local function closed()
  local t <const> = hn.tensor { 2, 3 }
  t:close()
  return t
end
-- A tensor of another context than the current one.
local function foreign()
  local t <const> = hn.tensor { 2, 3 }
  backends.open()
  return t
end
local function data() return hn.data.tensors { x = hn.tensor { 4, 2 }, y = hn.labels { 1, 2, 1, 2 } } end
local function fit(options)
  return function() hn.fit(nn.Linear(2, 2), data(), options) end
end

local ROWS <const> = {
  -- Sizes and shapes
  { "a size of 0", "argument", { "shape", "0" }, function() hn.tensor { 0 } end },
  { "a negative size", "argument", { "shape", "-3" }, function() hn.tensor { 2, -3 } end },
  { "a size that is no integer", "argument", { "shape", "2.5" }, function() hn.tensor { 2.5 } end },
  { "a shape beyond what can be addressed", "shape", { "shape" },
    function() hn.tensor { 2 ^ 30, 2 ^ 30, 2 ^ 30 } end },
  { "5 dimensions", "shape", { "1 to 4 dimensions", "5" }, function() hn.tensor { 1, 1, 1, 1, 1 } end },
  { "no dimension", "shape", { "1 to 4 dimensions", "0" }, function() hn.tensor {} end },
  { "a shape that is no table", "argument", { "shape", "7" }, function() hn.tensor(7) end },
  { "rows of different length", "shape", { "2 entries", "3" }, function() hn.tensor { { 1, 2, 3 }, { 1, 2 } } end },
  { "text among numbers", "argument", { "value", "number", "x" }, function() hn.tensor { { 1, "x" } } end },
  { "values that do not fit", "shape", { "values", "3", "4" }, function() hn.tensor({ 2, 2 }, { 1, 2, 3 }) end },
  { "a function that gives no number", "argument", { "value", "number", "nil" },
    function() hn.tensor({ 2 }, function() end) end },
  { "a tensor of another size", "shape", { "[3]", "[2]" }, function() hn.tensor({ 2 }, hn.tensor { 3 }) end },
  { "no buckets", "argument", { "buckets", "0" }, function() hn.buckets(0) end },
  { "a negative number of buckets", "argument", { "buckets", "-1" }, function() hn.buckets(-1) end },
  { "labels from 0", "argument", { "1", "0" }, function() hn.labels { 1, 0 } end },
  { "no labels", "shape", { "empty" }, function() hn.labels {} end },
  { "reading from before the first element", "argument", { "read", "first", "1 to 6", "0" },
    function() hn.tensor({ 2, 3 }):read(0, 1) end },
  { "reading beyond the last element", "argument", { "read", "count", "0 to 2", "3" },
    function() hn.tensor({ 2, 3 }):read(5, 3) end },
  { "an item of many elements", "shape", { "item", "one element", "6" }, function() hn.tensor({ 2, 3 }):item() end },
  { "an int parameter", "argument", { "parameter", "float", "int" }, function() hn.labels({ 1 }):parameter() end },
  { "a uniform range that is not finite", "argument", { "finite" },
    function() hn.tensor({ 1 }):uniform(0, math.huge) end },

  -- Operations
  { "an operand left out", "argument", { "relu", "argument 1 (x)", "tensor", "nothing" }, function() hn.relu() end },
  { "a number for a tensor", "argument", { "relu" }, function() hn.relu(3) end },
  { "too many arguments", "argument", { "relu", "too many" }, function() hn.tensor({ 1 }):relu(1, 2) end },
  { "an int tensor for numbers", "argument", { "relu", "x", "float", "int" }, function() hn.labels({ 1 }):relu() end },
  { "a float tensor for classes", "argument", { "cross_entropy", "labels", "int", "float" },
    function() hn.cross_entropy(hn.tensor { 2, 3 }, hn.tensor { 2 }) end },
  { "a matrix where a tensor must be", "argument", { "relu", "x", "virtual matrix" },
    function() hn.relu(pool():matrix { rows = 2, cols = 2 }) end },
  { "a number that is not finite", "argument", { "scale", "factor", "finite" },
    function() hn.tensor({ 1 }):scale(0 / 0) end },
  { "text for a number", "argument", { "scale", "number", "x" }, function() hn.tensor({ 1 }):scale("x") end },
  { "columns that do not fit the weight", "shape", { "linear", "[2, 3]", "[5, 4]", "4" },
    function() hn.linear(hn.tensor { 2, 3 }, hn.tensor { 5, 4 }) end },
  { "columns that do not fit the matrix", "shape", { "linear", "[2, 3]", "[5, 4]" },
    function() hn.linear(hn.tensor { 2, 3 }, pool():matrix { rows = 5, cols = 4 }) end },
  { "a bias of another length", "shape", { "linear", "bias", "[5]", "[4]" },
    function() hn.linear(hn.tensor { 2, 3 }, hn.tensor { 5, 3 }, hn.tensor { 4 }) end },
  { "a hashed bias of another shape", "shape", { "linear", "bias", "5 x 1", "4 x 2" }, function()
    hn.linear(hn.tensor { 2, 3 }, hn.tensor { 5, 3 }, pool():matrix { rows = 4, cols = 2 })
  end },
  { "a weight of one dimension", "shape", { "linear", "weight", "[4]" },
    function() hn.linear(hn.tensor { 2, 3 }, hn.tensor { 4 }) end },
  { "products that do not fit", "shape", { "matmul", "[2, 3]", "[2, 3]" },
    function() hn.tensor({ 2, 3 }):matmul(hn.tensor { 2, 3 }) end },
  { "a sum of shapes that do not fit", "shape", { "add", "[2, 3]", "[2]" },
    function() hn.tensor({ 2, 3 }):add(hn.tensor { 2 }) end },
  { "an entry beyond the table", "argument", { "embedding", "ids", "1 to 3", "4", "position 2" },
    function() hn.embedding(hn.labels { 1, 4 }, hn.tensor { 3, 2 }) end },
  { "a label beyond the classes", "argument", { "cross_entropy", "labels", "1 to 3", "4", "position 2" },
    function() hn.cross_entropy(hn.tensor { 2, 3 }, hn.labels { 1, 4 }) end },
  { "labels of another number", "shape", { "cross_entropy", "2 samples", "[3]" },
    function() hn.cross_entropy(hn.tensor { 2, 3 }, hn.labels { 1, 1, 1 }) end },
  { "targets of another shape", "shape", { "mse", "target", "[2, 3]", "[2, 2]" },
    function() hn.mse(hn.tensor { 2, 3 }, hn.tensor { 2, 2 }) end },
  { "weights of another number", "shape", { "weight", "[2]", "[3]" },
    function() hn.mse(hn.tensor { 2, 3 }, hn.tensor { 2, 3 }, hn.tensor { 3 }) end },
  { "a target that wants a gradient", "argument", { "mse", "target", "parameter" },
    function() hn.mse(hn.tensor { 2, 3 }, hn.tensor({ 2, 3 }):parameter()) end },
  { "a temperature of 0", "argument", { "soft_cross_entropy", "temperature", "above 0", "0" },
    function() hn.soft_cross_entropy(hn.tensor { 2, 3 }, hn.tensor { 2, 3 }, nil, 0) end },
  { "a delta below 0", "argument", { "huber", "delta", "above 0", "-1" },
    function() hn.huber(hn.tensor { 2 }, hn.tensor { 2 }, nil, -1) end },
  { "dropping everything", "argument", { "dropout", "rate", "[0, 1)", "1" },
    function() hn.tensor({ 2 }):dropout(1) end },
  { "an axis beyond the dimensions", "argument", { "sum", "axis", "1 to 2", "3" },
    function() hn.tensor({ 2, 3 }):sum(3) end },
  { "another number of elements", "shape", { "reshape", "[2, 3]", "6 elements", "8" },
    function() hn.tensor({ 2, 3 }):reshape(2, 4) end },
  { "a dimension of 0", "shape", { "reshape", "dimension 2", "0" }, function() hn.tensor({ 2, 3 }):reshape(6, 0) end },
  { "rows that are not there", "argument", { "slice", "2 to 3", "[2, 3]" },
    function() hn.tensor({ 2, 3 }):slice(2, 2) end },
  { "row 0", "argument", { "slice", "0", "[2, 3]" }, function() hn.tensor({ 2, 3 }):slice(0, 1) end },
  { "parts that do not fit", "shape", { "concat", "[2, 3]", "[2, 2]", "axis 1" },
    function() hn.tensor({ 2, 3 }):concat(hn.tensor { 2, 2 }, 1) end },
  { "a gain of another length", "shape", { "layer_norm", "gain", "[3]", "[2]" },
    function() hn.layer_norm(hn.tensor { 2, 3 }, hn.tensor { 2 }, hn.tensor { 3 }) end },
  { "batch norm of one sample", "shape", { "batch_norm", "2 samples", "[1, 3]" },
    function() nn.BatchNorm(3)(hn.tensor { 1, 3 }) end },

  -- Closed and foreign objects
  { "a closed operand", "state", { "relu", "x", "closed" }, function() hn.relu(closed()) end },
  { "reading a closed tensor", "state", { "closed" }, function() closed():table() end },
  { "setting a closed tensor", "state", { "closed" }, function() closed():set(1) end },
  { "a result used after its tape", "state", { "closed", "keep" }, function()
    local y
    do
      local _ <close> = hn.tape()
      y = hn.tensor({ 2 }):relu()
    end
    y:table()
  end },
  { "a matrix over a closed pool", "state", { "pool", "closed" }, function()
    local p <const> = pool()
    p:close()
    p:matrix { rows = 2, cols = 2 }
  end },
  { "a matrix whose pool was closed", "state", { "linear", "weight", "closed" }, function()
    local p <const> = pool()
    local v <const> = p:matrix { rows = 2, cols = 3 }
    p:close()
    hn.linear(hn.tensor { 1, 3 }, v)
  end },
  { "a tensor of another context", "state", { "add", "another context" },
    function() hn.add(foreign(), hn.tensor { 2, 3 }) end },
  { "a copy from another context", "state", { "another context" }, function()
    local other <const> = foreign()
    hn.tensor({ 2, 3 }):set(other)
  end },
  { "a network of another context", "state", { "linear", "another context" }, function()
    local net <const> = nn.Linear(3, 2)
    backends.open()
    net(hn.tensor { 2, 3 })
  end },

  -- Matrices
  { "a matrix without rows", "argument", { "rows", "nothing" }, matrix { cols = 3 } },
  { "a matrix of 0 rows", "argument", { "rows", "0" }, matrix { rows = 0, cols = 3 } },
  { "a matrix of -3 columns", "argument", { "cols", "-3" }, matrix { rows = 3, cols = -3 } },
  { "a matrix of 2^31 rows", "argument", { "rows", "2147483648" }, matrix { rows = 2 ^ 31, cols = 3 } },
  { "an unknown scheme", "argument", { "scheme", "line", "element", "lime" },
    matrix { rows = 3, cols = 3, scheme = "lime" } },
  { "a balanced that is neither true nor false", "argument", { "balanced", "true or false", "yes" },
    matrix { rows = 3, cols = 3, balanced = "yes" } },
  { "members of a matrix that is not balanced", "argument", { "members", "balanced" },
    function() pool():matrix({ rows = 3, cols = 3 }):members(1) end },
  { "members of a bucket before the matrix' first", "argument", { "bucket", "17 to 64", "16" },
    function() pool():matrix({ rows = 3, cols = 3, balanced = true, offset = 16 }):members(16) end },
  { "members of a bucket beyond the matrix' last", "argument", { "bucket", "1 to 32", "33" },
    function() pool():matrix({ rows = 3, cols = 3, balanced = true, count = 32 }):members(33) end },
  { "an option that is not known", "argument", { "matrix", "'row'", "did you mean 'rows'" },
    matrix { row = 3, cols = 3 } },
  { "a matrix beyond the end of its pool", "shape", { "32 buckets", "48", "64" },
    matrix { rows = 3, cols = 3, offset = 48, count = 32 } },
  { "more buckets than there are", "shape", { "80", "64" }, matrix { rows = 3, cols = 3, count = 80 } },
  { "an offset that is no multiple of 16", "argument", { "offset", "multiple of 16", "8" },
    matrix { rows = 3, cols = 3, offset = 8, count = 16 } },
  { "a count that is no multiple of 16", "argument", { "multiple of 16", "24" },
    matrix { rows = 3, cols = 3, count = 24 } },
  { "a negative offset", "argument", { "offset", "-16" }, matrix { rows = 3, cols = 3, offset = -16 } },
  { "fewer slots than strips", "argument", { "strips of 2 rows", "5 strips", "4 slots" },
    matrix { rows = 9, cols = 3, strip = 2 } },
  { "a negative strip", "argument", { "strip", "-1" }, matrix { rows = 9, cols = 3, strip = -1 } },
  { "a seed beyond 32 bits", "argument", { "seed", "4294967296" }, matrix { rows = 3, cols = 3, seed = 2 ^ 32 } },
  { "a pool of two dimensions", "argument", { "pool", "one dimension" },
    function() hn.tensor({ 4, 16 }):matrix { rows = 2, cols = 2 } end },
  { "an element outside the matrix", "argument", { "row", "1 to 3", "4" },
    function() pool():matrix({ rows = 3, cols = 3 }):bucket(4, 1) end },
  { "element 0", "argument", { "column", "1 to 3", "0" },
    function() pool():matrix({ rows = 3, cols = 3 }):at(1, 0) end },
  { "rows outside the matrix", "argument", { "count", "1 to 2", "3" },
    function() pool():matrix({ rows = 3, cols = 3 }):expand(2, 3) end },

  -- Layers
  { "a layer without sizes", "argument", { "hn.nn.Linear", "inputs", "integer", "nothing" },
    function() nn.Linear() end },
  { "a layer of 0 outputs", "argument", { "hn.nn.Hashed", "outputs", "integer", "got 0" },
    function() nn.Hashed(3, 0) end },
  { "a layer of -1 inputs", "argument", { "hn.nn.Hashed", "inputs", "integer", "got -1" },
    function() nn.Hashed(-1, 3) end },
  { "half an output", "argument", { "hn.nn.Linear", "outputs", "integer", "2.5" }, function() nn.Linear(3, 2.5) end },
  { "a compression above 1", "argument", { "hn.nn.Hashed", "compression", "above 0 and at most 1", "1.5" },
    function() nn.Hashed(9, 9, { compression = 1.5 }) end },
  { "a compression of 0", "argument", { "hn.nn.Hashed", "compression", "above 0", "0" },
    function() nn.Hashed(9, 9, { compression = 0 }) end },
  { "a negative compression", "argument", { "hn.nn.Hashed", "compression", "above 0", "-0.1" },
    function() nn.Hashed(9, 9, { compression = -0.1 }) end },
  { "a compression of nan", "argument", { "hn.nn.Hashed", "compression", "nan" },
    function() nn.Hashed(9, 9, { compression = 0 / 0 }) end },
  { "a compression of 1/0", "argument", { "hn.nn.Hashed", "compression", "1/0" },
    function() nn.Hashed(9, 9, { compression = "1/0" }) end },
  { "a compression that is no number", "argument", { "hn.nn.Hashed", "compression", "small" },
    function() nn.Hashed(9, 9, { compression = "small" }) end },
  { "compression and buckets", "argument", { "hn.nn.Hashed", "one of", "compression and buckets" },
    function() nn.Hashed(9, 9, { compression = 0.5, buckets = 16 }) end },
  { "an offset without a pool", "argument", { "hn.nn.Hashed", "offset", "pool" },
    function() nn.Hashed(9, 9, { offset = 16 }) end },
  { "buckets that are no multiple of 16", "argument", { "hn.nn.Hashed", "buckets", "multiple of 16", "20" },
    function() nn.Hashed(9, 9, { buckets = 20 }) end },
  { "a pool that is none", "argument", { "hn.nn.Hashed", "pool", "hn.buckets", "2x3" },
    function() nn.Hashed(9, 9, { pool = hn.tensor { 2, 3 } }) end },
  { "an unknown scheme of a layer", "argument", { "hn.nn.Hashed", "scheme", "line", "element", "lines" },
    function() nn.Hashed(9, 9, { scheme = "lines" }) end },
  { "a layer's balanced that is a number", "argument", { "hn.nn.Hashed", "balanced", "true or false", "got 1" },
    function() nn.Hashed(9, 9, { balanced = 1 }) end },
  { "an unknown option, misspelt", "argument", { "hn.nn.Hashed", "'compresion'", "did you mean 'compression'" },
    function() nn.Hashed(9, 9, { compresion = 0.5 }) end },
  { "another system's name of an option", "argument", { "'weight_decay'", "did you mean 'l2'" },
    function() optim.SGD { weight_decay = 0.1 } end },
  { "an unknown option like no other", "argument", { "'qqqqqqqqqqqq'", "bias, init" },
    function() nn.Linear(3, 3, { qqqqqqqqqqqq = 1 }) end },
  { "options that are no table", "argument", { "hn.nn.Linear", "options", "table", "7" },
    function() nn.Linear(3, 3, 7) end },
  { "an init that is not known", "argument", { "hn.nn.Linear", "init", "he", "xavier", "kaiming" },
    function() nn.Linear(3, 3, { init = "kaiming" }) end },
  { "a dropout rate of 1", "argument", { "hn.nn.Dropout", "rate", "below 1", "got 1" }, function() nn.Dropout(1) end },
  { "a class where a layer must be", "argument", { "Sequential", "layer 1", "class ReLU" },
    function() nn.Sequential { nn.ReLU } end },
  { "a layer that is none", "argument", { "Sequential", "layer 2", "7" },
    function() nn.Sequential { nn.ReLU(), 7 } end },
  { "a layer that gives nothing", "argument", { "layer 1", "tensor", "nothing" },
    function() nn.Sequential { function() end }(hn.tensor { 1 }) end },
  { "an error in a layer", "shape", { "linear", "in layer 2, Linear, of Sequential" },
    function() nn.Sequential { nn.ReLU(), nn.Linear(5, 2) }(hn.tensor { 1, 4 }) end },

  -- Optimisers and training
  { "a negative learning rate", "argument", { "hn.optim.SGD", "lr", "0", "got -0.1" },
    function() optim.SGD { lr = -0.1 } end },
  { "a momentum of 1", "argument", { "hn.optim.SGD", "momentum", "below 1", "got 1" },
    function() optim.SGD { momentum = 1 } end },
  { "parameters that are none", "argument", { "SGD", "parameters", "list of tensors", "7" },
    function() optim.SGD():step(7) end },
  { "a schedule without what it needs", "argument", { "hn.optim.step", "every", "number", "nothing" },
    function() optim.step() end },
  { "an unknown loss", "argument", { "hn.fit", "loss", "cross_entropy", "crossentropy" },
    fit { loss = "crossentropy" } },
  { "a loss for other targets", "argument", { "hn.fit", "mse", "classes" }, fit { loss = "mse", progress = false } },
  { "an unknown option of fit", "argument", { "hn.fit", "'batch_size'", "did you mean 'batch'" },
    fit { batch_size = 5 } },
  { "a batch of 0", "argument", { "hn.fit", "batch", "1", "got 0" }, fit { batch = 0 } },
  { "0 epochs", "argument", { "hn.fit", "epochs", "1", "got 0" }, fit { epochs = 0 } },
  { "patience without validation", "argument", { "hn.fit", "patience", "validate" }, fit { patience = 3 } },
  { "validation by more than there is", "argument", { "hn.fit", "validate", "4 samples", "5" }, fit { validate = 5 } },
  { "an optimiser that is none", "argument", { "hn.fit", "optimizer", "hn.optim", "sgd" }, fit { optimizer = "sgd" } },
  { "a network that is none", "argument", { "hn.fit", "net", "module", "function" },
    function() hn.fit(print, data()) end },
  { "a network without parameters", "argument", { "hn.fit", "parameters" }, function() hn.fit(nn.ReLU(), data()) end },
  { "data that are none", "argument", { "hn.fit", "data", "data set", "nothing" },
    function() hn.fit(nn.Linear(2, 2)) end },
  { "data without targets", "argument", { "hn.fit", "data", "y" },
    function() hn.fit(nn.Linear(2, 2), { x = hn.tensor { 4, 2 } }) end },
  { "a loss of many numbers", "argument", { "hn.fit", "loss", "one element", "4x2" },
    fit { progress = false, loss = function(output) return output end } },
  { "a loss that is nan", "numeric", { "loss is", "nan", "epoch 1", "minibatch 1" },
    function()
      hn.fit(nn.Linear(1, 2), { x = { { 0 / 0 } }, y = hn.labels { 1 } }, { progress = false })
    end },
  { "labels beyond the network's outputs", "argument", { "cross_entropy", "labels", "1 to 2", "3" },
    function() hn.fit(nn.Linear(1, 2), { x = { { 1 } }, y = hn.labels { 3 } }, { progress = false }) end },
  { "samples that do not fit the network", "shape", { "linear", "[4, 2]", "3" },
    function() hn.fit(nn.Linear(3, 2), data(), { progress = false }) end },
  { "an unknown rule", "argument", { "rule", "sgd", "sdg" }, function() core.update("sdg", {}, {}, {}) end },

  -- Data
  { "no samples", "shape", { "hn.data.tensors: x", "empty" }, function() hn.data.tensors { x = {} } end },
  { "data without x", "argument", { "hn.data.tensors", "x", "nothing" }, function() hn.data.tensors {} end },
  { "rows of different length in data", "shape", { "hn.data.tensors: x", "2", "1" },
    function() hn.data.tensors { x = { { 1, 2 }, { 1 } } } end },
  { "another number of targets", "shape", { "hn.data.tensors: y", "2 samples", "3" },
    function() hn.data.tensors { x = { 1, 2 }, y = { 1, 2, 3 } } end },
  { "another number of weights", "shape", { "hn.data.tensors: weight", "2 samples", "1" },
    function() hn.data.tensors { x = { 1, 2 }, weight = { 1 } } end },
  { "a class beyond those named", "argument", { "hn.data.tensors: y", "1 to 2", "3" },
    function() hn.data.tensors { x = { 1, 2 }, y = hn.labels { 1, 3 }, names = { "a", "b" } } end },
  { "a split that leaves nothing", "argument", { "split", "size", "4 samples", "got 4" },
    function() data():split(4) end },
  { "a split by 0", "argument", { "split", "size", "fraction", "got 0" }, function() data():split(0) end },
  { "a minibatch of 0", "argument", { "batches", "batch", "1", "got 0" },
    function() data():batches { batch = 0 } end },
  { "taking nothing", "argument", { "take", "n", "1", "got 0" }, function() data():take(0) end },
  { "rows that are not in the set", "argument", { "rows", "count", "2", "got 3" },
    function() data():rows(3, 3) end },
  { "an unknown normalisation", "argument", { "normalise", "standard", "range", "std" },
    function() data():normalise("std") end },
  { "the scale of other samples", "shape", { "normalise", "same shape" },
    function() data():normalise(hn.data.tensors { x = { { 1, 2, 3 } } }) end },
  { "a missing file", "file", { "/nowhere", "No such file" }, function() hn.data.idx("/nowhere") end },
  { "a missing folder", "file", { "/nowhere", "train-images-idx3-ubyte", "dataset-fashion-mnist" },
    function() hn.data.fashion_mnist("/nowhere") end },
  { "scores and labels of different number", "shape", { "hn.metrics.auc", "labels", "2", "1" },
    function() hn.metrics.auc({ 1, 2 }, { 1 }) end },
  { "labels of one kind", "argument", { "hn.metrics.auc", "labels", "two different" },
    function() hn.metrics.auc({ 1, 2 }, { 1, 1 }) end },

  -- The engine
  { "an unknown device", "device", { "abacus", "cpu" }, function() hn.use { device = "abacus" } end },
  { "a device that is no text", "argument", { "hn.use", "device", "string", "7" },
    function() hn.use { device = 7 } end },
  { "-1 threads", "argument", { "hn.use", "threads", "integer", "got -1" }, function() hn.use { threads = -1 } end },
  { "a memory of 0", "argument", { "hn.use", "memory", "256MiB", "0" }, function() hn.use { memory = 0 } end },
  { "a memory in words", "argument", { "memory", "256MiB", "lots" }, function() hn.use { memory = "lots" } end },
  { "a memory in an unknown unit", "argument", { "memory", "256MiB", "3 XB" },
    function() hn.use { memory = "3 XB" } end },
  { "a seed beyond 32 bits for the engine", "argument", { "hn.use", "seed", "4294967296" },
    function() hn.use { seed = 2 ^ 32 } end },
  { "an unknown option of the engine", "argument", { "hn.use", "'thread'", "did you mean 'threads'" },
    function() hn.use { thread = 2 } end },
  { "a hash of a word beyond 32 bits", "argument", { "word", "4294967296" }, function() hn.hash(0, 2 ^ 32) end },
  { "too little memory for the budget", "memory", { "needs 1.0 MiB", "512.0 KiB" }, function()
    backends.open { memory = "512KiB" }
    hn.tensor { 2 ^ 18 }
  end },
}

describe("a clear error for", function()
  for _, row in ipairs(ROWS) do
    local title <const>, status <const>, words <const>, code <const> = table.unpack(row)
    it(title .. ": " .. status, function()
      local before <const> = core.memory().objects
      local ok <const>, message <const> = pcall(code)
      assert.is_false(ok, "no error")
      assert.is_string(message)
      assert.matches("^" .. status .. ": ", message)
      for _, word in ipairs(words) do assert.matches(word, message, 1, true) end
      assert.matches(" %([^()]*errors_spec%.lua:%d+%)$", message)
      assert.equal(0, before)
    end)
  end
end)

describe("core.fail", function()
  it("raises an error of a module like every other", function()
    local ok <const>, message <const> = pcall(core.fail, "format", "%s has %d", "it", 7)
    assert.is_false(ok)
    assert.matches("^format: it has 7 %(.*errors_spec%.lua:%d+%)$", message)
  end)
end)
