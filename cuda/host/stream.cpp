/*
 * Streams: queues of work that runs late, when the host waits for something, and in a random order among the streams.
 * An order that the program did not ask for, with an event or a synchronisation, will not hold for long.
 */
#include "host.h"

#include <time.h>
#include <unistd.h>

struct hn_host_event {
  uint64_t recorded, reached; /* how often it was put into a stream, and the last of these that the stream came to */
  struct timespec at;
};

namespace {

struct wait_for {
  hn_host_event *event;
  uint64_t number;
};

struct item {
  hn_host::item_function *run; /* NULL: waits for an event */
  size_t bytes;                /* of the payload, which follows */
};

} // namespace

struct hn_host_stream {
  char *queue;
  size_t head, tail, capacity;
  hn_host_stream *next;
};

namespace hn_host {

namespace {

const size_t LONGEST = 1 << 20; /* bytes of a queue: then it is run */
const size_t STAGED = 1 << 16;  /* bytes of a copy from pageable memory that are kept for later */

hn_host_stream *streams;

size_t rounded(size_t n) { return (n + 15) & ~(size_t)15; }

/* Runs the stream's first item; false if there is none or it waits. After an error only memory is freed. */
bool step(hn_host_stream *s) {
  if (s->head == s->tail) return false;
  item *i = (item *)(s->queue + s->head);
  void *payload = s->queue + s->head + rounded(sizeof *i);
  wait_for *w = (wait_for *)payload;
  if (!i->run && !sticky && w->event->reached < w->number) return false;
  if (i->run && (!sticky || i->run == run_free)) i->run(payload);
  s->head += rounded(sizeof *i) + rounded(i->bytes);
  if (s->head == s->tail) s->head = s->tail = 0;
  return true;
}

/* One step of some stream. */
bool step_any() {
  unsigned n = 0;
  for (hn_host_stream *s = streams; s; s = s->next) n++;
  if (n == 0) return false;
  unsigned first = n > 1 ? draw(n) : 0;
  for (unsigned k = 0; k < n; k++) {
    hn_host_stream *s = streams;
    for (unsigned i = (first + k) % n; i > 0; i--) s = s->next;
    if (step(s)) return true;
  }
  return false;
}

void finish(hn_host_stream *s) {
  while (s->head != s->tail && step_any()) {
  }
}

/* Arguments of copies and fills. */
struct copy {
  void *to;
  const void *from;
  size_t bytes;
  cudaMemcpyKind kind;
};
struct fill {
  void *to;
  int value;
  size_t bytes;
};

void run_copy(void *payload) {
  copy *c = (copy *)payload;
  bool reads = c->kind != cudaMemcpyHostToDevice, writes = c->kind != cudaMemcpyDeviceToHost;
  if (reads && !check_range("cudaMemcpy", "reads", c->from, c->bytes)) return;
  if (writes && !check_range("cudaMemcpy", "writes", c->to, c->bytes)) return;
  memcpy(c->to, c->from, c->bytes);
  if (reads && writes)
    copy_written(c->to, c->from, c->bytes);
  else if (writes)
    mark_written(c->to, c->bytes);
}

void run_staged(void *payload) {
  copy c = *(copy *)payload;
  c.from = (char *)payload + sizeof c;
  run_copy(&c);
}

void run_fill(void *payload) {
  fill *f = (fill *)payload;
  if (!check_range("cudaMemset", "writes", f->to, f->bytes)) return;
  memset(f->to, f->value, f->bytes);
  mark_written(f->to, f->bytes);
}

void run_launch(void *payload) {
  work *w = (work *)payload;
  w->closure = (char *)payload + rounded(sizeof *w);
  run_kernel(w);
}

void run_record(void *payload) {
  wait_for *w = (wait_for *)payload;
  if (w->event->reached < w->number) w->event->reached = w->number;
  clock_gettime(CLOCK_MONOTONIC, &w->event->at);
}

/* Room for an item at the end of the queue. */
void *append(hn_host_stream *s, item_function *run, size_t bytes) {
  size_t all = rounded(sizeof(item)) + rounded(bytes);
  if (s->tail + all > LONGEST) finish(s);
  if (s->tail + all > s->capacity) {
    size_t capacity = 2 * (s->tail + all) + 4096;
    char *queue = (char *)realloc(s->queue, capacity);
    if (!queue) return nullptr;
    s->queue = queue;
    s->capacity = capacity;
  }
  item *i = (item *)(s->queue + s->tail);
  *i = {run, bytes};
  s->tail += all;
  return (char *)i + rounded(sizeof *i);
}

} // namespace

void drain() {
  while (step_any()) {
  }
}

cudaError_t enqueue(cudaStream_t s, item_function *run, const void *payload, size_t bytes) {
  if (sticky) return sticky;
  if (!s) return report("work in the default stream, which nobody waits for"), sticky;
  void *room = append(s, run, bytes);
  if (!room) return cudaErrorMemoryAllocation;
  memcpy(room, payload, bytes);
  return cudaSuccess;
}

cudaError_t launch(const cudaLaunchConfig_t *c, const void *kernel, body_function *body, const void *closure,
                   size_t bytes) {
  lock held;
  if (sticky) return sticky;
  if (!c->gridDim.x || !c->gridDim.y || !c->gridDim.z || c->gridDim.x > 0x7fffffff || c->gridDim.y > 65535 ||
      c->gridDim.z > 65535 || !c->blockDim.x || c->blockDim.x > THREADS || c->blockDim.y != 1 || c->blockDim.z != 1 ||
      c->dynamicSmemBytes > shared_allowed(kernel) || bytes > 4096)
    return cudaErrorInvalidValue;
  if (!c->stream) return report("kernel %.60s: launched in the default stream", c->name), sticky;
  work w = {c->name, c->gridDim, (int)c->blockDim.x, c->dynamicSmemBytes, body, nullptr, bytes};
  char *room = (char *)append(c->stream, run_launch, rounded(sizeof w) + bytes);
  if (!room) return cudaErrorMemoryAllocation;
  memcpy(room, &w, sizeof w);
  memcpy(room + rounded(sizeof w), closure, bytes);
  return cudaSuccess;
}

} // namespace hn_host

