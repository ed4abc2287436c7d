/*
 * Every load and store of a kernel is looked at. The sources of the backend are compiled as if for ThreadSanitizer, which
 * makes the compiler call a function before each access to memory that is not a variable of its own; its library is left
 * out, and this file has the functions.
 *
 * Memory has a state for every word of four bytes, and a note of the last accesses to it in this run: two of different
 * threads, one of them a write, must have a barrier between them (in a warp, a meeting of both lanes), and threads of
 * different blocks must not meet at all, but in atomic operations.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <dlfcn.h>
#include <link.h>

#include "emulation.h"

namespace hn_host {

/* -- reports -- */

static char text[400];
static bool there;

static size_t where_text(char *to, size_t size) {
  if (!self) return 0;
  return (size_t)snprintf(to, size, "kernel %s, block (%u, %u, %u), thread %d: ", now.config->name, now.at.x, now.at.y,
                          now.at.z, self->number);
}

void report(const char *format, ...) {
  if (there) return;
  char what[320];
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  size_t n = where_text(text, sizeof text);
  snprintf(text + n, sizeof text - n, "%.300s [seed %llu]", what, (unsigned long long)seed());
  there = true;
}

const char *reported() { return there ? text : nullptr; }
void forget_report() { there = false; }

/* -- shadows -- */

/* An access that was made in this run. */
struct access {
  uint32_t block, barriers, meetings;
  uint16_t thread;
  unsigned char kind;
};
enum kind : unsigned char { NONE, PLAIN, ATOMIC };
/* How many have read since the last write that all of them could see: their thread is one of them. */
enum readers : unsigned char { ONE_THREAD, ONE_WARP, ONE_BLOCK, SEVERAL_BLOCKS };

struct word {
  uint32_t run; /* notes of other runs mean nothing */
  access write, read;
  unsigned char readers;
};

struct shadow {
  unsigned char *states;
  word *words;
};

template <typename T> static T *reserve(size_t n) {
  void *p = mmap(nullptr, n * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    perror("cuda-host: addresses for shadows of memory");
    abort();
  }
  return (T *)p;
}

static const shadow &device_shadow() {
  static const shadow s = {reserve<unsigned char>(ARENA / 4), reserve<word>(ARENA / 4)};
  return s;
}

void set_state(const void *p, size_t bytes, state s) {
  size_t first = (size_t)((const char *)p - arena) / 4;
  memset(device_shadow().states + first, s, (bytes + 3) / 4);
}

void copy_state(const void *to, const void *from, size_t bytes) {
  size_t a = (size_t)((const char *)to - arena) / 4, b = (size_t)((const char *)from - arena) / 4;
  memmove(device_shadow().states + a, device_shadow().states + b, (bytes + 3) / 4);
}

bool expect_device(const char *who, const void *p, size_t bytes) {
  char what[160];
  if (bytes == 0) return true;
  if (!in_arena(p) || !in_arena((const char *)p + bytes - 1)) {
    report("%s: %p is not device memory", who, p);
    return false;
  }
  size_t first = (size_t)((const char *)p - arena) / 4, last = ((size_t)((const char *)p - arena) + bytes - 1) / 4;
  const unsigned char *states = device_shadow().states;
  const size_t ends[2] = {first, last};
  for (size_t at : ends)
    if (states[at] == OUTSIDE || states[at] == FREED) {
      describe(arena + 4 * at, what, sizeof what);
      report("%s: %zu bytes that are not all in live memory: %s", who, bytes, what);
      return false;
    }
  return true;
}

/* -- shared memory: objects one behind the other with zones between them that nobody may touch -- */

constexpr size_t SHARED = 512 * 1024, ZONE = 256;
constexpr int MOST_OBJECTS = 64;

struct object {
  const void *key;
  const char *name;
  size_t at, bytes;
};

