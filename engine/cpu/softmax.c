/*
 * Softmax, its logarithm and the largest of a row.
 */
#include "cpu.h"

/* The largest number is taken out before exp, or it would overflow. A NaN stays where it is met. */
hn__cpu_exponents hn__cpu_exponents_of(int64_t n, const float *x, float scale) {
  hn__cpu_exponents e = {n > 0 ? x[0] : 0, 0};
  for (int64_t j = 1; j < n; j++)
    if (x[j] > e.max || x[j] != x[j]) e.max = x[j];
  for (int64_t j = 0; j < n; j++) e.sum += (double)expf((x[j] - e.max) * scale);
  return e;
}

static void softmax_row(hn__softmax kind, int64_t n, const float *x, float *y) {
  hn__cpu_exponents e = hn__cpu_exponents_of(n, x, 1);
  float log_sum = (float)log(e.sum), factor = (float)(1 / e.sum);
  for (int64_t j = 0; j < n; j++) y[j] = kind == HN_SOFTMAX ? expf(x[j] - e.max) * factor : x[j] - e.max - log_sum;
}

hn_status hn__cpu_softmax(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *x, float *y) {
  if (cols == 0) return HN_OK;
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++) softmax_row(kind, cols, x + i * cols, y + i * cols);
  return HN_OK;
}

/* softmax: dx = y (dy - y . dy); its logarithm: dx = dy - exp(y) sum of dy */
static void softmax_grad_row(hn__softmax kind, int64_t n, const float *y, const float *dy, float *dx) {
  float sum = (float)(kind == HN_SOFTMAX ? hn__cpu_dot(n, y, dy) : hn__cpu_sum(n, dy));
  for (int64_t j = 0; j < n; j++) dx[j] += kind == HN_SOFTMAX ? y[j] * (dy[j] - sum) : dy[j] - expf(y[j]) * sum;
}

hn_status hn__cpu_softmax_grad(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *y,
                               const float *dy, float *dx) {
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++) softmax_grad_row(kind, cols, y + i * cols, dy + i * cols, dx + i * cols);
  return HN_OK;
}

hn_status hn__cpu_argmax(hn__device *d, int64_t rows, int64_t cols, const float *x, int32_t *out) {
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++) {
    int64_t best = 0;
    for (int64_t j = 1; j < cols; j++)
      if (x[i * cols + j] > x[i * cols + best]) best = j;
    out[i] = (int32_t)best;
  }
  return HN_OK;
}
