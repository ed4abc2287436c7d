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
  cudaGetLastError();
  snprintf(d->message, sizeof d->message, "%s: %s (%s:%d)", expression, cudaGetErrorString(error),
           base ? base + 1 : file, line);
  if (is_lasting(error) && !whole->lost) {
    whole->lost = true;
    memcpy(whole->why, d->message, sizeof whole->why);
  }
  return error == cudaErrorMemoryAllocation ? HN_MEMORY : HN_DEVICE;
}

hn_status hn__cuda_blas_fail(hn__device *d, cublasStatus_t error, const char *expression, const char *file, int line) {
  const char *base = strrchr(file, '/');
  snprintf(d->message, sizeof d->message, "%s: %s (%s:%d)", expression, cublasGetStatusString(error),
           base ? base + 1 : file, line);
  return HN_DEVICE;
}

hn_status hn__cuda_usable(hn__device *d) {
  if (hn__cuda_of(d)->lost) {
    snprintf(d->message, sizeof d->message, "the device was lost, and is until the program starts again, by %.430s",
             hn__cuda_of(d)->why);
    return HN_DEVICE;
  }
  HN_CUDA_TRY(d, cudaSetDevice(hn__cuda_of(d)->ordinal));
  return HN_OK;
}

static const char *built_with(void) { return NAME; }

/* -- the device's name: "cuda", "cuda:1", "cuda:1,deterministic,tf32,panel" in any order -- */

typedef struct word {
  const char *text;
  void (*set)(hn__cuda_device *whole);
} word;

static const word words[] = {
    {"deterministic", [](hn__cuda_device *whole) { whole->deterministic = true; }},
    {"tf32", [](hn__cuda_device *whole) { whole->tf32 = true; }},
    {"direct", [](hn__cuda_device *whole) { whole->route = HN_CUDA_ROUTE_DIRECT; }},
    {"tile", [](hn__cuda_device *whole) { whole->route = HN_CUDA_ROUTE_TILE; }},
    {"panel", [](hn__cuda_device *whole) { whole->route = HN_CUDA_ROUTE_PANEL; }},
};

/* One word of `length` letters: a GPU's number, or one of the above. */
static bool take_word(hn__cuda_device *whole, const char *text, size_t length) {
  if (length > 0 && length < 4 && strspn(text, "0123456789") >= length) {
    whole->ordinal = atoi(text);
    return true;
  }
  for (const word &w : words)
    if (strlen(w.text) == length && memcmp(w.text, text, length) == 0) {
      w.set(whole);
      return true;
    }
  return false;
}

static hn_status read_name(hn__device *d, const char *name) {
  const char *at = strchr(name, ':');
  while (at) {
    const char *text = at + 1;
    size_t length = strcspn(text, ",");
    if (!take_word(hn__cuda_of(d), text, length)) {
      snprintf(d->message, sizeof d->message,
               "no device '%s': '%.*s' is neither a GPU's number nor one of deterministic, tf32, direct, tile, panel",
               name, (int)length, text);
      return HN_DEVICE;
    }
    at = text[length] ? text + length : NULL;
  }
  return HN_OK;
}

/* -- opening -- */

/* A driver's or a toolkit's version, such as 13.0. */
typedef struct version {
  int major, minor;
} version;

static version version_of(cudaError_t (*get)(int *)) {
  int number = 0;
  if (get(&number) != cudaSuccess) number = 0;
  return {number / 1000, number % 1000 / 10};
}

/* Says why there is no GPU to use, as a person who wants one needs to know it. */
static hn_status no_gpu(hn__device *d, cudaError_t error) {
  version driver = version_of(cudaDriverGetVersion), own = version_of(cudaRuntimeGetVersion);
  if (driver.major == 0) return fail(d, HN_DEVICE, "no NVIDIA driver is installed");
  if (error == cudaErrorNoDevice) return fail(d, HN_DEVICE, "this machine has no NVIDIA GPU that the driver knows");
  if (error != cudaErrorInsufficientDriver) return hn__cuda_fail(d, error, "looking for GPUs", __FILE__, __LINE__);
  snprintf(d->message, sizeof d->message, "the NVIDIA driver is too old: it knows CUDA %d.%d, this build needs %d.%d",
           driver.major, driver.minor, own.major, own.minor);
  return HN_DEVICE;
}

static hn_status choose_gpu(hn__device *d) {
  hn__cuda_device *whole = hn__cuda_of(d);
  int gpus = 0;
  cudaError_t error = cudaGetDeviceCount(&gpus);
  if (error != cudaSuccess || gpus == 0) return no_gpu(d, error != cudaSuccess ? error : cudaErrorNoDevice);
  if (whole->ordinal >= gpus) {
    snprintf(d->message, sizeof d->message, "no GPU number %d: they count from 0, and there %s %d", whole->ordinal,
             gpus == 1 ? "is" : "are", gpus);
    return HN_DEVICE;
  }
  HN_CUDA_TRY(d, cudaSetDevice(whole->ordinal));
  HN_CUDA_TRY(d, cudaGetDeviceProperties(&whole->properties, whole->ordinal));
  whole->capability = 10 * whole->properties.major + whole->properties.minor;
  whole->shared_most = whole->properties.sharedMemPerBlockOptin;
  return HN_OK;
}

__global__ void clear_kernel(int n, float *p) {
  for (int i = (int)threadIdx.x; i < n; i += (int)blockDim.x) p[i] = 0;
}

