/*
 * Fused products with a hashed matrix: C (samples x N) += A (samples x K) V^T or A V, as a classic product of tiles in
 * shared memory, but V's tiles are made there from the buckets and never written to global memory.
 *
 * A block makes M samples by 128 columns of C (M: 16, 32, 64 or 128) in steps of 16 along K. While the threads multiply
 * one pair of tiles, each with a piece of TM x TN results in registers, the values of the next pair are on their way
 * into registers; they go to the other half of the shared memory afterwards: one barrier a step. Both tiles lie there
 * with k downwards, so a thread reads its operands as float4.
 *
 * V's tile:
 *  - line: of the tile's 128 runs a lane hashes one; then four lanes at a time get a run by shuffles and read its 64
 *    bytes as float4s. Signs are flipped on the way to shared memory.
 *  - element: a thread makes weights one below the other; neighbouring lanes have neighbouring columns of the tile.
 * What the runs of a row share is computed once and kept in shared memory: with K along the columns of V (forward) for
 * the tile's 128 rows, else for the next 128 rows at a time.
 *
 * Small layers have few tiles, so K is split over blocks: each writes its partial sums into ws, and a second kernel
 * adds them up in order.
 *
 * On paper, an H100 (132 SMs, 1.7 GHz, 128 FMAs a cycle and SM), per weight and block that makes it:
 *  - product: M FMAs; 4x8 results a thread take 3 float4s of shared memory for 32 FMAs, 3 of the 8 cycles that these
 *    take. Bound by FMAs (57 TFLOP/s at most) as soon as M is well above the cost of making a weight:
 *  - line: 2 hashes in 16 weights, 1/4 load of 16 bytes, 2 instructions for the sign, 1 store: 6 instructions; 4 bytes
 *    from L2, coalesced by lines. That is 5 % of the product with M = 128, 10 % with 64, 40 % with 16 (where L2's 5.5
 *    TB/s would allow 1.4e12 weights a second, and instructions 5e12 without any product).
 *  - element: a hash, a gather of one sector and a store, 20 instructions and 32 bytes of L2: 1.7e11 weights a second
 *    are L2's bound, which the product meets at M = 170. Buckets that fit L1 do better.
 *  - balanced: 130 instructions a run, 8 a weight of line; of element they are more than the product of 128 samples.
 * HBM sees A, C and the buckets once; V has no bytes there, where a dense layer reads 4 a weight.
 * Tensor cores (TF32) make the product some 8 times cheaper; line is then bound by shared memory, which each warp's 32
 * by 32 results read 16 bytes of for 64 FMAs, and by the 6 instructions of a weight.
 * Registers (sm_90): 95 to 128 for 64 and 128 samples, 512 threads on an SM, a quarter of its warps, with 32
 * independent FMAs each; up to 168 for 16 and 32 samples, 3 blocks of 128. Shared memory: 20 to 45 KiB a block. Never
 * measured.
 */
#ifndef HN_CUDA_TILE_H
#define HN_CUDA_TILE_H

#include "tile_product.h"

/* -- A's tile: four lanes bring 16 floats of a sample. Samples beyond the last are that one: nobody reads their
 * results. -- */

/* `left` of K are still to come. */
template <typename T>
__device__ __forceinline__ void hn__cuda_fetch_a(const hn__cuda_product &p, int64_t top, int64_t k, int left,
                                                 hn__cuda_fetched<T> &f) {
  HN_CUDA_UNROLL()
  for (int s = 0; s < T::A_EACH; s++) {
    int at = (int)threadIdx.x + s * T::THREADS, q = at % 4 * 4;
    int64_t b = top + at / 4;
    f.a[s] = hn__cuda_load4(p.a + (b < p.batch ? b : p.batch - 1) * p.k + k + q, left - q, p.a4);
  }
}

template <typename T> __device__ __forceinline__ void hn__cuda_store_a(float *tile, const hn__cuda_fetched<T> &f) {
  HN_CUDA_UNROLL()
  for (int s = 0; s < T::A_EACH; s++) {
    int at = (int)threadIdx.x + s * T::THREADS, m = at / 4, q = at % 4;
    if (m < T::M) hn__cuda_put_down<T::A_WIDE>(tile, 4 * q, m, hn__cuda_operand4<T::TF32>(f.a[s]));
  }
}

