/*
 * What kernels share that fold many numbers into one: sums and maxima over a team of threads, rows in registers, sums
 * along an axis.
 *
 * All orders are fixed by the sizes and the device: a thread adds its numbers as they come, threads are folded in a
 * tree, warps and parts by their index. So the same call gives the same bits each time, and nothing is added
 * atomically.
 */
#ifndef HN_CUDA_SUM_H
#define HN_CUDA_SUM_H

#include "device.h"

#include <math.h>

/* a / b for numbers that are not negative: divisions of 64 bits cost a GPU some hundred instructions. */
__device__ __forceinline__ int64_t hn__cuda_quotient(int64_t a, int64_t b) {
  return ((uint64_t)a | (uint64_t)b) >> 32 ? a / b : (int64_t)((uint32_t)a / (uint32_t)b);
}

/* ---- Sums of one thread ----
 * A sum in two floats: what adding to `high` rounds away (Knuth's two-sum) is kept in `low`. That is as good as a
 * double and six float instructions a number, where a GPU without fast doubles takes up to 64 times as long for one of
 * those, and HBM gives an H100 a number in the time of some forty. */
typedef struct hn__cuda_sum {
  float high = 0, low = 0;
} hn__cuda_sum;

__device__ __forceinline__ void hn__cuda_add(hn__cuda_sum &sum, float x) {
  float high = sum.high + x, added = high - sum.high;
  sum.low += (sum.high - (high - added)) + (x - added);
  sum.high = high;
}

/* Adds a b, unrounded. */
__device__ __forceinline__ void hn__cuda_add_product(hn__cuda_sum &sum, float a, float b) {
  float product = a * b;
  hn__cuda_add(sum, product);
  sum.low += fmaf(a, b, -product);
}

/* An infinite sum leaves a NaN in `low`, which does not count. */
__device__ __forceinline__ double hn__cuda_value(const hn__cuda_sum &sum) {
  return isfinite(sum.high) ? (double)sum.high + (double)sum.low : (double)sum.high;
}

/* ---- Teams: SIZE threads that share a piece of work. 1, a warp, or a block of HN_CUDA_BLOCK ---- */

/* Threads of a block of teams; small blocks spread few warps over many SMs. */
template <int SIZE> constexpr int hn__cuda_team_block = SIZE > HN_CUDA_WARP ? SIZE : 128;

/* What stands before the name of a kernel of teams. Asked for 384 threads an SM, ptxas takes the registers that it
 * needs (168 at most, for teams of a warp); left to itself it spilled some in order to fit more threads. */
#define HN_TEAM_BOUNDS(SIZE) __launch_bounds__(hn__cuda_team_block<SIZE>, 384 / hn__cuda_team_block<SIZE>)

/* At most so many teams as fit the device at once; kernels go on in steps of all teams:
 * for (int64_t i = hn__cuda_team<SIZE>(); i < n; i += hn__cuda_teams<SIZE>()). */
template <int SIZE> static hn__cuda_grid hn__cuda_team_grid(hn__device *d, int64_t teams) {
  const int threads = hn__cuda_team_block<SIZE>;
  int64_t most = (int64_t)hn__cuda_of(d)->properties.multiProcessorCount * (2048 / threads);
  return {hn__cuda_least(hn__cuda_ceil(teams, threads / SIZE), most), threads};
}

template <int SIZE> __device__ __forceinline__ int64_t hn__cuda_team() {
  return (int64_t)blockIdx.x * (blockDim.x / SIZE) + threadIdx.x / SIZE;
}
template <int SIZE> __device__ __forceinline__ int64_t hn__cuda_teams() {
  return (int64_t)gridDim.x * (blockDim.x / SIZE);
}
template <int SIZE> __device__ __forceinline__ int hn__cuda_member() { return (int)(threadIdx.x % SIZE); }

/* Folds the values of a team's members by a commutative f; all members get the result, in the same bits. The whole warp
 * or block calls it. */
