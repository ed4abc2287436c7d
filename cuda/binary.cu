/*
 * Functions of two tensors, the second of which may repeat along the first: a bias along the rows of a minibatch.
 */
#include "pack.h"

namespace {

#define FUNCTION(name, value, slope_a, slope_b)                                                                        \
  struct name##_function {                                                                                             \
    static __device__ __forceinline__ float at(float a, float b) { return value; }                                     \
    static __device__ __forceinline__ float rise_a(float a, float b) {                                                 \
      (void)a;                                                                                                         \
      (void)b;                                                                                                         \
      return slope_a;                                                                                                  \
    }                                                                                                                  \
    static __device__ __forceinline__ float rise_b(float a, float b) {                                                 \
      (void)a;                                                                                                         \
      (void)b;                                                                                                         \
      return slope_b;                                                                                                  \
    }                                                                                                                  \
  };
HN_BINARY_LIST(FUNCTION)
#undef FUNCTION

/*
 * Values and slopes in a: element by element, four neighbours at once where a and the result are aligned, on a grid
 * that fills the GPU. Element i meets b[i mod nb]. All threads together step over `turn` more elements than whole rows
 * of nb, so a thread finds its next place in b by an addition and divides but once, to find its first. b is read four
 * at once where its rows are aligned (WIDE), else one by one.
 *
 * HBM bounds them: on an H100 a million elements cost 8 bytes each for values where b is short (it stays in L1), 12
 * where it is as long as a: 2.4 and 3.6 us; slopes 12 to 16: the slopes of a sum read neither a nor b.
 */

/* W neighbours of b from number j on; after its end it starts again. */
template <int W, bool WIDE> __device__ __forceinline__ hn__cuda_pack<W> around(const float *b, int64_t nb, int64_t j) {
  if constexpr (WIDE) {
    return hn__cuda_load<W>(b + j);
  } else {
    hn__cuda_pack<W> values;
    for (int k = 0; k < W; k++) {
      values.at[k] = b[j];
      if (++j == nb) j = 0;
    }
    return values;
  }
}

template <typename Function> struct values {
  const float *pa, *pb;
  float *py;

  template <int W, bool WIDE> __device__ __forceinline__ void work(int64_t i, int64_t nb, int64_t j) const {
    hn__cuda_pack<W> a = hn__cuda_load<W>(pa + i), b = around<W, WIDE>(pb, nb, j), y;
    for (int k = 0; k < W; k++) y.at[k] = Function::at(a.at[k], b.at[k]);
    hn__cuda_store(py + i, y);
  }
};

template <typename Function> struct slopes {
  const float *pa, *pb, *pdy;
  float *pda;

  template <int W, bool WIDE> __device__ __forceinline__ void work(int64_t i, int64_t nb, int64_t j) const {
    hn__cuda_pack<W> a = hn__cuda_load<W>(pa + i), b = around<W, WIDE>(pb, nb, j), dy = hn__cuda_load<W>(pdy + i),
                     da = hn__cuda_load<W>(pda + i);
    for (int k = 0; k < W; k++) da.at[k] += dy.at[k] * Function::rise_a(a.at[k], b.at[k]);
    hn__cuda_store(pda + i, da);
  }
};

/* Calls f.work<W, WIDE>(i, nb, i mod nb) for the elements from i on, so that each is worked on once. */
template <int W, bool WIDE, typename F> __global__ void each(int64_t n, int64_t nb, int64_t turn, F f) {
  uint32_t first = (uint32_t)hn__cuda_first();
  int64_t i = (int64_t)first * W, rest = n / W * W + first;
  int64_t j = i < nb ? i : (uint32_t)i % (uint32_t)nb;
  for (; i + W <= n; i += hn__cuda_step() * W) {
    f.template work<W, WIDE>(i, nb, j);
    j += turn;
    if (j >= nb) j -= nb;
  }
  if (W > 1 && rest < n) f.template work<1, false>(rest, nb, rest % nb);
}

template <int W, bool WIDE, typename F> hn_status launch(hn__device *d, int64_t n, int64_t nb, F f) {
  hn__cuda_grid grid = hn__cuda_cover(d, hn__cuda_ceil(n, W));
  return HN_LAUNCH(d, grid, (each<W, WIDE, F>), n, nb, grid.x * grid.threads * W % nb, f);
}

template <typename F> hn_status for_each(hn__device *d, int64_t n, int64_t nb, bool wide, const float *b, F f) {
  if (wide && hn__cuda_aligned(b) && nb % 4 == 0) return launch<4, true>(d, n, nb, f);
  return wide ? launch<4, false>(d, n, nb, f) : launch<1, false>(d, n, nb, f);
}

/*
 * Sums of the slopes in b down the columns of a, n/nb rows of nb. A block takes up to 32 neighbouring columns and a
 * part of the rows. Its threads stand `across` a row, one a column, and in lines; a line takes every so many rows. A
 * thread adds eight rows in float and these sums in double, so a double comes to eight elements only, and the lines'
 * sums are folded in halves. Where few columns would leave the GPU idle, rows are cut into parts, whose sums go to
 * scratch and are added by a second kernel. How many there are depends on the sizes alone, so the order of additions
 * does too.
 *
 * HBM bounds them: on an H100 a million elements cost 4 bytes each (8 where the slope is a), 1.2 or 2.4 us, and the
 * second kernel some 5 us, mostly its launch and the latency of a chain of loads.
 */
