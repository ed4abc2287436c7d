/*
 * CSV: lines of values between commas, semicolons or tabs, plain or gzip. The first line names the columns; where it
 * holds numbers alone, they are called "x[1]", "x[2]", ... Empty lines count for nothing. Opening goes through the
 * whole file once to count its rows, and notes where every INDEX-th one begins.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "number.h"
#include "table.h"

#define INDEX 1024
#define LONGEST (64 << 20) /* bytes of a line */

typedef struct mark {
  int64_t offset, line; /* bytes before it, and its number from 1 */
} mark;

typedef struct csv {
  gzFile gz;
  char separator;
  mark *marks;
  int64_t row;    /* that next_row() gives next */
  int64_t line;   /* number of the line that was read last */
  int64_t offset; /* bytes before the buffer */
  char *buffer;   /* holds bytes from `at` to `end`, of which [at, at + length) is the line */
  size_t at, end, room;
  int *wanted; /* of each column: where in the request it is, or -1 */
} csv;

static hn_status read_error(hn_table *table, csv *file) {
  int code;
  gzerror(file->gz, &code);
  if (code == Z_ERRNO) return hn__table_fail(table, HN_FILE, "cannot read '%s': %s", table->path, strerror(errno));
  if (code == Z_BUF_ERROR)
    return hn__table_fail(table, HN_FORMAT, "'%s' is cut off: its gzip data end behind line %lld", table->path,
                          (long long)file->line);
  return hn__table_fail(table, HN_FORMAT, "'%s' is damaged: bad gzip data behind line %lld", table->path,
                        (long long)file->line);
}

/* More bytes behind the unread ones, which move to the front. *more: whether there are any. */
static hn_status fill(hn_table *table, csv *file, bool *more) {
  memmove(file->buffer, file->buffer + file->at, file->end - file->at);
  file->offset += (int64_t)file->at;
  file->end -= file->at;
  file->at = 0;
  if (file->end == file->room) {
    if (file->room >= LONGEST)
      return hn__table_fail(table, HN_FORMAT, "'%s': line %lld is longer than %d MiB", table->path,
                            (long long)file->line + 1, LONGEST >> 20);
    size_t room = file->room ? 2 * file->room : 1;
    char *grown = realloc(file->buffer, room);
    if (!grown) return hn__table_memory(table);
    file->buffer = grown;
    file->room = room;
  }
  int got = gzread(file->gz, file->buffer + file->end, (unsigned)(file->room - file->end));
  int code = Z_OK;
  if (got <= 0) gzerror(file->gz, &code);
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) return read_error(table, file);
  file->end += (size_t)got;
  *more = got > 0;
  return HN_OK;
}

/* The next line that is not empty, without its end; NULL in *line behind the last. */
static hn_status next_line(hn_table *table, csv *file, char **line, size_t *length) {
  for (;;) {
    size_t seen = 0;
    char *end;
    bool more = true;
    while (!(end = memchr(file->buffer + file->at + seen, '\n', file->end - file->at - seen)) && more) {
      seen = file->end - file->at;
      HN_TRY(fill(table, file, &more));
    }
    *line = file->buffer + file->at;
    size_t taken = end ? (size_t)(end - *line) + 1 : file->end - file->at;
    *length = taken - (end != NULL);
    file->at += taken;
    file->line++;
    if (*length > 0 && (*line)[*length - 1] == '\r') --*length;
    if (*length > 0) return HN_OK;
    if (taken == 0) {
      *line = NULL;
      return HN_OK;
    }
  }
}

/* Cuts a field off a line. Quotes around it are left out. */
static const char *next_field(const char *at, const char *end, char separator, const char **from, const char **to) {
  *from = at;
  if (at < end && *at == '"') {
    const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));
    if (close) {
      *from = at + 1;
      *to = close;
      const char *next = memchr(close, separator, (size_t)(end - close));
      return next ? next + 1 : NULL;
    }
  }
  const char *next = memchr(at, separator, (size_t)(end - at));
  *to = next ? next : end;
  return next ? next + 1 : NULL;
}

/* -- opening ---------------------------------------------------------------------------------------------------- */

static char find_separator(const char *line, size_t length) {
  size_t best = 0;
  char separator = ',';
  for (const char *c = ",;\t"; *c; c++) {
    size_t n = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
      quoted ^= line[i] == '"';
      n += !quoted && line[i] == *c;
    }
    if (n > best) best = n, separator = *c;
  }
  return separator;
}

static void trim(const char **from, const char **to) {
  while (*from < *to && (**from == ' ' || **from == '\t')) ++*from;
  while (*from < *to && ((*to)[-1] == ' ' || (*to)[-1] == '\t')) --*to;
}

static bool all_numbers(const csv *file, const char *line, size_t length, int *fields) {
  const char *from, *to, *end = line + length;
  double value;
  *fields = 0;
  for (const char *at = line; at; ++*fields) {
    at = next_field(at, end, file->separator, &from, &to);
    trim(&from, &to);
    if (from == to || !hn__number(from, to, &value)) return false;
  }
  return true;
}

static hn_status read_names(hn_table *table, const csv *file, const char *line, size_t length) {
  const char *from, *to, *end = line + length;
  for (const char *at = line; at;) {
    at = next_field(at, end, file->separator, &from, &to);
    trim(&from, &to);
    HN_TRY(hn__table_name(table, from, (size_t)(to - from)));
  }
  return HN_OK;
}

