/*
 * The scheme `element` in AVX-512, for processors that have it; same bits as panel.c's plain form.
 */
#ifndef HN_CPU_AVX512_H
#define HN_CPU_AVX512_H

#include "cpu.h"

/* A build with -DHN_PLAIN leaves these out, to test the plain form on any processor. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(HN_PLAIN)
#define HN_AVX512 1

/* Whether this processor can run the two below. */
HN_INLINE bool hn__cpu_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}

/* hn__cpu_expand and hn__cpu_scatter; w and dw start at the matrix' offset. */
void hn__cpu_expand_element_avx512(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col,
                                   int64_t cols, float *out, int64_t ld);
void hn__cpu_scatter_element_avx512(const hn_matrix *v, int64_t row, int64_t rows, int64_t col, int64_t cols,
                                    const float *g, int64_t ld, float *dw);
#endif

#endif
