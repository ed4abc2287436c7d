/*
 * Normalisation of rows (layer) and of columns (batch). With h = (x - mean) * rstd and g = dy * gain, over the n
 * elements that share a mean: dx = rstd * (g - mean of g - h * mean of g h), dgain = sum of dy h, dbias = sum of dy.
 */
#include "cpu.h"

#define BLOCK HN_CPU_LANES

/* ---- Rows ---- */

HN_CLONES static void normalise_row(int64_t n, float mean, float rstd, const float *x, const float *gain,
                                    const float *bias, float *y) {
  for (int64_t j = 0; j < n; j++) y[j] = gain[j] * ((x[j] - mean) * rstd) + bias[j];
}

/* Two passes: the difference of mean squares would cancel. */
static double variance_of(int64_t n, const float *x, double mean) {
  double sum = 0;
  for (int64_t j = 0; j < n; j++) sum += ((double)x[j] - mean) * ((double)x[j] - mean);
  return sum / (double)n;
}

void hn__cpu_layer_norm_row(int64_t n, float epsilon, const float *x, const float *gain, const float *bias, float *y,
                            float *mean, float *rstd) {
  double average = hn__cpu_sum(n, x) / (double)n;
  *mean = (float)average;
  *rstd = (float)(1 / sqrt(variance_of(n, x, average) + (double)epsilon));
  normalise_row(n, *mean, *rstd, x, gain, bias, y);
}

/* A piece is a row, or a block of columns. */
typedef struct job {
  int64_t rows, cols;
  bool training;
  float momentum, epsilon;
  const float *x, *gain, *bias, *dy, *mean, *rstd;
  float *y, *new_mean, *new_rstd, *running_mean, *running_variance, *dx, *dgain, *dbias;
} job;

static double work(const job *m) { return (double)m->rows * (double)m->cols; }

static void layer_piece(const void *argument, int64_t i, int thread) {
  const job *m = argument;
  int64_t at = i * m->cols;
  (void)thread;
  hn__cpu_layer_norm_row(m->cols, m->epsilon, m->x + at, m->gain, m->bias, m->y + at, m->new_mean + i, m->new_rstd + i);
}

hn_status hn__cpu_layer_norm(hn__device *d, int64_t rows, int64_t cols, float epsilon, const float *x,
                             const float *gain, const float *bias, float *y, float *mean, float *rstd) {
  job m = {.rows = rows,
           .cols = cols,
           .epsilon = epsilon,
           .x = x,
           .gain = gain,
           .bias = bias,
           .y = y,
           .new_mean = mean,
           .new_rstd = rstd};
  hn__cpu_parallel(d, work(&m), rows, layer_piece, &m);
  return HN_OK;
}

static void layer_row_grad(int64_t n, float mean, float rstd, const float *x, const float *gain, const float *dy,
                           float *dx) {
  double sum = 0, dot = 0;
  for (int64_t j = 0; j < n; j++) {
    double g = (double)(dy[j] * gain[j]);
    sum += g;
    dot += g * (double)((x[j] - mean) * rstd);
  }
  float a = (float)(sum / (double)n), b = (float)(dot / (double)n);
  for (int64_t j = 0; j < n; j++) dx[j] += rstd * (dy[j] * gain[j] - a - (x[j] - mean) * rstd * b);
}

static void layer_row_grad_piece(const void *argument, int64_t i, int thread) {
  const job *m = argument;
  int64_t at = i * m->cols;
  (void)thread;
  layer_row_grad(m->cols, m->mean[i], m->rstd[i], m->x + at, m->gain, m->dy + at, m->dx + at);
}

/* dgain and dbias of a block of columns. */
static void layer_columns_grad_piece(const void *argument, int64_t p, int thread) {
  const job *m = argument;
  double sum[BLOCK] = {0}, dot[BLOCK] = {0};
  int64_t first = p * BLOCK, n = hn__cpu_least(m->cols - first, BLOCK);
  (void)thread;
  for (int64_t i = 0; i < m->rows; i++)
    for (int64_t j = 0; j < n; j++) {
      int64_t at = i * m->cols + first + j;
      sum[j] += (double)m->dy[at];
      dot[j] += (double)(m->dy[at] * ((m->x[at] - m->mean[i]) * m->rstd[i]));
    }
  for (int64_t j = 0; j < n; j++) {
    if (m->dgain) m->dgain[first + j] += (float)dot[j];
    if (m->dbias) m->dbias[first + j] += (float)sum[j];
  }
}

hn_status hn__cpu_layer_norm_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const float *gain,
                                  const float *mean, const float *rstd, const float *dy, float *dx, float *dgain,
                                  float *dbias) {
  job m = {.rows = rows,
           .cols = cols,
           .x = x,
           .gain = gain,
           .dy = dy,
           .mean = mean,
           .rstd = rstd,
           .dx = dx,
           .dgain = dgain,
           .dbias = dbias};
  if (dx) hn__cpu_parallel(d, work(&m), rows, layer_row_grad_piece, &m);
  if (dgain || dbias) hn__cpu_parallel(d, work(&m), hn__cpu_ceil(cols, BLOCK), layer_columns_grad_piece, &m);
  return HN_OK;
}

/* ---- Columns: blocks of them, pointers already moved to the block's first; ld is the length of a row ---- */

/* Mean and variance of n columns. */
static void column_moments(int64_t rows, int64_t ld, int64_t n, const float *x, double *mean, double *variance) {
  for (int64_t j = 0; j < n; j++) mean[j] = variance[j] = 0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < n; j++) mean[j] += (double)x[i * ld + j];
  for (int64_t j = 0; j < n; j++) mean[j] /= (double)rows;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < n; j++) {
      double difference = (double)x[i * ld + j] - mean[j];
      variance[j] += difference * difference;
    }
  for (int64_t j = 0; j < n; j++) variance[j] /= (double)rows;
}

