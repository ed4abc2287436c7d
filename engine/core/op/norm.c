/* layer_norm (Ba, Kiros & Hinton 2016) and batch_norm (Ioffe & Szegedy 2015). saved[0] is the mean, saved[1] 1/deviation. */
#include "op.h"

static hn_status check_epsilon(hn__call *call, double epsilon) {
  if (epsilon > 0) return HN_OK;
  return hn__op_fail(call, HN_ARGUMENT, "epsilon must be above 0, got %g", epsilon);
}

static hn_status save_statistics(hn__call *call, int64_t n) {
  HN_TRY(hn__save(call, 0, n));
  return hn__save(call, 1, n);
}

static hn_status layer_norm(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  int64_t rows = hn__rows(x), cols = hn__cols(x);
  HN_TRY(check_epsilon(call, call->args.number[0]));
  HN_TRY(hn__expect_vector(call, 1, "gain", cols));
  HN_TRY(hn__expect_vector(call, 2, "bias", cols));
  HN_TRY(hn__result_like(call, 0));
  HN_TRY(save_statistics(call, rows));
  return HN_DEVICE_CALL(call->context, layer_norm, rows, cols, (float)call->args.number[0], hn__floats(x),
                        hn__data(call, 1), hn__data(call, 2), hn__floats(call->out), hn__floats(call->saved[0]),
                        hn__floats(call->saved[1]));
}

static hn_status layer_norm_grad(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  float *dx, *dgain, *dbias;
  HN_TRY(hn__grad_of(call, 0, &dx));
  HN_TRY(hn__grad_of(call, 1, &dgain));
  HN_TRY(hn__grad_of(call, 2, &dbias));
  return HN_DEVICE_CALL(call->context, layer_norm_grad, hn__rows(x), hn__cols(x), hn__floats(x), hn__data(call, 1),
                        hn__floats(call->saved[0]), hn__floats(call->saved[1]), hn__out_grad(call), dx, dgain, dbias);
}

static hn_status check_batch_norm(hn__call *call) {
  static const char *const names[] = {"x", "gain", "bias", "running_mean", "running_variance"};
  const hn_tensor *x = hn__in(call, 0);
  for (int i = 1; i < 5; i++) HN_TRY(hn__expect_vector(call, i, names[i], hn__cols(x)));
  if (call->args.number[0] != 0 && hn__rows(x) < 2)
    return hn__op_fail(call, HN_SHAPE, "training needs at least 2 samples, got x %s", hn__in_text(call, 0).s);
  double momentum = call->args.number[1];
  if (!(momentum >= 0 && momentum <= 1))
    return hn__op_fail(call, HN_ARGUMENT, "momentum must be in [0, 1], got %g", momentum);
  return check_epsilon(call, call->args.number[2]);
}

static hn_status batch_norm(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  const double *number = call->args.number;
  HN_TRY(check_batch_norm(call));
  HN_TRY(hn__result_like(call, 0));
  HN_TRY(save_statistics(call, hn__cols(x)));
  return HN_DEVICE_CALL(call->context, batch_norm, hn__rows(x), hn__cols(x), number[0] != 0, (float)number[1],
                        (float)number[2], hn__floats(x), hn__data(call, 1), hn__data(call, 2),
                        hn__floats(hn__in(call, 3)), hn__floats(hn__in(call, 4)), hn__floats(call->out),
                        hn__floats(call->saved[0]), hn__floats(call->saved[1]));
}

static hn_status batch_norm_grad(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  float *dx, *dgain, *dbias;
  HN_TRY(hn__grad_of(call, 0, &dx));
  HN_TRY(hn__grad_of(call, 1, &dgain));
  HN_TRY(hn__grad_of(call, 2, &dbias));
  return HN_DEVICE_CALL(call->context, batch_norm_grad, hn__rows(x), hn__cols(x), call->args.number[0] != 0,
                        hn__floats(x), hn__data(call, 1), hn__floats(call->saved[0]), hn__floats(call->saved[1]),
                        hn__out_grad(call), dx, dgain, dbias);
}

const hn_op hn__norm_ops[] = {{.name = "layer_norm",
                               .parameters = "x gain bias epsilon=1e-5",
                               .forward = layer_norm,
                               .backward = layer_norm_grad},
                              {.name = "batch_norm",
                               .parameters = "x gain bias running_mean running_variance training=1 momentum=0.1 "
                                             "epsilon=1e-5",
                               .forward = batch_norm,
                               .backward = batch_norm_grad},
                              {0}};
