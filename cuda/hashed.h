/*
 * The ways to compute a hashed product, which hashed.cu chooses from:
 *  - direct: a few samples; weights are made in registers, used and forgotten (direct.cu),
 *  - tile: fused; tiles of V are made in shared memory (forward.cu, input_grad.cu, bucket_grad.cu),
 *  - panel: pieces of V are made in the workspace and multiplied by cuBLAS (panel.cu).
 * Arguments are those of backend.h: w is the start of the pool, v's buckets start at w + v->offset. All of them ADD to
 * y, dx or dw, launch nothing if a size is 0, and leave nothing in ws that a later entry needs.
 */
#ifndef HN_CUDA_HASHED_H
#define HN_CUDA_HASHED_H

#include "device.h"

#define HN_CUDA_WORKSPACE ((size_t)16 << 20) /* bytes of ws */
#define HN_CUDA_DIRECT 8                     /* samples that the direct way takes at most */

/* direct.cu, for batches of at most HN_CUDA_DIRECT */
hn_status hn__cuda_direct_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                  const float *x, float *y);
hn_status hn__cuda_direct_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                     const float *dy, float *dx);

/* forward.cu, input_grad.cu, bucket_grad.cu */
hn_status hn__cuda_tile_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                const float *x, float *y);
hn_status hn__cuda_tile_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                   const float *dy, float *dx);
hn_status hn__cuda_tile_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                    const float *x, float *dw);

/* panel.cu */
hn_status hn__cuda_panel_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                 const float *x, float *y);
hn_status hn__cuda_panel_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                    const float *dy, float *dx);
hn_status hn__cuda_panel_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                     const float *x, float *dw);

#endif
