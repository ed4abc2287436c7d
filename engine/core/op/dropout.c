/* dropout: zeroes each element with probability `rate` and scales the others by 1 / (1 - rate). No mask is stored: the
 * gradient makes the same numbers again from where the stream stood. */
#include "op.h"

static uint32_t threshold(double rate) { return (uint32_t)(rate * 4294967296.0); }

static hn_status run(hn__call *call, const float *x, float *y, bool add) {
  double rate = call->args.number[0];
  return HN_DEVICE_CALL(call->context, dropout, call->out->size, threshold(rate), (float)(1.0 / (1.0 - rate)),
                        call->random.seed, call->random.position, x, y, add);
}

static hn_status dropout(hn__call *call) {
  double rate = call->args.number[0];
  if (!(rate >= 0 && rate < 1)) return hn__op_fail(call, HN_ARGUMENT, "rate must be in [0, 1), got %g", rate);
  HN_TRY(hn__result_like(call, 0));
  call->random = call->context->random;
  call->context->random.position += (uint64_t)call->out->size;
  return run(call, hn__data(call, 0), hn__floats(call->out), false);
}

static hn_status dropout_grad(hn__call *call) {
  float *dx;
  bool add;
  HN_TRY(hn__grad_to(call, 0, &dx, &add));
  return dx ? run(call, hn__out_grad(call), dx, add) : HN_OK;
}

const hn_op hn__dropout_ops[] = {
    {.name = "dropout", .parameters = "x rate=0.5", .forward = dropout, .backward = dropout_grad}, {0}};
