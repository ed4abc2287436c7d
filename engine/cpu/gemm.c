/*
 * Dense products. BLAS is always called on one thread: we cut C into panels ourselves, by its shape alone, because
 * BLAS would cut it by the number of threads and round differently.
 */
#include "cpu.h"

#include <limits.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* BLAS by its Fortran names, for matrices whose columns lie one after the other: ours are these, transposed. The names
 * of CBLAS are also GSL's, whose slow products a program such as ROOT may have loaded before. */
void sgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k, const float *alpha,
            const float *a, const int *lda, const float *b, const int *ldb, const float *beta, float *c,
            const int *ldc);
void sgemv_(const char *ta, const int *m, const int *n, const float *alpha, const float *a, const int *lda,
            const float *x, const int *incx, const float *beta, float *y, const int *incy);

/* C = beta C, with 0 overwriting even NaN. */
static void scale(int64_t m, int64_t n, float beta, float *c, int64_t ldc) {
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

/* One row or column of C: y (of m, stride incy) = op(A) x + beta y, where op(A) is m x k. */
static void gemv(bool ta, int64_t m, int64_t k, const float *a, int64_t lda, const float *x, int64_t incx, float beta,
                 float *y, int64_t incy) {
  if (beta == 0) {
    scale(m, 1, 0, y, incy);
    beta = 1;
  }
  sgemv_(ta ? "N" : "T", &(int){(int)(ta ? m : k)}, &(int){(int)(ta ? k : m)}, &(float){1}, a, &(int){(int)lda}, x,
         &(int){(int)incx}, &beta, y, &(int){(int)incy});
}

static void product(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                    int64_t ldb, float beta, float *c, int64_t ldc) {
  if (k == 0)
    scale(m, n, beta, c, ldc);
  else if (n == 1)
    gemv(ta, m, k, a, lda, b, tb ? 1 : ldb, beta, c, ldc);
  else if (m == 1)
    gemv(!tb, n, k, b, ldb, a, ta ? lda : 1, beta, c, 1);
  else
    sgemm_(tb ? "T" : "N", ta ? "T" : "N", &(int){(int)n}, &(int){(int)m}, &(int){(int)k}, &(float){1}, b,
           &(int){(int)ldb}, a, &(int){(int)lda}, &beta, c, &(int){(int)ldc});
}

/* A product on the calling thread alone; sizes fit an int. OpenBLAS uses one thread where OpenMP allows one only. The
 * setting belongs to the calling thread, so other users of BLAS in the process do not notice; our own threads have it from
 * their start. */
static void sgemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                  int64_t ldb, float beta, float *c, int64_t ldc) {
  int allowed = omp_get_max_threads();
  bool limit = allowed > 1;
  if (limit) omp_set_num_threads(1);
  product(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
  if (limit) omp_set_num_threads(allowed);
}

/* C is cut into panels of at most 128 x 160; equal ones, so that two threads get the same, up to BLAS' own tile of 16. With
 * AVX-512, OpenBLAS packs nothing for products of up to 100 x 100 x 100: a gradient of weights, whose k is a minibatch,
 * takes 1.3 to 1.5 times as long in panels that are taller. Large k make it worth to pack tall ones. */
#define WIDTH 160
#define TILE 16
#define UNPACKED 1000000

static int64_t piece_of(int64_t whole, int64_t most) {
  int64_t even = hn__cpu_ceil(whole, hn__cpu_ceil(whole, most));
  return hn__cpu_ceil(even, TILE) * TILE;
}

static int64_t height_of(int64_t m, int64_t k) {
  int64_t unpacked = k ? UNPACKED / (WIDTH * k) / TILE * TILE : 0, most = k < 256 ? 128 : 256;
  return piece_of(m, unpacked >= 2 * TILE ? hn__cpu_least(unpacked, 128) : most);
}

typedef struct job {
  bool ta, tb;
  int64_t m, n, k, lda, ldb, ldc, height, width;
  const float *a, *b;
  float beta, *c;
} job;

static void panel_of_c(const void *argument, int64_t p, int thread) {
  const job *g = argument;
  int64_t across = hn__cpu_ceil(g->n, g->width), i = p / across * g->height, j = p % across * g->width;
  (void)thread;
  sgemm(g->ta, g->tb, hn__cpu_least(g->m - i, g->height), hn__cpu_least(g->n - j, g->width), g->k,
        g->ta ? g->a + i : g->a + i * g->lda, g->lda, g->tb ? g->b + j * g->ldb : g->b + j, g->ldb, g->beta,
        g->c + i * g->ldc + j, g->ldc);
}

hn_status hn__cpu_gemm(hn__device *d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                       const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  if (k > INT_MAX || lda > INT_MAX || ldb > INT_MAX || ldc > INT_MAX) {
    snprintf(d->message, sizeof d->message, "a dense product of %lld x %lld x %lld is beyond this BLAS", (long long)m,
             (long long)n, (long long)k);
    return HN_SHAPE;
  }
  if (m == 0 || n == 0) return HN_OK;
  job g = {ta, tb, m, n, k, lda, ldb, ldc, height_of(m, k), piece_of(n, WIDTH), a, b, beta, c};
  int64_t panels = hn__cpu_ceil(m, g.height) * hn__cpu_ceil(n, g.width);
  hn__cpu_parallel(d, (double)m * (double)n * (double)k / HN_CPU_BLAS, panels, panel_of_c, &g);
  return HN_OK;
}
