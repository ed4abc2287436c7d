/* The kernels for x86-64 with AVX2 and FMA; the Makefile gives this file their flags. */
#ifdef __AVX2__
#define LEVEL avx2
#include "level.h"
#else
typedef int hn__cpu_no_avx2; /* a file must not be empty */
#endif
