/*
 * Curves of straight lines between knots, one for each feature: a thread for each number, which finds its knots in some
 * eight steps. Tables of 200 knots stay in L2.
 */
#include "device.h"

namespace {

__global__ void curve_values(int64_t n, int64_t cols, int64_t count, const float *__restrict__ x,
                             const float *__restrict__ knots, const float *__restrict__ values, float *__restrict__ y) {
  for (int64_t i = hn__cuda_first(); i < n; i += hn__cuda_step()) {
    int64_t row = i % cols * count;
    y[i] = hn__interpolate(count, knots + row, values + row, x[i]);
  }
}

__global__ void curve_slopes(int64_t n, int64_t cols, int64_t count, const float *__restrict__ x,
                             const float *__restrict__ knots, const float *__restrict__ values,
                             const float *__restrict__ dy, float *__restrict__ dx) {
  for (int64_t i = hn__cuda_first(); i < n; i += hn__cuda_step()) {
    int64_t row = i % cols * count;
    dx[i] += dy[i] * hn__knot_slope(knots + row, values + row, hn__knot_before(count, knots + row, x[i]));
  }
}

} // namespace

hn_status hn__cuda_interpolate(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x,
                               const float *knots, const float *values, float *y) {
  if (n == 0) return HN_OK;
  return HN_LAUNCH(d, hn__cuda_cover(d, n), curve_values, n, cols, count, x, knots, values, y);
}

hn_status hn__cuda_interpolate_grad(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x,
                                    const float *knots, const float *values, const float *dy, float *dx) {
  if (n == 0) return HN_OK;
  return HN_LAUNCH(d, hn__cuda_cover(d, n), curve_slopes, n, cols, count, x, knots, values, dy, dx);
}
