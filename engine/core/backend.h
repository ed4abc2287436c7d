/*
 * The backend table: all that a device must be able to do. A backend is one folder that fills one table and includes
 * nothing of the engine but this header; the engine calls nothing but this table.
 *
 * Rules for every entry: pointers are device pointers unless said otherwise; matrices are row-major; sizes are never
 * negative and may be 0. Functions named *_grad and those marked (adds) ADD to their result, all others overwrite it.
 * Results depend on the arguments alone, never on the number of threads: sums run in a fixed order. Arguments were
 * checked by the caller. A failure returns its status with the reason in hn__device.message.
 */
#ifndef HN_CORE_BACKEND_H
#define HN_CORE_BACKEND_H

#include "functions.h"

#define HN_MESSAGE_BYTES 512

/* The part of a backend's device that the engine sees; a backend puts its own behind it. */
typedef struct hn__device {
  int threads;
  size_t held;                    /* device bytes that it took for itself when it was opened */
  char name[96];                  /* in words, such as "cpu, 2 threads, avx512" */
  char message[HN_MESSAGE_BYTES]; /* why the last call failed */
} hn__device;

/* Softmax or its logarithm. */
typedef enum hn__softmax { HN_SOFTMAX, HN_LOG_SOFTMAX } hn__softmax;

