/*
 * Device memory and copies.
 *
 * Memory comes from CUDA's stream-ordered pool: what a training step frees it takes again in the next one without asking
 * the driver or waiting for the GPU.
 *
 * Data come from the host through a ring of pinned buffers. Each has a counterpart on the device where a stream of its own
 * puts them, so that the next minibatch crosses the bus while the kernels of this one run; from there they are copied
 * into place in order with the kernels, which takes a thousandth of the time. Devices with a small budget have no
 * counterparts: then data cross in order with the kernels.
 */
#include "device.h"

#include <stdlib.h>
#include <string.h>

#define BUFFERS 4
#define BUFFER_ROOMY ((size_t)1 << 20)
#define BUFFER_SMALL ((size_t)64 << 10)
#define LITTLE 4096 /* bytes that are not worth the way around */

typedef struct buffer {
  char *host, *device;           /* device is NULL where there is no counterpart */
  cudaEvent_t crossed, consumed; /* the host's part is free again, the device's is */
} buffer;

struct hn__cuda_copies {
  cudaStream_t stream; /* across the bus */
  cudaMemPool_t pool;
  size_t bytes; /* of a buffer */
  int next;
  buffer ring[BUFFERS];
};

/* -- memory -- */

void *hn__cuda_alloc(hn__device *d, size_t bytes) {
  hn__cuda_device *whole = hn__cuda_of(d);
  void *p = NULL;
  if (hn__cuda_usable(d) != HN_OK) return NULL;
  if (bytes == 0) bytes = 1;
  if (cudaMallocAsync(&p, bytes, whole->stream) == cudaSuccess) return p;
  cudaGetLastError();
  cudaStreamSynchronize(whole->stream);
  cudaMemPoolTrimTo(whole->copies->pool, 0);
  if (cudaMallocAsync(&p, bytes, whole->stream) == cudaSuccess) return p;
  cudaGetLastError();
  return NULL;
}

void hn__cuda_free(hn__device *d, void *p) {
  if (p && hn__cuda_usable(d) == HN_OK) cudaFreeAsync(p, hn__cuda_of(d)->stream);
}

/* -- copies -- */

static hn_status open_buffer(hn__device *d, buffer *b, bool roomy, size_t bytes) {
  HN_CUDA_TRY(d, cudaMallocHost(&b->host, bytes));
  HN_CUDA_TRY(d, cudaEventCreateWithFlags(&b->crossed, cudaEventDisableTiming));
  HN_CUDA_TRY(d, cudaEventCreateWithFlags(&b->consumed, cudaEventDisableTiming));
  if (!roomy) return HN_OK;
  HN_CUDA_TRY(d, cudaMalloc(&b->device, bytes));
  d->held += bytes;
  return HN_OK;
}

/* Freed memory stays in the pool until an allocation needs it elsewhere. */
hn_status hn__cuda_copies_open(hn__device *d, bool roomy) {
  hn__cuda_device *whole = hn__cuda_of(d);
  hn__cuda_copies *c = whole->copies = (hn__cuda_copies *)calloc(1, sizeof *c);
  uint64_t all = UINT64_MAX;
  if (!c) return HN_MEMORY;
  c->bytes = roomy ? BUFFER_ROOMY : BUFFER_SMALL;
  HN_CUDA_TRY(d, cudaDeviceGetDefaultMemPool(&c->pool, whole->ordinal));
  HN_CUDA_TRY(d, cudaMemPoolSetAttribute(c->pool, cudaMemPoolAttrReleaseThreshold, &all));
  HN_CUDA_TRY(d, cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking));
  for (buffer &b : c->ring) HN_CUDA_CALL(open_buffer(d, &b, roomy, c->bytes));
  return HN_OK;
}

void hn__cuda_copies_close(hn__device *d) {
  hn__cuda_copies *c = hn__cuda_of(d)->copies;
  if (!c) return;
  if (c->stream) cudaStreamSynchronize(c->stream);
  for (buffer &b : c->ring) {
    if (b.device) cudaFree(b.device);
    if (b.crossed) cudaEventDestroy(b.crossed);
    if (b.consumed) cudaEventDestroy(b.consumed);
    if (b.host) cudaFreeHost(b.host);
  }
  if (c->stream) cudaStreamDestroy(c->stream);
  free(c);
}

hn_status hn__cuda_begin_write(hn__device *d, void *dst, size_t *bytes, void **host) {
  hn__cuda_copies *c = hn__cuda_of(d)->copies;
  buffer *b = &c->ring[c->next];
  (void)dst;
  HN_CUDA_CALL(hn__cuda_usable(d));
  HN_CUDA_TRY(d, cudaEventSynchronize(b->crossed));
  if (*bytes > c->bytes) *bytes = c->bytes;
  *host = b->host;
  return HN_OK;
}

hn_status hn__cuda_end_write(hn__device *d, void *dst, size_t bytes) {
  hn__cuda_copies *c = hn__cuda_of(d)->copies;
  cudaStream_t stream = hn__cuda_of(d)->stream;
  buffer *b = &c->ring[c->next];
  if (bytes == 0) return HN_OK;
  c->next = (c->next + 1) % BUFFERS;
  if (!b->device || bytes <= LITTLE) {
    HN_CUDA_TRY(d, cudaMemcpyAsync(dst, b->host, bytes, cudaMemcpyHostToDevice, stream));
    HN_CUDA_TRY(d, cudaEventRecord(b->crossed, stream));
    return HN_OK;
  }
  HN_CUDA_TRY(d, cudaStreamWaitEvent(c->stream, b->consumed, 0));
  HN_CUDA_TRY(d, cudaMemcpyAsync(b->device, b->host, bytes, cudaMemcpyHostToDevice, c->stream));
  HN_CUDA_TRY(d, cudaEventRecord(b->crossed, c->stream));
  HN_CUDA_TRY(d, cudaStreamWaitEvent(stream, b->crossed, 0));
  HN_CUDA_TRY(d, cudaMemcpyAsync(dst, b->device, bytes, cudaMemcpyDeviceToDevice, stream));
  HN_CUDA_TRY(d, cudaEventRecord(b->consumed, stream));
  return HN_OK;
}

hn_status hn__cuda_read(hn__device *d, void *host, const void *src, size_t bytes) {
  cudaStream_t stream = hn__cuda_of(d)->stream;
  HN_CUDA_CALL(hn__cuda_usable(d));
  if (bytes) HN_CUDA_TRY(d, cudaMemcpyAsync(host, src, bytes, cudaMemcpyDeviceToHost, stream));
  HN_CUDA_TRY(d, cudaStreamSynchronize(stream));
  return HN_OK;
}

hn_status hn__cuda_copy(hn__device *d, void *dst, const void *src, size_t bytes) {
  HN_CUDA_CALL(hn__cuda_usable(d));
  if (bytes) HN_CUDA_TRY(d, cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToDevice, hn__cuda_of(d)->stream));
  return HN_OK;
}

hn_status hn__cuda_zero(hn__device *d, void *dst, size_t bytes) {
  HN_CUDA_CALL(hn__cuda_usable(d));
  if (bytes) HN_CUDA_TRY(d, cudaMemsetAsync(dst, 0, bytes, hn__cuda_of(d)->stream));
  return HN_OK;
}
