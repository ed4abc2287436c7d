/*
 * Losses: one number a row of outputs.
 */
#include "cpu.h"

#define BLOCK 256

typedef void value_loop(float a, int64_t n, const float *px, const float *pt, float *out);
typedef void slope_loop(float a, int64_t n, float factor, const float *px, const float *pt, float *pdx);

/* For every loss of an element: its values, and its slopes times a factor. */
#define LOOPS(name, numbers, value, slope)                                                                             \
  HN_CLONES static void name##_values(float a, int64_t n, const float *px, const float *pt, float *out) {              \
    (void)a;                                                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float x = px[i], t = pt[i];                                                                                      \
      out[i] = value;                                                                                                  \
    }                                                                                                                  \
  }                                                                                                                    \
  HN_CLONES static void name##_slopes(float a, int64_t n, float factor, const float *px, const float *pt,              \
                                      float *pdx) {                                                                    \
    (void)a;                                                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float x = px[i], t = pt[i];                                                                                      \
      pdx[i] += factor * (slope);                                                                                      \
    }                                                                                                                  \
  }
HN_LOSS_LIST(LOOPS)
#undef LOOPS

#define VALUES(name, ...) name##_values,
#define SLOPES(name, ...) name##_slopes,
static value_loop *const values[HN_LOSSES] = {HN_LOSS_LIST(VALUES)};
static slope_loop *const slopes[HN_LOSSES] = {HN_LOSS_LIST(SLOPES)};

/* Mean over a row, by way of a block of values that the vector loops can fill. */
static float loss_row(hn__loss f, float a, int64_t n, const float *x, const float *target) {
  float block[BLOCK];
  double sum = 0;
  for (int64_t j = 0; j < n; j += BLOCK) {
    int64_t m = hn__cpu_least(n - j, BLOCK);
    values[f](a, m, x + j, target + j, block);
    sum += hn__cpu_sum(m, block);
  }
  return (float)(sum / (double)n);
}

/* One piece of a job is one sample. */
typedef struct job {
  hn__loss f;
  float a;
  int64_t cols;
  const float *x, *target, *dout;
  const int32_t *label;
  float *to; /* out or dx */
} job;

static hn_status run(hn__device *d, int64_t rows, hn__cpu_piece *piece, const job *l) {
  hn__cpu_parallel(d, (double)rows * (double)l->cols * HN_CPU_EXP, rows, piece, l);
  return HN_OK;
}

static void loss_piece(const void *argument, int64_t i, int thread) {
  const job *l = argument;
  (void)thread;
  l->to[i] = loss_row(l->f, l->a, l->cols, l->x + i * l->cols, l->target + i * l->cols);
}

hn_status hn__cpu_loss(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                       const float *target, float *out) {
  return run(d, rows, loss_piece, &(job){.f = f, .a = a, .cols = cols, .x = x, .target = target, .to = out});
}

static void loss_grad_piece(const void *argument, int64_t i, int thread) {
  const job *l = argument;
  int64_t at = i * l->cols;
  (void)thread;
  slopes[l->f](l->a, l->cols, l->dout[i] / (float)l->cols, l->x + at, l->target + at, l->to + at);
}

hn_status hn__cpu_loss_grad(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                            const float *target, const float *dout, float *dx) {
  job l = {.f = f, .a = a, .cols = cols, .x = x, .target = target, .dout = dout, .to = dx};
  return run(d, rows, loss_grad_piece, &l);
}

static void cross_entropy_piece(const void *argument, int64_t i, int thread) {
  const job *l = argument;
  const float *x = l->x + i * l->cols;
  hn__cpu_exponents e = hn__cpu_exponents_of(l->cols, x, 1);
  (void)thread;
  l->to[i] = (float)(log(e.sum) - (double)(x[l->label[i]] - e.max));
}

hn_status hn__cpu_cross_entropy(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                float *out) {
  return run(d, rows, cross_entropy_piece, &(job){.cols = cols, .x = x, .label = label, .to = out});
}

/* dx = dout (softmax(x) - 1 at the label) */
static void cross_entropy_grad_piece(const void *argument, int64_t i, int thread) {
  const job *l = argument;
  const float *x = l->x + i * l->cols;
  float *dx = l->to + i * l->cols;
  hn__cpu_exponents e = hn__cpu_exponents_of(l->cols, x, 1);
  float factor = (float)(1 / e.sum);
  (void)thread;
  for (int64_t j = 0; j < l->cols; j++) dx[j] += l->dout[i] * (expf(x[j] - e.max) * factor - (float)(j == l->label[i]));
}

hn_status hn__cpu_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                     const float *dout, float *dx) {
  job l = {.cols = cols, .x = x, .label = label, .dout = dout, .to = dx};
  return run(d, rows, cross_entropy_grad_piece, &l);
}

static void soft_piece(const void *argument, int64_t i, int thread) {
  const job *l = argument;
  const float *x = l->x + i * l->cols, *t = l->target + i * l->cols;
  double temperature = (double)l->a, scale = 1 / temperature, sum = 0;
  hn__cpu_exponents e = hn__cpu_exponents_of(l->cols, x, (float)scale);
  double log_sum = log(e.sum);
  (void)thread;
  for (int64_t j = 0; j < l->cols; j++) sum += (double)t[j] * (log_sum - (double)(x[j] - e.max) * scale);
  l->to[i] = (float)(sum * temperature * temperature);
}

hn_status hn__cpu_soft_cross_entropy(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                     const float *target, float *out) {
  return run(d, rows, soft_piece, &(job){.a = temperature, .cols = cols, .x = x, .target = target, .to = out});
}

/* dx = dout T (softmax(x / T) * sum of targets - target): exact for targets that do not quite sum to 1 as well. */
static void soft_grad_piece(const void *argument, int64_t i, int thread) {
  const job *l = argument;
  const float *x = l->x + i * l->cols, *t = l->target + i * l->cols;
  float *dx = l->to + i * l->cols, scale = 1 / l->a, step = l->dout[i] * l->a;
  hn__cpu_exponents e = hn__cpu_exponents_of(l->cols, x, scale);
  float factor = (float)(hn__cpu_sum(l->cols, t) / e.sum);
  (void)thread;
  for (int64_t j = 0; j < l->cols; j++) dx[j] += step * (expf((x[j] - e.max) * scale) * factor - t[j]);
}

hn_status hn__cpu_soft_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                          const float *target, const float *dout, float *dx) {
  job l = {.a = temperature, .cols = cols, .x = x, .target = target, .dout = dout, .to = dx};
  return run(d, rows, soft_grad_piece, &l);
}
