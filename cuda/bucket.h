/*
 * What the kernels that add the gradient of V to the buckets share: a block makes a tile of dV = dy^T x in shared
 * memory, or reads it from a panel that cuBLAS made, and adds its values to the buckets in one of three ways, which are
 * in bucket_grad.cu and bucket_strips.cu.
 *
 * The product: 128 threads make 64 x 64 values, 8 x 4 each, from 16 samples at a time, which lie in shared memory as
 * they lie in dy and x: no operand is turned. A thread loads the next samples into registers while it multiplies these.
 * A warp and sample: 3 loads of shared memory (4 wavefronts: dy's are the same for 16 lanes) for 32 multiply-adds (8
 * cycles of an SM's four schedulers), so the multiply-adds bound it; each value of dy and x comes from L2 once for
 * every 64 columns or rows. 67 TFLOPS of an H100 are out of reach without tensor cores; some 30 are expected.
 */
#ifndef HN_CUDA_BUCKET_H
#define HN_CUDA_BUCKET_H

#include "hashed.h"
#include "map.h"

#define HN_CUDA_SIDE 64      /* of a tile; whole runs */
#define HN_CUDA_CREW 128     /* threads that make it */
#define HN_CUDA_MICRO_ROWS 8 /* a thread's part of it */
#define HN_CUDA_MICRO_COLS 4
#define HN_CUDA_DEPTH 16 /* samples in shared memory */

/* Rows i.. and columns j.. of dV, whose tiles a launch adds; j is where a run begins. */
typedef struct hn__cuda_part {
  int64_t i, rows, j, cols;
  const float *panel; /* where they are, `pitch` floats a row; NULL: they are made from the minibatch */
  int64_t pitch;
  const float *dy, *x; /* batch x width of dy, batch x width of x */
  int64_t batch, dy_width, x_width;
} hn__cuda_part;

/* All of dV, from the minibatch. */
static inline hn__cuda_part hn__cuda_whole(const hn_matrix *v, int64_t batch, const float *dy, const float *x) {
  hn__cuda_part p = {};
  p.rows = p.dy_width = v->rows;
  p.cols = p.x_width = v->cols;
  p.batch = batch;
  p.dy = dy;
  p.x = x;
  return p;
}

/* Add a part of dV to the buckets, from dw + v->offset on. Into the stream: what the last argument of kernels is for.
 * plain: no strips, in any order. strips: in one order; parts of the columns are added up in ws if that is not NULL. */
hn_status hn__cuda_add_plain(hn__device *d, cudaStream_t stream, const hn_matrix *v, const hn__cuda_part *p, float *dw);
hn_status hn__cuda_add_strips(hn__device *d, cudaStream_t stream, void *ws, const hn_matrix *v, const hn__cuda_part *p,
                              float *dw);

/* A tile, whose room the operands of its product have before it is there. */
typedef union __align__(16) hn__cuda_tile {
  float at[HN_CUDA_SIDE][HN_CUDA_SIDE];
  struct {
    float dy[HN_CUDA_DEPTH][HN_CUDA_SIDE], x[HN_CUDA_DEPTH][HN_CUDA_SIDE];
  } from;
}
hn__cuda_tile;

typedef float hn__cuda_micro[HN_CUDA_MICRO_ROWS][HN_CUDA_MICRO_COLS];

/* A thread's share of HN_CUDA_DEPTH rows of SIDE columns of an operand, from sample s and column j on: its column is
 * that of its number modulo SIDE. Zeros beyond the edges. */
#define HN_CUDA_FETCHED (HN_CUDA_DEPTH * HN_CUDA_SIDE / HN_CUDA_CREW)
#define HN_CUDA_FETCH_STEP (HN_CUDA_CREW / HN_CUDA_SIDE)

__device__ __forceinline__ void hn__cuda_bring(const float *from, int64_t width, int64_t j, int64_t s, int64_t end,
                                               float (&to)[HN_CUDA_FETCHED]) {
  int64_t col = j + threadIdx.x % HN_CUDA_SIDE;
  int first = (int)threadIdx.x / HN_CUDA_SIDE, n = end - s < HN_CUDA_DEPTH ? (int)(end - s) : HN_CUDA_DEPTH;
  const float *at = from + (s + first) * width + col;
  if (col >= width) n = 0;
  HN_CUDA_UNROLL()
  for (int q = 0; q < HN_CUDA_FETCHED; q++, at += HN_CUDA_FETCH_STEP * width)
    to[q] = first + HN_CUDA_FETCH_STEP * q < n ? *at : 0.0f;
}

__device__ __forceinline__ void hn__cuda_put(const float (&from)[HN_CUDA_FETCHED],
                                             float (&to)[HN_CUDA_DEPTH][HN_CUDA_SIDE]) {
  HN_CUDA_UNROLL()
  for (int q = 0; q < HN_CUDA_FETCHED; q++)
    to[threadIdx.x / HN_CUDA_SIDE + HN_CUDA_FETCH_STEP * q][threadIdx.x % HN_CUDA_SIDE] = from[q];
}

