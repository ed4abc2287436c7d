/*
 * What the files of the emulation share. Everything here runs under one mutex (hn_host::lock), which each call of CUDA
 * takes; kernels run while it is held.
 */
#ifndef HN_CUDA_HOST_HOST_H
#define HN_CUDA_HOST_HOST_H

#define HN_CUDA_HOST_INSIDE
#include <stdio.h>
#include <stdlib.h>

#include "cublas_v2.h"
#include "cuda_runtime.h"

namespace hn_host {

const int WARP = 32, THREADS = 1024;    /* lanes of a warp, the most threads of a block */
const size_t STATIC_SHARED = 48 * 1024; /* bytes that a block can have without asking for more */
const size_t MOST_SHARED = 99 * 1024;   /* and with it */
const size_t TOTAL = (size_t)8 << 30;   /* bytes of device memory that we claim to have */
const size_t ARENA = (size_t)32 << 30;  /* addresses for it */
const size_t SHARED_ARENA = 512 * 1024; /* addresses of shared memory, gaps between its objects included */

/* -- report.cpp: errors, the seed -- */

/* Takes the mutex until the end of the scope. */
struct lock {
  lock();
  ~lock();
};
/* The first error stays until a new stream is made. */
extern cudaError_t sticky;
/* Makes a report of the error unless there is one already: printf's arguments. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A random number below n. */
unsigned draw(unsigned n);

/* -- memory.cpp: device memory -- */

enum life { FREE, LIVE, LOST };

/* A piece of the arena: a live allocation or what was one. The rest of its capacity is a red zone. */
struct block_of_memory {
  char *base;
  size_t bytes, capacity;
  uint32_t number; /* of the allocation, as reports name it */
  uint32_t next;   /* in the list of free ones */
  enum life state;
};

extern char *arena;
/* The piece with this address of the arena; NULL where there never was one. */
block_of_memory *memory_at(const void *p);
void release(void *p);
void run_free(void *payload); /* the same as a stream's item: payload holds the pointer */
/* Live allocations are lost with the device. */
void lose_memory();
int live_allocations();
bool is_pinned(const void *p);
static inline bool in_arena(const void *p) { return (uintptr_t)p - (uintptr_t)arena < ARENA; }
/* True if all of it is in one live allocation; else a report. `who` does what ("reads", "writes"). */
bool check_range(const char *who, const char *does, const void *p, size_t bytes);

/* -- check.cpp: every access of a kernel -- */

/* Forgets what is known of these addresses of the arena; marks them as written; copies what is known. */
void forget(char *p, size_t bytes);
void mark_written(const void *p, size_t bytes);
void copy_written(const void *to, const void *from, size_t bytes);
void open_shadow();

/* -- fiber.cpp: launches -- */

struct work {
  const char *name;
  dim3 grid;
  int threads;
  size_t dynamic;
  body_function *body;
  const void *closure;
  size_t closure_bytes;
};
void run_kernel(const work *w);

/* The running thread, as check.cpp sees it. */
struct running {
  const work *w;
  int thread, warp, lane;
  uint32_t launch;     /* serial number of the launch's first block */
  uint32_t serial;     /* of the block: unique in the process */
  uint32_t epoch;      /* barriers that the block has passed */
  uint32_t clock;      /* meetings of the thread in its warp since then */
  const uint32_t *met; /* for each lane of the warp: its meetings that came before what this thread does now */
  char *stack;
  size_t stack_bytes;
};
/* NULL while no kernel runs. Of the thread of the operating system, not of a fiber. */
extern __thread running *self __attribute__((tls_model("initial-exec")));
/* Leaves the kernel after a report. */
[[noreturn]] void stop_kernel();
/* "block 1 2 3" of a block's serial number, as text that the next call but one overwrites. */
const char *block_name(uint32_t serial);

struct shared_piece {
  const char *name;
  char *base;
  size_t bytes;
};
extern char *shared_arena;
/* The object of the running block's shared memory with this address, or the last one before it; NULL if none. */
const shared_piece *shared_at(const void *p);
static inline bool in_shared(const void *p) { return (uintptr_t)p - (uintptr_t)shared_arena < SHARED_ARENA; }

/* -- stream.cpp -- */

typedef void item_function(void *payload);

/* Runs all that is queued. */
void drain();
/* Queues a function with its arguments (copied). */
cudaError_t enqueue(cudaStream_t stream, item_function *run, const void *payload, size_t bytes);

/* -- device.cpp -- */

/* Bytes of dynamic shared memory that a launch may ask for. */
size_t shared_allowed(const void *kernel);

} // namespace hn_host

#endif
