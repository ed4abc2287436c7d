/*
 * The runs of scheme `line`, side by side in the compiler's SIMD registers.
 */
#ifndef HN_CPU_LINE_H
#define HN_CPU_LINE_H

#include "cpu.h"

#define LINE 16

/* Slots of runs first.. of a row, and their sign words: bit l is that of the run's column l. */
HN_INLINE void hash_line(const hn_matrix *v, int64_t row, int64_t first, uint32_t n, uint32_t *restrict slot,
                         uint32_t *restrict sign) {
  hn__bank bank = hn__bank_of(v, row);
  uint32_t h = hn__hash_row((uint32_t)row, v->seed), s = hn__hash_row((uint32_t)row, v->seed ^ HN_SIGN_SEED);
  uint32_t mask = v->sign ? ~0u : 0u;
  if (v->balanced) {
    hn__cpu_balanced_slots(v, row, first, n, slot);
    for (uint32_t i = 0; i < n; i++) sign[i] = hn__hash_col(s, (uint32_t)first + i) & mask;
    return;
  }
  for (uint32_t i = 0; i < n; i++) {
    slot[i] = bank.first + hn__range(hn__hash_col(h, (uint32_t)first + i) >> 1, bank.size);
    sign[i] = hn__hash_col(s, (uint32_t)first + i) & mask;
  }
}

#endif
