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

hn_status hn__cpu_loss(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                       const float *target, float *out) {
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++) out[i] = loss_row(f, a, cols, x + i * cols, target + i * cols);
  return HN_OK;
}

hn_status hn__cpu_loss_grad(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                            const float *target, const float *dout, float *dx) {
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++)
    slopes[f](a, cols, dout[i] / (float)cols, x + i * cols, target + i * cols, dx + i * cols);
  return HN_OK;
}

hn_status hn__cpu_cross_entropy(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                float *out) {
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++) {
    hn__cpu_exponents e = hn__cpu_exponents_of(cols, x + i * cols, 1);
    out[i] = (float)(log(e.sum) - (double)(x[i * cols + label[i]] - e.max));
  }
  return HN_OK;
}

/* dx = dout (softmax(x) - 1 at the label) */
hn_status hn__cpu_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                     const float *dout, float *dx) {
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++) {
    const float *from = x + i * cols;
    float *to = dx + i * cols;
    hn__cpu_exponents e = hn__cpu_exponents_of(cols, from, 1);
    float factor = (float)(1 / e.sum);
    for (int64_t j = 0; j < cols; j++) to[j] += dout[i] * (expf(from[j] - e.max) * factor - (float)(j == label[i]));
  }
  return HN_OK;
}

hn_status hn__cpu_soft_cross_entropy(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                     const float *target, float *out) {
  double scale = 1 / (double)temperature;
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++) {
    const float *from = x + i * cols, *t = target + i * cols;
    hn__cpu_exponents e = hn__cpu_exponents_of(cols, from, (float)scale);
    double sum = 0, log_sum = log(e.sum);
    for (int64_t j = 0; j < cols; j++) sum += (double)t[j] * (log_sum - (double)(from[j] - e.max) * scale);
    out[i] = (float)(sum * (double)temperature * (double)temperature);
  }
  return HN_OK;
}

/* dx = dout T (softmax(x / T) * sum of targets - target): exact for targets that do not quite sum to 1 as well. */
hn_status hn__cpu_soft_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                          const float *target, const float *dout, float *dx) {
  float scale = 1 / temperature;
  HN_CPU_PARALLEL(d, rows * cols * HN_CPU_EXP)
  for (int64_t i = 0; i < rows; i++) {
    const float *from = x + i * cols, *t = target + i * cols;
    float *to = dx + i * cols;
    hn__cpu_exponents e = hn__cpu_exponents_of(cols, from, scale);
    float factor = (float)(hn__cpu_sum(cols, t) / e.sum), step = dout[i] * temperature;
    for (int64_t j = 0; j < cols; j++) to[j] += step * (expf((from[j] - e.max) * scale) * factor - t[j]);
  }
  return HN_OK;
}
