/* The header of an NPY array: what its columns are, and whether the file can have as many bytes as it promises. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "npy.h"

#define MOST_HEADER (16 << 20)

typedef struct header {
  hn_table *table;
  hn__npy_array *array;
  const char *name; /* of the array */
  size_t length;
  const char *at;
  int64_t row_bytes; /* of structured arrays */
  bool structured, fortran;
  hn__npy_column number; /* of plain ones */
  int64_t shape[2];
  int dims;
} header;

static hn_status refuse(const header *h, const char *what) {
  return hn__table_fail(h->table, HN_FORMAT, "'%s': the header of array '%.*s' is not NumPy's: %s at '%.20s'",
                        h->table->path, (int)h->length, h->name, what, h->at);
}

static bool take(header *h, char token) {
  while (*h->at == ' ' || *h->at == '\n') h->at++;
  if (*h->at != token) return false;
  h->at++;
  return true;
}

static hn_status text(header *h, const char **from, size_t *length) {
  int quote = take(h, '\'') ? '\'' : take(h, '"') ? '"' : '\0';
  const char *end = quote ? strchr(h->at, quote) : NULL;
  if (!end) return refuse(h, "expected a text");
  *from = h->at;
  *length = (size_t)(end - h->at);
  h->at = end + 1;
  return HN_OK;
}

static hn_status integer(header *h, int64_t *value) {
  char *end;
  while (*h->at == ' ') h->at++;
  errno = 0;
  *value = strtoll(h->at, &end, 10);
  if (end == h->at || errno || *value < 0) return refuse(h, "expected a size");
  h->at = end;
  return HN_OK;
}

/* (3,) or (3, 4) or (): at most two sizes. */
static hn_status sizes(header *h, int64_t shape[2], int *dims) {
  if (!take(h, '(')) return refuse(h, "expected a shape");
  for (*dims = 0; !take(h, ')'); ++*dims) {
    if (*dims == 2)
      return hn__table_fail(h->table, HN_FORMAT, "'%s': array '%.*s' has more than two dimensions", h->table->path,
                            (int)h->length, h->name);
    HN_TRY(integer(h, &shape[*dims]));
    if (!take(h, ',') && *h->at != ')') return refuse(h, "expected ',' or ')'");
  }
  return HN_OK;
}

