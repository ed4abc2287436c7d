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

void hn__cpu_softmax_row(hn__softmax kind, int64_t n, const float *x, float *y) {
  hn__cpu_exponents e = hn__cpu_exponents_of(n, x, 1);
  float log_sum = (float)log(e.sum), factor = (float)(1 / e.sum);
  for (int64_t j = 0; j < n; j++) y[j] = kind == HN_SOFTMAX ? expf(x[j] - e.max) * factor : x[j] - e.max - log_sum;
}

typedef struct job {
  hn__softmax kind;
  int64_t cols;
  const float *x, *dy;
  float *out;
  int32_t *index;
} job;

static void softmax_piece(const void *argument, int64_t i, int thread) {
  const job *s = argument;
  (void)thread;
  hn__cpu_softmax_row(s->kind, s->cols, s->x + i * s->cols, s->out + i * s->cols);
}

hn_status hn__cpu_softmax(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *x, float *y) {
  if (cols == 0) return HN_OK;
  job s = {.kind = kind, .cols = cols, .x = x, .out = y};
  hn__cpu_parallel(d, (double)rows * (double)cols * HN_CPU_EXP, rows, softmax_piece, &s);
  return HN_OK;
}

/* softmax: dx = y (dy - y . dy); its logarithm: dx = dy - exp(y) sum of dy */
static void softmax_grad_row(hn__softmax kind, int64_t n, const float *y, const float *dy, float *dx) {
  float sum = (float)(kind == HN_SOFTMAX ? hn__cpu_dot(n, y, dy) : hn__cpu_sum(n, dy));
  for (int64_t j = 0; j < n; j++) dx[j] += kind == HN_SOFTMAX ? y[j] * (dy[j] - sum) : dy[j] - expf(y[j]) * sum;
}

static void softmax_grad_piece(const void *argument, int64_t i, int thread) {
  const job *s = argument;
  (void)thread;
  softmax_grad_row(s->kind, s->cols, s->x + i * s->cols, s->dy + i * s->cols, s->out + i * s->cols);
}

hn_status hn__cpu_softmax_grad(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *y,
                               const float *dy, float *dx) {
  job s = {.kind = kind, .cols = cols, .x = y, .dy = dy, .out = dx};
  hn__cpu_parallel(d, (double)rows * (double)cols * HN_CPU_EXP, rows, softmax_grad_piece, &s);
  return HN_OK;
}

static void argmax_piece(const void *argument, int64_t i, int thread) {
  const job *s = argument;
  const float *x = s->x + i * s->cols;
  int64_t best = 0;
  (void)thread;
  for (int64_t j = 1; j < s->cols; j++)
    if (x[j] > x[best]) best = j;
  s->index[i] = (int32_t)best;
}

hn_status hn__cpu_argmax(hn__device *d, int64_t rows, int64_t cols, const float *x, int32_t *out) {
  job s = {.cols = cols, .x = x, .index = out};
  hn__cpu_parallel(d, (double)rows * (double)cols, rows, argmax_piece, &s);
  return HN_OK;
}
