/* Virtual matrices, operations, host arrays, files and interrupted scripts of hn.h, in C: data FOLDER. Prints what is
 * not as the header says. */
#include <signal.h>
#include <stdlib.h>

#include "check.h"

static char path[4096];

/* A file in the folder. */
static const char *in_folder(const char *folder, const char *name) {
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* The map of scheme element, as the hash defines it: K buckets behind `offset`. */
static void elements(void) {
  hn_context *context = open_context(0);
  const hn_matrix v = {.scheme = HN_ELEMENT, .rows = 3, .cols = 5, .offset = 2, .count = 10, .seed = 9, .sign = true};
  hn_tensor *pool = NULL, *expanded = NULL;
  WORKS(hn_buckets_new(context, 12, &pool));
  WORKS(hn_tensor_uniform(pool, -1, 1));
  WORKS(hn_matrix_expand(&v, pool, 1, 2, &expanded));
  CHECK(hn_matrix_grain(&v) == 1 && strcmp(hn_scheme_name(v.scheme), "element") == 0);
  CHECK(hn_tensor_shape(expanded)[0] == 2 && hn_tensor_shape(expanded)[1] == 5);
  for (uint32_t i = 0; i < 3; i++)
    for (uint32_t j = 0; j < 5; j++) {
      int sign = 0;
      int64_t bucket = hn_matrix_bucket(&v, i, j, &sign);
      uint32_t h = hn_hash((uint32_t[]){i, j}, 2, 9);
      CHECK(bucket == 2 + (int64_t)(((uint64_t)(h >> 1) * 10) >> 31) && sign == (h & 1 ? -1 : 1));
      if (i > 0) CHECK(at(expanded, (i - 1) * 5 + j) == (float)sign * at(pool, bucket));
    }
  int64_t row = 0, run = 0;
  CHECK(hn_matrix_members(&v, 0, 0, 1, &row, &run) == -1);
  hn_tensor_release(pool);
  hn_tensor_release(expanded);
  close_context(context);
}

/* Every run is a member of its slot, and of no other. */
static void members(void) {
  const hn_matrix v = {
      .scheme = HN_LINE, .rows = 7, .cols = 64, .count = 160, .seed = 3, .sign = true, .balanced = true};
  int64_t row[8], run[8], all = 0;
  CHECK(hn_matrix_grain(&v) == 16);
  for (int64_t slot = 0; slot < 10; slot++) {
    int64_t n = hn_matrix_members(&v, slot, 0, 8, row, run);
    CHECK(n == 2 || n == 3);
    for (int64_t k = 0; k < n; k++) CHECK(hn_matrix_bucket(&v, row[k], 16 * run[k], NULL) == 16 * slot);
    all += n;
  }
  CHECK(all == 7 * 4);
}

static void operations(void) {
  int n = 0;
  for (; hn_op_at(n); n++) CHECK(hn_op_find(hn_op_name(hn_op_at(n))) == hn_op_at(n));
  CHECK(n > 20 && hn_op_find("no such operation") == NULL);
  CHECK(strcmp(hn_op_parameters(hn_op_find("linear")), "x weight:matrix bias:matrix?") == 0);
}

static void arrays(void) {
  hn_context *context = open_context(0);
  const int64_t shape[2] = {4, 2};
  hn_array *a = NULL, *tail = NULL, *order = NULL, *shuffled = NULL, *picked = NULL;
  hn_tensor *batch = NULL;
  WORKS(hn_array_new(context, HN_F32, 2, shape, &a));
  float *data = hn_array_data(a);
  for (int i = 0; i < 8; i++) {
    CHECK(data[i] == 0);
    data[i] = (float)i;
  }
  CHECK(hn_array_context(a) == context && hn_array_dtype(a) == HN_F32 && hn_array_dims(a) == 2);
  CHECK(hn_array_shape(a)[0] == 4 && hn_array_shape(a)[1] == 2);
  WORKS(hn_array_slice(a, 2, 2, &tail));
  CHECK((float *)hn_array_data(tail) == data + 4);
  CHECK(hn_array_slice(a, 3, 2, &picked) != HN_OK);
  WORKS(hn_array_sequence(context, 4, false, &order));
  WORKS(hn_array_sequence(context, 100, true, &shuffled));
  const int32_t *index = hn_array_data(shuffled);
  int in_place = 0, sum = 0;
  for (int i = 0; i < 100; i++) in_place += index[i] == i, sum += index[i];
  CHECK(in_place < 50 && sum == 4950 && ((int32_t *)hn_array_data(order))[3] == 3);
  ((int32_t *)hn_array_data(order))[0] = 2;
  WORKS(hn_array_pick(a, order, &picked));
  CHECK(((float *)hn_array_data(picked))[1] == 5 && ((float *)hn_array_data(picked))[2] == 2);
  WORKS(hn_array_gather(context, a, order, HN_FLOAT32, 2, 1, false, &batch));
  CHECK(hn_tensor_kind(batch) == HN_DATA && at(batch, 0) == 9 && at(batch, 3) == 7);
  CHECK(hn_array_retain(a) == a);
  hn_array_release(a);
  CHECK(data[7] == 7); /* there was another hold */
  hn_array *all[] = {a, tail, order, shuffled, picked};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) hn_array_release(all[i]);
  hn_tensor_release(batch);
  close_context(context);
}

