--- Pieces of C that an exported network is put together from; a file gets those that its layers need. `stored` is the
-- type of weights there: float, or whole numbers with a scale for each pool of buckets and each dense matrix.
-- @module hn.export.pieces

local pieces <const> = {}

pieces.copy = [[
static void copy(uint32_t n, const float *from, float *to) {
  for (uint32_t i = 0; i < n; i++) to[i] = from[i];
}
]]

pieces.clear = [[
static void clear(uint32_t n, float *y) {
  for (uint32_t i = 0; i < n; i++) y[i] = 0;
}
]]

--- Weight k of an array.
pieces.weight = [[
static float weight(const stored *w, size_t k) { return (float)w[k]; }
]]

pieces.weight_int4 = [[
/* Two weights stand in a byte, each more by 8, the first one in the lower half. */
static float weight(const stored *w, size_t k) { return (float)((int32_t)(w[k / 2] >> 4 * (k % 2) & 15) - 8); }
]]

pieces.dense = [[
/* y += W x, for W of rows x cols. */
static void dense(const stored *w, float scale, uint32_t rows, uint32_t cols, const float *x, float *y) {
  for (uint32_t i = 0; i < rows; i++) {
    const size_t first = (size_t)i * cols;
    float sum = 0;
    for (uint32_t j = 0; j < cols; j++) sum += weight(w, first + j) * x[j];
    y[i] += scale * sum;
  }
}
]]

pieces.exact = [[
/* y += W x, for W of rows x cols that are no weights of the network. */
static void exact(const float *w, uint32_t rows, uint32_t cols, const float *x, float *y) {
  for (uint32_t i = 0; i < rows; i++) {
    float sum = 0;
    for (uint32_t j = 0; j < cols; j++) sum += w[(size_t)i * cols + j] * x[j];
    y[i] += sum;
  }
}
]]

pieces.matrix = [[
/* A virtual matrix: weight (i, j) is one of few buckets, found by a hash of i and j, with a sign that another bit of
 * the hash gives. Rows are cut into strips with slots of their own; a slot is 1 bucket, or 16 for 16 columns (a run).
 */
typedef struct matrix {
  const stored *buckets;
  uint32_t offset;            /* of the first one */
  float scale;                /* of the buckets */
  uint32_t rows, cols, runs;  /* runs in a row */
  uint32_t slots, strip, strips, seed;
  uint32_t signs;             /* all bits set, or 0: no signs */
  uint32_t balanced;          /* 1: every slot serves as many runs as any other */
  uint32_t left[2], right[2]; /* of balanced: parts of a run's number, in all strips but the last and in the last */
} matrix;

/* XXH32 of the words i and g: the part that depends on i, and the rest. */
static uint32_t rotate17(uint32_t x) { return (x << 17) | (x >> 15); }

static uint32_t hash_row(uint32_t i, uint32_t seed) {
  return rotate17(seed + 374761393u + 8 + i * 3266489917u) * 668265263u;
}

static uint32_t hash(uint32_t row, uint32_t g) {
  uint32_t h = rotate17(row + g * 3266489917u) * 668265263u;
  h ^= h >> 15;
  h *= 2246822519u;
  h ^= h >> 13;
  h *= 3266489917u;
  return h ^ (h >> 16);
}

/* -1 if the last bit is set, else 1: without a jump, which no processor could foresee. */
static float sign(uint32_t bits) { return (float)(1 - 2 * (int32_t)(bits & 1)); }

/* 31 bits as a number below n. */
static uint32_t range(uint32_t u, uint32_t n) { return (uint32_t)(((uint64_t)u * n) >> 31); }

/* The slots of row i: `size` of them from `first` on. */
typedef struct bank {
  uint32_t first, size;
} bank;

static bank bank_of(const matrix *m, uint32_t i) {
  const uint64_t s = i / m->strip;
  bank b;
  b.first = (uint32_t)(s * m->slots / m->strips);
  b.size = (uint32_t)((s + 1) * m->slots / m->strips) - b.first;
  return b;
}
]]

