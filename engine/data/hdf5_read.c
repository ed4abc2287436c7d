/* Rows of the datasets of an HDF5 file. */
#include "table.h"

#ifdef HN_HDF5

#include <stdlib.h>

#include "hdf5.h"

#define PIECE (1 << 20)        /* bytes that are read at once of datasets with several columns, */
#define LARGE_PIECE (16 << 20) /* or as many as a chunk has, up to this */
#define TILE 8

/* The wanted columns of a dataset: where each is in the request. */
typedef struct wanted {
  const hn__rows *rows;
  const hn__dataset *set;
} wanted;

static bool belongs(const wanted *w, int i) {
  int column = w->rows->columns[i] - w->set->base;
  return column >= 0 && column < w->set->width;
}

/* Rows [first, first + count) and columns [column, column + width) into memory of this type. */
static hn_status read_part(hn_table *table, const hn__dataset *set, hid_t type, int64_t first, int64_t count,
                           int64_t column, int64_t width, void *to) {
  hsize_t start[2] = {(hsize_t)first, (hsize_t)column}, size[2] = {(hsize_t)count, (hsize_t)width};
  hid_t file = H5Dget_space(set->id), memory = H5Screate_simple(set->dims, size, NULL);
  bool read = H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
              H5Dread(set->id, type, memory, file, H5P_DEFAULT, to) >= 0;
  hn_status status = read ? HN_OK : hn__hdf5_damaged(table, "its numbers");
  H5Sclose(memory);
  H5Sclose(file);
  return status;
}

/* Compound: a type in memory of the wanted members, as doubles. */
static hid_t members(hn_table *table, const wanted *w, size_t *row) {
  size_t n = 0;
  for (int i = 0; i < w->rows->n; i++) n += belongs(w, i);
  *row = n * sizeof(double);
  hid_t type = H5Tcreate(H5T_COMPOUND, *row);
  for (int i = 0, k = 0; i < w->rows->n; i++)
    if (belongs(w, i))
      H5Tinsert(type, table->names[w->rows->columns[i]], (size_t)k++ * sizeof(double), H5T_NATIVE_DOUBLE);
  return type;
}

/* Columns out of n rows of `width` doubles. A few rows at a time, so that a line of the cache gives all that it has. */
static void spread(const wanted *w, const double *piece, int64_t low, int64_t width, int64_t at, int64_t n) {
  const hn__rows *rows = w->rows;
  for (int64_t first = 0; first < n; first += TILE) {
    int64_t end = n - first < TILE ? n : first + TILE;
    for (int i = 0, k = 0; i < rows->n; i++) {
      if (!belongs(w, i)) continue;
      int64_t place = w->set->compound ? k++ : rows->columns[i] - w->set->base - low;
      for (int64_t r = first; r < end; r++) rows->out[i][at + r] = piece[r * width + place];
    }
  }
}

/* Pieces of at most so many rows, which end where chunks end if they can: a packed chunk is then unpacked once. */
static hn_status read_pieces(hn_table *table, const wanted *w, hid_t type, int64_t low, int64_t width, double *piece,
                             int64_t most) {
  const hn__rows *rows = w->rows;
  int64_t chunk = w->set->chunk <= most ? w->set->chunk : 1;
  for (int64_t at = 0, n; at < rows->count; at += n) {
    int64_t row = rows->first + at, end = (row + most) / chunk * chunk;
    n = rows->count - at < end - row ? rows->count - at : end - row;
    HN_TRY(read_part(table, w->set, type, row, n, low, w->set->compound ? 1 : width, piece));
    spread(w, piece, low, width, at, n);
  }
  return HN_OK;
}

/* From the first to the last of the wanted columns; of a compound dataset, these alone. */
static int64_t extent(const wanted *w, int64_t *low) {
  int64_t high = -1, count = 0;
  *low = w->set->width;
  for (int i = 0; i < w->rows->n; i++) {
    if (!belongs(w, i)) continue;
    int64_t column = w->rows->columns[i] - w->set->base;
    *low = column < *low ? column : *low, high = column > high ? column : high, count++;
  }
  return w->set->compound ? count : high - *low + 1;
}

static hn_status read_several(hn_table *table, const wanted *w) {
  size_t row;
  int64_t low, width = extent(w, &low), most = PIECE / 8 / width;
  if (most < w->set->chunk && w->set->chunk <= LARGE_PIECE / 8 / width) most = w->set->chunk;
  if (most < 1) most = 1;
  double *piece = malloc((size_t)(most * width) * sizeof *piece);
  if (!piece) return hn__table_memory(table);
  hid_t type = w->set->compound ? members(table, w, &row) : H5T_NATIVE_DOUBLE;
  hn_status status = read_pieces(table, w, type, low, width, piece, most);
  free(piece);
  if (w->set->compound) H5Tclose(type);
  return status;
}

static hn_status read_dataset(hn_table *table, const wanted *w) {
  for (int i = 0; i < w->rows->n; i++) {
    if (!belongs(w, i)) continue;
    if (w->set->compound || w->set->width > 1) return read_several(table, w);
    HN_TRY(read_part(table, w->set, H5T_NATIVE_DOUBLE, w->rows->first, w->rows->count, 0, 1, w->rows->out[i]));
  }
  return HN_OK;
}

hn_status hn__hdf5_read_rows(hn_table *table, const hn__rows *rows) {
  hn__hdf5_file *file = table->state;
  for (int64_t k = 0; k < file->count; k++) HN_TRY(read_dataset(table, &(wanted){rows, &file->sets[k]}));
  return HN_OK;
}

#else

typedef int hn__no_hdf5; /* a file must not be empty */

#endif
