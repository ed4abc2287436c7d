/* A program with a CBLAS of its own, as ROOT's libMathMore has one of GSL's: the engine's products do not take it. */
#include "check.h"

static int calls;

void cblas_sgemm(void);
void cblas_sgemv(void);
void cblas_sgemm(void) { calls++; }
void cblas_sgemv(void) { calls++; }

/* A matrix of ones. */
static hn_tensor *ones(hn_context *context, int64_t rows, int64_t cols) {
  float values[3000];
  hn_args args = {.operands = 1, .numbers = 2, .number = {(double)rows, (double)cols}};
  for (int i = 0; i < 3000; i++) values[i] = 1;
  args.x[0].tensor = numbers(context, rows * cols, values);
  hn_tensor *t = NULL;
  WORKS(hn_apply(context, hn_op_find("reshape"), &args, &t));
  hn_tensor_release(args.x[0].tensor);
  return t;
}

/* The product of n x k and k x m ones is all k. */
static void product(hn_context *context, int64_t n, int64_t k, int64_t m) {
  hn_tensor *a = ones(context, n, k), *b = ones(context, k, m), *c = NULL;
  hn_args args = {.operands = 2, .x = {{a, NULL}, {b, NULL}}};
  WORKS(hn_apply(context, hn_op_find("matmul"), &args, &c));
  CHECK(at(c, 0) == (float)k && at(c, n * m - 1) == (float)k);
  hn_tensor *all[] = {a, b, c};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) hn_tensor_release(all[i]);
}

int main(void) {
  hn_context *context = open_context(0);
  product(context, 40, 50, 60);
  product(context, 1, 50, 60);
  product(context, 40, 50, 1);
  close_context(context);
  CHECK(calls == 0);
  puts(failures ? "failed" : "ok");
  return failures > 0;
}
