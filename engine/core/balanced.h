/*
 * Balanced maps in both directions, as hash.h defines them: a Feistel network on the two halves of a run's number. For
 * every compiler, like hash.h.
 */
#ifndef HN_CORE_BALANCED_H
#define HN_CORE_BALANCED_H

#include <math.h>

#include "hash.h"

/* The runs of a strip (or of the whole matrix) and their permutation: made once a strip, used for its every run. */
typedef struct hn__balance {
  hn__bank bank;
  int64_t top;        /* the strip's first row */
  uint64_t across, n; /* runs of a row, and of the strip */
  uint32_t a, b;      /* there are as many left halves and right ones */
  uint32_t end;       /* numbers with the last left half are runs up to this right one; all others are */
  uint32_t key[4];    /* the rounds' part of their hashes */
} hn__balance;

/* A run's number: l * b + r. */
typedef struct hn__halves {
  uint32_t l, r;
} hn__halves;

/* The smallest a with a * a >= n, for n up to 2^62. */
HN_INLINE uint64_t hn__root_above(uint64_t n) {
  uint64_t a = (uint64_t)sqrt((double)n);
  while (a * a < n) a++;
  while ((a - 1) * (a - 1) >= n) a--;
  return a;
}

/* The strip that `row` is in. */
HN_INLINE hn__balance hn__balance_of(const hn_matrix *m, int64_t row) {
  int64_t s = m->strip > 0 ? row / m->strip : 0, grain = hn__grain(m->scheme);
  int64_t rows = m->strip > 0 ? m->strip : m->rows, rest = m->rows - s * m->strip;
  hn__balance p;
  p.bank = hn__bank_of(m, row);
  p.top = s * m->strip;
  p.across = (uint64_t)((m->cols + grain - 1) / grain);
  p.n = (uint64_t)(rows < rest ? rows : rest) * p.across;
  p.a = (uint32_t)hn__root_above(p.n);
  p.b = (uint32_t)((p.n + p.a - 1) / p.a);
  p.end = p.b - (uint32_t)((uint64_t)p.a * p.b - p.n);
  for (uint32_t t = 0; t < 4; t++) p.key[t] = hn__hash_row(4 * (uint32_t)s + t, m->seed ^ HN_BALANCE_SEED);
  return p;
}

HN_INLINE hn__halves hn__balance_split(const hn__balance *p, uint64_t n) {
  hn__halves x = {(uint32_t)(n / p->b), (uint32_t)(n % p->b)};
  return x;
}

HN_INLINE uint64_t hn__balance_join(const hn__balance *p, hn__halves x) { return (uint64_t)x.l * p->b + x.r; }

/* Whether x is beyond the last run. */
HN_INLINE bool hn__balance_outside(const hn__balance *p, hn__halves x) { return (x.l == p->a - 1) & (x.r >= p->end); }

/* x + y and x - y modulo m, for x, y < m <= 2^31: of the two candidates the wrong one has wrapped and is larger. */
HN_INLINE uint32_t hn__add_mod(uint32_t x, uint32_t y, uint32_t m) {
  uint32_t sum = x + y, less = sum - m;
  return less < sum ? less : sum;
}

HN_INLINE uint32_t hn__sub_mod(uint32_t x, uint32_t y, uint32_t m) {
  uint32_t difference = x - y, more = difference + m;
  return more < difference ? more : difference;
}

/* F of round t. range() in the form of a product's upper half, which SIMD has. */
HN_INLINE uint32_t hn__balance_shift(const hn__balance *p, int t, uint32_t x, uint32_t m) {
  return (uint32_t)(((uint64_t)(hn__hash_col(p->key[t], x) & ~1u) * m) >> 32);
}

HN_INLINE hn__halves hn__balance_rounds(const hn__balance *p, hn__halves x) {
  x.l = hn__add_mod(x.l, hn__balance_shift(p, 0, x.r, p->a), p->a);
  x.r = hn__add_mod(x.r, hn__balance_shift(p, 1, x.l, p->b), p->b);
  x.l = hn__add_mod(x.l, hn__balance_shift(p, 2, x.r, p->a), p->a);
  x.r = hn__add_mod(x.r, hn__balance_shift(p, 3, x.l, p->b), p->b);
  return x;
}

HN_INLINE hn__halves hn__balance_back(const hn__balance *p, hn__halves x) {
  x.r = hn__sub_mod(x.r, hn__balance_shift(p, 3, x.l, p->b), p->b);
  x.l = hn__sub_mod(x.l, hn__balance_shift(p, 2, x.r, p->a), p->a);
  x.r = hn__sub_mod(x.r, hn__balance_shift(p, 1, x.l, p->b), p->b);
  x.l = hn__sub_mod(x.l, hn__balance_shift(p, 0, x.r, p->a), p->a);
  return x;
}

/* The slot, counted from the matrix' first, of run g of a row of the strip. */
HN_INLINE uint32_t hn__balance_slot(const hn__balance *p, int64_t row, uint64_t g) {
  hn__halves x = hn__balance_split(p, (uint64_t)(row - p->top) * p->across + g);
  do x = hn__balance_rounds(p, x);
  while (hn__balance_outside(p, x));
  return p->bank.first + (uint32_t)(hn__balance_join(p, x) % p->bank.size);
}

/* How many runs slot number `slot` of the strip (from 0) serves. */
HN_INLINE uint64_t hn__balance_load(const hn__balance *p, uint32_t slot) {
  return p->n > slot ? (p->n - slot - 1) / p->bank.size + 1 : 0;
}

/* The number of the k-th of them, from 0. */
HN_INLINE uint64_t hn__balance_member(const hn__balance *p, uint32_t slot, uint64_t k) {
  hn__halves x = hn__balance_split(p, slot + k * p->bank.size);
  do x = hn__balance_back(p, x);
  while (hn__balance_outside(p, x));
  return hn__balance_join(p, x);
}

#endif
