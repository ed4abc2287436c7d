/*
 * A kernel runs block by block, the blocks in a random order. A block's threads are fibers: each runs until it waits (for
 * the block at a barrier, for lanes of its warp at a meeting) or ends. Which one runs next is random, and so is how far
 * warps get ahead of each other. A thread that never waits costs no switch: its fiber takes the next one.
 */
#include "emulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <vector>

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace hn_host {

std::recursive_mutex lock;
run now;
thread *self;
const char *stack;

/* -- random numbers -- */

static uint64_t first_seed() {
  const char *given = getenv("HN_CUDA_HOST_SEED");
  return given ? strtoull(given, nullptr, 10) : ((uint64_t)time(nullptr) * 1000003u + (uint64_t)getpid()) % 1000000007u;
}

static const uint64_t chosen = first_seed();
static uint64_t numbers = chosen;

uint64_t seed() { return chosen; }

unsigned draw(unsigned n) {
  numbers = numbers * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(((numbers >> 32) * n) >> 32);
}

template <typename T> static void shuffle(T *list, int n) {
  for (int i = n - 1; i > 0; i--) {
    int j = (int)draw((unsigned)i + 1);
    T one = list[i];
    list[i] = list[j];
    list[j] = one;
  }
}

/* -- fibers -- */

struct fiber {
  void *at;    /* its stack pointer while another one runs */
  char *stack; /* above a page that nobody may touch */
};

/* Saves the registers that a call keeps and the stack pointer in *from, and goes on where `to` was saved. */
extern "C" void hn_host_switch(void **from, void *to) __attribute__((visibility("hidden")));
#if defined(__x86_64__)
asm(R"(
.text
.globl hn_host_switch
.hidden hn_host_switch
.type hn_host_switch, @function
hn_host_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size hn_host_switch, .-hn_host_switch
)");
constexpr int SAVED = 6, RETURN = 6;
#elif defined(__aarch64__)
asm(R"(
.text
.globl hn_host_switch
.hidden hn_host_switch
.type hn_host_switch, %function
hn_host_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size hn_host_switch, .-hn_host_switch
)");
constexpr int SAVED = 20, RETURN = 11;
#else
#error "the emulation of CUDA knows how to switch stacks on x86-64 and on 64-bit ARM"
#endif

static std::vector<fiber *> idle;
static void *scheduler; /* its stack pointer while a fiber runs */
static int order[MOST_THREADS], next_fresh;

/* Becomes the thread, whose kernel then runs or goes on. */
static void become(thread *t) {
  self = t;
  threadIdx = t->index;
  stack = t->on->stack;
}

/* A thread, and when it has ended those that have not begun, until one waits: it keeps the fiber. */
static void fiber_main() {
  fiber *own = self->on;
  for (;;) {
    now.what->start(now.what->arguments);
    self->state = DONE;
    if (next_fresh == now.threads) break;
    thread *t = &now.lanes[order[next_fresh++]];
    t->on = own;
    become(t);
  }
  self->on = nullptr;
  idle.push_back(own);
  abandon();
}

static fiber *take_fiber() {
  if (idle.empty()) {
    fiber *f = new fiber;
    char *pages = (char *)mmap(nullptr, STACK + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages, 4096, PROT_NONE) != 0) {
      perror("cuda-host: a fiber's stack");
      abort();
    }
    f->stack = pages + 4096;
    idle.push_back(f);
  }
  fiber *f = idle.back();
  idle.pop_back();
  void **top = (void **)(f->stack + STACK) - 32; /* the stack pointer is 8 below a multiple of 16 when fiber_main begins */
  memset(top, 0, 32 * sizeof *top);
  top[RETURN] = (void *)fiber_main;
  f->at = top;
  return f;
}

static void resume(thread *t) {
  become(t);
  hn_host_switch(&scheduler, t->on->at);
  self = nullptr;
}

/* From a thread to the scheduler, until it is resumed. */
static void wait_as(waiting state, place where) {
  self->state = state;
  self->where = where;
  hn_host_switch(&self->on->at, scheduler);
}

void abandon() {
  void *nowhere;
  hn_host_switch(&nowhere, scheduler);
  abort();
}

/* -- barriers and meetings -- */

void barrier(place where) { wait_as(AT_BARRIER, where); }

int lane() { return self->number % WARP; }

static warp &own_warp() { return now.warps[self->number / WARP]; }

void meet(unsigned mask, uint64_t bits, place where) {
  if (!(mask >> lane() & 1)) {
    report("a warp operation (%s:%d) whose mask %08x lacks the lane that calls it, %d", where.file, where.line, mask,
           lane());
    abandon();
  }
  self->mask = mask;
  self->bits = bits;
  wait_as(AT_MEETING, where);
}

uint64_t heard(int from) { return own_warp().heard[from & (WARP - 1)]; }

static bool same(place a, place b) { return a.line == b.line && strcmp(a.file, b.file) == 0; }

/* All have come to one barrier. */
static bool pass_barrier() {
  for (int i = 0; i < now.threads; i++)
    if (now.lanes[i].state != AT_BARRIER || !same(now.lanes[i].where, now.lanes[0].where)) return false;
  for (int i = 0; i < now.threads; i++) now.lanes[i].state = READY;
  now.barriers++;
  return true;
}

static bool has_met(const thread *lanes, int n, const thread &t) {
  for (int l = 0; l < WARP; l++)
    if ((t.mask >> l & 1) && (l >= n || lanes[l].state != AT_MEETING || lanes[l].mask != t.mask ||
                              !same(lanes[l].where, t.where)))
      return false;
  return true;
}