const int DEPTH = 8;    /* rows that a thread adds in float */
const int BLOCKS = 512; /* as many as all SMs of large GPUs have at once, or half */
const int COLUMNS = 32; /* of a block at most: the part of a row that one warp reads */
const int GATHERED = 8; /* of a block of the second kernel */
static_assert((size_t)BLOCKS * COLUMNS * sizeof(double) <= HN_CUDA_SCRATCH, "the parts' sums fit");

/* How a block's threads stand: 1 << shift columns, and where thread t is. */
typedef struct stand {
  int64_t column;
  int line, lines;
} stand;

__device__ __forceinline__ stand stand_of(int shift) {
  int t = (int)threadIdx.x;
  return {((int64_t)blockIdx.x << shift) + (t & ((1 << shift) - 1)), t >> shift, HN_CUDA_BLOCK >> shift};
}

/* The sum over all lines of a column; line 0 gets it. */
__device__ __forceinline__ double fold(double sum, stand at, int shift) {
  typedef double sums[HN_CUDA_BLOCK];
  HN_SHARED(sums, all);
  int t = (int)threadIdx.x;
  all[t] = sum;
  for (int half = at.lines / 2; half > 0; half /= 2) {
    __syncthreads();
    if (at.line < half) all[t] += all[t + (half << shift)];
  }
  return all[t];
}

template <typename Function>
__global__ void columns(int64_t rows, int64_t nb, int64_t part, int shift, const float *pa, const float *pb,
                        const float *pdy, double *sums, float *db) {
  stand at = stand_of(shift);
  int64_t first = blockIdx.y * part, last = first + part < rows ? first + part : rows;
  double sum = 0;
  if (at.column < nb) {
    float b = pb[at.column];
    for (int64_t r = first + at.line; r < last; r += (int64_t)DEPTH * at.lines) {
      float few = 0;
      for (int k = 0; k < DEPTH; k++) {
        int64_t row = r + (int64_t)k * at.lines, i = row * nb + at.column;
        if (row < last) few += pdy[i] * Function::rise_b(pa[i], b);
      }
      sum += (double)few;
    }
  }
  sum = fold(sum, at, shift);
  if (at.line > 0 || at.column >= nb) return;
  if (sums)
    sums[blockIdx.y * nb + at.column] = sum;
  else
    db[at.column] += (float)sum;
}

__global__ void add_parts(int64_t nb, int parts, int shift, const double *sums, float *db) {
  stand at = stand_of(shift);
  double sum = 0;
  if (at.column < nb)
    for (int p = at.line; p < parts; p += at.lines) sum += sums[p * nb + at.column];
  sum = fold(sum, at, shift);
  if (at.line == 0 && at.column < nb) db[at.column] += (float)sum;
}

template <typename Function>
hn_status add_columns(hn__device *d, int64_t rows, int64_t nb, const float *a, const float *b, const float *dy,
                      float *db) {
  int shift = hn__cuda_shift_for(nb, COLUMNS), few = hn__cuda_shift_for(nb, GATHERED);
  int64_t blocks = hn__cuda_ceil(nb, 1 << shift), depth = (int64_t)DEPTH * (HN_CUDA_BLOCK >> shift);
  int64_t wanted = hn__cuda_least(hn__cuda_ceil(rows, depth), BLOCKS / blocks);
  int64_t part = wanted > 1 ? hn__cuda_ceil(rows, wanted) : rows, parts = hn__cuda_ceil(rows, part);
  double *sums = parts > 1 ? (double *)hn__cuda_of(d)->scratch : NULL;
  hn__cuda_grid grid = {.x = blocks, .y = parts}, gather = {.x = hn__cuda_ceil(nb, 1 << few)};
  HN_CUDA_CALL(HN_LAUNCH(d, grid, columns<Function>, rows, nb, part, shift, a, b, dy, sums, db));
  return parts > 1 ? HN_LAUNCH(d, gather, add_parts, nb, (int)parts, few, sums, db) : HN_OK;
}

/* One after the other: where both operands are the same tensor, da and db are the same gradient. */
template <typename Function>
hn_status add_slopes(hn__device *d, int64_t n, int64_t nb, const float *a, const float *b, const float *dy, float *da,
                     float *db) {
  bool wide = hn__cuda_aligned(a) && hn__cuda_aligned(dy) && hn__cuda_aligned(da);
  if (da) HN_CUDA_CALL(for_each(d, n, nb, wide, b, slopes<Function>{a, b, dy, da}));
  return db ? add_columns<Function>(d, n / nb, nb, a, b, dy, db) : HN_OK;
}

} // namespace

hn_status hn__cuda_binary(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b,
                          float *y) {
  bool wide = hn__cuda_aligned(a) && hn__cuda_aligned(y);
  if (n == 0) return HN_OK;
  switch (f) {
#define CASE(name, ...)                                                                                                \
  case HN_FN2_##name: return for_each(d, n, nb, wide, b, values<name##_function>{a, b, y});
    HN_BINARY_LIST(CASE)
#undef CASE
  default: return HN_ARGUMENT;
  }
}

hn_status hn__cuda_binary_grad(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b,
                               const float *dy, float *da, float *db) {
  if (n == 0) return HN_OK;
  switch (f) {
#define CASE(name, ...)                                                                                                \
  case HN_FN2_##name: return add_slopes<name##_function>(d, n, nb, a, b, dy, da, db);
    HN_BINARY_LIST(CASE)
#undef CASE
  default: return HN_ARGUMENT;
  }
}
