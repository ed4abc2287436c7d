/*
 * The three hashed products: which way computes them (hashed.h), by scheme and batch.
 *
 * The table says what is expected of an H100; it was not measured yet, and scripts/cuda_routes.lua is there to fill it in.
 *  - line: direct and tile read a line of L2 for 16 weights and hash once for them, so a tile of V costs little beside
 *    its product, which beats cuBLAS by as much as V's weights need no way through memory; from some 256 samples on
 *    cuBLAS' better product wins, beside which panels are made.
 *  - element: every weight costs a hash and a sector of L2, for each block that makes its tile; panels pay for it once,
 *    whatever the batch, so they win earlier.
 *  - the gradient of the buckets likewise. Where it must add in one order, tiles have the way for it.
 * d->route names one way for all; where that cannot serve a call, the next one does.
 */
#include "hashed.h"

/* The largest batches that go the direct and the tile way. */
typedef struct limits {
  int64_t direct, tile;
} limits;

static const limits FORWARD[] = {[HN_ELEMENT] = {HN_CUDA_DIRECT, 64}, [HN_LINE] = {HN_CUDA_DIRECT, 256}};
static const limits INPUT_GRAD[] = {[HN_ELEMENT] = {HN_CUDA_DIRECT, 64}, [HN_LINE] = {HN_CUDA_DIRECT, 256}};
static const limits BUCKET_GRAD[] = {[HN_ELEMENT] = {0, 128}, [HN_LINE] = {0, 256}};

static hn__cuda_route route_of(hn__device *d, const limits *table, const hn_matrix *v, int64_t batch) {
  limits most = table[v->scheme];
  hn__cuda_route route = hn__cuda_of(d)->route;
  if (route == HN_CUDA_ROUTE_AUTO)
    route = batch <= most.direct ? HN_CUDA_ROUTE_DIRECT : batch <= most.tile ? HN_CUDA_ROUTE_TILE : HN_CUDA_ROUTE_PANEL;
  if (route == HN_CUDA_ROUTE_DIRECT && batch > HN_CUDA_DIRECT) route = HN_CUDA_ROUTE_TILE;
  return route;
}

size_t hn__cuda_hashed_workspace(const hn__device *) { return HN_CUDA_WORKSPACE; }

hn_status hn__cuda_hashed_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                  const float *x, float *y) {
  switch (route_of(d, FORWARD, v, batch)) {
  case HN_CUDA_ROUTE_DIRECT: return hn__cuda_direct_forward(d, ws, v, w, batch, x, y);
  case HN_CUDA_ROUTE_TILE: return hn__cuda_tile_forward(d, ws, v, w, batch, x, y);
  default: return hn__cuda_panel_forward(d, ws, v, w, batch, x, y);
  }
}

hn_status hn__cuda_hashed_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                     const float *dy, float *dx) {
  switch (route_of(d, INPUT_GRAD, v, batch)) {
  case HN_CUDA_ROUTE_DIRECT: return hn__cuda_direct_input_grad(d, ws, v, w, batch, dy, dx);
  case HN_CUDA_ROUTE_TILE: return hn__cuda_tile_input_grad(d, ws, v, w, batch, dy, dx);
  default: return hn__cuda_panel_input_grad(d, ws, v, w, batch, dy, dx);
  }
}

hn_status hn__cuda_hashed_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                      const float *x, float *dw) {
  if (route_of(d, BUCKET_GRAD, v, batch) == HN_CUDA_ROUTE_PANEL)
    return hn__cuda_panel_bucket_grad(d, ws, v, batch, dy, x, dw);
  return hn__cuda_tile_bucket_grad(d, ws, v, batch, dy, x, dw);
}
