/* Tables of events and expressions of hn.h, in C: tables FOLDER. Prints what is not as the header says. */
#include <stdlib.h>

#include "check.h"

static char path[4096];

static const char *write_csv(const char *folder, const char *text) {
  snprintf(path, sizeof path, "%s/events.csv", folder);
  FILE *file = fopen(path, "wb");
  CHECK(file && fputs(text, file) >= 0);
  if (file) fclose(file);
  return path;
}

static void tables(const char *folder) {
  hn_table *table = NULL;
  double pt[3] = {0}, eta[3] = {0};
  WORKS(hn_table_open(write_csv(folder, "pt,eta\n1,0.5\n2,\n3,-1e3\n"), NULL, &table));
  CHECK(hn_table_rows(table) == 3 && !hn_table_sequential(table));
  CHECK(strcmp(hn_table_name(table, 0), "pt") == 0 && strcmp(hn_table_name(table, 1), "eta") == 0);
  CHECK(hn_table_name(table, 2) == NULL && hn_table_name(table, -1) == NULL);
  WORKS(hn_table_read(table, 0, 3, 2, (const int[]){1, 0}, (double *[]){eta, pt}));
  CHECK(pt[0] == 1 && pt[2] == 3 && eta[0] == 0.5 && isnan(eta[1]) && eta[2] == -1000);
  pt[0] = pt[1] = 0;
  WORKS(hn_table_start(table, 1, 2, 1, (const int[]){0}, (double *[]){pt}));
  CHECK(hn_table_start(table, 0, 1, 1, (const int[]){0}, (double *[]){pt}) == HN_STATE);
  WORKS(hn_table_finish(table));
  WORKS(hn_table_finish(table));
  CHECK(hn_table_ready(table) && pt[0] == 2 && pt[1] == 3);
  CHECK(hn_table_read(table, 2, 2, 1, (const int[]){0}, (double *[]){pt}) == HN_ARGUMENT);
  CHECK(hn_table_read(table, 0, 1, 1, (const int[]){2}, (double *[]){pt}) == HN_ARGUMENT);
  WORKS(hn_table_start(table, 0, 3, 1, (const int[]){0}, (double *[]){pt}));
  hn_table_close(table); /* waits */
  CHECK(hn_table_open("/nowhere/events.csv", NULL, &table) == HN_FILE);
  CHECK(strstr(hn_table_message(table), "/nowhere/events.csv") != NULL);
  hn_table_close(table);
  CHECK(hn_table_open(NULL, NULL, &table) == HN_ARGUMENT);
  hn_table_close(table);
  hn_table_close(NULL);
  int major, minor, release;
  CHECK(!hn_table_hdf5() || sscanf(hn_table_hdf5(), "%d.%d.%d", &major, &minor, &release) == 3);
}

static void expressions(void) {
  hn_context *context = open_context(0);
  hn_expression *e = NULL;
  const double a[3] = {1, 2, 3}, b[3] = {3, 2, 1};
  double out[3];
  WORKS(hn_expression_new(context, "b > a ? 10 * b : -a", &e));
  CHECK(hn_expression_context(e) == context);
  CHECK(strcmp(hn_expression_column(e, 0), "b") == 0 && strcmp(hn_expression_column(e, 1), "a") == 0);
  CHECK(hn_expression_column(e, 2) == NULL);
  hn_expression_evaluate(e, 3, (const double *[]){b, a}, out);
  CHECK(out[0] == 30 && out[1] == -2 && out[2] == -3);
  hn_expression_release(e);
  hn_expression_release(NULL);
  CHECK(hn_expression_new(context, "b >", &e) == HN_ARGUMENT);
  CHECK(strstr(hn_message(context), "expected a value") != NULL);
  close_context(context);
}

static hn_array *column(hn_context *context, int64_t n) {
  hn_array *array = NULL;
  WORKS(hn_array_new(context, HN_F64, 1, &n, &array));
  for (int64_t i = 0; i < n; i++) ((double *)hn_array_data(array))[i] = (double)i;
  return array;
}

