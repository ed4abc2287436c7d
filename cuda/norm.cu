/*
 * Normalisation of rows (layer) and of columns (batch). With h = (x - mean) * rstd and g = dy * gain, over the n
 * elements that share a mean: dx = rstd * (g - mean of g - h * mean of g h), dgain = sum of dy h, dbias = sum of dy.
 * Here h is never rounded in dx: its last factor is (x - mean) * tilt, where tilt = rstd^2 * mean of g (x - mean). Of
 * two numbers with one mean only the last bits of the difference are left.
 *
 * Mean and variance come from one pass, from sums of x - shift and its square, where shift is the first of the
 * elements: it is as near to the mean as the others are, so that the difference of the two does not cancel.
 *
 * On an H100, bytes from and to HBM a number: layer forward 8, dx 16, dgain and dbias 8; batch forward 12, gradient 24.
 * Bound by HBM (3.35 TB/s) from some 10 MB on; long rows and columns that fit L2 (50 MB) are read from there the second
 * time.
 */
#include "sum.h"

namespace {

/* Mean and variance of n numbers from the sums of their distances to `shift` and of those squared. Rounding may take
 * the variance below 0; a NaN stays one. */
typedef struct moments {
  double mean, variance;
} moments;

__device__ __forceinline__ moments moments_of(float shift, double sum, double squares, double n) {
  double mean = sum / n, variance = squares / n - mean * mean;
  return {(double)shift + mean, variance < 0 ? 0 : variance};
}

/* Rounded once, as the gradient of two numbers with one mean cancels but for its last bits: a step of Newton's in
 * double from the float's root. */
__device__ __forceinline__ float rstd_of(double variance, float epsilon) {
  double v = variance + (double)epsilon, r = (double)(1 / sqrtf((float)v));
  return (float)(r + r * (1 - v * r * r) / 2);
}

/* ---- Rows ---- */

template <int SIZE, int HELD>
__global__ void HN_TEAM_BOUNDS(SIZE)
    layer_rows(int64_t rows, int64_t cols, float epsilon, const float *__restrict__ x, const float *__restrict__ gain,
               const float *__restrict__ bias, float *__restrict__ y, float *__restrict__ mean,
               float *__restrict__ rstd) {
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    hn__cuda_held<SIZE, HELD> row = hn__cuda_held_at<SIZE, HELD>(x + i * cols, cols);
    float shift = x[i * cols], *out = y + i * cols;
    hn__cuda_sum sum, squares;
    hn__cuda_each(row, [&](int64_t, float v) {
      hn__cuda_add(sum, v - shift);
      hn__cuda_add_product(squares, v - shift, v - shift);
    });
    double total = hn__cuda_team_sum<SIZE>(sum);
    moments of = moments_of(shift, total, hn__cuda_team_sum<SIZE>(squares), (double)cols);
    float m = (float)of.mean, r = rstd_of(of.variance, epsilon);
    if (hn__cuda_member<SIZE>() == 0) mean[i] = m, rstd[i] = r;
    hn__cuda_each(row, [&](int64_t j, float v) { out[j] = gain[j] * ((v - m) * r) + bias[j]; });
  }
}

template <int SIZE, int HELD>
__global__ void HN_TEAM_BOUNDS(SIZE)
    layer_rows_grad(int64_t rows, int64_t cols, const float *__restrict__ x, const float *__restrict__ gain,
                    const float *__restrict__ mean, const float *__restrict__ rstd, const float *__restrict__ dy,
                    float *__restrict__ dx) {
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    hn__cuda_held<SIZE, HELD> row = hn__cuda_held_at<SIZE, HELD>(x + i * cols, cols);
    hn__cuda_held<SIZE, HELD> slope = hn__cuda_held_at<SIZE, HELD>(dy + i * cols, cols);
    float m = mean[i], r = rstd[i], *out = dx + i * cols;
    hn__cuda_sum sum, dot;
    hn__cuda_each_of_two(row, slope, [&](int64_t j, float v, float g) {
      hn__cuda_add(sum, g * gain[j]);
      hn__cuda_add_product(dot, g * gain[j], v - m);
    });
    float middle = (float)(hn__cuda_team_sum<SIZE>(sum) / (double)cols);
    float tilt = (float)(hn__cuda_team_sum<SIZE>(dot) * (double)r * (double)r / (double)cols);
    hn__cuda_each_of_two(row, slope,
                         [&](int64_t j, float v, float g) { out[j] += r * fmaf(m - v, tilt, g * gain[j] - middle); });
  }
}

