/*
 * Functions of two tensors, the second of which may repeat along the first: a bias along the rows of a minibatch.
 */
#include "cpu.h"

typedef void value_loop(int64_t n, const float *pa, const float *pb, float *py);
typedef void slope_loop(int64_t n, const float *pa, const float *pb, const float *pdy, float *pda);
typedef void column_loop(int64_t rows, int64_t ld, int64_t n, const float *pa, const float *pb, const float *pdy,
                         double *sum);

/* For every function of the list: its values, its slopes in a, and sums of its slopes in b down n columns. */
#define LOOPS(name, value, slope_a, slope_b)                                                                           \
  HN_CLONES static void name##_values(int64_t n, const float *pa, const float *pb, float *py) {                        \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float a = pa[i], b = pb[i];                                                                                      \
      py[i] = value;                                                                                                   \
    }                                                                                                                  \
  }                                                                                                                    \
  HN_CLONES static void name##_slopes(int64_t n, const float *pa, const float *pb, const float *pdy, float *pda) {     \
    for (int64_t i = 0; i < n; i++) {                                                                                  \
      float a = pa[i], b = pb[i];                                                                                      \
      (void)a;                                                                                                         \
      (void)b;                                                                                                         \
      pda[i] += pdy[i] * (slope_a);                                                                                    \
    }                                                                                                                  \
  }                                                                                                                    \
  HN_CLONES static void name##_columns(int64_t rows, int64_t ld, int64_t n, const float *pa, const float *pb,          \
                                       const float *pdy, double *sum) {                                                \
    for (int64_t r = 0; r < rows; r++, pa += ld, pdy += ld)                                                            \
      for (int64_t i = 0; i < n; i++) {                                                                                \
        float a = pa[i], b = pb[i];                                                                                    \
        (void)a;                                                                                                       \
        (void)b;                                                                                                       \
        sum[i] += (double)(pdy[i] * (slope_b));                                                                        \
      }                                                                                                                \
  }
HN_BINARY_LIST(LOOPS)
#undef LOOPS

#define VALUES(name, ...) name##_values,
#define SLOPES(name, ...) name##_slopes,
#define COLUMNS(name, ...) name##_columns,
static value_loop *const values[HN_BINARIES] = {HN_BINARY_LIST(VALUES)};
static slope_loop *const slopes[HN_BINARIES] = {HN_BINARY_LIST(SLOPES)};
static column_loop *const columns[HN_BINARIES] = {HN_BINARY_LIST(COLUMNS)};

/* b as a row that repeats; a short one is repeated in `tile` until loops along it are worth starting. */
typedef struct operand {
  const float *b;
  int64_t width; /* a multiple of nb */
  float tile[HN_CPU_LANES];
} operand;

static void widen(operand *o, int64_t nb, const float *b) {
  o->b = b;
  o->width = nb;
  if (nb == 0 || nb > HN_CPU_LANES / 2) return;
  o->width = HN_CPU_LANES / nb * nb;
  for (int64_t i = 0; i < o->width; i++) o->tile[i] = b[i % nb];
  o->b = o->tile;
}

typedef struct job {
  hn__binary f;
  int64_t n, nb;
  const operand *b;
  const float *a, *dy;
  float *out;
} job;

/* A chunk, stretch by stretch along which b does not start again. */
static void values_piece(const void *argument, int64_t p, int thread) {
  const job *t = argument;
  int64_t last = hn__cpu_first(p) + hn__cpu_count(t->n, p);
  (void)thread;
  for (int64_t i = hn__cpu_first(p), j = i % t->b->width, n; i < last; i += n, j = 0) {
    n = hn__cpu_least(t->b->width - j, last - i);
    values[t->f](n, t->a + i, t->b->b + j, t->out + i);
  }
}

static void slopes_piece(const void *argument, int64_t p, int thread) {
  const job *t = argument;
  int64_t last = hn__cpu_first(p) + hn__cpu_count(t->n, p);
  (void)thread;
  for (int64_t i = hn__cpu_first(p), j = i % t->b->width, n; i < last; i += n, j = 0) {
    n = hn__cpu_least(t->b->width - j, last - i);
    slopes[t->f](n, t->a + i, t->b->b + j, t->dy + i, t->out + i);
  }
}

/* A block of columns of the widened rows, and of the last row, which may end early. */
static void columns_piece(const void *argument, int64_t p, int thread) {
  const job *t = argument;
  const operand *o = t->b;
  double sum[HN_CPU_LANES] = {0};
  int64_t first = p * HN_CPU_LANES, n = hn__cpu_least(o->width - first, HN_CPU_LANES);
  int64_t rows = t->n / o->width, last = rows * o->width + first;
  (void)thread;
  columns[t->f](rows, o->width, n, t->a + first, o->b + first, t->dy + first, sum);
  if (last < t->n) columns[t->f](1, 0, hn__cpu_least(n, t->n - last), t->a + last, o->b + first, t->dy + last, sum);
  for (int64_t i = t->nb; i < n && t->nb < o->width; i++) sum[i % t->nb] += sum[i];
  for (int64_t i = 0; i < hn__cpu_least(n, t->nb); i++) t->out[first + i] += (float)sum[i];
}

hn_status hn__cpu_binary(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b, float *y) {
  operand o;
  widen(&o, nb, b);
  job t = {.f = f, .n = n, .nb = nb, .b = &o, .a = a, .out = y};
  hn__cpu_parallel(d, (double)n, hn__cpu_chunks(n), values_piece, &t);
  return HN_OK;
}

hn_status hn__cpu_binary_grad(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b,
                              const float *dy, float *da, float *db) {
  if (n == 0) return HN_OK;
  operand o;
  widen(&o, nb, b);
  job t = {.f = f, .n = n, .nb = nb, .b = &o, .a = a, .dy = dy, .out = da};
  if (da) hn__cpu_parallel(d, (double)n, hn__cpu_chunks(n), slopes_piece, &t);
  t.out = db;
  if (db) hn__cpu_parallel(d, (double)n, hn__cpu_ceil(o.width, HN_CPU_LANES), columns_piece, &t);
  return HN_OK;
}
