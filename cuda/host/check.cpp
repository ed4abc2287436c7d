/*
 * Every access of a kernel to memory. The kernels' sources are compiled with g++ -fsanitize=thread, which puts a call
 * of __tsan_read4 and the like before each; we define these functions ourselves and never link to the sanitizer's
 * library.
 *
 * For each word of 4 bytes of device and shared memory a cell tells who wrote it last and who read it last, as stamps.
 * A stamp is one thread, or several lanes of a warp, or several warps, or several blocks, whose accesses came at the
 * same time as far as the program says. An access is ordered after a stamp's if it is in a later launch or after a
 * later barrier of the same block, or is the same thread's, or if between them there was a meeting of the warp
 * (__syncwarp, a shuffle) that both took part in: each thread knows, for each lane, how many of the lane's meetings
 * came before. Two accesses that are not ordered, one of them a plain write, are a race.
 *
 * A block's serial number never comes again, so the cells of shared memory need no clearing: a word was written if its
 * last write was the running block's. Cells of device memory are cleared when it is allocated.
 */
#include "host.h"

#include <sys/mman.h>

/* The linker's names: our library's constants lie between the two. */
extern "C" char __ehdr_start[] __attribute__((visibility("hidden")));
extern "C" char _GLOBAL_OFFSET_TABLE_[] __attribute__((visibility("hidden")));

