/*
 * Launches: the blocks of a grid run one after the other in a random order, a block's threads as fibers.
 *
 * `ready` holds the threads that can go on. A fiber whose thread ends or waits takes a random one of them: one that has
 * not begun runs as a call where the fiber is free, and what waited is switched to. When all threads of the block are
 * at a barrier, or all lanes of a mask at a meeting, they become ready again. When none is ready, either the block is
 * done or threads wait for what never comes.
 */
#include "host.h"

#include <sys/mman.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

uint3 threadIdx, blockIdx, blockDim, gridDim;

namespace hn_host {

__thread running *self;
char *shared_arena;

namespace {

const size_t STACK = 256 * 1024, PAGE = 4096;

struct fiber {
  void *at; /* where it was left */
  char *stack;
};

enum phase { NEW, WAITS_AT_BARRIER, MEETS, DONE };

struct thread {
  enum phase phase;
  fiber *on;
  place where;
  unsigned mask;
  uint32_t clock;
  uint64_t bits;
};

thread threads[THREADS];
uint32_t met[THREADS][WARP]; /* see running.met */
bool has_met[THREADS / WARP];
uint64_t seen[THREADS][WARP];     /* what a thread got from the others at a meeting */
unsigned meeting[THREADS / WARP]; /* lanes of a warp that wait to meet */

int ready[THREADS];
int ready_count, thread_count, at_barrier, done_count;

fiber *fibers[THREADS + 1]; /* all; the idle ones first */
fiber *idle[THREADS + 1];
int fiber_count, idle_count;
void *home; /* where the launch waits */

running now;
uint32_t serial = 1;
const work *launched;

/* The running block's shared memory. */
shared_piece shared_pieces[64];
uint8_t shared_index[SHARED_ARENA / 64]; /* of 64 bytes: 1 + their object */
int shared_count;
size_t shared_used, shared_static;

/* -- switching stacks: saves the registers that a call keeps, and the stack pointer -- */

#if defined(__x86_64__)
extern "C" void hn_host_switch(void **from, void *to);
asm(".text\n.hidden hn_host_switch\n.globl hn_host_switch\n.type hn_host_switch,@function\nhn_host_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n.size hn_host_switch,.-hn_host_switch\n");

void prepare(fiber *f, void (*start)()) {
  void **top = (void **)(f->stack + STACK);
  *--top = nullptr; /* start's return address, which keeps its stack aligned as after a call */
  *--top = (void *)start;
  f->at = top - 6;
}
#elif defined(__aarch64__)
extern "C" void hn_host_switch(void **from, void *to);
asm(".text\n.hidden hn_host_switch\n.globl hn_host_switch\n.type hn_host_switch,%function\nhn_host_switch:\n"
    "sub sp,sp,#160\n"
    "stp x19,x20,[sp]\nstp x21,x22,[sp,#16]\nstp x23,x24,[sp,#32]\nstp x25,x26,[sp,#48]\nstp x27,x28,[sp,#64]\n"
    "stp x29,x30,[sp,#80]\nstp d8,d9,[sp,#96]\nstp d10,d11,[sp,#112]\nstp d12,d13,[sp,#128]\nstp d14,d15,[sp,#144]\n"
    "mov x2,sp\nstr x2,[x0]\nmov sp,x1\n"
    "ldp x19,x20,[sp]\nldp x21,x22,[sp,#16]\nldp x23,x24,[sp,#32]\nldp x25,x26,[sp,#48]\nldp x27,x28,[sp,#64]\n"
    "ldp x29,x30,[sp,#80]\nldp d8,d9,[sp,#96]\nldp d10,d11,[sp,#112]\nldp d12,d13,[sp,#128]\nldp d14,d15,[sp,#144]\n"
    "add sp,sp,#160\nret\n.size hn_host_switch,.-hn_host_switch\n");

void prepare(fiber *f, void (*start)()) {
  void **frame = (void **)(f->stack + STACK - 160);
  memset(frame, 0, 160);
  frame[11] = (void *)start; /* x30 */
  f->at = frame;
}
#else
void hn_host_switch(void **from, void *to) {
  ucontext_t here;
  *from = &here;
  swapcontext(&here, (ucontext_t *)to);
}

void prepare(fiber *f, void (*start)()) {
  ucontext_t *c = (ucontext_t *)f->stack;
  getcontext(c);
  c->uc_stack.ss_sp = f->stack + PAGE;
  c->uc_stack.ss_size = STACK - PAGE;
  c->uc_link = nullptr;
  makecontext(c, start, 0);
  f->at = c;
}
#endif

void fiber_main();

/* A fiber that runs no thread. Below its stack lies a page that nobody can touch. */
fiber *take_fiber() {
  if (idle_count) return idle[--idle_count];
  char *pages = (char *)mmap(nullptr, PAGE + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  fiber *f = (fiber *)malloc(sizeof *f);
  if (pages == MAP_FAILED || !f) {
    perror("cuda/host: a fiber's stack");
    abort();
  }
  mprotect(pages, PAGE, PROT_NONE);
  f->stack = pages + PAGE;
  prepare(f, fiber_main);
  return fibers[fiber_count++] = f;
}

/* -- the thread that runs -- */

void set_self(int t) {
  now.thread = t;
  now.warp = t / WARP;
  now.lane = t % WARP;
  now.clock = threads[t].clock;
  now.met = met[t];
  now.stack = threads[t].on->stack;
  threadIdx.x = (unsigned)t;
}

int take_ready() {
  int i = (int)draw((unsigned)ready_count), t = ready[i];
  ready[i] = ready[--ready_count];
  return t;
}

/* What lanes know of each other counts until the next barrier. */
void forget_meetings(int warp) {
  if (!has_met[warp]) return;
  has_met[warp] = false;
  memset(met[warp * WARP], 0, sizeof met[0] * WARP);
  for (int l = 0; l < WARP; l++) threads[warp * WARP + l].clock = 0;
}

/* Some thread waits for what does not come. */
void tell_of_deadlock() {
  int first = 0;
  while (threads[first].phase == DONE) first++;
  const thread *t = &threads[first];
  for (int i = 0; i < thread_count; i++)
    if (threads[i].phase == MEETS) t = &threads[i];
  int own = (int)(t - threads);
  bool meets = t->phase == MEETS;
  char other[100] = "";
  for (int i = 0; i < thread_count && !*other; i++) {
    const thread *o = &threads[i];
    if (i == own || (meets && (i / WARP != own / WARP || !(t->mask >> i % WARP & 1)))) continue;
    const char *slash = o->where.file ? strrchr(o->where.file, '/') : nullptr;
    if (o->phase == DONE)
      snprintf(other, sizeof other, "thread %d has exited", i);
    else if (o->phase != t->phase || o->where.line != t->where.line || o->mask != t->mask)
      snprintf(other, sizeof other, "thread %d waits at %s:%d%s", i, slash ? slash + 1 : o->where.file, o->where.line,
               o->phase == MEETS ? o->mask != t->mask ? " with another mask" : "" : " for the block");
  }
  const char *slash = strrchr(t->where.file, '/');
  report("kernel %.60s: divergent %s: %s thread %d waits at %s:%d, but %s", launched->name,
         meets ? "warp operation" : "__syncthreads", block_name(now.serial), own, slash ? slash + 1 : t->where.file,
         t->where.line, *other ? other : "others do not come");
  stop_kernel();
}

void leave() {
  void *nowhere;
  self = nullptr;
  hn_host_switch(&nowhere, home);
}

/* Goes on with a thread that is ready. `own` is the fiber that runs now; its thread waits (`waiting` is its number) or
 * is done (-1). Returns when the waiting thread goes on, or when the fiber has another thread to run: now.thread. */
void go_on(fiber *own, int waiting) {
  if (ready_count == 0) {
    if (done_count < thread_count) tell_of_deadlock();
    idle[idle_count++] = own;
    self = nullptr;
    hn_host_switch(&own->at, home);
    return;
  }
  int t = take_ready();
  bool begins = threads[t].phase == NEW, own_goes_on = t == waiting || (begins && waiting < 0);
  if (begins) threads[t].on = waiting < 0 ? own : take_fiber();
  if (waiting < 0 && !begins) idle[idle_count++] = own;
  set_self(t);
  if (!own_goes_on) hn_host_switch(&own->at, threads[t].on->at);
}

void fiber_main() {
  for (;;) {
    launched->body(launched->closure);
    threads[now.thread].phase = DONE;
    done_count++;
    go_on(threads[now.thread].on, -1);
  }
}

void make_ready(int t) { ready[ready_count++] = t; }

void wait() {
  int t = now.thread;
  go_on(threads[t].on, t);
}

void run_block(dim3 at) {
  blockIdx = {at.x, at.y, at.z};
  now.serial = ++serial;
  now.epoch = 0;
  at_barrier = done_count = ready_count = 0;
  memset(shared_index, 0, shared_used / 64 + 1);
  shared_count = 0;
  shared_used = 64;
  shared_static = 0;
  for (int t = 0; t < thread_count; t++) {
    threads[t].phase = NEW;
    ready[ready_count++] = t;
  }
  for (int w = 0; w * WARP < thread_count; w++) {
    meeting[w] = 0;
    forget_meetings(w);
  }
  int first = take_ready();
  threads[first].on = take_fiber();
  self = &now;
  set_self(first);
  hn_host_switch(&home, threads[first].on->at);
}

/* Block i of a launch comes as number factor * i + first, modulo the number of blocks. */
uint64_t factor, first_block;

dim3 block_at(uint64_t i) {
  dim3 g = launched->grid;
  uint64_t n = (uint64_t)g.x * g.y * g.z, k = (uint64_t)(((unsigned __int128)factor * i + first_block) % n);
  return dim3((unsigned)(k % g.x), (unsigned)(k / g.x % g.y), (unsigned)(k / g.x / g.y));
}

uint64_t common_divisor(uint64_t a, uint64_t b) { return b ? common_divisor(b, a % b) : a; }

char *add_shared(const char *name, size_t bytes) {
  if (shared_count == 64 || shared_used + bytes + 256 > SHARED_ARENA) {
    report("kernel %.60s: more shared memory than a block can have", launched->name);
    stop_kernel();
  }
  shared_piece *s = &shared_pieces[shared_count++];
  size_t gap = (bytes + 127) / 64 * 64; /* up to the next object: its own bytes and at least 64 more */
  *s = {name, shared_arena + shared_used, bytes};
  memset(shared_index + shared_used / 64, shared_count, gap / 64);
  shared_used += gap;
  return s->base;
}

} // namespace

void stop_kernel() {
  /* What the fibers hold is forgotten. */
  for (int i = 0; i < fiber_count; i++) {
    idle[i] = fibers[i];
    prepare(fibers[i], fiber_main);
  }
  idle_count = fiber_count;
  leave();
  __builtin_unreachable();
}

const char *block_name(uint32_t number) {
  static char text[2][48];
  static int turn;
  dim3 at = block_at(number - now.launch);
  turn = !turn;
  snprintf(text[turn], sizeof text[turn], "block %u %u %u", at.x, at.y, at.z);
  return text[turn];
}

const shared_piece *shared_at(const void *p) {
  int i = shared_index[((const char *)p - shared_arena) / 64];
  return i ? &shared_pieces[i - 1] : nullptr;
}

int lane() { return now.lane; }

void barrier(place where) {
  thread *t = &threads[now.thread];
  t->phase = WAITS_AT_BARRIER;
  t->where = where;
  t->mask = 0;
  if (++at_barrier == thread_count) {
    for (int i = 0; i < thread_count; i++)
      if (threads[i].where.line != where.line || threads[i].where.file != where.file) tell_of_deadlock();
    at_barrier = 0;
    now.epoch++;
    for (int i = 0; i < thread_count; i++) make_ready(i);
    for (int w = 0; w * WARP < thread_count; w++) forget_meetings(w);
  }
  wait();
}

namespace {

/* The lanes of the mask are all here: each gets the others' values, and what came before for one did for all. */
void let_meet(int warp, unsigned mask) {
  uint64_t values[WARP] = {};
  uint32_t joint[WARP] = {};
  thread *lanes = &threads[warp * WARP];
  for (int l = 0; l < WARP; l++)
    if (mask >> l & 1) {
      values[l] = lanes[l].bits;
      lanes[l].clock++;
      for (int k = 0; k < WARP; k++) {
        uint32_t m = met[warp * WARP + l][k];
        joint[k] = joint[k] > m ? joint[k] : m;
      }
    }
  for (int l = 0; l < WARP; l++)
    if (mask >> l & 1) joint[l] = lanes[l].clock;
  for (int l = 0; l < WARP; l++)
    if (mask >> l & 1) {
      memcpy(met[warp * WARP + l], joint, sizeof joint);
      memcpy(seen[warp * WARP + l], values, sizeof values);
      make_ready(warp * WARP + l);
    }
  meeting[warp] &= ~mask;
  has_met[warp] = true;
}

const uint64_t *gather(unsigned mask, uint64_t bits, place where) {
  int own = now.thread, warp = now.warp;
  thread *t = &threads[own], *lanes = &threads[warp * WARP];
  int present = thread_count - warp * WARP;
  t->phase = MEETS;
  t->where = where;
  t->mask = mask;
  t->bits = bits;
  const char *slash = strrchr(where.file, '/');
  const char *wrong = !(mask >> now.lane & 1)                  ? "is not in its own mask"
                      : present < WARP && mask >> present != 0 ? "names lanes that the block does not have"
                                                               : nullptr;
  if (wrong) {
    report("kernel %.60s: %s thread %d %s: %08x (%s:%d)", launched->name, block_name(now.serial), own, wrong, mask,
           slash ? slash + 1 : where.file, where.line);
    stop_kernel();
  }
  meeting[warp] |= 1u << now.lane;
  bool all = (meeting[warp] & mask) == mask;
  for (int l = 0; l < WARP && all; l++)
    if (mask >> l & 1)
      all = lanes[l].mask == mask && lanes[l].where.line == where.line && lanes[l].where.file == where.file;
  if (all) let_meet(warp, mask);
  wait();
  return seen[own];
}

} // namespace

void meet(unsigned mask, place where) { gather(mask, 0, where); }

unsigned same(unsigned mask, uint64_t bits, place where) {
  const uint64_t *all = gather(mask, bits, where);
  unsigned lanes = 0;
  for (int l = 0; l < WARP; l++) lanes |= (mask >> l & 1) && all[l] == bits ? 1u << l : 0u;
  return lanes;
}

void collect(float value, float *all, place where) {
  const uint64_t *bits = gather(0xffffffffu, bits_of(value), where);
  for (int l = 0; l < WARP; l++) all[l] = value_of<float>(bits[l]);
}

unsigned votes(unsigned mask, bool vote, place where) {
  unsigned agree = same(mask, vote, where);
  return vote ? agree : mask & ~agree;
}

uint64_t exchange(unsigned mask, uint64_t bits, int from, place where) {
  const uint64_t *all = gather(mask, bits, where);
  if (from < 0) return bits;
  if (!(mask >> from & 1)) {
    const char *slash = strrchr(where.file, '/');
    report("kernel %.60s: %s thread %d shuffles from lane %d, which is not in the mask %08x (%s:%d)", launched->name,
           block_name(now.serial), now.thread, from, mask, slash ? slash + 1 : where.file, where.line);
    stop_kernel();
  }
  return all[from];
}

void *shared(shared_object *o, size_t bytes, const char *name) {
  if (o->serial != now.serial) {
    o->serial = now.serial;
    shared_static += bytes;
    if (shared_static > STATIC_SHARED) {
      report("kernel %.60s: more than %zu bytes of static shared memory: %zu with %s (%zu)", launched->name,
             STATIC_SHARED, shared_static, name, bytes);
      stop_kernel();
    }
    o->at = add_shared(name, bytes);
  }
  return o->at;
}

void *dynamic_shared() {
  static shared_object o;
  if (o.serial != now.serial) {
    o.serial = now.serial;
    o.at = add_shared("(dynamic)", launched->dynamic);
  }
  return o.at;
}

/* HN_CUDA_HOST_FAIL=N: the N-th launch of the process fails, so that what comes then can be tested. */
static bool is_to_fail() {
  static const char *const which = getenv("HN_CUDA_HOST_FAIL");
  static uint64_t launches;
  return which && ++launches == strtoull(which, nullptr, 10);
}

void run_kernel(const work *w) {
  if (is_to_fail()) return report("kernel %.60s: fails because HN_CUDA_HOST_FAIL asks for it", w->name);
  uint64_t n = (uint64_t)w->grid.x * w->grid.y * w->grid.z;
  launched = w;
  thread_count = w->threads;
  blockDim = {(unsigned)w->threads, 1, 1};
  gridDim = {w->grid.x, w->grid.y, w->grid.z};
  now.w = w;
  now.launch = serial + 1;
  now.stack_bytes = STACK;
  unsigned most = (unsigned)(n < 0xffffffffu ? n : 0xffffffffu);
  first_block = draw(most);
  do factor = 1 + draw(most);
  while (common_divisor(factor, n) != 1);
  for (uint64_t i = 0; i < n && !sticky; i++) run_block(block_at(i));
  self = nullptr;
}

} // namespace hn_host
