/*
 * The hash, bit for bit: which bucket and which sign element (i, j) of a virtual matrix has. One header for every
 * compiler (C and CUDA); rows and columns count from 0.
 *
 *   h(i, g; seed) = XXH32(i as 4 little-endian bytes, then g likewise; seed)
 *   range(u, n)   = (u * n) >> 31                              for u < 2^31
 *   line (grain 16): slot range(h(i, j div 16) >> 1, S), sign of column j: bit j mod 16 of h(i, j div 16; seed ^ GOLDEN)
 *   element (grain 1): slot range(h(i, j) >> 1, S), sign -1 if h(i, j) is odd
 *   strips: strip s of NS owns the slots from floor(s*S/NS) up to floor((s+1)*S/NS)
 *   balanced: the runs of strip s (of the whole matrix: s = 0) are numbered, a keyed permutation makes n' of number n,
 *     and the slot is n' mod (slots of the strip), counted from the strip's first; signs are as above. The strip has R
 *     rows from i0 on (the last one may have fewer), G = ceil(cols / grain) runs a row, N = R*G in all; run g of row i is
 *     n = (i-i0)*G + g = l*b + r, with a = ceil(sqrt(N)), b = ceil(N/a), l < a, r < b. The permutation: for t = 0..3
 *       t even: l = (l + F(t, r, a)) mod a;  t odd: r = (r + F(t, l, b)) mod b,
 *       F(t, x, m) = range(h((4*s + t) mod 2^32, x; seed ^ BALANCE) >> 1, m),
 *     again and again until n' = l*b + r is below N (a cycle walk: less than a of the a*b numbers are not).
 *
 * Golden: h(0, 0; 0) = 0xdeb39513, h(1, 2; 3) = 0xd68b6c53, h(2^32-1, 2^32-1; 2^32-1) = 0xa01706a2.
 * Golden, balanced, slots from 0: element 3 x 5 over 15 slots, seed 7: 1 12 0 14 5, 2 7 4 11 6, 13 10 9 8 3. Element
 * (2^31-2, 2^31-2) of 2^31-1 squared over 2^31-1 slots, seed 1: 840380384. Run 6249 of row 99999 of line 10^5 squared
 * over 1000003 slots in strips of 32, seed 1: 999892.
 */
#ifndef HN_CORE_HASH_H
#define HN_CORE_HASH_H

#include <stdint.h>

#include "../hn.h"

#ifdef __CUDACC__
#define HN_INLINE static __host__ __device__ __forceinline__
#else
#define HN_INLINE static inline __attribute__((always_inline, unused))
#endif

#define HN_SIGN_SEED 0x9E3779B9u    /* GOLDEN above: the seed of a line's signs is the matrix' seed xor this */
#define HN_BALANCE_SEED 0x85EBCA77u /* BALANCE above */

/* XXH32's primes. */
#define HN_PRIME2 2246822519u
#define HN_PRIME3 3266489917u
#define HN_PRIME4 668265263u
#define HN_PRIME5 374761393u

HN_INLINE uint32_t hn__rotl17(uint32_t x) { return (x << 17) | (x >> 15); }

/* The part of XXH32(i, g; seed) that depends on i and seed alone: computed once a row. */
HN_INLINE uint32_t hn__hash_row(uint32_t i, uint32_t seed) {
  return hn__rotl17(seed + HN_PRIME5 + 8 + i * HN_PRIME3) * HN_PRIME4;
}

/* The rest of it. */
HN_INLINE uint32_t hn__hash_col(uint32_t row, uint32_t g) {
  uint32_t h = hn__rotl17(row + g * HN_PRIME3) * HN_PRIME4;
  h ^= h >> 15;
  h *= HN_PRIME2;
  h ^= h >> 13;
  h *= HN_PRIME3;
  return h ^ (h >> 16);
}

HN_INLINE uint32_t hn__hash2(uint32_t i, uint32_t g, uint32_t seed) { return hn__hash_col(hn__hash_row(i, seed), g); }

HN_INLINE uint32_t hn__range(uint32_t u, uint32_t n) { return (uint32_t)(((uint64_t)u * n) >> 31); }

/* The slots that a row may use: `size` of them from `first` on. */
typedef struct hn__bank {
  uint32_t first, size;
} hn__bank;

HN_INLINE int hn__grain(hn_scheme scheme) { return scheme == HN_LINE ? 16 : 1; }

HN_INLINE hn__bank hn__bank_of(const hn_matrix *m, int64_t row) {
  int64_t slots = m->count / hn__grain(m->scheme);
  hn__bank bank = {0, (uint32_t)slots};
  if (m->strip > 0) {
    int64_t strips = (m->rows + m->strip - 1) / m->strip, s = row / m->strip;
    bank.first = (uint32_t)(s * slots / strips);
    bank.size = (uint32_t)((s + 1) * slots / strips) - bank.first;
  }
  return bank;
}

/* Number c of the stream with this seed: what hn_random counts. */
HN_INLINE uint32_t hn__random(uint32_t seed, uint64_t c) { return hn__hash2((uint32_t)c, (uint32_t)(c >> 32), seed); }

/* Uniform in [0, 1), 24 bits. */
HN_INLINE float hn__uniform(uint32_t seed, uint64_t c) { return (float)(hn__random(seed, c) >> 8) * 0x1p-24f; }

#endif
