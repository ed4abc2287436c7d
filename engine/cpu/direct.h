/*
 * The three hashed products of scheme `line` for minibatches of a few samples, where writing a panel and reading it again
 * would cost more than the product: every run is multiplied as soon as it is in registers.
 */
#ifndef HN_CPU_DIRECT_H
#define HN_CPU_DIRECT_H

#include "cpu.h"

#define HN_CPU_DIRECT 4 /* the most samples */

/* One product over a rectangle of V; w and dw start at the matrix' offset. */
typedef struct hn__cpu_direct {
  const hn_matrix *v;
  int64_t row, rows, col, cols, batch; /* col is a multiple of 16 */
  const float *w, *x, *dy;             /* of the whole matrix, as in the table */
  float *to;                           /* y, dx or dw */
} hn__cpu_direct;

/* The sums of y are over all columns (col = 0): 16 partial sums, added up by halves. */
void hn__cpu_direct_forward(const hn__cpu_direct *p);
/* Adds row after row. */
void hn__cpu_direct_input_grad(const hn__cpu_direct *p);
/* Adds row by row and in a row from left to right. */
void hn__cpu_direct_bucket_grad(const hn__cpu_direct *p);

#endif
