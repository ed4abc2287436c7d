/*
 * Device memory and copies.
 */
#include "device.h"

void *hn__cuda_alloc(hn__device *d, size_t bytes) {
  void *p = NULL;
  if (hn__cuda_of(d)->lost || cudaMallocAsync(&p, bytes ? bytes : 1, hn__cuda_of(d)->stream) != cudaSuccess) return NULL;
  return p;
}

void hn__cuda_free(hn__device *d, void *p) {
  if (p && !hn__cuda_of(d)->lost) cudaFreeAsync(p, hn__cuda_of(d)->stream);
}

static hn_status move(hn__device *d, void *dst, const void *src, size_t bytes, cudaMemcpyKind kind, bool wait) {
  cudaStream_t stream = hn__cuda_of(d)->stream;
  HN_CUDA_CALL(hn__cuda_usable(d));
  if (bytes) HN_CUDA_TRY(d, cudaMemcpyAsync(dst, src, bytes, kind, stream));
  if (wait) HN_CUDA_TRY(d, cudaStreamSynchronize(stream));
  return HN_OK;
}

hn_status hn__cuda_write(hn__device *d, void *dst, const void *host, size_t bytes) {
  return move(d, dst, host, bytes, cudaMemcpyHostToDevice, true);
}

hn_status hn__cuda_read(hn__device *d, void *host, const void *src, size_t bytes) {
  return move(d, host, src, bytes, cudaMemcpyDeviceToHost, true);
}

hn_status hn__cuda_copy(hn__device *d, void *dst, const void *src, size_t bytes) {
  return move(d, dst, src, bytes, cudaMemcpyDeviceToDevice, false);
}

hn_status hn__cuda_zero(hn__device *d, void *dst, size_t bytes) {
  HN_CUDA_CALL(hn__cuda_usable(d));
  if (bytes) HN_CUDA_TRY(d, cudaMemsetAsync(dst, 0, bytes, hn__cuda_of(d)->stream));
  return HN_OK;
}
