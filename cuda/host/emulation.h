/* What the files of the emulation share. Everything is called under one lock; kernels run on the thread that holds it. */
#ifndef HN_CUDA_HOST_EMULATION_H
#define HN_CUDA_HOST_EMULATION_H

#include "cuda_runtime.h"

#include <mutex>

namespace hn_host {

extern std::recursive_mutex lock;
#define HN_HOST_LOCK std::lock_guard<std::recursive_mutex> guard(hn_host::lock)

/* -- kernel.cpp: the block that runs, and its threads -- */

constexpr int WARP = 32, MOST_THREADS = 1024;
constexpr size_t STACK = 128 * 1024;

/* What a thread waits for. */
enum waiting { READY, AT_BARRIER, AT_MEETING, DONE };

struct fiber;

struct thread {
  dim3 index;
  int number; /* in the block */
  waiting state;
  place where;
  unsigned mask; /* of the meeting, and what it brings there */
  uint64_t bits;
  fiber *on;
};

/* Lanes that met are in step: what one did before the meeting is seen by the others after it. */
struct warp {
  uint32_t meetings;           /* so far */
  uint32_t all;                /* the last one of all lanes */
  uint32_t pairs[WARP][WARP];  /* the last one of two lanes, where not all were there */
  uint64_t heard[WARP];        /* what the lanes brought to the last one */
};

struct run {
  const cudaLaunchConfig_t *config;
  const call *what;
  uint32_t launch, serial; /* numbers of the launch and of the block's run: each is given once */
  uint32_t block;          /* number in the grid */
  dim3 at;                 /* the same as blockIdx */
  uint32_t barriers;       /* passed so far */
  int threads;
  struct thread lanes[MOST_THREADS];
  struct warp warps[MOST_THREADS / WARP];
};

extern run now;             /* meaningful while a kernel runs */
extern thread *self;        /* the running thread of the running kernel, or NULL */
extern const char *stack;   /* its stack's lowest address */

/* Runs a kernel now. False if something was reported. */
bool run_kernel(const cudaLaunchConfig_t &config, const call &what);
/* Ends the running kernel, from one of its threads; does not return. */
[[noreturn]] void abandon();
unsigned draw(unsigned n); /* a random number below n */
uint64_t seed();

/* -- check.cpp -- */

/* Says what went wrong, once, in words that begin with the kernel's name; the first report stays until it is taken. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *reported(); /* NULL if nothing was */
void forget_report();

/* States of memory, word by word. */
enum state : unsigned char { OUTSIDE, FRESH, WRITTEN, FREED };

/* Whether bytes at p are live device memory: else a report that begins with `who`. */
bool expect_device(const char *who, const void *p, size_t bytes);
void set_state(const void *p, size_t bytes, state s);
void copy_state(const void *to, const void *from, size_t bytes);
/* A block begins: its shared memory is empty, but for `dynamic` bytes. */
void begin_shared(size_t dynamic);

/* -- memory.cpp -- */

constexpr size_t ARENA = (size_t)32 << 30; /* addresses of device memory */
extern char *arena;
inline bool in_arena(const void *p) { return arena && (uintptr_t)p - (uintptr_t)arena < ARENA; }
/* An allocation that p is in or near: "allocation 7 (400 bytes), byte 404"; for reports. */
void describe(const void *p, char *text, size_t size);
/* The last stream went: ends the program, with a word, if there is memory that nobody freed. */
void note_streams_gone();

} // namespace hn_host

#endif
