/*
 * What CUDA tells of the device, and the settings of kernels.
 */
#include "host.h"

namespace hn_host {

namespace {

struct {
  const void *kernel;
  size_t bytes;
} allowed[4096];
int allowed_count;

} // namespace

cudaError_t allow_shared(const void *kernel, int bytes) {
  lock held;
  if (bytes < 0 || (size_t)bytes > MOST_SHARED) return cudaErrorInvalidValue;
  int i = 0;
  while (i < allowed_count && allowed[i].kernel != kernel) i++;
  if (i == 4096) return cudaErrorInvalidValue;
  if (i == allowed_count) allowed_count++;
  allowed[i] = {kernel, (size_t)bytes};
  return sticky;
}

size_t shared_allowed(const void *kernel) {
  for (int i = 0; i < allowed_count; i++)
    if (allowed[i].kernel == kernel && allowed[i].bytes > STATIC_SHARED) return allowed[i].bytes;
  return STATIC_SHARED;
}

} // namespace hn_host

using namespace hn_host;

cudaError_t cudaGetDeviceCount(int *n) { return *n = 1, cudaSuccess; }
cudaError_t cudaSetDevice(int ordinal) { return ordinal == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaDriverGetVersion(int *v) { return *v = 13000, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *v) { return *v = 13000, cudaSuccess; }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
  *p = {};
  snprintf(p->name, sizeof p->name, "host emulation");
  p->totalGlobalMem = TOTAL;
  p->sharedMemPerBlockOptin = MOST_SHARED;
  p->major = 8;
  p->minor = 0;
  p->multiProcessorCount = 4;
  p->l2CacheSize = 1 << 20;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
  case cudaDevAttrMultiProcessorCount: return *value = 4, cudaSuccess;
  case cudaDevAttrMaxSharedMemoryPerBlockOptin: return *value = (int)MOST_SHARED, cudaSuccess;
  case cudaDevAttrMemoryPoolsSupported: return *value = 1, cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int) { return *pool = nullptr, cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }
