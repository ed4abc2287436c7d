/*
 * The hashed products for minibatches of a few samples, where writing a panel and reading it again would cost more than the
 * product: what a run or some elements weigh is multiplied as soon as it is in registers.
 *
 * `line` takes some rows side by side, which share the loads and stores of the samples.
 */
#ifndef HN_CPU_DIRECT_LOOPS_H
#define HN_CPU_DIRECT_LOOPS_H

#include "panel.h"

#define SIDE (VEC == 16 ? 4 : 2) /* rows side by side */
#define MOST HN_CPU_DIRECT       /* samples */
#define WINDOW 32                /* runs of each of CHUNK rows that are hashed before they are multiplied */

typedef struct run {
  floats x[PARTS];
} run;

typedef struct block {
  _Alignas(64) uint32_t slot[ALONG], sign[ALONG];
} block;

HN_INLINE run load_run(const float *from) {
  run v;
  for (int p = 0; p < PARTS; p++) v.x[p] = load(from + p * VEC);
  return v;
}

HN_INLINE void store_run(float *to, const run *v) {
  for (int p = 0; p < PARTS; p++) store(to + p * VEC, v->x[p]);
}

HN_INLINE run signed_run(const run *v, uint32_t sign) {
  run s;
  for (int p = 0; p < PARTS; p++) s.x[p] = with_signs(v->x[p], sign >> (p * VEC));
  return s;
}

/* Hashed runs of some rows, of which run k of row r is at r * row_step + k * run_step. */
typedef struct hashes {
  const uint32_t *slot, *sign;
  int64_t row_step, run_step;
} hashes;

HN_INLINE run weights_at(const float *w, const hashes *h, int64_t r, int64_t k) {
  int64_t at = r * h->row_step + k * h->run_step;
  run v = load_run(w + (size_t)h->slot[at] * LINE);
  return signed_run(&v, h->sign[at]);
}

/* Run k of a block. */
HN_INLINE run weights_of(const float *w, const block *b, int64_t k) {
  run v = load_run(w + (size_t)b->slot[k] * LINE);
  return signed_run(&v, b->sign[k]);
}

/* sum += a * b */
HN_INLINE void add_product(run *sum, const run *a, const run *b) {
  for (int p = 0; p < PARTS; p++) sum->x[p] += a->x[p] * b->x[p];
}

HN_INLINE void add_scaled(run *sum, const run *a, float b) {
  for (int p = 0; p < PARTS; p++) sum->x[p] += a->x[p] * b;
}

HN_INLINE void hash_block(const hn__cpu_direct *d, int64_t row, int64_t col, int64_t width, block *b) {
  hash_line(d->v, row, col / LINE, hn__cpu_ceil(width, LINE), b->slot, b->sign);
}

/* -- line: forward -- */

/* sum[r][s] += row r's runs times sample s, or = where they are the first. */
HN_INLINE void dot(const float *w, const hashes *h, const int rows, const int batch, bool first, int64_t runs,
                   const float *x, int64_t ldx, run (*sum)[MOST]) {
  run a[SIDE][MOST];
  for (int r = 0; r < rows; r++)
    for (int s = 0; s < batch; s++) a[r][s] = first ? (run){0} : sum[r][s];
  for (int64_t k = 0; k < runs; k++) {
    run sample[MOST];
    for (int s = 0; s < batch; s++) sample[s] = load_run(x + s * ldx + k * LINE);
    for (int r = 0; r < rows; r++) {
      run v = weights_at(w, h, r, k);
      for (int s = 0; s < batch; s++) add_product(&a[r][s], &v, &sample[s]);
    }
  }
  for (int r = 0; r < rows; r++)
    for (int s = 0; s < batch; s++) sum[r][s] = a[r][s];
}

HN_INLINE void dots(const float *w, const hashes *h, const int rows, int64_t batch, bool first, int64_t runs,
                    const float *x, int64_t ldx, run (*sum)[MOST]) {
  if (batch == 1) dot(w, h, rows, 1, first, runs, x, ldx, sum);
  if (batch == 2) dot(w, h, rows, 2, first, runs, x, ldx, sum);
  if (batch == 3) dot(w, h, rows, 3, first, runs, x, ldx, sum);
  if (batch == 4) dot(w, h, rows, 4, first, runs, x, ldx, sum);
}

