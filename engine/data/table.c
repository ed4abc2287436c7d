/* Tables of columns: which format a file has, what all formats share, and reads in the background. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

#define MOST_COLUMNS 100000

hn_status hn__table_fail(hn_table *table, hn_status status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(table->message, sizeof table->message, format, list);
  va_end(list);
  return status;
}

hn_status hn__table_memory(hn_table *table) {
  return hn__table_fail(table, HN_MEMORY, "no host memory to read '%s'", table->path);
}

hn_status hn__table_grow(hn_table *table, void **list, int64_t count, size_t size) {
  if (count & (count - 1)) return HN_OK; /* room is a power of two */
  void *grown = realloc(*list, (count ? 2 * (size_t)count : 1) * size);
  if (!grown) return hn__table_memory(table);
  *list = grown;
  return HN_OK;
}

/* -- names ------------------------------------------------------------------------------------------------------ */

hn_status hn__table_name(hn_table *table, const char *name, size_t length) {
  if (length == 0)
    return hn__table_fail(table, HN_FORMAT, "'%s': column %d has no name", table->path, table->columns + 1);
  if (table->columns == MOST_COLUMNS)
    return hn__table_fail(table, HN_FORMAT, "'%s' has more than %d columns", table->path, MOST_COLUMNS);
  HN_TRY(hn__table_grow(table, (void **)&table->names, table->columns, sizeof *table->names));
  char *copy = strndup(name, length);
  if (!copy) return hn__table_memory(table);
  table->names[table->columns++] = copy;
  return HN_OK;
}

