/* libFuzzer on hn_idx_read(), plain and gzip. */
#include <stdlib.h>

#include "core/core.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static hn_context context; /* of no device: reading takes none of its memory */
  hn_array *array = NULL;
  const char *path = fuzz_file(bytes, size);
  context.refs = 1;
  fuzz_watch();
  if (hn_idx_read(&context, path, &array) == HN_OK) hn_array_release(array);
  fuzz_check(1100 * size + 200000); /* what gzip can hold at most, and zlib's own */
  if (context.memory.objects != 0 || context.memory.host != 0) abort();
  return 0;
}