/* -- V's tile -- */

/* What the runs of 128 rows from `first` on share. */
template <typename T>
__device__ __forceinline__ void hn__cuda_make_rows(const hn__cuda_map &map, int64_t first,
                                                   hn__cuda_row<T::BALANCED> *rows) {
  for (int r = (int)threadIdx.x; r < HN_CUDA_TILE_N; r += T::THREADS) {
    int64_t i = first + r;
    rows[r] = hn__cuda_row_of<T::GRAIN, T::BALANCED>(map, i < map.rows ? i : map.rows - 1);
  }
}

/* The lane's run of steps `step` to step + AHEAD: forward's tile is one run wide and 128 rows high, the other one is 8
 * runs wide and 16 rows high. `rows` are those of the tile's rows, `left` is V's column of k = 0 or of n = 0. */
template <typename T>
__device__ __forceinline__ hn__cuda_run hn__cuda_lane_run(const hn__cuda_map &map,
                                                          const hn__cuda_row<T::BALANCED> *rows, int64_t left) {
  int warp = (int)threadIdx.x / HN_CUDA_WARP, lane = (int)threadIdx.x % HN_CUDA_WARP;
  int r = warp * T::RUNS + lane % T::RUNS, later = lane / T::RUNS;
  int row = T::ACROSS ? r : later * HN_CUDA_TILE_K + r / 8;
  uint32_t g = (uint32_t)(left / 16) + (uint32_t)(T::ACROSS ? later : r % 8);
  return hn__cuda_run_of<16, T::BALANCED>(map, rows[row], g < map.across ? g : map.across - 1);
}

/* Brings the weights of the step that is number `step` of the block, at k of K and n of N. */
template <typename T>
__device__ __forceinline__ void hn__cuda_fetch_w(const hn__cuda_product &p, const hn__cuda_row<T::BALANCED> *rows,
                                                 int step, int64_t k, int64_t n, hn__cuda_fetched<T> &f) {
  constexpr unsigned ALL = 0xffffffffu;
  if (!T::ACROSS) rows += step % (HN_CUDA_TILE_N / HN_CUDA_TILE_K) * HN_CUDA_TILE_K;
  if constexpr (T::GRAIN == 16) {
    int lane = (int)threadIdx.x % HN_CUDA_WARP, ahead = step % T::AHEAD;
    if (ahead == 0) f.run = hn__cuda_lane_run<T>(p.map, rows, T::ACROSS ? k : n);
    HN_CUDA_UNROLL()
    for (int s = 0; s < T::RUNS / 8; s++) {
      int from = ahead * T::RUNS + s * 8 + lane / 4;
      uint32_t slot = __shfl_sync(ALL, f.run.slot, from);
      f.signs[s] = __shfl_sync(ALL, f.run.signs, from) >> lane % 4 * 4;
      *reinterpret_cast<float4 *>(f.w + 4 * s) =
          __ldg(reinterpret_cast<const float4 *>(p.w + (int64_t)slot * 16 + lane % 4 * 4));
    }
  } else {
    int at = (int)threadIdx.x % HN_CUDA_TILE_N, below = (int)threadIdx.x / HN_CUDA_TILE_N;
    f.signs[0] = 0;
    HN_CUDA_UNROLL()
    for (int u = 0; u < T::W_EACH; u++) {
      int down = u * (T::THREADS / HN_CUDA_TILE_N) + below;
      int64_t j = T::ACROSS ? k + down : n + at;
      const hn__cuda_row<T::BALANCED> &row = rows[T::ACROSS ? at : down];
      hn__cuda_run run = hn__cuda_run_of<1, T::BALANCED>(p.map, row, (uint32_t)(j < p.map.cols ? j : p.map.cols - 1));
      f.signs[0] |= (run.signs & 1) << u;
      f.w[u] = __ldg(p.w + run.slot);
    }
  }
}

