/*
 * The part of CUDA that the backend uses, emulated on the host: what <cuda_runtime.h> is for nvcc. See README.md.
 */
#ifndef HN_CUDA_HOST_RUNTIME_H
#define HN_CUDA_HOST_RUNTIME_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>

/* -- language -- */

#define __global__ static
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __ldg(p) (*(p))

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

#define HN_HOST_VECTOR(type, name)                                                                                     \
  struct alignas(2 * sizeof(type)) name##2 { type x, y; };                                                             \
  struct alignas(4 * sizeof(type)) name##4 { type x, y, z, w; };                                                       \
  static inline name##2 make_##name##2(type x, type y) { return {x, y}; }                                              \
  static inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
HN_HOST_VECTOR(float, float)
HN_HOST_VECTOR(int, int)
HN_HOST_VECTOR(unsigned, uint)
#undef HN_HOST_VECTOR

/* -- the running thread -- */

namespace hn_host {

/* Where a wait was written, for reports. */
struct place {
  const char *file;
  int line;
};
#define HN_HOST_PLACE hn_host::place place = {__builtin_FILE(), __builtin_LINE()}

void barrier(place where);
/* Meets the other lanes of the mask; gives every lane's 64 bits (unset for lanes out of the mask). */
const uint64_t *meet(unsigned mask, uint64_t bits, place where);
int lane();
/* The block's shared object that belongs to `key`. */
void *shared(const void *key, size_t bytes, const char *name);
void *dynamic_shared();

template <typename T> static inline uint64_t bits_of(T value) {
  uint64_t bits = 0;
  static_assert(sizeof value <= 8, "at most 8 bytes are exchanged");
  memcpy(&bits, &value, sizeof value);
  return bits;
}
template <typename T> static inline T value_of(uint64_t bits) {
  T value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Atomic additions, and the like: f gives the new value from the old. */
uint32_t atomic32(uint32_t *at, const std::function<uint32_t(uint32_t)> &f);
uint64_t atomic64(uint64_t *at, const std::function<uint64_t(uint64_t)> &f);

} // namespace hn_host

/* Those of the running thread. */
extern dim3 threadIdx, blockIdx, blockDim, gridDim;
#define warpSize 32

#define HN_SHARED(type, name)                                                                                          \
  static char hn__key_##name;                                                                                          \
  using hn__type_##name = std::remove_reference_t<decltype(*(type *)nullptr)>;                                         \
  hn__type_##name &name = *(hn__type_##name *)hn_host::shared(&hn__key_##name, sizeof(type), #name)
#define HN_SHARED_DYNAMIC(type, name) type *name = (type *)hn_host::dynamic_shared()

/* -- intrinsics -- */

static inline void __syncthreads(HN_HOST_PLACE) { hn_host::barrier(place); }
static inline void __syncwarp(unsigned mask = 0xffffffffu, HN_HOST_PLACE) { hn_host::meet(mask, 0, place); }
static inline void __threadfence() {}
static inline void __threadfence_block() {}

template <typename T> static inline T __shfl_sync(unsigned mask, T v, int from, int width = 32, HN_HOST_PLACE) {
  int base = hn_host::lane() / width * width;
  return hn_host::value_of<T>(hn_host::meet(mask, hn_host::bits_of(v), place)[base + (from & (width - 1))]);
}
template <typename T> static inline T __shfl_down_sync(unsigned mask, T v, unsigned d, int width = 32, HN_HOST_PLACE) {
  int lane = hn_host::lane(), from = lane + (int)d;
  const uint64_t *all = hn_host::meet(mask, hn_host::bits_of(v), place);
  return from / width == lane / width ? hn_host::value_of<T>(all[from]) : v;
}
template <typename T> static inline T __shfl_up_sync(unsigned mask, T v, unsigned d, int width = 32, HN_HOST_PLACE) {
  int lane = hn_host::lane(), from = lane - (int)d;
  const uint64_t *all = hn_host::meet(mask, hn_host::bits_of(v), place);
  return from >= lane / width * width ? hn_host::value_of<T>(all[from]) : v;
}
template <typename T> static inline T __shfl_xor_sync(unsigned mask, T v, int x, int width = 32, HN_HOST_PLACE) {
  int lane = hn_host::lane(), from = lane ^ x;
  const uint64_t *all = hn_host::meet(mask, hn_host::bits_of(v), place);
  return from / width == lane / width ? hn_host::value_of<T>(all[from]) : v;
}
static inline unsigned __ballot_sync(unsigned mask, int p, HN_HOST_PLACE) {
  const uint64_t *all = hn_host::meet(mask, p != 0, place);
  unsigned votes = 0;
  for (int l = 0; l < 32; l++) votes |= (mask >> l & 1) && all[l] ? 1u << l : 0u;
  return votes;
}
static inline int __any_sync(unsigned mask, int p, HN_HOST_PLACE) {
  const uint64_t *all = hn_host::meet(mask, p != 0, place);
  for (int l = 0; l < 32; l++)
    if ((mask >> l & 1) && all[l]) return 1;
  return 0;
}
template <typename T> static inline unsigned __match_any_sync(unsigned mask, T v, HN_HOST_PLACE) {
  uint64_t own = hn_host::bits_of(v);
  const uint64_t *all = hn_host::meet(mask, own, place);
  unsigned same = 0;
  for (int l = 0; l < 32; l++) same |= (mask >> l & 1) && all[l] == own ? 1u << l : 0u;
  return same;
}

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline float __int_as_float(int x) { return hn_host::value_of<float>((uint32_t)x); }
static inline int __float_as_int(float x) { return (int)hn_host::bits_of(x); }
static inline float __uint_as_float(unsigned x) { return hn_host::value_of<float>(x); }
static inline unsigned __float_as_uint(float x) { return (unsigned)hn_host::bits_of(x); }

static inline float atomicAdd(float *p, float v) {
  return hn_host::value_of<float>(hn_host::atomic32((uint32_t *)p, [v](uint32_t old) {
    return (uint32_t)hn_host::bits_of(hn_host::value_of<float>(old) + v);
  }));
}
static inline unsigned long long atomicAdd(unsigned long long *p, unsigned long long v) {
  return hn_host::atomic64((uint64_t *)p, [v](uint64_t old) { return old + v; });
}
static inline unsigned atomicAdd(unsigned *p, unsigned v) {
  return hn_host::atomic32(p, [v](uint32_t old) { return old + v; });
}
static inline unsigned atomicMax(unsigned *p, unsigned v) {
  return hn_host::atomic32(p, [v](uint32_t old) { return old > v ? old : v; });
}
static inline unsigned long long atomicMin(unsigned long long *p, unsigned long long v) {
  return hn_host::atomic64((uint64_t *)p, [v](uint64_t old) { return old < v ? old : v; });
}

/* -- runtime -- */

typedef enum cudaError {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchFailure = 719
} cudaError_t;

typedef enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
} cudaMemcpyKind;

