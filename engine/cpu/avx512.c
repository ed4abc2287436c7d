/*
 * The scheme `element` in AVX-512. 16 columns are hashed at once, one block ahead of the loads or adds that need their
 * slots: then the hashing of one block and the memory accesses of the block before run side by side.
 *
 * The slots go through memory and the buckets come one by one, as the alternatives are slower. Expanding, in ns a weight
 * on Zen 4 with 48 KB of buckets: this 0.43; vgatherdps 0.59; inserting with blends of broadcasts 0.56; scalar copies,
 * signs included, 0.85; what GCC makes of the plain form 0.69.
 */
#include "avx512.h"

#ifdef HN_AVX512
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))
#define STEP static inline __attribute__((always_inline)) TARGET
#define BLOCK 16

/* The hashing of one row. */
typedef struct row_hash {
  __m512i keys;  /* of the next 16 columns: hash_row + column * PRIME3 */
  __m512i slots; /* of the row's bank */
  __m512i flips; /* bit 31 if there are signs */
} row_hash;

STEP __m512i constant(uint32_t x) { return _mm512_set1_epi32((int)x); }

STEP row_hash start_row(const hn_matrix *v, hn__bank bank, int64_t row, int64_t col) {
  __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  uint32_t first = hn__hash_row((uint32_t)row, v->seed) + (uint32_t)col * HN_PRIME3;
  return (row_hash){_mm512_add_epi32(constant(first), _mm512_mullo_epi32(lanes, constant(HN_PRIME3))),
                    constant(bank.size), constant(v->sign ? 0x80000000u : 0)};
}

/* hn__range(u, n) in every lane. There is a product of 64 bits for even lanes only, so the odd ones take their turn. */
STEP __m512i range(__m512i u, __m512i n) {
  __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(u, n), 31);
  __m512i odd = _mm512_slli_epi64(_mm512_mul_epu32(_mm512_srli_epi64(u, 32), n), 1);
  return _mm512_mask_mov_epi32(even, 0xAAAA, odd);
}

/* Slots of the next 16 columns, counted from the bank's first; returns their signs in bit 31. */
STEP __m512i next_block(row_hash *r, uint32_t *slot) {
  __m512i h = _mm512_mullo_epi32(_mm512_rol_epi32(r->keys, 17), constant(HN_PRIME4));
  r->keys = _mm512_add_epi32(r->keys, constant(BLOCK * HN_PRIME3));
  h = _mm512_mullo_epi32(_mm512_xor_si512(h, _mm512_srli_epi32(h, 15)), constant(HN_PRIME2));
  h = _mm512_mullo_epi32(_mm512_xor_si512(h, _mm512_srli_epi32(h, 13)), constant(HN_PRIME3));
  h = _mm512_xor_si512(h, _mm512_srli_epi32(h, 16));
  _mm512_store_si512(slot, range(_mm512_srli_epi32(h, 1), r->slots));
  return _mm512_and_si512(_mm512_slli_epi32(h, 31), r->flips);
}

STEP __m128 load4(const float *w, const uint32_t *slot) {
  __m128 x = _mm_load_ss(w + slot[0]);
  x = _mm_insert_ps(x, _mm_load_ss(w + slot[1]), 0x10);
  x = _mm_insert_ps(x, _mm_load_ss(w + slot[2]), 0x20);
  return _mm_insert_ps(x, _mm_load_ss(w + slot[3]), 0x30);
}

STEP __m256 load8(const float *w, const uint32_t *slot) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(load4(w, slot)), load4(w, slot + 4), 1);
}

STEP __m512i load16(const float *w, const uint32_t *slot) {
  return _mm512_castps_si512(_mm512_insertf32x8(_mm512_castps256_ps512(load8(w, slot)), load8(w, slot + 8), 1));
}

TARGET void hn__cpu_expand_element_avx512(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col,
                                          int64_t cols, float *out, int64_t ld) {
  _Alignas(64) uint32_t slots[2][BLOCK];
  for (int64_t i = 0; i < rows; i++) {
    hn__bank bank = hn__bank_of(v, row + i);
    row_hash r = start_row(v, bank, row + i, col);
    const float *from = w + bank.first;
    float *to = out + i * ld;
    uint32_t *slot = slots[0], *ahead = slots[1];
    __m512i sign = next_block(&r, slot);
    for (int64_t j = 0; j < cols; j += BLOCK) {
      __m512i sign_ahead = next_block(&r, ahead), x = _mm512_xor_si512(load16(from, slot), sign);
      if (cols - j >= BLOCK)
        _mm512_storeu_si512(to + j, x);
      else
        _mm512_mask_storeu_epi32(to + j, (__mmask16)((1u << (cols - j)) - 1), x);
      uint32_t *done = slot;
      slot = ahead;
      ahead = done;
      sign = sign_ahead;
    }
  }
}

STEP void add1(float *to, __m128 x) { _mm_store_ss(to, _mm_add_ss(_mm_load_ss(to), x)); }

STEP void add4(float *dw, const uint32_t *slot, __m128 x) {
  add1(dw + slot[0], x);
  add1(dw + slot[1], _mm_movehdup_ps(x));
  x = _mm_movehl_ps(x, x);
  add1(dw + slot[2], x);
  add1(dw + slot[3], _mm_movehdup_ps(x));
}

STEP void add16(float *dw, const uint32_t *slot, __m512 x) {
  add4(dw, slot, _mm512_extractf32x4_ps(x, 0));
  add4(dw, slot + 4, _mm512_extractf32x4_ps(x, 1));
  add4(dw, slot + 8, _mm512_extractf32x4_ps(x, 2));
  add4(dw, slot + 12, _mm512_extractf32x4_ps(x, 3));
}

/* The row's last block, of n < 16 columns. */
TARGET static void add_rest(float *dw, const uint32_t *slot, const float *g, __m512i sign, int64_t n) {
  _Alignas(64) float x[BLOCK];
  __m512i values = _mm512_maskz_loadu_epi32((__mmask16)((1u << n) - 1), g);
  _mm512_store_si512(x, _mm512_xor_si512(values, sign));
  for (int64_t k = 0; k < n; k++) dw[slot[k]] += x[k];
}

TARGET void hn__cpu_scatter_element_avx512(const hn_matrix *v, int64_t row, int64_t rows, int64_t col, int64_t cols,
                                           const float *g, int64_t ld, float *dw) {
  _Alignas(64) uint32_t slots[2][BLOCK];
  for (int64_t i = 0; i < rows; i++) {
    hn__bank bank = hn__bank_of(v, row + i);
    row_hash r = start_row(v, bank, row + i, col);
    const float *from = g + i * ld;
    float *to = dw + bank.first;
    uint32_t *slot = slots[0], *ahead = slots[1];
    __m512i sign = next_block(&r, slot);
    for (int64_t j = 0; j < cols; j += BLOCK) {
      __m512i sign_ahead = next_block(&r, ahead);
      if (cols - j >= BLOCK)
        add16(to, slot, _mm512_castsi512_ps(_mm512_xor_si512(_mm512_loadu_si512(from + j), sign)));
      else
        add_rest(to, slot, from + j, sign, cols - j);
      uint32_t *done = slot;
      slot = ahead;
      ahead = done;
      sign = sign_ahead;
    }
  }
}

#else
typedef int hn__cpu_no_avx512; /* a file must not be empty */
#endif
