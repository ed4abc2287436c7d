/* libFuzzer on hn_table_open() and hn_table_read(): CSV, NPY and NPZ. HDF5 files are libhdf5's affair. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "hn.h"

#define ROWS 100

static void read_all(hn_table *table) {
  double values[ROWS];
  int64_t rows = hn_table_rows(table), count = rows < ROWS ? rows : ROWS;
  for (int c = 0; hn_table_name(table, c) && c < 50; c++) {
    (void)hn_table_read(table, rows - count, count, 1, &c, (double *[]){values});
    (void)hn_table_read(table, 0, count, 1, &c, (double *[]){values});
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  hn_table *table;
  if (size > 0 && bytes[0] == 0x89) return 0;
  const char *path = fuzz_file(bytes, size);
  fuzz_watch();
  if (hn_table_open(path, NULL, &table) == HN_OK) read_all(table);
  hn_table_close(table);
  fuzz_check((size_t)200000 * size + 1000000);
  return 0;
}
