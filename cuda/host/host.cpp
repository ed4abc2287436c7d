/*
 * The emulation: a block's threads are fibers that run in a random order between barriers.
 */
#include "cuda_runtime.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <map>
#include <vector>

#include "cublas_v2.h"

#include <cblas.h>

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace hn_host {

namespace {

enum state { READY, AT_BARRIER, AT_MEETING, DONE };

struct fiber {
  jmp_buf at;
  char *stack;
};

struct running {
  dim3 index, block;
  enum state state = READY;
  place where = {};
  unsigned mask = 0;
  uint64_t bits = 0;
  uint64_t seen[32];
  fiber *on = nullptr;
};

struct block_state {
  std::vector<running> threads;
  std::map<const void *, std::vector<char>> shared;
  std::vector<char> dynamic;
  const std::function<void()> *body;
};

const size_t STACK = 128 * 1024;
std::vector<fiber *> idle;
block_state *block;
jmp_buf scheduler;
uint64_t state = 1;
char text[512];
cudaError_t sticky = cudaSuccess;

unsigned draw(unsigned n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((state >> 33) % n);
}

running *self;

running *current() { return self; }

void fiber_main() {
  for (;;) {
    (*block->body)();
    running *t = current();
    t->state = DONE;
    idle.push_back(t->on);
    if (_setjmp(t->on->at) == 0) _longjmp(scheduler, 1);
  }
}

void resume(running *t) {
  self = t;
  threadIdx = t->index;
  blockIdx = t->block;
  if (_setjmp(scheduler)) return;
  if (t->on) _longjmp(t->on->at, 1);
  if (!idle.empty()) {
    t->on = idle.back();
    idle.pop_back();
    _longjmp(t->on->at, 1);
  }
  t->on = new fiber;
  t->on->stack = (char *)mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ucontext_t start;
  getcontext(&start);
  start.uc_stack.ss_sp = t->on->stack;
  start.uc_stack.ss_size = STACK;
  start.uc_link = nullptr;
  makecontext(&start, fiber_main, 0);
  setcontext(&start);
}

void wait() {
  if (_setjmp(current()->on->at) == 0) _longjmp(scheduler, 1);
}

bool fail(const char *name, const char *what, const running &t) {
  snprintf(text, sizeof text, "kernel %s: %s: block %u %u %u, thread %u (%s:%d)", name, what, t.block.x, t.block.y,
           t.block.z, t.index.x, t.where.file ? t.where.file : "?", t.where.line);
  sticky = cudaErrorLaunchFailure;
  return false;
}

/* Lets those go on who wait for nobody that is still to come. */
bool release(const char *name) {
  std::vector<running> &all = block->threads;
  size_t waiting = 0;
  for (running &t : all) waiting += t.state == AT_BARRIER;
  if (waiting == all.size()) {
    for (running &t : all) t.state = READY;
    return true;
  }
  bool any = false;
  for (size_t first = 0; first < all.size(); first += 32) {
    size_t n = all.size() - first < 32 ? all.size() - first : 32;
    for (size_t l = 0; l < n; l++) {
      running &t = all[first + l];
      if (t.state != AT_MEETING) continue;
      bool met = true;
      unsigned mask = t.mask & (n == 32 ? 0xffffffffu : (1u << n) - 1);
      for (size_t k = 0; k < n; k++)
        if (mask >> k & 1)
          met = met && all[first + k].state == AT_MEETING && all[first + k].mask == t.mask &&
                all[first + k].where.line == t.where.line;
      if (!met) continue;
      uint64_t bits[32] = {};
      for (size_t k = 0; k < n; k++)
        if (mask >> k & 1) bits[k] = all[first + k].bits;
      for (size_t k = 0; k < n; k++)
        if (mask >> k & 1) {
          memcpy(all[first + k].seen, bits, sizeof bits);
          all[first + k].state = READY;
        }
      any = true;
    }
  }
  for (running &t : all)
    if (!any && t.state != DONE) return fail(name, "divergent barrier or absent lanes", t);
  return any;
}

void run_block(const char *name) {
  for (;;) {
    std::vector<running *> ready;
    bool done = true;
    for (running &t : block->threads) {
      if (t.state == READY) ready.push_back(&t);
      done = done && t.state == DONE;
    }
    if (done) return;
    if (ready.empty()) {
      if (!release(name)) return;
      continue;
    }
    for (size_t i = ready.size(); i > 0; i--) {
      std::swap(ready[i - 1], ready[draw((unsigned)i)]);
      resume(ready[i - 1]);
    }
  }
}

} // namespace

int lane() { return (int)(threadIdx.x & 31); }

void barrier(place where) {
  current()->state = AT_BARRIER;
  current()->where = where;
  wait();
}

const uint64_t *meet(unsigned mask, uint64_t bits, place where) {
  running *t = current();
  t->state = AT_MEETING;
  t->where = where;
  t->mask = mask;
  t->bits = bits;
  wait();
  return t->seen;
}

void *shared(const void *key, size_t bytes, const char *) {
  std::vector<char> &v = block->shared[key];
  if (v.empty()) v.assign(bytes + 64, (char)0xff);
  return (void *)(((uintptr_t)v.data() + 31) & ~(uintptr_t)31);
}
void *dynamic_shared() { return (void *)(((uintptr_t)block->dynamic.data() + 31) & ~(uintptr_t)31); }

uint32_t atomic32(uint32_t *at, const std::function<uint32_t(uint32_t)> &f) {
  uint32_t old = *at;
  *at = f(old);
  return old;
}
uint64_t atomic64(uint64_t *at, const std::function<uint64_t(uint64_t)> &f) {
  uint64_t old = *at;
  *at = f(old);
  return old;
}

cudaError_t allow_shared(const void *, int) { return cudaSuccess; }

cudaError_t launch(const cudaLaunchConfig_t *c, const void *, std::function<void()> body) {
  if (sticky) return sticky;
  if (!c->gridDim.x || !c->gridDim.y || !c->gridDim.z || !c->blockDim.x || c->blockDim.x > 1024)
    return cudaErrorInvalidValue;
  blockDim = c->blockDim;
  gridDim = c->gridDim;
  for (unsigned z = 0; z < c->gridDim.z; z++)
    for (unsigned y = 0; y < c->gridDim.y; y++)
      for (unsigned x = 0; x < c->gridDim.x; x++) {
        block_state b;
        block = &b;
        b.body = &body;
        b.dynamic.assign(c->dynamicSmemBytes + 64, (char)0xff);
        b.threads.resize(c->blockDim.x);
        for (unsigned i = 0; i < c->blockDim.x; i++) {
          b.threads[i].index = dim3(i, 0, 0);
          b.threads[i].block = dim3(x, y, z);
        }
        run_block(c->name);
        block = nullptr;
        self = nullptr;
        if (sticky) return sticky;
      }
  return cudaSuccess;
}

} // namespace hn_host

