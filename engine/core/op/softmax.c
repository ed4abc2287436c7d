/* softmax and log_softmax over the last dimension; argmax. */
#include "op.h"

static hn_status softmax(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  HN_TRY(hn__result_like(call, 0));
  return HN_DEVICE_CALL(call->context, softmax, (hn__softmax)call->op->variant, hn__rows(x), hn__cols(x), hn__floats(x),
                        hn__floats(call->out));
}

static hn_status softmax_grad(hn__call *call) {
  const hn_tensor *y = call->out;
  float *dx;
  HN_TRY(hn__grad_of(call, 0, &dx));
  if (!dx) return HN_OK;
  return HN_DEVICE_CALL(call->context, softmax_grad, (hn__softmax)call->op->variant, hn__rows(y), hn__cols(y),
                        hn__floats(y), hn__out_grad(call), dx);
}

static hn_status argmax(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  int64_t rows = hn__rows(x);
  HN_TRY(hn__result(call, HN_INT32, 1, &rows));
  hn__note_integers(call->out, 0, rows, (hn__bounds){true, 0, (int32_t)(hn__cols(x) - 1)});
  return HN_DEVICE_CALL(call->context, argmax, rows, hn__cols(x), hn__floats(x), hn__ints(call->out));
}

const hn_op hn__softmax_ops[] = {
    {.name = "softmax", .parameters = "x", .forward = softmax, .backward = softmax_grad, .variant = HN_SOFTMAX},
    {.name = "log_softmax", .parameters = "x", .forward = softmax, .backward = softmax_grad, .variant = HN_LOG_SOFTMAX},
    {.name = "argmax", .parameters = "x", .forward = argmax},
    {0}};
