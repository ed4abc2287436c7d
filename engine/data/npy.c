/*
 * NPY: "\x93NUMPY", a version, the header's length, a Python dictionary { 'descr':, 'fortran_order':, 'shape': } and
 * the numbers (NumPy's NEP 1). Arrays have one or two dimensions, or are structured with numbers as fields.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npy.h"

#define PIECE (1 << 18) /* bytes that are read at once */

/* -- numbers ---------------------------------------------------------------------------------------------------- */

static double half(uint16_t bits) {
  int exponent = bits >> 10 & 31, digits = bits & 1023;
  double size = exponent == 31  ? (digits ? (double)NAN : (double)INFINITY)
                : exponent == 0 ? ldexp(digits, -24)
                                : ldexp(digits + 1024, exponent - 25);
  return bits >> 15 ? -size : size;
}

static double number_at(const hn__npy_column *c, const unsigned char *p) {
  union {
    unsigned char bytes[8];
    float f4;
    double f8;
    int8_t i1;
    int16_t i2;
    int32_t i4;
    int64_t i8;
    uint16_t u2;
    uint32_t u4;
    uint64_t u8;
  } v;
  if (c->swapped)
    for (int i = 0; i < c->bytes; i++) v.bytes[i] = p[c->bytes - 1 - i];
  else
    memcpy(v.bytes, p, (size_t)c->bytes);
  switch (c->type) {
  case 'f': return c->bytes == 4 ? (double)v.f4 : c->bytes == 8 ? v.f8 : half(v.u2);
  case 'i': return c->bytes == 1 ? v.i1 : c->bytes == 2 ? v.i2 : c->bytes == 4 ? v.i4 : (double)v.i8;
  default: return c->bytes == 1 ? v.bytes[0] : c->bytes == 2 ? v.u2 : c->bytes == 4 ? v.u4 : (double)v.u8;
  }
}

static void convert(const hn__npy_column *c, const unsigned char *from, int64_t stride, int64_t n, double *out) {
  if (c->type == 'f' && c->bytes == 4 && !c->swapped) {
    float value;
    for (int64_t i = 0; i < n; i++) {
      memcpy(&value, from + i * stride, sizeof value);
      out[i] = (double)value;
    }
    return;
  }
  for (int64_t i = 0; i < n; i++) out[i] = number_at(c, from + i * stride);
}

/* Reads n rows at a time, which fit the piece: whole ones, or one column's of an array that lies column by column. */
static hn_status read_pieces(hn_table *table, hn__npy_array *a, const hn__rows *rows, int base, unsigned char *piece,
                             int64_t most) {
  for (int64_t at = 0, n; at < rows->count; at += n) {
    n = rows->count - at < most ? rows->count - at : most;
    int64_t row = rows->first + at;
    if (!a->by_column)
      HN_TRY(hn__bytes_read(table, &a->bytes, a->begin + row * a->row_bytes, n * a->row_bytes, piece, "its numbers"));
    for (int i = 0; i < rows->n; i++) {
      if (rows->columns[i] < base || rows->columns[i] >= base + a->columns) continue;
      const hn__npy_column *c = &a->column[rows->columns[i] - base];
      if (a->by_column)
        HN_TRY(hn__bytes_read(table, &a->bytes, c->offset + row * c->bytes, n * c->bytes, piece, "its numbers"));
      convert(c, a->by_column ? piece : piece + (c->offset - a->begin), a->by_column ? c->bytes : a->row_bytes, n,
              rows->out[i] + at);
    }
  }
  return HN_OK;
}

hn_status hn__npy_read(hn_table *table, hn__npy_array *array, const hn__rows *rows, int base) {
  bool any = false;
  for (int i = 0; i < rows->n; i++) any |= rows->columns[i] >= base && rows->columns[i] < base + array->columns;
  if (!any) return HN_OK;
  int64_t row = array->by_column ? 8 : array->row_bytes, most = row > PIECE ? 1 : PIECE / row;
  unsigned char *piece = malloc((size_t)(row * most));
  if (!piece) return hn__table_memory(table);
  hn_status status = read_pieces(table, array, rows, base, piece, most);
  free(piece);
  return status;
}

void hn__npy_close(hn__npy_array *array) {
  hn__bytes_close(&array->bytes);
  free(array->column);
}

/* -- a file of one array ---------------------------------------------------------------------------------------- */

static hn_status npy_open(hn_table *table) {
  hn__npy_array *array = table->state = calloc(1, sizeof *array);
  if (!array) return hn__table_memory(table);
  array->bytes.length = table->file.st_size;
  array->bytes.fd = open(table->path, O_RDONLY | O_CLOEXEC);
  if (array->bytes.fd < 0) return hn__table_fail(table, HN_FILE, "cannot read '%s': %s", table->path, strerror(errno));
  HN_TRY(hn__npy_header(table, array, "x", 1));
  table->rows = array->rows;
  return HN_OK;
}

static hn_status npy_read(hn_table *table, const hn__rows *rows) { return hn__npy_read(table, table->state, rows, 0); }

static void npy_close(hn_table *table) {
  hn__npy_array *array = table->state;
  if (!array) return;
  if (array->bytes.fd >= 0) close(array->bytes.fd);
  hn__npy_close(array);
  free(array);
}

const hn__format hn__npy = {npy_open, npy_read, npy_close};
