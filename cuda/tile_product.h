/*
 * Tiles in shared memory, and the product of two of them in float32 and on tensor cores: what the fused products of
 * tile.h are made of.
 */
#ifndef HN_CUDA_TILE_PRODUCT_H
#define HN_CUDA_TILE_PRODUCT_H

#include "hashed.h"
#include "map.h"

/* Tensor cores: GPUs from 8.0 on, and the emulation where it has them. */
#if !defined(HN_CUDA_HOST) || __has_include("host/mma.h")
#include <mma.h>
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define HN_CUDA_MMA 1
#endif
#endif
#ifndef HN_CUDA_MMA
#define HN_CUDA_MMA 0
#endif

#define HN_CUDA_TILE_N 128 /* columns of C that a block makes */
#define HN_CUDA_TILE_K 16  /* of K a step: a run of line */

/* The constants of one of the kernels. ACROSS: K runs along V's columns, as forward needs it. */
template <int M_, int GRAIN_, bool BALANCED_, bool ACROSS_, bool TF32_> struct hn__cuda_tile {
  static constexpr int M = M_, GRAIN = GRAIN_;
  static constexpr bool BALANCED = BALANCED_, ACROSS = ACROSS_, TF32 = TF32_;
  static constexpr int PAD = TF32 ? 8 : 0, A_WIDE = M + PAD, W_WIDE = HN_CUDA_TILE_N + PAD; /* of tiles in memory */
  static constexpr int TM = 4, TN = M == 16 ? 4 : 8;                                        /* results of a thread */
  static constexpr int THREADS = M / TM * (HN_CUDA_TILE_N / TN), WARPS = THREADS / HN_CUDA_WARP;
  static constexpr int BLOCKS = THREADS == 128 ? 3 : 512 / THREADS; /* on an SM, whose registers they share */
  static constexpr int A_EACH =
      (M * HN_CUDA_TILE_K / 4 + THREADS - 1) / THREADS;                    /* float4s of A that a thread brings */
  static constexpr int W_EACH = HN_CUDA_TILE_N * HN_CUDA_TILE_K / THREADS; /* weights that it makes */
  static constexpr int RUNS = HN_CUDA_TILE_N / WARPS;                      /* of line, that a warp brings a step */
  static constexpr int AHEAD = HN_CUDA_WARP / RUNS; /* steps whose runs a warp hashes at once, one a lane */
};

/* A product as kernels get it. */
typedef struct hn__cuda_product {
  hn__cuda_map map;
  const float *w, *a; /* w from the matrix' offset */
  float *to;          /* C, or the partial sums of the first split */
  int64_t batch, n, k;
  int64_t across;    /* tiles that C is wide */
  int steps;         /* of a split */
  bool a4, to4, add; /* rows of a and of to start at multiples of 16 bytes; add to C instead of writing partial sums */
} hn__cuda_product;

template <typename T> struct __align__(32) hn__cuda_tile_memory {
  float a[2][HN_CUDA_TILE_K * T::A_WIDE], w[2][HN_CUDA_TILE_K * T::W_WIDE];
  hn__cuda_row<T::BALANCED> rows[HN_CUDA_TILE_N];
};

/* What a thread holds of the next step. */
template <typename T> struct hn__cuda_fetched {
  float4 a[T::A_EACH];
  float w[T::W_EACH];
  uint32_t signs[T::GRAIN == 1 ? 1 : T::W_EACH / 4];
  hn__cuda_run run; /* of line: the lane's own */
};

/* Where (k, n) of a tile is that is WIDE wide. Four lanes with a float4 along k each write to four rows k, k+4, k+8 and
 * k+12 at once: these are turned by 8 banks each, so that eight such groups, n to n+7, write without conflicts. Tensor
 * cores read tiles as they are; with rows of 8 banks more than a multiple of 32 or 16, their reads have no
 * conflicts. */
template <int WIDE> __device__ __forceinline__ int hn__cuda_at(int k, int n) {
  constexpr int turned = WIDE % 16 == 0 ? 24 & (WIDE - 1) : 0;
  return k * WIDE + (n ^ (k << 1 & turned));
}

template <int WIDE> __device__ __forceinline__ void hn__cuda_put_down(float *tile, int k, int n, float4 v) {
  tile[hn__cuda_at<WIDE>(k, n)] = v.x;
  tile[hn__cuda_at<WIDE>(k + 1, n)] = v.y;
  tile[hn__cuda_at<WIDE>(k + 2, n)] = v.z;
  tile[hn__cuda_at<WIDE>(k + 3, n)] = v.w;
}

/* x as tensor cores take it: rounded to 11 bits. */
template <bool TF32> __device__ __forceinline__ float4 hn__cuda_operand4(float4 v) {
#if HN_CUDA_MMA
  if constexpr (TF32) {
    using nvcuda::wmma::__float_to_tf32;
    v = make_float4(__float_to_tf32(v.x), __float_to_tf32(v.y), __float_to_tf32(v.z), __float_to_tf32(v.w));
  }
#endif
  return v;
}

