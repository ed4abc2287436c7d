/*
 * Hashed products of up to eight samples: weights are made in registers, multiplied with every sample and forgotten.
 *
 * Both kernels make weights in patches of 4 rows by 128 columns, a warp each, of which a lane gets 4 weights a row:
 *  - line: the patch has 32 runs, and each lane hashes one. Then four lanes at a time get a run by shuffles, a row at a
 *    time, and read its 64 bytes as float4s; a lane has neighbouring columns.
 *  - element: each lane hashes and gathers for itself; its columns are 32 apart, so that a warp reads samples
 *    coalesced.
 *
 * forward: a block owns 4 rows, its warps take patches along them. A lane's sums, 4 rows by the samples, are added up
 * over the warp by shuffles, then over the warps in order.
 * gradient of the input: a block owns 128 columns, its warps take 32 rows at a time, 8 patches. A lane sums up for its
 * 4 columns; the warps' sums are added up in a tree.
 * Few rows (columns) give few blocks, so each also has splits of the other side: their partial sums go into ws, and a
 * second kernel adds them up in order.
 *
 * Where a block uses each bucket often enough, it copies the buckets into shared memory first: the whole matrix' or, in
 * forward, those of a strip after the other.
 *
 * On paper, an H100 (132 SMs, 1.7 GHz; a warp a step is 4 by 128 weights, instructions are a warp's):
 *  - line: 2 hashes a lane (some 35 instructions), then per row 2 shuffles, 1 load of 512 bytes, 10 for addresses and
 *    signs, 4 FMAs a sample; forward loads 512 bytes of each sample a step, the gradient reads 4 numbers. At batch 1
 *    that is some 0.2 instructions a weight, a limit of 4e12 weights a second. Each weight takes 4 bytes from L2, whose
 *    5.5 TB/s are the bound: 1.4e12 weights a second, 0.6 of the time of a dense product that reads HBM. From shared
 *    memory (two lines may meet in a bank: some 6 cycles for 512 bytes) instructions are the bound, at 0.2 of dense. At
 *    batch 8 32 of 50 instructions a row are FMAs, a limit of 1.9e12: both bounds nearly meet.
 *  - element: a hash and a gather a weight, 20 instructions for it, 32 bytes of L2: bound by L2 at 1.7e11 weights a
 *    second (5 times dense); from shared memory some 3 lanes meet in a bank, so that instructions, 1.4e12, are the
 *    bound.
 *  - balanced: 130 instructions more a run. Small for line (8 a weight), all there is for element: 2e11 weights a
 *    second.
 * HBM sees the samples, results and buckets alone. Registers (sm_90): line 40 to 64 up to batch 4, 4 blocks of 8 warps
 * on an SM, half of its warps; 77 to 90 at batch 8, 2 or 3 blocks. With copies one or two blocks of 16 warps. Never
 * measured.
 */
#include "tile.h"

#define ROWS 4                     /* of a patch */
#define COLS 128                   /* of a patch */
#define USES 8                     /* of a bucket by a block that pay for copying it */
#define LARGE 512                  /* threads of a block with buckets in shared memory */
#define RESERVE ((size_t)40 << 10) /* bytes of shared memory for all else */
#define ALL 0xffffffffu

/* A product as the kernels get it. */
typedef struct direct {
  hn__cuda_map map;
  const float *w, *in; /* w from the matrix' offset */
  float *to;           /* the result, or the partial sums of the first split */
  int batch;
  bool aligned, by_strip, add; /* rows of in start at multiples of 16 bytes; banks are copied; add to the result */
  uint32_t high, groups;       /* forward: rows that share a copy of buckets, and groups of 4 rows in these */
  uint32_t each;               /* forward: groups of a block */
  uint32_t pieces, part;       /* of the side that sums run along (patches or chunks), and of a split */
} direct;

__device__ __forceinline__ int lane_of() { return (int)threadIdx.x % HN_CUDA_WARP; }
__device__ __forceinline__ int warp_of() { return (int)threadIdx.x / HN_CUDA_WARP; }
__device__ __forceinline__ int warps_of() { return (int)blockDim.x / HN_CUDA_WARP; }

