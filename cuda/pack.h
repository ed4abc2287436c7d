/*
 * Neighbouring floats moved at once: 16 bytes a thread where pointers allow it.
 */
#ifndef HN_CUDA_PACK_H
#define HN_CUDA_PACK_H

#include "device.h"

/* W neighbouring floats. */
template <int W> struct alignas(4 * W) hn__cuda_pack { float at[W]; };

template <int W> __device__ __forceinline__ hn__cuda_pack<W> hn__cuda_load(const float *p) {
  return *reinterpret_cast<const hn__cuda_pack<W> *>(p);
}

template <int W> __device__ __forceinline__ void hn__cuda_store(float *p, const hn__cuda_pack<W> &values) {
  *reinterpret_cast<hn__cuda_pack<W> *>(p) = values;
}

/* Whether packs of four can start there. */
static inline bool hn__cuda_aligned(const void *p) { return ((uintptr_t)p & 15) == 0; }

/* The smallest power of two that is at least n, or `most`: its logarithm. */
static inline int hn__cuda_shift_for(int64_t n, int64_t most) {
  int shift = 0;
  while (1 << shift < n && 1 << shift < most) shift++;
  return shift;
}

#endif
