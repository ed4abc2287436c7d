/*
 * Numbers as whole multiples of a unit: the largest one first, then each number by its own thread. Bound by HBM, 12
 * bytes a number, or for the few numbers of a pool by three launches (3 us each on an H100).
 */
#include "largest.h"

namespace {

__global__ void round_to_unit(int64_t n, int levels, const unsigned *most, const float *__restrict__ x,
                              float *__restrict__ y) {
  float unit = hn__unit(*most, levels);
  for (int64_t i = hn__cuda_first(); i < n; i += hn__cuda_step()) y[i] = hn__multiple(x[i], unit);
}

} // namespace

hn_status hn__cuda_quantize(hn__device *d, int64_t n, int levels, const float *x, float *y) {
  unsigned *most = (unsigned *)(void *)hn__cuda_of(d)->scratch;
  if (n == 0) return HN_OK;
  HN_CUDA_CALL(hn__cuda_zero(d, most, sizeof *most));
  HN_CUDA_CALL(HN_LAUNCH(d, hn__cuda_cover(d, n), hn__cuda_find_largest, n, x, most));
  return HN_LAUNCH(d, hn__cuda_cover(d, n), round_to_unit, n, levels, most, x, y);
}
