/* Operations element by element: every row of the lists in ../functions.h. */
#include "op.h"

static hn_status unary(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  HN_TRY(hn__result_like(call, 0));
  return HN_DEVICE_CALL(call->context, unary, (hn__unary)call->op->variant, (float)call->args.number[0], x->size,
                        hn__floats(x), hn__floats(call->out));
}

static hn_status unary_grad(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  float *dx;
  bool add;
  HN_TRY(hn__grad_to(call, 0, &dx, &add));
  if (!dx) return HN_OK;
  return HN_DEVICE_CALL(call->context, unary_grad, (hn__unary)call->op->variant, (float)call->args.number[0], x->size,
                        hn__floats(x), hn__floats(call->out), hn__out_grad(call), dx, add);
}

/* b repeats along a: its shape is the end of a's, or it is one number. */
static bool repeats(const hn_tensor *a, const hn_tensor *b) {
  if (b->size == 1) return true;
  if (b->dims > a->dims) return false;
  for (int i = 1; i <= b->dims; i++)
    if (a->shape[a->dims - i] != b->shape[b->dims - i]) return false;
  return true;
}

static hn_status binary(hn__call *call) {
  const hn_tensor *a = hn__in(call, 0), *b = hn__in(call, 1);
  if (!repeats(a, b))
    return hn__op_fail(call, HN_SHAPE, "b must have a's shape %s, the end of it, or one element; got %s",
                       hn__in_text(call, 0).s, hn__in_text(call, 1).s);
  HN_TRY(hn__result_like(call, 0));
  return HN_DEVICE_CALL(call->context, binary, (hn__binary)call->op->variant, a->size, b->size, hn__floats(a),
                        hn__floats(b), hn__floats(call->out));
}

static hn_status binary_grad(hn__call *call) {
  const hn_tensor *a = hn__in(call, 0), *b = hn__in(call, 1);
  float *da, *db;
  HN_TRY(hn__grad_of(call, 0, &da));
  HN_TRY(hn__grad_of(call, 1, &db));
  return HN_DEVICE_CALL(call->context, binary_grad, (hn__binary)call->op->variant, a->size, b->size, hn__floats(a),
                        hn__floats(b), hn__out_grad(call), da, db);
}

#define UNARY(f, numbers, ...)                                                                                         \
  {.name = #f, .parameters = "x" numbers, .forward = unary, .backward = unary_grad, .variant = HN_FN_##f},
#define BINARY(f, ...)                                                                                                 \
  {.name = #f, .parameters = "a b", .forward = binary, .backward = binary_grad, .variant = HN_FN2_##f},

const hn_op hn__elementwise_ops[] = {HN_UNARY_LIST(UNARY) HN_BINARY_LIST(BINARY){0}};
