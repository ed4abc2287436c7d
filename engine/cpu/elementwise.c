/*
 * Functions of one tensor, element by element; dropout and copies with them.
 */
#include "cpu.h"

#include <string.h>

typedef void forward_loop(float a, int64_t n, const float *px, float *py);
typedef void slope_loop(float a, int64_t n, const float *px, const float *py, const float *pdy, float *pdx);

/* A loop for every function of the list and one for its slope: name_values and name_slopes. */
#define LOOPS(name, numbers, value, slope)                                                                             \
  HN_CLONES static void name##_values(float a, int64_t n, const float *px, float *py) {                                \
    (void)a;                                                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float x = px[i];                                                                                                 \
      py[i] = value;                                                                                                   \
    }                                                                                                                  \
  }                                                                                                                    \
  HN_CLONES static void name##_slopes(float a, int64_t n, const float *px, const float *py, const float *pdy,          \
                                      float *pdx) {                                                                    \
    (void)a;                                                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float x = px[i], y = py[i];                                                                                      \
      (void)x;                                                                                                         \
      (void)y;                                                                                                         \
      pdx[i] += pdy[i] * (slope);                                                                                      \
    }                                                                                                                  \
  }
HN_UNARY_LIST(LOOPS)
#undef LOOPS

#define VALUES(name, ...) name##_values,
#define SLOPES(name, ...) name##_slopes,
static forward_loop *const values[HN_UNARIES] = {HN_UNARY_LIST(VALUES)};
static slope_loop *const slopes[HN_UNARIES] = {HN_UNARY_LIST(SLOPES)};

hn_status hn__cpu_unary(hn__device *d, hn__unary f, float a, int64_t n, const float *x, float *y) {
  HN_CPU_PARALLEL(d, n)
  for (int64_t i = 0; i < n; i += HN_CPU_CHUNK) values[f](a, hn__cpu_least(n - i, HN_CPU_CHUNK), x + i, y + i);
  return HN_OK;
}

hn_status hn__cpu_unary_grad(hn__device *d, hn__unary f, float a, int64_t n, const float *x, const float *y,
                             const float *dy, float *dx) {
  HN_CPU_PARALLEL(d, n)
  for (int64_t i = 0; i < n; i += HN_CPU_CHUNK)
    slopes[f](a, hn__cpu_least(n - i, HN_CPU_CHUNK), x + i, y + i, dy + i, dx + i);
  return HN_OK;
}

/* Numbers c, c + 1, ... whose upper halves are the same: those are then a constant of the hash. */
HN_CLONES static void drop(uint32_t n, uint32_t threshold, float scale, uint32_t seed, uint64_t c, const float *x,
                           float *y, bool add) {
  uint32_t low = (uint32_t)c, high = (uint32_t)(c >> 32);
#pragma omp simd
  for (uint32_t i = 0; i < n; i++) {
    float kept = x[i] * scale, old = add ? y[i] : 0.0f;
    y[i] = old + (hn__hash2(low + i, high, seed) >= threshold ? kept : 0.0f);
  }
}

hn_status hn__cpu_dropout(hn__device *d, int64_t n, uint32_t threshold, float scale, uint32_t seed, uint64_t first,
                          const float *x, float *y, bool add) {
  HN_CPU_PARALLEL(d, n)
  for (int64_t i = 0; i < n; i += HN_CPU_CHUNK) {
    uint64_t c = first + (uint64_t)i, carry = ((uint64_t)1 << 32) - (uint32_t)c;
    uint32_t all = (uint32_t)hn__cpu_least(n - i, HN_CPU_CHUNK), before = carry < all ? (uint32_t)carry : all;
    drop(before, threshold, scale, seed, c, x + i, y + i, add);
    drop(all - before, threshold, scale, seed, c + before, x + i + before, y + i + before, add);
  }
  return HN_OK;
}

HN_CLONES static void add_to(int64_t n, const float *x, float *y) {
  for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

/* Rows without gaps on either side are one long row. */
hn_status hn__cpu_copy_rows(hn__device *d, int64_t rows, int64_t cols, const float *src, int64_t lds, float *dst,
                            int64_t ldd, bool add) {
  if (rows == 0 || cols == 0) return HN_OK;
  if (lds == cols && ldd == cols) {
    cols *= rows;
    rows = 1;
  }
  int64_t across = hn__cpu_ceil(cols, HN_CPU_CHUNK);
  HN_CPU_PARALLEL(d, rows * cols)
  for (int64_t p = 0; p < rows * across; p++) {
    int64_t i = p / across, j = p % across * HN_CPU_CHUNK, n = hn__cpu_least(cols - j, HN_CPU_CHUNK);
    if (add)
      add_to(n, src + i * lds + j, dst + i * ldd + j);
    else
      memcpy(dst + i * ldd + j, src + i * lds + j, (size_t)n * sizeof(float));
  }
  return HN_OK;
}
