/*
 * Rows of a table by number: an embedding, dense or virtual, and the bias of a hashed layer (one column, every row).
 */
#include "map.h"
#include "pack.h"

namespace {

const unsigned ALL = 0xffffffffu; /* lanes of a warp */

__device__ __forceinline__ int64_t row_of(const int32_t *ids, int64_t i) { return ids ? ids[i] : i; }

/*
 * How threads stand on rows x cols numbers: 1 << shift along a row, the block's others on the next rows. Blocks in x go
 * down the rows and blocks in y along them; both loop where the grid ends first.
 */
const int64_t BLOCKS = 4096;

typedef struct stand {
  hn__cuda_grid grid;
  int shift;
} stand;

stand stand_for(int64_t rows, int64_t cols) {
  int shift = hn__cuda_shift_for(cols, HN_CUDA_BLOCK);
  int64_t down = hn__cuda_least(hn__cuda_ceil(rows, HN_CUDA_BLOCK >> shift), BLOCKS);
  return {{.x = down, .y = hn__cuda_least(hn__cuda_ceil(cols, 1 << shift), BLOCKS / down)}, shift};
}

typedef struct walk {
  int64_t row, down, col, along; /* the thread's first row and column, and its steps */
} walk;

__device__ __forceinline__ walk walk_of(int shift) {
  int64_t lines = blockDim.x >> shift, across = (int64_t)1 << shift;
  return {blockIdx.x * lines + (threadIdx.x >> shift), gridDim.x * lines,
          blockIdx.y * across + (threadIdx.x & (across - 1)), gridDim.y * across};
}

/*
 * Looking up. A row's threads take neighbouring columns, so what they write is coalesced, and what they read too: of a
 * dense table a row, of a line's run its 64 bytes by 16 threads, each of which hashes for itself.
 *
 * On paper an H100 takes for a million numbers: dense 8 bytes each from HBM (2.4 us); line 4 bytes for HBM, a line from
 * L2 for 16 of them and some 25 integer instructions each, which at 15 T/s bound it with HBM (1.7 us); element a sector
 * of 32 bytes from L2 each, which bounds it (some 6 us); balanced some 150 instructions each (10 us).
 */
template <typename T>
__global__ void dense_rows(int shift, int64_t n, int64_t cols, const T *w, const int32_t *ids, T *out) {
  walk at = walk_of(shift);
  for (int64_t i = at.row; i < n; i += at.down) {
    const T *from = w + row_of(ids, i) * cols;
    for (int64_t j = at.col; j < cols; j += at.along) out[i * cols + j] = from[j];
  }
}

template <int GRAIN, bool BALANCED>
__global__ void hashed_rows(hn__cuda_map map, int shift, int64_t n, const float *w, const int32_t *ids, float *out) {
  walk at = walk_of(shift);
  for (int64_t i = at.row; i < n; i += at.down) {
    hn__cuda_row<BALANCED> row = hn__cuda_row_of<GRAIN, BALANCED>(map, row_of(ids, i));
    for (int64_t j = at.col; j < map.cols; j += at.along) {
      hn__cuda_run run = hn__cuda_run_of<GRAIN, BALANCED>(map, row, (uint32_t)(j / GRAIN));
      int l = (int)(j % GRAIN);
      out[i * map.cols + j] = hn__cuda_signed(w[(int64_t)run.slot * GRAIN + l], run.signs, l);
    }
  }
}

template <int GRAIN, bool BALANCED>
hn_status look_up(hn__device *d, const hn_matrix *v, const float *w, const int32_t *ids, int64_t n, float *out) {
  stand on = stand_for(n, v->cols);
  return HN_LAUNCH(d, on.grid, (hashed_rows<GRAIN, BALANCED>), hn__cuda_map_of(v), on.shift, n, w, ids, out);
}

/*
 * Gradients of a dense table, in the order of the ids, which repeat: sums have the CPU's bits. Each of up to 1024 warps
 * owns the rows whose number is its own modulo their number; it reads all ids, 32 at once, and adds the rows of dout
 * that are its own one after the other, 32 columns at once. Blocks in y take other columns.
 *
 * Reading ids costs each warp n/32 short steps, in L1 and L2: nothing up to some 10^5 of them. On paper 10,000 ids of
 * 128 columns are bound by the chain of additions of one warp, 10 rows of some 0.7 us, and 15 MB of HBM: 10 us. An id
 * that comes a thousand times makes a chain of a thousand, 0.7 ms.
 */
const int OWNERS = 1024;
const int WARPS = HN_CUDA_BLOCK / HN_CUDA_WARP;

__device__ __forceinline__ int64_t warp_of() { return (int64_t)blockIdx.x * WARPS + threadIdx.x / HN_CUDA_WARP; }

__global__ void add_dense(int64_t n, int64_t cols, const int32_t *ids, const float *dout, float *dw) {
  uint32_t own = (uint32_t)warp_of(), others = gridDim.x * WARPS - 1;
  int lane = (int)(threadIdx.x % HN_CUDA_WARP);
  int64_t first = (int64_t)blockIdx.y * HN_CUDA_WARP + lane, along = (int64_t)gridDim.y * HN_CUDA_WARP;
  for (int64_t i = 0; i < n; i += HN_CUDA_WARP) {
    int32_t id = i + lane < n ? ids[i + lane] : -1;
    unsigned hits = __ballot_sync(ALL, id >= 0 && ((uint32_t)id & others) == own);
    for (; hits; hits &= hits - 1) {
      int from = __ffs((int)hits) - 1;
      int64_t row = __shfl_sync(ALL, id, from);
      for (int64_t j = first; j < cols; j += along) dw[row * cols + j] += dout[(i + from) * cols + j];
    }
  }
}

/* Blocks with a warp for every four of n additions, at most one for every place that they go to; a power of two, so
 * that owners are told apart by a mask. */
int64_t owning_blocks(int64_t n, int64_t places) {
  int64_t warps = hn__cuda_least(hn__cuda_ceil(n, 4), places);
  return (int64_t)1 << hn__cuda_shift_for(hn__cuda_ceil(warps, WARPS), OWNERS / WARPS);
}

hn_status dense_grad(hn__device *d, int64_t cols, const int32_t *ids, int64_t n, const float *dout, float *dw) {
  if (!ids) return hn__cuda_copy_rows(d, 1, n * cols, dout, n * cols, dw, n * cols, true);
  hn__cuda_grid grid = {.x = owning_blocks(n, OWNERS)};
  grid.y = hn__cuda_least(hn__cuda_ceil(cols, HN_CUDA_WARP), BLOCKS / grid.x);
  return HN_LAUNCH(d, grid, add_dense, n, cols, ids, dout, dw);
}

/*
 * Gradients of buckets, in whatever order: an atomic addition for each number, done by L2. A line's 16 are one
 * transaction of 64 bytes. On paper a million numbers of line move 4 bytes each from HBM and are bound by the atomics,
 * at an expected 3 us; those of element are a transaction each, some 10 us, and more where many ids are the same.
 */
template <int GRAIN, bool BALANCED>
__global__ void add_atomic(hn__cuda_map map, int shift, int64_t n, const int32_t *ids, const float *dout, float *dw) {
  walk at = walk_of(shift);
  for (int64_t i = at.row; i < n; i += at.down) {
    hn__cuda_row<BALANCED> row = hn__cuda_row_of<GRAIN, BALANCED>(map, row_of(ids, i));
    for (int64_t j = at.col; j < map.cols; j += at.along) {
      hn__cuda_run run = hn__cuda_run_of<GRAIN, BALANCED>(map, row, (uint32_t)(j / GRAIN));
      int l = (int)(j % GRAIN);
      atomicAdd(dw + (int64_t)run.slot * GRAIN + l, hn__cuda_signed(dout[i * map.cols + j], run.signs, l));
    }
  }
}

template <int GRAIN>
hn_status atomic_grad(hn__device *d, const hn_matrix *v, const int32_t *ids, int64_t n, const float *dout, float *dw) {
  stand on = stand_for(n, v->cols);
  return HN_LAUNCH(d, on.grid, (add_atomic<GRAIN, false>), hn__cuda_map_of(v), on.shift, n, ids, dout, dw);
}

/*
 * Gradients of buckets, in order: the runs of all rows are numbered, run g of row i is i * across + g, and taken CHUNK
 * at a time. A first kernel writes their slots and signs to scratch. Then each of up to 1024 warps, which owns the
 * slots whose number is its own modulo their number, reads all of them, 32 at once, and adds those that are its own. So
 * every bucket's sum grows in the order of the runs, by steps that depend on nothing else.
 *
 * Runs of one bucket: all lanes at once; the first lane of several with one slot adds them up in their order. Runs of a
 * line: one after the other, a lane for each bucket.
 *
 * On paper a chunk costs some 1024 steps of 10 instructions in each warp, with 2 warps a scheduler some 15 us on an
 * H100, 2 launches (6 us), and for its owner a chain of 32 additions of some 0.7 us: 45 us in all, whatever the scheme.
 * So 10,000 ids of 128 columns are 3 chunks of line, 0.14 ms, or 40 of element, 1.8 ms; a bias of 10^5 rows is 4, 0.2
 * ms. Fewer slots than owners lengthen the chains: a pool of 16 slots takes some 1.5 ms a chunk of line.
 */
const int64_t CHUNK = HN_CUDA_SCRATCH / (int64_t)sizeof(hn__cuda_run);

template <int GRAIN, bool BALANCED>
__global__ void find_runs(hn__cuda_map map, int64_t first, int64_t n, const int32_t *ids, hn__cuda_run *runs) {
  for (int64_t k = hn__cuda_first(); k < n; k += hn__cuda_step()) {
    int64_t i = (first + k) / map.across;
    hn__cuda_row<BALANCED> row = hn__cuda_row_of<GRAIN, BALANCED>(map, row_of(ids, i));
    runs[k] = hn__cuda_run_of<GRAIN, BALANCED>(map, row, (uint32_t)(first + k - i * map.across));
  }
}

const uint32_t NO_SLOT = 0xffffffffu;

__device__ __forceinline__ hn__cuda_run run_at(const hn__cuda_run *runs, int64_t n, int64_t k) {
  if (k < n) return runs[k];
  return {NO_SLOT, 0};
}

/* dout: from the chunk's first run on, which is its first number as well. */
__global__ void add_elements(int64_t n, const hn__cuda_run *runs, const float *dout, float *dw) {
  uint32_t own = (uint32_t)warp_of(), others = gridDim.x * WARPS - 1;
  int lane = (int)(threadIdx.x % HN_CUDA_WARP);
  for (int64_t k = lane; k - lane < n; k += HN_CUDA_WARP) {
    hn__cuda_run run = run_at(runs, n, k);
    bool mine = run.slot != NO_SLOT && (run.slot & others) == own;
    if (!__any_sync(ALL, mine)) continue;
    float value = mine ? hn__cuda_signed(dout[k], run.signs, 0) : 0.0f, sum = 0;
    unsigned same = __match_any_sync(ALL, mine ? run.slot : NO_SLOT);
    for (int l = 0; l < HN_CUDA_WARP; l++) {
      float theirs = __shfl_sync(ALL, value, l);
      if (same >> l & 1) sum += theirs;
    }
    if (mine && __ffs((int)same) - 1 == lane) dw[run.slot] += sum;
    __syncwarp();
  }
}

/* dout: all of it; `first` is the number of the chunk's first run. */
__global__ void add_lines(int64_t n, int64_t first, int64_t across, int64_t cols, const hn__cuda_run *runs,
                          const float *dout, float *dw) {
  uint32_t own = (uint32_t)warp_of(), others = gridDim.x * WARPS - 1;
  int lane = (int)(threadIdx.x % HN_CUDA_WARP);
  for (int64_t k = 0; k < n; k += HN_CUDA_WARP) {
    hn__cuda_run run = run_at(runs, n, k + lane);
    unsigned hits = __ballot_sync(ALL, run.slot != NO_SLOT && (run.slot & others) == own);
    for (; hits; hits &= hits - 1) {
      int from = __ffs((int)hits) - 1;
      int64_t slot = __shfl_sync(ALL, run.slot, from), i = (first + k + from) / across;
      uint32_t signs = __shfl_sync(ALL, run.signs, from);
      int64_t j = (first + k + from - i * across) * 16 + lane;
      if (lane < 16 && j < cols) dw[slot * 16 + lane] += hn__cuda_signed(dout[i * cols + j], signs, lane);
    }
  }
}

template <int GRAIN, bool BALANCED>
hn_status ordered_grad(hn__device *d, const hn_matrix *v, const int32_t *ids, int64_t n, const float *dout, float *dw) {
  hn__cuda_run *runs = (hn__cuda_run *)hn__cuda_of(d)->scratch;
  hn__cuda_map map = hn__cuda_map_of(v);
  int64_t across = map.across, all = n * across;
  for (int64_t first = 0; first < all; first += CHUNK) {
    int64_t some = hn__cuda_least(CHUNK, all - first);
    hn__cuda_grid grid = {.x = hn__cuda_ceil(some, HN_CUDA_BLOCK)}, owning = {.x = owning_blocks(some, map.slots)};
    HN_CUDA_CALL(HN_LAUNCH(d, grid, (find_runs<GRAIN, BALANCED>), map, first, some, ids, runs));
    HN_CUDA_CALL(GRAIN == 1 ? HN_LAUNCH(d, owning, add_elements, some, runs, dout + first, dw)
                            : HN_LAUNCH(d, owning, add_lines, some, first, across, v->cols, runs, dout, dw));
  }
  return HN_OK;
}

/* The first number out of range: each thread's first takes part in a minimum. */
__global__ void find_first(const int32_t *ids, int64_t n, int64_t limit, unsigned long long *first) {
  for (int64_t i = hn__cuda_first(); i < n; i += hn__cuda_step())
    if (ids[i] < 0 || ids[i] >= limit) {
      atomicMin(first, (unsigned long long)i);
      return;
    }
}

} // namespace

