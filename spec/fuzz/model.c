/* libFuzzer on hn_file_open(): the bytes as they are, and once more with a checksum that fits, so that what lies behind
 * it is reached. What opens must read. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/model.h"

/* The reader needs no backend; the linker does. */
const hn_backend hn__cpu_backend;
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void put_sum(uint8_t *bytes, size_t size) {
  char digits[HN__SUM_DIGITS + 1];
  size_t at = HN__SUM_AT;
  if (size < at + HN__SUM_DIGITS) return;
  memcpy(bytes + 8, HN__SUM_BEFORE, at - 8);
  memset(bytes + at, '0', HN__SUM_DIGITS);
  snprintf(digits, sizeof digits, "%016" PRIx64, (uint64_t)XXH3_64bits(bytes, size));
  memcpy(bytes + at, digits, HN__SUM_DIGITS);
}

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

static void open_bytes(const uint8_t *bytes, size_t size) {
  static hn_context context; /* of no device: opening takes no device memory */
  static char path[64];
  hn_file *file = NULL;
  context.refs = 1;
  snprintf(path, sizeof path, "/dev/shm/hn-fuzz-%ld", (long)getpid());
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) abort();
  close(fd);
  if (hn_file_open(&context, path, &file) == HN_OK) read_all(&context, file);
  hn_file_release(file);
  unlink(path);
  if (context.memory.objects != 0 || context.memory.host != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  uint8_t *copy = malloc(size + 1);
  if (!copy) return 0;
  memcpy(copy, bytes, size);
  open_bytes(copy, size);
  put_sum(copy, size);
  open_bytes(copy, size);
  free(copy);
  return 0;
}