alignas(256) static char shared_memory[SHARED];
static unsigned char shared_states[SHARED / 4];
static word shared_words[SHARED / 4];
static object objects[MOST_OBJECTS];
static int object_count;
static size_t shared_used;

static void *new_object(const void *key, size_t bytes, const char *name) {
  object *o = &objects[object_count];
  size_t room = (bytes + 255) / 256 * 256 + ZONE;
  if (object_count == MOST_OBJECTS || shared_used + room > SHARED) {
    report("more shared memory than the emulation has");
    abandon();
  }
  *o = {key, name, shared_used, bytes};
  object_count++;
  shared_used += room;
  memset(shared_memory + o->at, 0xff, bytes);
  memset(shared_states + o->at / 4, FRESH, (bytes + 3) / 4);
  return shared_memory + o->at;
}

void begin_shared(size_t dynamic) {
  memset(shared_states, OUTSIDE, shared_used / 4);
  object_count = 0;
  shared_used = ZONE;
  new_object(nullptr, dynamic, "dynamic shared memory");
}

void *shared(const void *key, size_t bytes, const char *name) {
  for (int i = 1; i < object_count; i++)
    if (objects[i].key == key) return shared_memory + objects[i].at;
  return new_object(key, bytes, name);
}

void *dynamic_shared() { return shared_memory + objects[0].at; }

static void describe_shared(const void *p, char *to, size_t size) {
  size_t at = (size_t)((const char *)p - shared_memory);
  int i = object_count - 1;
  while (i > 0 && objects[i].at > at) i--;
  snprintf(to, size, "'%s' (%zu bytes of shared memory), byte %lld", objects[i].name, objects[i].bytes,
           (long long)at - (long long)objects[i].at);
}

/* -- one access -- */

static bool in_shared(const void *p) { return (uintptr_t)p - (uintptr_t)shared_memory < SHARED; }

static void describe_any(const void *p, char *to, size_t size) {
  if (in_shared(p))
    describe_shared(p, to, size);
  else
    describe(p, to, size);
}

/* The offset of the instruction in the library, for addr2line. */
static unsigned long long place_of(const void *pc) {
  Dl_info info;
  return dladdr(pc, &info) ? (unsigned long long)((const char *)pc - (const char *)info.dli_fbase) : 0;
}

static void refuse(const void *p, size_t size, bool write, const void *pc, const char *why) {
  char what[160];
  describe_any(p, what, sizeof what);
  report("%s %zu bytes %s: %s (+0x%llx)", write ? "writes" : "reads", size, why, what, place_of(pc));
  abandon();
}

/* Whether this thread comes after the access that is noted. */
static bool follows(const access &a) {
  if (a.block != now.block) return false;
  if (a.thread == self->number || a.barriers < now.barriers) return true;
  if (a.thread / WARP != self->number / WARP) return false;
  const warp &w = now.warps[self->number / WARP];
  uint32_t pair = w.pairs[a.thread % WARP][self->number % WARP];
  return (w.all > pair ? w.all : pair) > a.meetings;
}

static bool follows_readers(const word &w) {
  if (w.read.kind == NONE) return true;
  if (w.readers == ONE_THREAD) return follows(w.read);
  if (w.readers == SEVERAL_BLOCKS || w.read.block != now.block) return false;
  if (w.read.barriers < now.barriers) return true;
  return w.readers == ONE_WARP && w.read.thread / WARP == self->number / WARP &&
         now.warps[self->number / WARP].all > w.read.meetings;
}

static void race(const void *p, size_t size, bool write, const void *pc, const access &other, const char *did) {
  char what[160], who[100];
  describe_any(p, what, sizeof what);
  if (other.block == now.block)
    snprintf(who, sizeof who, "thread %d %s with no barrier between them", other.thread, did);
  else
    snprintf(who, sizeof who, "thread %d of block %u %s in the same launch", other.thread, other.block, did);
  report("a race: it %s %zu bytes which %s: %s (+0x%llx)", write ? "writes" : "reads", size, who, what, place_of(pc));
  abandon();
}

