/*
 * dx += dy V by fused tiles: see tile.h. K runs along the rows of V, so a step of 16 is 8 runs of each of 16 rows.
 */
#include "tile.h"

template <int GRAIN, bool BALANCED> static hn_status input_grad(hn__device *d, void *ws, const hn__cuda_product &p) {
  return hn__cuda_tile_by_batch<GRAIN, BALANCED, false>(d, ws, p);
}

hn_status hn__cuda_tile_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                   const float *dy, float *dx) {
  if (batch == 0 || v->rows == 0 || v->cols == 0) return HN_OK;
  hn__cuda_product p = hn__cuda_product_of(v, false, w, batch, dy, dx);
  return HN_CUDA_BY_SCHEME(v, input_grad, d, ws, p);
}