typedef struct hn_backend {
  const char *name;

  /* Which libraries it was built with, in words. */
  const char *(*built_with)(void);

  /* Opens a device. On failure *out may still hold a device with a message, to be closed. */
  hn_status (*open)(const hn_options *options, hn__device **out);
  void (*close)(hn__device *d);

  /* -- memory, aligned to 64 bytes. HN_MEMORY, without a message, where there is no room -- */
  hn_status (*alloc)(hn__device *d, size_t bytes, void **out);
  void (*free)(hn__device *d, void *p);
  /* From the host, in two steps: begin gives host memory to put the first *bytes of what is to go to dst into, having
   * lowered *bytes to what fits; end sends them on their way, in order with everything else. */
  hn_status (*begin_write)(hn__device *d, void *dst, size_t *bytes, void **host);
  hn_status (*end_write)(hn__device *d, void *dst, size_t bytes);
  /* To the host: waits for all that was asked for before. */
  hn_status (*read)(hn__device *d, void *host, const void *src, size_t bytes);
  /* To the host without waiting: fetch starts a copy and gives a ticket for it, ready tells whether it has arrived,
   * and take waits for it, puts it into host (NULL: nowhere) and ends the ticket. */
  hn_status (*fetch)(hn__device *d, const void *src, size_t bytes, void **ticket);
  bool (*ready)(hn__device *d, const void *ticket);
  hn_status (*take)(hn__device *d, void *ticket, void *host);
  /* Waits for all that was asked for. */
  hn_status (*wait)(hn__device *d);
  hn_status (*copy)(hn__device *d, void *dst, const void *src, size_t bytes);
  hn_status (*zero)(hn__device *d, void *dst, size_t bytes);

  /* -- dense product: C (m x n) = op(A) op(B) + beta C, op(A) is m x k, op(B) is k x n; a transposed operand is stored
   *    the other way round. lda, ldb, ldc: floats from one stored row to the next -- */
  hn_status (*gemm)(hn__device *d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

  /* -- hashed products over V = matrix(w), rows x cols; w is the start of the pool -- */
  size_t (*hashed_workspace)(
      const hn__device *d); /* bytes that the three below need as ws: whatever the layer's size */
  /* y (batch x rows) += x (batch x cols) V^T           (adds) */
  hn_status (*hashed_forward)(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                              const float *x, float *y);
  /* dx (batch x cols) += dy (batch x rows) V */
  hn_status (*hashed_input_grad)(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                 const float *dy, float *dx);
  /* dw[bucket(i,j)] += sign(i,j) (dy^T x)[i][j]        (eq. 12 of the paper) */
  hn_status (*hashed_bucket_grad)(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                  const float *x, float *dw);
  /* out (n x cols) = rows ids[0..n) of V, or of the dense table w where v is NULL; ids NULL: rows 0..n-1 */
  hn_status (*lookup)(hn__device *d, const hn_matrix *v, const float *w, int64_t cols, const int32_t *ids, int64_t n,
                      float *out);
  hn_status (*lookup_grad)(hn__device *d, const hn_matrix *v, int64_t cols, const int32_t *ids, int64_t n,
                           const float *dout, float *dw);

  /* -- element by element: the functions of functions.h with their number a. Gradients add, those with `add` only where
   *    that is true; else they overwrite -- */
  hn_status (*unary)(hn__device *d, hn__unary f, float a, int64_t n, const float *x, float *y);
  hn_status (*unary_grad)(hn__device *d, hn__unary f, float a, int64_t n, const float *x, const float *y,
                          const float *dy, float *dx, bool add);
  /* y[i] = f(a[i], b[i mod nb]), i < n; nb divides n */
  hn_status (*binary)(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b, float *y);
  /* da or db may be NULL */
  hn_status (*binary_grad)(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b,
                           const float *dy, float *da, float *db);
  /* y[i] = x[i] * scale where random number first + i of the seed is >= threshold, else 0; `add`: y += */
  hn_status (*dropout)(hn__device *d, int64_t n, uint32_t threshold, float scale, uint32_t seed, uint64_t first,
                       const float *x, float *y, bool add);
  /* dst[i*ldd + j] = src[i*lds + j], i < rows, j < cols; `add`: dst +=; lds 0: the same row every time */
  hn_status (*copy_rows)(hn__device *d, int64_t rows, int64_t cols, const float *src, int64_t lds, float *dst,
                         int64_t ldd, bool add);

  /* -- sums. x is outer x n x inner, y is outer x inner -- */
  /* y[o][i] += scale * sum over k of x[o][k][i]        (adds) */
  hn_status (*reduce)(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *x, float *y);
  /* x[o][k][i] += scale * y[o][i]                      (adds) */
  hn_status (*spread)(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *y, float *x);
  /* *out = sum of w[i] x[i] / sum of w[i]; 0 where the weights sum to 0. *total = sum of w. */
  hn_status (*weighted_mean)(hn__device *d, int64_t n, const float *x, const float *w, float *out, float *total);
  /* dx[i] += *dout * w[i] / *total */
  hn_status (*weighted_mean_grad)(hn__device *d, int64_t n, const float *w, const float *total, const float *dout,
                                  float *dx);
  /* *host += sum of x[i]^2, in double */
  hn_status (*sum_squares)(hn__device *d, int64_t n, const float *x, double *host);

  /* -- rows -- */
  hn_status (*softmax)(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *x, float *y);
  hn_status (*softmax_grad)(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *y,
                            const float *dy, float *dx);
  /* out[i] = index of the largest of row i, the first of equals */
  hn_status (*argmax)(hn__device *d, int64_t rows, int64_t cols, const float *x, int32_t *out);
  /* Normalise each row to mean 0 and variance 1, then y = gain * that + bias. mean and rstd (rows each) are kept for
   * the gradient. */
  hn_status (*layer_norm)(hn__device *d, int64_t rows, int64_t cols, float epsilon, const float *x, const float *gain,
                          const float *bias, float *y, float *mean, float *rstd);
  hn_status (*layer_norm_grad)(hn__device *d, int64_t rows, int64_t cols, const float *x, const float *gain,
                               const float *mean, const float *rstd, const float *dy, float *dx, float *dgain,
                               float *dbias);
  /* The same over each column. training: statistics of the batch (kept in mean and rstd), running ones moved towards
   * them by `momentum` (the unbiased variance, as PyTorch); else the running ones are used. dx, dgain, dbias may be
   * NULL. */
  hn_status (*batch_norm)(hn__device *d, int64_t rows, int64_t cols, bool training, float momentum, float epsilon,
                          const float *x, const float *gain, const float *bias, float *running_mean,
                          float *running_variance, float *y, float *mean, float *rstd);
  hn_status (*batch_norm_grad)(hn__device *d, int64_t rows, int64_t cols, bool training, const float *x,
                               const float *gain, const float *mean, const float *rstd, const float *dy, float *dx,
                               float *dgain, float *dbias);

  /* -- losses: one number a row -- */
  /* out[i] = -log softmax(x[i])[label[i]] */
  hn_status (*cross_entropy)(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                             float *out);
  hn_status (*cross_entropy_grad)(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                  const float *dout, float *dx);
  /* out[i] = -T^2 sum over j of target[i][j] log softmax(x[i] / T)[j]  (Hinton, Vinyals & Dean 2015: the factor keeps
   * gradients in scale; targets sum to 1 a row) */
  hn_status (*soft_cross_entropy)(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                  const float *target, float *out);
  hn_status (*soft_cross_entropy_grad)(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                       const float *target, const float *dout, float *dx);
  /* out[i] = mean over j of f(x[i][j], target[i][j]) */
  hn_status (*loss)(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x, const float *target,
                    float *out);
  hn_status (*loss_grad)(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                         const float *target, const float *dout, float *dx);

  /* -- the rest -- */
  /* *host = the first i < n with ids[i] outside [0, limit), or -1 */
  hn_status (*find_outside)(hn__device *d, const int32_t *ids, int64_t n, int64_t limit, int64_t *host);
  /* y[i] = x[i] rounded to a multiple of hn__unit(the largest magnitude of x, levels) */
  hn_status (*quantize)(hn__device *d, int64_t n, int levels, const float *x, float *y);
  /* y[i] = hn__interpolate() of x[i] with row i mod cols of the tables knots and values, cols x count */
  hn_status (*interpolate)(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x, const float *knots,
                           const float *values, float *y);
  hn_status (*interpolate_grad)(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x,
                                const float *knots, const float *values, const float *dy, float *dx);
  /* One step of the rule over n weights. s2 may be NULL where the rule has one state. */
  hn_status (*update)(hn__device *d, const hn__step *step, int64_t n, float *w, const float *g, float *s1, float *s2);
} hn_backend;

/* The backend that is built in. */
extern const hn_backend hn__cpu_backend;

/* A backend in a library of its own, libhn_NAME.so, which exports one of these as `hn_plugin`: see plugin.c. */
typedef struct hn__plugin {
  const char *version; /* HN_VERSION of the engine that it was built for */
  size_t bytes;        /* sizeof(hn_backend), as it was built */
  const hn_backend *backend;
} hn__plugin;

#endif
