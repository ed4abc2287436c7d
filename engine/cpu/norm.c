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

hn_status hn__cpu_layer_norm(hn__device *d, int64_t rows, int64_t cols, float epsilon, const float *x,
                             const float *gain, const float *bias, float *y, float *mean, float *rstd) {
  HN_CPU_PARALLEL(d, rows * cols)
  for (int64_t i = 0; i < rows; i++) {
    const float *row = x + i * cols;
    double average = hn__cpu_sum(cols, row) / (double)cols;
    mean[i] = (float)average;
    rstd[i] = (float)(1 / sqrt(variance_of(cols, row, average) + (double)epsilon));
    normalise_row(cols, mean[i], rstd[i], row, gain, bias, y + i * cols);
  }
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

/* dgain and dbias of columns [first, first + n) of a layer. */
static void layer_columns_grad(int64_t rows, int64_t cols, int64_t first, int64_t n, const float *x, const float *mean,
                               const float *rstd, const float *dy, float *dgain, float *dbias) {
  double sum[BLOCK] = {0}, dot[BLOCK] = {0};
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < n; j++) {
      int64_t at = i * cols + first + j;
      sum[j] += (double)dy[at];
      dot[j] += (double)(dy[at] * ((x[at] - mean[i]) * rstd[i]));
    }
  for (int64_t j = 0; j < n; j++) {
    if (dgain) dgain[first + j] += (float)dot[j];
    if (dbias) dbias[first + j] += (float)sum[j];
  }
}

hn_status hn__cpu_layer_norm_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const float *gain,
                                  const float *mean, const float *rstd, const float *dy, float *dx, float *dgain,
                                  float *dbias) {
  if (dx) {
    HN_CPU_PARALLEL(d, rows * cols)
    for (int64_t i = 0; i < rows; i++)
      layer_row_grad(cols, mean[i], rstd[i], x + i * cols, gain, dy + i * cols, dx + i * cols);
  }
  if (dgain || dbias) {
    HN_CPU_PARALLEL(d, rows * cols)
    for (int64_t j = 0; j < cols; j += BLOCK)
      layer_columns_grad(rows, cols, j, hn__cpu_least(cols - j, BLOCK), x, mean, rstd, dy, dgain, dbias);
  }
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

hn_status hn__cpu_batch_norm(hn__device *d, int64_t rows, int64_t cols, bool training, float momentum, float epsilon,
                             const float *x, const float *gain, const float *bias, float *running_mean,
                             float *running_variance, float *y, float *mean, float *rstd) {
  if (rows == 0) return HN_OK;
  HN_CPU_PARALLEL(d, rows * cols)
  for (int64_t j = 0; j < cols; j += BLOCK) {
    int64_t n = hn__cpu_least(cols - j, BLOCK);
    if (training)
      train_columns(rows, cols, n, momentum, epsilon, x + j, running_mean + j, running_variance + j, mean + j,
                    rstd + j);
    for (int64_t k = j; k < j + n && !training; k++) {
      mean[k] = running_mean[k];
      rstd[k] = (float)(1 / sqrt((double)running_variance[k] + (double)epsilon));
    }
    normalise_columns(rows, cols, n, x + j, gain + j, bias + j, mean + j, rstd + j, y + j);
  }
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
      dx[i * ld + j] += gain[j] * rstd[j] * (dy[i * ld + j] - a - h * b);
    }
}

hn_status hn__cpu_batch_norm_grad(hn__device *d, int64_t rows, int64_t cols, bool training, const float *x,
                                  const float *gain, const float *mean, const float *rstd, const float *dy, float *dx,
                                  float *dgain, float *dbias) {
  HN_CPU_PARALLEL(d, rows * cols)
  for (int64_t j = 0; j < cols; j += BLOCK) {
    double sum[BLOCK], dot[BLOCK];
    int64_t n = hn__cpu_least(cols - j, BLOCK);
    column_sums(rows, cols, n, x + j, mean + j, rstd + j, dy + j, sum, dot);
    if (dx) batch_input_grad(rows, cols, n, training, x + j, gain + j, mean + j, rstd + j, dy + j, sum, dot, dx + j);
    for (int64_t k = 0; k < n; k++) {
      if (dgain) dgain[j + k] += (float)dot[k];
      if (dbias) dbias[j + k] += (float)sum[k];
    }
  }
  return HN_OK;
}
