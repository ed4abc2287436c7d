/* Tensors: contiguous row-major device arrays, views of them, and their gradients' storage. */
#include <stdio.h>
#include <string.h>

#include "core.h"

hn__text hn__shape_text(int dims, const int64_t *shape) {
  hn__text text = {"["};
  size_t length = 1;
  for (int i = 0; i < dims; i++)
    length += (size_t)snprintf(text.s + length, sizeof text.s - length, i ? ", %lld" : "%lld", (long long)shape[i]);
  snprintf(text.s + length, sizeof text.s - length, "]");
  return text;
}

hn_status hn__shape_size(hn_context *context, int dims, const int64_t *shape, int64_t *size) {
  if (dims < 1 || dims > HN_MAX_DIMS)
    return hn__fail(context, HN_SHAPE, "a tensor has 1 to %d dimensions, got %d", HN_MAX_DIMS, dims);
  *size = 1;
  for (int i = 0; i < dims; i++) {
    if (shape[i] < 1)
      return hn__fail(context, HN_SHAPE, "dimension %d of shape %s must be at least 1", i + 1,
                      hn__shape_text(dims, shape).s);
    if (shape[i] > (INT64_MAX / 8) / *size)
      return hn__fail(context, HN_SHAPE, "shape %s is beyond what can be addressed", hn__shape_text(dims, shape).s);
    *size *= shape[i];
  }
  return HN_OK;
}

/* A handle without storage. */
static hn_status make_handle(hn_context *context, hn_dtype dtype, int dims, const int64_t *shape, hn_tensor **out) {
  int64_t size;
  HN_TRY(hn__shape_size(context, dims, shape, &size));
  hn_tensor *tensor = hn__object_new(context, sizeof *tensor);
  if (!tensor) return HN_MEMORY;
  tensor->context = context;
  tensor->refs = 1;
  tensor->dtype = dtype;
  tensor->dims = dims;
  memcpy(tensor->shape, shape, (size_t)dims * sizeof *shape);
  tensor->size = size;
  *out = tensor;
  return HN_OK;
}

/* All bits set: NaN as a float, -1 as an integer. A result that is never written shows. */
static hn_status poison(hn_tensor *tensor) {
  unsigned char bits[4096];
  memset(bits, 0xFF, sizeof bits);
  char *data = tensor->buffer->data;
  for (size_t at = 0, bytes = tensor->buffer->bytes; at < bytes; at += sizeof bits)
    HN_TRY(hn__write(tensor->context, data + at, bits, bytes - at < sizeof bits ? bytes - at : sizeof bits));
  return HN_OK;
}

hn__bounds hn__bounds_of(int64_t n, const int32_t *values) {
  hn__bounds b = {n > 0, n > 0 ? values[0] : 0, n > 0 ? values[0] : 0};
  for (int64_t i = 1; i < n; i++) {
    if (values[i] < b.least) b.least = values[i];
    if (values[i] > b.most) b.most = values[i];
  }
  return b;
}

/* What fills the buffer replaces what was known, a part of it widens that. */
void hn__note_integers(hn_tensor *tensor, int64_t first, int64_t n, hn__bounds bounds) {
  hn__bounds *b = &tensor->buffer->bounds;
  if (tensor->dtype != HN_INT32 || n == 0) return;
  if (tensor->first + first == 0 && (size_t)n * 4 == tensor->buffer->bytes) {
    *b = bounds;
    return;
  }
  b->known = b->known && bounds.known;
  if (bounds.least < b->least) b->least = bounds.least;
  if (bounds.most > b->most) b->most = bounds.most;
}

static hn_status fill_fresh(hn_tensor *tensor, hn__fill fill) {
  hn__note_integers(tensor, 0, tensor->size, (hn__bounds){.known = fill == HN_FILL_ZERO});
  if (fill == HN_FILL_ZERO) return HN_DEVICE_CALL(tensor->context, zero, tensor->buffer->data, tensor->buffer->bytes);
  return tensor->context->debug ? poison(tensor) : HN_OK;
}

hn_status hn__tensor_make(hn_context *context, hn_kind kind, hn_dtype dtype, int dims, const int64_t *shape,
                          hn__fill fill, hn_tensor **out) {
  hn_tensor *tensor;
  HN_TRY(make_handle(context, dtype, dims, shape, &tensor));
  hn_status status = hn__buffer_new(context, kind, tensor, &tensor->buffer);
  if (status == HN_OK) status = fill_fresh(tensor, fill);
  if (status == HN_OK)
    *out = tensor;
  else
    hn_tensor_release(tensor);
  return status;
}

hn_status hn__tensor_view(hn_tensor *source, int64_t first, int dims, const int64_t *shape, hn_tensor **out) {
  HN_TRY(make_handle(source->context, source->dtype, dims, shape, out));
  (*out)->buffer = source->buffer;
  (*out)->buffer->refs++;
  (*out)->first = source->first + first;
  return HN_OK;
}

hn_status hn_tensor_new(hn_context *context, hn_kind kind, hn_dtype dtype, int dims, const int64_t *shape,
                        hn_tensor **out) {
  return hn__tensor_make(context, kind, dtype, dims, shape, HN_FILL_ZERO, out);
}

hn_status hn_buckets_new(hn_context *context, int64_t count, hn_tensor **out) {
  if (count < 1 || count > INT32_MAX)
    return hn__fail(context, HN_ARGUMENT, "a pool has 1 to 2^31-1 buckets, got %lld", (long long)count);
  HN_TRY(hn_tensor_new(context, HN_BUCKETS, HN_FLOAT32, 1, &count, out));
  (*out)->parameter = true;
  return HN_OK;
}

