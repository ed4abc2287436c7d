/* What is done with columns of events once they are read: rows are made of them, counted, and parted. */
#include <string.h>

#include "../core/core.h"
#include "../core/hash.h"

static double value_at(hn_array *array, int64_t i) {
  void *data = hn_array_data(array);
  switch (hn_array_dtype(array)) {
  case HN_U8: return ((uint8_t *)data)[i];
  case HN_I32: return ((int32_t *)data)[i];
  case HN_F32: return (double)((float *)data)[i];
  case HN_F64: break;
  }
  return ((double *)data)[i];
}

static bool fits(hn_array_type type, double value) {
  switch (type) {
  case HN_U8: return value >= 0 && value < 256;
  case HN_I32: return value > INT32_MIN - 1.0 && value < INT32_MAX + 1.0;
  case HN_F32:
  case HN_F64: break;
  }
  return true;
}

static void put(hn_array *array, int64_t i, double value) {
  void *data = hn_array_data(array);
  switch (hn_array_dtype(array)) {
  case HN_U8: ((uint8_t *)data)[i] = (uint8_t)value; break;
  case HN_I32: ((int32_t *)data)[i] = (int32_t)value; break;
  case HN_F32: ((float *)data)[i] = (float)value; break;
  case HN_F64: ((double *)data)[i] = value; break;
  }
}

static int64_t size_of(const hn_array *array) {
  int64_t size = 1;
  for (int i = 0; i < hn_array_dims(array); i++) size *= hn_array_shape(array)[i];
  return size;
}

/* The least number of rows that has all of the index. */
static int64_t rows_of(hn_array *index) {
  const int32_t *list = hn_array_data(index);
  int64_t most = -1;
  for (int64_t i = 0; i < hn_array_shape(index)[0]; i++) {
    if (list[i] < 0) return INT64_MAX;
    if (list[i] > most) most = list[i];
  }
  return most + 1;
}

static hn_status check_pack(hn_array *target, int64_t at, int64_t rows, const hn_array *index, int n,
                            hn_array *const *columns) {
  hn_context *context = hn_array_context(target);
  int64_t width = size_of(target) / hn_array_shape(target)[0], least = index ? rows_of((hn_array *)index) : rows;
  if (n != width) return hn__fail(context, HN_SHAPE, "pack: %d columns for rows of %lld", n, (long long)width);
  if (at < 0 || rows > hn_array_shape(target)[0] - at)
    return hn__fail(context, HN_SHAPE, "pack: %lld rows do not fit from row %lld on", (long long)rows,
                    (long long)at + 1);
  for (int c = 0; c < n; c++)
    if (hn_array_dtype(columns[c]) != HN_F64 || (index ? size_of(columns[c]) < least : size_of(columns[c]) != rows))
      return hn__fail(context, HN_ARGUMENT, "pack: column %d must be of float64, with the rows that are taken", c + 1);
  return HN_OK;
}

#define TILE 64 /* rows at a time, so that they stay in the cache while column after column goes into them */

/* n values of a column, of these rows (NULL: from `from` on), into the column at c of the target's rows. */
static bool pack_column(hn_array *target, int64_t at, int64_t width, int64_t c, const double *values,
                        const int32_t *rows, int64_t from, int64_t n) {
  hn_array_type type = hn_array_dtype(target);
  if (type == HN_F32) {
    float *to = (float *)hn_array_data(target) + at * width + c;
    for (int64_t i = 0; i < n; i++) to[i * width] = (float)values[rows ? rows[i] : from + i];
    return true;
  }
  for (int64_t i = 0; i < n; i++) {
    double value = values[rows ? rows[i] : from + i];
    if (!fits(type, value)) return false;
    put(target, (at + i) * width + c, value);
  }
  return true;
}

hn_status hn_array_pack(hn_array *target, int64_t at, const hn_array *index, int n, hn_array *const *columns) {
  int64_t rows = index ? hn_array_shape(index)[0] : n > 0 ? size_of(columns[0]) : 0;
  const int32_t *list = index ? hn_array_data((hn_array *)index) : NULL;
  HN_TRY(check_pack(target, at, rows, index, n, columns));
  for (int64_t first = 0; first < rows; first += TILE)
    for (int c = 0; c < n; c++) {
      int64_t count = rows - first < TILE ? rows - first : TILE;
      if (!pack_column(target, at + first, n, c, hn_array_data(columns[c]), list ? list + first : NULL, first, count))
        return hn__fail(hn_array_context(target), HN_ARGUMENT, "pack: column %d: a number that does not fit integers",
                        c + 1);
    }
  return HN_OK;
}

