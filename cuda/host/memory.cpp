/*
 * Device memory: addresses of its own, given out with zones between allocations that belong to nobody. Freed memory is
 * given again only after a while, so that a late use of it is seen.
 */
#include "emulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <deque>
#include <map>
#include <unordered_map>

namespace hn_host {

constexpr size_t CLAIMED = (size_t)8 << 30; /* what cudaMemGetInfo says that the device has */
constexpr size_t ZONE = 256, QUARANTINE = 8;

struct allocation {
  size_t bytes;
  unsigned number;
};

char *arena;
static size_t next_free = ZONE, live_bytes;
static unsigned allocations;
static std::map<char *, allocation> live;
static std::unordered_map<size_t, std::deque<char *>> freed; /* by size with its zone, oldest first */
static std::map<void *, size_t> pinned;

static size_t room_for(size_t bytes) { return (bytes + ZONE - 1) / ZONE * ZONE + ZONE; }

static bool open_arena() {
  if (arena) return true;
  void *p = mmap(nullptr, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return false;
  arena = (char *)p;
  return true;
}

static char *take(size_t room) {
  std::deque<char *> &old = freed[room];
  if (old.size() > QUARANTINE || (next_free + room > ARENA && !old.empty())) {
    char *p = old.front();
    old.pop_front();
    return p;
  }
  if (next_free + room > ARENA) return nullptr;
  char *p = arena + next_free;
  next_free += room;
  return p;
}

static char *allocate(size_t bytes) {
  if (bytes > CLAIMED - live_bytes || !open_arena()) return nullptr;
  char *p = take(room_for(bytes));
  if (!p) return nullptr;
  set_state(p, bytes, FRESH);
  live[p] = {bytes, ++allocations};
  live_bytes += bytes;
  return p;
}

/* Those that nothing else lies in. */
static void give_pages_back(char *p, size_t bytes) {
  const uintptr_t page = 4096;
  uintptr_t first = ((uintptr_t)p + page - 1) / page * page, end = ((uintptr_t)p + bytes) / page * page;
  if (end > first && bytes > (1 << 20)) madvise((void *)first, end - first, MADV_DONTNEED);
}

static bool release(void *p) {
  auto at = live.find((char *)p);
  if (at == live.end()) {
    report("free: %p is not an allocation, or was freed before", p);
    return false;
  }
  size_t bytes = at->second.bytes, room = room_for(bytes);
  set_state(p, bytes, FREED);
  give_pages_back((char *)p, bytes);
  live_bytes -= bytes;
  live.erase(at);
  freed[room].push_back((char *)p);
  return true;
}

void describe(const void *p, char *text, size_t size) {
  auto at = live.upper_bound((char *)p);
  if (at == live.begin()) {
    snprintf(text, size, "below the first allocation");
    return;
  }
  --at;
  snprintf(text, size, "allocation %u (%zu bytes), byte %lld%s", at->second.number, at->second.bytes,
           (long long)((const char *)p - at->first),
           (size_t)((const char *)p - at->first) > at->second.bytes + ZONE ? ", where nothing is any more" : "");
}

/* A program that is done with every stream has leaked what it did not free. */
void note_streams_gone() {
  if (live.empty()) return;
  fprintf(stderr, "cuda-host: a leak: %zu bytes of device memory in %zu allocations were not freed with the last stream; "
                  "the first is allocation %u (%zu bytes)\n",
          live_bytes, live.size(), live.begin()->second.number, live.begin()->second.bytes);
  _Exit(66);
}

bool is_pinned(const void *p) {
  auto at = pinned.upper_bound((void *)p);
  if (at == pinned.begin()) return false;
  --at;
  return (const char *)p < (const char *)at->first + at->second;
}

bool free_device(void *p) { return release(p); }
void *allocate_device(size_t bytes) { return allocate(bytes); }

} // namespace hn_host

using namespace hn_host;

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  HN_HOST_LOCK;
  *total = CLAIMED;
  *free = CLAIMED - live_bytes;
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void **p, size_t bytes) {
  HN_HOST_LOCK;
  *p = aligned_alloc(256, (bytes + 255) / 256 * 256 + 256);
  if (!*p) return cudaErrorMemoryAllocation;
  pinned[*p] = bytes;
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void *p) {
  HN_HOST_LOCK;
  cudaDeviceSynchronize();
  pinned.erase(p);
  free(p);
  return cudaSuccess;
}