/* The column of weight c of a lane, counted from the patch's first. */
template <int GRAIN> __device__ __forceinline__ int column(int c) {
  return GRAIN == 16 ? 4 * lane_of() + c : lane_of() + c * HN_CUDA_WARP;
}

/* The lane's weights of a patch; w starts with slot `first`. Columns beyond the last are that one. */
template <int GRAIN, bool BALANCED>
__device__ __forceinline__ void make(const hn__cuda_map &map, const hn__cuda_row<BALANCED> *rows, uint32_t patch,
                                     const float *w, uint32_t first, float4 (&v)[ROWS]) {
  int lane = lane_of();
  if constexpr (GRAIN == 16) {
    uint32_t g = patch * (COLS / 16) + (uint32_t)(lane % 8);
    hn__cuda_run run = hn__cuda_run_of<16, BALANCED>(map, rows[lane / 8], g < map.across ? g : map.across - 1);
    HN_CUDA_UNROLL()
    for (int r = 0; r < ROWS; r++) {
      uint32_t slot = __shfl_sync(ALL, run.slot, r * 8 + lane / 4) - first;
      uint32_t signs = __shfl_sync(ALL, run.signs, r * 8 + lane / 4) >> lane % 4 * 4;
      v[r] = hn__cuda_signed4(*reinterpret_cast<const float4 *>(w + (size_t)slot * 16 + lane % 4 * 4), signs);
    }
  } else {
    HN_CUDA_UNROLL()
    for (int r = 0; r < ROWS; r++) {
      if (BALANCED) __syncwarp(); /* one row after the other: all of them together don't fit the registers */
      float each[4];
      HN_CUDA_UNROLL()
      for (int c = 0; c < 4; c++) {
        uint32_t j = patch * COLS + (uint32_t)column<1>(c), last = map.across - 1;
        hn__cuda_run run = hn__cuda_run_of<1, BALANCED>(map, rows[r], j < last ? j : last);
        each[c] = hn__cuda_signed(w[run.slot - first], run.signs, 0);
      }
      v[r] = make_float4(each[0], each[1], each[2], each[3]);
    }
  }
}

/* Copies n buckets into shared memory. */
__device__ __forceinline__ void copy_in(const float *from, int64_t n, float *to) {
  bool four = (uintptr_t)from % 16 == 0;
  int64_t whole = four ? n / 4 : 0;
  for (int64_t i = threadIdx.x; i < whole; i += blockDim.x)
    reinterpret_cast<float4 *>(to)[i] = reinterpret_cast<const float4 *>(from)[i];
  for (int64_t i = 4 * whole + threadIdx.x; i < n; i += blockDim.x) to[i] = from[i];
}

/* -- forward -- */

/* A lane's columns of a sample; `left` columns of the patch are there. */
template <int GRAIN> __device__ __forceinline__ float4 load_sample(const float *x, int left, bool aligned) {
  if constexpr (GRAIN == 16) {
    return hn__cuda_load4(x + column<16>(0), left - column<16>(0), aligned);
  } else {
    float each[4];
    HN_CUDA_UNROLL()
    for (int c = 0; c < 4; c++) each[c] = column<1>(c) < left ? x[column<1>(c)] : 0;
    return make_float4(each[0], each[1], each[2], each[3]);
  }
}

/* Zeros where there are no columns: their samples are 0, but there may be NaN in the buckets. */
template <int GRAIN> __device__ __forceinline__ float4 there(float4 v, int left) {
  return make_float4(column<GRAIN>(0) < left ? v.x : 0, column<GRAIN>(1) < left ? v.y : 0,
                     column<GRAIN>(2) < left ? v.z : 0, column<GRAIN>(3) < left ? v.w : 0);
}

/* Adds up N values, a power of two up to 32, over the lanes of a warp. Lanes give half of their values away and keep
 * the other half until one is left: lane l ends with value l / (32 / N) in v[0]. */
template <int N, int APART = HN_CUDA_WARP / 2> __device__ __forceinline__ void fold(float *v) {
  if constexpr (N == 1) {
    v[0] += __shfl_xor_sync(ALL, v[0], APART);
  } else {
    bool upper = lane_of() & APART;
    HN_CUDA_UNROLL()
    for (int i = 0; i < N / 2; i++) {
      float give = upper ? v[i] : v[i + N / 2], keep = upper ? v[i + N / 2] : v[i];
      v[i] = keep + __shfl_xor_sync(ALL, give, APART);
    }
  }
  if constexpr (APART > 1) fold<(N > 1 ? N / 2 : 1), APART / 2>(v);
}

