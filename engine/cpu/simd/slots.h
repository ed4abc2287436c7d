/*
 * Slots and signs of a rectangle of a virtual matrix, down its rows or along them, VEC at a time.
 */
#ifndef HN_CPU_SLOTS_H
#define HN_CPU_SLOTS_H

#include "lanes.h"

#define CHUNK 64 /* rows that are hashed together */

/* What the hash of some rows takes of the row alone. Room is filled up with the last row, so that whole registers can be
 * hashed and what they then point to exists. */
typedef struct row_parts {
  _Alignas(64) uint32_t hash[CHUNK], sign[CHUNK], first[CHUNK], size[CHUNK];
} row_parts;

/* n <= CHUNK rows from `row` on. A bank is looked up once a strip: that divides. */
HN_INLINE void start_rows(const hn_matrix *v, int64_t row, int64_t n, row_parts *p) {
  hn__bank bank = hn__bank_of(v, row);
  int64_t left = v->strip > 0 ? v->strip - row % v->strip : n;
  for (int64_t i = 0; i < CHUNK; i++) {
    uint32_t number = (uint32_t)(row + hn__cpu_least(i, n - 1));
    p->hash[i] = hn__hash_row(number, v->seed);
    p->sign[i] = hn__hash_row(number, v->seed ^ HN_SIGN_SEED);
  }
  for (int64_t i = 0; i < CHUNK; i++, left--) {
    if (left == 0 && i < n) {
      bank = hn__bank_of(v, row + i);
      left = v->strip;
    }
    p->first[i] = bank.first;
    p->size[i] = bank.size;
  }
}

/* line: of run g in n rows, rounded up to VEC. */
HN_INLINE void hash_line_down(const hn_matrix *v, const row_parts *p, int64_t n, int64_t g, uint32_t *slot,
                              uint32_t *sign) {
  words key = all((uint32_t)g * HN_PRIME3), mask = all(v->sign ? ~0u : 0u);
  for (int64_t i = 0; i < n; i += VEC) {
    words h = hash_lanes(load_words(p->hash + i) + key);
    store_words(slot + i, load_words(p->first + i) + range_lanes(h >> 1, load_words(p->size + i)));
    store_words(sign + i, hash_lanes(load_words(p->sign + i) + key) & mask);
  }
}

/* line: of n runs of a row from run g on, rounded up to VEC. */
HN_INLINE void hash_line(const hn_matrix *v, int64_t row, int64_t g, int64_t n, uint32_t *slot, uint32_t *sign) {
  hn__bank bank = hn__bank_of(v, row);
  uint32_t first = (uint32_t)g * HN_PRIME3;
  words run = count_up() * HN_PRIME3, mask = all(v->sign ? ~0u : 0u);
  words key = all(hn__hash_row((uint32_t)row, v->seed) + first) + run;
  words sign_key = all(hn__hash_row((uint32_t)row, v->seed ^ HN_SIGN_SEED) + first) + run;
  for (int64_t k = 0; k < n; k += VEC) {
    store_words(slot + k, bank.first + range_lanes(hash_lanes(key) >> 1, all(bank.size)));
    store_words(sign + k, hash_lanes(sign_key) & mask);
    key += VEC * HN_PRIME3;
    sign_key += VEC * HN_PRIME3;
  }
}

/* element: hashes the next VEC elements, whose slots go to memory and whose signs are the result's bit 31. */
typedef struct element_hash {
  words key, step; /* the row's part plus column * PRIME3, and what takes it to the next elements */
  words first, size, flips;
} element_hash;

HN_INLINE words next_elements(element_hash *e, uint32_t *slot) {
  words h = hash_lanes(e->key);
  e->key += e->step;
  store_words(slot, e->first + range_lanes(h >> 1, e->size));
  return (h << 31) & e->flips;
}

/* Along a row, from column `col` on. */
HN_INLINE element_hash elements_along(const hn_matrix *v, hn__bank bank, int64_t row, int64_t col) {
  words key = all(hn__hash_row((uint32_t)row, v->seed)) + (all((uint32_t)col) + count_up()) * HN_PRIME3;
  return (element_hash){key, all(VEC * HN_PRIME3), all(bank.first), all(bank.size), all(v->sign ? 0x80000000u : 0)};
}

/* Rows i.. of the chunk side by side, column after column from `col` on. */
HN_INLINE element_hash elements_down(const hn_matrix *v, const row_parts *p, int64_t i, int64_t col) {
  return (element_hash){load_words(p->hash + i) + (uint32_t)col * HN_PRIME3, all(HN_PRIME3), load_words(p->first + i),
                        load_words(p->size + i), all(v->sign ? 0x80000000u : 0)};
}

#endif
