/* interpolate: each feature through a curve of its own, straight lines between knots. */
#include "op.h"

static hn_status expect_table(hn__call *call, int i, const char *name, int64_t cols) {
  const hn_tensor *t = hn__in(call, i), *knots = hn__in(call, 1);
  bool fits = t->dims == 2 && t->shape[0] == cols && t->shape[1] >= 2 && t->shape[1] == knots->shape[1];
  if (fits) return HN_OK;
  return hn__op_fail(call, HN_SHAPE,
                     "%s must have shape [%lld, at least 2] as x has features, and knots and values one shape, got %s",
                     name, (long long)cols, hn__in_text(call, i).s);
}

static hn_status interpolate(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  HN_TRY(expect_table(call, 1, "knots", hn__cols(x)));
  HN_TRY(expect_table(call, 2, "values", hn__cols(x)));
  HN_TRY(hn__result_like(call, 0));
  return HN_DEVICE_CALL(call->context, interpolate, x->size, hn__cols(x), hn__in(call, 1)->shape[1], hn__floats(x),
                        hn__data(call, 1), hn__data(call, 2), hn__floats(call->out));
}

static hn_status interpolate_grad(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  float *dx;
  HN_TRY(hn__grad_of(call, 0, &dx));
  if (!dx) return HN_OK;
  return HN_DEVICE_CALL(call->context, interpolate_grad, x->size, hn__cols(x), hn__in(call, 1)->shape[1], hn__floats(x),
                        hn__data(call, 1), hn__data(call, 2), hn__out_grad(call), dx);
}

const hn_op hn__interpolate_ops[] = {
    {.name = "interpolate", .parameters = "x knots values", .forward = interpolate, .backward = interpolate_grad}, {0}};
