/*
 * NPZ: a ZIP archive of NPY arrays, stored or deflated (APPNOTE 6.3, with ZIP64). Each array gives the columns of its
 * name; all have as many rows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npy.h"

#define DEFLATE_RATIO 1032
#define MOST_TAIL 65557 /* bytes of the end record with the longest comment */

typedef struct npz {
  int fd;
  hn__npy_array **arrays; /* each in a place of its own: zlib's streams must not be moved */
  int *base;              /* column of the table that is the array's first */
  int64_t count;
  unsigned char *directory;
} npz;

static uint64_t little(const unsigned char *p, int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; i++) value |= (uint64_t)p[i] << 8 * i;
  return value;
}

static hn_status damaged(hn_table *table, const char *what) {
  return hn__table_fail(table, HN_FORMAT, "'%s' is no NPZ file, or cut off: %s", table->path, what);
}

static hn_status read_file(hn_table *table, int64_t offset, int64_t n, void *to) {
  npz *file = table->state;
  hn__bytes all = {.fd = file->fd, .length = table->file.st_size};
  if (offset < 0 || n < 0) return damaged(table, "an offset lies behind its end");
  return hn__bytes_read(table, &all, offset, n, to, "the directory of its archive");
}

typedef struct directory {
  int64_t entries, size, offset;
} directory;

/* The 64-bit end record, where the locator before the end record says. */
static hn_status read_end64(hn_table *table, int64_t end, directory *d) {
  unsigned char locator[20], record[56];
  if (end < 20) return damaged(table, "no 64-bit end record");
  HN_TRY(read_file(table, end - 20, sizeof locator, locator));
  if (little(locator, 4) != 0x07064b50) return damaged(table, "no 64-bit end record");
  HN_TRY(read_file(table, (int64_t)little(locator + 8, 8), sizeof record, record));
  if (little(record, 4) != 0x06064b50) return damaged(table, "no 64-bit end record");
  *d = (directory){(int64_t)little(record + 32, 8), (int64_t)little(record + 40, 8), (int64_t)little(record + 48, 8)};
  return HN_OK;
}

static hn_status find_directory(hn_table *table, directory *d) {
  int64_t size = table->file.st_size, tail = size < MOST_TAIL ? size : MOST_TAIL, at = tail - 22;
  unsigned char *end = malloc((size_t)tail);
  if (!end) return hn__table_memory(table);
  hn_status status = read_file(table, size - tail, tail, end);
  while (status == HN_OK && at >= 0 && little(end + at, 4) != 0x06054b50) at--;
  if (status == HN_OK && at < 0) status = damaged(table, "it has no end record");
  if (status == HN_OK) {
    const unsigned char *p = end + at;
    *d = (directory){(int64_t)little(p + 10, 2), (int64_t)little(p + 12, 4), (int64_t)little(p + 16, 4)};
    if (d->entries == 0xFFFF || d->offset == 0xFFFFFFFF) status = read_end64(table, size - tail + at, d);
  }
  free(end);
  if (status == HN_OK && (d->size < 0 || d->size > size)) status = damaged(table, "its directory is too long");
  return status;
}

/* Sizes of an entry that do not fit 32 bits stand in its extra field 1, in this order. */
static hn_status read_extra(hn_table *table, const unsigned char *at, const unsigned char *end, int64_t *values[3]) {
  while (end - at >= 4) {
    const unsigned char *field = at + 4;
    int64_t size = (int64_t)little(at + 2, 2), used = 0;
    if (size > end - field) break;
    for (int i = 0; i < 3 && little(at, 2) == 1; i++) {
      if (*values[i] != 0xFFFFFFFF) continue;
      if (used + 8 > size) return damaged(table, "an entry without its size");
      *values[i] = (int64_t)little(field + used, 8);
      used += 8;
    }
    at = field + size;
  }
  return HN_OK;
}