typedef struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem, sharedMemPerBlockOptin;
  int major, minor, multiProcessorCount, l2CacheSize;
} cudaDeviceProp;

typedef struct hn_host_stream *cudaStream_t;
typedef struct hn_host_event *cudaEvent_t;

#define cudaStreamNonBlocking 1
#define cudaEventDisableTiming 2

typedef struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  const char *name; /* of the kernel: ours alone */
} cudaLaunchConfig_t;

typedef enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 } cudaFuncAttribute;

const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int *n);
cudaError_t cudaSetDevice(int ordinal);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int ordinal);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
typedef struct hn_host_pool *cudaMemPool_t;
typedef enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold = 4 } cudaMemPoolAttr;
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int ordinal);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void *value);
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes);
cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaDeviceSynchronize();

cudaError_t cudaMalloc(void **p, size_t bytes);
cudaError_t cudaFree(void *p);
cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void *p, cudaStream_t stream);
cudaError_t cudaMallocHost(void **p, size_t bytes);
cudaError_t cudaFreeHost(void *p);
template <typename T> static inline cudaError_t cudaMalloc(T **p, size_t bytes) { return cudaMalloc((void **)p, bytes); }
template <typename T> static inline cudaError_t cudaMallocHost(T **p, size_t bytes) {
  return cudaMallocHost((void **)p, bytes);
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);

namespace hn_host {
cudaError_t launch(const cudaLaunchConfig_t *config, const void *kernel, std::function<void()> body);
cudaError_t allow_shared(const void *kernel, int bytes);
} // namespace hn_host

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(Parameters...), Arguments... arguments) {
  return hn_host::launch(config, (const void *)kernel, [=] { kernel(static_cast<Parameters>(arguments)...); });
}
template <typename Kernel> cudaError_t cudaFuncSetAttribute(Kernel *kernel, cudaFuncAttribute, int value) {
  return hn_host::allow_shared((const void *)kernel, value);
}

#endif
