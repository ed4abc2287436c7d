#include "device.h"

#include <stdio.h>

hn_status hn__cuda_reduce(hn__device *d, int64_t, int64_t, int64_t, float, const float *, float *) {
  snprintf(d->message, sizeof d->message, "reduce is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_spread(hn__device *d, int64_t, int64_t, int64_t, float, const float *, float *) {
  snprintf(d->message, sizeof d->message, "spread is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_weighted_mean(hn__device *d, int64_t, const float *, const float *, float *, float *) {
  snprintf(d->message, sizeof d->message, "weighted_mean is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_weighted_mean_grad(hn__device *d, int64_t, const float *, const float *, const float *, float *) {
  snprintf(d->message, sizeof d->message, "weighted_mean_grad is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_sum_squares(hn__device *d, int64_t, const float *, double *) {
  snprintf(d->message, sizeof d->message, "sum_squares is not there yet");
  return HN_DEVICE;
}