using namespace hn_host;

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  lock held;
  copy c = {to, from, bytes, kind};
  bool pageable =
      (kind == cudaMemcpyHostToDevice && !is_pinned(from)) || (kind == cudaMemcpyDeviceToHost && !is_pinned(to));
  if (sticky) return sticky;
  if (!stream) return report("cudaMemcpyAsync in the default stream"), sticky;
  if (bytes == 0) return cudaSuccess;
  if (!pageable) return enqueue(stream, run_copy, &c, sizeof c);
  if (kind == cudaMemcpyHostToDevice && bytes <= STAGED) {
    char *room = (char *)append(stream, run_staged, sizeof c + bytes);
    if (!room) return cudaErrorMemoryAllocation;
    memcpy(room, &c, sizeof c);
    memcpy(room + sizeof c, from, bytes);
    return cudaSuccess;
  }
  finish(stream);
  if (!sticky) run_copy(&c);
  return sticky;
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
  lock held;
  fill f = {to, value, bytes};
  return bytes ? enqueue(stream, run_fill, &f, sizeof f) : sticky;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  lock held;
  copy c = {to, from, bytes, kind};
  drain();
  if (!sticky && bytes) run_copy(&c);
  return sticky;
}

cudaError_t cudaMemset(void *to, int value, size_t bytes) {
  lock held;
  fill f = {to, value, bytes};
  drain();
  if (!sticky && bytes) run_fill(&f);
  return sticky;
}

cudaError_t cudaDeviceSynchronize() {
  lock held;
  drain();
  return sticky;
}

/* A device that failed is whole again for who opens it anew. */
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned) {
  lock held;
  drain();
  sticky = cudaSuccess;
  *out = (cudaStream_t)calloc(1, sizeof **out);
  if (!*out) return cudaErrorMemoryAllocation;
  (*out)->next = streams;
  streams = *out;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t s) {
  lock held;
  finish(s);
  hn_host_stream **link = &streams;
  while (*link && *link != s) link = &(*link)->next;
  if (!*link) return cudaErrorInvalidValue;
  *link = s->next;
  free(s->queue);
  free(s);
  if (!streams && live_allocations() > 0)
    fprintf(stderr, "cuda/host: a leak: %d device allocations live when the last stream ends\n", live_allocations());
  return sticky;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  lock held;
  finish(s);
  return sticky;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) {
  lock held;
  wait_for w = {e, e->recorded};
  return enqueue(s, nullptr, &w, sizeof w);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) {
  *e = (cudaEvent_t)calloc(1, sizeof **e);
  return *e ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaEventCreate(cudaEvent_t *e) { return cudaEventCreateWithFlags(e, 0); }

cudaError_t cudaEventDestroy(cudaEvent_t e) {
  lock held;
  drain(); /* streams may still wait for it */
  free(e);
  return sticky;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) {
  lock held;
  wait_for w = {e, ++e->recorded};
  return enqueue(s, run_record, &w, sizeof w);
}

cudaError_t cudaEventSynchronize(cudaEvent_t e) {
  lock held;
  while (e->reached < e->recorded && step_any()) {
  }
  return sticky;
}

cudaError_t cudaEventQuery(cudaEvent_t e) {
  lock held;
  if (e->reached < e->recorded && draw(2)) step_any();
  if (sticky) return sticky;
  return e->reached < e->recorded ? cudaErrorNotReady : cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t a, cudaEvent_t b) {
  lock held;
  *ms = (float)(b->at.tv_sec - a->at.tv_sec) * 1e3f + (float)(b->at.tv_nsec - a->at.tv_nsec) * 1e-6f;
  return sticky;
}
