/*
 * The gradient of the buckets, fused: tiles of dV (bucket.h) are added to the buckets and forgotten. Two ways are here,
 * for matrices without strips; those with strips are in bucket_strips.cu. Tiles go to blocks one by one; where they are
 * few, blocks also take parts of the samples.
 *
 * Plain: additions of floats in L2, in any order, whose results no one waits for. Costs on an H100 beside the product:
 *  - line: a pair of hashes (24 integer instructions) for 16 weights; the tile is written to shared memory and read
 *    once; a run is one addition of 64 bytes to a line of L2, as four vectors of four floats on sm_90. 2 sectors for 16
 *    weights: 4096 x 4096 make 2.1 million sectors, some 13 us if L2's 96 slices add a sector a cycle; the product
 *    alone is 17 us at 16 samples, so the product bounds it from about there on.
 *  - element: a hash (13 instructions) and a sector for each weight: 8 times the sectors, 105 us. Atomics bound it
 *    below some 100 samples.
 *
 * Fixed: for matrices that must add in one order, and for all where the device is asked to be deterministic. Values
 * become 64-bit integers, whose additions give one sum in any order: those of a range of 2 million buckets lie in the
 * workspace, and are added to dw at the end. The unit is a power of two such that no sum overflows, though all weights
 * of the matrix shared a bucket: with |dV| < bound = samples * max |dy| * max |x|, it is bound * weights * 2^-62, so a
 * value has 62 - log2(weights) bits below the bound, 38 for 4096 x 4096. Twice the bytes of the plain way (line: 4
 * sectors a run and no vectors; element: still one sector a weight), two conversions a weight, 16 MiB to clear and
 * read; buckets beyond the range take another pass, product and hashes and all. The bound is found by a kernel, so the
 * host waits for nothing. Where it is no number or beyond floats, every bucket of the matrix becomes NaN: those of the
 * CPU's that stay finite are not told apart.
 *
 * Occupancy: 96 registers (sm_80, sm_90) let 5 blocks of 4 warps on an SM, 20 of 64 warps, which is enough for the
 * product: a thread has 32 sums that do not wait for each other. 18 KiB of shared memory (line), 16 KiB (element).
 */
#include "bucket.h"
#include "largest.h"

namespace {

typedef unsigned long long word;

#define SUMS ((int64_t)(HN_CUDA_WORKSPACE / sizeof(word))) /* whole lines */

/* -- where values go: a thread calls start() first; add() gets n neighbouring values of a run, their signs, and the
 * bucket
 *    of the first -- */

struct plain {
  float *dw;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  static constexpr int VECTOR = 4;
#else
  static constexpr int VECTOR = 1;
#endif

  __device__ __forceinline__ void start() {}
  __device__ __forceinline__ void add(int64_t bucket, const float *value, uint32_t signs, int n) const {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    if (n == VECTOR) {
      float4 v = make_float4(hn__cuda_signed(value[0], signs, 0), hn__cuda_signed(value[1], signs, 1),
                             hn__cuda_signed(value[2], signs, 2), hn__cuda_signed(value[3], signs, 3));
      atomicAdd((float4 *)(dw + bucket), v);
      return;
    }
#endif
    for (int k = 0; k < n; k++) atomicAdd(dw + bucket + k, hn__cuda_signed(value[k], signs, k));
  }
};

/* The greatest absolute values of dy and x, as the bits of floats, whose order is the same and puts NaN last. */
typedef struct bound {
  unsigned dy, x;
} bound;

struct fixed {
  word *sums; /* of buckets first to first + count */
  int64_t first, count;
  const bound *most;
  int samples, weights; /* powers of two that they do not exceed */
  float scale;          /* 2^shift */
  static constexpr int VECTOR = 1;

  __device__ __forceinline__ int exponent() const { return (int)(most->dy >> 23) + (int)(most->x >> 23) - 252; }
  /* Whether the gradients have a bound that is a float: each is below 2^exponent * 2^samples. */
  __device__ __forceinline__ bool has_bound() const {
    return most->dy >> 23 < 255 && most->x >> 23 < 255 && exponent() + samples <= 127;
  }
  /* Values are counted in units of 2^-shift; 2^shift and its inverse are floats. */
  __device__ __forceinline__ int shift() const {
    int s = 62 - exponent() - samples - weights;
    return s > 126 ? 126 : s < -126 ? -126 : s;
  }
  static __device__ __forceinline__ float power(int e) { return __uint_as_float((unsigned)(e + 127) << 23); }

