/*
 * Rows of a table by number: an embedding, dense or virtual.
 */
#include "kernels.h"

#include <string.h>

enum { PIECE = 1024 }; /* numbers that a piece of work makes at least */

HN_INLINE int64_t row_of(const int32_t *ids, int64_t i) { return ids ? ids[i] : i; }

typedef struct job {
  const hn__cpu_kernels *kernels;
  const hn_matrix *v;
  int64_t cols, n, rows; /* rows of one piece */
  const int32_t *ids;
  const float *from;
  float *to;
} job;

/* Row i, expanded where it is wanted. */
static void lookup_row(const job *l, int64_t i) {
  if (l->v)
    l->kernels->expand(l->v, l->from + l->v->offset, row_of(l->ids, i), 1, 0, l->cols, l->to + i * l->cols, l->cols);
  else if (l->cols == 1)
    l->to[i] = l->from[row_of(l->ids, i)];
  else
    memcpy(l->to + i * l->cols, l->from + row_of(l->ids, i) * l->cols, (size_t)l->cols * sizeof(float));
}

static void lookup_piece(const void *argument, int64_t p, int thread) {
  const job *l = argument;
  int64_t end = hn__cpu_least(l->n, (p + 1) * l->rows);
  (void)thread;
  for (int64_t i = p * l->rows; i < end; i++) lookup_row(l, i);
}

hn_status hn__cpu_lookup(hn__device *d, const hn_matrix *v, const float *w, int64_t cols, const int32_t *ids, int64_t n,
                         float *out) {
  if (cols == 0) return HN_OK;
  int64_t rows = hn__cpu_ceil(PIECE, cols);
  job l = {hn__cpu_kernels_of(d), v, cols, n, rows, ids, w, out};
  hn__cpu_parallel(d, (double)n * (double)cols, hn__cpu_ceil(n, rows), lookup_piece, &l);
  return HN_OK;
}

/* A block of columns of a dense table. */
static void columns_piece(const void *argument, int64_t p, int thread) {
  const job *l = argument;
  int64_t j = p * HN_CPU_LANES, end = hn__cpu_least(l->cols, j + HN_CPU_LANES);
  (void)thread;
  for (int64_t i = 0; i < l->n; i++) {
    const float *from = l->from + i * l->cols;
    float *to = l->to + row_of(l->ids, i) * l->cols;
    for (int64_t k = j; k < end; k++) to[k] += from[k];
  }
}

/* In the order of the ids: they repeat, and rows of V share buckets. Columns of a dense table are independent. */
hn_status hn__cpu_lookup_grad(hn__device *d, const hn_matrix *v, int64_t cols, const int32_t *ids, int64_t n,
                              const float *dout, float *dw) {
  if (v) {
    const hn__cpu_kernels *kernels = hn__cpu_kernels_of(d);
    for (int64_t i = 0; i < n; i++)
      kernels->scatter(v, dw + v->offset, row_of(ids, i), 1, 0, cols, dout + i * cols, cols);
    return HN_OK;
  }
  job l = {NULL, NULL, cols, n, 0, ids, dout, dw};
  hn__cpu_parallel(d, (double)n * (double)cols, hn__cpu_ceil(cols, HN_CPU_LANES), columns_piece, &l);
  return HN_OK;
}
