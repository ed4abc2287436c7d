/*
 * Slots and signs of a rectangle of a virtual matrix, down its rows or along them, VEC at a time.
 */
#ifndef HN_CPU_SLOTS_H
#define HN_CPU_SLOTS_H

#include "balanced.h"

#define ALONG (RUNS * CHUNK) /* runs of one row that are hashed together */

/* What the hash of some rows takes of the row alone. Room is filled up with the last row, so that whole registers can be
 * hashed and what they then point to exists. */
typedef struct row_parts {
  _Alignas(64) uint32_t hash[CHUNK + 1], sign[CHUNK + 1], first[CHUNK + 1], size[CHUNK + 1];
  balance_parts balance;
} row_parts;

/* Entries for n rows: whole runs of rows for turning, and one more, as hashing runs ahead. */
HN_INLINE int64_t filled(int64_t n) { return hn__cpu_ceil(n, LINE) * LINE + 1; }

/* A bank is looked up once a strip: that divides. */
HN_INLINE void start_banks(const hn_matrix *v, int64_t row, int64_t n, row_parts *p) {
  hn__bank bank = hn__bank_of(v, row);
  int64_t left = v->strip > 0 ? v->strip - row % v->strip : CHUNK;
  for (int64_t i = 0; i < filled(n); i++, left--) {
    if (left == 0 && i < n) {
      bank = hn__bank_of(v, row + i);
      left = v->strip;
    }
    p->first[i] = bank.first;
    p->size[i] = bank.size;
  }
}

/* n <= CHUNK rows from `row` on, whose runs will be hashed one after the other from run g on. */
HN_INLINE void start_rows(const hn_matrix *v, int64_t row, int64_t n, int64_t g, row_parts *p) {
  for (int64_t i = 0; i < filled(n); i++) {
    uint32_t number = (uint32_t)(row + hn__cpu_least(i, n - 1));
    p->hash[i] = hn__hash_row(number, v->seed);
    p->sign[i] = hn__hash_row(number, v->seed ^ HN_SIGN_SEED);
  }
  start_banks(v, row, n, p);
  if (v->balanced) start_balance(v, row, n, g, &p->balance);
}

HN_INLINE void random_down(const row_parts *p, int64_t n, int64_t g, int64_t runs, uint32_t (*slot)[CHUNK]) {
  for (int64_t k = 0; k < runs; k++)
    for (int64_t i = 0; i < n; i += VEC) {
      words h = hash_lanes(load_words(p->hash + i) + (uint32_t)(g + k) * HN_PRIME3);
      store_words(slot[k] + i, load_words(p->first + i) + range_lanes(h, load_words(p->size + i)));
    }
}

/* line: of the next `runs` <= RUNS runs, g the first, in n rows, rounded up to VEC. */
HN_INLINE void hash_line_down(const hn_matrix *v, row_parts *p, int64_t n, int64_t g, int64_t runs,
                              uint32_t (*slot)[CHUNK], uint32_t (*sign)[CHUNK]) {
  words mask = all(v->sign ? ~0u : 0u);
  if (v->balanced)
    balanced_down(&p->balance, n, runs, slot);
  else
    random_down(p, n, g, runs, slot);
  for (int64_t k = 0; k < runs; k++)
    for (int64_t i = 0; i < n; i += VEC)
      store_words(sign[k] + i, hash_lanes(load_words(p->sign + i) + (uint32_t)(g + k) * HN_PRIME3) & mask);
}

