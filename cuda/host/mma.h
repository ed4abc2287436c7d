/*
 * Tensor cores: the part of <mma.h> for TF32. Lane l holds the elements l, l + 32, ... of a fragment, counted by rows:
 * a layout that no program may rely on.
 */
#ifndef HN_CUDA_HOST_MMA_H
#define HN_CUDA_HOST_MMA_H

#include "cuda_runtime.h"

namespace nvcuda {
namespace wmma {

/* Rounds to 10 bits behind the point, halves away from zero. */
static inline float __float_to_tf32(float x) {
  uint32_t bits = __float_as_uint(x);
  if ((bits & 0x7f800000u) != 0x7f800000u) bits = (bits + 0x1000u) & ~0x1fffu;
  return __uint_as_float(bits);
}

struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
namespace precision {
struct tf32 {};
} // namespace precision
enum layout_t { mem_row_major, mem_col_major };

template <typename Use, int M, int N, int K> struct hn_shape;
template <int M, int N, int K> struct hn_shape<matrix_a, M, N, K> { static constexpr int rows = M, cols = K; };
template <int M, int N, int K> struct hn_shape<matrix_b, M, N, K> { static constexpr int rows = K, cols = N; };
template <int M, int N, int K> struct hn_shape<accumulator, M, N, K> { static constexpr int rows = M, cols = N; };

template <typename Use, int M, int N, int K, typename T, typename Layout = void> struct fragment {
  static constexpr int rows = hn_shape<Use, M, N, K>::rows, cols = hn_shape<Use, M, N, K>::cols;
  static constexpr int num_elements = rows * cols / 32;
  float x[num_elements];
};

template <typename F> static inline void fill_fragment(F &f, float value) {
  for (int i = 0; i < F::num_elements; i++) f.x[i] = value;
}

/* Where element e of a fragment is in memory. */
template <typename F> static inline size_t hn_element(int e, unsigned ld, bool by_columns) {
  unsigned r = (unsigned)(e / F::cols), c = (unsigned)(e % F::cols);
  return by_columns ? (size_t)c * ld + r : (size_t)r * ld + c;
}

template <typename Use, int M, int N, int K, typename T, typename Layout>
static inline void load_matrix_sync(fragment<Use, M, N, K, T, Layout> &f, const float *p, unsigned ld, HN_HOST_PLACE) {
  using F = fragment<Use, M, N, K, T, Layout>;
  hn_host::meet(0xffffffffu, place);
  for (int i = 0; i < F::num_elements; i++)
    f.x[i] = p[hn_element<F>(i * 32 + hn_host::lane(), ld, std::is_same_v<Layout, col_major>)];
}
template <typename F>
static inline void load_matrix_sync(F &f, const float *p, unsigned ld, layout_t layout, HN_HOST_PLACE) {
  hn_host::meet(0xffffffffu, place);
  for (int i = 0; i < F::num_elements; i++)
    f.x[i] = p[hn_element<F>(i * 32 + hn_host::lane(), ld, layout == mem_col_major)];
}
template <typename F>
static inline void store_matrix_sync(float *p, const F &f, unsigned ld, layout_t layout, HN_HOST_PLACE) {
  hn_host::meet(0xffffffffu, place);
  for (int i = 0; i < F::num_elements; i++)
    p[hn_element<F>(i * 32 + hn_host::lane(), ld, layout == mem_col_major)] = f.x[i];
}

/* All elements of a fragment, from all lanes. */
template <typename F> static inline void hn_collect(const F &f, float *all, hn_host::place place) {
  for (int i = 0; i < F::num_elements; i++) hn_host::collect(f.x[i], all + 32 * i, place);
}

/* What the tensor cores do not see of an operand is cut off. */
static inline float hn_cut(float x) { return __uint_as_float(__float_as_uint(x) & ~0x1fffu); }

template <int M, int N, int K, typename LA, typename LB>
static inline void mma_sync(fragment<accumulator, M, N, K, float> &d,
                            const fragment<matrix_a, M, N, K, precision::tf32, LA> &a,
                            const fragment<matrix_b, M, N, K, precision::tf32, LB> &b,
                            const fragment<accumulator, M, N, K, float> &c, HN_HOST_PLACE) {
  float va[M * K], vb[K * N];
  hn_collect(a, va, place);
  hn_collect(b, vb, place);
  for (int i = 0; i < d.num_elements; i++) {
    int e = i * 32 + hn_host::lane();
    float sum = c.x[i];
    for (int k = 0; k < K; k++) sum += hn_cut(va[e / N * K + k]) * hn_cut(vb[k * N + e % N]);
    d.x[i] = sum;
  }
}

} // namespace wmma
} // namespace nvcuda

#endif
