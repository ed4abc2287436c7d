/*
 * The gradient of the buckets of a matrix with strips, which own their buckets. A block owns a band of whole strips, 64
 * rows of them or one tall strip, and with it a range of slots that no other block adds to. So it needs no atomics, and
 * its order is fixed: it makes the band's tiles (bucket.h) one after the other, and adds the values of each in the
 * order in which they lie. The slots that have the same number modulo the number of adders belong to one adder, which
 * looks through the tile's runs, as many at a time as it has lanes, for its own:
 *  - line: the 8 half-warps, each of which lists its runs and then adds one after the other, a lane for each bucket;
 *  - element: the 4 warps, which add what they find at once; lanes that have the same slot take turns.
 * The sums lie in shared memory where there is room for the band's buckets, else in global memory.
 *
 * Where bands are few, blocks take parts of the columns, each with sums of its own in the workspace, which a second
 * kernel adds up in order.
 *
 * Costs on an H100 beside the product, for a tile of 4096 weights:
 *  - line: 256 runs are hashed by 128 threads; an adder looks at 16 ballots and adds some 32 runs, each a load of the
 *    tile, and a load and a store of the sums, 64 bytes wide: some 50 cycles of waiting for each, 2000 a tile. The
 *    product takes 32 cycles of an SM for each sample. The waits of four blocks (128 registers, 20 KiB and the band's
 *    sums each) go on at once, so adding is the smaller part from some 20 samples on.
 *  - element: a warp looks at 128 ballots with 8 of its own each, some 100 to 150 cycles: 16000 a tile, 4000 with four
 *    blocks at once (32 KiB and the band's sums each). That bounds it below some 120 samples: 4096 x 4096 take 70 us of
 *    an H100's 132 SMs, where atomics take 105. It is not known what __match_any_sync takes.
 *  - where sums are in global memory, a wait is 600 cycles: ten times that.
 */
#include "bucket.h"

