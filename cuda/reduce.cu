/*
 * Sums and their opposite. The sums are those of sum.h; here is what they add up and where it goes.
 */
#include "sum.h"

/* ---- Along an axis ---- */

namespace {

struct plain {
  const float *x;
  __device__ void operator()(int64_t at, int64_t, int64_t, hn__cuda_sum *sum) const { hn__cuda_add(*sum, x[at]); }
};

struct add_scaled {
  float scale;
  float *y;
  __device__ void operator()(int64_t at, const double *sum) const { y[at] += scale * (float)*sum; }
};

} // namespace

hn_status hn__cuda_reduce(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *x,
                          float *y) {
  if (n == 0) return HN_OK;
  if (inner == 1) return hn__cuda_row_sums<1>(d, outer, n, plain{x}, add_scaled{scale, y});
  return hn__cuda_column_sums<1>(d, outer, n, inner, plain{x}, add_scaled{scale, y});
}

namespace {

/* A thread an element: 8 bytes from and to HBM and two divisions of 32 bits; bound by HBM. */
__global__ void spread(int64_t size, int64_t n, int64_t inner, float scale, const float *__restrict__ y,
                       float *__restrict__ x) {
  for (int64_t at = hn__cuda_first(); at < size; at += hn__cuda_step()) {
    int64_t row = hn__cuda_quotient(at, inner), o = hn__cuda_quotient(row, n);
    x[at] += scale * y[o * inner + (at - row * inner)];
  }
}

} // namespace

hn_status hn__cuda_spread(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *y,
                          float *x) {
  int64_t size = outer * n * inner;
  if (size == 0) return HN_OK;
  return HN_LAUNCH(d, hn__cuda_cover(d, size), spread, size, n, inner, scale, y, x);
}

/* ---- Weighted means: the weights and the weighted numbers in one go ---- */

namespace {

struct weighted {
  const float *x, *w;
  __device__ void operator()(int64_t at, int64_t, int64_t, hn__cuda_sum *sums) const {
    hn__cuda_add(sums[0], w[at]);
    hn__cuda_add_product(sums[1], w[at], x[at]);
  }
};

struct store_mean {
  float *out, *total;
  __device__ void operator()(int64_t, const double *sums) const {
    *out = sums[0] == 0 ? 0 : (float)(sums[1] / sums[0]);
    *total = (float)sums[0];
  }
};

} // namespace

hn_status hn__cuda_weighted_mean(hn__device *d, int64_t n, const float *x, const float *w, float *out, float *total) {
  return hn__cuda_row_sums<2>(d, 1, n, weighted{x, w}, store_mean{out, total});
}

namespace {

/* Where the weights sum to 0 the mean is a constant. Bound by HBM, 12 bytes an element. */
__global__ void mean_grad(int64_t n, const float *__restrict__ w, const float *total, const float *dout,
                          float *__restrict__ dx) {
  if (*total == 0) return;
  float scale = *dout / *total;
  for (int64_t i = hn__cuda_first(); i < n; i += hn__cuda_step()) dx[i] += scale * w[i];
}

} // namespace

hn_status hn__cuda_weighted_mean_grad(hn__device *d, int64_t n, const float *w, const float *total, const float *dout,
                                      float *dx) {
  if (n == 0) return HN_OK;
  return HN_LAUNCH(d, hn__cuda_cover(d, n), mean_grad, n, w, total, dout, dx);
}

/* ---- The sum of squares: for the host, which waits ---- */

namespace {

struct square {
  const float *x;
  __device__ void operator()(int64_t at, int64_t, int64_t, hn__cuda_sum *sum) const {
    hn__cuda_add_product(*sum, x[at], x[at]);
  }
};

struct store_sum {
  double *out;
  __device__ void operator()(int64_t, const double *sum) const { *out = *sum; }
};

} // namespace

hn_status hn__cuda_sum_squares(hn__device *d, int64_t n, const float *x, double *host) {
  double *out = (double *)(void *)(hn__cuda_of(d)->scratch + HN_CUDA_SUMS_BYTES), sum;
  if (n == 0) return HN_OK;
  HN_CUDA_CALL(hn__cuda_row_sums<1>(d, 1, n, square{x}, store_sum{out}));
  HN_CUDA_CALL(hn__cuda_read(d, &sum, out, sizeof sum));
  *host += sum;
  return HN_OK;
}
