/*
 * The number of largest magnitude: its bits without the sign, which as an integer order as magnitudes do, NaN above
 * all. So a maximum is the same in whatever order it is taken.
 */
#ifndef HN_CUDA_LARGEST_H
#define HN_CUDA_LARGEST_H

#include "device.h"

namespace {

/* *most = the larger of it and of all magnitudes. On a grid of hn__cuda_cover. */
__global__ void hn__cuda_find_largest(int64_t n, const float *x, unsigned *most) {
  unsigned own = 0;
  for (int64_t k = hn__cuda_first(); k < n; k += hn__cuda_step()) {
    unsigned bits = hn__magnitude(x[k]);
    own = bits > own ? bits : own;
  }
  for (int step = HN_CUDA_WARP / 2; step > 0; step /= 2) {
    unsigned other = __shfl_xor_sync(0xffffffffu, own, step);
    own = other > own ? other : own;
  }
  if (threadIdx.x % HN_CUDA_WARP == 0) atomicMax(most, own);
}

} // namespace

#endif