/* line: of n <= ALONG runs of a row from run g on, rounded up to VEC. */
HN_INLINE void hash_line(const hn_matrix *v, int64_t row, int64_t g, int64_t n, uint32_t *slot, uint32_t *sign) {
  hn__bank bank = hn__bank_of(v, row);
  uint32_t first = (uint32_t)g * HN_PRIME3;
  words run = count_up() * HN_PRIME3, mask = all(v->sign ? ~0u : 0u);
  words key = all(hn__hash_row((uint32_t)row, v->seed) + first) + run;
  words sign_key = all(hn__hash_row((uint32_t)row, v->seed ^ HN_SIGN_SEED) + first) + run;
  if (v->balanced) balanced_along(v, row, g, n, (uint32_t(*)[CHUNK])slot);
  for (int64_t k = 0; k < n; k += VEC) {
    if (!v->balanced) store_words(slot + k, bank.first + range_lanes(hash_lanes(key), all(bank.size)));
    store_words(sign + k, hash_lanes(sign_key) & mask);
    key += VEC * HN_PRIME3;
    sign_key += VEC * HN_PRIME3;
  }
}

/* element: VEC elements at a time, whose slots go to memory and whose signs are the result's bit 31. Slots of balanced
 * maps are ready before, and NULL where they are not balanced. */

/* Rows i.. of the chunk side by side, column after column. */
typedef struct element_hash {
  words key, first, size, flips; /* key: the rows' part plus column * PRIME3 */
  const uint32_t *ready;
} element_hash;

HN_INLINE element_hash elements_down(const hn_matrix *v, const row_parts *p, int64_t i, int64_t col,
                                     const uint32_t *ready) {
  return (element_hash){load_words(p->hash + i) + (uint32_t)col * HN_PRIME3, load_words(p->first + i),
                        load_words(p->size + i), all(v->sign ? 0x80000000u : 0), ready};
}

HN_INLINE words next_elements(element_hash *e, uint32_t *slot) {
  words h = hash_lanes(e->key);
  e->key += HN_PRIME3;
  if (e->ready) {
    store_words(slot, load_words(e->ready));
    e->ready += CHUNK;
  } else {
    store_words(slot, e->first + range_lanes(h, e->size));
  }
  return (h << 31) & e->flips;
}

/* The same VEC columns from `col` on of one row of the chunk after the other. */
typedef struct column_hash {
  const row_parts *p;
  words key, flips;
  const uint32_t (*ready)[CHUNK];
  int64_t i;
} column_hash;

HN_INLINE column_hash columns_down(const hn_matrix *v, const row_parts *p, int64_t col, const uint32_t *ready) {
  return (column_hash){p, (all((uint32_t)col) + count_up()) * HN_PRIME3, all(v->sign ? 0x80000000u : 0),
                       (const uint32_t(*)[CHUNK])ready, 0};
}

HN_INLINE words next_columns(column_hash *c, uint32_t *slot) {
  words h = hash_lanes(c->p->hash[c->i] + c->key);
  if (c->ready)
    store_words(slot, load_words(c->ready[c->i]));
  else
    store_words(slot, c->p->first[c->i] + range_lanes(h, all(c->p->size[c->i])));
  c->i++;
  return (h << 31) & c->flips;
}

/* Slots of up to CHUNK columns of a chunk of rows, [column][row]; a column more, as hashing runs ahead. */
typedef struct slot_table {
  _Alignas(64) uint32_t down[CHUNK + 1][CHUNK];
} slot_table;

/* element, balanced: those of the next columns, the last of them again up to a whole register. */
HN_INLINE void fill_table(row_parts *p, int64_t rows, int64_t cols, slot_table *t) {
  for (int64_t j = 0; j < cols; j += RUNS) balanced_down(&p->balance, rows, hn__cpu_least(cols - j, RUNS), t->down + j);
  for (int64_t j = cols; j % VEC != 0; j++) memcpy(t->down[j], t->down[cols - 1], sizeof t->down[j]);
}

/* Turns it: [row][column]. */
HN_INLINE void turn_table(slot_table *t) {
  for (int64_t i = 0; i < CHUNK; i++)
    for (int64_t j = 0; j < i; j++) {
      uint32_t x = t->down[i][j];
      t->down[i][j] = t->down[j][i];
      t->down[j][i] = x;
    }
}

#endif
