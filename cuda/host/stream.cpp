/*
 * Streams and events. What goes into a stream waits there, and runs as late as a synchronisation allows or at some random
 * moment before, in any order that streams and events allow: so an event that is missing shows, and a host's buffer that
 * is used again too early as well.
 *
 * An error belongs to the streams that were there when it happened: they are lost, as a process' GPU would be, and give
 * the report to whoever asks. Streams that are made later work.
 */
#include "emulation.h"

#include <stdio.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct hn_host_event {
  uint64_t issued, done; /* the last record that was asked for, and the last that ran */
};

/* One thing to do. */
struct work {
  std::function<bool()> run; /* false if something was reported */
  hn_host_event *waits;      /* for this event, or NULL, */
  uint64_t record;           /* for this record of it */
};

struct hn_host_stream {
  std::deque<work> queue;
  std::string failed;
};

namespace hn_host {

constexpr size_t LONGEST = 2000; /* work that waits in a stream */

static std::vector<hn_host_stream *> streams;
static std::unordered_map<const void *, int> allowed; /* dynamic shared memory of kernels */
static uint64_t records;
static thread_local char last_text[512];

bool is_pinned(const void *p);
void *allocate_device(size_t bytes);
bool free_device(void *p);

/* Something was reported: no stream that is there goes on. */
static void lose_streams() {
  for (hn_host_stream *s : streams) {
    if (s->failed.empty()) s->failed = reported();
    s->queue.clear();
  }
  forget_report();
}

static cudaError_t state_of(const hn_host_stream *s) {
  if (reported()) lose_streams();
  if (s->failed.empty()) return cudaSuccess;
  snprintf(last_text, sizeof last_text, "%s", s->failed.c_str());
  return cudaErrorLaunchFailure;
}

static bool can_run(const hn_host_stream *s) {
  if (s->queue.empty()) return false;
  const work &w = s->queue.front();
  return !w.waits || w.waits->done >= w.record;
}

/* Runs the first work of some stream. False if none can. */
static bool run_one() {
  std::vector<hn_host_stream *> able;
  for (hn_host_stream *s : streams)
    if (can_run(s)) able.push_back(s);
  if (able.empty()) return false;
  hn_host_stream *s = able[draw((unsigned)able.size())];
  work w = std::move(s->queue.front());
  s->queue.pop_front();
  if (w.run && !w.run()) lose_streams();
  return true;
}

template <typename Condition> static void run_until(Condition enough) {
  while (!enough())
    if (!run_one()) {
      report("streams wait for each other's events");
      lose_streams();
      return;
    }
}

static cudaError_t put(hn_host_stream *s, work w) {
  if (!s) return cudaErrorInvalidValue;
  if (state_of(s) != cudaSuccess) return state_of(s);
  s->queue.push_back(std::move(w));
  if (draw(8) == 0) run_one();
  if (s->queue.size() > LONGEST) run_until([s] { return s->queue.empty(); });
  return state_of(s);
}

static cudaError_t put(hn_host_stream *s, std::function<bool()> run) { return put(s, work{std::move(run), nullptr, 0}); }

cudaError_t in_stream(cudaStream_t s, std::function<bool()> run) {
  HN_HOST_LOCK;
  return put(s, std::move(run));
}

cudaError_t allow_shared(const void *kernel, int bytes) {
  HN_HOST_LOCK;
  if (bytes < 0 || bytes > 99 * 1024) return cudaErrorInvalidValue;
  allowed[kernel] = bytes;
  return cudaSuccess;
}

cudaError_t launch(const cudaLaunchConfig_t *config, const void *kernel, const call &what) {
  HN_HOST_LOCK;
  const dim3 &g = config->gridDim, &b = config->blockDim;
  size_t most = allowed.count(kernel) ? (size_t)allowed[kernel] : 48 * 1024;
  bool good = g.x > 0 && g.y > 0 && g.z > 0 && g.y <= 65535 && g.z <= 65535 && b.x > 0 && b.x <= 1024 && b.y == 1 &&
              b.z == 1 && config->dynamicSmemBytes <= most;
  if (!good) return cudaErrorInvalidValue;
  std::shared_ptr<call> copy = std::make_shared<call>(what);
  cudaLaunchConfig_t c = *config;
  return put(config->stream, [c, copy] { return run_kernel(c, *copy); });
}

} // namespace hn_host

using namespace hn_host;

const char *cudaGetErrorString(cudaError_t e) {
  switch (e) {
  case cudaSuccess: return "no error";
  case cudaErrorMemoryAllocation: return "out of memory";
  case cudaErrorLaunchFailure: return last_text;
  case cudaErrorInvalidDevice: return "invalid device ordinal";
  default: return "invalid argument";
  }
}

cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaGetDeviceCount(int *n) { return *n = 1, cudaSuccess; }
cudaError_t cudaSetDevice(int ordinal) { return ordinal == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaDriverGetVersion(int *v) { return *v = 13000, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *v) { return *v = 13000, cudaSuccess; }

/* A small GPU of capability 8.0, so that work is split over blocks even where there is little. */
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
  *p = {};
  snprintf(p->name, sizeof p->name, "host emulation");
  p->totalGlobalMem = (size_t)8 << 30;
  p->sharedMemPerBlockOptin = 99 * 1024;
  p->major = 8;
  p->minor = 0;
  p->multiProcessorCount = 4;
  p->l2CacheSize = 1 << 20;
  return cudaSuccess;
}

/* -- streams -- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  HN_HOST_LOCK;
  if (reported()) lose_streams();
  *stream = new hn_host_stream;
  streams.push_back(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t s) {
  HN_HOST_LOCK;
  run_until([s] { return s->queue.empty(); });
  return state_of(s);
}

cudaError_t cudaStreamDestroy(cudaStream_t s) {
  HN_HOST_LOCK;
  cudaStreamSynchronize(s);
  for (size_t i = 0; i < streams.size(); i++)
    if (streams[i] == s) streams.erase(streams.begin() + (long)i);
  delete s;
  if (streams.empty()) note_streams_gone();
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  HN_HOST_LOCK;
  run_until([] {
    for (hn_host_stream *s : streams)
      if (!s->queue.empty()) return false;
    return true;
  });
  return cudaSuccess;
}

/* -- events -- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  HN_HOST_LOCK;
  *event = new hn_host_event{};
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  HN_HOST_LOCK;
  cudaDeviceSynchronize(); /* CUDA keeps it until then as well */
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t s) {
  HN_HOST_LOCK;
  uint64_t record = event->issued = ++records;
  return put(s, [event, record] {
    event->done = record;
    return true;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t event, unsigned) {
  HN_HOST_LOCK;
  return put(s, work{nullptr, event, event->issued});
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  HN_HOST_LOCK;
  run_until([event] {
    bool waiting = false; /* lost streams have forgotten the record */
    for (hn_host_stream *s : streams) waiting = waiting || !s->queue.empty();
    return event->done >= event->issued || !waiting;
  });
  for (hn_host_stream *s : streams)
    if (state_of(s) != cudaSuccess && event->done < event->issued) return state_of(s);
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  HN_HOST_LOCK;
  if (event->done < event->issued) run_one();
  return event->done >= event->issued ? cudaSuccess : cudaErrorNotReady;
}

/* -- memory in order with streams -- */

cudaError_t cudaMalloc(void **p, size_t bytes) {
  HN_HOST_LOCK;
  *p = allocate_device(bytes);
  return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t s) {
  HN_HOST_LOCK;
  if (state_of(s) != cudaSuccess) return state_of(s);
  return cudaMalloc(p, bytes);
}

cudaError_t cudaFree(void *p) {
  HN_HOST_LOCK;
  cudaDeviceSynchronize();
  return free_device(p) ? cudaSuccess : cudaErrorInvalidValue;
}

/* Also of a lost stream, so that nothing is taken for a leak. */
cudaError_t cudaFreeAsync(void *p, cudaStream_t s) {
  HN_HOST_LOCK;
  if (state_of(s) != cudaSuccess) return free_device(p), state_of(s);
  return put(s, [p] { return free_device(p); });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int) { return *pool = nullptr, cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }

static bool copy_now(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
  if (kind != cudaMemcpyDeviceToHost && !expect_device("a copy's target", to, bytes)) return false;
  if (kind != cudaMemcpyHostToDevice && !expect_device("a copy's source", from, bytes)) return false;
  memmove(to, from, bytes);
  if (kind == cudaMemcpyHostToDevice) set_state(to, bytes, WRITTEN);
  if (kind == cudaMemcpyDeviceToDevice) copy_state(to, from, bytes);
  return true;
}

/* From pageable memory CUDA takes the bytes at once, to pageable memory it waits. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t s) {
  HN_HOST_LOCK;
  if (kind == cudaMemcpyHostToDevice && !is_pinned(from)) {
    auto copy = std::make_shared<std::vector<char>>((const char *)from, (const char *)from + bytes);
    return put(s, [=] { return copy_now(to, copy->data(), bytes, kind); });
  }
  cudaError_t error = put(s, [=] { return copy_now(to, from, bytes, kind); });
  if (error != cudaSuccess || kind != cudaMemcpyDeviceToHost || is_pinned(to)) return error;
  return cudaStreamSynchronize(s);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t s) {
  HN_HOST_LOCK;
  return put(s, [=] {
    if (!expect_device("a memset's target", to, bytes)) return false;
    memset(to, value, bytes);
    set_state(to, bytes, WRITTEN);
    return true;
  });
}