/* The first kernel shows whether there is code for this GPU. */
static hn_status try_kernel(hn__device *d) {
  hn__cuda_device *whole = hn__cuda_of(d);
  hn_status status = HN_LAUNCH(d, (hn__cuda_grid{1}), clear_kernel, HN_CUDA_BLOCK, (float *)whole->scratch);
  if (status == HN_OK) HN_CUDA_TRY(d, cudaStreamSynchronize(whole->stream));
  if (status == HN_OK) return HN_OK;
  char reason[sizeof d->message];
  memcpy(reason, d->message, sizeof reason);
  snprintf(d->message, sizeof d->message, "%s (compute capability %d.%d) does not run this build: %.200s",
           whole->properties.name, whole->properties.major, whole->properties.minor, reason);
  return HN_DEVICE;
}

/* Device memory of the backend's own: cuBLAS gets its workspace from us, because it would take more, and because
 * results are only reproducible with one that is its stream's own. */
static hn_status take_own_memory(hn__device *d, int64_t budget) {
  hn__cuda_device *whole = hn__cuda_of(d);
  bool roomy = budget == 0 || budget >= HN_CUDA_ROOMY;
  size_t blas = roomy ? HN_CUDA_BLAS_ROOMY : HN_CUDA_BLAS_SMALL;
  HN_CUDA_TRY(d, cudaMalloc(&whole->scratch, HN_CUDA_SCRATCH));
  HN_CUDA_TRY(d, cudaMalloc(&whole->blas_workspace, blas));
  HN_CUBLAS_TRY(d, cublasCreate(&whole->blas));
  HN_CUBLAS_TRY(d, cublasSetStream(whole->blas, whole->stream));
  HN_CUBLAS_TRY(d, cublasSetWorkspace(whole->blas, whole->blas_workspace, blas));
  HN_CUBLAS_TRY(d, cublasSetMathMode(whole->blas, whole->tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
  d->held = HN_CUDA_SCRATCH + blas;
  return hn__cuda_copies_open(d, roomy);
}

/* The second stream, and the events between it and the first. */
static hn_status open_side(hn__device *d) {
  hn__cuda_device *whole = hn__cuda_of(d);
  HN_CUDA_TRY(d, cudaStreamCreateWithFlags(&whole->side, cudaStreamNonBlocking));
  for (int k = 0; k < 2; k++) {
    HN_CUDA_TRY(d, cudaEventCreateWithFlags(&whole->made[k], cudaEventDisableTiming));
    HN_CUDA_TRY(d, cudaEventCreateWithFlags(&whole->used[k], cudaEventDisableTiming));
  }
  return HN_OK;
}

static hn_status open_device(const hn_options *options, hn__device **out) {
  hn__cuda_device *whole = (hn__cuda_device *)calloc(1, sizeof *whole);
  hn__device *d = *out = whole ? &whole->base : NULL;
  if (!d) return HN_MEMORY;
  d->threads = 1;
  HN_CUDA_CALL(read_name(d, options->device));
  HN_CUDA_CALL(choose_gpu(d));
  HN_CUDA_TRY(d, cudaStreamCreateWithFlags(&whole->stream, cudaStreamNonBlocking));
  HN_CUDA_CALL(open_side(d));
  HN_CUDA_CALL(take_own_memory(d, options->memory));
  HN_CUDA_CALL(try_kernel(d));
  snprintf(d->name, sizeof d->name, "%s:%d, %.60s%s%s", NAME, whole->ordinal, whole->properties.name,
           whole->deterministic ? ", deterministic" : "", whole->tf32 ? ", tf32" : "");
  return HN_OK;
}

/* Also after a failed opening, and after the GPU was lost: then CUDA refuses, and there is nothing left to free. */
static void close_device(hn__device *d) {
  hn__cuda_device *whole = hn__cuda_of(d);
  if (whole->stream) cudaSetDevice(whole->ordinal);
  if (whole->stream) cudaStreamSynchronize(whole->stream);
  hn__cuda_copies_close(d);
  if (whole->blas) cublasDestroy(whole->blas);
  if (whole->blas_workspace) cudaFree(whole->blas_workspace);
  if (whole->scratch) cudaFree(whole->scratch);
  for (int k = 0; k < 2; k++) {
    if (whole->made[k]) cudaEventDestroy(whole->made[k]);
    if (whole->used[k]) cudaEventDestroy(whole->used[k]);
  }
  if (whole->side) cudaStreamDestroy(whole->side);
  if (whole->stream) cudaStreamDestroy(whole->stream);
  cudaGetLastError();
  free(whole);
}

static const hn_backend table = {
    .name = NAME,
    .built_with = built_with,
    .open = open_device,
    .close = close_device,
    .alloc = hn__cuda_alloc,
    .free = hn__cuda_free,
    .begin_write = hn__cuda_begin_write,
    .end_write = hn__cuda_end_write,
    .read = hn__cuda_read,
    .fetch = hn__cuda_fetch,
    .ready = hn__cuda_ready,
    .take = hn__cuda_take,
    .wait = hn__cuda_wait,
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
    .quantize = hn__cuda_quantize,
    .interpolate = hn__cuda_interpolate,
    .interpolate_grad = hn__cuda_interpolate_grad,
    .update = hn__cuda_update,
};

extern "C" __attribute__((visibility("default"))) const hn__plugin hn_plugin;
const hn__plugin hn_plugin = {HN_VERSION, sizeof(hn_backend), &table};
