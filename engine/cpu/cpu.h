/*
 * What the files of the CPU backend share.
 *
 * Every kernel cuts its work into pieces that depend on the sizes alone, and hn__cpu_parallel() gives the pieces to the
 * device's threads. Nothing is summed across pieces but in their order, so results do not depend on the number of threads.
 */
#ifndef HN_CPU_CPU_H
#define HN_CPU_CPU_H

#include "../core/backend.h"

/* One copy of a hot loop for each level of x86-64, chosen when the program starts. The copies give the same bits: the
 * build forbids contraction (-ffp-contract=off) and no loop leaves the order of a sum to the compiler. Sanitizers run
 * before the choice can be made. A build with -DHN_PLAIN has the plain form alone. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) &&                        \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(HN_PLAIN)
#define HN_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HN_CLONES
#endif

/* Work below which a second thread costs more than it brings, in element operations such as an addition. A multiply-add
 * of a product counts 1/HN_CPU_BLAS of one, an exponential HN_CPU_EXP, a weight's update HN_CPU_RULE. Waking threads is
 * cheap on an idle machine; on a busy one each time can cost a time slice, so small loops stay on one. */
#define HN_CPU_SERIAL 131072
#define HN_CPU_BLAS 16
#define HN_CPU_EXP 8
#define HN_CPU_RULE 6
#define HN_CPU_CHUNK 8192 /* elements of a piece of an elementwise kernel: its operands fit L2 */
#define HN_CPU_LANES 256  /* columns that are summed side by side */

HN_INLINE int64_t hn__cpu_least(int64_t a, int64_t b) { return a < b ? a : b; }
HN_INLINE int64_t hn__cpu_ceil(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* The piece of a chunked array that starts at CHUNK * p: its first element and how many. */
HN_INLINE int64_t hn__cpu_first(int64_t p) { return p * HN_CPU_CHUNK; }
HN_INLINE int64_t hn__cpu_count(int64_t n, int64_t p) { return hn__cpu_least(n - p * HN_CPU_CHUNK, HN_CPU_CHUNK); }
HN_INLINE int64_t hn__cpu_chunks(int64_t n) { return hn__cpu_ceil(n, HN_CPU_CHUNK); }

#define HN_CPU_KEPT 32            /* freed blocks that a device keeps at most, */
#define HN_CPU_KEPT_BYTES 8388608 /* and their bytes */

typedef struct hn__cpu_pool hn__cpu_pool;
/* What the engine sees of the device, and its threads. */
typedef struct hn__cpu_device {
  hn__device base;
  hn__cpu_pool *pool;
  const struct hn__cpu_kernels *kernels;
  void *kept[HN_CPU_KEPT]; /* freed blocks, to be given again (memory.c) */
  size_t kept_bytes;
  bool keeps;
  double serial; /* HN_CPU_SERIAL; 0 in debug contexts, so that specs see threads at work on little as well */
} hn__cpu_device;

/* -- memory.c -- */
hn_status hn__cpu_alloc(hn__device *d, size_t bytes, void **out);
void hn__cpu_free(hn__device *d, void *p);
/* Gives the blocks that are kept back to the system. */
void hn__cpu_free_kept(hn__device *d);

/* -- threads.c -- */
/* NULL if there is no memory. */
hn__cpu_pool *hn__cpu_pool_new(int threads);
void hn__cpu_pool_free(hn__cpu_pool *pool);
/* Does piece i of a job; `thread` is from 0 to d->threads - 1, and no two pieces at work at a time share one. */
typedef void hn__cpu_piece(const void *job, int64_t i, int thread);
/* Does all pieces, in any order, on any threads; on the calling one alone where there is less `work` in them together than
 * is worth waking others for. */
void hn__cpu_parallel(hn__device *d, double work, int64_t pieces, hn__cpu_piece *piece, const void *job);

/* -- gemm.c -- */
hn_status hn__cpu_gemm(hn__device *d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                       const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* -- reduce.c -- */
/* Sum of n numbers, in double and in a fixed order. */
double hn__cpu_sum(int64_t n, const float *x);
/* Sum of the products. */
double hn__cpu_dot(int64_t n, const float *x, const float *y);

/* -- softmax.c -- */
/* The largest number of a row and the sum of exp((x - max) * scale). */
typedef struct hn__cpu_exponents {
  float max;
  double sum;
} hn__cpu_exponents;
hn__cpu_exponents hn__cpu_exponents_of(int64_t n, const float *x, float scale);

void hn__cpu_softmax_row(hn__softmax kind, int64_t n, const float *x, float *y);

/* -- elementwise.c, norm.c: pieces of what the table has, without a device -- */
void hn__cpu_unary_values(hn__unary f, float a, int64_t n, const float *x, float *y);
void hn__cpu_layer_norm_row(int64_t n, float epsilon, const float *x, const float *gain, const float *bias, float *y,
                            float *mean, float *rstd);

/* -- the rest of the table -- */
size_t hn__cpu_hashed_workspace(const hn__device *d);
hn_status hn__cpu_hashed_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                 const float *x, float *y);
hn_status hn__cpu_hashed_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                    const float *dy, float *dx);
hn_status hn__cpu_hashed_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                     const float *x, float *dw);
hn_status hn__cpu_lookup(hn__device *d, const hn_matrix *v, const float *w, int64_t cols, const int32_t *ids, int64_t n,
                         float *out);
