/*
 * Tests of the emulation: kernels and calls with one fault each, which it must report, and good ones, which it must
 * not. A program of its own: faults CASE runs a case, prints the report and exits 1 where there is one; faults alone
 * lists the cases. spec/cuda_host_spec.lua runs them all.
 */
#include <cuda_runtime.h>
#include <mma.h>

#include <stdio.h>
#include <string.h>

#define LAUNCH(stream, blocks, threads, dynamic, kernel, ...)                                                          \
  do {                                                                                                                 \
    cudaLaunchConfig_t config = {dim3(blocks), dim3(threads), dynamic, stream, #kernel};                               \
    check(cudaLaunchKernelEx(&config, kernel, __VA_ARGS__));                                                           \
  } while (0)

static cudaStream_t stream, second;
static float *device; /* 1024 floats, written */
static float *fresh;  /* 1024 floats that nobody wrote */
static float host[1024];
static int status;

static void check(cudaError_t error) {
  if (error == cudaSuccess || status) return;
  printf("%s\n", cudaGetErrorString(error));
  status = 1;
}

static float at(const float *p, int i) {
  float x = 0;
  check(cudaMemcpyAsync(&x, p + i, sizeof x, cudaMemcpyDeviceToHost, stream));
  check(cudaStreamSynchronize(stream));
  return x;
}

static void expect(bool good, const char *what) {
  if (good || status) return;
  printf("wrong result: %s\n", what);
  status = 2;
}

/* -- kernels -- */

template <int N> using floats = float[N];

template <bool BARRIER> __global__ void reversed(float *x) {
  HN_SHARED(floats<64>, buffer);
  buffer[threadIdx.x] = x[threadIdx.x];
  if (BARRIER) __syncthreads();
  x[threadIdx.x] = buffer[63 - threadIdx.x];
}

__global__ void shared_writes(float *x) {
  HN_SHARED(float, one);
  one = 1.0f;
  __syncthreads();
  x[threadIdx.x] = one;
}

template <bool BARRIER> __global__ void warp_turns(float *x) {
  HN_SHARED(floats<32>, buffer);
  float sum = 0;
  for (unsigned i = 0; i < 5; i++) {
    buffer[threadIdx.x] = (float)i;
    __syncwarp();
    sum += buffer[(threadIdx.x + 1) & 31];
    if (BARRIER) __syncwarp();
  }
  x[threadIdx.x] = sum;
}

__global__ void blocks_write(float *x) {
  if (threadIdx.x == 0) x[7] = (float)blockIdx.x;
}

__global__ void blocks_read(float *x) {
  if (blockIdx.x == 0 && threadIdx.x == 0) x[9] = 1.0f;
  if (blockIdx.x == 1 && threadIdx.x == 0) x[10] = x[9];
}

__global__ void plain_and_atomic(float *x) {
  if (threadIdx.x == 0) x[0] = 0.0f;
  atomicAdd(x, 1.0f);
}

__global__ void shared_overrun(float *x, int i) {
  HN_SHARED(floats<64>, buffer);
  buffer[(int)threadIdx.x + i] = 0.0f;
  __syncthreads();
  x[threadIdx.x] = buffer[threadIdx.x];
}

__global__ void dynamic_overrun(float *x) {
  HN_SHARED_DYNAMIC(float, buffer);
  buffer[threadIdx.x] = x[threadIdx.x];
}

__global__ void fill(float *x, int n) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] = 1.0f;
}

__global__ void add_one(float *x) { x[threadIdx.x] += 1.0f; }

__global__ void copy(const float *x, float *y) { y[threadIdx.x] = x[threadIdx.x]; }

__global__ void shared_unwritten(float *x) {
  HN_SHARED(floats<64>, buffer);
  if (threadIdx.x != 5) buffer[threadIdx.x] = 0.0f;
  __syncthreads();
  x[threadIdx.x] = buffer[threadIdx.x];
}

__global__ void divergent(float *x) {
  if (threadIdx.x < 40) __syncthreads();
  x[threadIdx.x] = 0.0f;
}

__global__ void two_places(float *x) {
  if (threadIdx.x < 40)
    __syncthreads();
  else
    __syncthreads();
  x[threadIdx.x] = 0.0f;
}

