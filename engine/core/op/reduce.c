/* sum, mean, weighted_mean: over one axis, or over all. */
#include "op.h"

enum { SUM, MEAN };

/* A tensor seen as outer x n x inner, n being the axis that goes. */
typedef struct view {
  int64_t outer, n, inner;
} view;

static view view_along(const hn_tensor *x, int axis) {
  view v = {1, axis ? x->shape[axis - 1] : x->size, 1};
  for (int i = 0; axis && i < x->dims; i++) {
    if (i < axis - 1) v.outer *= x->shape[i];
    if (i > axis - 1) v.inner *= x->shape[i];
  }
  return v;
}

static float factor(const hn__call *call, view v) { return call->op->variant == MEAN ? 1.0f / (float)v.n : 1.0f; }

/* The shape without the axis; [1] where nothing else is left. */
static hn_status reduced_result(hn__call *call, int axis) {
  const hn_tensor *x = hn__in(call, 0);
  int64_t shape[HN_MAX_DIMS] = {1};
  int dims = 0;
  for (int i = 0; axis && i < x->dims; i++)
    if (i != axis - 1) shape[dims++] = x->shape[i];
  HN_TRY(hn__result(call, HN_FLOAT32, dims ? dims : 1, shape));
  return HN_DEVICE_CALL(call->context, zero, hn__floats(call->out), (size_t)call->out->size * 4);
}

static hn_status reduce(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0);
  double axis = call->args.number[0];
  if (!(axis >= 0 && axis <= x->dims && axis == (int)axis))
    return hn__op_fail(call, HN_ARGUMENT, "axis must be from 1 to %d for x %s, or 0 for all, got %g", x->dims,
                       hn__in_text(call, 0).s, axis);
  view v = view_along(x, (int)axis);
  HN_TRY(reduced_result(call, (int)axis));
  return HN_DEVICE_CALL(call->context, reduce, v.outer, v.n, v.inner, factor(call, v), hn__floats(x),
                        hn__floats(call->out));
}

static hn_status reduce_grad(hn__call *call) {
  view v = view_along(hn__in(call, 0), (int)call->args.number[0]);
  float *dx;
  HN_TRY(hn__grad_of(call, 0, &dx));
  if (!dx) return HN_OK;
  return HN_DEVICE_CALL(call->context, spread, v.outer, v.n, v.inner, factor(call, v), hn__out_grad(call), dx);
}

/* sum(w x) / sum(w), so that a sample of weight 2 counts as two, and one of weight 0 not at all. */
static hn_status weighted_mean(hn__call *call) {
  const hn_tensor *x = hn__in(call, 0), *w = hn__in(call, 1);
  const int64_t one = 1;
  if (w->size != x->size)
    return hn__op_fail(call, HN_SHAPE, "weight must have as many elements as x %s, got %s", hn__in_text(call, 0).s,
                       hn__in_text(call, 1).s);
  if (hn__wants_grad(w)) return hn__op_fail(call, HN_ARGUMENT, "weight must not be a parameter or depend on one");
  HN_TRY(hn__result(call, HN_FLOAT32, 1, &one));
  HN_TRY(hn__save(call, 0, 1));
  return HN_DEVICE_CALL(call->context, weighted_mean, x->size, hn__floats(x), hn__floats(w), hn__floats(call->out),
                        hn__floats(call->saved[0]));
}

static hn_status weighted_mean_grad(hn__call *call) {
  float *dx;
  HN_TRY(hn__grad_of(call, 0, &dx));
  if (!dx) return HN_OK;
  return HN_DEVICE_CALL(call->context, weighted_mean_grad, hn__in(call, 0)->size, hn__data(call, 1),
                        hn__floats(call->saved[0]), hn__out_grad(call), dx);
}

const hn_op hn__reduce_ops[] = {
    {.name = "sum", .parameters = "x axis=0", .forward = reduce, .backward = reduce_grad, .variant = SUM},
    {.name = "mean", .parameters = "x axis=0", .forward = reduce, .backward = reduce_grad, .variant = MEAN},
    {.name = "weighted_mean", .parameters = "x weight", .forward = weighted_mean, .backward = weighted_mean_grad},
    {0}};
