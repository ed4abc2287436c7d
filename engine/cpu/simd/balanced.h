/*
 * The slots of balanced maps, for up to RUNS runs in each of a chunk of rows, or for as many consecutive runs of one row.
 *
 * Halves of numbers fit 32 bits whatever the matrix, and consecutive runs have consecutive right halves, so nothing is
 * divided on the way in. Runs that the rounds put beyond the last one are rare and walk on one by one.
 */
#ifndef HN_CPU_BALANCED_H
#define HN_CPU_BALANCED_H

#include "../../core/balanced.h"
#include "lanes.h"

#define CHUNK 64 /* rows that are hashed together */
#define RUNS 4   /* of each */

/* For each row of a chunk, the constants of its strip and the halves of its next run's number. */
typedef struct balance_parts {
  _Alignas(64) uint32_t l[CHUNK], r[CHUNK];
  _Alignas(64) uint32_t a[CHUNK], b[CHUNK], end[CHUNK], key[4][CHUNK], first[CHUNK], size[CHUNK], reciprocal[CHUNK];
  bool wide; /* numbers do not fit 32 bits */
} balance_parts;

HN_INLINE void set_balance(balance_parts *p, int64_t i, const hn__balance *b, hn__halves x) {
  p->l[i] = x.l;
  p->r[i] = x.r;
  p->a[i] = b->a;
  p->b[i] = b->b;
  p->end[i] = b->end;
  for (int t = 0; t < 4; t++) p->key[t][i] = b->key[t];
  p->first[i] = b->bank.first;
  p->size[i] = b->bank.size;
  p->reciprocal[i] = UINT32_MAX / b->bank.size;
  p->wide |= b->a > 65536;
}

/* Run g of n <= CHUNK rows from `row` on; the room is filled up with the last row. */
HN_INLINE void start_balance(const hn_matrix *v, int64_t row, int64_t n, int64_t g, balance_parts *p) {
  hn__balance strip;
  hn__halves x = {0, 0}, across = {0, 0};
  int64_t left = 0;
  p->wide = false;
  for (int64_t i = 0; i < CHUNK; i++, left--) {
    if (i < n && left == 0) {
      strip = hn__balance_of(v, row + i);
      left = v->strip > 0 ? v->strip - (row + i) % v->strip : n;
      x = hn__balance_split(&strip, (uint64_t)(row + i - strip.top) * strip.across + (uint64_t)g);
      across = hn__balance_split(&strip, strip.across);
    } else if (i < n) {
      x.l += across.l + (across.r >= strip.b - x.r);
      x.r = hn__add_mod(x.r, across.r, strip.b);
    }
    set_balance(p, i, &strip, x);
  }
}

/* Halves of numbers: [k][i] are of row i's k-th run. */
typedef struct halves_block {
  _Alignas(64) uint32_t l[RUNS][CHUNK], r[RUNS][CHUNK];
} halves_block;

/* Takes the next run of every row. */
HN_INLINE void next_runs(balance_parts *p, uint32_t *l, uint32_t *r) {
  for (int64_t i = 0; i < CHUNK; i += VEC) {
    words left = load_words(p->l + i), right = load_words(p->r + i), more = right + 1;
    words wraps = (words)(more == load_words(p->b + i));
    store_words(l + i, left);
    store_words(r + i, right);
    store_words(p->l + i, left - wraps);
    store_words(p->r + i, more & ~wraps);
  }
}

HN_INLINE words add_mod_lanes(words x, words y, words m) {
  words sum = x + y, less = sum - m, wrapped = (words)(less >= sum);
  return (less & ~wrapped) | (sum & wrapped);
}

/* Round t: adds to `to` what follows from x. A loop for each round and not one for all four: then several registers are on
 * their way at a time, and the latency of the hash hardly counts. */
HN_INLINE void balance_round(const balance_parts *p, int t, const uint32_t *m, int64_t n, int64_t runs,
                             const uint32_t (*x)[CHUNK], uint32_t (*to)[CHUNK]) {
  for (int64_t i = 0; i < n; i += VEC) {
    words key = load_words(p->key[t] + i), modulus = load_words(m + i);
    for (int64_t k = 0; k < runs; k++) {
      words h = hash_lanes(key + load_words(x[k] + i) * HN_PRIME3);
      store_words(to[k] + i, add_mod_lanes(load_words(to[k] + i), range_lanes(h, modulus), modulus));
    }
  }
}

