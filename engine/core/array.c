/* Host arrays: samples and lists of sample numbers in host memory, from which minibatches are gathered to the device. */
#include <stdlib.h>
#include <string.h>

#include "core.h"

/* Storage shared by an array and its slices. */
typedef struct storage {
  int64_t refs, bytes;
} storage;

struct hn_array {
  hn_context *context;
  int64_t refs;
  hn_array_type type;
  int dims;
  int64_t shape[HN_MAX_DIMS];
  storage *storage;
  char *data;
};

static const size_t element_bytes[] = {1, 4, 4, 8};

/* Elements of one entry of the leading dimension. */
static int64_t row_size(const hn_array *array) {
  int64_t n = 1;
  for (int i = 1; i < array->dims; i++) n *= array->shape[i];
  return n;
}

static size_t row_bytes(const hn_array *array) { return (size_t)row_size(array) * element_bytes[array->type]; }

static hn_status make_handle(hn_context *context, hn_array_type type, int dims, const int64_t *shape, hn_array **out) {
  hn_array *array = hn__object_new(context, sizeof *array);
  if (!array) return HN_MEMORY;
  array->context = context;
  array->refs = 1;
  array->type = type;
  array->dims = dims;
  memcpy(array->shape, shape, (size_t)dims * sizeof *shape);
  *out = array;
  return HN_OK;
}

hn_status hn_array_new(hn_context *context, hn_array_type type, int dims, const int64_t *shape, hn_array **out) {
  int64_t size;
  void *block = NULL;
  hn_array *array;
  HN_TRY(hn__shape_size(context, dims, shape, &size));
  HN_TRY(make_handle(context, type, dims, shape, &array));
  size_t bytes = (size_t)size * element_bytes[type];
  hn_status status = hn__host_resize(context, &block, sizeof(storage) + bytes);
  if (status != HN_OK) {
    hn_array_release(array);
    return status;
  }
  memset(block, 0, sizeof(storage) + bytes);
  array->storage = block;
  array->storage->refs = 1;
  array->storage->bytes = (int64_t)bytes;
  array->data = (char *)block + sizeof(storage);
  context->memory.host += (int64_t)bytes;
  *out = array;
  return HN_OK;
}

hn_array *hn_array_retain(hn_array *array) {
  if (array) array->refs++;
  return array;
}

void hn_array_release(hn_array *array) {
  if (!array || --array->refs > 0) return;
  if (array->storage && --array->storage->refs == 0) {
    array->context->memory.host -= array->storage->bytes;
    hn__host_resize(array->context, (void **)&array->storage, 0);
  }
  hn__object_free(array->context, array);
}

hn_context *hn_array_context(const hn_array *array) { return array->context; }
hn_array_type hn_array_dtype(const hn_array *array) { return array->type; }
int hn_array_dims(const hn_array *array) { return array->dims; }
const int64_t *hn_array_shape(const hn_array *array) { return array->shape; }
void *hn_array_data(hn_array *array) { return array->data; }

hn_status hn_array_slice(hn_array *array, int64_t first, int64_t count, hn_array **out) {
  if (first < 0 || count < 1 || first > array->shape[0] - count)
    return hn__fail(array->context, HN_ARGUMENT, "%lld entries from entry %lld on are not within an array %s",
                    (long long)count, (long long)first + 1, hn__shape_text(array->dims, array->shape).s);
  HN_TRY(make_handle(array->context, array->type, array->dims, array->shape, out));
  (*out)->shape[0] = count;
  (*out)->storage = array->storage;
  (*out)->storage->refs++;
  (*out)->data = array->data + (size_t)first * row_bytes(array);
  return HN_OK;
}

/* Fisher and Yates' shuffle from the context's stream. */
static void shuffle(hn_random *random, int32_t *list, int64_t n) {
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t j = (int64_t)hn__range(hn__random(random->seed, random->position++) >> 1, (uint32_t)(i + 1));
    int32_t swapped = list[i];
    list[i] = list[j];
    list[j] = swapped;
  }
}

hn_status hn_array_sequence(hn_context *context, int64_t n, bool shuffled, hn_array **out) {
  if (n < 1 || n > INT32_MAX)
    return hn__fail(context, HN_ARGUMENT, "a sequence has 1 to 2^31-1 entries, got %lld", (long long)n);
  HN_TRY(hn_array_new(context, HN_I32, 1, &n, out));
  int32_t *list = hn_array_data(*out);
  for (int64_t i = 0; i < n; i++) list[i] = (int32_t)i;
  if (shuffled) shuffle(&context->random, list, n);
  return HN_OK;
}

/* -- minibatches ------------------------------------------------------------------------------------------------ */

typedef struct conversion {
  hn_dtype dtype;
  float scale, shift;
} conversion;

static float value_at(const hn_array *array, int64_t i) {
  switch (array->type) {
  case HN_U8: return ((const uint8_t *)array->data)[i];
  case HN_I32: return (float)((const int32_t *)array->data)[i];
  case HN_F64: return (float)((const double *)array->data)[i];
  case HN_F32: break;
  }
  return ((const float *)array->data)[i];
}

static int32_t integer_at(const hn_array *array, int64_t i) {
  switch (array->type) {
  case HN_U8: return ((const uint8_t *)array->data)[i];
  case HN_F32: return (int32_t)((const float *)array->data)[i];
  case HN_F64: return (int32_t)((const double *)array->data)[i];
  case HN_I32: break;
  }
  return ((const int32_t *)array->data)[i];
}

