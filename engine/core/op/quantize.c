/* quantize: numbers as whole multiples of a unit, for networks that will be stored so. */
#include "op.h"

static hn_status quantize(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  double levels = call->args.number[0];
  if (!(levels >= 1 && levels <= HN_MAX_LEVELS && levels == (int)levels))
    return hn__op_fail(call, HN_ARGUMENT, "levels must be a whole number from 1 to %d, got %g", HN_MAX_LEVELS, levels);
  HN_TRY(hn__result_like(call, 0));
  return HN_DEVICE_CALL(call->context, quantize, x->size, (int)levels, hn__floats(x), hn__floats(call->out));
}

/* The gradient goes straight through, as if nothing had been rounded (Courbariaux, Bengio & David 2015): the slope of a
 * staircase is 0 nearly everywhere. */
const hn_op hn__quantize_ops[] = {
    {.name = "quantize", .parameters = "x levels=127", .forward = quantize, .backward = hn__pass_grad}, {0}};
