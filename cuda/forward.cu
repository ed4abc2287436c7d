/*
 * y += x V^T by fused tiles: see tile.h. K runs along the columns of V, so a step of 16 is a run of each of 128 rows.
 */
#include "tile.h"

template <int GRAIN, bool BALANCED> static hn_status forward(hn__device *d, void *ws, const hn__cuda_product &p) {
  return hn__cuda_tile_by_batch<GRAIN, BALANCED, true>(d, ws, p);
}

hn_status hn__cuda_tile_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                const float *x, float *y) {
  if (batch == 0 || v->rows == 0 || v->cols == 0) return HN_OK;
  hn__cuda_product p = hn__cuda_product_of(v, true, w, batch, x, y);
  return HN_CUDA_BY_SCHEME(v, forward, d, ws, p);
}

/* -- partial sums -- */

__global__ void add_parts(const float *parts, int64_t count, int64_t n, float *to) {
  for (int64_t i = hn__cuda_first(); i < n; i += hn__cuda_step()) {
    float sum = 0;
    for (int64_t s = 0; s < count; s++) sum += parts[s * n + i];
    to[i] += sum;
  }
}

hn_status hn__cuda_add_parts(hn__device *d, const float *parts, int64_t count, int64_t n, float *to) {
  return n == 0 ? HN_OK : HN_LAUNCH(d, hn__cuda_cover(d, n), add_parts, parts, count, n, to);
}
