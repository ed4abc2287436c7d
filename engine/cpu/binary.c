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

/* Calls on each stretch of [first, last) along which b does not start again. */
static void value_chunk(hn__binary f, int64_t first, int64_t last, const operand *o, const float *a, float *y) {
  for (int64_t i = first, j = first % o->width, n; i < last; i += n, j = 0) {
    n = hn__cpu_least(o->width - j, last - i);
    values[f](n, a + i, o->b + j, y + i);
  }
}

static void slope_chunk(hn__binary f, int64_t first, int64_t last, const operand *o, const float *a, const float *dy,
                        float *da) {
  for (int64_t i = first, j = first % o->width, n; i < last; i += n, j = 0) {
    n = hn__cpu_least(o->width - j, last - i);
    slopes[f](n, a + i, o->b + j, dy + i, da + i);
  }
}

/* Columns [first, first + n) of the widened rows, and of the last row, which may end early. */
static void column_block(hn__binary f, int64_t all, int64_t nb, int64_t first, int64_t n, const operand *o,
                         const float *a, const float *dy, float *db) {
  double sum[HN_CPU_LANES] = {0};
  int64_t rows = all / o->width, last = rows * o->width;
  columns[f](rows, o->width, n, a + first, o->b + first, dy + first, sum);
  if (last + first < all)
    columns[f](1, 0, hn__cpu_least(n, all - last - first), a + last + first, o->b + first, dy + last + first, sum);
  for (int64_t i = nb; i < n && nb < o->width; i++) sum[i % nb] += sum[i];
  for (int64_t i = 0; i < hn__cpu_least(n, nb); i++) db[first + i] += (float)sum[i];
}

hn_status hn__cpu_binary(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b, float *y) {
  operand o;
  widen(&o, nb, b);
  HN_CPU_PARALLEL(d, n)
  for (int64_t i = 0; i < n; i += HN_CPU_CHUNK) value_chunk(f, i, hn__cpu_least(n, i + HN_CPU_CHUNK), &o, a, y);
  return HN_OK;
}

hn_status hn__cpu_binary_grad(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b,
                              const float *dy, float *da, float *db) {
  if (n == 0) return HN_OK;
  operand o;
  widen(&o, nb, b);
  if (da) {
    HN_CPU_PARALLEL(d, n)
    for (int64_t i = 0; i < n; i += HN_CPU_CHUNK) slope_chunk(f, i, hn__cpu_least(n, i + HN_CPU_CHUNK), &o, a, dy, da);
  }
  if (db) {
    HN_CPU_PARALLEL(d, n)
    for (int64_t j = 0; j < o.width; j += HN_CPU_LANES)
      column_block(f, n, nb, j, hn__cpu_least(o.width - j, HN_CPU_LANES), &o, a, dy, db);
  }
  return HN_OK;
}