/* Those beyond K are zeros: there may be NaN in the buckets that they would have. */
template <typename T>
__device__ __forceinline__ void hn__cuda_store_w(int left, float *tile, const hn__cuda_fetched<T> &f) {
  int warp = (int)threadIdx.x / HN_CUDA_WARP, lane = (int)threadIdx.x % HN_CUDA_WARP;
  bool whole = left >= HN_CUDA_TILE_K;
  if constexpr (T::GRAIN == 16) {
    HN_CUDA_UNROLL()
    for (int s = 0; s < T::RUNS / 8; s++) {
      int r = warp * T::RUNS + s * 8, q = lane % 4;
      float4 v = hn__cuda_signed4(make_float4(f.w[4 * s], f.w[4 * s + 1], f.w[4 * s + 2], f.w[4 * s + 3]), f.signs[s]);
      v = hn__cuda_operand4<T::TF32>(v);
      if (T::ACROSS) {
        if (!whole) v = hn__cuda_first4(v, left - 4 * q);
        hn__cuda_put_down<T::W_WIDE>(tile, 4 * q, r + lane / 4, v);
      } else {
        if (!whole) v = hn__cuda_first4(v, r / 8 < left ? 4 : 0);
        *reinterpret_cast<float4 *>(tile + hn__cuda_at<T::W_WIDE>(r / 8, 4 * lane)) = v;
      }
    }
  } else {
    int at = (int)threadIdx.x % HN_CUDA_TILE_N, below = (int)threadIdx.x / HN_CUDA_TILE_N;
    HN_CUDA_UNROLL()
    for (int u = 0; u < T::W_EACH; u++) {
      int down = u * (T::THREADS / HN_CUDA_TILE_N) + below;
      float v = hn__cuda_signed(f.w[u], f.signs[0], u);
      tile[hn__cuda_at<HN_CUDA_TILE_N>(down, at)] = whole || down < left ? v : 0;
    }
  }
}

/* -- the kernel -- */

/* Block x: a tile of C, block y: a split. */
template <typename T>
__global__ __launch_bounds__(T::THREADS, T::BLOCKS) void hn__cuda_tile_kernel(hn__cuda_product p) {
  using memory = hn__cuda_tile_memory<T>;
  HN_SHARED(memory, s);
  int64_t n = (int64_t)blockIdx.x % p.across * HN_CUDA_TILE_N, top = (int64_t)blockIdx.x / p.across * T::M;
  int64_t first = (int64_t)blockIdx.y * p.steps * HN_CUDA_TILE_K;
  int k_left = (int)(p.k - first), steps = k_left / HN_CUDA_TILE_K + (k_left % HN_CUDA_TILE_K > 0);
  if (steps > p.steps) steps = p.steps;
  hn__cuda_fetched<T> f;
  hn__cuda_sums<T> sum;
  hn__cuda_clear<T>(sum);
  for (int step = 0; step <= steps; step++) {
    int64_t k = first + (int64_t)step * HN_CUDA_TILE_K;
    int left = (int)(p.k - k);
    bool more = step < steps;
    if (T::ACROSS ? step == 0 : more && step % (HN_CUDA_TILE_N / HN_CUDA_TILE_K) == 0) {
      hn__cuda_make_rows<T>(p.map, T::ACROSS ? n : k, s.rows);
      __syncthreads();
    }
    if (more) {
      hn__cuda_fetch_a<T>(p, top, k, left, f);
      hn__cuda_fetch_w<T>(p, s.rows, step, k, n, f);
    }
    if (step > 0) hn__cuda_tile_product<T>(s.a[(step - 1) & 1], s.w[(step - 1) & 1], sum);
    if (more) {
      hn__cuda_store_a<T>(s.a[step & 1], f);
      hn__cuda_store_w<T>(left, s.w[step & 1], f);
      __syncthreads();
    }
  }
  hn__cuda_give<T>(p, top, n, sum, s.w[0]);
}

/* -- launches -- */

/* forward.cu: to[i] += parts[i] + parts[n + i] + ..., `count` of them, in order. */
hn_status hn__cuda_add_parts(hn__device *d, const float *parts, int64_t count, int64_t n, float *to);

static inline bool hn__cuda_aligned(const float *p, int64_t width) { return (uintptr_t)p % 16 == 0 && width % 4 == 0; }

/* With n and k for forward, or else for the gradient of the input. */
static inline hn__cuda_product hn__cuda_product_of(const hn_matrix *v, bool forward, const float *w, int64_t batch,
                                                   const float *a, float *to) {
  hn__cuda_product p = {};
  p.map = hn__cuda_map_of(v);
  p.w = w + v->offset;
  p.a = a;
  p.to = to;
  p.batch = batch;
  p.n = forward ? v->rows : v->cols;
  p.k = forward ? v->cols : v->rows;
  return p;
}

