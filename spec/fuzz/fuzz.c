/* Files in memory, and a count of what reading them takes. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <sanitizer/allocator_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const uint8_t *bytes, size_t size) {
  static char path[64];
  static int fd = -1;
  if (fd < 0) {
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate(fd, (off_t)size) != 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size) abort();
  return path;
}

static size_t held, peak;

static void taken(const volatile void *at, size_t size) {
  (void)at;
  held += size;
  if (held > peak && held < SIZE_MAX / 2) peak = held; /* less than nothing: what was there before is given back */
}

static void given_back(const volatile void *at) {
  if (at) held -= __sanitizer_get_allocated_size(at);
}

void fuzz_watch(void) {
  static int installed;
  if (!installed) installed = __sanitizer_install_malloc_and_free_hooks(taken, given_back);
  held = peak = 0;
}

void fuzz_check(size_t most) {
  if (peak <= most) return;
  fprintf(stderr, "%zu bytes taken, at most %zu are allowed\n", peak, most);
  abort();
}
