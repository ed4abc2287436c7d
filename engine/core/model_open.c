/* Reads a file of named tensors, and believes nothing that it says about itself. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "model.h"

static hn_status refuse(const hn_file *file, const char *reason) {
  return hn__fail(file->context, HN_FILE, "cannot read '%s': %s", file->path, reason);
}

#define BAD(file, ...) hn__fail((file)->context, HN_FORMAT, __VA_ARGS__)

/* How many of the bytes that are left are read at once. */
static int64_t piece(int64_t left) { return left < HN__PIECE ? left : HN__PIECE; }

static hn_status read_at(const hn_file *file, void *target, int64_t bytes, int64_t at) {
  char *to = target;
  while (bytes > 0) {
    ssize_t got = pread(file->fd, to, (size_t)bytes, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse(file, strerror(errno));
    if (got == 0) return BAD(file, "'%s' became shorter while it was read", file->path);
    to += got, bytes -= got, at += got;
  }
  return HN_OK;
}

/* -- one tensor's line of the header ------------------------------------------------------------------------------ */

/* A count that a double holds exactly. */
static bool whole(const cJSON *item, int64_t *out) {
  if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 9007199254740992.0)) return false;
  *out = (int64_t)item->valuedouble;
  return (double)*out == item->valuedouble;
}

static bool read_type(const cJSON *tensor, hn_dtype *dtype) {
  const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tensor, "dtype"));
  if (!name) return false;
  *dtype = strcmp(name, "I32") == 0 ? HN_INT32 : HN_FLOAT32;
  return strcmp(name, hn__file_type(*dtype)) == 0;
}

/* The dimensions, or 0 if they are none that we have. `most`: elements that the data can hold. */
static int read_shape(const cJSON *tensor, int64_t most, int64_t shape[HN_MAX_DIMS]) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(tensor, "shape"), *item;
  int64_t size = 1;
  int dims = 0;
  if (!cJSON_IsArray(list)) return 0;
  cJSON_ArrayForEach(item, list) {
    if (dims == HN_MAX_DIMS || !whole(item, &shape[dims]) || shape[dims] < 1 || shape[dims] > most / size) return 0;
    size *= shape[dims++];
  }
  return dims;
}

static bool read_offsets(const cJSON *tensor, int64_t *begin, int64_t *end) {
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(tensor, "data_offsets");
  return cJSON_IsArray(list) && cJSON_GetArraySize(list) == 2 && whole(list->child, begin) &&
         whole(list->child->next, end);
}

static hn_status add_entry(hn_file *file, const cJSON *tensor, int64_t bytes) {
  hn__entry *entry;
  hn_dtype dtype;
  int64_t shape[HN_MAX_DIMS] = {0}, begin, end;
  const char *name = tensor->string;
  if (!cJSON_IsObject(tensor)) return BAD(file, "'%s': tensor '%.80s' is not described by an object", file->path, name);
  if (!read_type(tensor, &dtype)) return BAD(file, "'%s': tensor '%.80s': expected dtype F32 or I32", file->path, name);
  int dims = read_shape(tensor, bytes / 4, shape);
  if (dims == 0)
    return BAD(file,
               "'%s': tensor '%.80s': expected a shape of 1 to %d counts from 1 on, whose product fits the %lld "
               "bytes of data",
               file->path, name, HN_MAX_DIMS, (long long)bytes);
  if (!read_offsets(tensor, &begin, &end))
    return BAD(file, "'%s': tensor '%.80s': expected two data_offsets", file->path, name);
  HN_TRY(hn__file_entry(file, name, dims, shape, dtype, &entry));
  entry->begin = begin;
  if (begin > bytes || end > bytes || end < begin || end - begin != 4 * entry->size)
    return BAD(file,
               "'%s': tensor '%.80s': expected offsets %lld bytes apart within %lld bytes of data, got %lld and "
               "%lld",
               file->path, name, (long long)(4 * entry->size), (long long)bytes, (long long)begin, (long long)end);
  return HN_OK;
}

/* -- the header ------------------------------------------------------------------------------------------------- */

