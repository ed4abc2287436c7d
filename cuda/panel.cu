/*
 * Hashed products by panels: a piece of V that fits half of the workspace is made there by a kernel and multiplied by
 * cuBLAS at once; the gradient of the buckets goes the other way. There are two halves and two streams: while cuBLAS
 * works on one panel in the device's stream, a kernel makes or scatters the other in the side stream. All products are
 * in one stream, and all scatters too, so their additions have one order.
 *
 * This way is for large batches, where a panel's product takes longer than the panel, and the reference for the others.
 *
 * Costs on an H100 of a panel of 2 million weights, 8 MiB, which stays in L2:
 *  - expand, line: 4 lanes make a run, each its two hashes and a quarter of the line: 9 integer instructions a weight,
 *    4 bytes read (whole lines) and 4 written. 4096 x 4096: 10 us of integer instructions, 12 us for 67 MB written to
 *    L2 at 5.5 TB/s.
 *  - expand, element: a hash and a sector of 32 bytes for each weight: 537 MB, 100 us, bound by L2.
 *  - scatter: bucket_grad.cu and bucket_strips.cu with 4 bytes a weight more, which replace the product.
 *  - the product: 2 * batch FLOPs a weight at some 50 TFLOPS in float32 (cuBLAS without tensor cores): 4096 x 4096 at
 *    batch 256 take 170 us, and as much more than a dense layer as the first panel's expansion. cuBLAS reads a panel
 *    from L2, where a dense layer's weights come from HBM.
 */
#include "bucket.h"

#define HALF ((int64_t)(HN_CUDA_WORKSPACE / 2 / sizeof(float))) /* floats of a panel */
#define LONG 4096 /* of its rows, or columns: so that a product fills a GPU */

namespace {

/* A panel: rows i to i + m, columns j to j + n of V, `pitch` floats from one row to the next; number k of its
 * product. */
typedef struct panel {
  int64_t i, m, j, n, pitch;
  float *at;
  int64_t k;
} panel;

/* How a product goes through V: panels of rows x cols, the last ones smaller. */
typedef struct cut {
  float *ws;
  int64_t rows, cols;
  bool alone; /* the only one: needs no second stream */
} cut;

} // namespace

static int64_t whole_runs(int64_t cols) { return hn__cuda_ceil(cols, 16) * 16; }

static cut new_cut(void *ws, const hn_matrix *v, int64_t rows, int64_t cols) {
  return {(float *)ws, rows, cols, rows >= v->rows && cols >= v->cols};
}

/* Tall panels for products that are as wide as V has rows, and for the gradients of the buckets: bands of strips have
 * to fill a GPU. */
static cut tall_cut(void *ws, const hn_matrix *v) {
  int64_t rows = hn__cuda_least(v->rows, LONG);
  return new_cut(ws, v, rows, hn__cuda_least(whole_runs(v->cols), HALF / rows / 64 * 64));
}

/* Wide panels for products that are as wide as V has columns. */
static cut wide_cut(void *ws, const hn_matrix *v) {
  int64_t cols = hn__cuda_least(whole_runs(v->cols), LONG);
  return new_cut(ws, v, hn__cuda_least(v->rows, HALF / cols), cols);
}

static panel first_panel(const cut *c, const hn_matrix *v) {
  return {0, hn__cuda_least(v->rows, c->rows), 0, hn__cuda_least(v->cols, c->cols), c->cols, c->ws, 0};
}

/* Moves on to the next panel; false if there is none. */
static bool next_panel(const cut *c, const hn_matrix *v, panel *p) {
  p->j += c->cols;
  if (p->j >= v->cols) {
    p->j = 0;
    p->i += c->rows;
    if (p->i >= v->rows) return false;
  }
  p->m = hn__cuda_least(v->rows - p->i, c->rows);
  p->n = hn__cuda_least(v->cols - p->j, c->cols);
  p->k++;
  p->at = c->ws + p->k % 2 * HALF;
  return true;
}

