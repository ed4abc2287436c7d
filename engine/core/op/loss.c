/*
 * Losses. Each exists twice: NAME_rows gives one number a sample; NAME takes optional sample weights and is made of
 * NAME_rows and the (weighted) mean over samples.
 */
#include "op.h"

/* x is [samples, classes], or [classes] for a single sample; the result is [samples]. */
static hn_status rows_result(hn__call *call) {
  int64_t rows = hn__rows(hn__in(call, 0));
  return hn__result(call, HN_FLOAT32, 1, &rows);
}

/* A target of the output's shape; [samples] goes for [samples, 1] as well. */
static hn_status check_target(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0), *target = hn__in(call, 1);
  bool same = x->size == target->size && hn__rows(x) == (hn__cols(x) == 1 ? target->size : hn__rows(target));
  if (!same)
    return hn__op_fail(call, HN_SHAPE, "target must have x's shape %s, got %s", hn__in_text(call, 0).s,
                       hn__in_text(call, 1).s);
  if (hn__wants_grad(target)) return hn__op_fail(call, HN_ARGUMENT, "target must not be a parameter or depend on one");
  return HN_OK;
}

static hn_status check_number_above_0(hn__call *call, const char *name) {
  if (call->args.number[0] > 0) return HN_OK;
  return hn__op_fail(call, HN_ARGUMENT, "%s must be above 0, got %g", name, call->args.number[0]);
}

/* -- cross-entropy ---------------------------------------------------------------------------------------------- */

static hn_status cross_entropy(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0), *labels = hn__in(call, 1);
  if (labels->size != hn__rows(x))
    return hn__op_fail(call, HN_SHAPE, "x %s has %lld samples, labels %s", hn__in_text(call, 0).s,
                       (long long)hn__rows(x), hn__in_text(call, 1).s);
  HN_TRY(hn__check_indices(call, 1, "labels", hn__cols(x)));
  HN_TRY(rows_result(call));
  return HN_DEVICE_CALL(call->context, cross_entropy, hn__rows(x), hn__cols(x), hn__floats(x), hn__ints(labels),
                        hn__floats(call->out));
}

static hn_status cross_entropy_grad(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  float *dx;
  HN_TRY(hn__grad_of(call, 0, &dx));
  if (!dx) return HN_OK;
  return HN_DEVICE_CALL(call->context, cross_entropy_grad, hn__rows(x), hn__cols(x), hn__floats(x),
                        hn__ints(hn__in(call, 1)), hn__out_grad(call), dx);
}

static hn_status soft_cross_entropy(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  HN_TRY(check_target(call));
  HN_TRY(check_number_above_0(call, "temperature"));
  HN_TRY(rows_result(call));
  return HN_DEVICE_CALL(call->context, soft_cross_entropy, hn__rows(x), hn__cols(x), (float)call->args.number[0],
                        hn__floats(x), hn__data(call, 1), hn__floats(call->out));
}

static hn_status soft_cross_entropy_grad(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  float *dx;
  HN_TRY(hn__grad_of(call, 0, &dx));
  if (!dx) return HN_OK;
  return HN_DEVICE_CALL(call->context, soft_cross_entropy_grad, hn__rows(x), hn__cols(x), (float)call->args.number[0],
                        hn__floats(x), hn__data(call, 1), hn__out_grad(call), dx);
}

/* -- losses element by element: the list in ../functions.h ------------------------------------------------------- */

static hn_status element_loss(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  HN_TRY(check_target(call));
  if (call->op->variant == HN_LOSS_huber) HN_TRY(check_number_above_0(call, "delta"));
  HN_TRY(rows_result(call));
  return HN_DEVICE_CALL(call->context, loss, (hn__loss)call->op->variant, (float)call->args.number[0], hn__rows(x),
                        hn__cols(x), hn__floats(x), hn__data(call, 1), hn__floats(call->out));
}

static hn_status element_loss_grad(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  float *dx;
  HN_TRY(hn__grad_of(call, 0, &dx));
  if (!dx) return HN_OK;
  return HN_DEVICE_CALL(call->context, loss_grad, (hn__loss)call->op->variant, (float)call->args.number[0], hn__rows(x),
                        hn__cols(x), hn__floats(x), hn__data(call, 1), hn__out_grad(call), dx);
}

/* -- means over samples ------------------------------------------------------------------------------------------ */

/* The mean of the operation before it in the table, which gives a number a row. */
static hn_status mean_loss(hn__call *call) {
  hn_tensor *rows = NULL;
  hn_args args = call->args;
  hn_operand weight = args.operands > 2 ? args.x[2] : (hn_operand){0};
  args.operands = 2;
  HN_TRY(hn_apply(call->context, call->op - 1, &args, &rows));
  const hn_op *mean = hn_op_find(weight.tensor ? "weighted_mean" : "mean");
  args = (hn_args){.operands = weight.tensor ? 2 : 1, .x = {{rows, NULL}, weight}};
  hn_status status = hn_apply(call->context, mean, &args, &call->out);
  hn_tensor_release(rows);
  return status;
}

#define MEAN_OF(loss, rest)                                                                                            \
  { .name = loss, .parameters = "x " rest, .forward = mean_loss }
#define ELEMENT_LOSS(f, numbers, ...)                                                                                  \
  {.name = #f "_rows",                                                                                                 \
   .parameters = "x target" numbers,                                                                                   \
   .forward = element_loss,                                                                                            \
   .backward = element_loss_grad,                                                                                      \
   .variant = HN_LOSS_##f},                                                                                            \
      MEAN_OF(#f, "target weight?" numbers),

const hn_op hn__loss_ops[] = {{.name = "cross_entropy_rows",
                               .parameters = "x labels:int",
                               .forward = cross_entropy,
                               .backward = cross_entropy_grad},
                              MEAN_OF("cross_entropy", "labels:int weight?"),
                              {.name = "soft_cross_entropy_rows",
                               .parameters = "x target temperature=1",
                               .forward = soft_cross_entropy,
                               .backward = soft_cross_entropy_grad},
                              MEAN_OF("soft_cross_entropy", "target weight? temperature=1"),
                              HN_LOSS_LIST(ELEMENT_LOSS){0}};