/* Statistics of the batch, and the running ones a step of `momentum` nearer to them. A single row has no unbiased
 * variance; its variance of 0 stands for it. */
static void train_columns(int64_t rows, int64_t ld, int64_t n, float momentum, float epsilon, const float *x,
                          float *running_mean, float *running_variance, float *mean, float *rstd) {
  double m[BLOCK], s[BLOCK], unbiased = rows > 1 ? (double)rows / (double)(rows - 1) : 1;
  column_moments(rows, ld, n, x, m, s);
  for (int64_t j = 0; j < n; j++) {
    mean[j] = (float)m[j];
    rstd[j] = (float)(1 / sqrt(s[j] + (double)epsilon));
    running_mean[j] += momentum * ((float)m[j] - running_mean[j]);
    running_variance[j] += momentum * ((float)(s[j] * unbiased) - running_variance[j]);
  }
}

HN_CLONES static void normalise_columns(int64_t rows, int64_t ld, int64_t n, const float *x, const float *gain,
                                        const float *bias, const float *mean, const float *rstd, float *y) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < n; j++) y[i * ld + j] = gain[j] * ((x[i * ld + j] - mean[j]) * rstd[j]) + bias[j];
}

static void batch_piece(const void *argument, int64_t p, int thread) {
  const job *m = argument;
  int64_t j = p * BLOCK, n = hn__cpu_least(m->cols - j, BLOCK);
  (void)thread;
  if (m->training)
    train_columns(m->rows, m->cols, n, m->momentum, m->epsilon, m->x + j, m->running_mean + j, m->running_variance + j,
                  m->new_mean + j, m->new_rstd + j);
  for (int64_t k = j; k < j + n && !m->training; k++) {
    m->new_mean[k] = m->running_mean[k];
    m->new_rstd[k] = (float)(1 / sqrt((double)m->running_variance[k] + (double)m->epsilon));
  }
  normalise_columns(m->rows, m->cols, n, m->x + j, m->gain + j, m->bias + j, m->new_mean + j, m->new_rstd + j,
                    m->y + j);
}

hn_status hn__cpu_batch_norm(hn__device *d, int64_t rows, int64_t cols, bool training, float momentum, float epsilon,
                             const float *x, const float *gain, const float *bias, float *running_mean,
                             float *running_variance, float *y, float *mean, float *rstd) {
  if (rows == 0) return HN_OK;
  job m = {.rows = rows,
           .cols = cols,
           .training = training,
           .momentum = momentum,
           .epsilon = epsilon,
           .x = x,
           .gain = gain,
           .bias = bias,
           .y = y,
           .new_mean = mean,
           .new_rstd = rstd,
           .running_mean = running_mean,
           .running_variance = running_variance};
  hn__cpu_parallel(d, work(&m), hn__cpu_ceil(cols, BLOCK), batch_piece, &m);
  return HN_OK;
}

/* Sums of dy and of dy h. */
static void column_sums(int64_t rows, int64_t ld, int64_t n, const float *x, const float *mean, const float *rstd,
                        const float *dy, double *sum, double *dot) {
  for (int64_t j = 0; j < n; j++) sum[j] = dot[j] = 0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < n; j++) {
      sum[j] += (double)dy[i * ld + j];
      dot[j] += (double)(dy[i * ld + j] * ((x[i * ld + j] - mean[j]) * rstd[j]));
    }
}

/* Running statistics do not depend on x: then only the first term of dx is left. */
static void batch_input_grad(int64_t rows, int64_t ld, int64_t n, bool training, const float *x, const float *gain,
                             const float *mean, const float *rstd, const float *dy, const double *sum,
                             const double *dot, float *dx) {
  double share = training ? 1 / (double)rows : 0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < n; j++) {
      float a = (float)(sum[j] * share), b = (float)(dot[j] * share), h = (x[i * ld + j] - mean[j]) * rstd[j];
      float g = dy[i * ld + j];
      if (training) g = g - a - h * b; /* else not even times 0: a NaN elsewhere in the column is none of its */
      dx[i * ld + j] += gain[j] * rstd[j] * g;
    }
}

static void batch_grad_piece(const void *argument, int64_t p, int thread) {
  const job *m = argument;
  double sum[BLOCK], dot[BLOCK];
  int64_t j = p * BLOCK, n = hn__cpu_least(m->cols - j, BLOCK);
  (void)thread;
  column_sums(m->rows, m->cols, n, m->x + j, m->mean + j, m->rstd + j, m->dy + j, sum, dot);
  if (m->dx)
    batch_input_grad(m->rows, m->cols, n, m->training, m->x + j, m->gain + j, m->mean + j, m->rstd + j, m->dy + j, sum,
                     dot, m->dx + j);
  for (int64_t k = 0; k < n; k++) {
    if (m->dgain) m->dgain[j + k] += (float)dot[k];
    if (m->dbias) m->dbias[j + k] += (float)sum[k];
  }
}

hn_status hn__cpu_batch_norm_grad(hn__device *d, int64_t rows, int64_t cols, bool training, const float *x,
                                  const float *gain, const float *mean, const float *rstd, const float *dy, float *dx,
                                  float *dgain, float *dbias) {
  job m = {.rows = rows,
           .cols = cols,
           .training = training,
           .x = x,
           .gain = gain,
           .dy = dy,
           .mean = mean,
           .rstd = rstd,
           .dx = dx,
           .dgain = dgain,
           .dbias = dbias};
  hn__cpu_parallel(d, work(&m), hn__cpu_ceil(cols, BLOCK), batch_grad_piece, &m);
  return HN_OK;
}