static void idx(const char *folder) {
  hn_context *context = open_context(0);
  const unsigned char bytes[11] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 255};
  hn_array *a = NULL;
  FILE *file = fopen(in_folder(folder, "labels"), "wb");
  CHECK(file && fwrite(bytes, 1, sizeof bytes, file) == sizeof bytes);
  if (file) fclose(file);
  WORKS(hn_idx_read(context, path, &a));
  CHECK(hn_array_dtype(a) == HN_U8 && hn_array_shape(a)[0] == 3 && ((unsigned char *)hn_array_data(a))[2] == 255);
  hn_array_release(a);
  close_context(context);
}

static void write_file(hn_context *context, const char *where) {
  const float values[3] = {1, 2, 3};
  hn_file *file = NULL;
  hn_array *order = NULL;
  hn_tensor *t = numbers(context, 3, values);
  WORKS(hn_array_sequence(context, 5, false, &order));
  WORKS(hn_file_new(context, &file));
  CHECK(hn_file_context(file) == context);
  WORKS(hn_file_add(file, "weights", t));
  WORKS(hn_file_add_array(file, "order", order));
  CHECK(hn_file_add(file, "order", t) != HN_OK);
  WORKS(hn_file_set(file, "made by", "spec"));
  hn_tensor_release(t); /* the file holds it */
  hn_array_release(order);
  WORKS(hn_file_save(file, where));
  hn_file_release(file);
}

static void read_file(hn_context *context, const char *where) {
  const float zeros[3] = {0};
  hn_file *file = NULL;
  hn_array *order = NULL;
  hn_dtype dtype = HN_INT32;
  int64_t shape[HN_MAX_DIMS] = {0};
  hn_tensor *t = numbers(context, 3, zeros);
  WORKS(hn_file_open(context, where, &file));
  CHECK(strcmp(hn_file_get(file, "made by"), "spec") == 0 && hn_file_get(file, "made") == NULL);
  CHECK(strcmp(hn_file_name(file, 0), "weights") == 0 && strcmp(hn_file_name(file, 1), "order") == 0);
  CHECK(hn_file_name(file, 2) == NULL);
  CHECK(hn_file_shape(file, "weights", &dtype, shape) == 1 && dtype == HN_FLOAT32 && shape[0] == 3);
  CHECK(hn_file_shape(file, "nothing", &dtype, shape) == 0);
  WORKS(hn_file_read(file, "weights", t));
  CHECK(at(t, 2) == 3);
  CHECK(hn_file_read(file, "order", t) != HN_OK);
  WORKS(hn_array_new(context, HN_I32, 1, &(int64_t){5}, &order));
  WORKS(hn_file_read_array(file, "order", order));
  CHECK(((int32_t *)hn_array_data(order))[4] == 4);
  hn_array_release(order);
  hn_tensor_release(t);
  hn_file_release(file);
}

static void files(const char *folder) {
  hn_context *context = open_context(0);
  write_file(context, in_folder(folder, "pieces"));
  read_file(context, in_folder(folder, "pieces"));
  close_context(context);
}

static hn_engine *engine;

static void on_signal(int number) {
  (void)number;
  hn_interrupt(engine);
}

/* A script that is sent a signal and never ends by itself. */
static void interrupts(void) {
  WORKS(hn_open(NULL, &engine));
  signal(SIGTERM, on_signal);
  CHECK(hn_run_string(engine, "os.execute 'kill -TERM $PPID' while true do end", "=script") == HN_SCRIPT);
  CHECK(strstr(hn_error(engine), "interrupted") != NULL);
  WORKS(hn_run_string(engine, "return 1", "=script"));
  hn_close(engine);
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  elements();
  members();
  operations();
  arrays();
  idx(argv[1]);
  files(argv[1]);
  interrupts();
  puts(failures ? "failed" : "ok");
  return failures > 0;
}
