/* libFuzzer on hn_file_open(). What opens must read, and reading takes no more memory than hn.h says. */
#include <stdlib.h>

#include "core/model.h"
#include "fuzz.h"

static void read_all(hn_context *context, const hn_file *file) {
  const char *name;
  for (int64_t i = 0; (name = hn_file_name(file, i)); i++) {
    hn_dtype dtype;
    int64_t shape[HN_MAX_DIMS];
    hn_array *array;
    int dims = hn_file_shape(file, name, &dtype, shape);
    if (hn_array_new(context, dtype == HN_INT32 ? HN_I32 : HN_F32, dims, shape, &array) != HN_OK) abort();
    if (hn_file_read_array(file, name, array) != HN_OK) abort();
    hn_array_release(array);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static hn_context context; /* of no device: opening takes no device memory */
  hn_file *file = NULL;
  const char *path = fuzz_file(bytes, size);
  context.refs = 1;
  fuzz_watch();
  if (hn_file_open(&context, path, &file) == HN_OK) read_all(&context, file);
  hn_file_release(file);
  fuzz_check(64 * size + 4096);
  if (context.memory.objects != 0 || context.memory.host != 0) abort();
  return 0;
}
