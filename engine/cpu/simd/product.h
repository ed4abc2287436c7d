/*
 * The dense product of a panel, in tiles of C that stay in registers.
 */
#ifndef HN_CPU_PRODUCT_H
#define HN_CPU_PRODUCT_H

#include "lanes.h"

/* A tile: TILE_ROWS x TILE_VECS registers of sums, which leaves some for the operands. */
#define TILE_ROWS HN_CPU_TILE_ROWS
#define TILE_VECS (VEC == 16 ? 4 : 2)

/* What a product is: see hn__cpu_kernels.multiply. */
typedef struct product {
  int64_t k, row_step, k_step;
  const float *a, *panel;
  float *c;
  int64_t ld;
  bool add;
} product;

/* One tile. Its sizes are constants wherever this is inlined, so the sums are in registers; `last` is how many columns the
 * last register has. */
HN_INLINE void tile(const product *p, const int rows, const int vecs, int64_t last) {
  floats sum[TILE_ROWS][TILE_VECS];
  const float *a = p->a, *b = p->panel;
  for (int i = 0; i < rows; i++)
    for (int r = 0; r < vecs; r++) sum[i][r] = (floats){0};
  for (int64_t k = 0; k < p->k; k++, a += p->k_step, b += HN_CPU_PANEL_COLS) {
    floats x[TILE_VECS];
    for (int r = 0; r < vecs; r++) x[r] = load(b + r * VEC);
    for (int i = 0; i < rows; i++)
      for (int r = 0; r < vecs; r++) sum[i][r] += a[i * p->row_step] * x[r];
  }
  for (int i = 0; i < rows; i++)
    for (int r = 0; r < vecs; r++) {
      float *c = p->c + i * p->ld + r * VEC;
      if (r < vecs - 1 || last == VEC)
        store(c, p->add ? load(c) + sum[i][r] : sum[i][r]);
      else
        store_some(c, p->add ? load_some(c, last) + sum[i][r] : sum[i][r], last);
    }
}

typedef void tile_function(const product *p, int64_t last);

/* X(rows, vecs) for every size of tile. */
#if VEC == 16
#define TILE_LIST(X, rows) X(rows, 1) X(rows, 2) X(rows, 3) X(rows, 4)
#else
#define TILE_LIST(X, rows) X(rows, 1) X(rows, 2)
#endif
#define TILE(rows, vecs)                                                                                               \
  static void tile_##rows##x##vecs(const product *p, int64_t last) { tile(p, rows, vecs, last); }
TILE_LIST(TILE, 1)
TILE_LIST(TILE, 2)
TILE_LIST(TILE, 3)
TILE_LIST(TILE, 4)
TILE_LIST(TILE, 5)
TILE_LIST(TILE, 6)

#define TILE_NAME(rows, vecs) tile_##rows##x##vecs,
static tile_function *const tiles[TILE_ROWS][TILE_VECS] = {{TILE_LIST(TILE_NAME, 1)}, {TILE_LIST(TILE_NAME, 2)},
                                                           {TILE_LIST(TILE_NAME, 3)}, {TILE_LIST(TILE_NAME, 4)},
                                                           {TILE_LIST(TILE_NAME, 5)}, {TILE_LIST(TILE_NAME, 6)}};

static void multiply(int64_t m, int64_t n, int64_t k, const float *a, int64_t row_step, int64_t k_step,
                     int64_t tile_step, const float *panel, float *c, int64_t ldc, bool add) {
  product p = {.k = k, .row_step = row_step, .k_step = k_step, .ld = ldc, .add = add};
  for (int64_t j = 0; j < n; j += TILE_VECS * VEC) {
    int64_t width = hn__cpu_least(n - j, TILE_VECS * VEC), vecs = hn__cpu_ceil(width, VEC);
    p.panel = panel + j;
    for (int64_t i = 0; i < m; i += TILE_ROWS) {
      p.a = a + i / TILE_ROWS * tile_step;
      p.c = c + i * ldc + j;
      tiles[hn__cpu_least(m - i, TILE_ROWS) - 1][vecs - 1](&p, width - (vecs - 1) * VEC);
    }
  }
}

#endif
