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

typedef struct total_job {
  int64_t n, chunk;
  const float *x, *y;
  double *part;
} total_job;

static void total_piece(const void *job, int64_t p, int thread) {
  const total_job *t = job;
  int64_t i = p * t->chunk, n = hn__cpu_least(t->n - i, t->chunk);
  (void)thread;
  t->part[p] = t->y ? hn__cpu_dot(n, t->x + i, t->y + i) : hn__cpu_sum(n, t->x + i);
}

/* Sum of x, or of x times y where y is given, by all threads. */
static double total(hn__device *d, int64_t n, const float *x, const float *y) {
  double part[PARTS], sum = 0;
  int64_t chunk = hn__cpu_ceil(n, PARTS);
  if (chunk < HN_CPU_CHUNK) chunk = HN_CPU_CHUNK;
  int64_t parts = hn__cpu_ceil(n, chunk);
  total_job t = {n, chunk, x, y, part};
  hn__cpu_parallel(d, (double)n, parts, total_piece, &t);
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

/* x is outer x n x inner, y outer x inner: of reduce and spread. */
typedef struct axis_job {
  int64_t n, inner, chunk;
  float scale;
  const float *from;
  float *to;
} axis_job;

static void row_sum_piece(const void *job, int64_t o, int thread) {
  const axis_job *r = job;
  (void)thread;
  r->to[o] += r->scale * (float)hn__cpu_sum(r->n, r->from + o * r->n);
}

static void column_sum_piece(const void *job, int64_t p, int thread) {
  const axis_job *r = job;
  int64_t across = hn__cpu_ceil(r->inner, HN_CPU_LANES), o = p / across, j = p % across * HN_CPU_LANES;
  (void)thread;
  sum_columns(r->n, r->inner, j, hn__cpu_least(r->inner - j, HN_CPU_LANES), r->scale, r->from + o * r->n * r->inner,
              r->to + o * r->inner);
}

hn_status hn__cpu_reduce(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *x,
                         float *y) {
  axis_job r = {.n = n, .inner = inner, .scale = scale, .from = x, .to = y};
  double work = (double)outer * (double)n * (double)inner;
  if (inner == 1 && n > HN_CPU_CHUNK)
    for (int64_t o = 0; o < outer; o++) y[o] += scale * (float)total(d, n, x + o * n, NULL);
  else if (inner == 1)
    hn__cpu_parallel(d, work, outer, row_sum_piece, &r);
  else if (inner > 0)
    hn__cpu_parallel(d, work, outer * hn__cpu_ceil(inner, HN_CPU_LANES), column_sum_piece, &r);
  return HN_OK;
}

HN_CLONES static void add_scaled(int64_t n, float scale, const float *y, int64_t step, float *x) {
  if (step == 0)
    for (int64_t i = 0; i < n; i++) x[i] += scale * *y;
  else
    for (int64_t i = 0; i < n; i++) x[i] += scale * y[i];
}

static void spread_piece(const void *job, int64_t p, int thread) {
  const axis_job *s = job;
  int64_t down = hn__cpu_ceil(s->n, s->chunk), o = p / down, k = p % down * s->chunk;
  int64_t last = hn__cpu_least(s->n, k + s->chunk);
  float *to = s->to + o * s->n * s->inner;
  (void)thread;
  if (s->inner == 1)
    add_scaled(last - k, s->scale, s->from + o, 0, to + k);
  else
    for (; k < last; k++) add_scaled(s->inner, s->scale, s->from + o * s->inner, 1, to + k * s->inner);
}

hn_status hn__cpu_spread(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *y,
                         float *x) {
  axis_job s = {n, inner, hn__cpu_ceil(HN_CPU_CHUNK, inner + 1), scale, y, x};
  hn__cpu_parallel(d, (double)outer * (double)n * (double)inner, outer * hn__cpu_ceil(n, s.chunk), spread_piece, &s);
  return HN_OK;
}

hn_status hn__cpu_weighted_mean(hn__device *d, int64_t n, const float *x, const float *w, float *out, float *sum) {
  double weight = total(d, n, w, NULL), product = total(d, n, x, w);
  *out = weight == 0 ? 0 : (float)(product / weight);
  *sum = (float)weight;
  return HN_OK;
}

typedef struct scaled_job {
  int64_t n;
  float scale;
  const float *from;
  float *to;
} scaled_job;

static void scaled_piece(const void *job, int64_t p, int thread) {
  const scaled_job *s = job;
  (void)thread;
  add_scaled(hn__cpu_count(s->n, p), s->scale, s->from + hn__cpu_first(p), 1, s->to + hn__cpu_first(p));
}

/* Where the weights sum to 0 the mean is a constant. */
hn_status hn__cpu_weighted_mean_grad(hn__device *d, int64_t n, const float *w, const float *sum, const float *dout,
                                     float *dx) {
  if (*sum == 0) return HN_OK;
  scaled_job s = {n, *dout / *sum, w, dx};
  hn__cpu_parallel(d, (double)n, hn__cpu_chunks(n), scaled_piece, &s);
  return HN_OK;
}

hn_status hn__cpu_sum_squares(hn__device *d, int64_t n, const float *x, double *host) {
  *host += total(d, n, x, x);
  return HN_OK;
}
