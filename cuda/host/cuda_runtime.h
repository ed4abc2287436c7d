/*
 * The part of CUDA that the backend uses, emulated on the host: what <cuda_runtime.h> is for nvcc. See README.md.
 */
#ifndef HN_CUDA_HOST_RUNTIME_H
#define HN_CUDA_HOST_RUNTIME_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <type_traits>

/* -- language -- */

#define __global__ static
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __constant__ static const
#define __align__(n) alignas(n)
#define __ldg(p) (*(p))

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

#define HN_HOST_VECTOR(type, name)                                                                                     \
  struct alignas(2 * sizeof(type)) name##2 {                                                                           \
    type x, y;                                                                                                         \
  };                                                                                                                   \
  struct alignas(4 * sizeof(type)) name##4 {                                                                           \
    type x, y, z, w;                                                                                                   \
  };                                                                                                                   \
  static inline name##2 make_##name##2(type x, type y) { return {x, y}; }                                              \
  static inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
HN_HOST_VECTOR(float, float)
HN_HOST_VECTOR(double, double)
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
/* Meets the other lanes of the mask. */
void meet(unsigned mask, place where);
/* Likewise: a bit for each lane that gave true, or that gave the same bits as the running one. */
unsigned votes(unsigned mask, bool vote, place where);
unsigned same(unsigned mask, uint64_t bits, place where);
int lane();
/* Likewise; gives the bits of lane `from` alone, one's own where that is negative. */
uint64_t exchange(unsigned mask, uint64_t bits, int from, place where);
/* The values of all 32 lanes. */
void collect(float value, float *all, place where);
/* An object of shared memory: where the block that asked last has it. */
struct shared_object {
  void *at;
  uint32_t serial;
};
void *shared(shared_object *object, size_t bytes, const char *name);
void *dynamic_shared();
/* An atomic operation: the old value, checked, and the new one. */
uint64_t atomic(void *p, size_t bytes);
void put(void *p, size_t bytes, uint64_t value);

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

template <typename T, typename F> static inline T atomically(T *p, F f) {
  T old = value_of<T>(atomic(p, sizeof *p));
  put(p, sizeof *p, bits_of((T)f(old)));
  return old;
}
template <typename T> static inline T shuffle(unsigned mask, T v, int from, place where) {
  return value_of<T>(exchange(mask, bits_of(v), from, where));
}

} // namespace hn_host

/* Those of the running thread. Constant for kernels, so that looking at them is no access to check. */
#ifdef HN_CUDA_HOST_INSIDE
extern uint3 threadIdx, blockIdx, blockDim, gridDim;
#else
extern const uint3 threadIdx, blockIdx, blockDim, gridDim;
#endif
#define warpSize 32

#define HN_SHARED(type, name)                                                                                          \
  static hn_host::shared_object hn__object_##name;                                                                     \
  using hn__type_##name = std::remove_reference_t<decltype(*(type *)nullptr)>;                                         \
  hn__type_##name &name = *(hn__type_##name *)hn_host::shared(&hn__object_##name, sizeof(type), #name)
#define HN_SHARED_DYNAMIC(type, name) type *name = (type *)hn_host::dynamic_shared()

/* -- intrinsics -- */

static inline void __syncthreads(HN_HOST_PLACE) { hn_host::barrier(place); }
static inline void __syncwarp(unsigned mask = 0xffffffffu, HN_HOST_PLACE) { hn_host::meet(mask, place); }
static inline void __threadfence() {}
static inline void __threadfence_block() {}

template <typename T> static inline T __shfl_sync(unsigned mask, T v, int from, int width = 32, HN_HOST_PLACE) {
  return hn_host::shuffle(mask, v, hn_host::lane() / width * width + (from & (width - 1)), place);
}
template <typename T> static inline T __shfl_down_sync(unsigned mask, T v, unsigned d, int width = 32, HN_HOST_PLACE) {
  int lane = hn_host::lane(), from = lane + (int)d;
  return hn_host::shuffle(mask, v, from / width == lane / width ? from : -1, place);
}
template <typename T> static inline T __shfl_up_sync(unsigned mask, T v, unsigned d, int width = 32, HN_HOST_PLACE) {
  int lane = hn_host::lane(), from = lane - (int)d;
  return hn_host::shuffle(mask, v, from >= lane / width * width ? from : -1, place);
}
template <typename T> static inline T __shfl_xor_sync(unsigned mask, T v, int x, int width = 32, HN_HOST_PLACE) {
  int lane = hn_host::lane(), from = lane ^ x;
  return hn_host::shuffle(mask, v, from / width == lane / width ? from : -1, place);
}
static inline unsigned __ballot_sync(unsigned mask, int p, HN_HOST_PLACE) {
  return hn_host::votes(mask, p != 0, place);
}
static inline int __any_sync(unsigned mask, int p, HN_HOST_PLACE) { return hn_host::votes(mask, p != 0, place) != 0; }
static inline int __all_sync(unsigned mask, int p, HN_HOST_PLACE) { return hn_host::votes(mask, p == 0, place) == 0; }
template <typename T> static inline unsigned __match_any_sync(unsigned mask, T v, HN_HOST_PLACE) {
  return hn_host::same(mask, hn_host::bits_of(v), place);
}

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline float __int_as_float(int x) { return hn_host::value_of<float>((uint32_t)x); }
static inline int __float_as_int(float x) { return (int)hn_host::bits_of(x); }
static inline float __uint_as_float(unsigned x) { return hn_host::value_of<float>(x); }
static inline unsigned __float_as_uint(float x) { return (unsigned)hn_host::bits_of(x); }

