/*
 * Functions of one tensor, element by element; dropout and copies with them.
 *
 * Where every pointer is aligned, a thread takes four neighbouring elements at once, as accesses of 16 bytes; the one
 * to three elements that then are left over go to the first threads. A grid that fills the GPU goes through the
 * elements in steps of all its threads, so nothing in a loop divides.
 *
 * HBM bounds them all. On an H100 (3.35 TB/s) a million elements cost: values and dropout 8 bytes each, 2.4 us; slopes
 * 12 to 20 (dy and the sum that dx is, and of x and y what the slope needs), 3.6 to 6 us; copies 8, added 12. Dropout's
 * hash is some 20 integer instructions an element, a third of the time that its bytes take.
 */
#include "pack.h"

namespace {

/* Calls f.work<W>(i) for the elements from i on, so that each is worked on once. */
template <int W, typename F> __global__ void each(int64_t n, F f) {
  int64_t first = hn__cuda_first(), rest = n / W * W + first;
  for (int64_t i = first; i < n / W; i += hn__cuda_step()) f.template work<W>(i * W);
  if (W > 1 && rest < n) f.template work<1>(rest);
}

template <typename F> hn_status for_each(hn__device *d, int64_t n, bool wide, F f) {
  if (n == 0) return HN_OK;
  return wide ? HN_LAUNCH(d, hn__cuda_cover(d, hn__cuda_ceil(n, 4)), (each<4, F>), n, f)
              : HN_LAUNCH(d, hn__cuda_cover(d, n), (each<1, F>), n, f);
}

/* -- functions -- */

#define FUNCTION(name, numbers, value, slope)                                                                          \
  struct name##_function {                                                                                             \
    static __device__ __forceinline__ float at(float a, float x) {                                                     \
      (void)a;                                                                                                         \
      return value;                                                                                                    \
    }                                                                                                                  \
    static __device__ __forceinline__ float rise(float a, float x, float y) {                                          \
      (void)a;                                                                                                         \
      (void)x;                                                                                                         \
      (void)y;                                                                                                         \
      return slope;                                                                                                    \
    }                                                                                                                  \
  };
HN_UNARY_LIST(FUNCTION)
#undef FUNCTION

template <typename Function> struct values {
  float a;
  const float *px;
  float *py;

  template <int W> __device__ __forceinline__ void work(int64_t i) const {
    hn__cuda_pack<W> x = hn__cuda_load<W>(px + i), y;
    for (int k = 0; k < W; k++) y.at[k] = Function::at(a, x.at[k]);
    hn__cuda_store(py + i, y);
  }
};

/* What the slope does not use of x and y is not read: the compiler sees that. */
template <typename Function> struct slopes {
  float a;
  const float *px, *py, *pdy;
  float *pdx;
  bool add;

  template <int W> __device__ __forceinline__ void work(int64_t i) const {
    hn__cuda_pack<W> x = hn__cuda_load<W>(px + i), y = hn__cuda_load<W>(py + i), dy = hn__cuda_load<W>(pdy + i), dx = {};
    if (add) dx = hn__cuda_load<W>(pdx + i);
    for (int k = 0; k < W; k++) dx.at[k] += dy.at[k] * Function::rise(a, x.at[k], y.at[k]);
    hn__cuda_store(pdx + i, dx);
  }
};

/* -- dropout -- */

struct dropped {
  uint32_t threshold, seed;
  float scale;
  uint64_t first;
  const float *px;
  float *py;
  bool add;

  template <int W> __device__ __forceinline__ void work(int64_t i) const {
    hn__cuda_pack<W> x = hn__cuda_load<W>(px + i), y = {};
    if (add) y = hn__cuda_load<W>(py + i);
    for (int k = 0; k < W; k++) {
      float kept = x.at[k] * scale;
      y.at[k] += hn__random(seed, first + (uint64_t)(i + k)) >= threshold ? kept : 0.0f;
    }
    hn__cuda_store(py + i, y);
  }
};

/* -- copies -- */

struct added {
  const float *src;
  float *dst;