namespace hn_host {

namespace {

const uint32_t HOST = 1; /* the serial number of copies and fills */

struct stamp {
  uint32_t serial; /* of the block; 0: nobody yet */
  uint32_t lanes;
  uint32_t epoch : 28, written : 4; /* which bytes of the word were ever written: of the last write's stamp alone */
  uint32_t clock : 18, warp : 5, warps : 1, blocks : 1, atomic : 1, bytes : 4;
};

struct cell {
  stamp write, read;
};

cell *cells, *shared_cells;

enum access { READ, WRITE, ATOMIC };
const char *const verb[] = {"reads", "writes", "updates"};
const char *const verbed[] = {"was read", "was written", "was updated"};

[[noreturn]] void fail(enum access a, const void *p, const char *what, uintptr_t from) {
  const running *t = self;
  char where[160];
  if (in_arena(p)) {
    const block_of_memory *m = memory_at(p);
    long long at = m ? (long long)((const char *)p - m->base) : 0;
    if (m)
      snprintf(where, sizeof where, "byte %lld of device allocation %u (%zu bytes%s)", at, m->number, m->bytes,
               m->state == LIVE ? "" : ", freed");
    else
      snprintf(where, sizeof where, "device memory that was never allocated");
  } else if (in_shared(p)) {
    const shared_piece *s = shared_at(p);
    if (s)
      snprintf(where, sizeof where, "byte %lld of shared %.40s (%zu bytes)", (long long)((const char *)p - s->base),
               s->name, s->bytes);
    else
      snprintf(where, sizeof where, "shared memory that the block does not have");
  } else {
    snprintf(where, sizeof where, "host memory");
  }
  report("kernel %.60s: %s thread %d %s %s%s (code +0x%llx)", t->w->name, block_name(t->serial), t->thread, verb[a],
         where, what, (unsigned long long)(from - (uintptr_t)__ehdr_start));
  stop_kernel();
}

[[noreturn]] __attribute__((noinline)) void race(enum access a, const void *p, const stamp *s, enum access before,
                                                 uintptr_t from) {
  char what[120], who[64];
  if (s->blocks)
    snprintf(who, sizeof who, "several blocks");
  else if (s->serial != self->serial)
    snprintf(who, sizeof who, "%s thread %d", block_name(s->serial), s->warp * WARP + __builtin_ctz(s->lanes));
  else if (s->warps)
    snprintf(who, sizeof who, "several warps");
  else {
    uint32_t others = s->warp == (uint32_t)self->warp ? s->lanes & ~(1u << self->lane) : s->lanes;
    snprintf(who, sizeof who, "thread %d", s->warp * WARP + __builtin_ctz(others ? others : s->lanes));
  }
  snprintf(what, sizeof what, ", a race: it %s by %s without a barrier in between", verbed[before], who);
  fail(a, p, what, from);
}

/* True if all of the stamp's accesses came before what the running thread does now. Those of blocks before `since` did:
 * the first block of the launch, or in shared memory the block itself. */
inline bool ordered(const stamp *s, const running *t, uint32_t since) {
  if (s->serial < since) return true;
  if (s->serial != t->serial || s->blocks) return false;
  if (s->epoch != (t->epoch & 0xfffffff)) return true;
  if (s->warps || s->warp != (uint32_t)t->warp) return false;
  for (uint32_t others = s->lanes & ~(1u << t->lane); others; others &= others - 1)
    if (s->clock >= t->met[__builtin_ctz(others)]) return false;
  return true;
}

inline void set(stamp *s, const running *t, uint32_t bytes, bool atomic) {
  s->serial = t->serial;
  s->lanes = 1u << t->lane;
  s->epoch = t->epoch & 0xfffffff;
  s->clock = t->clock & 0x3ffff;
  s->warp = (uint32_t)t->warp & 31;
  s->warps = s->blocks = 0;
  s->atomic = atomic;
  s->bytes = bytes & 15;
}

/* Adds an access that does not conflict with the stamp's own. */
inline void add(stamp *s, const running *t, uint32_t since, uint32_t bytes, bool atomic) {
  if (ordered(s, t, since)) return set(s, t, bytes, atomic);
  s->bytes |= bytes & 15;
  if (s->serial != t->serial)
    s->blocks = 1;
  else if (s->warp != (uint32_t)t->warp)
    s->warps = 1;
  else
    s->lanes |= 1u << t->lane;
  if (t->clock > s->clock) s->clock = t->clock & 0x3ffff;
}

/* The bytes of a word that an access has part in. */
inline void access_word(enum access a, cell *c, const void *p, uint32_t bytes, bool is_shared, uintptr_t from) {
  const running *t = self;
  uint32_t since = is_shared ? t->serial : t->launch;
  uint32_t written = is_shared && c->write.serial != t->serial ? 0 : c->write.written;
  if (a != WRITE && (written & bytes) != bytes) fail(a, p, ", which nobody wrote", from);
  if ((c->write.bytes & bytes) && !(a == ATOMIC && c->write.atomic) && !ordered(&c->write, t, since))
    race(a, p, &c->write, c->write.atomic ? ATOMIC : WRITE, from);
  if (a == READ) return add(&c->read, t, since, bytes, false);
  if ((c->read.bytes & bytes) && !ordered(&c->read, t, since)) race(a, p, &c->read, READ, from);
  if (a == ATOMIC && c->write.atomic)
    add(&c->write, t, since, bytes, true);
  else
    set(&c->write, t, bytes, a == ATOMIC);
  c->write.written = (written | bytes) & 15;
}

template <typename Each> inline void each_word(size_t at, size_t bytes, Each each) {
  for (size_t end = at + bytes; at < end;) {
    size_t first = at & 3, n = end - at < 4 - first ? end - at : 4 - first;
    each(at >> 2, ((1u << n) - 1) << first);
    at += n;
  }
}

__attribute__((noinline)) void access_elsewhere(enum access a, const void *p, size_t bytes, uintptr_t from) {
  uintptr_t u = (uintptr_t)p;
  bool own = u >= (uintptr_t)__ehdr_start && u + bytes <= (uintptr_t)_GLOBAL_OFFSET_TABLE_;
  bool argument = u - (uintptr_t)self->w->closure < self->w->closure_bytes;
  if (a == READ && (own || argument)) return;
  fail(a, p, "", from);
}

void kernel_access(enum access a, const void *p, size_t bytes, uintptr_t from) {
  if (in_arena(p)) {
    const block_of_memory *m = memory_at(p);
    if (!m || m->state != LIVE || (size_t)((const char *)p - m->base) + bytes > m->bytes) fail(a, p, "", from);
    each_word((size_t)((const char *)p - arena), bytes,
              [&](size_t word, uint32_t b) { access_word(a, &cells[word], arena + 4 * word, b, false, from); });
  } else if (in_shared(p)) {
    const shared_piece *s = shared_at(p);
    if (!s || (size_t)((const char *)p - s->base) + bytes > s->bytes) fail(a, p, "", from);
    each_word((size_t)((const char *)p - shared_arena), bytes, [&](size_t word, uint32_t b) {
      access_word(a, &shared_cells[word], shared_arena + 4 * word, b, true, from);
    });
  } else if ((uintptr_t)p - (uintptr_t)self->stack >= self->stack_bytes) {
    access_elsewhere(a, p, bytes, from);
  }
}

inline void check(enum access a, const void *p, size_t bytes, uintptr_t from) {
  if (__builtin_expect(self != nullptr, 1)) return kernel_access(a, p, bytes, from);
  if (__builtin_expect(arena && in_arena(p), 0)) {
    lock held;
    const block_of_memory *m = memory_at(p);
    report("host code %s byte %lld of device allocation %u (code +0x%llx)", verb[a],
           m ? (long long)((const char *)p - m->base) : 0, m ? m->number : 0,
           (unsigned long long)(from - (uintptr_t)__ehdr_start));
  }
}

char *reserve(size_t bytes) {
  void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    perror("cuda/host: addresses for device memory");
    abort();
  }
  return (char *)p;
}

} // namespace