__global__ void shuffled(float *x, unsigned mask) { x[threadIdx.x] = __shfl_down_sync(mask, x[threadIdx.x], 1); }

__global__ void divergent_shuffle(float *x) {
  if ((threadIdx.x & 31) < 20) x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
}

__global__ void other_mask(float *x) {
  unsigned mask = (threadIdx.x & 31) < 16 ? 0xffffffffu : 0xffff0000u;
  x[threadIdx.x] = (float)__ballot_sync(mask, 1);
}

__global__ void vectors(const float *x, float *y) {
  float4 v = ((const float4 *)x)[threadIdx.x];
  y[threadIdx.x] = v.x + v.w;
}

__global__ void block_sum(const float *x, float *y, int n) {
  HN_SHARED(floats<128>, part);
  float sum = 0;
  for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += (int)(gridDim.x * blockDim.x)) sum += x[i];
  part[threadIdx.x] = sum;
  for (unsigned half = 64; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
  }
  if (threadIdx.x == 0) y[blockIdx.x] = part[0];
}

__global__ void warp_sum(const float *x, float *y) {
  HN_SHARED(floats<4>, part);
  float sum = x[threadIdx.x];
  for (int d = 16; d > 0; d /= 2) sum += __shfl_down_sync(0xffffffffu, sum, (unsigned)d);
  if ((threadIdx.x & 31) == 0) part[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) y[0] = part[0] + part[1] + part[2] + part[3];
}

__global__ void count(float *x, unsigned *n) {
  HN_SHARED(unsigned, own);
  if (threadIdx.x == 0) own = 0;
  __syncthreads();
  atomicAdd(&own, 1u);
  atomicAdd(x, 1.0f);
  __syncthreads();
  if (threadIdx.x == 0) atomicMax(n, own);
}

__global__ void partial_warp(float *x) {
  unsigned mask = blockDim.x - threadIdx.x / 32 * 32 >= 32 ? 0xffffffffu : (1u << (blockDim.x & 31)) - 1;
  unsigned votes = __ballot_sync(mask, 1);
  x[threadIdx.x] = (float)__popc(votes);
}

/* 16 x 8 times 8 x 16, whose columns lie one after the other. */
__global__ void tensor(const float *a, const float *b, float *c) {
  using namespace nvcuda::wmma;
  fragment<matrix_a, 16, 16, 8, precision::tf32, row_major> fa;
  fragment<matrix_b, 16, 16, 8, precision::tf32, col_major> fb;
  fragment<accumulator, 16, 16, 8, float> fc;
  fill_fragment(fc, 1.0f);
  load_matrix_sync(fa, a, 8);
  load_matrix_sync(fb, b, 8);
  for (int i = 0; i < fa.num_elements; i++) fa.x[i] = __float_to_tf32(fa.x[i]);
  for (int i = 0; i < fb.num_elements; i++) fb.x[i] = __float_to_tf32(fb.x[i]);
  mma_sync(fc, fa, fb, fc);
  store_matrix_sync(c, fc, 16, mem_row_major);
}

/* -- cases -- */

