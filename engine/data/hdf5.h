/* What the two files on HDF5 share. Not to be included without libhdf5. */
#ifndef HN_DATA_HDF5_H
#define HN_DATA_HDF5_H

#include <hdf5.h>

#include "table.h"

typedef struct hn__dataset {
  hid_t id;
  int base;      /* the table's column that is its first */
  int64_t width; /* its columns */
  int64_t chunk; /* rows that are stored together, or 1 */
  bool compound;
  int dims;
} hn__dataset;

typedef struct hn__hdf5_file {
  hid_t file;
  hn__dataset *sets;
  int64_t count;
} hn__hdf5_file;

/* Fails with libhdf5's reason. */
hn_status hn__hdf5_damaged(hn_table *table, const char *what);
/* Reads the rows; libhdf5 is the caller's alone. */
hn_status hn__hdf5_read_rows(hn_table *table, const hn__rows *rows);

#endif
