/*
 * The loops that decide the speed of hashed layers, compiled once for each level of SIMD (folder simd/). A device takes
 * the best level that its processor has, or the one that its name says: "cpu:avx2".
 *
 * Expanded panels are the same bits at every level. Sums of products are to rounding: a level may have one instruction for
 * product and sum. Within a level all sums run in a fixed order.
 */
#ifndef HN_CPU_KERNELS_H
#define HN_CPU_KERNELS_H

#include "cpu.h"

#define HN_CPU_PANEL_COLS 64 /* columns of a panel */
#define HN_CPU_TILE_ROWS 6   /* rows that multiply() takes at once */
#define HN_CPU_DIRECT 4      /* the most samples of a product without panels: beyond, tiles make up for panels */

/* A product without panels over a rectangle of V. */
typedef struct hn__cpu_direct {
  const hn_matrix *v;
  int64_t row, rows, col, cols, batch; /* col is a multiple of 16; batch from 1 to HN_CPU_DIRECT */
  const float *w, *x, *dy;             /* w from the matrix' offset; x and dy whole, as in the backend's table */
  float *to;                           /* y or dx, likewise */
} hn__cpu_direct;

/* In all of them w and dw start at the matrix' offset, and `col` is a multiple of the grain, `cols` too unless the piece
 * ends with the matrix. */
typedef struct hn__cpu_kernels {
  const char *name;
  /* out[i*ld + j] = V[row + i][col + j] */
  void (*expand)(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col, int64_t cols, float *out,
                 int64_t ld);
  /* panel[j*PANEL_COLS + i] = V[row + i][col + j] for at most PANEL_COLS rows. Writes whole runs and 16 rows at a time:
   * what is beyond the matrix has no meaning. */
  void (*expand_turned)(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col, int64_t cols,
                        float *panel);
  /* dw[bucket(row + i, col + j)] += sign * g[i*ld + j], in an order that the sizes alone decide */
  void (*scatter)(const hn_matrix *v, float *dw, int64_t row, int64_t rows, int64_t col, int64_t cols, const float *g,
                  int64_t ld);
  /* C (m x n, n <= PANEL_COLS) = A (m x k) panel, or += where `add`. Element (i, p) of A is a[i*row_step + p*k_step] in the
   * first TILE_ROWS rows, tile_step behind for the next, and so on. */
  void (*multiply)(int64_t m, int64_t n, int64_t k, const float *a, int64_t row_step, int64_t k_step, int64_t tile_step,
                   const float *panel, float *c, int64_t ldc, bool add);
  /* y += x V^T over all columns; not of balanced elements */
  void (*direct_forward)(const hn__cpu_direct *d);
  /* dx += dy V, scheme line alone */
  void (*direct_input_grad)(const hn__cpu_direct *d);
  /* y (n x rows) += x (n x cols) W^T for a dense W; ld is where the next row begins */
  void (*dense_forward)(int64_t rows, int64_t cols, const float *weight, int64_t ldw, int64_t n, const float *x,
                        int64_t ldx, float *y, int64_t ldy);
} hn__cpu_kernels;

/* The device's. */
HN_INLINE const hn__cpu_kernels *hn__cpu_kernels_of(const hn__device *d) {
  return ((const hn__cpu_device *)d)->kernels;
}

/* The best level that this processor has. */
const hn__cpu_kernels *hn__cpu_best_kernels(void);

extern const hn__cpu_kernels hn__cpu_plain, hn__cpu_avx2, hn__cpu_avx512;

#endif
