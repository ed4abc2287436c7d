/*
 * Device memory and copies.
 *
 * Memory comes from CUDA's stream-ordered pool: what a training step frees it takes again in the next one without
 * asking the driver or waiting for the GPU.
 *
 * Data come from the host through a ring of pinned buffers. Each has a counterpart on the device where a stream of its
 * own puts them, so that the next minibatch crosses the bus while the kernels of this one run; from there they are
 * copied into place in order with the kernels, which takes a thousandth of the time. Devices with a small budget have
 * no counterparts: then data cross in order with the kernels.
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

/* Something on its way to the host. Tickets are used again. */
typedef struct ticket {
  char *host; /* pinned */
  size_t bytes, room;
  cudaEvent_t arrived;
  struct ticket *next; /* of those that are free */
} ticket;

struct hn__cuda_copies {
  cudaStream_t stream; /* across the bus */
  cudaMemPool_t pool;
  size_t bytes; /* of a buffer */
  int next;
  buffer ring[BUFFERS];
  ticket *tickets; /* free ones */
};

/* -- memory -- */

/* What the pool keeps for another size is given back before it has no room. */
hn_status hn__cuda_alloc(hn__device *d, size_t bytes, void **out) {
  hn__cuda_device *whole = hn__cuda_of(d);
  HN_CUDA_CALL(hn__cuda_usable(d));
  if (bytes == 0) bytes = 1;
  cudaError_t error = cudaMallocAsync(out, bytes, whole->stream);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    HN_CUDA_TRY(d, cudaStreamSynchronize(whole->stream));
    HN_CUDA_TRY(d, cudaMemPoolTrimTo(whole->copies->pool, 0));
    error = cudaMallocAsync(out, bytes, whole->stream);
  }
  return error == cudaSuccess ? HN_OK : hn__cuda_fail(d, error, "cudaMallocAsync", __FILE__, __LINE__);
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

static void free_ticket(ticket *t) {
  if (t->host) cudaFreeHost(t->host);
  if (t->arrived) cudaEventDestroy(t->arrived);
  free(t);
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
  while (c->tickets) {
    ticket *t = c->tickets;
    c->tickets = t->next;
    free_ticket(t);
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

/* A free ticket with room for so many bytes, or a new one; pinned memory is dear to get, so some is there to spare. */
static hn_status find_ticket(hn__device *d, size_t bytes, ticket **out) {
  hn__cuda_copies *c = hn__cuda_of(d)->copies;
  for (ticket **at = &c->tickets; *at; at = &(*at)->next)
    if ((*at)->room >= bytes) {
      *out = *at;
      *at = (*at)->next;
      return HN_OK;
    }
  ticket *t = (ticket *)calloc(1, sizeof *t);
  if (!t) return HN_MEMORY;
  t->room = LITTLE;
  while (t->room < bytes) t->room *= 2;
  cudaError_t error = cudaMallocHost(&t->host, t->room);
  if (error == cudaSuccess) error = cudaEventCreateWithFlags(&t->arrived, cudaEventDisableTiming);
  if (error != cudaSuccess) {
    free_ticket(t);
    return hn__cuda_fail(d, error, "pinned memory", __FILE__, __LINE__);
  }
  *out = t;
  return HN_OK;
}

static void give_back(hn__device *d, ticket *t) {
  t->next = hn__cuda_of(d)->copies->tickets;
  hn__cuda_of(d)->copies->tickets = t;
}

static hn_status start_fetch(hn__device *d, ticket *t, const void *src) {
  HN_CUDA_TRY(d, cudaMemcpyAsync(t->host, src, t->bytes, cudaMemcpyDeviceToHost, hn__cuda_of(d)->stream));
  HN_CUDA_TRY(d, cudaEventRecord(t->arrived, hn__cuda_of(d)->stream));
  return HN_OK;
}

hn_status hn__cuda_fetch(hn__device *d, const void *src, size_t bytes, void **out) {
  ticket *t = NULL;
  HN_CUDA_CALL(hn__cuda_usable(d));
  HN_CUDA_CALL(find_ticket(d, bytes, &t));
  t->bytes = bytes;
  hn_status status = start_fetch(d, t, src);
  if (status == HN_OK)
    *out = t;
  else
    give_back(d, t);
  return status;
}

/* An error is for take to tell. */
bool hn__cuda_ready(hn__device *d, const void *t) {
  return hn__cuda_usable(d) != HN_OK || cudaEventQuery(((const ticket *)t)->arrived) != cudaErrorNotReady;
}

hn_status hn__cuda_take(hn__device *d, void *argument, void *host) {
  ticket *t = (ticket *)argument;
  hn_status status = hn__cuda_usable(d);
  cudaError_t error = status == HN_OK ? cudaEventSynchronize(t->arrived) : cudaSuccess;
  if (error != cudaSuccess) status = hn__cuda_fail(d, error, "waiting for a result", __FILE__, __LINE__);
  if (status == HN_OK && host) memcpy(host, t->host, t->bytes);
  give_back(d, t);
  return status;
}

hn_status hn__cuda_wait(hn__device *d) {
  HN_CUDA_CALL(hn__cuda_usable(d));
  HN_CUDA_TRY(d, cudaStreamSynchronize(hn__cuda_of(d)->stream));
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
