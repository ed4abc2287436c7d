/*
 * A hashed layer from the pieces of hn.h, without Lua: a virtual matrix of 200 x 100 over 2,048 buckets learns to give
 * what another one gives.
 *
 *   cc layer.c $(pkg-config --cflags --libs hn) -o layer && ./layer
 */
#include <hn.h>
#include <stdio.h>

enum { ROWS = 200, COLS = 100, BUCKETS = 2048, BATCH = 50, STEPS = 200 };

#define TRY(expression)                                                                                                \
  do {                                                                                                                 \
    hn_status try_status = (expression);                                                                               \
    if (try_status != HN_OK) return try_status;                                                                        \
  } while (0)

/* The pieces. Results of operations are not here: they go with the scope that they were made in. */
typedef struct layer {
  hn_context *context;
  hn_tensor *pool, *wanted; /* buckets that learn, and those to learn from */
  hn_tensor *state[2];      /* of the update rule */
  hn_tensor *x;             /* a minibatch */
  hn_matrix matrix;
} layer;

static hn_status make(layer *l) {
  const int64_t buckets = BUCKETS, shape[2] = {BATCH, COLS};
  l->matrix = (hn_matrix){.scheme = HN_LINE, .rows = ROWS, .cols = COLS, .count = BUCKETS, .seed = 7, .sign = true};
  TRY(hn_matrix_check(l->context, &l->matrix, BUCKETS));
  TRY(hn_buckets_new(l->context, buckets, &l->pool));
  TRY(hn_tensor_normal(l->pool, 0, 0.1f));
  TRY(hn_tensor_new(l->context, HN_DATA, HN_FLOAT32, 1, &buckets, &l->wanted));
  TRY(hn_tensor_normal(l->wanted, 0, 0.1f));
  return hn_tensor_new(l->context, HN_DATA, HN_FLOAT32, 2, shape, &l->x);
}

/* y = x V^T. */
static hn_status forward(layer *l, hn_tensor *pool, hn_tensor **y) {
  hn_args args = {.operands = 2, .x = {{l->x, NULL}, {pool, &l->matrix}}};
  return hn_apply(l->context, hn_op_find("linear"), &args, y);
}

/* The mean squared distance, recorded. Results are ours to release; the tape keeps what it needs of them. */
static hn_status distance(layer *l, hn_tensor **loss) {
  hn_tensor *y = NULL, *target = NULL;
  hn_status status = forward(l, l->pool, &y);
  if (status == HN_OK) status = forward(l, l->wanted, &target);
  if (status == HN_OK) {
    hn_args args = {.operands = 2, .x = {{y, NULL}, {target, NULL}}};
    status = hn_apply(l->context, hn_op_find("mse"), &args, loss);
  }
  hn_tensor_release(target);
  hn_tensor_release(y);
  return status;
}

static hn_status learn(layer *l, const hn_rule *rule, float *value) {
  hn_tensor *loss = NULL;
  TRY(distance(l, &loss));
  hn_status status = hn_tensor_read(loss, 0, 1, value);
  if (status == HN_OK) status = hn_backward(loss);
  if (status == HN_OK) status = hn_update(rule, l->pool, l->state);
  hn_tensor_clear_grad(l->pool);
  hn_tensor_release(loss);
  return status;
}

/* One minibatch on a tape of its own. */
static hn_status step(layer *l, const hn_rule *rule, float *value) {
  hn_tape *tape;
  TRY(hn_tensor_normal(l->x, 0, 1));
  TRY(hn_tape_open(l->context, true, &tape));
  hn_status status = learn(l, rule, value);
  hn_tape_close(tape);
  return status;
}

static hn_status train(layer *l) {
  hn_rule rule = hn_rule_default(HN_RULE_ADAM);
  float loss = 0;
  rule.lr = 0.01f;
  for (rule.step = 1; rule.step <= STEPS; rule.step++) {
    TRY(step(l, &rule, &loss));
    if (rule.step == 1 || rule.step == STEPS) printf("step %d: loss %.6f\n", (int)rule.step, (double)loss);
  }
  printf("%d x %d weights in %d buckets; %d KiB of device memory at most\n", ROWS, COLS, BUCKETS,
         (int)(hn_memory_read(l->context).peak / 1024));
  return HN_OK;
}

int main(void) {
  layer l = {0};
  hn_options options = hn_options_default();
  options.device = "cpu";
  options.threads = 1;
  hn_status status = hn_context_open(&options, &l.context);
  if (status == HN_OK) status = make(&l);
  if (status == HN_OK) status = train(&l);
  if (status != HN_OK) fprintf(stderr, "layer: %s: %s\n", hn_status_name(status), hn_message(l.context));
  for (int i = 0; i < 2; i++) hn_tensor_release(l.state[i]);
  hn_tensor_release(l.x);
  hn_tensor_release(l.wanted);
  hn_tensor_release(l.pool);
  hn_context_close(l.context);
  return status == HN_OK ? 0 : 1;
}