/* -- the two streams -- */

static cudaStream_t side_of(hn__device *d, const cut *c) {
  return c->alone ? hn__cuda_of(d)->stream : hn__cuda_of(d)->side;
}

/* What `to` gets from now on waits for what `from` has now. */
static hn_status follow(hn__device *d, cudaStream_t to, cudaStream_t from, cudaEvent_t event) {
  if (to == from) return HN_OK;
  HN_CUDA_TRY(d, cudaEventRecord(event, from));
  HN_CUDA_TRY(d, cudaStreamWaitEvent(to, event, 0));
  return HN_OK;
}

/* Says that the panel has been used once stream `by` is here; the next one in its half waits for that in stream
 * `to`. */
static hn_status leave(hn__device *d, const cut *c, const panel *p, cudaStream_t by) {
  if (!c->alone) HN_CUDA_TRY(d, cudaEventRecord(hn__cuda_of(d)->used[p->k % 2], by));
  return HN_OK;
}

static hn_status await(hn__device *d, const panel *p, cudaStream_t to) {
  if (p->k >= 2) HN_CUDA_TRY(d, cudaStreamWaitEvent(to, hn__cuda_of(d)->used[p->k % 2], 0));
  return HN_OK;
}

/* -- expand -- */

namespace {

#define EXPAND_COLS 512 /* that a warp makes of a row */

template <int GRAIN> __device__ __forceinline__ void expand_run(const float *w, hn__cuda_run run, int l, float *to) {
  const float *from = w + (int64_t)run.slot * GRAIN + l;
  if constexpr (GRAIN == 1) {
    *to = hn__cuda_signed(__ldg(from), run.signs, 0);
  } else {
    float4 v = __ldg((const float4 *)from);
    *(float4 *)to = make_float4(hn__cuda_signed(v.x, run.signs >> l, 0), hn__cuda_signed(v.y, run.signs >> l, 1),
                                hn__cuda_signed(v.z, run.signs >> l, 2), hn__cuda_signed(v.w, run.signs >> l, 3));
  }
}

/* A warp makes a row's columns; blocks in y take the next EXPAND_COLS. Runs are whole, so the last one may go beyond
 * V. */
template <int GRAIN, bool BALANCED>
__global__ void __launch_bounds__(HN_CUDA_BLOCK) expand(hn__cuda_map map, const float *w, panel p) {
  constexpr int EACH = GRAIN == 1 ? 1 : 4;
  int64_t r = (int64_t)blockIdx.x * (HN_CUDA_BLOCK / HN_CUDA_WARP) + threadIdx.x / HN_CUDA_WARP;
  int64_t end = (int64_t)(blockIdx.y + 1) * EXPAND_COLS;
  if (r >= p.m) return;
  hn__cuda_row<BALANCED> row = hn__cuda_row_of<GRAIN, BALANCED>(map, p.i + r);
  if (end > p.n) end = p.n;
  for (int64_t c = (int64_t)blockIdx.y * EXPAND_COLS + threadIdx.x % HN_CUDA_WARP * EACH; c < end;
       c += HN_CUDA_WARP * EACH) {
    hn__cuda_run run = hn__cuda_run_of<GRAIN, BALANCED>(map, row, (uint32_t)((p.j + c) / GRAIN));
    expand_run<GRAIN>(w, run, (int)(c % GRAIN), p.at + r * p.pitch + c);
  }
}

} // namespace

template <int GRAIN, bool BALANCED>
static hn_status launch_expand(hn__device *d, cudaStream_t stream, const hn_matrix *v, const float *w, const panel *p) {
  hn__cuda_grid grid = {hn__cuda_ceil(p->m, HN_CUDA_BLOCK / HN_CUDA_WARP), HN_CUDA_BLOCK, 0,
                        hn__cuda_ceil(p->n, EXPAND_COLS)};
  return HN_LAUNCH_IN(stream, d, grid, (expand<GRAIN, BALANCED>), hn__cuda_map_of(v), w, *p);
}