static int by_begin(const void *a, const void *b) {
  const hn__entry *x = a, *y = b;
  return (x->begin > y->begin) - (x->begin < y->begin);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Every byte of the data belongs to one tensor, as the layout wants it. */
static hn_status check_cover(hn_file *file, int64_t bytes) {
  int64_t at = 0;
  if (file->count > 1) qsort(file->entries, (size_t)file->count, sizeof *file->entries, by_begin);
  for (int64_t i = 0; i < file->count; at += 4 * file->entries[i++].size)
    if (file->entries[i].begin != at)
      return BAD(file, "'%s': tensor '%.80s' %s", file->path, file->entries[i].name,
                 file->entries[i].begin < at ? "overlaps another one" : "leaves a gap before it");
  if (at == bytes) return HN_OK;
  return BAD(file, "'%s': its tensors take %lld bytes, but %lld follow its header", file->path, (long long)at,
             (long long)bytes);
}

/* No two members of an object have one name. */
static hn_status check_names(hn_file *file, const cJSON *object) {
  int count = cJSON_GetArraySize(object), n = 0;
  const cJSON *item;
  char **names = NULL;
  if (count < 2) return HN_OK;
  HN_TRY(hn__host_resize(file->context, (void **)&names, (size_t)count * sizeof *names));
  cJSON_ArrayForEach(item, object) names[n++] = item->string;
  qsort(names, (size_t)n, sizeof *names, by_name);
  hn_status status = HN_OK;
  for (int i = 1; i < n && status == HN_OK; i++)
    if (strcmp(names[i - 1], names[i]) == 0)
      status = BAD(file, "'%s': its header has two entries called '%.80s'", file->path, names[i]);
  hn__host_resize(file->context, (void **)&names, 0);
  return status;
}

static hn_status check_meta(hn_file *file) {
  const cJSON *item;
  if (!cJSON_IsObject(file->meta)) return BAD(file, "'%s': its __metadata__ is not an object", file->path);
  cJSON_ArrayForEach(item, file->meta) if (!cJSON_IsString(item)) return BAD(
      file, "'%s': its metadata '%.80s' is not a string", file->path, item->string);
  HN_TRY(check_names(file, file->meta));
  const char *version = hn_file_get(file, "version");
  if (!version || strcmp(version, HN_FILE_VERSION) != 0)
    return BAD(file, "'%s' has format version %.20s; this hnrun reads version %s: take a newer one", file->path,
               version ? version : "none", HN_FILE_VERSION);
  return HN_OK;
}

static hn_status take_header(hn_file *file, cJSON *header, int64_t bytes) {
  const cJSON *item;
  if (!cJSON_IsObject(header)) return BAD(file, "'%s': its header is not a JSON object", file->path);
  HN_TRY(check_names(file, header));
  file->meta = cJSON_DetachItemFromObjectCaseSensitive(header, "__metadata__");
  HN_TRY(check_meta(file));
  cJSON_ArrayForEach(item, header) HN_TRY(add_entry(file, item, bytes));
  return check_cover(file, bytes);
}

/* Blanks are all that may follow the object. */
static hn_status parse_header(hn_file *file, const char *text, int64_t length, int64_t bytes) {
  const char *end = NULL;
  cJSON *header = cJSON_ParseWithLengthOpts(text, (size_t)length, &end, false);
  bool clean = header != NULL;
  for (; clean && end < text + length; end++) clean = *end == ' ';
  hn_status status = clean ? take_header(file, header, bytes) : BAD(file, "'%s': its header is not JSON", file->path);
  cJSON_Delete(header);
  return status;
}

/* -- the whole file ----------------------------------------------------------------------------------------------- */

static hn_status sum_data(const hn_file *file, XXH3_state_t *sum, int64_t at, int64_t end) {
  void *room = NULL;
  hn_status status = HN_OK;
  HN_TRY(hn__host_resize(file->context, &room, (size_t)piece(end - at)));
  for (int64_t n; at < end && status == HN_OK; at += n) {
    n = piece(end - at);
    status = read_at(file, room, n, at);
    if (status == HN_OK) XXH3_64bits_update(sum, room, (size_t)n);
  }
  hn__host_resize(file->context, &room, 0);
  return status;
}

/* Holds the sum in the first `bytes` bytes, length and header, against that of the file. */
static hn_status check_sum(const hn_file *file, const char *block, int64_t bytes, int64_t end) {
  char digits[HN__SUM_DIGITS + 1];
  size_t behind = HN__SUM_AT + HN__SUM_DIGITS;
  XXH3_state_t *sum = XXH3_createState();
  if (!sum) return hn__fail(file->context, HN_MEMORY, "no host memory to read '%s'", file->path);
  XXH3_64bits_reset(sum);
  XXH3_64bits_update(sum, block, HN__SUM_AT);
  XXH3_64bits_update(sum, "0000000000000000", HN__SUM_DIGITS);
  XXH3_64bits_update(sum, block + behind, (size_t)bytes - behind);
  hn_status status = sum_data(file, sum, bytes, end);
  snprintf(digits, sizeof digits, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(sum));
  XXH3_freeState(sum);
  if (status == HN_OK && memcmp(digits, block + HN__SUM_AT, HN__SUM_DIGITS) != 0)
    return BAD(file, "'%s' is damaged: its checksum is %.16s, but its bytes give %s", file->path, block + HN__SUM_AT,
               digits);
  return status;
}

static hn_status check_block(hn_file *file, char *block, int64_t bytes, int64_t size) {
  HN_TRY(read_at(file, block, bytes, 0));
  if (memcmp(block + 8, HN__SUM_BEFORE, sizeof HN__SUM_BEFORE - 1) != 0)
    return BAD(file, "'%s' is no file of hnrun: its header does not begin with a checksum", file->path);
  HN_TRY(check_sum(file, block, bytes, size));
  file->data = bytes;
  return parse_header(file, block + 8, bytes - 8, size - bytes);
}

static hn_status read_all(hn_file *file, int64_t size) {
  uint64_t length;
  char *block = NULL;
  int64_t least = (int64_t)(sizeof HN__SUM_BEFORE + HN__SUM_DIGITS);
  if (size < 8 + least)
    return BAD(file, "'%s' is too short for a file of hnrun: %lld bytes", file->path, (long long)size);
  HN_TRY(read_at(file, &length, 8, 0));
  if (length < (uint64_t)least || length > (uint64_t)(size - 8) || length > (uint64_t)HN__MOST_HEADER)
    return BAD(file, "'%s': expected a header of %lld to %lld bytes, got %" PRIu64 ": no file of hnrun, or cut off",
               file->path, (long long)least, (long long)(size - 8 < HN__MOST_HEADER ? size - 8 : HN__MOST_HEADER),
               length);
  HN_TRY(hn__host_resize(file->context, (void **)&block, 8 + (size_t)length));
  hn_status status = check_block(file, block, 8 + (int64_t)length, size);
  hn__host_resize(file->context, (void **)&block, 0);
  return status;
}

/* Opening must not wait, as it would for the other end of a named pipe. */
static hn_status open_regular(hn_file *file) {
  struct stat info;
  file->fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (file->fd < 0 || fstat(file->fd, &info) != 0) return refuse(file, strerror(errno));
  if (!S_ISREG(info.st_mode)) return refuse(file, S_ISDIR(info.st_mode) ? "it is a folder" : "it is no regular file");
  return read_all(file, info.st_size);
}

hn_status hn_file_open(hn_context *context, const char *path, hn_file **out) {
  hn_file *file;
  HN_TRY(hn__file_make(context, path, &file));
  hn_status status = open_regular(file);
  if (status == HN_OK)
    *out = file;
  else
    hn_file_release(file);
  return status;
}

/* The entry of a file that was read, for a target of that type and size. */
static hn_status entry_for(const hn_file *file, const char *name, hn_dtype dtype, int64_t size, hn__entry **out) {
  *out = file->fd >= 0 ? hn__file_find(file, name) : NULL;
  if (!*out) return BAD(file, "'%s' has no tensor '%.80s'", file->path, name);
  if ((*out)->dtype == dtype && (*out)->size == size) return HN_OK;
  return hn__fail(file->context, HN_SHAPE, "'%s': tensor '%.80s' is %s of shape %s, expected %s of %lld elements",
                  file->path, name, hn__file_type((*out)->dtype), hn__shape_text((*out)->dims, (*out)->shape).s,
                  hn__file_type(dtype), (long long)size);
}

hn_status hn_file_read(const hn_file *file, const char *name, hn_tensor *tensor) {
  hn__entry *entry;
  void *room = NULL;
  HN_TRY(entry_for(file, name, hn_tensor_dtype(tensor), hn_tensor_size(tensor), &entry));
  HN_TRY(hn__host_resize(file->context, &room, (size_t)piece(4 * entry->size)));
  hn_status status = HN_OK;
  for (int64_t first = 0, n; first < entry->size && status == HN_OK; first += n) {
    n = piece(4 * (entry->size - first)) / 4;
    status = read_at(file, room, 4 * n, file->data + entry->begin + 4 * first);
    if (status == HN_OK) status = hn_tensor_write(tensor, first, n, room);
  }
  hn__host_resize(file->context, &room, 0);
  return status;
}

hn_status hn_file_read_array(const hn_file *file, const char *name, hn_array *array) {
  hn__entry *entry;
  int64_t size = 1;
  for (int i = 0; i < hn_array_dims(array); i++) size *= hn_array_shape(array)[i];
  if (hn_array_dtype(array) == HN_U8) return hn__fail(file->context, HN_ARGUMENT, "a file holds no bytes");
  HN_TRY(entry_for(file, name, hn_array_dtype(array) == HN_I32 ? HN_INT32 : HN_FLOAT32, size, &entry));
  return read_at(file, hn_array_data(array), 4 * size, file->data + entry->begin);
}