template <int SIZE, typename T, typename F> __device__ __forceinline__ T hn__cuda_fold(T x, F f) {
  if constexpr (SIZE > 1)
    for (int d = HN_CUDA_WARP / 2; d > 0; d /= 2) x = f(x, __shfl_xor_sync(0xffffffffu, x, d));
  if constexpr (SIZE > HN_CUDA_WARP) {
    using parts = T[SIZE / HN_CUDA_WARP];
    HN_SHARED(parts, part);
    __syncthreads(); /* the last fold's parts have been read */
    if (threadIdx.x % HN_CUDA_WARP == 0) part[threadIdx.x / HN_CUDA_WARP] = x;
    __syncthreads();
    x = part[0];
    for (int w = 1; w < SIZE / HN_CUDA_WARP; w++) x = f(x, part[w]);
  }
  return x;
}

template <int SIZE> __device__ __forceinline__ double hn__cuda_team_sum(const hn__cuda_sum &sum) {
  return hn__cuda_fold<SIZE>(hn__cuda_value(sum), [](double a, double b) { return a + b; });
}

/* The larger, or a NaN where there is one. */
__device__ __forceinline__ float hn__cuda_larger(float a, float b) { return a >= b || a != a ? a : b; }

template <int SIZE> __device__ __forceinline__ float hn__cuda_team_max(float x) {
  return hn__cuda_fold<SIZE>(x, hn__cuda_larger);
}

/* ---- Rows ----
 * A row of n numbers as a member of the team sees it: its own are member, member + SIZE, ... With HELD, that many at
 * most are read once and stay in registers; with 0 each pass reads them again, from L2 for all but the first. */
template <int SIZE, int HELD> struct hn__cuda_held {
  const float *x;
  int64_t n;
  float held[HELD > 0 ? HELD : 1];
};

template <int SIZE, int HELD>
__device__ __forceinline__ hn__cuda_held<SIZE, HELD> hn__cuda_held_at(const float *x, int64_t n) {
  hn__cuda_held<SIZE, HELD> row;
  row.x = x;
  row.n = n;
  HN_CUDA_UNROLL(HELD > 0 ? HELD : 1)
  for (int k = 0; k < HELD; k++) {
    int j = hn__cuda_member<SIZE>() + k * SIZE;
    row.held[k] = j < (int)n ? x[j] : 0;
  }
  return row;
}

/* Calls f(j, number j of the row) for the member's own. */
template <int SIZE, int HELD, typename F>
__device__ __forceinline__ void hn__cuda_each(const hn__cuda_held<SIZE, HELD> &row, F f) {
  if constexpr (HELD > 0) {
    HN_CUDA_UNROLL(HELD > 0 ? HELD : 1)
    for (int k = 0; k < HELD; k++) {
      int j = hn__cuda_member<SIZE>() + k * SIZE;
      if (j < (int)row.n) f((int64_t)j, row.held[k]);
    }
  } else {
    HN_CUDA_UNROLL(4)
    for (int64_t j = hn__cuda_member<SIZE>(); j < row.n; j += SIZE) f(j, row.x[j]);
  }
}

/* Calls f(j, number j of a, number j of b); both rows are of the same length. */
template <int SIZE, int HELD, typename F>
__device__ __forceinline__ void hn__cuda_each_of_two(const hn__cuda_held<SIZE, HELD> &a,
                                                     const hn__cuda_held<SIZE, HELD> &b, F f) {
  if constexpr (HELD > 0) {
    HN_CUDA_UNROLL(HELD > 0 ? HELD : 1)
    for (int k = 0; k < HELD; k++) {
      int j = hn__cuda_member<SIZE>() + k * SIZE;
      if (j < (int)a.n) f((int64_t)j, a.held[k], b.held[k]);
    }
  } else {
    HN_CUDA_UNROLL(4)
    for (int64_t j = hn__cuda_member<SIZE>(); j < a.n; j += SIZE) f(j, a.x[j], b.x[j]);
  }
}

/* Launches kernel<SIZE, HELD>(rows, cols, ...): a warp a row, which it holds, or a block for long rows. Gives a
 * status. */