/* dbias and dgain: sums over the rows, which have a mean each. */
struct layer_slopes {
  const float *x, *mean, *rstd, *dy;
  __device__ void operator()(int64_t at, int64_t k, int64_t, hn__cuda_sum *sums) const {
    hn__cuda_add(sums[0], dy[at]);
    hn__cuda_add_product(sums[1], dy[at], (x[at] - mean[k]) * rstd[k]);
  }
};

struct add_slopes {
  float *dgain, *dbias;
  __device__ void operator()(int64_t j, const double *sums) const {
    if (dbias) dbias[j] += (float)sums[0];
    if (dgain) dgain[j] += (float)sums[1];
  }
};

} // namespace

hn_status hn__cuda_layer_norm(hn__device *d, int64_t rows, int64_t cols, float epsilon, const float *x,
                              const float *gain, const float *bias, float *y, float *mean, float *rstd) {
  if (rows == 0 || cols == 0) return HN_OK;
  return HN_LAUNCH_ROWS(d, rows, cols, layer_rows, epsilon, x, gain, bias, y, mean, rstd);
}

hn_status hn__cuda_layer_norm_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const float *gain,
                                   const float *mean, const float *rstd, const float *dy, float *dx, float *dgain,
                                   float *dbias) {
  if (rows == 0 || cols == 0) return HN_OK;
  if (dx) HN_CUDA_CALL(HN_LAUNCH_ROWS(d, rows, cols, layer_rows_grad, x, gain, mean, rstd, dy, dx));
  if (!dgain && !dbias) return HN_OK;
  return hn__cuda_column_sums<2>(d, 1, rows, cols, layer_slopes{x, mean, rstd, dy}, add_slopes{dgain, dbias});
}

/* ---- Columns ---- */

namespace {

/* The shift is the column's first element, x[i]. */
struct column_distances {
  const float *x;
  __device__ void operator()(int64_t at, int64_t, int64_t i, hn__cuda_sum *sums) const {
    float distance = x[at] - x[i];
    hn__cuda_add(sums[0], distance);
    hn__cuda_add_product(sums[1], distance, distance);
  }
};

/* Statistics of the batch, and the running ones a step of `momentum` nearer to them. A single row has no unbiased
 * variance; its variance of 0 stands for it. */
struct train_statistics {
  int64_t rows;
  float momentum, epsilon;
  const float *x;
  float *running_mean, *running_variance, *mean, *rstd;
  __device__ void operator()(int64_t j, const double *sums) const {
    moments of = moments_of(x[j], sums[0], sums[1], (double)rows);
    double unbiased = rows > 1 ? (double)rows / (double)(rows - 1) : 1;
    mean[j] = (float)of.mean;
    rstd[j] = rstd_of(of.variance, epsilon);
    running_mean[j] += momentum * ((float)of.mean - running_mean[j]);
    running_variance[j] += momentum * ((float)(of.variance * unbiased) - running_variance[j]);
  }
};

__global__ void take_running(int64_t cols, float epsilon, const float *__restrict__ running_mean,
                             const float *__restrict__ running_variance, float *__restrict__ mean,
                             float *__restrict__ rstd) {
  for (int64_t j = hn__cuda_first(); j < cols; j += hn__cuda_step()) {
    mean[j] = running_mean[j];
    rstd[j] = rstd_of((double)running_variance[j], epsilon);
  }
}

/* A thread an element. */
__global__ void normalise_columns(int64_t size, int64_t cols, const float *__restrict__ x,
                                  const float *__restrict__ gain, const float *__restrict__ bias,
                                  const float *__restrict__ mean, const float *__restrict__ rstd,
                                  float *__restrict__ y) {
  for (int64_t at = hn__cuda_first(); at < size; at += hn__cuda_step()) {
    int64_t j = at - hn__cuda_quotient(at, cols) * cols;
    y[at] = gain[j] * ((x[at] - mean[j]) * rstd[j]) + bias[j];
  }
}

/* Sums of dy and of dy (x - mean). */
struct batch_slopes {
  const float *x, *mean, *dy;
  int64_t cols;
  __device__ void operator()(int64_t, int64_t k, int64_t i, hn__cuda_sum *sums) const {
    int64_t at = k * cols + i;
    hn__cuda_add(sums[0], dy[at]);
    hn__cuda_add_product(sums[1], dy[at], x[at] - mean[i]);
  }
};

/* What dx needs of its column. */
typedef struct column {
  float middle, tilt;
} column;

struct keep_slopes {
  float *dgain, *dbias;
  double rows;
  const float *rstd;
  column *columns;
  __device__ void operator()(int64_t j, const double *sums) const {
    double r = (double)rstd[j], dot = sums[1] * r;
    if (dbias) dbias[j] += (float)sums[0];
    if (dgain) dgain[j] += (float)dot;
    columns[j] = {(float)(sums[0] / rows), (float)(dot * r / rows)};
  }
};

/* dx of `width` columns. Running statistics do not depend on x: then there is no `columns`, and only the first term
 * is left. */
__global__ void batch_input_grad(int64_t size, int64_t width, int64_t cols, const float *__restrict__ x,
                                 const float *__restrict__ gain, const float *__restrict__ mean,
                                 const float *__restrict__ rstd, const float *__restrict__ dy,
                                 const column *__restrict__ columns, float *__restrict__ dx) {
  for (int64_t k = hn__cuda_first(); k < size; k += hn__cuda_step()) {
    int64_t i = hn__cuda_quotient(k, width), j = k - i * width, at = i * cols + j;
    column of = columns ? columns[j] : column{0, 0};
    dx[at] += gain[j] * rstd[j] * fmaf(mean[j] - x[at], of.tilt, dy[at] - of.middle);
  }
}

} // namespace