namespace {

/* How the strips go to blocks. */
typedef struct bands {
  int64_t rows, strips; /* of a band */
  int64_t first;        /* the first band of the part */
  int64_t cols;         /* of a part of the columns */
  int64_t copy;         /* floats from the sums of one part of the columns to those of the next */
  bool shared;          /* whether sums are in shared memory */
} bands;

#define RUNS (HN_CUDA_SIDE * HN_CUDA_SIDE / 16) /* of a tile, of line */
#define ADDERS (HN_CUDA_CREW / 16)              /* half-warps */

/* A tile and where its runs go: of line also which of them each adder has, of element a slot's number and, in the
 * lowest bit, its sign. */
template <int GRAIN> struct pieces {
  hn__cuda_tile tile;
  hn__cuda_lines lines;
  uint8_t list[ADDERS][RUNS];
};
template <> struct pieces<1> {
  hn__cuda_tile tile;
  uint32_t slots[HN_CUDA_SIDE][HN_CUDA_SIDE];
};

/* Two threads take a row, each a half of it, starting at different columns: else they met at banks of shared memory. */
template <bool BALANCED>
__device__ __forceinline__ void hash_elements(const hn__cuda_map &map, int64_t i, int64_t j,
                                              uint32_t (&slots)[HN_CUDA_SIDE][HN_CUDA_SIDE]) {
  constexpr int HALF = HN_CUDA_SIDE / 2;
  int r = (int)threadIdx.x / 2, half = (int)threadIdx.x % 2 * HALF;
  if (i + r >= map.rows) return;
  hn__cuda_row<BALANCED> row = hn__cuda_row_of<1, BALANCED>(map, i + r);
  for (int k = 0; k < HALF; k++) {
    int c = half + (k + r) % HALF;
    if (j + c >= map.cols) continue;
    hn__cuda_run run = hn__cuda_run_of<1, BALANCED>(map, row, (uint32_t)(j + c));
    slots[r][c] = run.slot << 1 | run.signs;
  }
}

/* The adder's runs among the tile's first `rows` rows and `cols` columns, in order, into its list; gives their
 * number. */
__device__ __forceinline__ int list_runs(pieces<16> &s, int rows, int cols) {
  constexpr int ACROSS = HN_CUDA_SIDE / 16;
  int l = (int)threadIdx.x % 16, own = (int)threadIdx.x / 16, n = 0;
  for (int base = 0; base < rows * ACROSS; base += 16) {
    int r = (base + l) / ACROSS, g = l % ACROSS;
    bool mine = r < rows && g * 16 < cols && s.lines[r][g].slot % ADDERS == (uint32_t)own;
    unsigned votes = __ballot_sync(0xffffffffu, mine) >> own % 2 * 16 & 0xffff;
    if (mine) s.list[own][n + __popc(votes & ((1u << l) - 1))] = (uint8_t)(base + l);
    n += __popc(votes);
  }
  __syncwarp();
  return n;
}

/* Adds those rows and columns to the sums, which start at slot `first`. A few runs are read before they are added, so
 * that the reads wait together; the additions may meet, so each waits for the one before. */
__device__ __forceinline__ void add_in_order(pieces<16> &s, int rows, int cols, uint32_t first, float *sums) {
  constexpr int ACROSS = HN_CUDA_SIDE / 16, TOGETHER = 4;
  int l = (int)threadIdx.x % 16, own = (int)threadIdx.x / 16, n = list_runs(s, rows, cols);
  for (int k = 0; k < n; k += TOGETHER) {
    float value[TOGETHER];
    int64_t bucket[TOGETHER];
    HN_CUDA_UNROLL()
    for (int q = 0; q < TOGETHER; q++) {
      int b = s.list[own][k + q < n ? k + q : k], c = b % ACROSS * 16 + l;
      hn__cuda_run run = s.lines[b / ACROSS][b % ACROSS];
      bucket[q] = k + q < n && c < cols ? (int64_t)(run.slot - first) * 16 + l : -1;
      value[q] = hn__cuda_signed(s.tile.at[b / ACROSS][c], run.signs, l);
    }
    HN_CUDA_UNROLL()
    for (int q = 0; q < TOGETHER; q++)
      if (bucket[q] >= 0) sums[bucket[q]] += value[q];
  }
}

__device__ __forceinline__ void add_in_order(const pieces<1> &s, int rows, int cols, uint32_t first, float *sums) {
  constexpr int WARPS = HN_CUDA_CREW / HN_CUDA_WARP;
  unsigned lane = threadIdx.x % HN_CUDA_WARP, own = threadIdx.x / HN_CUDA_WARP;
  for (int base = 0; base < rows * HN_CUDA_SIDE; base += HN_CUDA_WARP) {
    int r = base / HN_CUDA_SIDE, c = base % HN_CUDA_SIDE + (int)lane;
    uint32_t packed = c < cols ? s.slots[r][c] : 0, slot = packed >> 1;
    bool mine = c < cols && slot % WARPS == own;
    unsigned all = __ballot_sync(0xffffffffu, mine), same = 0;
    if (mine) same = __match_any_sync(all, slot);
    int turn = __popc(same & ((1u << lane) - 1));
    for (int t = 0; __any_sync(0xffffffffu, mine && turn >= t); t++) {
      if (mine && turn == t) sums[slot - first] += hn__cuda_signed(s.tile.at[r][c], packed & 1, 0);
      __syncwarp();
    }
  }
}

template <int GRAIN, bool BALANCED>
__device__ __forceinline__ void hash_tile(const hn__cuda_map &map, int64_t i, int64_t j, pieces<GRAIN> &s) {
  if constexpr (GRAIN == 16)
    hn__cuda_hash_lines<BALANCED>(map, i, j, s.lines);
  else
    hash_elements<BALANCED>(map, i, j, s.slots);
}

/* The tiles of rows top to bottom and columns left to right. */
template <int GRAIN, bool BALANCED, bool PANEL>
__device__ __forceinline__ void add_band(const hn__cuda_map &map, const hn__cuda_part &p, int64_t top, int64_t bottom,
                                         int64_t left, int64_t right, pieces<GRAIN> &s, uint32_t first, float *sums) {
  for (int64_t i = top; i < bottom; i += HN_CUDA_SIDE)
    for (int64_t j = left; j < right; j += HN_CUDA_SIDE) {
      int rows = bottom - i < HN_CUDA_SIDE ? (int)(bottom - i) : HN_CUDA_SIDE;
      int cols = right - j < HN_CUDA_SIDE ? (int)(right - j) : HN_CUDA_SIDE;
      hash_tile<GRAIN, BALANCED>(map, i, j, s);
      hn__cuda_make_tile<PANEL>(p, i, j, 0, p.batch, s.tile);
      add_in_order(s, rows, cols, first, sums);
      __syncthreads();
    }
}

/* Blocks in x are bands, in y parts of the columns. */
template <int GRAIN, bool BALANCED, bool PANEL>
__global__ void __launch_bounds__(HN_CUDA_CREW, 4) add_bands(hn__cuda_map map, hn__cuda_part p, bands b, float *to) {
  HN_SHARED(pieces<GRAIN>, s);
  HN_SHARED_DYNAMIC(float, room);
  int64_t band = b.first + blockIdx.x, strip = band * b.strips, last = strip + b.strips - 1;
  int64_t top = band * b.rows, bottom = top + b.rows, left = p.j + blockIdx.y * b.cols, right = left + b.cols;
  if (last >= map.strips) last = map.strips - 1;
  if (top < p.i) top = p.i;
  if (bottom > p.i + p.rows) bottom = p.i + p.rows;
  if (right > p.j + p.cols) right = p.j + p.cols;
  hn__bank from = hn__cuda_bank(map, (uint32_t)strip), until = hn__cuda_bank(map, (uint32_t)last);
  int64_t n = (int64_t)(until.first + until.size - from.first) * GRAIN;
  float *own = to + blockIdx.y * b.copy + (int64_t)from.first * GRAIN, *sums = b.shared ? room : own;
  if (b.shared)
    for (int64_t k = threadIdx.x; k < n; k += HN_CUDA_CREW) room[k] = 0;
  __syncthreads();
  add_band<GRAIN, BALANCED, PANEL>(map, p, top, bottom, left, right, s, from.first, sums);
  if (b.shared)
    for (int64_t k = threadIdx.x; k < n; k += HN_CUDA_CREW) own[k] += room[k];
}

/* dw += the sums of all parts of the columns, in order. */
__global__ void add_copies(int64_t n, int64_t copies, const float *from, float *dw) {
  for (int64_t k = hn__cuda_first(); k < n; k += hn__cuda_step()) {
    float sum = 0;
    for (int64_t c = 0; c < copies; c++) sum += from[c * n + k];
    dw[k] += sum;
  }
}

} // namespace

