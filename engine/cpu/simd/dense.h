/*
 * The dense product for a few samples, row by row as the weights lie: for predictions, which do not call BLAS.
 */
#ifndef HN_CPU_DENSE_H
#define HN_CPU_DENSE_H

#include "direct.h"

#define TOGETHER 4 /* rows, whose sums do not wait for each other */

/* The first n < LINE numbers, then zeros. */
HN_INLINE run load_start(const float *from, int64_t n) {
  run x;
  for (int p = 0; p < PARTS; p++) {
    int64_t left = n - p * VEC;
    x.x[p] = left >= VEC ? load(from + p * VEC) : left > 0 ? load_some(from + p * VEC, left) : (floats){0};
  }
  return x;
}

HN_INLINE void dense_rows(const int rows, int64_t cols, const float *weight, int64_t ldw, const float *x, float *y) {
  run sum[TOGETHER] = {0};
  int64_t whole = cols / LINE * LINE, rest = cols - whole;
  for (int64_t j = 0; j < whole; j += LINE) {
    run sample = load_run(x + j);
    for (int r = 0; r < rows; r++) {
      run w = load_run(weight + r * ldw + j);
      add_product(&sum[r], &w, &sample);
    }
  }
  for (int r = 0; rest && r < rows; r++) {
    run w = load_start(weight + r * ldw + whole, rest), sample = load_start(x + whole, rest);
    add_product(&sum[r], &w, &sample);
  }
  for (int r = 0; r < rows; r++) y[r] += fold(&sum[r]);
}

static void dense_forward(int64_t rows, int64_t cols, const float *weight, int64_t ldw, int64_t n, const float *x,
                          int64_t ldx, float *y, int64_t ldy) {
  int64_t i = 0;
  for (; i + TOGETHER <= rows; i += TOGETHER)
    for (int64_t s = 0; s < n; s++) dense_rows(TOGETHER, cols, weight + i * ldw, ldw, x + s * ldx, y + s * ldy + i);
  for (; i < rows; i++)
    for (int64_t s = 0; s < n; s++) dense_rows(1, cols, weight + i * ldw, ldw, x + s * ldx, y + s * ldy + i);
}

#endif