/* The last run of row r, of n < LINE columns: lanes beyond them add 0, whatever the bucket. */
HN_INLINE void dots_rest(const float *w, const hashes *h, int64_t r, int64_t batch, int64_t k, int64_t n,
                         const float *x, int64_t ldx, run *sum) {
  run v = weights_at(w, h, r, k);
  float some[LINE] = {0}, sample[LINE] = {0};
  memcpy(some, &v, (size_t)n * sizeof *some);
  v = load_run(some);
  for (int64_t s = 0; s < batch; s++) {
    memcpy(sample, x + s * ldx + k * LINE, (size_t)n * sizeof *sample);
    run y = load_run(sample);
    add_product(&sum[s], &v, &y);
  }
}

/* Some columns from j on, hashed, of `rows` rows. */
HN_INLINE void dots_of(const hn__cpu_direct *d, const hashes *h, const int rows, int64_t j, int64_t width,
                       run (*sum)[MOST]) {
  int64_t full = width / LINE, rest = width % LINE;
  dots(d->w, h, rows, d->batch, j == 0, full, d->x + j, d->v->cols, sum);
  for (int r = 0; rest && r < rows; r++) dots_rest(d->w, h, r, d->batch, full, rest, d->x + j, d->v->cols, sum[r]);
}

/* The sum of a run's lanes: of its halves, of their halves, and so on, at every level. */
HN_INLINE float fold(const run *sum) {
  const floats *x = sum->x;
#if VEC == 4
  quad f = (x[0] + x[2]) + (x[1] + x[3]);
#else
#if VEC == 8
  __m256 e = x[0] + x[1];
#else
  __m256 e = _mm512_castps512_ps256(x[0]) + _mm512_extractf32x8_ps(x[0], 1);
#endif
  quad f = _mm256_castps256_ps128(e) + _mm256_extractf128_ps(e, 1);
#endif
  return (f[0] + f[2]) + (f[1] + f[3]);
}

HN_INLINE void add_sums(const hn__cpu_direct *d, int64_t i, int64_t rows, const run (*sum)[MOST]) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t s = 0; s < d->batch; s++) d->to[s * d->v->rows + i + r] += fold(&sum[r][s]);
}

/* A row hashed along its runs. */
HN_INLINE void line_forward_along(const hn__cpu_direct *d, int64_t i) {
  block b;
  run sum[1][MOST];
  hashes h = {b.slot, b.sign, 0, 1};
  for (int64_t j = 0; j < d->cols; j += ALONG * LINE) {
    int64_t width = hn__cpu_least(d->cols - j, ALONG * LINE);
    hash_block(d, i, j, width, &b);
    dots_of(d, &h, 1, j, width, sum);
  }
  add_sums(d, i, 1, (const run(*)[MOST])sum);
}

/* Up to CHUNK rows hashed side by side, WINDOW runs at a time. */
HN_INLINE void line_forward_down(const hn__cpu_direct *d, int64_t i, int64_t rows) {
  _Alignas(64) uint32_t slot[WINDOW][CHUNK], sign[WINDOW][CHUNK];
  run sum[CHUNK][MOST];
  row_parts p;
  start_rows(d->v, i, rows, 0, &p);
  for (int64_t j = 0; j < d->cols; j += WINDOW * LINE) {
    int64_t r = 0, width = hn__cpu_least(d->cols - j, WINDOW * LINE), runs = hn__cpu_ceil(width, LINE);
    for (int64_t k = 0; k < runs; k += RUNS)
      hash_line_down(d->v, &p, rows, j / LINE + k, hn__cpu_least(runs - k, RUNS), slot + k, sign + k);
    for (; r + SIDE <= rows; r += SIDE) {
      hashes h = {slot[0] + r, sign[0] + r, 1, CHUNK};
      dots_of(d, &h, SIDE, j, width, sum + r);
    }
    for (; r < rows; r++) {
      hashes h = {slot[0] + r, sign[0] + r, 1, CHUNK};
      dots_of(d, &h, 1, j, width, sum + r);
    }
  }
  add_sums(d, i, rows, (const run(*)[MOST])sum);
}

/* Whole registers are hashed: a few long rows leave less of them empty along, many rows down. A row's sum is the same. */
HN_INLINE void line_forward(const hn__cpu_direct *d) {
  int64_t runs = hn__cpu_ceil(d->cols, LINE);
  for (int64_t i = 0; i < d->rows; i += CHUNK) {
    int64_t rows = hn__cpu_least(d->rows - i, CHUNK);
    if (rows * hn__cpu_ceil(runs, VEC) < runs * hn__cpu_ceil(rows, VEC))
      for (int64_t r = 0; r < rows; r++) line_forward_along(d, d->row + i + r);
    else
      line_forward_down(d, d->row + i, rows);
  }
}

/* -- line: gradient of the input -- */