/* A warp's sums of 4 rows and B samples over its patches. */
template <int B, int GRAIN, bool BALANCED>
__device__ __forceinline__ void sum_rows(const direct &p, const hn__cuda_row<BALANCED> *rows, const float *w,
                                         uint32_t first, float (&sum)[ROWS * B]) {
  uint32_t begin = blockIdx.y * p.part, end = p.pieces - begin < p.part ? p.pieces : begin + p.part;
  HN_CUDA_UNROLL()
  for (int i = 0; i < ROWS * B; i++) sum[i] = 0;
  for (uint32_t patch = begin + (uint32_t)warp_of(); patch < end; patch += (uint32_t)warps_of()) {
    const float *x = p.in + (int64_t)patch * COLS;
    int64_t rest = p.map.cols - (int64_t)patch * COLS;
    int left = rest < COLS ? (int)rest : COLS;
    float4 v[ROWS];
    make<GRAIN, BALANCED>(p.map, rows, patch, w, first, v);
    HN_CUDA_UNROLL()
    for (int r = 0; r < ROWS; r++)
      if (left < COLS) v[r] = there<GRAIN>(v[r], left);
    HN_CUDA_UNROLL()
    for (int b = 0; b < B; b++) {
      float4 s = load_sample<GRAIN>(x + (b < p.batch ? b : 0) * p.map.cols, left, p.aligned);
      HN_CUDA_UNROLL()
      for (int r = 0; r < ROWS; r++) {
        float &to = sum[r * B + b];
        to += v[r].x * s.x;
        to += v[r].y * s.y;
        to += v[r].z * s.z;
        to += v[r].w * s.w;
      }
    }
  }
}

template <int B, bool BALANCED> struct forward_memory {
  hn__cuda_row<BALANCED> rows[ROWS];
  float sums[LARGE / HN_CUDA_WARP][ROWS * B];
};

/* Balanced elements need more registers than two blocks on an SM would leave them. */
template <int B, int GRAIN, bool BALANCED, bool COPY>
__global__ __launch_bounds__(COPY ? LARGE : HN_CUDA_BLOCK,
                             COPY || (BALANCED && GRAIN == 1) ? 1 : 2) void direct_forward(direct p) {
  using memory = forward_memory<B, BALANCED>;
  HN_SHARED(memory, s);
  HN_SHARED_DYNAMIC(float, copy);
  constexpr int SUMS = ROWS * B;
  uint32_t all = (uint32_t)((p.map.rows + p.high - 1) / p.high) * p.groups, copied = 0xffffffffu, first = 0;
  uint32_t group = blockIdx.x * p.each, last = all - group < p.each ? all : group + p.each;
  float *to = p.to + (p.add ? 0 : (int64_t)blockIdx.y * p.batch * p.map.rows);
  for (; group < last; group++) {
    uint32_t area = group / p.groups;
    int64_t row = (int64_t)area * p.high + (int64_t)(group % p.groups) * ROWS, end = (int64_t)(area + 1) * p.high;
    if (end > p.map.rows) end = p.map.rows;
    if (COPY && area != copied) {
      hn__bank bank = {0, p.map.slots};
      if (p.by_strip) bank = hn__cuda_bank(p.map, area);
      copy_in(p.w + (int64_t)bank.first * GRAIN, (int64_t)bank.size * GRAIN, copy);
      first = bank.first;
      copied = area;
    }
    if (threadIdx.x < ROWS) {
      int64_t i = row + threadIdx.x;
      s.rows[threadIdx.x] = hn__cuda_row_of<GRAIN, BALANCED>(p.map, i < end ? i : end - 1);
    }
    __syncthreads();
    float sum[SUMS];
    sum_rows<B, GRAIN, BALANCED>(p, s.rows, COPY ? copy : p.w, first, sum);
    fold<SUMS>(sum);
    if (lane_of() % (HN_CUDA_WARP / SUMS) == 0) s.sums[warp_of()][lane_of() / (HN_CUDA_WARP / SUMS)] = sum[0];
    __syncthreads();
    int r = (int)threadIdx.x / B, b = (int)threadIdx.x % B;
    if (r < ROWS && b < p.batch && row + r < end) {
      float total = 0;
      for (int k = 0; k < warps_of(); k++) total += s.sums[k][threadIdx.x];
      int64_t at = b * p.map.rows + row + r;
      to[at] = p.add ? to[at] + total : total;
    }
  }
}

