/* Contexts, memory, tensors, tapes and update rules of hn.h, in C: prints what is not as the header says. */
#include "check.h"

/* The result of an operation on tensors. */
static hn_tensor *apply(hn_context *context, const char *name, int operands, hn_tensor *a, hn_tensor *b) {
  hn_args args = {.operands = operands, .x = {{a, NULL}, {b, NULL}}};
  hn_tensor *result = NULL;
  WORKS(hn_apply(context, hn_op_find(name), &args, &result));
  return result;
}

static void contexts(void) {
  hn_context *context = open_context(0);
  CHECK(strstr(hn_context_device(context), "cpu, 2 threads") == hn_context_device(context));
  CHECK(hn_context_threads(context) == 2 && hn_context_seed(context) == 7);
  CHECK(strstr(hn_backend_built_with(0), "OpenBLAS") != NULL);
  int backends = 0;
  while (hn_backend_built_with(backends)) backends++;
  CHECK(backends >= 1 && backends < 10);
  WORKS(hn_context_wait(context));
  close_context(context);
}

static void bytes(void) {
  int64_t n = -1;
  CHECK(hn_parse_bytes("64MiB", &n) && n == 64 << 20);
  CHECK(hn_parse_bytes("1.5GiB", &n) && n == 3LL << 29);
  CHECK(hn_parse_bytes("500kB", &n) && n == 500000);
  CHECK(!hn_parse_bytes("0", &n) && !hn_parse_bytes("many", &n) && !hn_parse_bytes("", &n));
}

/* XXH32 of nothing with seed 0 is a published number. */
static void random_numbers(void) {
  hn_context *context = open_context(0);
  const float zeros[4] = {0};
  hn_tensor *a = numbers(context, 4, zeros), *b = numbers(context, 4, zeros);
  CHECK(hn_hash(NULL, 0, 0) == 0x02CC5D05u);
  hn_random start = hn_random_read(context);
  CHECK(start.seed == 7);
  WORKS(hn_tensor_uniform(a, 2, 3));
  CHECK(hn_random_read(context).position > start.position);
  for (int i = 0; i < 4; i++) CHECK(at(a, i) >= 2 && at(a, i) < 3);
  CHECK(at(a, 0) != at(a, 1));
  WORKS(hn_tensor_uniform(b, 2, 3));
  CHECK(at(b, 0) != at(a, 0));
  hn_random_write(context, start);
  WORKS(hn_tensor_uniform(b, 2, 3));
  for (int i = 0; i < 4; i++) CHECK(at(a, i) == at(b, i));
  hn_tensor_release(a);
  hn_tensor_release(b);
  close_context(context);
}

static void tensors(void) {
  hn_context *context = open_context(0);
  const int64_t shape[2] = {2, 3};
  const int32_t labels[6] = {5, 4, 3, 2, 1, 0};
  int32_t got[2] = {0};
  hn_tensor *t = NULL, *copy = NULL;
  WORKS(hn_tensor_new(context, HN_DATA, HN_INT32, 2, shape, &t));
  WORKS(hn_tensor_new(context, HN_DATA, HN_INT32, 2, shape, &copy));
  CHECK(hn_tensor_context(t) == context && hn_tensor_dtype(t) == HN_INT32 && hn_tensor_kind(t) == HN_DATA);
  CHECK(hn_tensor_dims(t) == 2 && hn_tensor_shape(t)[0] == 2 && hn_tensor_shape(t)[1] == 3 && hn_tensor_size(t) == 6);
  CHECK(strcmp(hn_kind_name(HN_DATA), "data") == 0);
  WORKS(hn_tensor_write(t, 0, 6, labels));
  WORKS(hn_tensor_copy(copy, t));
  WORKS(hn_tensor_read(copy, 3, 2, got));
  CHECK(got[0] == 2 && got[1] == 1);
  CHECK(hn_tensor_read(copy, 5, 2, got) != HN_OK);
  CHECK(hn_tensor_retain(t) == t);
  hn_tensor_release(t);
  CHECK(!hn_tensor_closed(t)); /* there was another hold */
  hn_tensor_close(t);
  CHECK(hn_tensor_closed(t) && hn_tensor_read(t, 0, 1, got) == HN_STATE);
  hn_tensor_release(t);
  hn_tensor_release(copy);
  close_context(context);
}

static void fetches(void) {
  hn_context *context = open_context(0);
  const float values[3] = {1, 2, 3}, others[3] = {0};
  float got[3] = {0};
  hn_fetch *fetch = NULL;
  hn_tensor *t = numbers(context, 3, values);
  WORKS(hn_tensor_fetch(t, &fetch));
  WORKS(hn_tensor_write(t, 0, 3, others));
  hn_tensor_release(t);
  CHECK(hn_fetch_context(fetch) == context && hn_fetch_size(fetch) == 3 && hn_fetch_dtype(fetch) == HN_FLOAT32);
  WORKS(hn_context_wait(context));
  CHECK(hn_fetch_ready(fetch));
  WORKS(hn_fetch_read(fetch, got));
  CHECK(memcmp(got, values, sizeof got) == 0);
  CHECK(hn_fetch_read(fetch, got) == HN_STATE);
  hn_fetch_release(fetch);
  close_context(context);
}