static inline unsigned __brev(unsigned x) {
  unsigned y = 0;
  for (int i = 0; i < 32; i++) y |= (x >> i & 1) << (31 - i);
  return y;
}
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
static inline int __mul24(int a, int b) { return (a << 8 >> 8) * (b << 8 >> 8); }
static inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n) {
  return (unsigned)((((uint64_t)high << 32 | low) << (n & 31)) >> 32);
}
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline float __frcp_rn(float x) { return 1.0f / x; }
static inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }

#define HN_HOST_LEAST_MOST(type)                                                                                       \
  static inline type min(type a, type b) { return a < b ? a : b; }                                                     \
  static inline type max(type a, type b) { return a > b ? a : b; }
HN_HOST_LEAST_MOST(int)
HN_HOST_LEAST_MOST(unsigned)
HN_HOST_LEAST_MOST(long)
HN_HOST_LEAST_MOST(unsigned long)
HN_HOST_LEAST_MOST(long long)
HN_HOST_LEAST_MOST(unsigned long long)
#undef HN_HOST_LEAST_MOST
static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return fmin(a, b); }
static inline double max(double a, double b) { return fmax(a, b); }

#define HN_HOST_ATOMIC(type)                                                                                           \
  static inline type atomicAdd(type *p, type v) {                                                                      \
    return hn_host::atomically(p, [v](type old) { return old + v; });                                                  \
  }                                                                                                                    \
  static inline type atomicExch(type *p, type v) {                                                                     \
    return hn_host::atomically(p, [v](type) { return v; });                                                            \
  }                                                                                                                    \
  static inline type atomicMin(type *p, type v) {                                                                      \
    return hn_host::atomically(p, [v](type old) { return old < v ? old : v; });                                        \
  }                                                                                                                    \
  static inline type atomicMax(type *p, type v) {                                                                      \
    return hn_host::atomically(p, [v](type old) { return old > v ? old : v; });                                        \
  }                                                                                                                    \
  static inline type atomicCAS(type *p, type expected, type v) {                                                       \
    return hn_host::atomically(p, [expected, v](type old) { return old == expected ? v : old; });                      \
  }
HN_HOST_ATOMIC(int)
HN_HOST_ATOMIC(unsigned)
HN_HOST_ATOMIC(unsigned long long)
#undef HN_HOST_ATOMIC
static inline float atomicAdd(float *p, float v) {
  return hn_host::atomically(p, [v](float old) { return old + v; });
}
static inline double atomicAdd(double *p, double v) {
  return hn_host::atomically(p, [v](double old) { return old + v; });
}
static inline float atomicExch(float *p, float v) {
  return hn_host::atomically(p, [v](float) { return v; });
}
/* Each component is atomic by itself (sm_90). */
static inline float4 atomicAdd(float4 *p, float4 v) {
  return {atomicAdd(&p->x, v.x), atomicAdd(&p->y, v.y), atomicAdd(&p->z, v.z), atomicAdd(&p->w, v.w)};
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

typedef enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
  cudaDevAttrMemoryPoolsSupported = 115
} cudaDeviceAttr;
typedef enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold = 4 } cudaMemPoolAttr;
typedef struct hn_host_pool *cudaMemPool_t;

typedef struct hn_host_stream *cudaStream_t;
typedef struct hn_host_event *cudaEvent_t;

#define cudaStreamNonBlocking 1
#define cudaEventDisableTiming 2
#define cudaHostAllocDefault 0

typedef struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  const char *name; /* of the kernel: ours alone */
} cudaLaunchConfig_t;

typedef enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 } cudaFuncAttribute;

const char *cudaGetErrorName(cudaError_t error);
const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int *n);
cudaError_t cudaSetDevice(int ordinal);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int ordinal);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int ordinal);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int ordinal);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void *value);
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaMemGetInfo(size_t *free, size_t *total);
cudaError_t cudaDeviceSynchronize();

cudaError_t cudaMalloc(void **p, size_t bytes);
cudaError_t cudaFree(void *p);
cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void *p, cudaStream_t stream);
cudaError_t cudaMallocHost(void **p, size_t bytes);
cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned flags);
cudaError_t cudaFreeHost(void *p);
template <typename T> static inline cudaError_t cudaMalloc(T **p, size_t bytes) {
  return cudaMalloc((void **)p, bytes);
}
template <typename T> static inline cudaError_t cudaMallocAsync(T **p, size_t bytes, cudaStream_t stream) {
  return cudaMallocAsync((void **)p, bytes, stream);
}
template <typename T> static inline cudaError_t cudaMallocHost(T **p, size_t bytes) {
  return cudaMallocHost((void **)p, bytes);
}
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemset(void *to, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t first, cudaEvent_t last);

namespace hn_host {
/* The closure is copied; body calls the kernel with what it holds. */
typedef void body_function(const void *closure);
cudaError_t launch(const cudaLaunchConfig_t *config, const void *kernel, body_function *body, const void *closure,
                   size_t bytes);
cudaError_t allow_shared(const void *kernel, int bytes);
} // namespace hn_host

template <typename... Parameters, typename... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(Parameters...),
                               Arguments... arguments) {
  auto call = [=] { kernel(static_cast<Parameters>(arguments)...); };
  static_assert((std::is_trivially_copyable_v<Arguments> && ...), "arguments of kernels are copied as bytes");
  return hn_host::launch(
      config, (const void *)kernel, [](const void *p) { (*(const decltype(call) *)p)(); }, &call, sizeof call);
}
template <typename Kernel> cudaError_t cudaFuncSetAttribute(Kernel *kernel, cudaFuncAttribute, int value) {
  return hn_host::allow_shared((const void *)kernel, value);
}

#endif
