/* Counts the allocations of predictions: this program's malloc is also the library's. Usage: allocations net.hn n */
#define _GNU_SOURCE
#include <hn.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static int count;

void *malloc(size_t bytes) {
  count++;
  return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes) {
  count++;
  return __libc_calloc(n, bytes);
}

void *realloc(void *block, size_t bytes) {
  count++;
  return __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  count++;
  return __libc_memalign(alignment, bytes);
}

int main(int argc, char **argv) {
  hn_model *model;
  if (argc != 3 || hn_model_load(argv[1], &model) != HN_OK) return 1;
  int64_t n = atoll(argv[2]);
  float *x = calloc((size_t)(n * hn_model_inputs(model)), sizeof *x);
  float *y = calloc((size_t)(n * hn_model_outputs(model)), sizeof *y);
  int loading = count;
  hn_status status = hn_model_predict(model, n, x, y);
  int predicting = count - loading;
  printf("%d %s\n", predicting, loading > 0 ? hn_status_name(status) : "nothing was counted");
  free(x);
  free(y);
  hn_model_close(model);
  return 0;
}
