/*
 * What the readers of tables share: a format opens a file, tells rows and names of columns, and reads rows of some
 * columns as float64. It knows no context, so that a thread of its own can read.
 */
#ifndef HN_DATA_TABLE_H
#define HN_DATA_TABLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "../hn.h"

#define HN_TRY(expression)                                                                                             \
  do {                                                                                                                 \
    hn_status hn__status = (expression);                                                                               \
    if (hn__status != HN_OK) return hn__status;                                                                        \
  } while (0)

/* One read: values of columns[c] in rows first, first + 1, ... go to out[c]. */
typedef struct hn__rows {
  int64_t first, count;
  int n;
  const int *columns;
  double *const *out;
} hn__rows;

typedef struct hn__format {
  hn_status (*open)(hn_table *table); /* sets rows, sequential and state, and adds the names */
  hn_status (*read)(hn_table *table, const hn__rows *rows);
  void (*close)(hn_table *table); /* also of a table that open() gave up on */
} hn__format;

extern const hn__format hn__csv, hn__npy, hn__npz, hn__hdf5;

struct hn_table {
  const hn__format *format;
  void *state; /* the format's own */
  char *path, *group;
  struct stat file; /* as it was when it was opened */
  int64_t rows;
  bool sequential;
  char **names;
  int columns;
  char message[768];
  /* A read in the background; its lists are copies. */
  bool reading;
  atomic_bool done;
  pthread_t thread;
  hn_status status;
  hn__rows request;
};

/* Sets the table's message and gives the status back. */
hn_status hn__table_fail(hn_table *table, hn_status status, const char *format, ...) HN_PRINTF(3, 4);
/* Fails with HN_MEMORY. */
hn_status hn__table_memory(hn_table *table);
/* Adds a column's name, a copy of `length` bytes. Empty names and ones that are there already are refused. */
hn_status hn__table_name(hn_table *table, const char *name, size_t length);
/* Adds the names of the `width` columns of an array: "NAME[1]", "NAME[2]", ... */
hn_status hn__table_names(hn_table *table, const char *name, size_t length, int64_t width);
/* Makes room for one entry more in a list of `count`. */
hn_status hn__table_grow(hn_table *table, void **list, int64_t count, size_t size);

#endif