/* -- launches -- */

/* How many parts of the columns: enough for four blocks an SM, if their sums fit ws. */
static int64_t copies_of(hn__device *d, const void *ws, const hn_matrix *v, const hn__cuda_part *p, int64_t n) {
  int64_t wanted = hn__cuda_ceil((int64_t)hn__cuda_of(d)->properties.multiProcessorCount * 4, n);
  int64_t room = ws ? (int64_t)(HN_CUDA_WORKSPACE / sizeof(float)) / v->count : 1;
  int64_t copies = hn__cuda_least(hn__cuda_least(wanted, room), hn__cuda_ceil(p->cols, HN_CUDA_SIDE));
  return copies > 1 ? copies : 1;
}

/* Bytes that the buckets of a band take at most. */
template <int GRAIN> static size_t bytes_of(const hn__cuda_map *map, int64_t strips) {
  int64_t own = hn__cuda_least(strips, map->strips);
  return (size_t)(own * map->slots / map->strips + 1) * GRAIN * sizeof(float);
}

template <int GRAIN, bool BALANCED, bool PANEL>
static hn_status launch(hn__device *d, cudaStream_t stream, const hn_matrix *v, const hn__cuda_part *p, bands b,
                        hn__cuda_grid grid, float *to) {
  if (grid.shared)
    HN_CUDA_TRY(d, cudaFuncSetAttribute(add_bands<GRAIN, BALANCED, PANEL>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        (int)grid.shared));
  return HN_LAUNCH_IN(stream, d, grid, (add_bands<GRAIN, BALANCED, PANEL>), hn__cuda_map_of(v), *p, b, to);
}

template <int GRAIN, bool BALANCED>
static hn_status add_strips(hn__device *d, cudaStream_t stream, float *ws, const hn_matrix *v, const hn__cuda_part *p,
                            float *dw) {
  hn__cuda_map map = hn__cuda_map_of(v);
  bands b = {};
  b.strips = v->strip < HN_CUDA_SIDE ? HN_CUDA_SIDE / v->strip : 1;
  b.rows = b.strips * v->strip;
  b.first = p->i / b.rows;
  int64_t n = hn__cuda_ceil(p->i + p->rows, b.rows) - b.first, copies = copies_of(d, ws, v, p, n);
  b.cols = hn__cuda_ceil(hn__cuda_ceil(p->cols, HN_CUDA_SIDE), copies) * HN_CUDA_SIDE;
  copies = hn__cuda_ceil(p->cols, b.cols);
  size_t bytes = bytes_of<GRAIN>(&map, b.strips);
  b.shared = sizeof(pieces<GRAIN>) + bytes <= hn__cuda_of(d)->shared_most;
  hn__cuda_grid grid = {n, HN_CUDA_CREW, b.shared ? bytes : 0, copies};
  float *to = dw;
  if (copies > 1) {
    b.copy = v->count;
    to = ws;
    HN_CUDA_TRY(d, cudaMemsetAsync(ws, 0, (size_t)(copies * v->count) * sizeof(float), stream));
  }
  HN_CUDA_CALL((p->panel ? launch<GRAIN, BALANCED, true>(d, stream, v, p, b, grid, to)
                         : launch<GRAIN, BALANCED, false>(d, stream, v, p, b, grid, to)));
  if (copies == 1) return HN_OK;
  return HN_LAUNCH_IN(stream, d, hn__cuda_cover(d, v->count), add_copies, v->count, copies, ws, dw);
}

hn_status hn__cuda_add_strips(hn__device *d, cudaStream_t stream, void *ws, const hn_matrix *v, const hn__cuda_part *p,
                              float *dw) {
  return HN_CUDA_BY_SCHEME(v, add_strips, d, stream, (float *)ws, v, p, dw + v->offset);
}