static access this_access(unsigned char kind) {
  return {now.block, now.barriers, now.warps[self->number / WARP].meetings, (uint16_t)self->number, kind};
}

static void note_read(word &w) {
  const access mine = this_access(PLAIN);
  bool fresh = w.read.kind == NONE || (w.readers != SEVERAL_BLOCKS && w.read.block == now.block &&
                                       w.read.barriers < now.barriers);
  if (fresh)
    w.readers = ONE_THREAD;
  else if (w.readers == SEVERAL_BLOCKS || w.read.block != now.block)
    w.readers = SEVERAL_BLOCKS;
  else if (w.readers == ONE_BLOCK || w.read.thread / WARP != self->number / WARP)
    w.readers = ONE_BLOCK;
  else if (w.readers == ONE_WARP || w.read.thread != self->number)
    w.readers = ONE_WARP;
  w.read = mine;
}

static void check_word(word &w, const void *p, size_t size, bool write, bool atomic, const void *pc, uint32_t run) {
  if (w.run != run) {
    w.run = run;
    w.write.kind = w.read.kind = NONE;
  }
  bool both_atomic = atomic && w.write.kind == ATOMIC;
  if (w.write.kind != NONE && !both_atomic && !follows(w.write))
    race(p, size, write, pc, w.write, w.write.kind == ATOMIC ? "changes by an atomic operation" : "writes");
  if (write && !follows_readers(w)) race(p, size, write, pc, w.read, "reads");
  if (!write) return note_read(w);
  w.write = this_access(atomic ? ATOMIC : PLAIN);
  w.read.kind = NONE;
}

static void check_words(const shadow &s, size_t byte, const void *p, size_t size, bool read, bool write, bool atomic,
                        const void *pc, uint32_t run) {
  for (size_t i = byte / 4; i <= (byte + size - 1) / 4; i++) {
    unsigned char &state = s.states[i];
    if (state == WRITTEN) {
      check_word(s.words[i], p, size, write, atomic, pc, run);
      continue;
    }
    if (state == OUTSIDE) refuse(p, size, write, pc, "out of range");
    if (state == FREED) refuse(p, size, write, pc, "of memory that was freed");
    if (read) refuse(p, size, write, pc, "that were never written");
    state = WRITTEN;
    check_word(s.words[i], p, size, write, atomic, pc, run);
  }
}

/* This library: its constants, and the variables of the emulation itself, threadIdx and the like. */
struct image {
  uintptr_t low, high;
};

static int find_image(struct dl_phdr_info *info, size_t, void *data) {
  image *found = (image *)data;
  uintptr_t own = (uintptr_t)&now, low = UINTPTR_MAX, high = 0;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD) {
      uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, end = start + info->dlpi_phdr[i].p_memsz;
      low = start < low ? start : low;
      high = end > high ? end : high;
    }
  if (own < low || own >= high) return 0;
  *found = {low, high};
  return 1;
}

static image own_image() {
  image found = {};
  dl_iterate_phdr(find_image, &found);
  return found;
}

static void touch_elsewhere(const void *p, size_t size, bool write, const void *pc) {
  static const image own = own_image();
  uintptr_t at = (uintptr_t)p;
  if (at >= own.low && at < own.high) return;
  if (at - (uintptr_t)now.what < sizeof *now.what) return;
  report("%s %zu bytes of the host's memory at %p (+0x%llx)", write ? "writes" : "reads", size, p, place_of(pc));
  abandon();
}

