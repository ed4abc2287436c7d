/*
 * Sums and their opposite. Sums are taken in double: a row in LANES interleaved ones, which is as SIMD registers have
 * it and so the same with any of them; a long array chunk by chunk; columns side by side.
 */
#include "cpu.h"

#define LANES 16
#define PARTS 256 /* chunks of a long array, at most */

static double fold(const double *lane) {
  double sum = 0;
  for (int l = 0; l < LANES; l++) sum += lane[l];
  return sum;
}

HN_CLONES double hn__cpu_sum(int64_t n, const float *x) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
#pragma omp simd
    for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l];
  for (int l = 0; i < n; i++, l++) lane[l] += (double)x[i];
  return fold(lane);
}

HN_CLONES double hn__cpu_dot(int64_t n, const float *x, const float *y) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
#pragma omp simd
    for (int l = 0; l < LANES; l++) lane[l] += (double)x[i + l] * (double)y[i + l];
  for (int l = 0; i < n; i++, l++) lane[l] += (double)x[i] * (double)y[i];
  return fold(lane);
}

/* Sum of x, or of x times y where y is given, by all threads. */
static double total(hn__device *d, int64_t n, const float *x, const float *y) {
  double part[PARTS], sum = 0;
  int64_t chunk = hn__cpu_ceil(n, PARTS);
  if (chunk < HN_CPU_CHUNK) chunk = HN_CPU_CHUNK;
  int64_t parts = hn__cpu_ceil(n, chunk);
  HN_CPU_PARALLEL(d, n)
  for (int64_t p = 0; p < parts; p++) {
    int64_t i = p * chunk, m = hn__cpu_least(n - i, chunk);
    part[p] = y ? hn__cpu_dot(m, x + i, y + i) : hn__cpu_sum(m, x + i);
  }
  for (int64_t p = 0; p < parts; p++) sum += part[p];
  return sum;
}

HN_CLONES static void add_rows(int64_t rows, int64_t ld, int64_t n, const float *x, double *sum) {
  for (int64_t r = 0; r < rows; r++, x += ld)
#pragma omp simd
    for (int64_t i = 0; i < n; i++) sum[i] += (double)x[i];
}

/* Columns [first, first + n) of rows of `width`; narrow rows are taken several at a time and folded at the end. */
static void sum_columns(int64_t rows, int64_t width, int64_t first, int64_t n, float scale, const float *x, float *y) {
  double sum[HN_CPU_LANES] = {0};
  int64_t at_once = width < HN_CPU_LANES ? HN_CPU_LANES / width : 1, many = rows / at_once;
  add_rows(many, at_once * width, at_once > 1 ? at_once * width : n, x + first, sum);
  add_rows(rows - many * at_once, width, n, x + many * at_once * width + first, sum);
  for (int64_t i = width; i < at_once * width && at_once > 1; i++) sum[i % width] += sum[i];
  for (int64_t i = 0; i < n; i++) y[first + i] += scale * (float)sum[i];
}

hn_status hn__cpu_reduce(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *x,
                         float *y) {
  if (inner == 1 && n > HN_CPU_CHUNK) {
    for (int64_t o = 0; o < outer; o++) y[o] += scale * (float)total(d, n, x + o * n, NULL);
  } else if (inner == 1) {
    HN_CPU_PARALLEL(d, outer * n)
    for (int64_t o = 0; o < outer; o++) y[o] += scale * (float)hn__cpu_sum(n, x + o * n);
  } else if (inner > 0) {
    int64_t across = hn__cpu_ceil(inner, HN_CPU_LANES);
    HN_CPU_PARALLEL(d, outer * n * inner)
    for (int64_t p = 0; p < outer * across; p++) {
      int64_t o = p / across, j = p % across * HN_CPU_LANES;
      sum_columns(n, inner, j, hn__cpu_least(inner - j, HN_CPU_LANES), scale, x + o * n * inner, y + o * inner);
    }
  }
  return HN_OK;
}

HN_CLONES static void add_scaled(int64_t n, float scale, const float *y, int64_t step, float *x) {
  if (step == 0)
    for (int64_t i = 0; i < n; i++) x[i] += scale * *y;
  else
    for (int64_t i = 0; i < n; i++) x[i] += scale * y[i];
}

hn_status hn__cpu_spread(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *y,
                         float *x) {
  int64_t chunk = hn__cpu_ceil(HN_CPU_CHUNK, inner + 1), down = hn__cpu_ceil(n, chunk);
  HN_CPU_PARALLEL(d, outer * n * inner)
  for (int64_t p = 0; p < outer * down; p++) {
    int64_t o = p / down, k = p % down * chunk, last = hn__cpu_least(n, k + chunk);
    float *to = x + o * n * inner;
    if (inner == 1)
      add_scaled(last - k, scale, y + o, 0, to + k);
    else
      for (; k < last; k++) add_scaled(inner, scale, y + o * inner, 1, to + k * inner);
  }
  return HN_OK;
}

hn_status hn__cpu_weighted_mean(hn__device *d, int64_t n, const float *x, const float *w, float *out, float *sum) {
  double weight = total(d, n, w, NULL), product = total(d, n, x, w);
  *out = weight == 0 ? 0 : (float)(product / weight);
  *sum = (float)weight;
  return HN_OK;
}

/* Where the weights sum to 0 the mean is a constant. */
hn_status hn__cpu_weighted_mean_grad(hn__device *d, int64_t n, const float *w, const float *sum, const float *dout,
                                     float *dx) {
  if (*sum == 0) return HN_OK;
  float scale = *dout / *sum;
  HN_CPU_PARALLEL(d, n)
  for (int64_t i = 0; i < n; i += HN_CPU_CHUNK) add_scaled(hn__cpu_least(n - i, HN_CPU_CHUNK), scale, w + i, 1, dx + i);
  return HN_OK;
}

hn_status hn__cpu_sum_squares(hn__device *d, int64_t n, const float *x, double *host) {
  *host += total(d, n, x, x);
  return HN_OK;
}
