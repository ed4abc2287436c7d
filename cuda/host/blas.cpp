/*
 * The part of cuBLAS that the backend uses, on the host's BLAS, in its stream's order and on checked memory.
 */
#include "host.h"

#include <cblas.h>
#include <omp.h>

struct hn_host_blas {
  cudaStream_t stream;
};

namespace {

struct product {
  cublasOperation_t ta, tb;
  int m, n, k, lda, ldb, ldc;
  float alpha, beta;
  const float *a, *b;
  float *c;
};

/* Bytes of a column-major matrix. */
size_t span(int rows, int cols, int ld) { return ((size_t)(cols - 1) * (size_t)ld + (size_t)rows) * sizeof(float); }

/* The calling thread must not start threads of OpenMP: see engine/cpu/gemm.c. */
void run_product(void *payload) {
  const product *p = (const product *)payload;
  bool ta = p->ta != CUBLAS_OP_N, tb = p->tb != CUBLAS_OP_N;
  if (p->k > 0 && !hn_host::check_range("cublasSgemm", "reads", p->a, span(ta ? p->k : p->m, ta ? p->m : p->k, p->lda)))
    return;
  if (p->k > 0 && !hn_host::check_range("cublasSgemm", "reads", p->b, span(tb ? p->n : p->k, tb ? p->k : p->n, p->ldb)))
    return;
  if (!hn_host::check_range("cublasSgemm", "writes", p->c, span(p->m, p->n, p->ldc))) return;
  int threads = omp_get_max_threads();
  if (threads > 1) omp_set_num_threads(1);
  cblas_sgemm(CblasColMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, p->m, p->n, p->k, p->alpha,
              p->a, p->lda, p->b, p->ldb, p->beta, p->c, p->ldc);
  if (threads > 1) omp_set_num_threads(threads);
  for (int j = 0; j < p->n; j++) hn_host::mark_written(p->c + (size_t)j * (size_t)p->ldc, sizeof(float) * (size_t)p->m);
}

} // namespace

cublasStatus_t cublasCreate(cublasHandle_t *handle) {
  *handle = (cublasHandle_t)calloc(1, sizeof **handle);
  return *handle ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasDestroy(cublasHandle_t handle) { return free(handle), CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return handle->stream = stream, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t) { return CUBLAS_STATUS_SUCCESS; }
const char *cublasGetStatusString(cublasStatus_t status) {
  switch (status) {
  case CUBLAS_STATUS_SUCCESS: return "success";
  case CUBLAS_STATUS_INVALID_VALUE: return "invalid value";
  default: return cudaGetErrorString(hn_host::sticky);
  }
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                           const float *alpha, const float *a, int lda, const float *b, int ldb, const float *beta,
                           float *c, int ldc) {
  hn_host::lock held;
  product p = {ta, tb, m, n, k, lda, ldb, ldc, *alpha, *beta, a, b, c};
  int rows_a = ta != CUBLAS_OP_N ? k : m, rows_b = tb != CUBLAS_OP_N ? n : k;
  if (m < 0 || n < 0 || k < 0 || lda < (rows_a > 1 ? rows_a : 1) || ldb < (rows_b > 1 ? rows_b : 1) ||
      ldc < (m > 1 ? m : 1))
    return CUBLAS_STATUS_INVALID_VALUE;
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  return hn_host::enqueue(handle->stream, run_product, &p, sizeof p) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                                                    : CUBLAS_STATUS_EXECUTION_FAILED;
}
