/*
 * Functions of one tensor, element by element; dropout and copies with them.
 */
#include "cpu.h"

#include <string.h>

typedef void forward_loop(float a, int64_t n, const float *px, float *py);
typedef void slope_loop(float a, int64_t n, const float *px, const float *py, const float *pdy, float *pdx,
                        bool add);

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
                                      float *pdx, bool add) {                                                          \
    (void)a;                                                                                                           \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float x = px[i], y = py[i];                                                                                      \
      (void)x;                                                                                                         \
      (void)y;                                                                                                         \
      float old = add ? pdx[i] : 0.0f;                                                                                 \
      pdx[i] = old + pdy[i] * (slope);                                                                                 \
    }                                                                                                                  \
  }
HN_UNARY_LIST(LOOPS)
#undef LOOPS

#define VALUES(name, ...) name##_values,
#define SLOPES(name, ...) name##_slopes,
static forward_loop *const values[HN_UNARIES] = {HN_UNARY_LIST(VALUES)};
static slope_loop *const slopes[HN_UNARIES] = {HN_UNARY_LIST(SLOPES)};

void hn__cpu_unary_values(hn__unary f, float a, int64_t n, const float *x, float *y) { values[f](a, n, x, y); }

typedef struct unary_job {
  hn__unary f;
  float a;
  int64_t n;
  const float *x, *y, *dy;
  float *out;
  bool add;
} unary_job;

static void values_piece(const void *job, int64_t p, int thread) {
  const unary_job *u = job;
  int64_t i = hn__cpu_first(p);
  (void)thread;
  values[u->f](u->a, hn__cpu_count(u->n, p), u->x + i, u->out + i);
}

static void slopes_piece(const void *job, int64_t p, int thread) {
  const unary_job *u = job;
  int64_t i = hn__cpu_first(p);
  (void)thread;
  slopes[u->f](u->a, hn__cpu_count(u->n, p), u->x + i, u->y + i, u->dy + i, u->out + i, u->add);
}

hn_status hn__cpu_unary(hn__device *d, hn__unary f, float a, int64_t n, const float *x, float *y) {
  unary_job job = {.f = f, .a = a, .n = n, .x = x, .out = y};
  hn__cpu_parallel(d, (double)n, hn__cpu_chunks(n), values_piece, &job);
  return HN_OK;
}

hn_status hn__cpu_unary_grad(hn__device *d, hn__unary f, float a, int64_t n, const float *x, const float *y,
                             const float *dy, float *dx, bool add) {
  unary_job job = {.f = f, .a = a, .n = n, .x = x, .y = y, .dy = dy, .out = dx, .add = add};
  hn__cpu_parallel(d, (double)n, hn__cpu_chunks(n), slopes_piece, &job);
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

typedef struct dropout_job {
  int64_t n;
  uint32_t threshold, seed;
  float scale;
  uint64_t first;
  const float *x;
  float *y;
  bool add;
} dropout_job;

static void dropout_piece(const void *job, int64_t p, int thread) {
  const dropout_job *o = job;
  int64_t i = hn__cpu_first(p);
  uint64_t c = o->first + (uint64_t)i, carry = ((uint64_t)1 << 32) - (uint32_t)c;
  uint32_t all = (uint32_t)hn__cpu_count(o->n, p), before = carry < all ? (uint32_t)carry : all;
  (void)thread;
  drop(before, o->threshold, o->scale, o->seed, c, o->x + i, o->y + i, o->add);
  i += before;
  drop(all - before, o->threshold, o->scale, o->seed, c + before, o->x + i, o->y + i, o->add);
}

hn_status hn__cpu_dropout(hn__device *d, int64_t n, uint32_t threshold, float scale, uint32_t seed, uint64_t first,
                          const float *x, float *y, bool add) {
  dropout_job job = {n, threshold, seed, scale, first, x, y, add};
  hn__cpu_parallel(d, (double)n, hn__cpu_chunks(n), dropout_piece, &job);
  return HN_OK;
}

HN_CLONES static void add_to(int64_t n, const float *x, float *y) {
  for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

typedef struct copy_job {
  int64_t rows, cols, down, lds, ldd; /* down: rows of a piece, one where they are long */
  const float *src;
  float *dst;
  bool add;
} copy_job;

static void copy_piece(const void *job, int64_t p, int thread) {
  const copy_job *c = job;
  int64_t across = hn__cpu_chunks(c->cols), first = p / across * c->down, j = hn__cpu_first(p % across);
  int64_t n = hn__cpu_count(c->cols, p % across), end = hn__cpu_least(first + c->down, c->rows);
  (void)thread;
  for (int64_t i = first; i < end; i++)
    if (c->add)
      add_to(n, c->src + i * c->lds + j, c->dst + i * c->ldd + j);
    else
      memcpy(c->dst + i * c->ldd + j, c->src + i * c->lds + j, (size_t)n * sizeof(float));
}

/* Rows without gaps on either side are one long row. */
hn_status hn__cpu_copy_rows(hn__device *d, int64_t rows, int64_t cols, const float *src, int64_t lds, float *dst,
                            int64_t ldd, bool add) {
  if (rows == 0 || cols == 0) return HN_OK;
  if (lds == cols && ldd == cols) {
    cols *= rows;
    rows = 1;
  }
  int64_t down = hn__cpu_ceil(HN_CPU_CHUNK, cols);
  copy_job job = {rows, cols, down, lds, ldd, src, dst, add};
  hn__cpu_parallel(d, (double)rows * (double)cols, hn__cpu_ceil(rows, down) * hn__cpu_chunks(cols), copy_piece, &job);
  return HN_OK;
}