hn_status hn__table_names(hn_table *table, const char *name, size_t length, int64_t width) {
  char text[256];
  if (length > sizeof text - 32)
    return hn__table_fail(table, HN_FORMAT, "'%s': a name of more than %zu bytes", table->path, sizeof text - 32);
  for (int64_t k = 1; k <= width; k++) {
    int n = snprintf(text, sizeof text, "%.*s[%lld]", (int)length, name, (long long)k);
    HN_TRY(hn__table_name(table, text, (size_t)n));
  }
  return HN_OK;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static hn_status check_names(hn_table *table) {
  if (table->columns == 0) return hn__table_fail(table, HN_FORMAT, "'%s' has no columns", table->path);
  char **sorted = malloc((size_t)table->columns * sizeof *sorted);
  if (!sorted) return hn__table_memory(table);
  memcpy(sorted, table->names, (size_t)table->columns * sizeof *sorted);
  qsort(sorted, (size_t)table->columns, sizeof *sorted, by_name);
  const char *twice = NULL;
  for (int i = 1; i < table->columns && !twice; i++)
    if (strcmp(sorted[i - 1], sorted[i]) == 0) twice = sorted[i];
  free(sorted);
  if (twice) return hn__table_fail(table, HN_FORMAT, "'%s' has two columns '%s'", table->path, twice);
  return HN_OK;
}

/* -- opening ---------------------------------------------------------------------------------------------------- */

/* By the first bytes; what is nothing else is text. */
static const hn__format *find_format(const unsigned char *start, ssize_t length) {
  static const struct {
    const char *magic;
    ssize_t length;
    const hn__format *format;
  } known[] = {{"\x93NUMPY", 6, &hn__npy}, {"PK", 2, &hn__npz}, {"\x89HDF\r\n\x1a\n", 8, &hn__hdf5}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (length >= known[i].length && memcmp(start, known[i].magic, (size_t)known[i].length) == 0)
      return known[i].format;
  return &hn__csv;
}

static hn_status look_into(hn_table *table, int fd) {
  unsigned char start[8];
  const char *reason = NULL;
  ssize_t got = read(fd, start, sizeof start);
  if (got < 0) reason = strerror(errno);
  if (fstat(fd, &table->file) != 0) return hn__table_fail(table, HN_FILE, "cannot read '%s'", table->path);
  if (!S_ISREG(table->file.st_mode))
    reason = S_ISDIR(table->file.st_mode) ? "it is a folder" : "it is not a regular file";
  if (reason) return hn__table_fail(table, HN_FILE, "cannot read '%s': %s", table->path, reason);
  if (got == 0) return hn__table_fail(table, HN_FORMAT, "'%s' is empty", table->path);
  table->format = find_format(start, got);
  return HN_OK;
}

/* Regular files only; opening must not wait, as it would for the other end of a named pipe. */
static hn_status look_at(hn_table *table) {
  int fd = open(table->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return hn__table_fail(table, HN_FILE, "cannot read '%s': %s", table->path, strerror(errno));
  hn_status status = look_into(table, fd);
  close(fd);
  return status;
}

hn_status hn_table_open(const char *path, const char *group, hn_table **out) {
  hn_table *table = *out = calloc(1, sizeof *table);
  if (!table) return HN_MEMORY;
  if (!path) return hn__table_fail(table, HN_ARGUMENT, "hn_table_open: expected a path, got NULL");
  table->path = strdup(path);
  table->group = strdup(group ? group : "");
  if (!table->path || !table->group) return hn__table_fail(table, HN_MEMORY, "no host memory to read '%s'", path);
  HN_TRY(look_at(table));
  HN_TRY(table->format->open(table));
  return check_names(table);
}

void hn_table_close(hn_table *table) {
  if (!table) return;
  hn_table_finish(table);
  if (table->format) table->format->close(table);
  for (int i = 0; i < table->columns; i++) free(table->names[i]);
  free(table->names);
  free(table->path);
  free(table->group);
  free(table);
}

const char *hn_table_message(const hn_table *table) { return table ? table->message : "out of memory"; }
int64_t hn_table_rows(const hn_table *table) { return table->rows; }
bool hn_table_sequential(const hn_table *table) { return table->sequential; }

const char *hn_table_name(const hn_table *table, int column) {
  return column >= 0 && column < table->columns ? table->names[column] : NULL;
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

static hn_status check_unchanged(hn_table *table) {
  struct stat now;
  if (stat(table->path, &now) != 0)
    return hn__table_fail(table, HN_FILE, "cannot read '%s': %s", table->path, strerror(errno));
  const struct stat *then = &table->file;
  if (now.st_dev == then->st_dev && now.st_ino == then->st_ino && now.st_size == then->st_size &&
      now.st_mtim.tv_sec == then->st_mtim.tv_sec && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec)
    return HN_OK;
  return hn__table_fail(table, HN_FILE, "'%s' has changed since it was opened", table->path);
}

static hn_status check_rows(hn_table *table, const hn__rows *rows) {
  if (table->reading) return hn__table_fail(table, HN_STATE, "'%s' is being read in the background", table->path);
  if (rows->first < 0 || rows->count < 0 || rows->first > table->rows - rows->count)
    return hn__table_fail(table, HN_ARGUMENT, "%lld rows from row %lld on are not within the %lld of '%s'",
                          (long long)rows->count, (long long)rows->first + 1, (long long)table->rows, table->path);
  for (int i = 0; i < rows->n; i++)
    if (!hn_table_name(table, rows->columns[i]))
      return hn__table_fail(table, HN_ARGUMENT, "'%s' has no column %d", table->path, rows->columns[i]);
  return HN_OK;
}

static hn_status read_rows(hn_table *table, const hn__rows *rows) {
  HN_TRY(check_unchanged(table));
  if (rows->count == 0 || rows->n == 0) return HN_OK;
  HN_TRY(table->format->read(table, rows));
  return check_unchanged(table);
}

hn_status hn_table_read(hn_table *table, int64_t first, int64_t count, int n, const int *columns, double *const *out) {
  const hn__rows rows = {first, count, n, columns, out};
  HN_TRY(check_rows(table, &rows));
  return read_rows(table, &rows);
}

static void free_request(hn__rows *request) {
  free((void *)request->columns);
  free((void *)request->out);
}

static void *read_in_background(void *data) {
  hn_table *table = data;
  table->status = read_rows(table, &table->request);
  atomic_store(&table->done, true);
  return NULL;
}

static hn_status copy_request(hn_table *table, const hn__rows *rows) {
  size_t n = (size_t)rows->n;
  int *columns = malloc(n * sizeof *columns + 1);
  double **out = malloc(n * sizeof *out + 1);
  table->request = (hn__rows){rows->first, rows->count, rows->n, columns, out};
  if (!columns || !out) {
    free_request(&table->request);
    return hn__table_memory(table);
  }
  memcpy(columns, rows->columns, n * sizeof *columns);
  memcpy(out, rows->out, n * sizeof *out);
  return HN_OK;
}

hn_status hn_table_start(hn_table *table, int64_t first, int64_t count, int n, const int *columns, double *const *out) {
  const hn__rows rows = {first, count, n, columns, out};
  sigset_t all, before;
  HN_TRY(check_rows(table, &rows));
  HN_TRY(copy_request(table, &rows));
  atomic_store(&table->done, false);
  sigfillset(&all); /* signals are for the threads of the program */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = pthread_create(&table->thread, NULL, read_in_background, table);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  table->reading = code == 0;
  if (table->reading) return HN_OK;
  free_request(&table->request);
  return hn__table_fail(table, HN_MEMORY, "no thread to read '%s': %s", table->path, strerror(code));
}

bool hn_table_ready(const hn_table *table) { return !table->reading || atomic_load(&table->done); }

hn_status hn_table_finish(hn_table *table) {
  if (!table->reading) return HN_OK;
  pthread_join(table->thread, NULL);
  table->reading = false;
  free_request(&table->request);
  return table->status;
}