hn_status hn_array_copy(hn_array *target, int64_t at, hn_array *source, const hn_array *index) {
  static const size_t bytes[] = {1, 4, 4, 8};
  hn_context *context = hn_array_context(target);
  int64_t rows = hn_array_shape(source)[0], count = index ? hn_array_shape(index)[0] : rows;
  int64_t width = size_of(source) / rows, room = hn_array_shape(target)[0];
  const int32_t *list = index ? hn_array_data((hn_array *)index) : NULL;
  if (hn_array_dtype(source) != hn_array_dtype(target) || width != size_of(target) / room)
    return hn__fail(context, HN_SHAPE, "copy: rows of another type or length");
  if (at < 0 || count > room - at)
    return hn__fail(context, HN_SHAPE, "copy: %lld rows do not fit from row %lld on", (long long)count,
                    (long long)at + 1);
  size_t row = (size_t)width * bytes[hn_array_dtype(source)];
  char *to = (char *)hn_array_data(target) + (size_t)at * row;
  for (int64_t i = 0; i < count; i++, to += row) {
    int64_t from = list ? list[i] : i;
    if (from < 0 || from >= rows)
      return hn__fail(context, HN_ARGUMENT, "copy: row %lld of the index is not there", (long long)i + 1);
    memcpy(to, (char *)hn_array_data(source) + (size_t)from * row, row);
  }
  return HN_OK;
}

hn_status hn_array_where(hn_array *values, double least, double most, hn_array **out) {
  int64_t size = size_of(values), count = 0, at = 0;
  for (int64_t i = 0; i < size; i++) count += value_at(values, i) >= least && value_at(values, i) <= most;
  *out = NULL;
  if (count == 0) return HN_OK;
  HN_TRY(hn_array_new(hn_array_context(values), HN_I32, 1, &count, out));
  int32_t *list = hn_array_data(*out);
  for (int64_t i = 0; i < size; i++)
    if (value_at(values, i) >= least && value_at(values, i) <= most) list[at++] = (int32_t)i;
  return HN_OK;
}

double hn_array_sum(hn_array *array) {
  double sum = 0;
  int64_t size = size_of(array);
  if (hn_array_dtype(array) == HN_F64)
    for (int64_t i = 0; i < size; i++) sum += ((double *)hn_array_data(array))[i];
  else
    for (int64_t i = 0; i < size; i++) sum += value_at(array, i);
  return sum;
}

/* -- parts ------------------------------------------------------------------------------------------------------ */

/* Whether element k of n is drawn, of which `left` are still to be drawn (Knuth's algorithm S). */
static bool drawn(uint32_t seed, uint64_t position, int64_t k, int64_t n, int64_t left) {
  return (double)hn__random(seed, position) * 0x1p-32 * (double)(n - k) < (double)left;
}

hn_status hn_array_part(hn_array *codes, uint8_t least, uint8_t most, uint8_t to, int64_t wanted, hn_parting how,
                        uint32_t seed) {
  hn_context *context = hn_array_context(codes);
  if (hn_array_dtype(codes) != HN_U8) return hn__fail(context, HN_ARGUMENT, "part: codes must be bytes");
  uint8_t *code = hn_array_data(codes);
  int64_t size = size_of(codes), n = 0, k = 0, taken = 0;
  for (int64_t i = 0; i < size; i++) n += code[i] >= least && code[i] <= most;
  if (wanted < 0 || wanted > n)
    return hn__fail(context, HN_ARGUMENT, "part: %lld of %lld are wanted", (long long)wanted, (long long)n);
  for (int64_t i = 0; i < size; i++) {
    if (code[i] < least || code[i] > most) continue;
    bool take = how == HN_PART_RANDOM      ? drawn(seed, (uint64_t)k << 8 | least, k, n, wanted - taken)
                : how == HN_PART_ALTERNATE ? (double)(k + 1) * (double)wanted >= (double)(taken + 1) * (double)n
                                           : k >= n - wanted;
    k++;
    if (!take) continue;
    code[i] = to;
    taken++;
  }
  return HN_OK;
}