static void touch(const void *p, size_t size, bool read, bool write, bool atomic, const void *pc) {
  if (!self) {
    if (in_arena(p)) {
      char what[160];
      describe(p, what, sizeof what);
      report("host code %s device memory: %s (+0x%llx)", write ? "writes" : "reads", what, place_of(pc));
    }
    return;
  }
  if ((uintptr_t)p - (uintptr_t)stack < STACK) return;
  if (in_shared(p)) {
    static const shadow s = {shared_states, shared_words};
    check_words(s, (size_t)((const char *)p - shared_memory), p, size, read, write, atomic, pc, now.serial);
  } else if (in_arena(p)) {
    check_words(device_shadow(), (size_t)((const char *)p - arena), p, size, read, write, atomic, pc, now.launch);
  } else {
    touch_elsewhere(p, size, write, pc);
  }
}

static void touch_aligned(const void *p, size_t size, bool write, const void *pc) {
  if (self && (uintptr_t)p % size != 0 && (uintptr_t)p - (uintptr_t)stack >= STACK) {
    char what[160];
    describe_any(p, what, sizeof what);
    report("%s %zu bytes at an address that is no multiple of %zu: %s (+0x%llx)", write ? "writes" : "reads", size,
           size, what, place_of(pc));
    abandon();
  }
  touch(p, size, !write, write, false, pc);
}

/* -- atomic operations -- */

#define ATOMICALLY(name, type, sum)                                                                                    \
  type name(enum atomic f, type *at, type x) {                                                                         \
    touch(at, sizeof x, true, true, true, __builtin_return_address(0));                                                \
    type old = *at;                                                                                                    \
    switch (f) {                                                                                                       \
    case ADD: *at = sum; break;                                                                                        \
    case MIN: *at = old < x ? old : x; break;                                                                          \
    case MAX: *at = old > x ? old : x; break;                                                                          \
    case EXCHANGE: *at = x; break;                                                                                     \
    }                                                                                                                  \
    return old;                                                                                                        \
  }
ATOMICALLY(atomic_unsigned, uint32_t, old + x)
ATOMICALLY(atomic_int, int, (int)((unsigned)old + (unsigned)x))
ATOMICALLY(atomic_long, uint64_t, old + x)
ATOMICALLY(atomic_float, float, old + x)
ATOMICALLY(atomic_double, double, old + x)

#define SWAP(type)                                                                                                     \
  type atomic_swap(type *at, type expected, type x) {                                                                  \
    touch(at, sizeof x, true, true, true, __builtin_return_address(0));                                                \
    type old = *at;                                                                                                    \
    if (old == expected) *at = x;                                                                                      \
    return old;                                                                                                        \
  }
SWAP(uint32_t)
SWAP(uint64_t)

} // namespace hn_host

/* -- what the compiler calls -- */

using hn_host::touch;
using hn_host::touch_aligned;

extern "C" {
void __tsan_init();
void __tsan_init() {}

#define ACCESS(size)                                                                                                   \
  void __tsan_read##size(void *p);                                                                                     \
  void __tsan_write##size(void *p);                                                                                    \
  void __tsan_unaligned_read##size(void *p);                                                                           \
  void __tsan_unaligned_write##size(void *p);                                                                          \
  void __tsan_read##size(void *p) { touch_aligned(p, size, false, __builtin_return_address(0)); }                      \
  void __tsan_write##size(void *p) { touch_aligned(p, size, true, __builtin_return_address(0)); }                      \
  void __tsan_unaligned_read##size(void *p) { touch(p, size, true, false, false, __builtin_return_address(0)); }       \
  void __tsan_unaligned_write##size(void *p) { touch(p, size, false, true, false, __builtin_return_address(0)); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __tsan_read_range(void *p, size_t size);
void __tsan_write_range(void *p, size_t size);
void __tsan_read_range(void *p, size_t size) { touch(p, size, true, false, false, __builtin_return_address(0)); }
void __tsan_write_range(void *p, size_t size) { touch(p, size, false, true, false, __builtin_return_address(0)); }
void __tsan_vptr_update(void **p, void *value);
void __tsan_vptr_update(void **p, void *value) { (void)p, (void)value; }
void __tsan_vptr_read(void **p);
void __tsan_vptr_read(void **p) { (void)p; }
}