static void missing_barrier() { LAUNCH(stream, 1, 64, 0, reversed<false>, device); }
static void shared_race() { LAUNCH(stream, 1, 64, 0, shared_writes, device); }
static void missing_syncwarp() { LAUNCH(stream, 1, 32, 0, warp_turns<false>, device); }
static void global_race() { LAUNCH(stream, 4, 64, 0, blocks_write, device); }
static void global_race_read() { LAUNCH(stream, 2, 32, 0, blocks_read, device); }
static void atomic_race() { LAUNCH(stream, 1, 64, 0, plain_and_atomic, device); }
static void shared_end() { LAUNCH(stream, 1, 64, 0, shared_overrun, device, 1); }
static void shared_start() { LAUNCH(stream, 1, 64, 0, shared_overrun, device, -1); }
static void dynamic_end() { LAUNCH(stream, 1, 64, 252, dynamic_overrun, device); }
static void device_end() { LAUNCH(stream, 9, 128, 0, fill, device, 1025); }
static void device_start() { LAUNCH(stream, 1, 32, 0, fill, device - 1, 32); }
static void shared_uninitialised() { LAUNCH(stream, 1, 64, 0, shared_unwritten, device); }
static void device_uninitialised() { LAUNCH(stream, 1, 64, 0, add_one, fresh); }
static void barrier_divergent() { LAUNCH(stream, 1, 64, 0, divergent, device); }
static void barrier_places() { LAUNCH(stream, 1, 64, 0, two_places, device); }
static void shuffle_absent() { LAUNCH(stream, 1, 48, 0, shuffled, device, 0xffffffffu); }
static void shuffle_exited() { LAUNCH(stream, 1, 64, 0, divergent_shuffle, device); }
static void shuffle_other_mask() { LAUNCH(stream, 1, 32, 0, other_mask, device); }
static void shuffle_not_in_mask() { LAUNCH(stream, 1, 32, 0, shuffled, device, 0x7fffffffu); }
static void misaligned() { LAUNCH(stream, 1, 32, 0, vectors, device + 1, device + 512); }
static void reads_host() { LAUNCH(stream, 1, 32, 0, copy, host, device); }
static void writes_host() { LAUNCH(stream, 1, 32, 0, copy, device, host); }
static void host_reads_device() { host[0] = device[3]; }
static void freed() {
  check(cudaFreeAsync(fresh, stream));
  LAUNCH(stream, 1, 32, 0, fill, fresh, 32);
}
static void freed_twice() {
  check(cudaFree(fresh));
  check(cudaFree(fresh));
}
static void copy_overrun() { check(cudaMemcpyAsync(device + 1, host, sizeof host, cudaMemcpyHostToDevice, stream)); }
static void shared_not_allowed() {
  cudaLaunchConfig_t config = {dim3(1), dim3(64), 64 * 1024, stream, "dynamic_overrun"};
  check(cudaLaunchKernelEx(&config, dynamic_overrun, device));
}
static void default_stream() { LAUNCH(nullptr, 1, 32, 0, add_one, device); }
static void leak() {
  void *p;
  check(cudaMalloc(&p, 100));
}

/* One stream writes, the other reads; the event that orders them is there or not. */
static void across_streams(bool ordered) {
  cudaEvent_t event;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  LAUNCH(stream, 1, 32, 0, fill, fresh, 32);
  check(cudaEventRecord(event, stream));
  if (ordered) check(cudaStreamWaitEvent(second, event, 0));
  LAUNCH(second, 1, 32, 0, copy, fresh, device);
  check(cudaStreamSynchronize(second));
  check(cudaEventDestroy(event));
}
static void missing_event() { across_streams(false); }
static void events() {
  across_streams(true);
  expect(at(device, 31) == 1.0f, "what another stream wrote");
}

static void pinned_copy(bool waits) {
  float *buffer;
  cudaEvent_t event;
  check(cudaMallocHost(&buffer, 128));
  check(cudaEventCreateWithFlags(&event, 0));
  for (int i = 0; i < 32; i++) buffer[i] = 5.0f;
  check(cudaMemcpyAsync(device, buffer, 128, cudaMemcpyHostToDevice, stream));
  check(cudaEventRecord(event, stream));
  if (waits) check(cudaEventSynchronize(event));
  for (int i = 0; i < 32; i++) buffer[i] = 6.0f;
  expect(at(device, 3) == 5.0f, "a pinned buffer was used again before its copy was done");
  check(cudaEventDestroy(event));
  check(cudaFreeHost(buffer));
}
static void pinned_too_early() { pinned_copy(false); }
static void pinned_in_time() { pinned_copy(true); }

static void barriers() {
  LAUNCH(stream, 1, 64, 0, reversed<true>, device);
  expect(at(device, 0) == 63.0f && at(device, 63) == 0.0f, "numbers in reverse");
  LAUNCH(stream, 1, 32, 0, warp_turns<true>, device);
  expect(at(device, 31) == 10.0f, "turns of a warp");
  LAUNCH(stream, 3, 128, 0, block_sum, device + 64, fresh, 640);
  expect(at(fresh, 0) + at(fresh, 1) + at(fresh, 2) == 640.0f * 383.5f, "sum of a block");
  LAUNCH(stream, 1, 128, 0, warp_sum, device + 64, fresh);
  expect(at(fresh, 0) == 128.0f * 127.5f, "sum of warps");
}

