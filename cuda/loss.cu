/*
 * Losses: one number a row of outputs. A warp has a row of up to 1024 outputs, held in registers, a block a longer one;
 * losses of an element are sums along rows of sum.h.
 *
 * On an H100, bytes from and to HBM an output: cross_entropy 4 and its gradient 12, soft_cross_entropy 8 and 16, losses
 * of an element 8 and 16; with the one or two exponentials of each, bound by HBM (3.35 TB/s) from some 10 MB on, below
 * that by the launch (3 us).
 */
#include "sum.h"

/* ---- Of an element ---- */

namespace {

/* All threads of a kernel take the same branch. */
#define VALUE(name, numbers, value, slope)                                                                             \
  if (f == HN_LOSS_##name) return value;
#define SLOPE(name, numbers, value, slope)                                                                             \
  if (f == HN_LOSS_##name) return slope;

__device__ __forceinline__ float value_of(hn__loss f, float a, float x, float t) {
  (void)a;
  HN_LOSS_LIST(VALUE)
  return NAN;
}

__device__ __forceinline__ float slope_of(hn__loss f, float a, float x, float t) {
  (void)a;
  HN_LOSS_LIST(SLOPE)
  return NAN;
}

#undef VALUE
#undef SLOPE

struct loss_value {
  hn__loss f;
  float a;
  const float *x, *target;
  __device__ void operator()(int64_t at, int64_t, int64_t, hn__cuda_sum *sum) const {
    hn__cuda_add(*sum, value_of(f, a, x[at], target[at]));
  }
};

struct store_mean {
  double cols;
  float *out;
  __device__ void operator()(int64_t i, const double *sum) const { out[i] = (float)(*sum / cols); }
};

/* A thread an element. */
__global__ void loss_slopes(int64_t size, int64_t cols, hn__loss f, float a, const float *__restrict__ x,
                            const float *__restrict__ target, const float *__restrict__ dout, float *__restrict__ dx) {
  for (int64_t at = hn__cuda_first(); at < size; at += hn__cuda_step())
    dx[at] += dout[hn__cuda_quotient(at, cols)] / (float)cols * slope_of(f, a, x[at], target[at]);
}

} // namespace

hn_status hn__cuda_loss(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                        const float *target, float *out) {
  return hn__cuda_row_sums<1>(d, rows, cols, loss_value{f, a, x, target}, store_mean{(double)cols, out});
}

hn_status hn__cuda_loss_grad(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                             const float *target, const float *dout, float *dx) {
  if (rows == 0 || cols == 0) return HN_OK;
  return HN_LAUNCH(d, hn__cuda_cover(d, rows * cols), loss_slopes, rows * cols, cols, f, a, x, target, dout, dx);
}

/* ---- Cross-entropy ---- */

namespace {

template <int SIZE, int HELD>
__global__ void HN_TEAM_BOUNDS(SIZE) cross_entropy(int64_t rows, int64_t cols, const float *__restrict__ x,
                                                   const int32_t *__restrict__ label, float *__restrict__ out) {
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    const float *from = x + i * cols;
    hn__cuda_exponents e = hn__cuda_exponents_of(hn__cuda_held_at<SIZE, HELD>(from, cols), 1);
    if (hn__cuda_member<SIZE>() == 0) out[i] = hn__cuda_log(e) - (from[label[i]] - e.max);
  }
}

/* dx = dout (softmax(x) - 1 at the label) */
template <int SIZE, int HELD>
__global__ void HN_TEAM_BOUNDS(SIZE)
    cross_entropy_grad(int64_t rows, int64_t cols, const float *__restrict__ x, const int32_t *__restrict__ label,
                       const float *__restrict__ dout, float *__restrict__ dx) {
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    hn__cuda_held<SIZE, HELD> row = hn__cuda_held_at<SIZE, HELD>(x + i * cols, cols);
    hn__cuda_exponents e = hn__cuda_exponents_of(row, 1);
    float *to = dx + i * cols, factor = 1 / (float)e.sum, step = dout[i];
    int32_t right = label[i];
    hn__cuda_each(row,
                  [&](int64_t j, float v) { to[j] += step * (expf(v - e.max) * factor - (j == right ? 1.0f : 0.0f)); });
  }
}

/* ---- Cross-entropy with soft targets, at a temperature ---- */

template <int SIZE, int HELD>
__global__ void HN_TEAM_BOUNDS(SIZE)
    soft_cross_entropy(int64_t rows, int64_t cols, float temperature, const float *__restrict__ x,
                       const float *__restrict__ target, float *__restrict__ out) {
  float scale = 1 / temperature;
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    hn__cuda_held<SIZE, HELD> row = hn__cuda_held_at<SIZE, HELD>(x + i * cols, cols);
    hn__cuda_held<SIZE, HELD> wanted = hn__cuda_held_at<SIZE, HELD>(target + i * cols, cols);
    hn__cuda_exponents e = hn__cuda_exponents_of(row, scale);
    float log_sum = hn__cuda_log(e);
    hn__cuda_sum sum;
    hn__cuda_each_of_two(
        row, wanted, [&](int64_t, float v, float t) { hn__cuda_add_product(sum, t, log_sum - (v - e.max) * scale); });
    float total = (float)hn__cuda_team_sum<SIZE>(sum);
    if (hn__cuda_member<SIZE>() == 0) out[i] = total * (temperature * temperature);
  }
}

/* dx = dout T (softmax(x / T) * sum of targets - target): exact for targets that do not quite sum to 1 as well. */
template <int SIZE, int HELD>
__global__ void HN_TEAM_BOUNDS(SIZE)
    soft_cross_entropy_grad(int64_t rows, int64_t cols, float temperature, const float *__restrict__ x,
                            const float *__restrict__ target, const float *__restrict__ dout, float *__restrict__ dx) {
  float scale = 1 / temperature;
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    hn__cuda_held<SIZE, HELD> row = hn__cuda_held_at<SIZE, HELD>(x + i * cols, cols);
    hn__cuda_held<SIZE, HELD> wanted = hn__cuda_held_at<SIZE, HELD>(target + i * cols, cols);
    hn__cuda_exponents e = hn__cuda_exponents_of(row, scale);
    hn__cuda_sum sum;
    hn__cuda_each(wanted, [&](int64_t, float t) { hn__cuda_add(sum, t); });
    float *to = dx + i * cols, step = dout[i] * temperature;
    float factor = (float)hn__cuda_team_sum<SIZE>(sum) / (float)e.sum;
    hn__cuda_each_of_two(
        row, wanted, [&](int64_t j, float v, float t) { to[j] += step * (expf((v - e.max) * scale) * factor - t); });
  }
}

} // namespace

hn_status hn__cuda_cross_entropy(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                 float *out) {
  if (rows == 0) return HN_OK;
  return HN_LAUNCH_ROWS(d, rows, cols, cross_entropy, x, label, out);
}

hn_status hn__cuda_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                      const float *dout, float *dx) {
  if (rows == 0) return HN_OK;
  return HN_LAUNCH_ROWS(d, rows, cols, cross_entropy_grad, x, label, dout, dx);
}

hn_status hn__cuda_soft_cross_entropy(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                      const float *target, float *out) {
  if (rows == 0) return HN_OK;
  return HN_LAUNCH_ROWS(d, rows, cols, soft_cross_entropy, temperature, x, target, out);
}

hn_status hn__cuda_soft_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                           const float *target, const float *dout, float *dx) {
  if (rows == 0) return HN_OK;
  return HN_LAUNCH_ROWS(d, rows, cols, soft_cross_entropy_grad, temperature, x, target, dout, dx);
}