/* Lets go of the tensor that it is given. */
static void let_go(void *tensor) { hn_tensor_close(tensor); }

static void memory(void) {
  hn_context *context = open_context(1 << 20);
  const int64_t count = 150000;
  const float none = 0;
  hn_tensor *a = NULL, *b = NULL;
  WORKS(hn_tensor_new(context, HN_DATA, HN_FLOAT32, 1, &count, &a));
  CHECK(hn_tensor_new(context, HN_DATA, HN_FLOAT32, 1, &count, &b) == HN_MEMORY);
  hn_context_on_pressure(context, let_go, a);
  WORKS(hn_tensor_new(context, HN_DATA, HN_FLOAT32, 1, &count, &b));
  CHECK(hn_tensor_closed(a));
  hn_context_on_pressure(context, NULL, NULL);
  hn_tensor_release(a);
  hn_tensor_release(b);
  CHECK(hn_memory_read(context).peak >= 600000);
  hn_memory_reset_peak(context);
  CHECK(hn_memory_read(context).peak == hn_memory_read(context).used && hn_memory_read(context).peak < 600000);
  hn_memory_refuse(context, 1);
  CHECK(hn_tensor_new(context, HN_DATA, HN_FLOAT32, 1, &(int64_t){1}, &a) == HN_MEMORY);
  hn_tensor_release(numbers(context, 1, &none)); /* the next one is not refused */
  close_context(context);
}

static void dry_runs(void) {
  hn_context *context = open_context(1 << 20);
  const int64_t huge = 1LL << 40;
  hn_tensor *t = NULL;
  int64_t used = hn_memory_read(context).used;
  WORKS(hn_dry_begin(context));
  CHECK(hn_dry_begin(context) == HN_STATE);
  WORKS(hn_tensor_new(context, HN_DATA, HN_FLOAT32, 1, &huge, &t));
  CHECK(at(t, huge - 1) == 0);
  hn_tensor_release(t);
  CHECK(hn_dry_end(context).peak >= 4 * huge);
  CHECK(hn_memory_read(context).used == used);
  close_context(context);
}

static void scopes(void) {
  hn_context *context = open_context(0);
  const float values[2] = {1, -2};
  hn_tensor *t = numbers(context, 2, values);
  hn_tape *scope = NULL;
  WORKS(hn_tape_open(context, false, &scope));
  hn_tensor *kept = apply(context, "relu", 1, t, NULL), *freed = apply(context, "abs", 1, t, NULL);
  WORKS(hn_tensor_keep(kept));
  hn_tape_close(scope);
  CHECK(!hn_tensor_closed(kept) && hn_tensor_closed(freed));
  CHECK(at(kept, 0) == 1 && at(kept, 1) == 0);
  hn_tensor_release(kept);
  hn_tensor_release(freed);
  hn_tensor_release(t);
  close_context(context);
}

/* The loss sum(w * c) has the gradient c. */
static void gradients(void) {
  hn_context *context = open_context(0);
  const float start[2] = {1, 1}, factor[2] = {3, -4};
  hn_tensor *w = numbers(context, 2, start), *c = numbers(context, 2, factor), *state[2] = {NULL, NULL};
  hn_tape *tape = NULL;
  double norm = 0;
  CHECK(!hn_tensor_is_parameter(w) && hn_tensor_grad(w) == NULL);
  WORKS(hn_tensor_parameter(w));
  CHECK(hn_tensor_is_parameter(w) && hn_tensor_kind(w) == HN_WEIGHTS);
  WORKS(hn_tape_open(context, true, &tape));
  hn_tensor *product = apply(context, "mul", 2, w, c), *loss = apply(context, "sum", 1, product, NULL);
  WORKS(hn_backward(loss));
  hn_tape_close(tape);
  CHECK(at(hn_tensor_grad(w), 0) == 3 && at(hn_tensor_grad(w), 1) == -4);
  WORKS(hn_grad_norm(context, &w, 1, &norm));
  CHECK(fabs(norm - 5) < 1e-6);
  hn_rule rule = hn_rule_default(HN_RULE_SGD);
  rule.lr = 0.5f;
  rule.momentum = 0;
  rule.step = 1;
  CHECK(strcmp(hn_rule_name(rule.kind), "sgd") == 0 && strcmp(hn_rule_name(HN_RULE_ADAMW), "adamw") == 0);
  WORKS(hn_update(&rule, w, state));
  CHECK(at(w, 0) == -0.5f && at(w, 1) == 3);
  hn_tensor_clear_grad(w);
  CHECK(hn_tensor_grad(w) == NULL);
  hn_tensor *all[] = {w, c, product, loss, state[0], state[1]};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) hn_tensor_release(all[i]);
  close_context(context);
}

int main(void) {
  contexts();
  bytes();
  random_numbers();
  tensors();
  fetches();
  memory();
  dry_runs();
  scopes();
  gradients();
  puts(failures ? "failed" : "ok");
  return failures > 0;
}
