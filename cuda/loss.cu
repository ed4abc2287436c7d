#include "device.h"

#include <stdio.h>

hn_status hn__cuda_cross_entropy(hn__device *d, int64_t, int64_t, const float *, const int32_t *, float *) {
  snprintf(d->message, sizeof d->message, "cross_entropy is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_cross_entropy_grad(hn__device *d, int64_t, int64_t, const float *, const int32_t *, const float *, float *) {
  snprintf(d->message, sizeof d->message, "cross_entropy_grad is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_soft_cross_entropy(hn__device *d, int64_t, int64_t, float, const float *, const float *, float *) {
  snprintf(d->message, sizeof d->message, "soft_cross_entropy is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_soft_cross_entropy_grad(hn__device *d, int64_t, int64_t, float, const float *, const float *, const float *, float *) {
  snprintf(d->message, sizeof d->message, "soft_cross_entropy_grad is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_loss(hn__device *d, hn__loss, float, int64_t, int64_t, const float *, const float *, float *) {
  snprintf(d->message, sizeof d->message, "loss is not there yet");
  return HN_DEVICE;
}

hn_status hn__cuda_loss_grad(hn__device *d, hn__loss, float, int64_t, int64_t, const float *, const float *, const float *, float *) {
  snprintf(d->message, sizeof d->message, "loss_grad is not there yet");
  return HN_DEVICE;
}
