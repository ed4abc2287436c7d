/*
 * What the files of the CUDA backend share: the device, errors, launches.
 *
 * The same sources are compiled by nvcc for GPUs and by g++ against host/, which emulates the part of CUDA that they
 * use. So a kernel is launched with HN_LAUNCH, not with <<<>>>, and takes shared memory through HN_SHARED and
 * HN_SHARED_DYNAMIC, not through __shared__. All work goes into one stream, d->stream; entries return without waiting
 * for it unless they give a number to the host.
 */
#ifndef HN_CUDA_DEVICE_H
#define HN_CUDA_DEVICE_H

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include "../engine/core/backend.h"

#define HN_CUDA_WARP 32
#define HN_CUDA_BLOCK 256            /* threads of a block, unless a kernel says otherwise */
#define HN_CUDA_SCRATCH (256 * 1024) /* bytes of device memory for an entry's partial results */

/* A budget from which on the device's own memory may be large; without a budget it is. */
#define HN_CUDA_ROOMY (INT64_C(512) << 20)
#define HN_CUDA_BLAS_ROOMY ((size_t)32 << 20) /* what NVIDIA recommends for a GPU of capability 9.0 */
#define HN_CUDA_BLAS_SMALL ((size_t)256 << 10)

/* The ways to compute a hashed product: see hashed.cu. */
typedef enum hn__cuda_route {
  HN_CUDA_ROUTE_AUTO,
  HN_CUDA_ROUTE_DIRECT,
  HN_CUDA_ROUTE_TILE,
  HN_CUDA_ROUTE_PANEL
} hn__cuda_route;

typedef struct hn__cuda_copies hn__cuda_copies; /* memory.cu: buffers that data come through */

/* What the engine sees of the device, and ours. */
typedef struct hn__cuda_device {
  hn__device base;
  int ordinal;
  cudaDeviceProp properties;
  int capability;      /* 90 for 9.0 */
  size_t shared_most;  /* bytes of shared memory that a block can have if it asks */
  cudaStream_t stream; /* all kernels but panel.cu's, which work beside cuBLAS: */
  cudaStream_t side;
  cudaEvent_t made[2], used[2]; /* its two panels */
  cublasHandle_t blas;
  char *scratch; /* HN_CUDA_SCRATCH bytes */
  void *blas_workspace;
  hn__cuda_copies *copies;
  hn__cuda_route route;       /* what the device's name asked for */
  bool deterministic;         /* likewise: additions to buckets in one order, whatever the scheme */
  bool tf32;                  /* likewise: tensor cores round operands to 11 bits */
  bool lost;                  /* after an error from which CUDA does not recover, */
  char why[HN_MESSAGE_BYTES]; /* which was this */
} hn__cuda_device;

static inline hn__cuda_device *hn__cuda_of(hn__device *d) { return (hn__cuda_device *)d; }

