/*
 * Device memory. Its addresses are cut into chunks, a chunk into pieces of one size (or a piece has several chunks), so
 * that the piece of an address is found by two look-ups. A piece that was freed comes last of those of its size, so
 * that who still uses it is found out.
 */
#include "host.h"

#include <sys/mman.h>

namespace hn_host {

char *arena;

namespace {

const int CHUNK = 20, SMALLEST = 9, LARGEST = 35; /* logarithms of bytes */
const size_t RED = 256;                           /* bytes behind an allocation that belong to nobody */
const uint32_t PIECES = 1 << 24, NONE = 0xffffffffu;

struct chunk {
  uint32_t first; /* its first piece */
  uint32_t shift; /* logarithm of a piece's part of it; 0: no pieces */
};

chunk chunks[ARENA >> CHUNK];
size_t chunks_used = 1; /* the first one stays empty: a red zone */
block_of_memory *pieces;
uint32_t pieces_used, numbers;
struct {
  uint32_t first, last, count;
} unused[LARGEST + 1];
size_t used;
int live;

struct pinned {
  char *base;
  size_t bytes;
} pins[256];

void append(int size, uint32_t i) {
  pieces[i].next = NONE;
  if (unused[size].count++)
    pieces[unused[size].last].next = i;
  else
    unused[size].first = i;
  unused[size].last = i;
}

bool more(int size) {
  size_t n = size > CHUNK ? (size_t)1 << (size - CHUNK) : 1, count = size < CHUNK ? (size_t)1 << (CHUNK - size) : 1;
  if (chunks_used + n > ARENA >> CHUNK || pieces_used + count > PIECES) return false;
  char *base = arena + (chunks_used << CHUNK);
  for (size_t i = 0; i < n; i++) chunks[chunks_used++] = {pieces_used, (uint32_t)(size < CHUNK ? size : CHUNK)};
  for (size_t i = 0; i < count; i++) {
    pieces[pieces_used].base = base + (i << size);
    pieces[pieces_used].capacity = (size_t)1 << size;
    append(size, pieces_used++);
  }
  return true;
}

int size_for(size_t bytes) {
  int size = SMALLEST;
  while (((size_t)1 << size) < bytes + RED) size++;
  return size;
}

void open_arena() {
  if (arena) return;
  open_shadow();
  pieces = (block_of_memory *)mmap(nullptr, PIECES * sizeof *pieces, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

cudaError_t allocate(void **out, size_t bytes) {
  open_arena();
  *out = nullptr;
  if (bytes > TOTAL - used) drain();
  if (bytes == 0 || bytes > TOTAL - used) return cudaErrorMemoryAllocation;
  int size = size_for(bytes);
  if (unused[size].count <= (size < CHUNK ? 32 : 2) && !more(size) && !unused[size].count)
    return cudaErrorMemoryAllocation;
  block_of_memory *m = &pieces[unused[size].first];
  unused[size].first = m->next;
  unused[size].count--;
  m->bytes = bytes;
  m->state = LIVE;
  m->number = ++numbers;
  forget(m->base, bytes);
  used += bytes;
  live++;
  *out = m->base;
  return cudaSuccess;
}

} // namespace

block_of_memory *memory_at(const void *p) {
  size_t at = (size_t)((const char *)p - arena);
  chunk c = chunks[at >> CHUNK];
  if (!c.shift) return nullptr;
  return &pieces[c.first + ((at & (((size_t)1 << CHUNK) - 1)) >> c.shift)];
}

void release(void *p) {
  block_of_memory *m = in_arena(p) ? memory_at(p) : nullptr;
  if (!m || m->base != p || m->state == FREE) return report("cudaFree: %p is not allocated", p);
  if (m->state == LIVE) {
    used -= m->bytes;
    live--;
  }
  m->state = FREE;
  if (m->bytes >= 64 * 1024) {
    madvise(m->base, (m->bytes + 4095) & ~(size_t)4095, MADV_DONTNEED);
    forget(m->base, m->bytes);
  }
  append(size_for(m->bytes), (uint32_t)(m - pieces));
}

void run_free(void *payload) { release(*(void **)payload); }

void lose_memory() {
  for (uint32_t i = 0; i < pieces_used; i++)
    if (pieces[i].state == LIVE) pieces[i].state = LOST;
  used = 0;
  live = 0;
}

int live_allocations() { return live; }

bool is_pinned(const void *p) {
  for (const pinned &pin : pins)
    if (pin.base && (uintptr_t)p - (uintptr_t)pin.base < pin.bytes) return true;
  return false;
}

bool check_range(const char *who, const char *does, const void *p, size_t bytes) {
  block_of_memory *m = arena && in_arena(p) ? memory_at(p) : nullptr;
  if (m && m->state == LIVE && (size_t)((const char *)p - m->base) + bytes <= m->bytes) return true;
  if (m)
    report("%s %s %zu bytes from byte %lld on of device allocation %u (%zu bytes%s)", who, does, bytes,
           (long long)((const char *)p - m->base), m->number, m->bytes, m->state == LIVE ? "" : ", freed");
  else
    report("%s %s %p, which is not device memory", who, does, p);
  return false;
}

} // namespace hn_host

using namespace hn_host;

cudaError_t cudaMalloc(void **p, size_t bytes) {
  lock held;
  return sticky ? sticky : allocate(p, bytes);
}

cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t) { return cudaMalloc(p, bytes); }

cudaError_t cudaFree(void *p) {
  lock held;
  drain();
  if (p) release(p);
  return sticky;
}

cudaError_t cudaFreeAsync(void *p, cudaStream_t stream) {
  lock held;
  if (sticky) return sticky;
  if (!p) return cudaSuccess;
  return enqueue(stream, run_free, &p, sizeof p);
}

cudaError_t cudaMallocHost(void **p, size_t bytes) {
  lock held;
  for (pinned &pin : pins)
    if (!pin.base) {
      pin.base = (char *)aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
      pin.bytes = bytes;
      *p = pin.base;
      return pin.base ? cudaSuccess : cudaErrorMemoryAllocation;
    }
  return cudaErrorMemoryAllocation;
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned) { return cudaMallocHost(p, bytes); }

cudaError_t cudaFreeHost(void *p) {
  lock held;
  drain();
  for (pinned &pin : pins)
    if (p && pin.base == p) {
      free(p);
      pin = {};
      return sticky;
    }
  return cudaErrorInvalidValue;
}

cudaError_t cudaMemGetInfo(size_t *f, size_t *t) {
  lock held;
  drain();
  *t = TOTAL;
  *f = TOTAL - used;
  return sticky;
}
