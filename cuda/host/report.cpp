/*
 * Errors, and the seed of all random orders.
 */
#include "host.h"

#include <pthread.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

namespace hn_host {

cudaError_t sticky = cudaSuccess;

namespace {

pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
char text[400];
uint64_t seed, state;

void choose_seed() {
  const char *given = getenv("HN_CUDA_HOST_SEED");
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  seed = given ? strtoull(given, NULL, 10) : ((uint64_t)now.tv_nsec ^ (uint64_t)getpid() << 16) % 1000000000;
  state = (seed + 1) * 0x9e3779b97f4a7c15u;
}

} // namespace

lock::lock() { pthread_mutex_lock(&mutex); }
lock::~lock() { pthread_mutex_unlock(&mutex); }

void report(const char *format, ...) {
  if (sticky) return;
  sticky = cudaErrorLaunchFailure;
  if (!state) choose_seed();
  va_list list;
  va_start(list, format);
  int n = vsnprintf(text, sizeof text - 40, format, list);
  va_end(list);
  size_t end = n < 0 ? 0 : (size_t)n < sizeof text - 40 ? (size_t)n : sizeof text - 41;
  snprintf(text + end, sizeof text - end, "; HN_CUDA_HOST_SEED=%llu", (unsigned long long)seed);
  if (getenv("HN_CUDA_HOST_LOUD")) fprintf(stderr, "%s\n", text);
  lose_memory();
}

unsigned draw(unsigned n) {
  if (!state) choose_seed();
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((state >> 32) * n >> 32);
}

} // namespace hn_host

using namespace hn_host;

const char *cudaGetErrorName(cudaError_t e) {
  switch (e) {
  case cudaSuccess: return "cudaSuccess";
  case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
  case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
  case cudaErrorNotReady: return "cudaErrorNotReady";
  default: return "cudaErrorInvalidValue";
  }
}

const char *cudaGetErrorString(cudaError_t e) {
  switch (e) {
  case cudaSuccess: return "no error";
  case cudaErrorMemoryAllocation: return "out of memory";
  case cudaErrorLaunchFailure: return text;
  case cudaErrorNotReady: return "device not ready";
  default: return "invalid argument";
  }
}

cudaError_t cudaGetLastError() { return sticky; }
