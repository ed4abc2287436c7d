/*
 * Softmax, its logarithm and the largest of a row: a warp a row of up to 1024, held in registers, a block a longer one.
 *
 * On an H100: forward 8 bytes from and to HBM a number, gradients 16, and two exponentials; bound by HBM (3.35 TB/s)
 * from some 10 MB on. Long rows are read three times, twice of that from L2 (5.5 TB/s), which doubles the time.
 */
#include "sum.h"

namespace {

template <int SIZE, int HELD>
__global__ void HN_TEAM_BOUNDS(SIZE)
    softmax_rows(int64_t rows, int64_t cols, hn__softmax kind, const float *__restrict__ x, float *__restrict__ y) {
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    hn__cuda_held<SIZE, HELD> row = hn__cuda_held_at<SIZE, HELD>(x + i * cols, cols);
    hn__cuda_exponents e = hn__cuda_exponents_of(row, 1);
    float *out = y + i * cols, factor = 1 / (float)e.sum, log_sum = hn__cuda_log(e);
    if (kind == HN_SOFTMAX)
      hn__cuda_each(row, [&](int64_t j, float v) { out[j] = expf(v - e.max) * factor; });
    else
      hn__cuda_each(row, [&](int64_t j, float v) { out[j] = v - e.max - log_sum; });
  }
}

/* softmax: dx = y (dy - y . dy); its logarithm: dx = dy - exp(y) sum of dy */
template <int SIZE, int HELD>
__global__ void HN_TEAM_BOUNDS(SIZE)
    softmax_grad_rows(int64_t rows, int64_t cols, hn__softmax kind, const float *__restrict__ y,
                      const float *__restrict__ dy, float *__restrict__ dx) {
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    hn__cuda_held<SIZE, HELD> value = hn__cuda_held_at<SIZE, HELD>(y + i * cols, cols);
    hn__cuda_held<SIZE, HELD> slope = hn__cuda_held_at<SIZE, HELD>(dy + i * cols, cols);
    float *out = dx + i * cols;
    hn__cuda_sum sum;
    if (kind == HN_SOFTMAX)
      hn__cuda_each_of_two(value, slope, [&](int64_t, float v, float g) { hn__cuda_add_product(sum, v, g); });
    else
      hn__cuda_each(slope, [&](int64_t, float g) { hn__cuda_add(sum, g); });
    float total = (float)hn__cuda_team_sum<SIZE>(sum);
    if (kind == HN_SOFTMAX)
      hn__cuda_each_of_two(value, slope, [&](int64_t j, float v, float g) { out[j] += v * (g - total); });
    else
      hn__cuda_each_of_two(value, slope, [&](int64_t j, float v, float g) { out[j] += g - expf(v) * total; });
  }
}

} // namespace

hn_status hn__cuda_softmax(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *x, float *y) {
  if (rows == 0 || cols == 0) return HN_OK;
  return HN_LAUNCH_ROWS(d, rows, cols, softmax_rows, kind, x, y);
}

hn_status hn__cuda_softmax_grad(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *y,
                                const float *dy, float *dx) {
  if (rows == 0 || cols == 0) return HN_OK;
  return HN_LAUNCH_ROWS(d, rows, cols, softmax_grad_rows, kind, y, dy, dx);
}

/* ---- The largest ---- */

namespace {

/* A number and its index in one integer, the larger for the larger number, and of equals (-0 and 0 are) for the first.
 * As on the CPU a NaN is never the largest, unless it is the row's first: then nothing is larger. */
__device__ __forceinline__ unsigned long long key_of(float x, int64_t j) {
  if (x != x) x = j == 0 ? INFINITY : -INFINITY;
  uint32_t bits = __float_as_uint(x + 0.0f), order = bits >> 31 ? ~bits : bits | 0x80000000u;
  return (unsigned long long)order << 32 | (0xffffffffu - (uint32_t)j);
}

template <int SIZE>
__global__ void HN_TEAM_BOUNDS(SIZE)
    argmax_rows(int64_t rows, int64_t cols, const float *__restrict__ x, int32_t *__restrict__ out) {
  for (int64_t i = hn__cuda_team<SIZE>(); i < rows; i += hn__cuda_teams<SIZE>()) {
    unsigned long long best = key_of(-INFINITY, 0);
    HN_CUDA_UNROLL(4)
    for (int64_t j = hn__cuda_member<SIZE>(); j < cols; j += SIZE) {
      unsigned long long key = key_of(x[i * cols + j], j);
      best = key > best ? key : best;
    }
    best = hn__cuda_fold<SIZE>(best, [](unsigned long long a, unsigned long long b) { return a > b ? a : b; });
    if (hn__cuda_member<SIZE>() == 0) out[i] = (int32_t)(0xffffffffu - (uint32_t)best);
  }
}

} // namespace

hn_status hn__cuda_argmax(hn__device *d, int64_t rows, int64_t cols, const float *x, int32_t *out) {
  if (rows == 0) return HN_OK;
  if (cols <= 1024) return HN_LAUNCH(d, hn__cuda_team_grid<32>(d, rows), argmax_rows<32>, rows, cols, x, out);
  return HN_LAUNCH(d, hn__cuda_team_grid<HN_CUDA_BLOCK>(d, rows), argmax_rows<HN_CUDA_BLOCK>, rows, cols, x, out);
}