pieces.slot = [[
/* The slot of run g of row i, whose hash is h. */
static uint32_t slot(bank b, uint32_t h) { return b.first + range(h >> 1, b.size); }
]]

pieces.balanced_slot = [[
/* Run g of row i by a permutation of the numbers of the strip's runs: four rounds on the number's two parts, again
 * until the result is the number of a run. */
static uint64_t permuted(const matrix *m, uint32_t i, uint32_t g) {
  const uint32_t s = i / m->strip, last = s + 1 == m->strips, a = m->left[last], b = m->right[last];
  const uint32_t rows = last ? m->rows - s * m->strip : m->strip;
  uint64_t number = (uint64_t)(i - s * m->strip) * m->runs + g;
  do {
    uint32_t l = (uint32_t)(number / b), r = (uint32_t)(number % b);
    for (uint32_t t = 0; t < 4; t++) {
      const uint32_t key = hash_row(4 * s + t, m->seed ^ 0x85EBCA77u);
      if (t % 2 == 0)
        l = (uint32_t)(((uint64_t)l + range(hash(key, r) >> 1, a)) % a);
      else
        r = (uint32_t)(((uint64_t)r + range(hash(key, l) >> 1, b)) % b);
    }
    number = (uint64_t)l * b + r;
  } while (number >= (uint64_t)rows * m->runs);
  return number;
}

/* The slot of run g of row i, whose hash is h. */
static uint32_t slot(const matrix *m, bank b, uint32_t i, uint32_t g, uint32_t h) {
  return b.first + (m->balanced ? (uint32_t)(permuted(m, i, g) % b.size) : range(h >> 1, b.size));
}
]]

pieces.element = [[
/* y += V x, a bucket for each weight. */
static void hashed_element(const matrix *m, const float *x, float *y) {
  for (uint32_t i = 0; i < m->rows; i++) {
    const bank b = bank_of(m, i);
    const uint32_t row = hash_row(i, m->seed);
    float sum = 0;
    for (uint32_t j = 0; j < m->cols; j++) {
      const uint32_t h = hash(row, j);
      sum += weight(m->buckets, m->offset + (size_t)SLOT(j)) * sign(h & m->signs) * x[j];
    }
    y[i] += m->scale * sum;
  }
}
]]

pieces.line = [[
/* y += V x, 16 neighbouring buckets for 16 columns. Sums of their own let compilers use vectors. */
static void hashed_line(const matrix *m, const float *x, float *y) {
  for (uint32_t i = 0; i < m->rows; i++) {
    const bank b = bank_of(m, i);
    const uint32_t row = hash_row(i, m->seed), sign_row = hash_row(i, m->seed ^ 0x9E3779B9u);
    float sums[16] = {0}, sum = 0;
    for (uint32_t g = 0; g < m->runs; g++) {
      const uint32_t h = hash(row, g), negative = hash(sign_row, g) & m->signs, rest = m->cols - 16 * g;
      const size_t first = m->offset + 16 * (size_t)SLOT(g);
      for (uint32_t l = 0; l < (rest < 16 ? rest : 16); l++)
        sums[l] += weight(m->buckets, first + l) * sign(negative >> l) * x[16 * g + l];
    }
    for (uint32_t l = 0; l < 16; l++) sum += sums[l];
    y[i] += m->scale * sum;
  }
}
]]

pieces.batch_norm = [[
static void batch_norm(uint32_t n, const float *mean, const float *gain, const float *bias, float *x) {
  for (uint32_t i = 0; i < n; i++) x[i] = (x[i] - mean[i]) * gain[i] + bias[i];
}
]]

pieces.layer_norm = [[
static void layer_norm(uint32_t n, float epsilon, const float *gain, const float *bias, float *x) {
  float mean = 0, variance = 0;
  for (uint32_t i = 0; i < n; i++) mean += x[i];
  mean /= (float)n;
  for (uint32_t i = 0; i < n; i++) variance += (x[i] - mean) * (x[i] - mean);
  const float factor = 1 / sqrtf(variance / (float)n + epsilon);
  for (uint32_t i = 0; i < n; i++) x[i] = (x[i] - mean) * factor * gain[i] + bias[i];
}
]]