/* -- gradient of the input -- */

/* Rows that a warp prepares at once: what balanced ones share takes more memory. */
template <bool BALANCED> constexpr int CHUNK = BALANCED ? 16 : 32;

template <int B, bool BALANCED> struct chunk_memory {
  float dy[CHUNK<BALANCED> * B];
  hn__cuda_row<BALANCED> rows[CHUNK<BALANCED>];
};

/* Warps' chunks; then half of the warps' sums. */
template <int B, bool BALANCED, int WARPS> union __align__(16) input_grad_memory {
  chunk_memory<B, BALANCED> chunks[WARPS];
  float sums[WARPS / 2][4 * B][HN_CUDA_WARP];
};

/* The rows of a chunk and their gradients. */
template <int B, int GRAIN, bool BALANCED>
__device__ __forceinline__ void prepare(const direct &p, int64_t top, chunk_memory<B, BALANCED> *c) {
  int lane = lane_of();
  int64_t i = top + lane < p.map.rows ? top + lane : p.map.rows - 1;
  __syncwarp();
  if (lane < CHUNK<BALANCED>) {
    c->rows[lane] = hn__cuda_row_of<GRAIN, BALANCED>(p.map, i);
    HN_CUDA_UNROLL()
    for (int b = 0; b < B; b++) c->dy[lane * B + b] = p.in[(b < p.batch ? b : 0) * p.map.rows + i];
  }
  __syncwarp();
}

/* A warp's sums of its chunks, of the lane's columns. */
template <int B, int GRAIN, bool BALANCED>
__device__ __forceinline__ void sum_columns(const direct &p, const float *w, chunk_memory<B, BALANCED> *c,
                                            float (&sum)[4 * B]) {
  uint32_t begin = blockIdx.y * p.part, end = p.pieces - begin < p.part ? p.pieces : begin + p.part;
  for (uint32_t chunk = begin + (uint32_t)warp_of(); chunk < end; chunk += (uint32_t)warps_of()) {
    int64_t top = (int64_t)chunk * CHUNK<BALANCED>;
    int rows = p.map.rows - top < CHUNK<BALANCED> ? (int)(p.map.rows - top) : CHUNK<BALANCED>;
    prepare<B, GRAIN, BALANCED>(p, top, c);
    for (int i = 0; i < rows; i += ROWS) {
      float4 v[ROWS];
      make<GRAIN, BALANCED>(p.map, c->rows + i, blockIdx.x, w, 0, v);
      HN_CUDA_UNROLL()
      for (int r = 0; r < ROWS; r++) {
        if (i + r >= rows) continue;
        HN_CUDA_UNROLL()
        for (int b = 0; b < B; b++) {
          float dy = c->dy[(i + r) * B + b];
          sum[4 * b] += dy * v[r].x;
          sum[4 * b + 1] += dy * v[r].y;
          sum[4 * b + 2] += dy * v[r].z;
          sum[4 * b + 3] += dy * v[r].w;
        }
      }
    }
  }
}