/* Converts n elements from `from` on. The common cases have loops of their own, which vectorise. */
static void convert(const hn_array *source, int64_t from, int64_t n, const conversion *c, void *target) {
  float *floats = target;
  int32_t *ints = target;
  const uint8_t *bytes = (const uint8_t *)source->data + from;
  const float *numbers = (const float *)source->data + from;
  if (source->type == HN_F32 && c->dtype == HN_FLOAT32)
    for (int64_t i = 0; i < n; i++) floats[i] = c->scale * numbers[i] + c->shift;
  else if (c->dtype == HN_INT32)
    for (int64_t i = 0; i < n; i++) ints[i] = integer_at(source, from + i) + (int32_t)c->shift;
  else if (source->type == HN_U8)
    for (int64_t i = 0; i < n; i++) floats[i] = c->scale * (float)bytes[i] + c->shift;
  else
    for (int64_t i = 0; i < n; i++) floats[i] = c->scale * value_at(source, from + i) + c->shift;
}

static hn_status check_index(hn_context *context, const hn_array *source, const hn_array *index) {
  if (!index) return HN_OK;
  if (index->type != HN_I32 || index->dims != 1)
    return hn__fail(context, HN_ARGUMENT, "the index must be a list of integers");
  const int32_t *list = (const int32_t *)index->data;
  for (int64_t i = 0; i < index->shape[0]; i++)
    if (list[i] < 0 || list[i] >= source->shape[0])
      return hn__fail(context, HN_ARGUMENT, "sample %lld is not within the array's %lld", (long long)list[i] + 1,
                      (long long)source->shape[0]);
  return HN_OK;
}

hn_status hn_array_pick(hn_array *array, const hn_array *index, hn_array **out) {
  int64_t shape[HN_MAX_DIMS];
  size_t bytes = row_bytes(array);
  HN_TRY(check_index(array->context, array, index));
  memcpy(shape, array->shape, sizeof shape);
  shape[0] = index->shape[0];
  HN_TRY(hn_array_new(array->context, array->type, array->dims, shape, out));
  for (int64_t i = 0; i < shape[0]; i++)
    memcpy((*out)->data + (size_t)i * bytes, array->data + (size_t)((const int32_t *)index->data)[i] * bytes, bytes);
  return HN_OK;
}

#define AHEAD 8 /* rows whose beginnings are on their way from memory; for the rest the processor sees the pattern */

/* Converts elements [from, from + n) of the minibatch, which lie in rows of the source as the index says. */
static void convert_rows(const hn_array *source, const hn_array *index, const conversion *c, int64_t from, int64_t n,
                         char *to) {
  int64_t width = row_size(source), count = index ? index->shape[0] : 0;
  size_t bytes = row_bytes(source);
  const int32_t *list = index ? (const int32_t *)index->data : NULL;
  while (n > 0) {
    int64_t i = from / width, at = from % width, part = width - at < n ? width - at : n;
    if (i + AHEAD < count) {
      const char *next = source->data + (size_t)list[i + AHEAD] * bytes;
      for (size_t line = 0; line < 256 && line < bytes; line += 64) __builtin_prefetch(next + line);
    }
    convert(source, (list ? list[i] : i) * width + at, part, c, to);
    from += part, n -= part, to += 4 * part;
  }
}

static void widen(hn__bounds *all, hn__bounds some) {
  all->known = true;
  if (some.least < all->least) all->least = some.least;
  if (some.most > all->most) all->most = some.most;
}

/* Whole elements at a time: a device gives room for some at least. */
static hn_status copy_rows(const hn_array *source, const hn_array *index, const conversion *c, hn_tensor *out) {
  hn_context *context = out->context;
  hn__bounds all = {false, INT32_MAX, INT32_MIN};
  for (int64_t at = 0, n; at < out->size && !context->dry.run; at += n) {
    size_t bytes = (size_t)(out->size - at) * 4;
    void *room = NULL;
    HN_DEVICE_TRY(context, begin_write, hn__floats(out) + at, &bytes, &room);
    n = (int64_t)(bytes / 4);
    convert_rows(source, index, c, at, n, room);
    if (c->dtype == HN_INT32) widen(&all, hn__bounds_of(n, room));
    HN_DEVICE_TRY(context, end_write, hn__floats(out) + at, (size_t)n * 4);
  }
  hn__note_integers(out, 0, out->size, all);
  return HN_OK;
}

hn_status hn_array_gather(hn_context *context, const hn_array *source, const hn_array *index, hn_dtype dtype,
                          float scale, float shift, bool flatten, hn_tensor **out) {
  conversion c = {dtype, scale, shift};
  int64_t shape[HN_MAX_DIMS];
  int dims = source->dims;
  HN_TRY(check_index(context, source, index));
  memcpy(shape, source->shape, sizeof shape);
  shape[0] = index ? index->shape[0] : source->shape[0];
  if (flatten && dims > 2) shape[1] = row_size(source), dims = 2;
  hn_tensor *batch = NULL;
  HN_TRY(hn__tensor_make(context, HN_DATA, dtype, dims, shape, HN_FILL_NONE, &batch));
  hn_status status = copy_rows(source, index, &c, batch);
  if (status == HN_OK) status = hn__scope_add(context->tape, batch);
  if (status == HN_OK)
    *out = batch;
  else
    hn_tensor_release(batch);
  return status;
}
