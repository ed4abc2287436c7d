/*
 * Which copy of direct.inc's loops runs: the processor's best. They give the same bits.
 */
#include "direct.h"

#include <string.h>

#include "avx512.h"
#include "line.h"

#define RUNS 64 /* in a block */
#define ROWS 4  /* side by side */

typedef float lanes __attribute__((vector_size(64)));
typedef uint32_t words __attribute__((vector_size(64)));

typedef struct block {
  uint32_t slot[RUNS], sign[RUNS];
} block;

/* Nothing of these types is passed outside of inlined functions. */
#pragma GCC diagnostic ignored "-Wpsabi"

#define LEVEL 128
#define NAME(x) x##_plain
#include "direct.inc"
#undef NAME
#undef LEVEL

#ifdef HN_LEVELS
#include <immintrin.h>

#pragma GCC push_options
#pragma GCC target("avx2")
#define LEVEL 256
#define NAME(x) x##_avx2
#include "direct.inc"
#undef NAME
#undef LEVEL
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl")
#define LEVEL 512
#define NAME(x) x##_avx512
#include "direct.inc"
#undef NAME
#undef LEVEL
#pragma GCC pop_options

#define CHOOSE(f, p) (hn__cpu_avx512() ? f##_avx512 : __builtin_cpu_supports("avx2") ? f##_avx2 : f##_plain)(p)
#else
#define CHOOSE(f, p) f##_plain(p)
#endif

void hn__cpu_direct_forward(const hn__cpu_direct *p) { CHOOSE(forward, p); }
void hn__cpu_direct_input_grad(const hn__cpu_direct *p) { CHOOSE(input_grad, p); }
void hn__cpu_direct_bucket_grad(const hn__cpu_direct *p) { CHOOSE(bucket_grad, p); }