  __device__ __forceinline__ void start() { scale = power(shift()); }
  __device__ __forceinline__ void add(int64_t bucket, const float *value, uint32_t signs, int) const {
    float units = rintf(hn__cuda_signed(*value, signs, 0) * scale);
    if (bucket >= first && bucket < first + count) atomicAdd(sums + bucket - first, (word)(long long)units);
  }
};

/* -- a tile's values -- */

/* 16 / VECTOR threads take a run, and go on with the run as many runs further as there are such groups. */
template <typename To>
__device__ __forceinline__ void add_lines(const hn__cuda_part &p, int64_t i, int64_t j, const hn__cuda_tile &tile,
                                          const hn__cuda_lines &lines, const To &to) {
  constexpr int ACROSS = HN_CUDA_SIDE / 16, GROUP = 16 / To::VECTOR;
  int l = (int)threadIdx.x % GROUP * To::VECTOR;
  for (int k = (int)threadIdx.x / GROUP; k < HN_CUDA_SIDE * ACROSS; k += HN_CUDA_CREW / GROUP) {
    int r = k / ACROSS, c = k % ACROSS * 16 + l;
    int64_t left = p.j + p.cols - (j + c);
    if (i + r >= p.i + p.rows || left <= 0) continue;
    hn__cuda_run run = lines[r][k % ACROSS];
    to.add((int64_t)run.slot * 16 + l, &tile.at[r][c], run.signs >> l, left < To::VECTOR ? (int)left : To::VECTOR);
  }
}

/* Two threads take a row, each a half of it, starting at different columns: else they met at banks of shared memory. */
template <bool BALANCED, typename To>
__device__ __forceinline__ void add_elements(const hn__cuda_map &map, const hn__cuda_part &p, int64_t i, int64_t j,
                                             const hn__cuda_tile &tile, const To &to) {
  constexpr int HALF = HN_CUDA_SIDE / 2;
  int r = (int)threadIdx.x / 2, half = (int)threadIdx.x % 2 * HALF;
  if (i + r >= p.i + p.rows) return;
  hn__cuda_row<BALANCED> row = hn__cuda_row_of<1, BALANCED>(map, i + r);
  for (int k = 0; k < HALF; k++) {
    int c = half + (k + r) % HALF;
    if (j + c >= p.j + p.cols) continue;
    hn__cuda_run run = hn__cuda_run_of<1, BALANCED>(map, row, (uint32_t)(j + c));
    to.add(run.slot, &tile.at[r][c], run.signs, 1);
  }
}

/* Blocks in y take `samples` samples each. */
template <int GRAIN, bool BALANCED, bool PANEL, typename To>
__global__ void __launch_bounds__(HN_CUDA_CREW) add_tiles(hn__cuda_map map, hn__cuda_part p, int64_t samples, To to) {
  HN_SHARED(hn__cuda_tile, tile);
  HN_SHARED(hn__cuda_lines, lines);
  to.start();
  int64_t across = (p.cols + HN_CUDA_SIDE - 1) / HN_CUDA_SIDE,
          tiles = (p.rows + HN_CUDA_SIDE - 1) / HN_CUDA_SIDE * across;
  int64_t first = blockIdx.y * samples, end = first + samples < p.batch ? first + samples : p.batch;
  for (int64_t t = blockIdx.x; t < tiles; t += gridDim.x) {
    int64_t i = p.i + t / across * HN_CUDA_SIDE, j = p.j + t % across * HN_CUDA_SIDE;
    if constexpr (GRAIN == 16) hn__cuda_hash_lines<BALANCED>(map, i, j, lines);
    hn__cuda_make_tile<PANEL>(p, i, j, first, end, tile);
    if constexpr (GRAIN == 16)
      add_lines(p, i, j, tile, lines, to);
    else
      add_elements<BALANCED>(map, p, i, j, tile, to);
    __syncthreads();
  }
}

__global__ void add_sums(fixed from, float *dw) {
  float unit = fixed::power(-from.shift());
  for (int64_t k = hn__cuda_first(); k < from.count; k += hn__cuda_step())
    dw[from.first + k] += from.has_bound() ? (float)(long long)from.sums[k] * unit : NAN;
}

} // namespace

/* -- launches -- */

#define SHARE 128 /* samples that a block takes at least, unless there are no more */