/* dx += dy V over `rows` rows, a constant, in whole runs. One row after the other is added. */
HN_INLINE void add_runs(const float *w, const block *b, const int rows, int64_t batch, int64_t runs, const float *dy,
                        int64_t ldy, float *dx, int64_t ldx) {
  for (int64_t k = 0; k < runs; k++) {
    run v[SIDE];
    for (int r = 0; r < rows; r++) v[r] = weights_of(w, b + r, k);
    for (int64_t s = 0; s < batch; s++) {
      float *to = dx + s * ldx + k * LINE;
      run sum = load_run(to);
      for (int r = 0; r < rows; r++) add_scaled(&sum, &v[r], dy[s * ldy + r]);
      store_run(to, &sum);
    }
  }
}

/* The last run, of n < LINE columns. */
HN_INLINE void add_rest(const float *w, const block *b, const int rows, int64_t batch, int64_t k, int64_t n,
                        const float *dy, int64_t ldy, float *dx, int64_t ldx) {
  for (int r = 0; r < rows; r++) {
    float v[LINE];
    run whole = weights_of(w, b + r, k);
    store_run(v, &whole);
    for (int64_t s = 0; s < batch; s++)
      for (int64_t l = 0; l < n; l++) dx[s * ldx + k * LINE + l] += v[l] * dy[s * ldy + r];
  }
}

HN_INLINE void line_input_rows(const hn__cpu_direct *d, const int rows, int64_t i, int64_t j, int64_t width, block *b) {
  int64_t full = width / LINE, rest = width % LINE, ldx = d->v->cols, ldy = d->v->rows;
  for (int r = 0; r < rows; r++) hash_block(d, i + r, j, width, b + r);
  add_runs(d->w, b, rows, d->batch, full, d->dy + i, ldy, d->to + j, ldx);
  if (rest) add_rest(d->w, b, rows, d->batch, full, rest, d->dy + i, ldy, d->to + j, ldx);
}

HN_INLINE void line_input_grad(const hn__cpu_direct *d) {
  block b[SIDE];
  int64_t end = d->row + d->rows;
  for (int64_t j = d->col; j < d->col + d->cols; j += ALONG * LINE) {
    int64_t i = d->row, width = hn__cpu_least(d->col + d->cols - j, ALONG * LINE);
    for (; i + SIDE <= end; i += SIDE) line_input_rows(d, SIDE, i, j, width, b);
    for (; i < end; i++) line_input_rows(d, 1, i, j, width, b);
  }
}

/* -- element -- */

/* VEC rows side by side. */
HN_INLINE void element_forward_rows(const hn__cpu_direct *d, element_hash *e, const int batch, int64_t i, int64_t n) {
  _Alignas(64) uint32_t slots[2][VEC];
  floats sum[MOST];
  for (int s = 0; s < batch; s++) sum[s] = (floats){0};
  words flips = next_elements(e, slots[0]);
  for (int64_t j = 0, now = 0; j < d->cols; j++, now = !now) {
    words ahead = next_elements(e, slots[!now]);
    floats v = (floats)((words)pick(d->w, slots[now]) ^ flips);
    for (int s = 0; s < batch; s++) sum[s] += d->x[s * d->v->cols + j] * v;
    flips = ahead;
  }
  for (int s = 0; s < batch; s++) {
    float *y = d->to + s * d->v->rows + i;
    store_some(y, load_some(y, n) + sum[s], n);
  }
}

HN_INLINE void element_forward(const hn__cpu_direct *d) {
  row_parts p;
  for (int64_t i = 0; i < d->rows; i += CHUNK) {
    int64_t rows = hn__cpu_least(d->rows - i, CHUNK);
    start_rows(d->v, d->row + i, rows, 0, &p);
    for (int64_t q = 0; q < rows; q += VEC) {
      element_hash e = elements_down(d->v, &p, q, 0, NULL);
      int64_t n = hn__cpu_least(rows - q, VEC), at = d->row + i + q;
      if (d->batch == 1) element_forward_rows(d, &e, 1, at, n);
      if (d->batch == 2) element_forward_rows(d, &e, 2, at, n);
      if (d->batch == 3) element_forward_rows(d, &e, 3, at, n);
      if (d->batch == 4) element_forward_rows(d, &e, 4, at, n);
    }
  }
}

static void direct_forward(const hn__cpu_direct *d) {
  if (d->v->scheme == HN_LINE)
    line_forward(d);
  else
    element_forward(d);
}

static void direct_input_grad(const hn__cpu_direct *d) { line_input_grad(d); }

#endif
