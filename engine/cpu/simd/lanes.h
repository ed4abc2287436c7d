/*
 * The SIMD registers of the level that a file of this folder is compiled for: the compiler's flags choose it. Beyond GCC's
 * vectors, which C operators work on, a level has its own form of the few steps below that C says badly.
 */
#ifndef HN_CPU_LANES_H
#define HN_CPU_LANES_H

#include <string.h>

#include "../kernels.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>
#define VEC 16
#elif defined(__AVX2__)
#include <immintrin.h>
#define VEC 8
#else
#define VEC 4
#endif

#define LINE 16            /* columns of a run of scheme `line` */
#define PARTS (LINE / VEC) /* registers of a run */

typedef float floats __attribute__((vector_size(4 * VEC)));
typedef uint32_t words __attribute__((vector_size(4 * VEC)));
typedef float quad __attribute__((vector_size(16)));

HN_INLINE floats load(const float *from) {
  floats x;
  memcpy(&x, from, sizeof x);
  return x;
}
HN_INLINE void store(float *to, floats x) { memcpy(to, &x, sizeof x); }
HN_INLINE words load_words(const uint32_t *from) {
  words x;
  memcpy(&x, from, sizeof x);
  return x;
}
HN_INLINE void store_words(uint32_t *to, words x) { memcpy(to, &x, sizeof x); }
HN_INLINE words all(uint32_t x) { return (words){0} + x; }
HN_INLINE words count_up(void) {
  words x;
  for (uint32_t l = 0; l < VEC; l++) x[l] = l;
  return x;
}

/* The first n < VEC lanes alone. */
HN_INLINE floats load_some(const float *from, int64_t n) {
#if VEC == 16
  return (floats)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), from);
#else
  floats x = {0};
  memcpy(&x, from, (size_t)n * sizeof *from);
  return x;
#endif
}
HN_INLINE void store_some(float *to, floats x, int64_t n) { memcpy(to, &x, (size_t)n * sizeof *to); }

/* x with lane l's sign flipped where bit l of `sign` is set. */
HN_INLINE floats with_signs(floats x, uint32_t sign) {
#if VEC == 16
  __m512i bits = (__m512i)x;
  return (floats)_mm512_mask_xor_epi32(bits, (__mmask16)sign, bits, _mm512_set1_epi32((int)0x80000000));
#else
  return (floats)((words)x ^ ((all(sign) << (31 - count_up())) & 0x80000000u));
#endif
}

/* hn__hash_col() of a row's part plus g * HN_PRIME3, in every lane. */
HN_INLINE words hash_lanes(words key) {
  words h = ((key << 17) | (key >> 15)) * HN_PRIME4;
  h ^= h >> 15;
  h *= HN_PRIME2;
  h ^= h >> 13;
  h *= HN_PRIME3;
  return h ^ (h >> 16);
}

/* The upper halves of the lanes' products. There is a product of 64 bits for even lanes only, so the odd ones take their
 * turn. */
HN_INLINE words high_lanes(words x, words y) {
#if VEC == 16
  __m512i a = (__m512i)x, b = (__m512i)y, even = _mm512_srli_epi64(_mm512_mul_epu32(a, b), 32);
  __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
  return (words)_mm512_mask_mov_epi32(even, 0xAAAA, odd);
#elif VEC == 8
  __m256i a = (__m256i)x, b = (__m256i)y, even = _mm256_srli_epi64(_mm256_mul_epu32(a, b), 32);
  __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  return (words)_mm256_blend_epi32(even, odd, 0xAA);
#else
  words r;
  for (int l = 0; l < VEC; l++) r[l] = (uint32_t)((uint64_t)x[l] * y[l] >> 32);
  return r;
#endif
}

/* hn__range(h >> 1, n) in every lane. */
HN_INLINE words range_lanes(words h, words n) { return high_lanes(h & ~1u, n); }