/* The strip of row i, as far as the rounds need it. */
HN_INLINE hn__balance strip_of(const balance_parts *p, int64_t i) {
  return (hn__balance){
      .a = p->a[i], .b = p->b[i], .end = p->end[i], .key = {p->key[0][i], p->key[1][i], p->key[2][i], p->key[3][i]}};
}

/* Sends runs that are beyond the last one through the rounds again until they are not. */
HN_INLINE void walk_on(const balance_parts *p, int64_t i, uint32_t *l, uint32_t *r) {
  hn__balance strip = strip_of(p, i);
  hn__halves x = {*l, *r};
  while (hn__balance_outside(&strip, x)) x = hn__balance_rounds(&strip, x);
  *l = x.l;
  *r = x.r;
}

HN_INLINE void walk_where_needed(const balance_parts *p, int64_t n, int64_t runs, halves_block *x) {
  for (int64_t k = 0; k < runs; k++)
    for (int64_t i = 0; i < n; i += VEC) {
      words l = load_words(x->l[k] + i), r = load_words(x->r[k] + i);
      words outside = (words)(l + 1 == load_words(p->a + i)) & (words)(r >= load_words(p->end + i));
      if (any_lane(outside))
        for (int64_t lane = i; lane < i + VEC; lane++) walk_on(p, lane, &x->l[k][lane], &x->r[k][lane]);
    }
}

/* Numbers modulo the bank's size. The reciprocal is rounded down, so the quotient is right or 1 less. */
HN_INLINE void reduce_lanes(const balance_parts *p, int64_t n, int64_t runs, const halves_block *x,
                            uint32_t (*slot)[CHUNK]) {
  for (int64_t i = 0; i < n; i += VEC) {
    words size = load_words(p->size + i), reciprocal = load_words(p->reciprocal + i), b = load_words(p->b + i);
    for (int64_t k = 0; k < runs; k++) {
      words number = load_words(x->l[k] + i) * b + load_words(x->r[k] + i);
      words rest = number - high_lanes(number, reciprocal) * size, less = rest - size, wrapped = (words)(less >= rest);
      store_words(slot[k] + i, load_words(p->first + i) + ((less & ~wrapped) | (rest & wrapped)));
    }
  }
}

static void reduce_wide(const balance_parts *p, int64_t n, int64_t runs, const halves_block *x,
                        uint32_t (*slot)[CHUNK]) {
  for (int64_t k = 0; k < runs; k++)
    for (int64_t i = 0; i < n; i++)
      slot[k][i] = p->first[i] + (uint32_t)(((uint64_t)x->l[k][i] * p->b[i] + x->r[k][i]) % p->size[i]);
}

/* From halves to slots. n is rounded up to VEC. */
static void permute(const balance_parts *p, int64_t n, int64_t runs, halves_block *x, uint32_t (*slot)[CHUNK]) {
  for (int t = 0; t < 4; t += 2) {
    balance_round(p, t, p->a, n, runs, (const uint32_t(*)[CHUNK])x->r, x->l);
    balance_round(p, t + 1, p->b, n, runs, (const uint32_t(*)[CHUNK])x->l, x->r);
  }
  walk_where_needed(p, n, runs, x);
  if (p->wide)
    reduce_wide(p, n, runs, x, slot);
  else
    reduce_lanes(p, n, runs, x, slot);
}

/* Slots of the next `runs` <= RUNS runs of each row. */
static void balanced_down(balance_parts *p, int64_t n, int64_t runs, uint32_t (*slot)[CHUNK]) {
  halves_block x;
  for (int64_t k = 0; k < runs; k++) next_runs(p, x.l[k], x.r[k]);
  permute(p, n, runs, &x, slot);
}

/* Slots of n <= RUNS * CHUNK runs of a row from run g on, one behind the other; the last once more to fill up. */
static void balanced_along(const hn_matrix *v, int64_t row, int64_t g, int64_t n, uint32_t (*slot)[CHUNK]) {
  balance_parts p;
  halves_block x;
  start_balance(v, row, 1, g, &p);
  hn__halves y = {p.l[0], p.r[0]};
  for (int64_t i = 0; i < RUNS * CHUNK; i++) {
    x.l[i / CHUNK][i % CHUNK] = y.l;
    x.r[i / CHUNK][i % CHUNK] = y.r;
    if (i + 1 < n && ++y.r == p.b[0]) y.r = 0, y.l++;
  }
  permute(&p, CHUNK, hn__cpu_ceil(n, CHUNK), &x, slot);
}

#endif
