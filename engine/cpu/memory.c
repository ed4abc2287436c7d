/*
 * Device memory, which is host memory here. What a training step frees it takes again in the next one, so the device keeps
 * some freed blocks: from the system they would come as fresh pages, each a fault, which took 7 % of a layer's step.
 * Debug contexts keep none, so that tools see every use of freed memory.
 */
#include "kernels.h"

#include <stdlib.h>

#define ALIGNMENT 64

/* In front of every block. */
typedef struct header {
  _Alignas(ALIGNMENT) size_t bytes; /* of the block */
} header;

static header *header_of(void *p) { return (header *)p - 1; }

void hn__cpu_free_kept(hn__device *device) {
  hn__cpu_device *d = (hn__cpu_device *)device;
  for (int i = 0; i < HN_CPU_KEPT; i++) {
    free(d->kept[i]);
    d->kept[i] = NULL;
  }
  d->kept_bytes = 0;
}

/* A kept block of exactly that size. */
static header *take_kept(hn__cpu_device *d, size_t bytes) {
  for (int i = 0; i < HN_CPU_KEPT; i++) {
    header *block = d->kept[i];
    if (!block || block->bytes != bytes) continue;
    d->kept[i] = NULL;
    d->kept_bytes -= bytes;
    return block;
  }
  return NULL;
}

/* No bytes still give a pointer that can be passed on and freed. */
hn_status hn__cpu_alloc(hn__device *device, size_t bytes, void **out) {
  hn__cpu_device *d = (hn__cpu_device *)device;
  if (bytes > SIZE_MAX - sizeof(header) - ALIGNMENT) return HN_MEMORY;
  size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  header *block = take_kept(d, rounded);
  if (!block) block = aligned_alloc(ALIGNMENT, sizeof *block + rounded);
  if (!block) {
    hn__cpu_free_kept(device);
    block = aligned_alloc(ALIGNMENT, sizeof *block + rounded);
  }
  if (!block) return HN_MEMORY;
  block->bytes = rounded;
  *out = block + 1;
  return HN_OK;
}

void hn__cpu_free(hn__device *device, void *p) {
  hn__cpu_device *d = (hn__cpu_device *)device;
  if (!p) return;
  header *block = header_of(p);
  if (!d->keeps || block->bytes > HN_CPU_KEPT_BYTES - d->kept_bytes) {
    free(block);
    return;
  }
  for (int i = 0; i < HN_CPU_KEPT; i++)
    if (!d->kept[i]) {
      d->kept[i] = block;
      d->kept_bytes += block->bytes;
      return;
    }
  free(block);
}
