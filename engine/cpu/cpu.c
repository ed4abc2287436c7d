/*
 * The CPU backend: the device, its memory and the table.
 */
#define _GNU_SOURCE /* sched_getaffinity; NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#include "kernels.h"

#include <cblas.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Those that this process may run on: batch systems give a job some of a machine's. */
static int processors(void) {
#ifdef __linux__
  cpu_set_t some;
  if (sched_getaffinity(0, sizeof some, &some) == 0) return CPU_COUNT(&some);
#endif
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 1 ? (int)n : 1;
}

/* The levels of SIMD, best first. */
static const hn__cpu_kernels *const levels[] = {
#if defined(__x86_64__)
    &hn__cpu_avx512, &hn__cpu_avx2,
#endif
    &hn__cpu_plain};
#define LEVELS ((int)(sizeof levels / sizeof *levels))

static bool runs_here(const hn__cpu_kernels *kernels) {
#if defined(__x86_64__)
  if (kernels == &hn__cpu_avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (kernels == &hn__cpu_avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return kernels == &hn__cpu_plain;
}

const hn__cpu_kernels *hn__cpu_best_kernels(void) {
  int i = 0;
  while (!runs_here(levels[i])) i++;
  return levels[i];
}

/* The best level, or the one that a device such as "cpu:avx2" names. */
static hn_status choose_kernels(hn__cpu_device *whole, const char *device) {
  const char *colon = device ? strchr(device, ':') : NULL;
  char there[64] = "";
  for (int i = 0; i < LEVELS; i++) {
    if (!runs_here(levels[i])) continue;
    if (!colon || strcmp(colon + 1, levels[i]->name) == 0) {
      whole->kernels = levels[i];
      return HN_OK;
    }
    snprintf(there + strlen(there), sizeof there - strlen(there), ", cpu:%s", levels[i]->name);
  }
  snprintf(whole->base.message, sizeof whole->base.message, "no device '%s' here; there is: cpu%s", device, there);
  return HN_DEVICE;
}

/* One thread a processor unless told otherwise. */
static hn_status open_device(const hn_options *options, hn__device **out) {
  hn__cpu_device *whole = calloc(1, sizeof *whole);
  hn__device *d = *out = whole ? &whole->base : NULL;
  if (!d) return HN_MEMORY;
  hn_status status = choose_kernels(whole, options->device);
  if (status != HN_OK) return status;
  d->threads = options->threads > 0 ? options->threads : processors();
  whole->pool = hn__cpu_pool_new(d->threads);
  whole->keeps = !options->debug;
  whole->serial = options->debug ? 0 : HN_CPU_SERIAL;
  snprintf(d->name, sizeof d->name, "cpu, %d thread%s, %s", d->threads, d->threads == 1 ? "" : "s",
           whole->kernels->name);
  return HN_OK;
}

static void close_device(hn__device *d) {
  hn__cpu_free_kept(d);
  hn__cpu_pool_free(((hn__cpu_device *)d)->pool);
  free(d);
}

/* OpenBLAS names its version and the kernel that it chose for this processor. */
static const char *built_with(void) { return openblas_get_config(); }

/* Pointers of empty arrays may be NULL, which memcpy does not take. */
static hn_status copy_bytes(hn__device *d, void *dst, const void *src, size_t bytes) {
  (void)d;
  if (bytes) memcpy(dst, src, bytes);
  return HN_OK;
}

/* Device memory is host memory, so what is to be written goes where it belongs at once. */
static hn_status begin_write(hn__device *d, void *dst, size_t *bytes, void **host) {
  (void)d;
  (void)bytes;
  *host = dst;
  return HN_OK;
}

static hn_status end_write(hn__device *d, void *dst, size_t bytes) {
  (void)d;
  (void)dst;
  (void)bytes;
  return HN_OK;
}

/* What was fetched, in full: nothing here is to be waited for. */
typedef struct ticket {
  size_t bytes;
  char data[];
} ticket;

static hn_status fetch(hn__device *d, const void *src, size_t bytes, void **out) {
  ticket *t = *out = malloc(sizeof *t + bytes);
  if (!t) {
    snprintf(d->message, sizeof d->message, "no memory for %zu bytes on the host", bytes);
    return HN_MEMORY;
  }
  t->bytes = bytes;
  return copy_bytes(d, t->data, src, bytes);
}

static bool ready(hn__device *d, const void *t) {
  (void)d;
  (void)t;
  return true;
}

static hn_status take(hn__device *d, void *argument, void *host) {
  ticket *t = argument;
  (void)d;
  if (host) memcpy(host, t->data, t->bytes);
  free(t);
  return HN_OK;
}

static hn_status wait_for_nothing(hn__device *d) {
  (void)d;
  return HN_OK;
}

static hn_status zero_bytes(hn__device *d, void *dst, size_t bytes) {
  (void)d;
  if (bytes) memset(dst, 0, bytes);
  return HN_OK;
}

/* Reports the first id that a table of `limit` rows does not have. */
hn_status hn__cpu_find_outside(hn__device *d, const int32_t *ids, int64_t n, int64_t limit, int64_t *host) {
  (void)d;
  int64_t i = 0;
  while (i < n && ids[i] >= 0 && ids[i] < limit) i++;
  *host = i < n ? i : -1;
  return HN_OK;
}

const hn_backend hn__cpu_backend = {
    .name = "cpu",
    .built_with = built_with,
    .open = open_device,
    .close = close_device,
    .alloc = hn__cpu_alloc,
    .free = hn__cpu_free,
    .begin_write = begin_write,
    .end_write = end_write,
    .read = copy_bytes,
    .fetch = fetch,
    .ready = ready,
    .take = take,
    .wait = wait_for_nothing,
    .copy = copy_bytes,
    .zero = zero_bytes,
    .gemm = hn__cpu_gemm,
    .hashed_workspace = hn__cpu_hashed_workspace,
    .hashed_forward = hn__cpu_hashed_forward,
    .hashed_input_grad = hn__cpu_hashed_input_grad,
    .hashed_bucket_grad = hn__cpu_hashed_bucket_grad,
    .lookup = hn__cpu_lookup,
    .lookup_grad = hn__cpu_lookup_grad,
    .unary = hn__cpu_unary,
    .unary_grad = hn__cpu_unary_grad,
    .binary = hn__cpu_binary,
    .binary_grad = hn__cpu_binary_grad,
    .dropout = hn__cpu_dropout,
    .copy_rows = hn__cpu_copy_rows,
    .reduce = hn__cpu_reduce,
    .spread = hn__cpu_spread,
    .weighted_mean = hn__cpu_weighted_mean,
    .weighted_mean_grad = hn__cpu_weighted_mean_grad,
    .sum_squares = hn__cpu_sum_squares,
    .softmax = hn__cpu_softmax,
    .softmax_grad = hn__cpu_softmax_grad,
    .argmax = hn__cpu_argmax,
    .layer_norm = hn__cpu_layer_norm,
    .layer_norm_grad = hn__cpu_layer_norm_grad,
    .batch_norm = hn__cpu_batch_norm,
    .batch_norm_grad = hn__cpu_batch_norm_grad,
    .cross_entropy = hn__cpu_cross_entropy,
    .cross_entropy_grad = hn__cpu_cross_entropy_grad,
    .soft_cross_entropy = hn__cpu_soft_cross_entropy,
    .soft_cross_entropy_grad = hn__cpu_soft_cross_entropy_grad,
    .loss = hn__cpu_loss,
    .loss_grad = hn__cpu_loss_grad,
    .find_outside = hn__cpu_find_outside,
    .quantize = hn__cpu_quantize,
    .interpolate = hn__cpu_interpolate,
    .interpolate_grad = hn__cpu_interpolate_grad,
    .update = hn__cpu_update,
};