hn_status hn__cuda_batch_norm(hn__device *d, int64_t rows, int64_t cols, bool training, float momentum, float epsilon,
                              const float *x, const float *gain, const float *bias, float *running_mean,
                              float *running_variance, float *y, float *mean, float *rstd) {
  if (rows == 0 || cols == 0) return HN_OK;
  if (training) {
    train_statistics finish = {rows, momentum, epsilon, x, running_mean, running_variance, mean, rstd};
    HN_CUDA_CALL(hn__cuda_column_sums<2>(d, 1, rows, cols, column_distances{x}, finish));
  } else {
    HN_CUDA_CALL(HN_LAUNCH(d, hn__cuda_cover(d, cols), take_running, cols, epsilon, (const float *)running_mean,
                           (const float *)running_variance, mean, rstd));
  }
  return HN_LAUNCH(d, hn__cuda_cover(d, rows * cols), normalise_columns, rows * cols, cols, x, gain, bias,
                   (const float *)mean, (const float *)rstd, y);
}

/* In training dx needs sums of its column, which stand in the scratch: as many columns at a time as fit. */
hn_status hn__cuda_batch_norm_grad(hn__device *d, int64_t rows, int64_t cols, bool training, const float *x,
                                   const float *gain, const float *mean, const float *rstd, const float *dy, float *dx,
                                   float *dgain, float *dbias) {
  const int64_t most = (HN_CUDA_SCRATCH - HN_CUDA_SUMS_BYTES) / (int64_t)sizeof(column);
  column *columns = (column *)(void *)(hn__cuda_of(d)->scratch + HN_CUDA_SUMS_BYTES);
  bool sums = dgain || dbias || (dx && training);
  if (rows == 0) return HN_OK;
  for (int64_t j = 0; j < cols; j += most) {
    int64_t width = hn__cuda_least(cols - j, most);
    batch_slopes slopes = {x + j, mean + j, dy + j, cols};
    keep_slopes keep = {dgain ? dgain + j : NULL, dbias ? dbias + j : NULL, (double)rows, rstd + j, columns};
    if (sums) HN_CUDA_CALL(hn__cuda_column_sums<2>(d, 1, rows, width, slopes, keep));
    if (dx)
      HN_CUDA_CALL(HN_LAUNCH(d, hn__cuda_cover(d, rows * width), batch_input_grad, rows * width, width, cols, x + j,
                             gain + j, mean + j, rstd + j, dy + j, (const column *)(training ? columns : NULL),
                             dx + j));
  }
  return HN_OK;
}
