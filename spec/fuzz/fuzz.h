/* What the targets of libFuzzer share. */
#ifndef HN_SPEC_FUZZ_H
#define HN_SPEC_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The path of a file in memory with these bytes, until the next call. */
const char *fuzz_file(const uint8_t *bytes, size_t size);

/* Aborts if memory taken since fuzz_watch() and not given back was ever more than this. */
void fuzz_watch(void);
void fuzz_check(size_t most);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