pieces.centre = [[
static void centre(uint32_t n, const float *mean, float *x) {
  for (uint32_t i = 0; i < n; i++) x[i] -= mean[i];
}
]]

pieces.rescale = [[
static void rescale(uint32_t n, const float *scale, float *x) {
  for (uint32_t i = 0; i < n; i++) x[i] *= scale[i];
}
]]

pieces.signed_log = [[
static void signed_log(uint32_t n, const float *rate, float *x) {
  for (uint32_t i = 0; i < n; i++) {
    if (rate[i] > 0) x[i] = copysignf(log1pf(rate[i] * fabsf(x[i])) / rate[i], x[i]);
  }
}
]]

pieces.interpolate = [[
/* Each number through straight lines between `count` points of its own; the outer ones go on. */
static void interpolate(uint32_t n, uint32_t count, const float *knots, const float *values, float *x) {
  for (uint32_t i = 0; i < n; i++, knots += count, values += count) {
    uint32_t low = 0, high = count - 1;
    while (high - low > 1) {
      const uint32_t middle = (low + high) / 2;
      if (knots[middle] <= x[i])
        low = middle;
      else
        high = middle;
    }
    x[i] = values[low] + (x[i] - knots[low]) * ((values[low + 1] - values[low]) / (knots[low + 1] - knots[low]));
  }
}
]]

pieces.largest = [[
static int largest(uint32_t n, const float *y) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < n; i++) {
    if (y[i] > y[best]) best = i;
  }
  return (int)best;
}
]]

pieces.softmax = [[
static void softmax(uint32_t n, float *x) {
  const float most = x[largest(n, x)];
  float sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += x[i] = expf(x[i] - most);
  for (uint32_t i = 0; i < n; i++) x[i] /= sum;
}
]]

pieces.log_softmax = [[
static void log_softmax(uint32_t n, float *x) {
  const float most = x[largest(n, x)];
  float sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += expf(x[i] - most);
  sum = most + logf(sum);
  for (uint32_t i = 0; i < n; i++) x[i] -= sum;
}
]]

--- Functions of one number v: the value in C, and the field of the module that is their parameter.
pieces.functions = {
  ReLU = { "relu", "v < 0 ? 0 : v" },
  ReLU6 = { "relu6", "v < 0 ? 0 : v > 6 ? 6 : v" },
  HardTanh = { "hard_tanh", "v < -1 ? -1 : v > 1 ? 1 : v" },
  Abs = { "absolute", "v < 0 ? -v : v" },
  Softsign = { "softsign", "v / (1 + (v < 0 ? -v : v))" },
  LeakyReLU = { "leaky_relu", "v < 0 ? slope * v : v", "slope" },
  ELU = { "elu", "v < 0 ? alpha * expm1f(v) : v", "alpha", math = true },
  GELU = { "gelu", "0.5f * v * erfcf(-v * 0.70710678f)", math = true },
  Tanh = { "hyperbolic_tangent", "tanhf(v)", math = true },
  Sigmoid = { "sigmoid", "1 / (1 + expf(-v))", math = true },
  Gauss = { "gauss", "expf(-v * v)", math = true },
  Softplus = { "softplus", "(v > 0 ? v : 0) + log1pf(expf(-fabsf(v)))", math = true },
}

--- The C of one of them.
function pieces.elementwise(name)
  local f <const> = pieces.functions[name]
  local parameter <const> = f[3] and ("float %s, "):format(f[3]) or ""
  return ([[
static void %s(uint32_t n, %sfloat *x) {
  for (uint32_t i = 0; i < n; i++) {
    const float v = x[i];
    x[i] = %s;
  }
}
]]):format(f[1], parameter, f[2])
end

return pieces