__device__ __forceinline__ float4 hn__cuda_signed4(float4 v, uint32_t signs) {
  return make_float4(hn__cuda_signed(v.x, signs, 0), hn__cuda_signed(v.y, signs, 1), hn__cuda_signed(v.z, signs, 2),
                     hn__cuda_signed(v.w, signs, 3));
}

/* The first `left` of v, then zeros. */
__device__ __forceinline__ float4 hn__cuda_first4(float4 v, int left) {
  return make_float4(left > 0 ? v.x : 0, left > 1 ? v.y : 0, left > 2 ? v.z : 0, left > 3 ? v.w : 0);
}

/* Four floats from `from` on, of which `left` are there. */
__device__ __forceinline__ float4 hn__cuda_load4(const float *from, int left, bool aligned) {
  if (aligned && left >= 4) return *reinterpret_cast<const float4 *>(from);
  return make_float4(left > 0 ? from[0] : 0, left > 1 ? from[1] : 0, left > 2 ? from[2] : 0, left > 3 ? from[3] : 0);
}

/* -- the product of two tiles -- */

/* Where a thread's results are: the 32 lanes of a warp take 4 by 8 pieces, so that a warp's reads of either operand
 * have few different addresses. 8 columns are two times 4, half a tile apart: then neighbours read neighbouring
 * float4s. */
template <typename T> __device__ __forceinline__ int hn__cuda_piece_m(int i) {
  int warp = (int)threadIdx.x / HN_CUDA_WARP, lane = (int)threadIdx.x % HN_CUDA_WARP;
  return (warp / (HN_CUDA_TILE_N / T::TN / 8) * 4 + lane / 8) * 4 + i;
}
template <typename T> __device__ __forceinline__ int hn__cuda_piece_n(int j) {
  int warp = (int)threadIdx.x / HN_CUDA_WARP, lane = (int)threadIdx.x % HN_CUDA_WARP;
  return (warp % (HN_CUDA_TILE_N / T::TN / 8) * 8 + lane % 8) * 4 + j / 4 * (HN_CUDA_TILE_N / 2) + j % 4;
}

/* COUNT operands of row k of a tile, the first at column `first`. */
template <int COUNT, int WIDE>
__device__ __forceinline__ void hn__cuda_operands(const float *tile, int k, int first, float *to) {
  HN_CUDA_UNROLL()
  for (int i = 0; i < COUNT; i += 4) {
    float4 v = *reinterpret_cast<const float4 *>(tile + hn__cuda_at<WIDE>(k, first + i / 4 * (WIDE / 2)));
    to[i] = v.x, to[i + 1] = v.y, to[i + 2] = v.z, to[i + 3] = v.w;
  }
}

/* A thread's results; on tensor cores, below, its warp's. */
template <typename T, bool TF32 = T::TF32> struct hn__cuda_sums { float at[T::TM][T::TN]; };

template <typename T> __device__ __forceinline__ void hn__cuda_clear(hn__cuda_sums<T, false> &sum) {
  HN_CUDA_UNROLL()
  for (int i = 0; i < T::TM; i++) {
    HN_CUDA_UNROLL()
    for (int j = 0; j < T::TN; j++) sum.at[i][j] = 0;
  }
}

/* sum += A's tile times V's. */
template <typename T>
__device__ __forceinline__ void hn__cuda_tile_product(const float *a, const float *w, hn__cuda_sums<T, false> &sum) {
  int m = hn__cuda_piece_m<T>(0), n = hn__cuda_piece_n<T>(0);
  HN_CUDA_UNROLL()
  for (int k = 0; k < HN_CUDA_TILE_K; k++) {
    float left[T::TM], right[T::TN];
    hn__cuda_operands<T::TM, T::M>(a, k, m, left);
    hn__cuda_operands<T::TN, HN_CUDA_TILE_N>(w, k, n, right);
    HN_CUDA_UNROLL()
    for (int i = 0; i < T::TM; i++) {
      HN_CUDA_UNROLL()
      for (int j = 0; j < T::TN; j++) sum.at[i][j] += left[i] * right[j];
    }
  }
}

/* -- results -- */

/* Adds four results to C, or stores them, if they are there. */
__device__ __forceinline__ void hn__cuda_give4(float *to, float4 v, int64_t left, bool aligned, bool add) {
  if (aligned && left >= 4) {
    float4 old = add ? *reinterpret_cast<const float4 *>(to) : make_float4(0, 0, 0, 0);
    *reinterpret_cast<float4 *>(to) = make_float4(old.x + v.x, old.y + v.y, old.z + v.z, old.w + v.w);
    return;
  }
  float each[4] = {v.x, v.y, v.z, v.w};
  HN_CUDA_UNROLL()
  for (int c = 0; c < 4; c++)
    if (c < left) to[c] = add ? to[c] + each[c] : each[c];
}