/* sum += the products of one sample's 8 values of dy and 4 of x. */
__device__ __forceinline__ void hn__cuda_multiply(const float *dy, const float *x, hn__cuda_micro &sum) {
  float4 a = *(const float4 *)dy, b = *(const float4 *)(dy + 4), c = *(const float4 *)x;
  const float rows[HN_CUDA_MICRO_ROWS] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
  const float cols[HN_CUDA_MICRO_COLS] = {c.x, c.y, c.z, c.w};
  HN_CUDA_UNROLL()
  for (int r = 0; r < HN_CUDA_MICRO_ROWS; r++) HN_CUDA_UNROLL()
  for (int k = 0; k < HN_CUDA_MICRO_COLS; k++) sum[r][k] = fmaf(rows[r], cols[k], sum[r][k]);
}

/* A thread's rows and columns of the tile start here. */
__device__ __forceinline__ int hn__cuda_micro_row() {
  return (int)threadIdx.x / (HN_CUDA_SIDE / HN_CUDA_MICRO_COLS) * HN_CUDA_MICRO_ROWS;
}
__device__ __forceinline__ int hn__cuda_micro_col() {
  return (int)threadIdx.x % (HN_CUDA_SIDE / HN_CUDA_MICRO_COLS) * HN_CUDA_MICRO_COLS;
}

/* The thread's part of the tile at (i, j): the products of samples first to end. */
__device__ __forceinline__ void hn__cuda_product(const hn__cuda_part &p, int64_t i, int64_t j, int64_t first,
                                                 int64_t end, hn__cuda_tile &tile, hn__cuda_micro &sum) {
  float dy[HN_CUDA_FETCHED], x[HN_CUDA_FETCHED];
  hn__cuda_bring(p.dy, p.dy_width, i, first, end, dy);
  hn__cuda_bring(p.x, p.x_width, j, first, end, x);
  for (int64_t s = first; s < end; s += HN_CUDA_DEPTH) {
    __syncthreads();
    hn__cuda_put(dy, tile.from.dy);
    hn__cuda_put(x, tile.from.x);
    __syncthreads();
    if (s + HN_CUDA_DEPTH < end) {
      hn__cuda_bring(p.dy, p.dy_width, i, s + HN_CUDA_DEPTH, end, dy);
      hn__cuda_bring(p.x, p.x_width, j, s + HN_CUDA_DEPTH, end, x);
    }
    HN_CUDA_UNROLL(8)
    for (int k = 0; k < HN_CUDA_DEPTH; k++)
      hn__cuda_multiply(&tile.from.dy[k][hn__cuda_micro_row()], &tile.from.x[k][hn__cuda_micro_col()], sum);
  }
}

/* The same from the panel. */
__device__ __forceinline__ void hn__cuda_read_panel(const hn__cuda_part &p, int64_t i, int64_t j, hn__cuda_micro &sum) {
  i += hn__cuda_micro_row() - p.i;
  j += hn__cuda_micro_col() - p.j;
  HN_CUDA_UNROLL()
  for (int r = 0; r < HN_CUDA_MICRO_ROWS; r++) HN_CUDA_UNROLL()
  for (int k = 0; k < HN_CUDA_MICRO_COLS; k++)
    if (i + r < p.rows && j + k < p.cols) sum[r][k] = p.panel[(i + r) * p.pitch + j + k];
}

/* The tile at (i, j) into shared memory: samples first to end of it, or what the panel has. All threads of the block
 * call this; after it they may read the tile, and the next call waits until all are done with that. What lies beyond
 * the part is undefined. */
template <bool PANEL>
__device__ __forceinline__ void hn__cuda_make_tile(const hn__cuda_part &p, int64_t i, int64_t j, int64_t first,
                                                   int64_t end, hn__cuda_tile &tile) {
  hn__cuda_micro sum = {};
  if constexpr (PANEL)
    hn__cuda_read_panel(p, i, j, sum);
  else
    hn__cuda_product(p, i, j, first, end, tile, sum);
  __syncthreads();
  HN_CUDA_UNROLL()
  for (int r = 0; r < HN_CUDA_MICRO_ROWS; r++)
    *(float4 *)&tile.at[hn__cuda_micro_row() + r][hn__cuda_micro_col()] =
        make_float4(sum[r][0], sum[r][1], sum[r][2], sum[r][3]);
  __syncthreads();
}

/* Where the runs of a tile go: line's, 4 a row. A thread hashes 2 of them, of one row. Visible after the next
 * barrier. */
typedef hn__cuda_run hn__cuda_lines[HN_CUDA_SIDE][HN_CUDA_SIDE / 16];

template <bool BALANCED>
__device__ __forceinline__ void hn__cuda_hash_lines(const hn__cuda_map &map, int64_t i, int64_t j,
                                                    hn__cuda_lines &lines) {
  int r = (int)threadIdx.x / 2, g = (int)threadIdx.x % 2 * 2;
  if (i + r >= map.rows) return;
  hn__cuda_row<BALANCED> row = hn__cuda_row_of<16, BALANCED>(map, i + r);
  for (int k = g; k < g + 2; k++)
    if (j + 16 * k < map.cols) lines[r][k] = hn__cuda_run_of<16, BALANCED>(map, row, (uint32_t)(j / 16 + k));
}

#endif
