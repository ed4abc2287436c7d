/* What NPY and NPZ files share: bytes of a file, stored or deflated, and arrays of numbers in them. */
#ifndef HN_DATA_NPY_H
#define HN_DATA_NPY_H

#include <zlib.h>

#include "table.h"

/* A stretch of a file. A deflated one is unpacked from its beginning, so that going back means beginning again. */
typedef struct hn__bytes {
  int fd;
  int64_t start, length; /* in the file; and as it is unpacked */
  bool deflated;
  int64_t packed; /* length in the file, where it is deflated */
  z_stream stream;
  bool open;        /* the stream */
  int64_t at, from; /* bytes that were unpacked, and taken from the file */
  unsigned char *input;
} hn__bytes;

/* Reads exactly n bytes at `offset`. `what` names them in the error. */
hn_status hn__bytes_read(hn_table *table, hn__bytes *bytes, int64_t offset, int64_t n, void *to, const char *what);
void hn__bytes_close(hn__bytes *bytes);

/* A column: its number in the first row lies at `offset`. */
typedef struct hn__npy_column {
  char type; /* of NumPy: 'f', 'i', 'u' or 'b' */
  int bytes;
  bool swapped;
  int64_t offset;
} hn__npy_column;

typedef struct hn__npy_array {
  hn__bytes bytes;
  int64_t rows, columns, begin, row_bytes; /* the first row begins at `begin` */
  bool by_column;                          /* Fortran's order: a column lies in one piece */
  hn__npy_column *column;
} hn__npy_array;

/* Reads the array's header and adds the names of its columns to the table: fields, or `name` with or without an index. */
hn_status hn__npy_header(hn_table *table, hn__npy_array *array, const char *name, size_t length);
/* Reads those of the columns that are the array's, which are `base` and the ones behind it. */
hn_status hn__npy_read(hn_table *table, hn__npy_array *array, const hn__rows *rows, int base);
void hn__npy_close(hn__npy_array *array);

#endif
