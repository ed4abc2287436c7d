/*
 * Curves of straight lines between knots, one for each feature.
 */
#include "cpu.h"

typedef struct job {
  int64_t n, cols, count;
  const float *x, *knots, *values, *dy;
  float *to;
} job;

static void values_piece(const void *argument, int64_t p, int thread) {
  const job *q = argument;
  int64_t first = hn__cpu_first(p), end = first + hn__cpu_count(q->n, p);
  (void)thread;
  for (int64_t i = first; i < end; i++) {
    int64_t row = i % q->cols * q->count;
    q->to[i] = hn__interpolate(q->count, q->knots + row, q->values + row, q->x[i]);
  }
}

static void slopes_piece(const void *argument, int64_t p, int thread) {
  const job *q = argument;
  int64_t first = hn__cpu_first(p), end = first + hn__cpu_count(q->n, p);
  (void)thread;
  for (int64_t i = first; i < end; i++) {
    int64_t row = i % q->cols * q->count;
    const float *knots = q->knots + row;
    q->to[i] += q->dy[i] * hn__knot_slope(knots, q->values + row, hn__knot_before(q->count, knots, q->x[i]));
  }
}

hn_status hn__cpu_interpolate(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x, const float *knots,
                              const float *values, float *y) {
  job q = {.n = n, .cols = cols, .count = count, .x = x, .knots = knots, .values = values, .to = y};
  hn__cpu_parallel(d, 16 * (double)n, hn__cpu_chunks(n), values_piece, &q);
  return HN_OK;
}

hn_status hn__cpu_interpolate_grad(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x,
                                   const float *knots, const float *values, const float *dy, float *dx) {
  job q = {.n = n, .cols = cols, .count = count, .x = x, .knots = knots, .values = values, .dy = dy, .to = dx};
  hn__cpu_parallel(d, 16 * (double)n, hn__cpu_chunks(n), slopes_piece, &q);
  return HN_OK;
}
