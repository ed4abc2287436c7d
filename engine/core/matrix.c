/* Virtual matrices: the check of their description, and single elements for inspection. The products are a backend's. */
#include "balanced.h"
#include "core.h"

const char *hn_scheme_name(hn_scheme scheme) { return scheme == HN_LINE ? "line" : "element"; }

int hn_matrix_grain(const hn_matrix *matrix) { return hn__grain(matrix->scheme); }

static hn_status check_sizes(hn_context *context, const hn_matrix *m) {
  if (m->scheme != HN_ELEMENT && m->scheme != HN_LINE)
    return hn__fail(context, HN_ARGUMENT, "matrix: scheme must be element or line, got %d", (int)m->scheme);
  if (m->rows < 1 || m->rows > INT32_MAX || m->cols < 1 || m->cols > INT32_MAX)
    return hn__fail(context, HN_ARGUMENT, "matrix: rows and cols must be from 1 to 2^31-1, got %lld x %lld",
                    (long long)m->rows, (long long)m->cols);
  if (m->strip < 0 || m->strip > INT32_MAX)
    return hn__fail(context, HN_ARGUMENT, "matrix: strip must be a number of rows, or 0 for none, got %lld",
                    (long long)m->strip);
  return HN_OK;
}

static hn_status check_place(hn_context *context, const hn_matrix *m, int64_t buckets) {
  int64_t grain = hn__grain(m->scheme);
  if (m->offset < 0 || m->offset % grain != 0)
    return hn__fail(context, HN_ARGUMENT, "matrix: offset must be a multiple of %lld (scheme %s), got %lld",
                    (long long)grain, hn_scheme_name(m->scheme), (long long)m->offset);
  if (m->count < 1 || m->count % grain != 0)
    return hn__fail(context, HN_ARGUMENT,
                    "matrix: the number of buckets must be a positive multiple of %lld (scheme %s), got %lld",
                    (long long)grain, hn_scheme_name(m->scheme), (long long)m->count);
  if (m->count > buckets || m->offset > buckets - m->count)
    return hn__fail(context, HN_SHAPE, "matrix: %lld buckets from %lld on end beyond the pool's %lld",
                    (long long)m->count, (long long)m->offset, (long long)buckets);
  return HN_OK;
}

hn_status hn_matrix_check(hn_context *context, const hn_matrix *m, int64_t buckets) {
  HN_TRY(check_sizes(context, m));
  HN_TRY(check_place(context, m, buckets));
  if (m->strip > 0) {
    int64_t strips = (m->rows + m->strip - 1) / m->strip, slots = m->count / hn__grain(m->scheme);
    if (slots < strips)
      return hn__fail(context, HN_ARGUMENT,
                      "matrix: strips of %lld rows make %lld strips, but there are only %lld slots (%lld buckets of "
                      "scheme %s)",
                      (long long)m->strip, (long long)strips, (long long)slots, (long long)m->count,
                      hn_scheme_name(m->scheme));
  }
  return HN_OK;
}

/* The slot of run g of a row, whose hash is h. */
static uint32_t slot_of(const hn_matrix *m, int64_t row, uint32_t g, uint32_t h) {
  if (m->balanced) {
    const hn__balance balance = hn__balance_of(m, row);
    return hn__balance_slot(&balance, row, g);
  }
  hn__bank bank = hn__bank_of(m, row);
  return bank.first + hn__range(h >> 1, bank.size);
}

int64_t hn_matrix_bucket(const hn_matrix *m, int64_t row, int64_t col, int *sign) {
  uint32_t grain = (uint32_t)hn__grain(m->scheme), i = (uint32_t)row, j = (uint32_t)col, g = j / grain;
  uint32_t h = hn__hash2(i, g, m->seed);
  uint32_t negative = grain == 1 ? h & 1 : hn__hash2(i, g, m->seed ^ HN_SIGN_SEED) >> (j % grain) & 1;
  if (sign) *sign = m->sign && negative ? -1 : 1;
  return m->offset + (int64_t)grain * slot_of(m, row, g, h) + j % grain;
}

/* A row of the strip that owns the slot. */
static int64_t row_of_slot(const hn_matrix *m, int64_t slot) {
  if (m->strip == 0) return 0;
  int64_t strips = (m->rows + m->strip - 1) / m->strip, slots = m->count / hn__grain(m->scheme);
  return ((slot + 1) * strips - 1) / slots * m->strip;
}

int64_t hn_matrix_members(const hn_matrix *m, int64_t slot, int64_t first, int64_t n, int64_t *row, int64_t *run) {
  if (!m->balanced) return -1;
  const hn__balance balance = hn__balance_of(m, row_of_slot(m, slot));
  uint32_t own = (uint32_t)slot - balance.bank.first;
  int64_t load = (int64_t)hn__balance_load(&balance, own), end = n < load - first ? first + n : load;
  for (int64_t k = first; k < end; k++) {
    uint64_t number = hn__balance_member(&balance, own, (uint64_t)k);
    *row++ = balance.top + (int64_t)(number / balance.across);
    *run++ = (int64_t)(number % balance.across);
  }
  return load;
}

/* The integers first .. first+n-1 on the device. */
static hn_status row_numbers(hn_context *context, int64_t first, int64_t n, hn_tensor **out) {
  HN_TRY(hn__tensor_make(context, HN_DATA, HN_INT32, 1, &n, HN_FILL_NONE, out));
  hn_status status = HN_OK;
  for (int64_t i = 0; i < n && status == HN_OK; i++) {
    const int32_t row = (int32_t)(first + i);
    status = hn_tensor_write(*out, i, 1, &row);
  }
  if (status != HN_OK) hn_tensor_release(*out);
  return status;
}

hn_status hn_matrix_expand(const hn_matrix *m, hn_tensor *pool, int64_t row, int64_t rows, hn_tensor **out) {
  hn_context *context = pool->context;
  HN_TRY(hn__tensor_usable(context, pool, "the pool"));
  HN_TRY(hn_matrix_check(context, m, pool->size));
  if (row < 0 || rows < 1 || row > m->rows - rows)
    return hn__fail(context, HN_ARGUMENT, "expand: %lld rows from row %lld on are not within the matrix' %lld",
                    (long long)rows, (long long)row, (long long)m->rows);
  hn_tensor *ids = NULL, *values = NULL;
  int64_t shape[2] = {rows, m->cols};
  HN_TRY(row_numbers(context, row, rows, &ids));
  hn_status status = hn__tensor_make(context, HN_DATA, HN_FLOAT32, 2, shape, HN_FILL_NONE, &values);
  if (status == HN_OK)
    status = HN_DEVICE_CALL(context, lookup, m, hn__floats(pool), m->cols, hn__ints(ids), rows, hn__floats(values));
  hn_tensor_release(ids);
  if (status == HN_OK)
    *out = values;
  else
    hn_tensor_release(values);
  return status;
}