hn_status hn__cpu_lookup_grad(hn__device *d, const hn_matrix *v, int64_t cols, const int32_t *ids, int64_t n,
                              const float *dout, float *dw);
hn_status hn__cpu_find_outside(hn__device *d, const int32_t *ids, int64_t n, int64_t limit, int64_t *host);

hn_status hn__cpu_unary(hn__device *d, hn__unary f, float a, int64_t n, const float *x, float *y);
hn_status hn__cpu_unary_grad(hn__device *d, hn__unary f, float a, int64_t n, const float *x, const float *y,
                             const float *dy, float *dx, bool add);
hn_status hn__cpu_binary(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b, float *y);
hn_status hn__cpu_binary_grad(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b,
                              const float *dy, float *da, float *db);
hn_status hn__cpu_dropout(hn__device *d, int64_t n, uint32_t threshold, float scale, uint32_t seed, uint64_t first,
                          const float *x, float *y, bool add);
hn_status hn__cpu_copy_rows(hn__device *d, int64_t rows, int64_t cols, const float *src, int64_t lds, float *dst,
                            int64_t ldd, bool add);

hn_status hn__cpu_reduce(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *x, float *y);
hn_status hn__cpu_spread(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *y, float *x);
hn_status hn__cpu_weighted_mean(hn__device *d, int64_t n, const float *x, const float *w, float *out, float *total);
hn_status hn__cpu_weighted_mean_grad(hn__device *d, int64_t n, const float *w, const float *total, const float *dout,
                                     float *dx);
hn_status hn__cpu_sum_squares(hn__device *d, int64_t n, const float *x, double *host);

hn_status hn__cpu_softmax(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *x, float *y);
hn_status hn__cpu_softmax_grad(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *y,
                               const float *dy, float *dx);
hn_status hn__cpu_argmax(hn__device *d, int64_t rows, int64_t cols, const float *x, int32_t *out);
hn_status hn__cpu_layer_norm(hn__device *d, int64_t rows, int64_t cols, float epsilon, const float *x,
                             const float *gain, const float *bias, float *y, float *mean, float *rstd);
hn_status hn__cpu_layer_norm_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const float *gain,
                                  const float *mean, const float *rstd, const float *dy, float *dx, float *dgain,
                                  float *dbias);
hn_status hn__cpu_batch_norm(hn__device *d, int64_t rows, int64_t cols, bool training, float momentum, float epsilon,
                             const float *x, const float *gain, const float *bias, float *running_mean,
                             float *running_variance, float *y, float *mean, float *rstd);
hn_status hn__cpu_batch_norm_grad(hn__device *d, int64_t rows, int64_t cols, bool training, const float *x,
                                  const float *gain, const float *mean, const float *rstd, const float *dy, float *dx,
                                  float *dgain, float *dbias);

hn_status hn__cpu_cross_entropy(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                float *out);
hn_status hn__cpu_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                     const float *dout, float *dx);
hn_status hn__cpu_soft_cross_entropy(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                     const float *target, float *out);
hn_status hn__cpu_soft_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                          const float *target, const float *dout, float *dx);
hn_status hn__cpu_loss(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                       const float *target, float *out);
hn_status hn__cpu_loss_grad(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                            const float *target, const float *dout, float *dx);

hn_status hn__cpu_quantize(hn__device *d, int64_t n, int levels, const float *x, float *y);

hn_status hn__cpu_interpolate(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x, const float *knots,
                              const float *values, float *y);
hn_status hn__cpu_interpolate_grad(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x,
                                   const float *knots, const float *values, const float *dy, float *dx);

hn_status hn__cpu_update(hn__device *d, const hn__step *step, int64_t n, float *w, const float *g, float *s1,
                         float *s2);

#endif