  template <int W> __device__ __forceinline__ void work(int64_t i) const {
    hn__cuda_pack<W> x = hn__cuda_load<W>(src + i), y = hn__cuda_load<W>(dst + i);
    for (int k = 0; k < W; k++) y.at[k] += x.at[k];
    hn__cuda_store(dst + i, y);
  }
};

/* n packs in rows of `cols` packs, with gaps between rows. All threads together step over `down` rows and `turn` packs,
 * so a thread that knows its first pack's row and column finds the next ones by adding. */
template <int W>
__global__ void copy_strided(int64_t n, int64_t cols, int64_t down, int64_t turn, const float *src, int64_t lds,
                             float *dst, int64_t ldd, bool add) {
  uint32_t first = (uint32_t)hn__cuda_first();
  int64_t i = first < cols ? 0 : first / (uint32_t)cols, j = first - i * cols;
  for (int64_t k = first; k < n; k += hn__cuda_step()) {
    hn__cuda_pack<W> x = hn__cuda_load<W>(src + i * lds + j * W);
    float *to = dst + i * ldd + j * W;
    if (add) {
      hn__cuda_pack<W> y = hn__cuda_load<W>(to);
      for (int l = 0; l < W; l++) x.at[l] += y.at[l];
    }
    hn__cuda_store(to, x);
    i += down;
    j += turn;
    if (j >= cols) {
      j -= cols;
      i++;
    }
  }
}

template <int W>
hn_status copy_in(hn__device *d, int64_t rows, int64_t cols, const float *src, int64_t lds, float *dst, int64_t ldd,
                  bool add) {
  hn__cuda_grid grid = hn__cuda_cover(d, rows * cols);
  int64_t step = grid.x * grid.threads;
  return HN_LAUNCH(d, grid, copy_strided<W>, rows * cols, cols, step / cols, step % cols, src, lds, dst, ldd, add);
}

} // namespace

hn_status hn__cuda_unary(hn__device *d, hn__unary f, float a, int64_t n, const float *x, float *y) {
  bool wide = hn__cuda_aligned(x) && hn__cuda_aligned(y);
  switch (f) {
#define CASE(name, ...)                                                                                                \
  case HN_FN_##name: return for_each(d, n, wide, values<name##_function>{a, x, y});
    HN_UNARY_LIST(CASE)
#undef CASE
  default: return HN_ARGUMENT;
  }
}

hn_status hn__cuda_unary_grad(hn__device *d, hn__unary f, float a, int64_t n, const float *x, const float *y,
                              const float *dy, float *dx, bool add) {
  bool wide = hn__cuda_aligned(x) && hn__cuda_aligned(y) && hn__cuda_aligned(dy) && hn__cuda_aligned(dx);
  switch (f) {
#define CASE(name, ...)                                                                                                \
  case HN_FN_##name: return for_each(d, n, wide, slopes<name##_function>{a, x, y, dy, dx, add});
    HN_UNARY_LIST(CASE)
#undef CASE
  default: return HN_ARGUMENT;
  }
}

hn_status hn__cuda_dropout(hn__device *d, int64_t n, uint32_t threshold, float scale, uint32_t seed, uint64_t first,
                           const float *x, float *y, bool add) {
  return for_each(d, n, hn__cuda_aligned(x) && hn__cuda_aligned(y), dropped{threshold, seed, scale, first, x, y, add});
}

/* Rows without gaps on either side are one long row. */
hn_status hn__cuda_copy_rows(hn__device *d, int64_t rows, int64_t cols, const float *src, int64_t lds, float *dst,
                             int64_t ldd, bool add) {
  if (rows == 0 || cols == 0) return HN_OK;
  bool wide = hn__cuda_aligned(src) && hn__cuda_aligned(dst);
  if (rows == 1 || (lds == cols && ldd == cols)) {
    if (!add) return hn__cuda_copy(d, dst, src, (size_t)(rows * cols) * sizeof(float));
    return for_each(d, rows * cols, wide, added{src, dst});
  }
  wide = wide && cols % 4 == 0 && lds % 4 == 0 && ldd % 4 == 0;
  return wide ? copy_in<4>(d, rows, cols / 4, src, lds, dst, ldd, add)
              : copy_in<1>(d, rows, cols, src, lds, dst, ldd, add);
}
