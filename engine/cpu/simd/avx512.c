/* The kernels for x86-64 with AVX-512; the Makefile gives this file its flags. */
#ifdef __AVX512F__
#define LEVEL avx512
#include "level.h"
#else
typedef int hn__cpu_no_avx512; /* a file must not be empty */
#endif
