/*
 * Panels of a virtual matrix: expand one from its buckets, add the gradient of one to its buckets.
 *
 * Both take a row in blocks. The block's slots are hashed first, side by side in SIMD registers, into arrays on the
 * stack; then come the loads or the adds, whose addresses are by then all known and so overlap in the memory system.
 */
#include "avx512.h"
#include "line.h"

#include <string.h>

#define RUNS 64     /* runs of 16 columns in a block of `line` */
#define COLUMNS 512 /* columns in a block of `element` */

/* x with its sign flipped where bit 31 of `flip` is set. */
HN_INLINE float flipped(float x, uint32_t flip) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits ^= flip & 0x80000000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* One line with signs: bit l of `sign` is column l's. `simd` keeps the compiler from unrolling these loops before it has
 * made one 512-bit operation of them. */
HN_INLINE void copy_line(const float *from, uint32_t sign, float *to) {
#pragma omp simd
  for (int l = 0; l < LINE; l++) to[l] = flipped(from[l], sign << (31 - l));
}

HN_INLINE void add_line(const float *from, uint32_t sign, float *to) {
#pragma omp simd
  for (int l = 0; l < LINE; l++) to[l] += flipped(from[l], sign << (31 - l));
}

/* Slots of columns first.. of a row, and their signs in bit 31. */
HN_INLINE void hash_element(const hn_matrix *v, int64_t row, int64_t first, uint32_t n, uint32_t *restrict slot,
                            uint32_t *restrict sign) {
  hn__bank bank = hn__bank_of(v, row);
  uint32_t h = hn__hash_row((uint32_t)row, v->seed), mask = v->sign ? 0x80000000u : 0u;
  if (v->balanced) {
    hn__cpu_balanced_slots(v, row, first, n, slot);
    for (uint32_t i = 0; i < n; i++) sign[i] = (hn__hash_col(h, (uint32_t)first + i) << 31) & mask;
    return;
  }
  for (uint32_t i = 0; i < n; i++) {
    uint32_t u = hn__hash_col(h, (uint32_t)first + i);
    slot[i] = bank.first + hn__range(u >> 1, bank.size);
    sign[i] = (u << 31) & mask;
  }
}

HN_CLONES static void expand_line(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col,
                                  int64_t cols, float *out, int64_t ld) {
  uint32_t slot[RUNS], sign[RUNS];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j += RUNS * LINE) {
      int64_t width = hn__cpu_least(cols - j, RUNS * LINE), full = width / LINE, rest = width % LINE;
      float *to = out + i * ld + j;
      hash_line(v, row + i, (col + j) / LINE, (uint32_t)(full + (rest > 0)), slot, sign);
      for (int64_t k = 0; k < full; k++, to += LINE) copy_line(w + (size_t)slot[k] * LINE, sign[k], to);
      for (int64_t l = 0; l < rest; l++) to[l] = flipped(w[(int64_t)slot[full] * LINE + l], sign[full] << (31 - l));
    }
}

HN_CLONES static void expand_element(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col,
                                     int64_t cols, float *out, int64_t ld) {
  uint32_t slot[COLUMNS], sign[COLUMNS];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j += COLUMNS) {
      int64_t width = hn__cpu_least(cols - j, COLUMNS);
      float *to = out + i * ld + j;
      hash_element(v, row + i, col + j, (uint32_t)width, slot, sign);
      for (int64_t k = 0; k < width; k++) to[k] = w[slot[k]];
#pragma omp simd
      for (int64_t k = 0; k < width; k++) to[k] = flipped(to[k], sign[k]);
    }
}

HN_CLONES static void scatter_line(const hn_matrix *v, int64_t row, int64_t rows, int64_t col, int64_t cols,
                                   const float *g, int64_t ld, float *dw) {
  uint32_t slot[RUNS], sign[RUNS];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j += RUNS * LINE) {
      int64_t width = hn__cpu_least(cols - j, RUNS * LINE), full = width / LINE, rest = width % LINE;
      const float *from = g + i * ld + j;
      hash_line(v, row + i, (col + j) / LINE, (uint32_t)(full + (rest > 0)), slot, sign);
      for (int64_t k = 0; k < full; k++, from += LINE) add_line(from, sign[k], dw + (size_t)slot[k] * LINE);
      for (int64_t l = 0; l < rest; l++) dw[(int64_t)slot[full] * LINE + l] += flipped(from[l], sign[full] << (31 - l));
    }
}

HN_CLONES static void scatter_element(const hn_matrix *v, int64_t row, int64_t rows, int64_t col, int64_t cols,
                                      const float *g, int64_t ld, float *dw) {
  uint32_t slot[COLUMNS], sign[COLUMNS];
  float add[COLUMNS];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j += COLUMNS) {
      int64_t width = hn__cpu_least(cols - j, COLUMNS);
      const float *from = g + i * ld + j;
      hash_element(v, row + i, col + j, (uint32_t)width, slot, sign);
#pragma omp simd
      for (int64_t k = 0; k < width; k++) add[k] = flipped(from[k], sign[k]);
      for (int64_t k = 0; k < width; k++) dw[slot[k]] += add[k];
    }
}

typedef void expand_panel(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col, int64_t cols,
                          float *out, int64_t ld);
typedef void scatter_panel(const hn_matrix *v, int64_t row, int64_t rows, int64_t col, int64_t cols, const float *g,
                           int64_t ld, float *dw);

static expand_panel *expand_of(const hn_matrix *v) {
  if (v->scheme == HN_LINE) return expand_line;
#ifdef HN_AVX512
  if (hn__cpu_avx512() && !v->balanced) return hn__cpu_expand_element_avx512;
#endif
  return expand_element;
}

static scatter_panel *scatter_of(const hn_matrix *v) {
  if (v->scheme == HN_LINE) return scatter_line;
#ifdef HN_AVX512
  if (hn__cpu_avx512() && !v->balanced) return hn__cpu_scatter_element_avx512;
#endif
  return scatter_element;
}

void hn__cpu_expand(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col, int64_t cols,
                    float *out, int64_t ld) {
  expand_of(v)(v, w + v->offset, row, rows, col, cols, out, ld);
}

void hn__cpu_scatter(const hn_matrix *v, int64_t row, int64_t rows, int64_t col, int64_t cols, const float *g,
                     int64_t ld, float *dw) {
  scatter_of(v)(v, row, rows, col, cols, g, ld, dw + v->offset);
}