static void columns(void) {
  hn_context *context = open_context(0);
  hn_array *a = column(context, 5), *b = column(context, 5), *index = NULL, *none = NULL, *x = NULL, *y = NULL;
  ((double *)hn_array_data(b))[3] = 1e10;
  CHECK(hn_array_sum(a) == 10);
  WORKS(hn_array_where(a, 2, 3, &index));
  WORKS(hn_array_where(a, 7, 8, &none));
  CHECK(none == NULL && hn_array_shape(index)[0] == 2 && ((int32_t *)hn_array_data(index))[1] == 3);
  WORKS(hn_array_new(context, HN_F32, 2, (const int64_t[]){3, 2}, &x));
  WORKS(hn_array_pack(x, 1, index, 2, (hn_array *[]){a, b}));
  const float *rows = hn_array_data(x);
  CHECK(rows[0] == 0 && rows[2] == 2 && rows[3] == 2 && rows[4] == 3 && rows[5] == 1e10F);
  CHECK(hn_array_pack(x, 2, index, 2, (hn_array *[]){a, b}) == HN_SHAPE);
  CHECK(hn_array_pack(x, 0, index, 1, &a) == HN_SHAPE);
  WORKS(hn_array_new(context, HN_I32, 1, (const int64_t[]){5}, &y));
  CHECK(hn_array_pack(y, 0, NULL, 1, &b) == HN_ARGUMENT); /* 1e10 is no int32 */
  WORKS(hn_array_pack(y, 0, NULL, 1, &a));
  CHECK(((int32_t *)hn_array_data(y))[4] == 4);
  WORKS(hn_array_copy(a, 3, b, index));
  CHECK(((double *)hn_array_data(a))[3] == 2 && ((double *)hn_array_data(a))[4] == 1e10);
  CHECK(hn_array_copy(a, 4, b, index) == HN_SHAPE && hn_array_copy(a, 0, y, NULL) == HN_SHAPE);
  hn_array *all[] = {a, b, index, x, y};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) hn_array_release(all[i]);
  close_context(context);
}

/* Of 100 codes 1 and 100 codes 2, 30 become 9; which is the same for one seed. */
static void part(hn_context *context, hn_parting how, uint32_t seed, uint8_t codes[200]) {
  hn_array *array = NULL;
  int taken = 0;
  WORKS(hn_array_new(context, HN_U8, 1, (const int64_t[]){200}, &array));
  uint8_t *code = hn_array_data(array);
  for (int i = 0; i < 200; i++) code[i] = (uint8_t)(1 + i % 2);
  WORKS(hn_array_part(array, 1, 1, 9, 30, how, seed));
  for (int i = 0; i < 200; i++) {
    taken += code[i] == 9;
    if (i % 2) CHECK(code[i] == 2);
  }
  CHECK(taken == 30);
  CHECK(hn_array_part(array, 1, 1, 9, 71, how, seed) == HN_ARGUMENT);
  memcpy(codes, code, 200);
  hn_array_release(array);
}

static void parts(void) {
  hn_context *context = open_context(0);
  uint8_t one[200], two[200];
  part(context, HN_PART_RANDOM, 1, one);
  part(context, HN_PART_RANDOM, 1, two);
  CHECK(memcmp(one, two, 200) == 0);
  part(context, HN_PART_RANDOM, 2, two);
  CHECK(memcmp(one, two, 200) != 0);
  part(context, HN_PART_BLOCK, 0, one);
  for (int i = 0; i < 200; i += 2) CHECK((one[i] == 9) == (i >= 140));
  part(context, HN_PART_ALTERNATE, 0, one);
  for (int i = 0, gap = 0; i < 200; i += 2) {
    gap = one[i] == 9 ? 0 : gap + 1;
    CHECK(gap <= 3);
  }
  close_context(context);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  CHECK(hn_physical_memory() > 1 << 20);
  tables(argv[1]);
  expressions();
  columns();
  parts();
  puts(failures ? "failed" : "ok");
  return failures > 0;
}