/* Whether a lane of the mask is set. */
HN_INLINE bool any_lane(words mask) {
  words none = {0};
  return memcmp(&mask, &none, sizeof mask) != 0;
}

HN_INLINE quad pick4(const float *w, const uint32_t *slot) {
  return (quad){w[slot[0]], w[slot[1]], w[slot[2]], w[slot[3]]};
}

/* The buckets at VEC slots. One by one, as the alternatives are slower: expanding takes, in ns a weight on Zen 4 with
 * 48 KB of buckets, 0.43 this way, 0.59 by gather instructions, 0.56 by blends of broadcasts. */
HN_INLINE floats pick(const float *w, const uint32_t *slot) {
#if VEC == 4
  return pick4(w, slot);
#else
  __m256 low = _mm256_insertf128_ps(_mm256_castps128_ps256(pick4(w, slot)), pick4(w, slot + 4), 1);
#if VEC == 8
  return low;
#else
  __m256 high = _mm256_insertf128_ps(_mm256_castps128_ps256(pick4(w, slot + 8)), pick4(w, slot + 12), 1);
  return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
#endif
#endif
}

HN_INLINE void add4(float *w, const uint32_t *slot, quad x) {
  w[slot[0]] += x[0];
  w[slot[1]] += x[1];
  w[slot[2]] += x[2];
  w[slot[3]] += x[3];
}

/* Adds lane after lane to the buckets at VEC slots, which may repeat. */
HN_INLINE void add_to_slots(float *w, const uint32_t *slot, floats x) {
#if VEC == 4
  add4(w, slot, x);
#elif VEC == 8
  add4(w, slot, _mm256_castps256_ps128(x));
  add4(w, slot + 4, _mm256_extractf128_ps(x, 1));
#else
  add4(w, slot, _mm512_extractf32x4_ps(x, 0));
  add4(w, slot + 4, _mm512_extractf32x4_ps(x, 1));
  add4(w, slot + 8, _mm512_extractf32x4_ps(x, 2));
  add4(w, slot + 12, _mm512_extractf32x4_ps(x, 3));
#endif
}

/* Four rows of four become four columns: row r of `x` is column r of the result. */
HN_INLINE void turn4(quad x[4]) {
  quad a = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5), b = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
  quad c = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5), d = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
  x[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  x[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  x[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  x[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

#if VEC == 16
/* Sixteen rows of sixteen become columns: by pairs, quads, then quarters of a register. */
HN_INLINE void turn16(floats x[16]) {
  __m512 a[16], b[16];
  for (int r = 0; r < 16; r += 2) {
    a[r] = _mm512_unpacklo_ps(x[r], x[r + 1]);
    a[r + 1] = _mm512_unpackhi_ps(x[r], x[r + 1]);
  }
  for (int r = 0; r < 16; r += 4)
    for (int k = 0; k < 2; k++) {
      __m512d first = _mm512_castps_pd(a[r + k]), second = _mm512_castps_pd(a[r + k + 2]);
      b[r + 2 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(first, second));
      b[r + 2 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(first, second));
    }
  for (int c = 0; c < 4; c++) {
    __m512 low01 = _mm512_shuffle_f32x4(b[c], b[c + 4], 0x88), high01 = _mm512_shuffle_f32x4(b[c], b[c + 4], 0xDD);
    __m512 low23 = _mm512_shuffle_f32x4(b[c + 8], b[c + 12], 0x88);
    __m512 high23 = _mm512_shuffle_f32x4(b[c + 8], b[c + 12], 0xDD);
    x[c] = _mm512_shuffle_f32x4(low01, low23, 0x88);
    x[c + 4] = _mm512_shuffle_f32x4(high01, high23, 0x88);
    x[c + 8] = _mm512_shuffle_f32x4(low01, low23, 0xDD);
    x[c + 12] = _mm512_shuffle_f32x4(high01, high23, 0xDD);
  }
}
#endif

#endif