void open_shadow() {
  arena = reserve(ARENA);
  cells = (cell *)reserve(ARENA / 4 * sizeof(cell));
  shared_arena = reserve(SHARED_ARENA);
  shared_cells = (cell *)reserve(SHARED_ARENA / 4 * sizeof(cell));
}

void forget(char *p, size_t bytes) {
  cell *first = &cells[(size_t)(p - arena) / 4];
  size_t n = (bytes + 3) / 4 * sizeof(cell);
  if (n >= 64 * 4096)
    madvise(first, (n + 4095) & ~(size_t)4095, MADV_DONTNEED);
  else
    memset((void *)first, 0, n);
}

void mark_written(const void *p, size_t bytes) {
  each_word((size_t)((const char *)p - arena), bytes, [](size_t word, uint32_t b) {
    uint32_t written = cells[word].write.written | b;
    cells[word].write = {};
    cells[word].write.serial = HOST;
    cells[word].write.written = written & 15;
  });
}

void copy_written(const void *to, const void *from, size_t bytes) {
  size_t at = (size_t)((const char *)to - arena), source = (size_t)((const char *)from - arena);
  if (at % 4 || source % 4) return mark_written(to, bytes);
  each_word(at, bytes, [=](size_t word, uint32_t b) {
    uint32_t written = cells[word].write.written & ~b;
    written |= cells[word - at / 4 + source / 4].write.written & b;
    cells[word].write = {};
    cells[word].write.serial = HOST;
    cells[word].write.written = written & 15;
  });
}

uint64_t atomic(void *p, size_t bytes) {
  uint64_t old = 0;
  if (self) kernel_access(ATOMIC, p, bytes, (uintptr_t)__builtin_return_address(0));
  memcpy(&old, p, bytes);
  return old;
}

void put(void *p, size_t bytes, uint64_t value) { memcpy(p, &value, bytes); }

} // namespace hn_host

using namespace hn_host;

#define FROM (uintptr_t) __builtin_return_address(0)
#define HOOK(n)                                                                                                        \
  void __tsan_read##n(void *p) { check(READ, p, n, FROM); }                                                            \
  void __tsan_write##n(void *p) { check(WRITE, p, n, FROM); }                                                          \
  void __tsan_unaligned_read##n(void *p) { check(READ, p, n, FROM); }                                                  \
  void __tsan_unaligned_write##n(void *p) { check(WRITE, p, n, FROM); }                                                \
  void __tsan_volatile_read##n(void *p) { check(READ, p, n, FROM); }                                                   \
  void __tsan_volatile_write##n(void *p) { check(WRITE, p, n, FROM); }

/* What -fsanitize=alignment tells of a misaligned access. */
struct mismatch {
  const char *file;
  unsigned line, column;
  void *type;
  unsigned char log_alignment, kind;
};

extern "C" {
HOOK(1)
HOOK(2)
HOOK(4) HOOK(8) HOOK(16)

    void __tsan_read_range(void *p, size_t bytes) {
  check(READ, p, bytes, FROM);
}
void __tsan_write_range(void *p, size_t bytes) { check(WRITE, p, bytes, FROM); }
void __tsan_vptr_update(void **, void *) {}
void __tsan_vptr_read(void **) {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_init() {}

void __ubsan_handle_type_mismatch_v1(mismatch *m, uintptr_t p) {
  const running *t = self;
  const char *slash = strrchr(m->file, '/');
  report("%s%.60s: %s thread %d accesses memory at ...%02x, misaligned for %d bytes (%s:%u)", t ? "kernel " : "",
         t ? t->w->name : "host code", t ? block_name(t->serial) : "", t ? t->thread : 0, (unsigned)(p & 0xff),
         1 << m->log_alignment, slash ? slash + 1 : m->file, m->line);
  if (t) stop_kernel();
}
}
