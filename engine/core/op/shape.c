/* reshape, slice (views of the same storage) and concat. */
#include "op.h"

static bool whole(double number, double low, double high) {
  return number >= low && number <= high && number == (double)(int64_t)number;
}

static hn_status reshape(hn__call *call) {
  const hn_args *args = &call->args;
  int64_t shape[HN_MAX_DIMS], size = 1;
  if (args->numbers > HN_MAX_DIMS)
    return hn__op_fail(call, HN_SHAPE, "a tensor has 1 to %d dimensions, got %d", HN_MAX_DIMS, args->numbers);
  for (int i = 0; i < args->numbers; i++) {
    if (!whole(args->number[i], 1, 9e15))
      return hn__op_fail(call, HN_SHAPE, "dimension %d must be a positive integer, got %g", i + 1, args->number[i]);
    shape[i] = (int64_t)args->number[i];
  }
  HN_TRY(hn__shape_size(call->context, args->numbers, shape, &size));
  if (size != hn__in(call, 0)->size)
    return hn__op_fail(call, HN_SHAPE, "%s has %lld elements, %s would have %lld", hn__in_text(call, 0).s,
                       (long long)hn__in(call, 0)->size, hn__shape_text(args->numbers, shape).s, (long long)size);
  return hn__tensor_view(hn__in(call, 0), 0, args->numbers, shape, &call->out);
}

/* Elements of one leading row. */
static int64_t row_size(const hn_tensor *x) { return x->size / x->shape[0]; }

/* Rows first .. first+count-1, counted from 1. */
static hn_status slice(hn__call *call) {
  hn_tensor *x = hn__in(call, 0);
  double first = call->args.number[0], count = call->args.number[1], rows = (double)x->shape[0];
  if (!whole(first, 1, rows) || !whole(count, 1, rows - first + 1))
    return hn__op_fail(call, HN_ARGUMENT, "rows %g to %g are not within x %s", first, first + count - 1,
                       hn__in_text(call, 0).s);
  int64_t shape[HN_MAX_DIMS];
  for (int i = 0; i < x->dims; i++) shape[i] = i ? x->shape[i] : (int64_t)count;
  return hn__tensor_view(x, ((int64_t)first - 1) * row_size(x), x->dims, shape, &call->out);
}

static hn_status slice_grad(hn__call *call) {
  int64_t n = call->out->size, from = ((int64_t)call->args.number[0] - 1) * row_size(hn__in(call, 0));
  float *dx;
  HN_TRY(hn__grad_of(call, 0, &dx));
  return dx ? HN_DEVICE_CALL(call->context, copy_rows, 1, n, hn__out_grad(call), n, dx + from, n, true) : HN_OK;
}

/* The product of the shape from an axis (counted from 0) on: the width that an operand takes in a row of concat. */
static int64_t width(const hn_tensor *x, int axis) {
  int64_t n = 1;
  for (int i = axis; i < x->dims; i++) n *= x->shape[i];
  return n;
}

static hn_status concat_shape(hn__call *call, int axis, int64_t *shape) {
  const hn_tensor *a = hn__in(call, 0);
  for (int i = 0; i < a->dims; i++) shape[i] = a->shape[i];
  for (int k = 1; k < call->args.operands; k++) {
    const hn_tensor *x = hn__in(call, k);
    bool fits = x->dims == a->dims;
    for (int i = 0; fits && i < a->dims; i++) fits = i == axis || x->shape[i] == a->shape[i];
    if (!fits)
      return hn__op_fail(call, HN_SHAPE, "%s and %s differ elsewhere than along axis %d", hn__in_text(call, 0).s,
                         hn__in_text(call, k).s, axis + 1);
    shape[axis] += x->shape[axis];
  }
  return HN_OK;
}

static hn_status concat(hn__call *call) {
  double number = call->args.number[0];
  int64_t shape[HN_MAX_DIMS], at = 0;
  if (!whole(number, 1, hn__in(call, 0)->dims))
    return hn__op_fail(call, HN_ARGUMENT, "axis must be from 1 to %d for %s, got %g", hn__in(call, 0)->dims,
                       hn__in_text(call, 0).s, number);
  int axis = (int)number - 1;
  HN_TRY(concat_shape(call, axis, shape));
  HN_TRY(hn__result(call, HN_FLOAT32, hn__in(call, 0)->dims, shape));
  int64_t all = width(call->out, axis), rows = call->out->size / all;
  for (int k = 0; k < call->args.operands; k++) {
    int64_t own = width(hn__in(call, k), axis);
    HN_DEVICE_TRY(call->context, copy_rows, rows, own, hn__data(call, k), own, hn__floats(call->out) + at, all, false);
    at += own;
  }
  return HN_OK;
}

static hn_status concat_grad(hn__call *call) {
  int axis = (int)call->args.number[0] - 1;
  int64_t all = width(call->out, axis), rows = call->out->size / all, at = 0;
  for (int k = 0; k < call->args.operands; k++) {
    int64_t own = width(hn__in(call, k), axis);
    float *dx;
    bool add;
    HN_TRY(hn__grad_to(call, k, &dx, &add));
    if (dx) HN_DEVICE_TRY(call->context, copy_rows, rows, own, hn__out_grad(call) + at, all, dx, own, add);
    at += own;
  }
  return HN_OK;
}

const hn_op hn__shape_ops[] = {
    {.name = "reshape", .parameters = "x shape#...", .forward = reshape, .backward = hn__pass_grad},
    {.name = "slice", .parameters = "x first# count#", .forward = slice, .backward = slice_grad},
    {.name = "concat", .parameters = "x... axis#", .forward = concat, .backward = concat_grad},
    {0}};