template <typename T>
__device__ __forceinline__ void hn__cuda_give(const hn__cuda_product &p, int64_t top, int64_t n,
                                              const hn__cuda_sums<T, false> &sum, float *) {
  float *to = p.to + (p.add ? 0 : (int64_t)blockIdx.y * p.batch * p.n);
  HN_CUDA_UNROLL()
  for (int i = 0; i < T::TM; i++) {
    int64_t b = top + hn__cuda_piece_m<T>(i);
    HN_CUDA_UNROLL()
    for (int j = 0; j < T::TN; j += 4) {
      int64_t at = n + hn__cuda_piece_n<T>(j);
      float4 v = make_float4(sum.at[i][j], sum.at[i][j + 1], sum.at[i][j + 2], sum.at[i][j + 3]);
      if (b < p.batch) hn__cuda_give4(to + b * p.n + at, v, p.n - at, p.to4, p.add);
    }
  }
}

/* -- the same on tensor cores: a warp makes 32 columns by up to 32 samples, in pieces of 16 by 16 -- */

#if HN_CUDA_MMA
template <typename T> struct hn__cuda_sums<T, true> {
  static constexpr int DOWN = T::M < 32 ? 1 : 2, ACROSS = 2, WARPS_ACROSS = HN_CUDA_TILE_N / (16 * ACROSS);
  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 8, float> at[DOWN][ACROSS];
};

/* Where piece (i, j) of the warp starts. */
template <typename T> __device__ __forceinline__ int hn__cuda_warp_m(int i) {
  using P = hn__cuda_sums<T, true>;
  return ((int)threadIdx.x / HN_CUDA_WARP / P::WARPS_ACROSS * P::DOWN + i) * 16;
}
template <typename T> __device__ __forceinline__ int hn__cuda_warp_n(int j) {
  using P = hn__cuda_sums<T, true>;
  return ((int)threadIdx.x / HN_CUDA_WARP % P::WARPS_ACROSS * P::ACROSS + j) * 16;
}

template <typename T> __device__ __forceinline__ void hn__cuda_clear(hn__cuda_sums<T, true> &sum) {
  HN_CUDA_UNROLL()
  for (int i = 0; i < sum.DOWN; i++) {
    HN_CUDA_UNROLL()
    for (int j = 0; j < sum.ACROSS; j++) nvcuda::wmma::fill_fragment(sum.at[i][j], 0.0f);
  }
}

template <typename T>
__device__ __forceinline__ void hn__cuda_tile_product(const float *a, const float *w, hn__cuda_sums<T, true> &sum) {
  using namespace nvcuda::wmma;
  HN_CUDA_UNROLL()
  for (int k = 0; k < HN_CUDA_TILE_K; k += 8) {
    fragment<matrix_a, 16, 16, 8, precision::tf32, col_major> left;
    fragment<matrix_b, 16, 16, 8, precision::tf32, row_major> right[2];
    HN_CUDA_UNROLL()
    for (int j = 0; j < sum.ACROSS; j++)
      load_matrix_sync(right[j], w + k * T::W_WIDE + hn__cuda_warp_n<T>(j), T::W_WIDE);
    HN_CUDA_UNROLL()
    for (int i = 0; i < sum.DOWN; i++) {
      load_matrix_sync(left, a + k * T::A_WIDE + hn__cuda_warp_m<T>(i), T::A_WIDE);
      HN_CUDA_UNROLL()
      for (int j = 0; j < sum.ACROSS; j++) mma_sync(sum.at[i][j], left, right[j], sum.at[i][j]);
    }
  }
}

/* By way of shared memory: which lane has which result is not ours to know. */
template <typename T>
__device__ __forceinline__ void hn__cuda_give(const hn__cuda_product &p, int64_t top, int64_t n,
                                              hn__cuda_sums<T, true> &sum, float *memory) {
  int lane = (int)threadIdx.x % HN_CUDA_WARP, m = lane / 2, at = lane % 2 * 8;
  float *own = memory + (int)threadIdx.x / HN_CUDA_WARP * 256, *to = p.to;
  if (!p.add) to += (int64_t)blockIdx.y * p.batch * p.n;
  __syncthreads();
  HN_CUDA_UNROLL()
  for (int i = 0; i < sum.DOWN; i++) {
    HN_CUDA_UNROLL()
    for (int j = 0; j < sum.ACROSS; j++) {
      int64_t b = top + hn__cuda_warp_m<T>(i) + m, column = n + hn__cuda_warp_n<T>(j) + at;
      nvcuda::wmma::store_matrix_sync(own, sum.at[i][j], 16, nvcuda::wmma::mem_row_major);
      __syncwarp();
      for (int c = 0; c < 8 && b < p.batch; c += 4)
        hn__cuda_give4(to + b * p.n + column + c, *reinterpret_cast<const float4 *>(own + m * 16 + at + c),
                       p.n - column - c, p.to4, p.add);
      __syncwarp();
    }
  }
}
#else
/* No such kernel is launched here. */
template <typename T> struct hn__cuda_sums<T, true> {};
template <typename T> __device__ __forceinline__ void hn__cuda_clear(hn__cuda_sums<T, true> &) {}
template <typename T>
__device__ __forceinline__ void hn__cuda_tile_product(const float *, const float *, hn__cuda_sums<T, true> &) {}
template <typename T>
__device__ __forceinline__ void hn__cuda_give(const hn__cuda_product &, int64_t, int64_t, hn__cuda_sums<T, true> &,
                                              float *) {}
#endif

#endif