static void atomics() {
  check(cudaMemsetAsync(fresh, 0, 8, stream));
  LAUNCH(stream, 5, 96, 0, count, fresh, (unsigned *)fresh + 1);
  expect(at(fresh, 0) == 480.0f, "atomic sum");
  unsigned n = 0;
  check(cudaMemcpyAsync(&n, fresh + 1, 4, cudaMemcpyDeviceToHost, stream));
  expect(n == 96, "atomic maximum");
}

static void vectors_aligned() {
  LAUNCH(stream, 1, 32, 0, vectors, device, device + 512);
  expect(at(device, 513) == 11.0f, "parts of a vector");
}

static void last_warp() {
  LAUNCH(stream, 1, 40, 0, partial_warp, device);
  expect(at(device, 0) == 32.0f && at(device, 39) == 8.0f, "votes of a part of a warp");
}

/* After an error, who opens the device again finds it whole. */
static void again() {
  LAUNCH(stream, 1, 64, 0, add_one, fresh);
  expect(cudaStreamSynchronize(stream) == cudaErrorLaunchFailure, "an error");
  expect(cudaStreamSynchronize(stream) == cudaErrorLaunchFailure, "an error that stays");
  check(cudaFree(fresh));
  check(cudaStreamDestroy(second));
  status = 0;
  check(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
  check(cudaMalloc(&fresh, 4096));
  LAUNCH(second, 1, 64, 0, fill, fresh, 64);
  check(cudaStreamSynchronize(second));
  check(cudaMalloc(&device, 4096));
}

static void tensor_cores() {
  LAUNCH(stream, 1, 32, 0, tensor, device, device + 128, fresh);
  for (int r = 0; r < 16; r++)
    for (int c = 0; c < 16; c += 5) {
      float sum = 1.0f;
      for (int k = 0; k < 8; k++) sum += host[8 * r + k] * host[128 + 8 * c + k];
      expect(at(fresh, 16 * r + c) == sum, "a product of tensor cores");
    }
}

#define CASE(name)                                                                                                     \
  { #name, name }
static const struct {
  const char *name;
  void (*run)();
} cases[] = {
    CASE(missing_barrier),
    CASE(shared_race),
    CASE(missing_syncwarp),
    CASE(global_race),
    CASE(global_race_read),
    CASE(atomic_race),
    CASE(shared_end),
    CASE(shared_start),
    CASE(dynamic_end),
    CASE(device_end),
    CASE(device_start),
    CASE(shared_uninitialised),
    CASE(barrier_divergent),
    CASE(device_uninitialised),
    CASE(barrier_places),
    CASE(shuffle_absent),
    CASE(shuffle_exited),
    CASE(shuffle_other_mask),
    CASE(shuffle_not_in_mask),
    CASE(misaligned),
    CASE(reads_host),
    CASE(writes_host),
    CASE(host_reads_device),
    CASE(freed),
    CASE(freed_twice),
    CASE(copy_overrun),
    CASE(shared_not_allowed),
    CASE(default_stream),
    CASE(leak),
    CASE(missing_event),
    CASE(pinned_too_early),
    CASE(events),
    CASE(pinned_in_time),
    CASE(barriers),
    CASE(atomics),
    CASE(vectors_aligned),
    CASE(last_warp),
    CASE(again),
    CASE(tensor_cores),
};

static void run(void (*test)()) {
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  check(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
  check(cudaMalloc(&device, sizeof host));
  check(cudaMalloc(&fresh, sizeof host));
  for (int i = 0; i < 1024; i++) host[i] = (float)i;
  check(cudaMemcpyAsync(device, host, sizeof host, cudaMemcpyHostToDevice, stream));
  check(cudaStreamSynchronize(stream));
  test();
  check(cudaDeviceSynchronize());
  cudaFree(device);
  if (test != freed) cudaFree(fresh);
  cudaStreamDestroy(second);
  cudaStreamDestroy(stream);
}

int main(int n, char **arguments) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (n < 2)
      printf("%s\n", cases[i].name);
    else if (strcmp(arguments[1], cases[i].name) == 0)
      return run(cases[i].run), status;
  return n < 2 ? 0 : 3;
}