#define HN_LAUNCH_ROWS(d, rows, cols, kernel, ...)                                                                     \
  ((cols) <= 4 * 32    ? HN_LAUNCH(d, hn__cuda_team_grid<32>(d, rows), (kernel<32, 4>), rows, cols, __VA_ARGS__)       \
   : (cols) <= 32 * 32 ? HN_LAUNCH(d, hn__cuda_team_grid<32>(d, rows), (kernel<32, 32>), rows, cols, __VA_ARGS__)      \
                       : HN_LAUNCH(d, hn__cuda_team_grid<HN_CUDA_BLOCK>(d, rows), (kernel<HN_CUDA_BLOCK, 0>), rows,    \
                                   cols, __VA_ARGS__))

/* The largest of a row, and the sum of exp((x - max) scale), which so cannot overflow. A NaN spreads to both. */
typedef struct hn__cuda_exponents {
  float max;
  double sum;
} hn__cuda_exponents;

template <int SIZE, int HELD>
__device__ __forceinline__ hn__cuda_exponents hn__cuda_exponents_of(const hn__cuda_held<SIZE, HELD> &row, float scale) {
  float max = -INFINITY;
  hn__cuda_sum sum;
  hn__cuda_each(row, [&](int64_t, float x) { max = hn__cuda_larger(max, x); });
  max = hn__cuda_team_max<SIZE>(max);
  hn__cuda_each(row, [&](int64_t, float x) { hn__cuda_add(sum, expf((x - max) * scale)); });
  return {max, hn__cuda_team_sum<SIZE>(sum)};
}

/* The logarithm of the sum. One of its terms is 1, and log1p keeps what the others add where that is little. */
__device__ __forceinline__ float hn__cuda_log(const hn__cuda_exponents &e) { return log1pf((float)(e.sum - 1)); }

/* ---- Sums along an axis ----
 * hn__cuda_row_sums<SUMS>(d, rows, n, element, finish) and hn__cuda_column_sums<SUMS>(d, outer, n, inner, element,
 * finish) sum over the middle axis of outer x n x inner (rows: inner = 1). element(at, k, i, sums) adds the share of
 * element `at`, which is number k along the axis and i along the inner one, to the SUMS sums; finish(at, totals) is
 * called once, by one thread, for each of the outer x inner results. Both are plain structs with an operator(), which
 * the kernels get by value.
 *
 * A row is a thread's (n up to 8), a warp's or a block's, which reads it coalesced. Of columns a block takes a tile of
 * 32, a warp a row of it, so that a warp reads 128 bytes of a row; of rows narrower than 32 it takes several at once.
 * Where that gives fewer blocks than the GPU needs, n is cut into parts, whose sums a second kernel adds up, a warp a
 * result.
 *
 * On an H100: 4 bytes from HBM an element and array, and some 20 instructions; bound by HBM (3.35 TB/s) from some 10 MB
 * on, below that by a launch or two (3 us each). */
typedef struct hn__cuda_axis {
  int64_t outer, n, inner;
  int64_t parts, chunk; /* parts of n, of `chunk` each but the last */
  int64_t tiles;        /* of columns */
  int at_once;          /* rows that a warp reads at once */
} hn__cuda_axis;

#define HN_CUDA_SUMS_BYTES (HN_CUDA_SCRATCH / 2) /* of the scratch are for parts; the rest is the caller's own */

/* Where part p of n ends. */
__device__ __forceinline__ int64_t hn__cuda_end(const hn__cuda_axis &axis, int64_t p) {
  return p + 1 < axis.parts ? (p + 1) * axis.chunk : axis.n;
}

/* A part's sums go on to `finish` where they are all there is. */
template <int SUMS, typename Finish>
__device__ __forceinline__ void hn__cuda_hand_on(const hn__cuda_axis &axis, int64_t at, int64_t p, const double *totals,
                                                 Finish finish, double *part) {
  if (axis.parts == 1)
    finish(at, totals);
  else
    for (int s = 0; s < SUMS; s++) part[(at * axis.parts + p) * SUMS + s] = totals[s];
}