/* Makes the panel in the side stream; what the device's stream gets after that finds it there. */
static hn_status make_panel(hn__device *d, const cut *c, const hn_matrix *v, const float *w, const panel *p) {
  cudaStream_t main = hn__cuda_of(d)->stream, side = side_of(d, c);
  if (p->k == 0) HN_CUDA_CALL(follow(d, side, main, hn__cuda_of(d)->used[0]));
  HN_CUDA_CALL(await(d, p, side));
  HN_CUDA_CALL(HN_CUDA_BY_SCHEME(v, launch_expand, d, side, v, w + v->offset, p));
  return follow(d, main, side, hn__cuda_of(d)->made[p->k % 2]);
}

/* -- the products -- */

hn_status hn__cuda_panel_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                 const float *x, float *y) {
  cut c = tall_cut(ws, v);
  panel p = first_panel(&c, v);
  if (batch == 0) return HN_OK;
  do {
    HN_CUDA_CALL(make_panel(d, &c, v, w, &p));
    HN_CUDA_CALL(
        hn__cuda_gemm(d, false, true, batch, p.m, p.n, x + p.j, v->cols, p.at, p.pitch, 1.0f, y + p.i, v->rows));
    HN_CUDA_CALL(leave(d, &c, &p, hn__cuda_of(d)->stream));
  } while (next_panel(&c, v, &p));
  return HN_OK;
}

hn_status hn__cuda_panel_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                    const float *dy, float *dx) {
  cut c = wide_cut(ws, v);
  panel p = first_panel(&c, v);
  if (batch == 0) return HN_OK;
  do {
    HN_CUDA_CALL(make_panel(d, &c, v, w, &p));
    HN_CUDA_CALL(
        hn__cuda_gemm(d, false, false, batch, p.n, p.m, dy + p.i, v->rows, p.at, p.pitch, 1.0f, dx + p.j, v->cols));
    HN_CUDA_CALL(leave(d, &c, &p, hn__cuda_of(d)->stream));
  } while (next_panel(&c, v, &p));
  return HN_OK;
}

/* Adds the panel to the buckets, in the side stream. */
static hn_status scatter(hn__device *d, const cut *c, const hn_matrix *v, const panel *p, float *dw) {
  cudaStream_t main = hn__cuda_of(d)->stream, side = side_of(d, c);
  hn__cuda_part part = {};
  part.i = p->i;
  part.rows = p->m;
  part.j = p->j;
  part.cols = p->n;
  part.panel = p->at;
  part.pitch = p->pitch;
  HN_CUDA_CALL(follow(d, side, main, hn__cuda_of(d)->made[p->k % 2]));
  HN_CUDA_CALL(v->strip > 0 ? hn__cuda_add_strips(d, side, NULL, v, &part, dw)
                            : hn__cuda_add_plain(d, side, v, &part, dw));
  return leave(d, c, p, side);
}

/* What needs the fixed way goes there: its sums take the panels' place. */
hn_status hn__cuda_panel_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                     const float *x, float *dw) {
  cudaStream_t main = hn__cuda_of(d)->stream;
  cut c = tall_cut(ws, v);
  panel p = first_panel(&c, v);
  if (batch == 0) return HN_OK;
  if (v->strip == 0 && (v->balanced || hn__cuda_of(d)->deterministic))
    return hn__cuda_tile_bucket_grad(d, ws, v, batch, dy, x, dw);
  do {
    HN_CUDA_CALL(await(d, &p, main));
    HN_CUDA_CALL(
        hn__cuda_gemm(d, true, false, p.m, p.n, batch, dy + p.i, v->rows, x + p.j, v->cols, 0.0f, p.at, p.pitch));
    HN_CUDA_CALL(scatter(d, &c, v, &p, dw));
  } while (next_panel(&c, v, &p));
  return follow(d, main, side_of(d, &c), hn__cuda_of(d)->made[0]);
}
