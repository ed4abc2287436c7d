/*
 * Dense products: cuBLAS, which is column-major; a row-major C = A B is its C^T = B^T A^T.
 */
#include "device.h"

#include <limits.h>
#include <stdio.h>

hn_status hn__cuda_gemm(hn__device *d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                        const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  const float one = 1.0f;
  HN_CUDA_CALL(hn__cuda_usable(d));
  if (m == 0 || n == 0) return HN_OK;
  if (m > INT_MAX || n > INT_MAX || k > INT_MAX || lda > INT_MAX || ldb > INT_MAX || ldc > INT_MAX) {
    snprintf(d->message, sizeof d->message, "a dense product of %lld x %lld x %lld is beyond cuBLAS", (long long)m,
             (long long)n, (long long)k);
    return HN_SHAPE;
  }
  HN_CUBLAS_TRY(d, cublasSgemm(hn__cuda_of(d)->blas, tb ? CUBLAS_OP_T : CUBLAS_OP_N, ta ? CUBLAS_OP_T : CUBLAS_OP_N,
                               (int)n, (int)m, (int)k, &one, b, (int)ldb, a, (int)lda, &beta, c, (int)ldc));
  return HN_OK;
}