static inline int64_t hn__cuda_least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t hn__cuda_ceil(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* -- errors -- */

/* Writes "EXPRESSION: CUDA's text (FILE:LINE)" into the device's message and returns the status for it. */
hn_status hn__cuda_fail(hn__device *d, cudaError_t error, const char *expression, const char *file, int line);
hn_status hn__cuda_blas_fail(hn__device *d, cublasStatus_t error, const char *expression, const char *file, int line);
/* Makes the device the calling thread's current one; fails if it was lost. Every entry begins with it or a launch. */
hn_status hn__cuda_usable(hn__device *d);

/* Leaves the function if a CUDA call failed. */
#define HN_CUDA_TRY(d, expression)                                                                                     \
  do {                                                                                                                 \
    cudaError_t hn__error = (expression);                                                                              \
    if (hn__error != cudaSuccess) return hn__cuda_fail(d, hn__error, #expression, __FILE__, __LINE__);                 \
  } while (0)
#define HN_CUBLAS_TRY(d, expression)                                                                                   \
  do {                                                                                                                 \
    cublasStatus_t hn__error = (expression);                                                                           \
    if (hn__error != CUBLAS_STATUS_SUCCESS) return hn__cuda_blas_fail(d, hn__error, #expression, __FILE__, __LINE__);  \
  } while (0)
#define HN_CUDA_CALL(expression)                                                                                       \
  do {                                                                                                                 \
    hn_status hn__status = (expression);                                                                               \
    if (hn__status != HN_OK) return hn__status;                                                                        \
  } while (0)

/* -- launches -- */

/* A grid: blocks in x, y and z, threads of a block (x alone), bytes of dynamic shared memory. */
typedef struct hn__cuda_grid {
  int64_t x;
  int threads = HN_CUDA_BLOCK;
  size_t shared = 0;
  int64_t y = 1, z = 1;
} hn__cuda_grid;

/* Blocks of HN_CUDA_BLOCK threads for n elements, at most so many that each SM has its fill; kernels loop from their
 * first element in steps of all threads: for (int64_t i = hn__cuda_first(); i < n; i += hn__cuda_step()). */
static inline hn__cuda_grid hn__cuda_cover(hn__device *d, int64_t n) {
  int64_t most = (int64_t)hn__cuda_of(d)->properties.multiProcessorCount * 8;
  return {hn__cuda_least(hn__cuda_ceil(n, HN_CUDA_BLOCK), most)};
}

__device__ __forceinline__ int64_t hn__cuda_first() { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ int64_t hn__cuda_step() { return (int64_t)gridDim.x * blockDim.x; }

template <typename Kernel, typename... Arguments>
hn_status hn__cuda_launch(hn__device *d, const char *name, const char *file, int line, cudaStream_t stream,
                          hn__cuda_grid grid, Kernel kernel, Arguments... arguments) {
  HN_CUDA_CALL(hn__cuda_usable(d));
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3((unsigned)grid.x, (unsigned)grid.y, (unsigned)grid.z);
  config.blockDim = dim3((unsigned)grid.threads);
  config.dynamicSmemBytes = grid.shared;
  config.stream = stream;
#ifdef HN_CUDA_HOST
  config.name = name;
#endif
  cudaError_t error = cudaLaunchKernelEx(&config, kernel, arguments...);
  return error == cudaSuccess ? HN_OK : hn__cuda_fail(d, error, name, file, line);
}

/* Launches a kernel into the device's stream and gives a status: HN_LAUNCH(d, grid, kernel, arguments of its exact
 * types). A kernel with template arguments stands in parentheses. An empty grid is an error: leave before. */
#define HN_LAUNCH(d, grid, kernel, ...)                                                                                \
  hn__cuda_launch(d, #kernel, __FILE__, __LINE__, hn__cuda_of(d)->stream, grid, kernel, __VA_ARGS__)
/* The same into another stream. */
#define HN_LAUNCH_IN(stream, d, grid, kernel, ...)                                                                     \
  hn__cuda_launch(d, #kernel, __FILE__, __LINE__, stream, grid, kernel, __VA_ARGS__)

/* -- shared memory: HN_SHARED(type, name) is one object of a plain type, such as an array type or a struct, with
 *    undefined contents; HN_SHARED_DYNAMIC(type, name) a pointer to what the launch asked for -- */
#ifndef HN_CUDA_HOST
#define HN_SHARED(type, name) __shared__ type name
#define HN_SHARED_DYNAMIC(type, name)                                                                                  \
  extern __shared__ __align__(16) unsigned char hn__cuda_dynamic[];                                                    \
  type *name = reinterpret_cast<type *>(hn__cuda_dynamic)
#endif

/* Unrolls the loop that follows, in whole or by a number, so that an array stays in registers or several loads are
 * under way at once. */
#ifdef HN_CUDA_HOST
#define HN_CUDA_UNROLL(...)
#else
#define HN_CUDA_PRAGMA(text) _Pragma(#text)
#define HN_CUDA_UNROLL(...) HN_CUDA_PRAGMA(unroll __VA_ARGS__)
#endif

/* -- the table -- */
/* memory.cu */
hn_status hn__cuda_copies_open(hn__device *d, bool roomy);
void hn__cuda_copies_close(hn__device *d);
hn_status hn__cuda_alloc(hn__device *d, size_t bytes, void **out);
void hn__cuda_free(hn__device *d, void *p);
hn_status hn__cuda_begin_write(hn__device *d, void *dst, size_t *bytes, void **host);
hn_status hn__cuda_end_write(hn__device *d, void *dst, size_t bytes);
hn_status hn__cuda_read(hn__device *d, void *host, const void *src, size_t bytes);
hn_status hn__cuda_fetch(hn__device *d, const void *src, size_t bytes, void **ticket);
bool hn__cuda_ready(hn__device *d, const void *ticket);
hn_status hn__cuda_take(hn__device *d, void *ticket, void *host);
hn_status hn__cuda_wait(hn__device *d);
hn_status hn__cuda_copy(hn__device *d, void *dst, const void *src, size_t bytes);
hn_status hn__cuda_zero(hn__device *d, void *dst, size_t bytes);

/* one file a family */
hn_status hn__cuda_gemm(hn__device *d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                        const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
size_t hn__cuda_hashed_workspace(const hn__device *d);
hn_status hn__cuda_hashed_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                  const float *x, float *y);
hn_status hn__cuda_hashed_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                     const float *dy, float *dx);
hn_status hn__cuda_hashed_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                      const float *x, float *dw);
hn_status hn__cuda_lookup(hn__device *d, const hn_matrix *v, const float *w, int64_t cols, const int32_t *ids,
                          int64_t n, float *out);
hn_status hn__cuda_lookup_grad(hn__device *d, const hn_matrix *v, int64_t cols, const int32_t *ids, int64_t n,
                               const float *dout, float *dw);
hn_status hn__cuda_find_outside(hn__device *d, const int32_t *ids, int64_t n, int64_t limit, int64_t *host);
hn_status hn__cuda_unary(hn__device *d, hn__unary f, float a, int64_t n, const float *x, float *y);
hn_status hn__cuda_unary_grad(hn__device *d, hn__unary f, float a, int64_t n, const float *x, const float *y,
                              const float *dy, float *dx, bool add);
hn_status hn__cuda_binary(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b, float *y);
hn_status hn__cuda_binary_grad(hn__device *d, hn__binary f, int64_t n, int64_t nb, const float *a, const float *b,
                               const float *dy, float *da, float *db);
hn_status hn__cuda_dropout(hn__device *d, int64_t n, uint32_t threshold, float scale, uint32_t seed, uint64_t first,
                           const float *x, float *y, bool add);
hn_status hn__cuda_copy_rows(hn__device *d, int64_t rows, int64_t cols, const float *src, int64_t lds, float *dst,
                             int64_t ldd, bool add);
hn_status hn__cuda_reduce(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *x,
                          float *y);
hn_status hn__cuda_spread(hn__device *d, int64_t outer, int64_t n, int64_t inner, float scale, const float *y,
                          float *x);
hn_status hn__cuda_weighted_mean(hn__device *d, int64_t n, const float *x, const float *w, float *out, float *total);
hn_status hn__cuda_weighted_mean_grad(hn__device *d, int64_t n, const float *w, const float *total, const float *dout,
                                      float *dx);
hn_status hn__cuda_sum_squares(hn__device *d, int64_t n, const float *x, double *host);
hn_status hn__cuda_softmax(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *x, float *y);
hn_status hn__cuda_softmax_grad(hn__device *d, hn__softmax kind, int64_t rows, int64_t cols, const float *y,
                                const float *dy, float *dx);
hn_status hn__cuda_argmax(hn__device *d, int64_t rows, int64_t cols, const float *x, int32_t *out);
hn_status hn__cuda_layer_norm(hn__device *d, int64_t rows, int64_t cols, float epsilon, const float *x,
                              const float *gain, const float *bias, float *y, float *mean, float *rstd);
hn_status hn__cuda_layer_norm_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const float *gain,
                                   const float *mean, const float *rstd, const float *dy, float *dx, float *dgain,
                                   float *dbias);
hn_status hn__cuda_batch_norm(hn__device *d, int64_t rows, int64_t cols, bool training, float momentum, float epsilon,
                              const float *x, const float *gain, const float *bias, float *running_mean,
                              float *running_variance, float *y, float *mean, float *rstd);
hn_status hn__cuda_batch_norm_grad(hn__device *d, int64_t rows, int64_t cols, bool training, const float *x,
                                   const float *gain, const float *mean, const float *rstd, const float *dy, float *dx,
                                   float *dgain, float *dbias);
hn_status hn__cuda_cross_entropy(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                 float *out);
hn_status hn__cuda_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, const float *x, const int32_t *label,
                                      const float *dout, float *dx);
hn_status hn__cuda_soft_cross_entropy(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                      const float *target, float *out);
hn_status hn__cuda_soft_cross_entropy_grad(hn__device *d, int64_t rows, int64_t cols, float temperature, const float *x,
                                           const float *target, const float *dout, float *dx);
hn_status hn__cuda_loss(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                        const float *target, float *out);
hn_status hn__cuda_loss_grad(hn__device *d, hn__loss f, float a, int64_t rows, int64_t cols, const float *x,
                             const float *target, const float *dout, float *dx);
hn_status hn__cuda_quantize(hn__device *d, int64_t n, int levels, const float *x, float *y);
hn_status hn__cuda_interpolate(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x,
                               const float *knots, const float *values, float *y);
hn_status hn__cuda_interpolate_grad(hn__device *d, int64_t n, int64_t cols, int64_t count, const float *x,
                                    const float *knots, const float *values, const float *dy, float *dx);
hn_status hn__cuda_update(hn__device *d, const hn__step *step, int64_t n, float *w, const float *g, float *s1,
                          float *s2);

#endif