static hn_status read_header(hn_table *table, csv *file) {
  char *line;
  size_t length;
  int fields;
  HN_TRY(next_line(table, file, &line, &length));
  if (!line) return hn__table_fail(table, HN_FORMAT, "'%s' is empty", table->path);
  if (memchr(line, '\0', length))
    return hn__table_fail(table, HN_FORMAT, "'%s' is no table: expected CSV, NPY, NPZ or HDF5", table->path);
  if (length >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0) line += 3, length -= 3;
  file->separator = find_separator(line, length);
  if (!all_numbers(file, line, length, &fields)) return read_names(table, file, line, length);
  file->at = 0; /* it is a row, still at the front of the buffer */
  file->line = 0;
  return hn__table_names(table, "x", 1, fields);
}

static hn_status add_mark(hn_table *table, csv *file, mark next) {
  int64_t n = table->rows / INDEX;
  HN_TRY(hn__table_grow(table, (void **)&file->marks, n, sizeof *file->marks));
  file->marks[n] = next;
  return HN_OK;
}

static hn_status count_rows(hn_table *table, csv *file) {
  for (;;) {
    char *line;
    size_t length;
    mark next = {file->offset + (int64_t)file->at, file->line};
    HN_TRY(next_line(table, file, &line, &length));
    if (!line) return HN_OK;
    if (table->rows % INDEX == 0) HN_TRY(add_mark(table, file, next));
    table->rows++;
  }
}

static hn_status csv_open(hn_table *table) {
  csv *file = table->state = calloc(1, sizeof *file);
  if (!file) return hn__table_memory(table);
  file->room = 1 << 16;
  file->buffer = malloc(file->room);
  file->gz = gzopen(table->path, "rb");
  if (!file->buffer || !file->gz) return hn__table_memory(table);
  HN_TRY(read_header(table, file));
  file->wanted = malloc((size_t)table->columns * sizeof *file->wanted);
  if (!file->wanted) return hn__table_memory(table);
  HN_TRY(count_rows(table, file));
  table->sequential = !gzdirect(file->gz);
  file->row = table->rows;
  return HN_OK;
}

/* -- reading ---------------------------------------------------------------------------------------------------- */

static hn_status go_to(hn_table *table, csv *file, int64_t row) {
  char *line;
  size_t length;
  if (row < file->row || row >= (file->row / INDEX + 1) * INDEX) {
    const mark *start = &file->marks[row / INDEX];
    if (gzseek(file->gz, (z_off_t)start->offset, SEEK_SET) < 0) return read_error(table, file);
    file->offset = start->offset;
    file->at = file->end = 0;
    file->line = start->line;
    file->row = row / INDEX * INDEX;
  }
  for (; file->row < row; file->row++) HN_TRY(next_line(table, file, &line, &length));
  return HN_OK;
}

static hn_status read_field(hn_table *table, const csv *file, int column, const char *from, const char *to,
                            double *value) {
  trim(&from, &to);
  if (from == to)
    *value = (double)NAN; /* a value that is missing */
  else if (!hn__number(from, to, value))
    return hn__table_fail(table, HN_FORMAT, "'%s', line %lld, column '%s': '%.*s' is no number", table->path,
                          (long long)file->line, table->names[column], to - from > 40 ? 40 : (int)(to - from), from);
  return HN_OK;
}

static hn_status read_row(hn_table *table, csv *file, const hn__rows *rows, int64_t at) {
  char *line;
  size_t length;
  const char *from, *to;
  int column = 0;
  HN_TRY(next_line(table, file, &line, &length));
  if (!line) return hn__table_fail(table, HN_FILE, "'%s' has changed since it was opened", table->path);
  for (const char *field = line; field; column++) {
    field = next_field(field, line + length, file->separator, &from, &to);
    if (column < table->columns && file->wanted[column] >= 0)
      HN_TRY(read_field(table, file, column, from, to, rows->out[file->wanted[column]] + at));
  }
  if (column != table->columns)
    return hn__table_fail(table, HN_FORMAT, "'%s', line %lld: %d values, but there are %d columns", table->path,
                          (long long)file->line, column, table->columns);
  file->row++;
  return HN_OK;
}

static hn_status csv_read(hn_table *table, const hn__rows *rows) {
  csv *file = table->state;
  for (int i = 0; i < table->columns; i++) file->wanted[i] = -1;
  for (int i = 0; i < rows->n; i++) file->wanted[rows->columns[i]] = i;
  HN_TRY(go_to(table, file, rows->first));
  hn_status status = HN_OK;
  for (int64_t i = 0; i < rows->count && status == HN_OK; i++) status = read_row(table, file, rows, i);
  if (status != HN_OK) file->row = INT64_MAX; /* wherever it stopped, the next read seeks */
  return status;
}

static void csv_close(hn_table *table) {
  csv *file = table->state;
  if (!file) return;
  if (file->gz) gzclose_r(file->gz);
  free(file->marks);
  free(file->buffer);
  free(file->wanted);
  free(file);
}

const hn__format hn__csv = {csv_open, csv_read, csv_close};