template <int B, int GRAIN, bool BALANCED, bool COPY>
__global__ __launch_bounds__(COPY ? LARGE : HN_CUDA_BLOCK, COPY ? 1 : 2) void direct_input_grad(direct p) {
  constexpr int WARPS = (COPY ? LARGE : HN_CUDA_BLOCK) / HN_CUDA_WARP;
  using memory = input_grad_memory<B, BALANCED, WARPS>;
  HN_SHARED(memory, s);
  HN_SHARED_DYNAMIC(float, copy);
  int lane = lane_of(), warp = warp_of();
  float sum[4 * B] = {};
  if (COPY) {
    copy_in(p.w, (int64_t)p.map.slots * GRAIN, copy);
    __syncthreads();
  }
  sum_columns<B, GRAIN, BALANCED>(p, COPY ? copy : p.w, &s.chunks[warp], sum);
  for (int half = WARPS / 2; half > 0; half /= 2) {
    __syncthreads();
    if (warp >= half && warp < 2 * half) {
      HN_CUDA_UNROLL()
      for (int k = 0; k < 4 * B; k++) s.sums[warp - half][k][lane] = sum[k];
    }
    __syncthreads();
    if (warp < half) {
      HN_CUDA_UNROLL()
      for (int k = 0; k < 4 * B; k++) sum[k] += s.sums[warp][k][lane];
    }
  }
  if (warp > 0) return;
  float *to = p.to + (p.add ? 0 : (int64_t)blockIdx.y * p.batch * p.map.cols);
  HN_CUDA_UNROLL()
  for (int k = 0; k < 4 * B; k++) {
    int64_t j = (int64_t)blockIdx.x * COLS + column<GRAIN>(k % 4), at = k / 4 * p.map.cols + j;
    if (k / 4 < p.batch && j < p.map.cols) to[at] = p.add ? to[at] + sum[k] : sum[k];
  }
}

/* -- launches -- */

/* Blocks with copies that run side by side on the device. */
static int64_t copying_blocks(hn__device *d, size_t bytes) {
  int64_t fit = (int64_t)(hn__cuda_of(d)->shared_most / (bytes + RESERVE));
  return hn__cuda_of(d)->properties.multiProcessorCount * hn__cuda_least(fit, 2);
}

/* Whether `blocks` blocks should copy `count` buckets each: there is room, and they use them often enough. */
static bool pays(hn__device *d, const hn_matrix *v, int64_t count, int64_t blocks) {
  return (size_t)count * sizeof(float) + RESERVE <= hn__cuda_of(d)->shared_most &&
         v->rows * v->cols / blocks >= USES * count;
}

/* Cuts the sums' side into splits, of at least `least` pieces each, so that there are `wanted` blocks; gives their
 * number. */
static int64_t split(direct *p, int64_t blocks, int64_t wanted, int64_t least, int64_t results) {
  int64_t room = (int64_t)(HN_CUDA_WORKSPACE / sizeof(float)) / results;
  int64_t splits = hn__cuda_least(hn__cuda_least(wanted / blocks, p->pieces / least), hn__cuda_least(room, 64));
  if (splits < 1) splits = 1;
  p->part = (uint32_t)hn__cuda_ceil(p->pieces, splits);
  return hn__cuda_ceil(p->pieces, p->part);
}

template <typename Kernel>
static hn_status launch(hn__device *d, void *ws, hn__cuda_grid grid, Kernel *kernel, direct p, int64_t results) {
  float *to = p.to;
  p.add = grid.y == 1;
  if (!p.add) p.to = (float *)ws;
  if (grid.shared)
    HN_CUDA_TRY(d, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)grid.shared));
  HN_CUDA_CALL(HN_LAUNCH(d, grid, kernel, p));
  return p.add ? HN_OK : hn__cuda_add_parts(d, p.to, grid.y, results, to);
}

static direct new_direct(const hn_matrix *v, const float *w, int64_t batch, const float *in, float *to) {
  direct p = {};
  p.map = hn__cuda_map_of(v);
  p.w = w + v->offset;
  p.in = in;
  p.to = to;
  p.batch = (int)batch;
  p.high = (uint32_t)v->rows;
  return p;
}

/* Whether blocks copy buckets, and if so, how many blocks and buckets: see `pays`. */
static int64_t copies_of_forward(hn__device *d, const hn_matrix *v, direct *p, int64_t *count) {
  int64_t grain = hn__grain(v->scheme), blocks;
  *count = v->count;
  blocks = copying_blocks(d, (size_t)*count * sizeof(float));
  if (blocks > 0 && pays(d, v, *count, blocks)) return blocks;
  *count = hn__cuda_ceil(v->count / grain, p->map.strips) * grain;
  blocks = hn__cuda_least(copying_blocks(d, (size_t)*count * sizeof(float)), p->map.strips);
  p->by_strip = blocks > 0 && p->map.strips > 1 && pays(d, v, *count, p->map.strips);
  if (p->by_strip) p->high = (uint32_t)v->strip;
  return p->by_strip ? blocks : 0;
}

