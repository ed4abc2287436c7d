/*
 * Rows of a table by number: an embedding, dense or virtual.
 */
#include "cpu.h"

#include <string.h>

HN_INLINE int64_t row_of(const int32_t *ids, int64_t i) { return ids ? ids[i] : i; }

/* Each row is expanded where it is wanted. */
hn_status hn__cpu_lookup(hn__device *d, const hn_matrix *v, const float *w, int64_t cols, const int32_t *ids, int64_t n,
                         float *out) {
  if (cols == 0) return HN_OK;
  HN_CPU_PARALLEL(d, n * cols)
  for (int64_t i = 0; i < n; i++)
    if (v)
      hn__cpu_expand(v, w, row_of(ids, i), 1, 0, cols, out + i * cols, cols);
    else
      memcpy(out + i * cols, w + row_of(ids, i) * cols, (size_t)cols * sizeof(float));
  return HN_OK;
}

/* In the order of the ids: they repeat, and rows of V share buckets. Columns of a dense table are independent. */
hn_status hn__cpu_lookup_grad(hn__device *d, const hn_matrix *v, int64_t cols, const int32_t *ids, int64_t n,
                              const float *dout, float *dw) {
  if (v) {
    for (int64_t i = 0; i < n; i++) hn__cpu_scatter(v, row_of(ids, i), 1, 0, cols, dout + i * cols, cols, dw);
    return HN_OK;
  }
  HN_CPU_PARALLEL(d, n * cols)
  for (int64_t j = 0; j < cols; j += HN_CPU_LANES)
    for (int64_t i = 0; i < n; i++) {
      const float *from = dout + i * cols;
      float *to = dw + row_of(ids, i) * cols;
      for (int64_t k = j; k < hn__cpu_least(cols, j + HN_CPU_LANES); k++) to[k] += from[k];
    }
  return HN_OK;
}