/* The samples that a block takes: those M for which the products of full tiles and the making of weights, as much as
 * `making` products each, are fewest. */
static inline int hn__cuda_tile_m(int64_t batch, int making) {
  int best = 16;
  for (int m = 32; m <= 128; m *= 2)
    if (hn__cuda_ceil(batch, m) * (m + making) <= hn__cuda_ceil(batch, best) * (best + making)) best = m;
  return best;
}

/* Steps of a split: SMs work through `blocks` times the splits, one after the other; a split costs a few steps more at
 * its start, and the second kernel some as well. */
static inline int64_t hn__cuda_steps(hn__device *d, int64_t blocks, int64_t steps, int64_t results) {
  const int64_t start = 2, second = 6, sms = hn__cuda_of(d)->properties.multiProcessorCount;
  int64_t room = (int64_t)(HN_CUDA_WORKSPACE / sizeof(float)) / results;
  int64_t best = steps, cost = hn__cuda_ceil(blocks, sms) * (steps + start);
  for (int64_t splits = 2; splits <= hn__cuda_least(room, 64) && splits <= steps; splits++) {
    int64_t each = hn__cuda_ceil(steps, splits);
    int64_t now = hn__cuda_ceil(blocks * hn__cuda_ceil(steps, each), sms) * (each + start) + second + splits / 8;
    if (now < cost) best = each, cost = now;
  }
  return best;
}

template <typename T> static hn_status hn__cuda_tile_run(hn__device *d, void *ws, hn__cuda_product p) {
  int64_t steps = hn__cuda_ceil(p.k, HN_CUDA_TILE_K), results = p.batch * p.n;
  float *to = p.to;
  p.across = hn__cuda_ceil(p.n, HN_CUDA_TILE_N);
  int64_t blocks = p.across * hn__cuda_ceil(p.batch, T::M);
  p.steps = (int)hn__cuda_steps(d, blocks, steps, results);
  hn__cuda_grid grid = {.x = blocks, .threads = T::THREADS, .y = hn__cuda_ceil(steps, p.steps)};
  p.add = grid.y == 1;
  if (!p.add) p.to = (float *)ws;
  p.a4 = hn__cuda_aligned(p.a, p.k);
  p.to4 = hn__cuda_aligned(p.to, p.n);
  HN_CUDA_CALL(HN_LAUNCH(d, grid, hn__cuda_tile_kernel<T>, p));
  return p.add ? HN_OK : hn__cuda_add_parts(d, p.to, grid.y, results, to);
}

/* The product in the kernel for its batch. */
template <int GRAIN, bool BALANCED, bool ACROSS, bool TF32>
static hn_status hn__cuda_tile_by_batch(hn__device *d, void *ws, const hn__cuda_product &p) {
  switch (hn__cuda_tile_m(p.batch, GRAIN == 16 ? BALANCED ? 12 : 6 : BALANCED ? 120 : 20)) {
  case 16: return hn__cuda_tile_run<hn__cuda_tile<16, GRAIN, BALANCED, ACROSS, TF32>>(d, ws, p);
  case 32: return hn__cuda_tile_run<hn__cuda_tile<32, GRAIN, BALANCED, ACROSS, TF32>>(d, ws, p);
  case 64: return hn__cuda_tile_run<hn__cuda_tile<64, GRAIN, BALANCED, ACROSS, TF32>>(d, ws, p);
  default: return hn__cuda_tile_run<hn__cuda_tile<128, GRAIN, BALANCED, ACROSS, TF32>>(d, ws, p);
  }
}

/* Tensor cores, if asked for, multiply `line`; `element` is bound by its hashes. */
template <int GRAIN, bool BALANCED, bool ACROSS>
static hn_status hn__cuda_tile_product_of(hn__device *d, void *ws, const hn__cuda_product &p) {
  if constexpr (GRAIN == 16)
    if (HN_CUDA_MMA && hn__cuda_of(d)->tf32 && hn__cuda_of(d)->capability >= 80)
      return hn__cuda_tile_by_batch<GRAIN, BALANCED, ACROSS, true>(d, ws, p);
  return hn__cuda_tile_by_batch<GRAIN, BALANCED, ACROSS, false>(d, ws, p);
}

#endif
