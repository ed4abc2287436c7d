/* cuBLAS on the host's BLAS: in its stream's order, on one thread. */
#include "cublas_v2.h"

#include "emulation.h"

#include <cblas.h>
#include <omp.h>

#include <functional>

struct hn_host_blas {
  cudaStream_t stream;
};

namespace hn_host {

cudaError_t in_stream(cudaStream_t s, std::function<bool()> run);

static bool expect_matrix(const char *who, const float *p, int64_t rows, int64_t cols, int64_t ld) {
  return rows == 0 || cols == 0 || expect_device(who, p, (size_t)((cols - 1) * ld + rows) * sizeof *p);
}

static void mark_written(float *p, int64_t rows, int64_t cols, int64_t ld) {
  for (int64_t j = 0; j < cols && rows > 0; j++) set_state(p + j * ld, (size_t)rows * sizeof *p, WRITTEN);
}

} // namespace hn_host

using namespace hn_host;

cublasStatus_t cublasCreate(cublasHandle_t *handle) { return *handle = new hn_host_blas{}, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasDestroy(cublasHandle_t handle) { return delete handle, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream) {
  return handle->stream = stream, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t) { return CUBLAS_STATUS_SUCCESS; }

const char *cublasGetStatusString(cublasStatus_t status) {
  return status == CUBLAS_STATUS_SUCCESS ? "no error" : "the stream's device is lost, or an argument is invalid";
}

cublasStatus_t cublasSgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                           const float *alpha, const float *a, int lda, const float *b, int ldb, const float *beta,
                           float *c, int ldc) {
  const float by = *alpha, keep = *beta;
  if (m < 0 || n < 0 || k < 0 || lda < 1 || ldb < 1 || ldc < (m > 1 ? m : 1)) return CUBLAS_STATUS_INVALID_VALUE;
  cudaError_t error = in_stream(handle->stream, [=] {
    if (!expect_matrix("cublasSgemm: A", a, ta ? k : m, ta ? m : k, lda) ||
        !expect_matrix("cublasSgemm: B", b, tb ? n : k, tb ? k : n, ldb) ||
        !expect_matrix("cublasSgemm: C", c, m, n, ldc))
      return false;
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    cblas_sgemm(CblasColMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, by, a, lda, b,
                ldb, keep, c, ldc);
    omp_set_num_threads(threads);
    mark_written(c, m, n, ldc);
    return true;
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}