/* How many samples a block takes: fewer where the tiles alone are not two for each SM. */
static int64_t samples_of(hn__device *d, const hn__cuda_part *p, int64_t tiles) {
  int64_t blocks = 2 * hn__cuda_of(d)->properties.multiProcessorCount;
  int64_t shares = hn__cuda_least(hn__cuda_ceil(blocks, tiles), hn__cuda_ceil(p->batch, SHARE));
  return p->panel ? p->batch : hn__cuda_ceil(hn__cuda_ceil(p->batch, shares), HN_CUDA_DEPTH) * HN_CUDA_DEPTH;
}

template <int GRAIN, bool BALANCED, bool PANEL, typename To>
static hn_status launch(hn__device *d, cudaStream_t stream, const hn_matrix *v, const hn__cuda_part *p, To to) {
  int64_t tiles = hn__cuda_ceil(p->rows, HN_CUDA_SIDE) * hn__cuda_ceil(p->cols, HN_CUDA_SIDE);
  int64_t samples = samples_of(d, p, tiles);
  hn__cuda_grid grid = {hn__cuda_least(tiles, INT32_MAX), HN_CUDA_CREW, 0,
                        PANEL ? 1 : hn__cuda_ceil(p->batch, samples)};
  return HN_LAUNCH_IN(stream, d, grid, (add_tiles<GRAIN, BALANCED, PANEL, To>), hn__cuda_map_of(v), *p, samples, to);
}

template <int GRAIN>
static hn_status launch_plain(hn__device *d, cudaStream_t stream, const hn_matrix *v, const hn__cuda_part *p,
                              float *dw) {
  plain to = {dw};
  return p->panel ? launch<GRAIN, false, true>(d, stream, v, p, to) : launch<GRAIN, false, false>(d, stream, v, p, to);
}

hn_status hn__cuda_add_plain(hn__device *d, cudaStream_t stream, const hn_matrix *v, const hn__cuda_part *p,
                             float *dw) {
  float *to = dw + v->offset;
  return v->scheme == HN_LINE ? launch_plain<16>(d, stream, v, p, to) : launch_plain<1>(d, stream, v, p, to);
}

/* -- the fixed way -- */

/* The smallest b with 2^b >= n. */
static int bits_of(int64_t n) {
  int b = 0;
  while (b < 62 && ((int64_t)1 << b) < n) b++;
  return b;
}

static hn_status find_bound(hn__device *d, const hn__cuda_part *p, bound *most) {
  int64_t dy = p->batch * p->dy_width, x = p->batch * p->x_width;
  HN_CUDA_CALL(hn__cuda_zero(d, most, sizeof *most));
  HN_CUDA_CALL(HN_LAUNCH(d, hn__cuda_cover(d, dy), hn__cuda_find_largest, dy, p->dy, &most->dy));
  return HN_LAUNCH(d, hn__cuda_cover(d, x), hn__cuda_find_largest, x, p->x, &most->x);
}

template <int GRAIN, bool BALANCED>
static hn_status add_fixed(hn__device *d, void *ws, const hn_matrix *v, const hn__cuda_part *p, float *dw) {
  bound *most = (bound *)hn__cuda_of(d)->scratch;
  cudaStream_t stream = hn__cuda_of(d)->stream;
  HN_CUDA_CALL(find_bound(d, p, most));
  for (int64_t first = 0; first < v->count; first += SUMS) {
    int64_t count = hn__cuda_least(v->count - first, SUMS);
    fixed to = {(word *)ws, first, count, most, bits_of(p->batch), bits_of(v->rows * v->cols), 0};
    HN_CUDA_CALL(hn__cuda_zero(d, ws, (size_t)count * sizeof(word)));
    HN_CUDA_CALL((launch<GRAIN, BALANCED, false>(d, stream, v, p, to)));
    HN_CUDA_CALL(HN_LAUNCH(d, hn__cuda_cover(d, count), add_sums, to, dw));
  }
  return HN_OK;
}

hn_status hn__cuda_tile_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                    const float *x, float *dw) {
  hn__cuda_part p = hn__cuda_whole(v, batch, dy, x);
  if (batch == 0) return HN_OK;
  if (v->strip > 0) return hn__cuda_add_strips(d, hn__cuda_of(d)->stream, ws, v, &p, dw);
  if (v->balanced || hn__cuda_of(d)->deterministic)
    return HN_CUDA_BY_SCHEME(v, add_fixed, d, ws, v, &p, dw + v->offset);
  return hn__cuda_add_plain(d, hn__cuda_of(d)->stream, v, &p, dw);
}