template <int B, int GRAIN, bool BALANCED>
static hn_status forward(hn__device *d, void *ws, const hn_matrix *v, direct p) {
  int64_t count, results = p.batch * v->rows, copies = copies_of_forward(d, v, &p, &count);
  p.aligned = hn__cuda_aligned(p.in, v->cols);
  p.groups = (uint32_t)hn__cuda_ceil(p.high, ROWS);
  p.pieces = (uint32_t)hn__cuda_ceil(v->cols, COLS);
  int64_t groups = hn__cuda_ceil(v->rows, p.high) * p.groups;
  if (copies) {
    p.each = (uint32_t)hn__cuda_ceil(groups, copies);
    p.part = p.pieces;
    hn__cuda_grid grid = {
        .x = hn__cuda_ceil(groups, p.each), .threads = LARGE, .shared = (size_t)count * sizeof(float)};
    return launch(d, ws, grid, direct_forward<B, GRAIN, BALANCED, true>, p, results);
  }
  p.each = 1;
  hn__cuda_grid grid = {.x = groups};
  grid.y =
      split(&p, groups, hn__cuda_of(d)->properties.multiProcessorCount * 2, 2 * HN_CUDA_BLOCK / HN_CUDA_WARP, results);
  grid.threads = HN_CUDA_WARP * (int)hn__cuda_least(HN_CUDA_BLOCK / HN_CUDA_WARP, p.part);
  return launch(d, ws, grid, direct_forward<B, GRAIN, BALANCED, false>, p, results);
}

template <int B, int GRAIN, bool BALANCED>
static hn_status input_grad(hn__device *d, void *ws, const hn_matrix *v, direct p) {
  int64_t results = p.batch * v->cols, across = hn__cuda_ceil(v->cols, COLS);
  int64_t copies = copying_blocks(d, (size_t)v->count * sizeof(float));
  hn__cuda_grid grid = {.x = across};
  p.pieces = (uint32_t)hn__cuda_ceil(v->rows, CHUNK<BALANCED>);
  if (copies > 0) {
    grid.y = split(&p, across, copies, LARGE / HN_CUDA_WARP, results);
    grid.threads = LARGE;
    grid.shared = (size_t)v->count * sizeof(float);
    if (pays(d, v, v->count, grid.x * grid.y))
      return launch(d, ws, grid, direct_input_grad<B, GRAIN, BALANCED, true>, p, results);
  }
  grid = {.x = across};
  grid.y = split(&p, across, hn__cuda_of(d)->properties.multiProcessorCount * 4, HN_CUDA_BLOCK / HN_CUDA_WARP, results);
  return launch(d, ws, grid, direct_input_grad<B, GRAIN, BALANCED, false>, p, results);
}

/* Calls f<B, GRAIN, BALANCED> for the batch. */
#define BY_BATCH(f, d, ws, v, p)                                                                                       \
  ((p).batch > 4   ? f<8, GRAIN, BALANCED>(d, ws, v, p)                                                                \
   : (p).batch > 2 ? f<4, GRAIN, BALANCED>(d, ws, v, p)                                                                \
   : (p).batch > 1 ? f<2, GRAIN, BALANCED>(d, ws, v, p)                                                                \
                   : f<1, GRAIN, BALANCED>(d, ws, v, p))

template <int GRAIN, bool BALANCED>
static hn_status forward_any(hn__device *d, void *ws, const hn_matrix *v, const direct &p) {
  return BY_BATCH(forward, d, ws, v, p);
}

template <int GRAIN, bool BALANCED>
static hn_status input_grad_any(hn__device *d, void *ws, const hn_matrix *v, const direct &p) {
  return BY_BATCH(input_grad, d, ws, v, p);
}

hn_status hn__cuda_direct_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                  const float *x, float *y) {
  if (batch == 0 || v->rows == 0 || v->cols == 0) return HN_OK;
  return HN_CUDA_BY_SCHEME(v, forward_any, d, ws, v, new_direct(v, w, batch, x, y));
}

hn_status hn__cuda_direct_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                     const float *dy, float *dx) {
  if (batch == 0 || v->rows == 0 || v->cols == 0) return HN_OK;
  return HN_CUDA_BY_SCHEME(v, input_grad_any, d, ws, v, new_direct(v, w, batch, dy, dx));
}