static void end_meeting(warp &w, thread *lanes, unsigned mask) {
  uint32_t number = ++w.meetings;
  if (mask == 0xffffffffu) w.all = number;
  for (int l = 0; l < WARP; l++) {
    if (!(mask >> l & 1)) continue;
    w.heard[l] = lanes[l].bits;
    lanes[l].state = READY;
    for (int k = 0; k < WARP && mask != 0xffffffffu; k++)
      if (mask >> k & 1) w.pairs[l][k] = number;
  }
}

/* Lets some of the warps whose lanes have met go on. The lanes of a meeting read what they heard before the next one. */
static bool pass_meetings(bool all) {
  bool any = false;
  for (int first = 0; first < now.threads; first += WARP) {
    thread *lanes = &now.lanes[first];
    int n = now.threads - first < WARP ? now.threads - first : WARP;
    if (!all && draw(4) == 0) continue;
    for (int l = 0; l < n; l++)
      if (lanes[l].state == AT_MEETING && has_met(lanes, n, lanes[l])) {
        end_meeting(now.warps[first / WARP], lanes, lanes[l].mask);
        any = true;
        break;
      }
  }
  return any;
}

/* Why nobody can go on: one who waits, and one for whom he waits in vain. */
static void report_deadlock() {
  const thread *waits = nullptr, *absent = nullptr;
  for (int i = 0; i < now.threads && !waits; i++)
    if (now.lanes[i].state != DONE) waits = &now.lanes[i];
  bool barrier = waits->state == AT_BARRIER;
  for (int i = 0; i < now.threads && !absent; i++) {
    const thread &t = now.lanes[i];
    bool wanted = barrier || (t.number / WARP == waits->number / WARP && (waits->mask >> t.number % WARP & 1));
    if (wanted && (t.state != waits->state || !same(t.where, waits->where) || (!barrier && t.mask != waits->mask)))
      absent = &t;
  }
  if (!absent)
    report("a warp operation (%s:%d) with a mask, %08x, of lanes that the block does not have", waits->where.file,
           waits->where.line, waits->mask);
  else if (absent->state == DONE)
    report("%s (%s:%d) that thread %d waits at and thread %d never reaches: it has ended",
           barrier ? "a divergent barrier" : "a warp operation", waits->where.file, waits->where.line, waits->number,
           absent->number);
  else
    report("%s (%s:%d) that thread %d waits at and thread %d does not reach: it is at %s:%d",
           barrier ? "a divergent barrier" : "a warp operation", waits->where.file, waits->where.line, waits->number,
           absent->number, absent->where.file, absent->where.line);
}

/* -- blocks -- */

static void begin_block() {
  now.serial++;
  now.barriers = 0;
  memset(now.warps, 0, (size_t)((now.threads + WARP - 1) / WARP) * sizeof *now.warps);
  for (int i = 0; i < now.threads; i++) {
    now.lanes[i].index = dim3((unsigned)i, 0, 0);
    now.lanes[i].number = i;
    now.lanes[i].state = READY;
    now.lanes[i].on = nullptr;
    order[i] = i;
  }
  shuffle(order, now.threads);
  next_fresh = 0;
  begin_shared(now.config->dynamicSmemBytes);
}

static void start_all() {
  while (next_fresh < now.threads && !reported()) {
    thread *t = &now.lanes[order[next_fresh++]];
    t->on = take_fiber();
    resume(t);
  }
}

/* Resumes those that may go on, in a random order. False if there were none. */
static bool resume_all() {
  int list[MOST_THREADS], n = 0;
  for (int i = 0; i < now.threads; i++)
    if (now.lanes[i].state == READY) list[n++] = i;
  shuffle(list, n);
  for (int i = 0; i < n && !reported(); i++) resume(&now.lanes[list[i]]);
  return n > 0;
}

static bool all_done() {
  for (int i = 0; i < now.threads; i++)
    if (now.lanes[i].state != DONE) return false;
  return true;
}

static void run_block() {
  begin_block();
  start_all();
  while (!reported() && !all_done()) {
    if (!pass_barrier() && !pass_meetings(false) && !pass_meetings(true)) {
      self = &now.lanes[0]; /* the report names a thread */
      report_deadlock();
      self = nullptr;
    }
    if (!reported()) resume_all();
  }
  for (int i = 0; i < now.threads; i++)
    if (now.lanes[i].on && now.lanes[i].state != DONE) idle.push_back(now.lanes[i].on);
}

static unsigned common_divisor(unsigned a, unsigned b) { return b ? common_divisor(b, a % b) : a; }

/* Blocks come in an order with a random start and stride. */
bool run_kernel(const cudaLaunchConfig_t &config, const call &what) {
  unsigned n = config.gridDim.x * config.gridDim.y * config.gridDim.z, at = draw(n), stride = 1 + draw(n);
  while (common_divisor(stride, n) != 1) stride++;
  now.config = &config;
  now.what = &what;
  now.threads = (int)config.blockDim.x;
  now.launch++;
  blockDim = config.blockDim;
  gridDim = config.gridDim;
  for (unsigned i = 0; i < n && !reported(); i++) {
    now.block = at;
    now.at = blockIdx = dim3(at % config.gridDim.x, at / config.gridDim.x % config.gridDim.y,
                             at / config.gridDim.x / config.gridDim.y);
    run_block();
    at = (unsigned)(((uint64_t)at + stride) % n);
  }
  return !reported();
}

} // namespace hn_host