template <int SIZE, int SUMS, typename Element, typename Finish>
__global__ void HN_TEAM_BOUNDS(SIZE)
    hn__cuda_add_rows(hn__cuda_axis axis, Element element, Finish finish, double *part) {
  for (int64_t job = hn__cuda_team<SIZE>(); job < axis.outer * axis.parts; job += hn__cuda_teams<SIZE>()) {
    int64_t row = hn__cuda_quotient(job, axis.parts), p = job - row * axis.parts, end = hn__cuda_end(axis, p);
    hn__cuda_sum sums[SUMS];
    HN_CUDA_UNROLL(4)
    for (int64_t k = p * axis.chunk + hn__cuda_member<SIZE>(); k < end; k += SIZE)
      element(row * axis.n + k, k, (int64_t)0, sums);
    double totals[SUMS];
    for (int s = 0; s < SUMS; s++) totals[s] = hn__cuda_team_sum<SIZE>(sums[s]);
    if (hn__cuda_member<SIZE>() == 0) hn__cuda_hand_on<SUMS>(axis, row, p, totals, finish, part);
  }
}

/* A tile's sums: each thread's first, then down the warps, then over the rows that a warp read at once. */
template <int SUMS, typename Element, typename Finish>
__global__ void __launch_bounds__(HN_CUDA_BLOCK)
    hn__cuda_add_columns(hn__cuda_axis axis, Element element, Finish finish, double *part) {
  const int warps = HN_CUDA_BLOCK / HN_CUDA_WARP, warp = (int)threadIdx.x / HN_CUDA_WARP;
  const int width = axis.inner < HN_CUDA_WARP ? (int)axis.inner : HN_CUDA_WARP;
  const int lane = hn__cuda_member<HN_CUDA_WARP>(), row = lane / width, step = warps * axis.at_once;
  using all = double[SUMS][warps][HN_CUDA_WARP];
  HN_SHARED(all, shared);
  for (int64_t job = blockIdx.x; job < axis.outer * axis.tiles * axis.parts; job += gridDim.x) {
    int64_t tile = job / axis.parts, p = job % axis.parts, o = tile / axis.tiles, end = hn__cuda_end(axis, p);
    int64_t i = tile % axis.tiles * HN_CUDA_WARP + lane % width, k = p * axis.chunk + warp * axis.at_once + row;
    if (i >= axis.inner || row >= axis.at_once) k = end;
    hn__cuda_sum sums[SUMS];
    int64_t at = (o * axis.n + k) * axis.inner + i;
    HN_CUDA_UNROLL(4)
    for (; k < end; k += step, at += step * axis.inner) element(at, k, i, sums);
    for (int s = 0; s < SUMS; s++) shared[s][warp][lane] = hn__cuda_value(sums[s]);
    __syncthreads();
    if (warp == 0) {
      double totals[SUMS] = {};
      for (int s = 0; s < SUMS; s++) {
        for (int w = 1; w < warps; w++) shared[s][0][lane] += shared[s][w][lane];
        __syncwarp();
        for (int r = 0; r < axis.at_once && lane < width; r++) totals[s] += shared[s][0][r * width + lane];
      }
      if (lane < width && i < axis.inner) hn__cuda_hand_on<SUMS>(axis, o * axis.inner + i, p, totals, finish, part);
    }
    __syncthreads();
  }
}

template <int SUMS, typename Finish>
__global__ void HN_TEAM_BOUNDS(HN_CUDA_WARP) hn__cuda_add_sums(hn__cuda_axis axis, Finish finish, const double *part) {
  const int lane = hn__cuda_member<HN_CUDA_WARP>();
  int64_t results = axis.outer * axis.inner;
  for (int64_t at = hn__cuda_team<HN_CUDA_WARP>(); at < results; at += hn__cuda_teams<HN_CUDA_WARP>()) {
    double totals[SUMS] = {};
    for (int s = 0; s < SUMS; s++) {
      for (int64_t p = lane; p < axis.parts; p += HN_CUDA_WARP) totals[s] += part[(at * axis.parts + p) * SUMS + s];
      totals[s] = hn__cuda_fold<HN_CUDA_WARP>(totals[s], [](double a, double b) { return a + b; });
    }
    if (lane == 0) finish(at, totals);
  }
}