using namespace hn_host;

const char *cudaGetErrorString(cudaError_t e) {
  switch (e) {
  case cudaSuccess: return "no error";
  case cudaErrorMemoryAllocation: return "out of memory";
  case cudaErrorLaunchFailure: return text;
  default: return "invalid argument";
  }
}
cudaError_t cudaGetLastError() { return sticky; }
cudaError_t cudaGetDeviceCount(int *n) { return *n = 1, cudaSuccess; }
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
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
cudaError_t cudaDriverGetVersion(int *v) { return *v = 13000, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *v) { return *v = 13000, cudaSuccess; }
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int) { return *pool = nullptr, cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t *f, size_t *t) { return *f = *t = (size_t)8 << 30, cudaSuccess; }
cudaError_t cudaDeviceSynchronize() { return sticky; }
cudaError_t cudaMalloc(void **p, size_t bytes) {
  *p = aligned_alloc(256, (bytes + 255) / 256 * 256 + 256);
  return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}
cudaError_t cudaFree(void *p) { return free(p), cudaSuccess; }
cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t) { return cudaMalloc(p, bytes); }
cudaError_t cudaFreeAsync(void *p, cudaStream_t) { return cudaFree(p); }
cudaError_t cudaMallocHost(void **p, size_t bytes) { return cudaMalloc(p, bytes); }
cudaError_t cudaFreeHost(void *p) { return cudaFree(p); }
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  memcpy(to, from, bytes);
  return sticky;
}
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t) {
  memset(to, value, bytes);
  return sticky;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned) { return *s = nullptr, cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return sticky; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) { return *e = nullptr, cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }

cublasStatus_t cublasCreate(cublasHandle_t *h) { return *h = nullptr, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasDestroy(cublasHandle_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetStream(cublasHandle_t, cudaStream_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *, size_t) { return CUBLAS_STATUS_SUCCESS; }
const char *cublasGetStatusString(cublasStatus_t) { return "invalid value"; }
cublasStatus_t cublasSgemm(cublasHandle_t, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                           const float *alpha, const float *a, int lda, const float *b, int ldb, const float *beta,
                           float *c, int ldc) {
  cblas_sgemm(CblasColMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, *alpha, a, lda, b,
              ldb, *beta, c, ldc);
  return CUBLAS_STATUS_SUCCESS;
}