/* A type such as "<f4". 'V' fills gaps in structured arrays. */
static hn_status type(header *h, hn__npy_column *column) {
  const char *t = "";
  size_t length = 0;
  HN_TRY(text(h, &t, &length));
  int kind = length > 1 ? t[1] : 0;
  long bytes = length > 2 ? strtol(t + 2, NULL, 10) : 0;
  bool real = kind == 'f' && (bytes == 2 || bytes == 4 || bytes == 8);
  bool whole = (kind == 'i' || kind == 'u') && (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
  if (!real && !whole && !(kind == 'b' && bytes == 1) && !(kind == 'V' && bytes > 0 && bytes < MOST_HEADER))
    return hn__table_fail(h->table, HN_FORMAT,
                          "'%s', array '%.*s': expected numbers such as '<f4' or '<i8' as type, got '%.*s'",
                          h->table->path, (int)h->length, h->name, length > 20 ? 20 : (int)length, t);
  *column = (hn__npy_column){.type = (char)kind, .bytes = (int)bytes, .swapped = *t == '>' && bytes > 1};
  return HN_OK;
}

static hn_status add_column(header *h, hn__npy_column column) {
  hn__npy_array *array = h->array;
  HN_TRY(hn__table_grow(h->table, (void **)&array->column, array->columns, sizeof column));
  array->column[array->columns++] = column;
  return HN_OK;
}

/* ('pt', '<f4') or ('p', '<f4', (3,)). */
static hn_status field(header *h) {
  const char *name = "";
  size_t length = 0;
  hn__npy_column column;
  int64_t shape[2] = {1, 1};
  int dims = 0;
  if (!take(h, '(')) return refuse(h, "expected a field");
  HN_TRY(text(h, &name, &length));
  if (!take(h, ',')) return refuse(h, "expected ','");
  HN_TRY(type(h, &column));
  if (take(h, ',')) HN_TRY(sizes(h, shape, &dims));
  if (!take(h, ')')) return refuse(h, "expected ')'");
  if (dims == 2 || shape[0] > h->array->bytes.length / column.bytes)
    return refuse(h, "expected fields of one dimension that fit the file");
  column.offset = h->row_bytes;
  h->row_bytes += shape[0] * column.bytes;
  if (column.type == 'V') return HN_OK;
  HN_TRY(dims ? hn__table_names(h->table, name, length, shape[0]) : hn__table_name(h->table, name, length));
  for (int64_t k = 0; k < shape[0]; k++, column.offset += column.bytes) HN_TRY(add_column(h, column));
  return HN_OK;
}

static hn_status description(header *h) {
  h->structured = take(h, '[');
  if (!h->structured) return type(h, &h->number);
  while (!take(h, ']')) {
    HN_TRY(field(h));
    if (!take(h, ',') && *h->at != ']') return refuse(h, "expected ',' or ']'");
  }
  return HN_OK;
}

static hn_status entry(header *h) {
  const char *key = "";
  size_t length = 0;
  HN_TRY(text(h, &key, &length));
  if (!take(h, ':')) return refuse(h, "expected ':'");
  if (length == 5 && memcmp(key, "descr", 5) == 0) return description(h);
  if (length == 5 && memcmp(key, "shape", 5) == 0) return sizes(h, h->shape, &h->dims);
  if (length != 13 || memcmp(key, "fortran_order", 13) != 0) return refuse(h, "unknown entry");
  h->fortran = take(h, 'T');
  while (*h->at >= 'a' && *h->at <= 'z') h->at++;
  if (!h->fortran && take(h, 'F'))
    while (*h->at >= 'a' && *h->at <= 'z') h->at++;
  return HN_OK;
}

static hn_status dictionary(header *h) {
  if (!take(h, '{')) return refuse(h, "expected '{'");
  while (!take(h, '}')) {
    HN_TRY(entry(h));
    if (!take(h, ',') && *h->at != '}') return refuse(h, "expected ',' or '}'");
  }
  if (h->dims == 0 || (h->structured && h->dims != 1) || (!h->structured && !h->number.bytes) || h->number.type == 'V')
    return hn__table_fail(h->table, HN_FORMAT,
                          "'%s', array '%.*s': expected one or two dimensions, or a structured array of one",
                          h->table->path, (int)h->length, h->name);
  return HN_OK;
}

/* Columns of a plain array. Its bytes are known to fit the file. */
static hn_status plain_columns(header *h) {
  int64_t width = h->dims == 2 ? h->shape[1] : 1, bytes = h->number.bytes;
  HN_TRY(h->dims == 2 ? hn__table_names(h->table, h->name, h->length, width)
                      : hn__table_name(h->table, h->name, h->length));
  for (int64_t c = 0; c < width; c++) {
    hn__npy_column column = h->number;
    column.offset = h->fortran ? c * h->shape[0] * bytes : c * bytes;
    HN_TRY(add_column(h, column));
  }
  return HN_OK;
}

/* Whether the file has as many bytes as the header promises; width and sizes may be hostile. */
static hn_status check_size(const header *h, int64_t begin) {
  const hn__bytes *b = &h->array->bytes;
  int64_t left = b->length - begin, rows = h->shape[0], width = h->dims == 2 ? h->shape[1] : 1;
  int64_t bytes = h->structured ? h->row_bytes : h->number.bytes;
  bool fits = bytes > 0 && width <= left / bytes + 1 && (width == 0 || rows <= left / (bytes * width));
  if (!fits || rows * width * bytes != left)
    return hn__table_fail(h->table, HN_FORMAT,
                          "'%s' is damaged: array '%.*s' of %lld rows, %lld values each, does not fit its %lld bytes",
                          h->table->path, (int)h->length, h->name, (long long)rows, (long long)width, (long long)left);
  return HN_OK;
}

static hn_status layout(header *h, int64_t begin) {
  HN_TRY(check_size(h, begin));
  if (!h->structured) HN_TRY(plain_columns(h));
  for (int64_t c = 0; c < h->array->columns; c++) h->array->column[c].offset += begin;
  h->array->rows = h->shape[0];
  h->array->begin = begin;
  h->array->row_bytes = h->structured ? h->row_bytes : h->number.bytes * (h->dims == 2 ? h->shape[1] : 1);
  h->array->by_column = h->fortran && h->dims == 2;
  return HN_OK;
}

static hn_status read_dictionary(header *h, int64_t at, int64_t size) {
  char *dict = malloc((size_t)size + 1);
  if (!dict) return hn__table_memory(h->table);
  hn_status status = hn__bytes_read(h->table, &h->array->bytes, at, size, dict, "the header of an array");
  dict[size] = '\0';
  h->at = dict;
  if (status == HN_OK) status = dictionary(h);
  if (status == HN_OK) status = layout(h, at + size);
  free(dict);
  return status;
}

hn_status hn__npy_header(hn_table *table, hn__npy_array *array, const char *name, size_t length) {
  header h = {.table = table, .array = array, .name = name, .length = length};
  unsigned char start[12] = {0};
  HN_TRY(hn__bytes_read(table, &array->bytes, 0, 10, start, "the first 10 bytes of an array"));
  bool known = memcmp(start, "\x93NUMPY", 6) == 0 && start[6] >= 1 && start[6] <= 3;
  if (!known)
    return hn__table_fail(table, HN_FORMAT, "'%s': array '%.*s' is no NPY array of version 1 to 3", table->path,
                          (int)length, name);
  int64_t size = start[8] | start[9] << 8, begin = 10;
  if (start[6] > 1) {
    HN_TRY(hn__bytes_read(table, &array->bytes, 8, 4, start + 8, "the header of an array"));
    size = (int64_t)start[8] | (int64_t)start[9] << 8 | (int64_t)start[10] << 16 | (int64_t)start[11] << 24;
    begin = 12;
  }
  if (size > MOST_HEADER || size > array->bytes.length)
    return hn__table_fail(table, HN_FORMAT, "'%s' ends within the header of an array", table->path);
  return read_dictionary(&h, begin, size);
}