/* Cuts n into parts where `blocks` would not fill the GPU, each of `least` or more. */
static inline void hn__cuda_cut(hn__device *d, hn__cuda_axis *axis, int sums, int64_t blocks, int64_t least) {
  int64_t most = HN_CUDA_SUMS_BYTES / (int64_t)sizeof(double) / sums / (axis->outer * axis->inner);
  int64_t wanted = (int64_t)hn__cuda_of(d)->properties.multiProcessorCount * 4 / blocks;
  int64_t parts = hn__cuda_least(axis->n / least, hn__cuda_least(most, wanted));
  if (parts <= 1) return;
  axis->chunk = hn__cuda_ceil(axis->n, parts);
  axis->parts = hn__cuda_ceil(axis->n, axis->chunk);
}

template <int SIZE, int SUMS, typename Element, typename Finish>
static hn_status hn__cuda_launch_rows(hn__device *d, hn__cuda_axis axis, Element element, Finish finish) {
  double *part = (double *)(void *)hn__cuda_of(d)->scratch;
  HN_CUDA_CALL(HN_LAUNCH(d, hn__cuda_team_grid<SIZE>(d, axis.outer * axis.parts),
                         (hn__cuda_add_rows<SIZE, SUMS, Element, Finish>), axis, element, finish, part));
  if (axis.parts == 1) return HN_OK;
  return HN_LAUNCH(d, hn__cuda_team_grid<HN_CUDA_WARP>(d, axis.outer), (hn__cuda_add_sums<SUMS, Finish>), axis, finish,
                   (const double *)part);
}

template <int SUMS, typename Element, typename Finish>
static hn_status hn__cuda_row_sums(hn__device *d, int64_t rows, int64_t n, Element element, Finish finish) {
  hn__cuda_axis axis = {rows, n, 1, 1, n, 1, 1};
  bool many = rows >= 1024; /* enough of them to keep the GPU busy with a warp each */
  if (rows == 0) return HN_OK;
  if (n <= 8) return hn__cuda_launch_rows<1, SUMS>(d, axis, element, finish);
  if (n <= (many ? 2048 : 256)) return hn__cuda_launch_rows<HN_CUDA_WARP, SUMS>(d, axis, element, finish);
  hn__cuda_cut(d, &axis, SUMS, rows, 16 * HN_CUDA_BLOCK);
  return hn__cuda_launch_rows<HN_CUDA_BLOCK, SUMS>(d, axis, element, finish);
}

template <int SUMS, typename Element, typename Finish>
static hn_status hn__cuda_column_sums(hn__device *d, int64_t outer, int64_t n, int64_t inner, Element element,
                                      Finish finish) {
  double *part = (double *)(void *)hn__cuda_of(d)->scratch;
  hn__cuda_axis axis = {outer, n, inner, 1, n, hn__cuda_ceil(inner, HN_CUDA_WARP), 1};
  if (outer == 0 || inner == 0) return HN_OK;
  if (inner < HN_CUDA_WARP) axis.at_once = HN_CUDA_WARP / (int)inner;
  hn__cuda_cut(d, &axis, SUMS, outer * axis.tiles, 64 * axis.at_once);
  HN_CUDA_CALL(HN_LAUNCH(d, hn__cuda_team_grid<HN_CUDA_BLOCK>(d, outer * axis.tiles * axis.parts),
                         (hn__cuda_add_columns<SUMS, Element, Finish>), axis, element, finish, part));
  if (axis.parts == 1) return HN_OK;
  return HN_LAUNCH(d, hn__cuda_team_grid<HN_CUDA_WARP>(d, outer * inner), (hn__cuda_add_sums<SUMS, Finish>), axis,
                   finish, (const double *)part);
}

#endif