/* Where an entry's bytes are; its local header has a length of its own. */
static hn_status entry_bytes(hn_table *table, const unsigned char *p, const unsigned char *extra,
                             const unsigned char *end, hn__bytes *bytes) {
  npz *file = table->state;
  int64_t packed = (int64_t)little(p + 20, 4), length = (int64_t)little(p + 24, 4), offset = (int64_t)little(p + 42, 4);
  int method = (int)little(p + 10, 2);
  unsigned char local[30];
  HN_TRY(read_extra(table, extra, end, (int64_t *[]){&length, &packed, &offset}));
  HN_TRY(read_file(table, offset, sizeof local, local));
  if (little(local, 4) != 0x04034b50 || (little(p + 8, 2) & 1))
    return damaged(table, "an entry is not where it should be");
  int64_t start = offset + 30 + (int64_t)little(local + 26, 2) + (int64_t)little(local + 28, 2);
  bool fits = packed >= 0 && length >= 0 && start <= table->file.st_size && packed <= table->file.st_size - start;
  if (method != 0 && method != 8)
    return hn__table_fail(table, HN_FORMAT, "'%s': expected entries that are stored or deflated, got method %d",
                          table->path, method);
  if (!fits || (method ? length / DEFLATE_RATIO > packed : length != packed))
    return damaged(table, "an entry's size is wrong");
  *bytes = (hn__bytes){.fd = file->fd, .start = start, .length = length, .deflated = method == 8, .packed = packed};
  return HN_OK;
}

static hn_status add_array(hn_table *table, hn__bytes bytes, const char *name, size_t length) {
  npz *file = table->state;
  HN_TRY(hn__table_grow(table, (void **)&file->arrays, file->count, sizeof *file->arrays));
  HN_TRY(hn__table_grow(table, (void **)&file->base, file->count, sizeof *file->base));
  hn__npy_array *array = calloc(1, sizeof *array);
  if (!array) return hn__table_memory(table);
  array->bytes = bytes;
  file->arrays[file->count] = array;
  file->base[file->count++] = table->columns;
  if (length > 4 && memcmp(name + length - 4, ".npy", 4) == 0) length -= 4;
  HN_TRY(hn__npy_header(table, array, name, length));
  if (file->count > 1 && array->rows != table->rows)
    return hn__table_fail(table, HN_FORMAT, "'%s': expected arrays of as many rows, got %lld in '%.*s', %lld before it",
                          table->path, (long long)array->rows, (int)length, name, (long long)table->rows);
  if (array->by_column && bytes.deflated)
    return hn__table_fail(table, HN_FORMAT,
                          "'%s': array '%.*s' is compressed and in Fortran's order: save np.ascontiguousarray() of it",
                          table->path, (int)length, name);
  table->rows = array->rows;
  table->sequential |= bytes.deflated;
  return HN_OK;
}

static hn_status read_entries(hn_table *table, const directory *d) {
  npz *file = table->state;
  const unsigned char *at = file->directory, *end = at + d->size;
  for (int64_t i = 0; i < d->entries; i++) {
    hn__bytes bytes;
    if (end - at < 46 || little(at, 4) != 0x02014b50) return damaged(table, "its directory is too short");
    size_t name = little(at + 28, 2), extra = little(at + 30, 2), comment = little(at + 32, 2);
    const unsigned char *fields = at + 46 + name;
    if (name + extra + comment > (size_t)(end - at - 46)) return damaged(table, "its directory is too short");
    HN_TRY(entry_bytes(table, at, fields, fields + extra, &bytes));
    HN_TRY(add_array(table, bytes, (const char *)at + 46, name));
    at = fields + extra + comment;
  }
  return HN_OK;
}

static hn_status npz_open(hn_table *table) {
  directory d;
  npz *file = table->state = calloc(1, sizeof *file);
  if (!file) return hn__table_memory(table);
  file->fd = open(table->path, O_RDONLY | O_CLOEXEC);
  if (file->fd < 0) return hn__table_fail(table, HN_FILE, "cannot read '%s': %s", table->path, strerror(errno));
  HN_TRY(find_directory(table, &d));
  file->directory = malloc((size_t)d.size + 1);
  if (!file->directory) return hn__table_memory(table);
  HN_TRY(read_file(table, d.offset, d.size, file->directory));
  return read_entries(table, &d);
}

static hn_status npz_read(hn_table *table, const hn__rows *rows) {
  npz *file = table->state;
  for (int64_t k = 0; k < file->count; k++) HN_TRY(hn__npy_read(table, file->arrays[k], rows, file->base[k]));
  return HN_OK;
}

static void npz_close(hn_table *table) {
  npz *file = table->state;
  if (!file) return;
  for (int64_t k = 0; k < file->count; k++) {
    hn__npy_close(file->arrays[k]);
    free(file->arrays[k]);
  }
  if (file->fd >= 0) close(file->fd);
  free(file->arrays);
  free(file->base);
  free(file->directory);
  free(file);
}

const hn__format hn__npz = {npz_open, npz_read, npz_close};
