/*
 * The CUDA backend: the device, its errors and the table.
 */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HN_CUDA_HOST
#define NAME "cuda-host"
#else
#define NAME "cuda"
#endif

static hn_status fail(hn__device *d, hn_status status, const char *text) {
  snprintf(d->message, sizeof d->message, "%s", text);
  return status;
}

/* Errors after which every call fails until the process ends: an access out of range, a trap, a hang. */
static bool is_lasting(cudaError_t error) {
  return error == cudaErrorIllegalAddress || error == cudaErrorLaunchFailure;
}

hn_status hn__cuda_fail(hn__device *d, cudaError_t error, const char *expression, const char *file, int line) {
  hn__cuda_device *whole = hn__cuda_of(d);
  const char *base = strrchr(file, '/');
  whole->lost = whole->lost || is_lasting(error);
  cudaGetLastError();
  snprintf(d->message, sizeof d->message, "%s: %s (%s:%d)%s", expression, cudaGetErrorString(error),
           base ? base + 1 : file, line, whole->lost ? "; the device is lost to this process" : "");
  return error == cudaErrorMemoryAllocation ? HN_MEMORY : HN_DEVICE;
}

hn_status hn__cuda_blas_fail(hn__device *d, cublasStatus_t error, const char *expression, const char *file, int line) {
  const char *base = strrchr(file, '/');
  snprintf(d->message, sizeof d->message, "%s: %s (%s:%d)", expression, cublasGetStatusString(error),
           base ? base + 1 : file, line);
  return HN_DEVICE;
}

hn_status hn__cuda_usable(hn__device *d) {
  return hn__cuda_of(d)->lost ? fail(d, HN_DEVICE, "the device was lost by an earlier error; start the program again")
                              : HN_OK;
}

static const char *built_with(void) { return NAME; }

static hn_status open_device(const hn_options *options, hn__device **out) {
  hn__cuda_device *whole = (hn__cuda_device *)calloc(1, sizeof *whole);
  hn__device *d = *out = whole ? &whole->base : NULL;
  if (!d) return HN_MEMORY;
  d->threads = 1;
  whole->deterministic = strstr(options->device, "deterministic") != NULL;
  HN_CUDA_TRY(d, cudaSetDevice(whole->ordinal));
  HN_CUDA_TRY(d, cudaGetDeviceProperties(&whole->properties, whole->ordinal));
  whole->capability = 10 * whole->properties.major + whole->properties.minor;
  whole->shared_most = whole->properties.sharedMemPerBlockOptin;
  HN_CUDA_TRY(d, cudaStreamCreateWithFlags(&whole->stream, cudaStreamNonBlocking));
  HN_CUDA_TRY(d, cudaStreamCreateWithFlags(&whole->side, cudaStreamNonBlocking));
  for (int k = 0; k < 2; k++) {
    HN_CUDA_TRY(d, cudaEventCreateWithFlags(&whole->made[k], cudaEventDisableTiming));
    HN_CUDA_TRY(d, cudaEventCreateWithFlags(&whole->used[k], cudaEventDisableTiming));
  }
  HN_CUDA_TRY(d, cudaMalloc(&whole->scratch, HN_CUDA_SCRATCH));
  HN_CUBLAS_TRY(d, cublasCreate(&whole->blas));
  HN_CUBLAS_TRY(d, cublasSetStream(whole->blas, whole->stream));
  snprintf(d->name, sizeof d->name, "%s, %s", NAME, whole->properties.name);
  return HN_OK;
}

static void close_device(hn__device *d) {
  hn__cuda_device *whole = hn__cuda_of(d);
  if (whole->blas) cublasDestroy(whole->blas);
  if (whole->scratch) cudaFree(whole->scratch);
  for (int k = 0; k < 2; k++) {
    if (whole->made[k]) cudaEventDestroy(whole->made[k]);
    if (whole->used[k]) cudaEventDestroy(whole->used[k]);
  }
  if (whole->side) cudaStreamDestroy(whole->side);
  if (whole->stream) cudaStreamDestroy(whole->stream);
  free(whole);
}

static const hn_backend table = {
    .name = NAME,
    .built_with = built_with,
    .open = open_device,
    .close = close_device,
    .alloc = hn__cuda_alloc,
    .free = hn__cuda_free,
    .write = hn__cuda_write,
    .read = hn__cuda_read,
    .copy = hn__cuda_copy,
    .zero = hn__cuda_zero,
    .gemm = hn__cuda_gemm,
    .hashed_workspace = hn__cuda_hashed_workspace,
    .hashed_forward = hn__cuda_hashed_forward,
    .hashed_input_grad = hn__cuda_hashed_input_grad,
    .hashed_bucket_grad = hn__cuda_hashed_bucket_grad,
    .lookup = hn__cuda_lookup,
    .lookup_grad = hn__cuda_lookup_grad,
    .unary = hn__cuda_unary,
    .unary_grad = hn__cuda_unary_grad,
    .binary = hn__cuda_binary,
    .binary_grad = hn__cuda_binary_grad,
    .dropout = hn__cuda_dropout,
    .copy_rows = hn__cuda_copy_rows,
    .reduce = hn__cuda_reduce,
    .spread = hn__cuda_spread,
    .weighted_mean = hn__cuda_weighted_mean,
    .weighted_mean_grad = hn__cuda_weighted_mean_grad,
    .sum_squares = hn__cuda_sum_squares,
    .softmax = hn__cuda_softmax,
    .softmax_grad = hn__cuda_softmax_grad,
    .argmax = hn__cuda_argmax,
    .layer_norm = hn__cuda_layer_norm,
    .layer_norm_grad = hn__cuda_layer_norm_grad,
    .batch_norm = hn__cuda_batch_norm,
    .batch_norm_grad = hn__cuda_batch_norm_grad,
    .cross_entropy = hn__cuda_cross_entropy,
    .cross_entropy_grad = hn__cuda_cross_entropy_grad,
    .soft_cross_entropy = hn__cuda_soft_cross_entropy,
    .soft_cross_entropy_grad = hn__cuda_soft_cross_entropy_grad,
    .loss = hn__cuda_loss,
    .loss_grad = hn__cuda_loss_grad,
    .find_outside = hn__cuda_find_outside,
    .update = hn__cuda_update,
};

extern "C" __attribute__((visibility("default"))) const hn__plugin hn_plugin;
const hn__plugin hn_plugin = {HN_VERSION, sizeof(hn_backend), &table};
