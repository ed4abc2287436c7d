/* Files of named tensors: what is in one. Writing is in model_save.c, reading in model_open.c. */
#include "model.h"

#include <string.h>
#include <unistd.h>

const char *hn__file_type(hn_dtype dtype) { return dtype == HN_INT32 ? "I32" : "F32"; }

hn_status hn__file_make(hn_context *context, const char *path, hn_file **out) {
  hn_file *file = hn__object_new(context, sizeof *file);
  if (!file) return HN_MEMORY;
  file->context = context;
  file->fd = -1;
  hn_status status = hn__host_resize(context, (void **)&file->path, strlen(path) + 1);
  if (status == HN_OK) {
    memcpy(file->path, path, strlen(path) + 1);
    *out = file;
  } else {
    hn_file_release(file);
  }
  return status;
}

hn_status hn_file_new(hn_context *context, hn_file **out) {
  hn_file *file;
  HN_TRY(hn__file_make(context, "", &file));
  file->meta = cJSON_CreateObject();
  if (file->meta) {
    *out = file;
    return HN_OK;
  }
  hn_file_release(file);
  return hn__fail(context, HN_MEMORY, "no host memory for a file's metadata");
}

void hn_file_release(hn_file *file) {
  if (!file) return;
  for (int64_t i = 0; i < file->count; i++) {
    hn__host_resize(file->context, (void **)&file->entries[i].name, 0);
    hn_tensor_release(file->entries[i].tensor);
    hn_array_release(file->entries[i].array);
  }
  hn__host_resize(file->context, (void **)&file->entries, 0);
  hn__host_resize(file->context, (void **)&file->path, 0);
  cJSON_Delete(file->meta);
  if (file->fd >= 0) close(file->fd);
  hn__object_free(file->context, file);
}

hn_context *hn_file_context(const hn_file *file) { return file->context; }

hn__entry *hn__file_find(const hn_file *file, const char *name) {
  for (int64_t i = 0; i < file->count; i++)
    if (strcmp(file->entries[i].name, name) == 0) return &file->entries[i];
  return NULL;
}

hn_status hn__file_entry(hn_file *file, const char *name, int dims, const int64_t *shape, hn_dtype dtype,
                         hn__entry **out) {
  int64_t size;
  size_t length = strlen(name) + 1;
  char *copy = NULL;
  HN_TRY(hn__shape_size(file->context, dims, shape, &size));
  HN_TRY(hn__grow(file->context, (void **)&file->entries, file->count, &file->space, sizeof *file->entries));
  HN_TRY(hn__host_resize(file->context, (void **)&copy, length));
  memcpy(copy, name, length);
  hn__entry *entry = &file->entries[file->count++];
  *entry = (hn__entry){.name = copy, .dtype = dtype, .dims = dims, .size = size};
  memcpy(entry->shape, shape, (size_t)dims * sizeof *shape);
  *out = entry;
  return HN_OK;
}

static hn_status check_name(hn_file *file, const char *name) {
  if (*name == 0 || strcmp(name, "__metadata__") == 0)
    return hn__fail(file->context, HN_ARGUMENT, "a tensor in a file cannot be called '%s'", name);
  if (hn__file_find(file, name))
    return hn__fail(file->context, HN_ARGUMENT, "the file has two tensors called '%s'", name);
  return HN_OK;
}

hn_status hn_file_add(hn_file *file, const char *name, hn_tensor *tensor) {
  hn__entry *entry;
  HN_TRY(hn__tensor_usable(file->context, tensor, name));
  HN_TRY(check_name(file, name));
  HN_TRY(hn__file_entry(file, name, tensor->dims, tensor->shape, tensor->dtype, &entry));
  entry->tensor = hn_tensor_retain(tensor);
  return HN_OK;
}

hn_status hn_file_add_array(hn_file *file, const char *name, hn_array *array) {
  hn__entry *entry;
  if (hn_array_dtype(array) != HN_I32 && hn_array_dtype(array) != HN_F32)
    return hn__fail(file->context, HN_ARGUMENT, "'%s': a file holds float32 and int32, not %s", name,
                    hn_array_dtype(array) == HN_U8 ? "bytes" : "float64");
  HN_TRY(check_name(file, name));
  HN_TRY(hn__file_entry(file, name, hn_array_dims(array), hn_array_shape(array),
                        hn_array_dtype(array) == HN_I32 ? HN_INT32 : HN_FLOAT32, &entry));
  entry->array = hn_array_retain(array);
  return HN_OK;
}

hn_status hn_file_set(hn_file *file, const char *key, const char *value) {
  if (strcmp(key, "xxh3") == 0 || strcmp(key, "version") == 0)
    return hn__fail(file->context, HN_ARGUMENT, "the file's own metadata '%s' cannot be set", key);
  cJSON_DeleteItemFromObjectCaseSensitive(file->meta, key);
  if (!cJSON_AddStringToObject(file->meta, key, value))
    return hn__fail(file->context, HN_MEMORY, "no host memory for a file's metadata");
  return HN_OK;
}

const char *hn_file_get(const hn_file *file, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file->meta, key));
}

const char *hn_file_name(const hn_file *file, int64_t i) {
  return i >= 0 && i < file->count ? file->entries[i].name : NULL;
}

int hn_file_shape(const hn_file *file, const char *name, hn_dtype *dtype, int64_t shape[HN_MAX_DIMS]) {
  const hn__entry *entry = hn__file_find(file, name);
  if (!entry) return 0;
  *dtype = entry->dtype;
  memcpy(shape, entry->shape, sizeof entry->shape);
  return entry->dims;
}
