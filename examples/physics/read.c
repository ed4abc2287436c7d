/*
 * The response of a trained network to new events, in C without Lua and in bounded memory:
 *
 *   cc read.c $(pkg-config --cflags --libs hn) -o read
 *   ./read build/jets-hashed-1-64.hn build/data/jets.h5 events images
 *   ./read build/higgs-hashed-1-16.hn build/data/higgs.h5 events lepton_pt lepton_eta ...
 *
 * The columns are the network's features in the order of its training; a name such as `images` stands for all columns
 * images[1], images[2] ... Prints a line for each event: the second output (signal) less the first (background), which
 * is the logarithm of their odds. Files are what hn.data.events reads: HDF5, CSV, NPY, NPZ; give "" where there is no
 * group.
 */
#include <hn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 256 /* events at a time */

typedef struct reader {
  hn_model *model;
  hn_table *table;
  int64_t inputs;
  int *columns;    /* of the table, one for each input */
  double *values;  /* column after column */
  double **column; /* where each begins */
  float *x, *y;
} reader;

static bool named(const char *column, const char *name) {
  size_t length = strlen(name);
  return strncmp(column, name, length) == 0 && (column[length] == '\0' || column[length] == '[');
}

/* Which columns the names stand for; false, said, if they are not as many as the network takes. */
static bool find_columns(reader *r, int names, char **name) {
  int64_t found = 0;
  for (int k = 0; k < names; k++) {
    const char *column;
    int64_t before = found;
    for (int i = 0; (column = hn_table_name(r->table, i)); i++)
      if (named(column, name[k])) {
        if (found < r->inputs) r->columns[found] = i;
        found++;
      }
    if (found == before) {
      fprintf(stderr, "read: there is no column %s\n", name[k]);
      return false;
    }
  }
  if (found != r->inputs)
    fprintf(stderr, "read: %lld columns, but the network takes %lld\n", (long long)found, (long long)r->inputs);
  return found == r->inputs;
}

static bool allocate(reader *r) {
  size_t inputs = (size_t)r->inputs, outputs = (size_t)hn_model_outputs(r->model);
  r->columns = malloc(inputs * sizeof *r->columns);
  r->values = malloc(inputs * CHUNK * sizeof *r->values);
  r->column = malloc(inputs * sizeof *r->column);
  r->x = malloc(inputs * CHUNK * sizeof *r->x);
  r->y = malloc(outputs * CHUNK * sizeof *r->y);
  if (r->columns && r->values && r->column && r->x && r->y) return true;
  fprintf(stderr, "read: out of memory\n");
  return false;
}

/* Reads, predicts and prints events first, ..., first + count - 1. */
static bool respond(reader *r, int64_t first, int64_t count) {
  for (int64_t j = 0; j < r->inputs; j++) r->column[j] = r->values + j * CHUNK;
  if (hn_table_read(r->table, first, count, (int)r->inputs, r->columns, r->column) != HN_OK) {
    fprintf(stderr, "read: %s\n", hn_table_message(r->table));
    return false;
  }
  for (int64_t i = 0; i < count; i++)
    for (int64_t j = 0; j < r->inputs; j++) r->x[i * r->inputs + j] = (float)r->column[j][i];
  hn_status status = hn_model_predict(r->model, count, r->x, r->y);
  if (status != HN_OK) {
    fprintf(stderr, "read: %s\n", hn_status_name(status));
    return false;
  }
  for (int64_t i = 0; i < count; i++) printf("%.6g\n", (double)(r->y[2 * i + 1] - r->y[2 * i]));
  return true;
}

static bool run(reader *r, int argc, char **argv) {
  if (hn_model_load(argv[1], &r->model) != HN_OK) {
    fprintf(stderr, "read: %s\n", hn_model_message(r->model));
    return false;
  }
  if (hn_table_open(argv[2], argv[3], &r->table) != HN_OK) {
    fprintf(stderr, "read: %s\n", hn_table_message(r->table));
    return false;
  }
  r->inputs = hn_model_inputs(r->model);
  if (hn_model_outputs(r->model) != 2) {
    fprintf(stderr, "read: expected a network of two outputs, %s has %lld\n", argv[1],
            (long long)hn_model_outputs(r->model));
    return false;
  }
  if (!allocate(r) || !find_columns(r, argc - 4, argv + 4)) return false;
  int64_t rows = hn_table_rows(r->table);
  for (int64_t first = 0; first < rows; first += CHUNK)
    if (!respond(r, first, rows - first < CHUNK ? rows - first : CHUNK)) return false;
  return true;
}

int main(int argc, char **argv) {
  reader r = {0};
  if (argc < 5) {
    fprintf(stderr, "usage: read net.hn FILE GROUP COLUMN...\n");
    return 2;
  }
  bool done = run(&r, argc, argv);
  hn_model_close(r.model);
  hn_table_close(r.table);
  free(r.columns);
  free(r.values);
  free(r.column);
  free(r.x);
  free(r.y);
  return done && fflush(stdout) == 0 ? 0 : 1;
}
