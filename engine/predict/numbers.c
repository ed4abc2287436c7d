/* The numbers of a model: tensors from the file, each read once, and what loading computes. */
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define LINE_BYTES 64

static hn_status no_memory(hn__loader *l) {
  return hn__fail(l->context, HN_MEMORY, "no host memory to load '%s'", l->path);
}

hn_status hn__predict_add(hn__loader *l, const hn__predict_step *step) {
  hn_model *m = l->model;
  HN_TRY(hn__grow(l->context, (void **)&m->steps, m->count, &m->space, sizeof *step));
  m->steps[m->count++] = *step;
  return HN_OK;
}

static hn_status add_numbers(hn__loader *l, const char *name, int64_t n, hn__numbers **out) {
  hn_model *m = l->model;
  HN_TRY(hn__grow(l->context, (void **)&m->numbers, m->number_count, &m->number_space, sizeof *m->numbers));
  hn__numbers *numbers = *out = m->numbers + m->number_count;
  size_t lines = ((size_t)n * sizeof(float) + LINE_BYTES - 1) / LINE_BYTES;
  *numbers = (hn__numbers){.name = name ? strdup(name) : NULL, .size = n};
  numbers->data = aligned_alloc(LINE_BYTES, lines * LINE_BYTES);
  m->number_count++;
  return (name && !numbers->name) || !numbers->data ? no_memory(l) : HN_OK;
}

hn_status hn__predict_numbers(hn__loader *l, int64_t n, float **out) {
  hn__numbers *numbers;
  HN_TRY(add_numbers(l, NULL, n, &numbers));
  *out = numbers->data;
  return HN_OK;
}

static hn_status read_numbers(hn__loader *l, const char *name, int dims, const int64_t *shape, hn__numbers *to) {
  hn_array *array;
  HN_TRY(hn_array_new(l->context, HN_F32, dims, shape, &array));
  hn_status status = hn_file_read_array(l->file, name, array);
  if (status == HN_OK) memcpy(to->data, hn_array_data(array), (size_t)to->size * sizeof *to->data);
  to->dims = dims;
  memcpy(to->shape, shape, (size_t)dims * sizeof *shape);
  hn_array_release(array);
  return status;
}

hn_status hn__predict_tensor(hn__loader *l, const hn__layer *layer, const cJSON *tensor, const hn__numbers **out) {
  const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tensor, "tensor"));
  hn_dtype dtype;
  int64_t shape[HN_MAX_DIMS], size = 1;
  hn__numbers *numbers;
  if (!name) return HN__BAD(l, "'%s': %s lacks a tensor", l->path, layer->place);
  for (int64_t i = 0; i < l->model->number_count; i++) {
    *out = l->model->numbers + i;
    if ((*out)->name && strcmp((*out)->name, name) == 0) return HN_OK;
  }
  int dims = hn_file_shape(l->file, name, &dtype, shape);
  if (dims == 0 || dtype != HN_FLOAT32)
    return HN__BAD(l, "'%s': %s needs a tensor '%.80s' of float32, which is not there", l->path, layer->place, name);
  for (int i = 0; i < dims; i++) size *= shape[i];
  HN_TRY(add_numbers(l, name, size, &numbers));
  *out = numbers;
  return read_numbers(l, name, dims, shape, numbers);
}