hn_tensor *hn_tensor_retain(hn_tensor *tensor) {
  if (tensor) tensor->refs++;
  return tensor;
}

void hn_tensor_close(hn_tensor *tensor) {
  hn__scope_forget(tensor);
  hn__buffer_release(tensor->buffer);
  tensor->buffer = NULL;
  hn_tensor_release(tensor->grad);
  tensor->grad = NULL;
  tensor->grad_valid = false;
}

void hn_tensor_release(hn_tensor *tensor) {
  if (!tensor || --tensor->refs > 0) return;
  hn_tensor_close(tensor);
  hn__object_free(tensor->context, tensor);
}

hn_context *hn_tensor_context(const hn_tensor *tensor) { return tensor->context; }
hn_dtype hn_tensor_dtype(const hn_tensor *tensor) { return tensor->dtype; }
hn_kind hn_tensor_kind(const hn_tensor *tensor) { return tensor->buffer ? tensor->buffer->kind : HN_DATA; }
int hn_tensor_dims(const hn_tensor *tensor) { return tensor->dims; }
const int64_t *hn_tensor_shape(const hn_tensor *tensor) { return tensor->shape; }
int64_t hn_tensor_size(const hn_tensor *tensor) { return tensor->size; }
bool hn_tensor_closed(const hn_tensor *tensor) { return !tensor->buffer || hn__dry_over(tensor->buffer); }

hn_status hn__tensor_usable(hn_context *context, const hn_tensor *tensor, const char *name) {
  if (!tensor->buffer)
    return hn__fail(context, HN_STATE,
                    "%s (a tensor %s) is closed: it was closed by hand or with the tape or scope that it was made in "
                    "(keep() hands it on)",
                    name, hn__shape_text(tensor->dims, tensor->shape).s);
  if (hn__dry_over(tensor->buffer))
    return hn__fail(context, HN_STATE, "%s (a tensor %s) was made in a dry run (net:memory), which is over", name,
                    hn__shape_text(tensor->dims, tensor->shape).s);
  if (tensor->context != context)
    return hn__fail(context, HN_STATE, "%s (a tensor %s) belongs to another context", name,
                    hn__shape_text(tensor->dims, tensor->shape).s);
  return HN_OK;
}

static hn_status check_range(const hn_tensor *tensor, int64_t first, int64_t count) {
  HN_TRY(hn__tensor_usable(tensor->context, tensor, "the tensor"));
  if (first < 0 || count < 0 || first > tensor->size - count)
    return hn__fail(tensor->context, HN_ARGUMENT, "%lld elements from element %lld on are not within a tensor %s",
                    (long long)count, (long long)first, hn__shape_text(tensor->dims, tensor->shape).s);
  return HN_OK;
}

hn_status hn_tensor_write(hn_tensor *tensor, int64_t first, int64_t count, const void *source) {
  HN_TRY(check_range(tensor, first, count));
  HN_TRY(hn__write(tensor->context, hn__floats(tensor) + first, source, (size_t)count * 4));
  if (tensor->dtype == HN_INT32) hn__note_integers(tensor, first, count, hn__bounds_of(count, source));
  return HN_OK;
}

hn_status hn_tensor_read(const hn_tensor *tensor, int64_t first, int64_t count, void *target) {
  hn_context *context = tensor->context;
  HN_TRY(check_range(tensor, first, count));
  if (tensor->buffer->dry) {
    memset(target, 0, (size_t)count * 4);
    return HN_OK;
  }
  return hn__device_status(
      context, context->backend->read(context->device, target, hn__floats(tensor) + first, (size_t)count * 4));
}

hn_status hn_tensor_copy(hn_tensor *tensor, const hn_tensor *source) {
  hn_context *context = tensor->context;
  HN_TRY(hn__tensor_usable(context, tensor, "the target"));
  HN_TRY(hn__tensor_usable(context, source, "the source"));
  if (tensor->dtype != source->dtype || tensor->size != source->size)
    return hn__fail(context, HN_SHAPE, "cannot copy a tensor %s into %s", hn__shape_text(source->dims, source->shape).s,
                    hn__shape_text(tensor->dims, tensor->shape).s);
  hn__note_integers(tensor, 0, tensor->size, source->buffer->bounds);
  return HN_DEVICE_CALL(context, copy, hn__floats(tensor), hn__floats(source), (size_t)tensor->size * 4);
}

hn_status hn_tensor_parameter(hn_tensor *tensor) {
  HN_TRY(hn__tensor_usable(tensor->context, tensor, "the tensor"));
  if (tensor->dtype != HN_FLOAT32)
    return hn__fail(tensor->context, HN_ARGUMENT, "a parameter must be a float tensor, got an int tensor %s",
                    hn__shape_text(tensor->dims, tensor->shape).s);
  hn__scope_forget(tensor);
  tensor->parameter = true;
  tensor->recorded = 0;
  if (tensor->buffer->kind != HN_BUCKETS) hn__buffer_rename(tensor->buffer, HN_WEIGHTS);
  return HN_OK;
}

bool hn_tensor_is_parameter(const hn_tensor *tensor) { return tensor->parameter; }

hn_tensor *hn_tensor_grad(const hn_tensor *tensor) { return tensor->grad_valid ? tensor->grad : NULL; }

/* In a dry run gradients hold nothing, and one that was there before must stay. */
void hn_tensor_clear_grad(hn_tensor *tensor) {
  if (!tensor->context->dry.run) tensor->grad_valid = false;
}