hn_status hn__cuda_lookup(hn__device *d, const hn_matrix *v, const float *w, int64_t cols, const int32_t *ids,
                          int64_t n, float *out) {
  if (n == 0 || cols == 0) return HN_OK;
  if (v) return HN_CUDA_BY_SCHEME(v, look_up, d, v, w + v->offset, ids, n, out);
  if (!ids) return hn__cuda_copy(d, out, w, (size_t)(n * cols) * sizeof(float));
  if (cols % 4 == 0 && hn__cuda_aligned(w) && hn__cuda_aligned(out)) {
    stand on = stand_for(n, cols / 4);
    return HN_LAUNCH(d, on.grid, dense_rows<float4>, on.shift, n, cols / 4, (const float4 *)w, ids, (float4 *)out);
  }
  stand on = stand_for(n, cols);
  return HN_LAUNCH(d, on.grid, dense_rows<float>, on.shift, n, cols, w, ids, out);
}

/* Balanced matrices and those of strips are promised to give the same bits every time; others where the device's name
 * asks for it. */
hn_status hn__cuda_lookup_grad(hn__device *d, const hn_matrix *v, int64_t cols, const int32_t *ids, int64_t n,
                               const float *dout, float *dw) {
  if (n == 0 || cols == 0) return HN_OK;
  if (!v) return dense_grad(d, cols, ids, n, dout, dw);
  if (hn__cuda_of(d)->deterministic || v->balanced || v->strip > 0)
    return HN_CUDA_BY_SCHEME(v, ordered_grad, d, v, ids, n, dout, dw + v->offset);
  return v->scheme == HN_LINE ? atomic_grad<16>(d, v, ids, n, dout, dw + v->offset)
                              : atomic_grad<1>(d, v, ids, n, dout, dw + v->offset);
}

/* The word for none is all ones, which is -1 as well. */
hn_status hn__cuda_find_outside(hn__device *d, const int32_t *ids, int64_t n, int64_t limit, int64_t *host) {
  unsigned long long *first = (unsigned long long *)hn__cuda_of(d)->scratch;
  *host = -1;
  if (n == 0) return HN_OK;
  HN_CUDA_CALL(hn__cuda_usable(d));
  HN_CUDA_TRY(d, cudaMemsetAsync(first, 0xff, sizeof *first, hn__cuda_of(d)->stream));
  HN_CUDA_CALL(HN_LAUNCH(d, hn__cuda_cover(d, n), find_first, ids, n, limit, first));
  return hn__cuda_read(d, host, first, sizeof *host);
}
