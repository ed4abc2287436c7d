/*
 * The slots of balanced maps, side by side in the compiler's SIMD registers: the same as hn__balance_slot() gives.
 *
 * Halves of numbers fit 32 bits whatever the matrix, and consecutive runs have consecutive right halves, so nothing is
 * divided on the way in. Runs that the rounds put beyond the last one are rare and walk on one by one.
 */
#include "../core/balanced.h"
#include "cpu.h"

#define BLOCK 512
#define FEW 32 /* numbers that are looked through one by one where some of them are outside */

typedef struct block {
  uint32_t l[BLOCK], r[BLOCK];
} block;

/* The halves of n consecutive numbers. */
HN_INLINE void count(const hn__balance *p, hn__halves x, uint32_t n, block *restrict to) {
  for (uint32_t i = 0; i < n; x.l++, x.r = 0) {
    uint32_t end = n - i < p->b - x.r ? n : i + (p->b - x.r);
    for (; i < end; i++) {
      to->l[i] = x.l;
      to->r[i] = x.r++;
    }
  }
}

/* Round t: adds to `to` what follows from x. A loop for each round and not one for all four: then several iterations
 * are on their way at a time, and the latency of the hash hardly counts. */
HN_INLINE void round_wide(const hn__balance *p, int t, uint32_t m, uint32_t n, const uint32_t *restrict x,
                          uint32_t *restrict to) {
  for (uint32_t i = 0; i < n; i++) to[i] = hn__add_mod(to[i], hn__balance_shift(p, t, x[i], m), m);
}

/* The same for m <= 2^16, from h's two halves in products of 32 bits, which SIMD is faster at. */
HN_INLINE void round_narrow(const hn__balance *p, int t, uint32_t m, uint32_t n, const uint32_t *restrict x,
                            uint32_t *restrict to) {
  for (uint32_t i = 0; i < n; i++) {
    uint32_t h = hn__hash_col(p->key[t], x[i]);
    to[i] = hn__add_mod(to[i], ((h >> 16) * m + ((h & 0xFFFE) * m >> 16)) >> 16, m);
  }
}

HN_INLINE void rounds(const hn__balance *p, bool wide, uint32_t n, block *restrict x) {
  for (int t = 0; t < 4; t += 2) {
    if (wide) {
      round_wide(p, t, p->a, n, x->r, x->l);
      round_wide(p, t + 1, p->b, n, x->l, x->r);
    } else {
      round_narrow(p, t, p->a, n, x->r, x->l);
      round_narrow(p, t + 1, p->b, n, x->l, x->r);
    }
  }
}

/* Whether some of the numbers from first up to end are outside. */
HN_INLINE bool outside(const hn__balance *p, uint32_t first, uint32_t end, const block *x) {
  uint32_t some = 0;
  for (uint32_t i = first; i < end; i++) some |= hn__balance_outside(p, (hn__halves){x->l[i], x->r[i]});
  return some;
}

/* Sends those through the rounds again until they are not. */
static void walk(const hn__balance *p, uint32_t first, uint32_t end, block *x) {
  for (uint32_t i = first; i < end; i++) {
    hn__halves y = {x->l[i], x->r[i]};
    while (hn__balance_outside(p, y)) y = hn__balance_rounds(p, y);
    x->l[i] = y.l;
    x->r[i] = y.r;
  }
}

/* Numbers below 2^32 modulo the bank's size. The reciprocal is rounded down, so the quotient is right or 1 less. */
HN_INLINE void reduce(const hn__balance *p, uint32_t n, const block *restrict x, uint32_t *restrict slot) {
  uint32_t size = p->bank.size, reciprocal = UINT32_MAX / size, b = p->b, first = p->bank.first;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t number = x->l[i] * b + x->r[i], rest = number - (uint32_t)((uint64_t)number * reciprocal >> 32) * size;
    slot[i] = first + (rest - size < rest ? rest - size : rest);
  }
}

static void reduce_wide(const hn__balance *p, uint32_t n, const block *x, uint32_t *slot) {
  for (uint32_t i = 0; i < n; i++)
    slot[i] = p->bank.first + (uint32_t)(hn__balance_join(p, (hn__halves){x->l[i], x->r[i]}) % p->bank.size);
}

HN_CLONES static void slots(const hn__balance *balance, uint64_t number, uint32_t n, uint32_t *slot) {
  const hn__balance p = *balance; /* the stores below cannot change a copy */
  block x;
  count(&p, hn__balance_split(&p, number), n, &x);
  bool wide = p.a > 65536;
  rounds(&p, wide, n, &x);
  for (uint32_t i = 0; i < n; i += FEW) {
    uint32_t end = n - i < FEW ? n : i + FEW;
    if (outside(&p, i, end, &x)) walk(&p, i, end, &x);
  }
  if (wide)
    reduce_wide(&p, n, &x, slot);
  else
    reduce(&p, n, &x, slot);
}

void hn__cpu_balanced_slots(const hn_matrix *v, int64_t row, int64_t first, uint32_t n, uint32_t *slot) {
  const hn__balance p = hn__balance_of(v, row);
  uint64_t number = (uint64_t)(row - p.top) * p.across + (uint64_t)first;
  for (uint32_t i = 0; i < n; i += BLOCK) slots(&p, number + i, n - i < BLOCK ? n - i : BLOCK, slot + i);
}
