/* linear (dense or hashed) and matmul. */
#include <string.h>

#include "op.h"

/* Outputs and inputs of the weight: a matrix' rows and cols, or a tensor's. */
static hn_status weight_shape(hn__call *call, int64_t *rows, int64_t *cols) {
  const hn_matrix *v = hn__map(call, 1);
  const hn_tensor *w = hn__in(call, 1);
  if (!v && w->dims != 2)
    return hn__op_fail(call, HN_SHAPE, "weight must be a virtual matrix or a tensor [outputs, inputs], got %s",
                       hn__in_text(call, 1).s);
  *rows = v ? v->rows : w->shape[0];
  *cols = v ? v->cols : w->shape[1];
  return HN_OK;
}

static hn_status check_linear(hn__call *call, int64_t rows, int64_t cols) {
  const hn_tensor *x = hn__in(call, 0);
  const hn_matrix *map = hn__map(call, 2);
  if (hn__cols(x) != cols)
    return hn__op_fail(call, HN_SHAPE, "x %s has %lld columns, weight [%lld, %lld] takes %lld", hn__in_text(call, 0).s,
                       (long long)hn__cols(x), (long long)rows, (long long)cols, (long long)cols);
  if (map && (map->rows != rows || map->cols != 1))
    return hn__op_fail(call, HN_SHAPE, "bias must be a virtual matrix %lld x 1, got %lld x %lld", (long long)rows,
                       (long long)map->rows, (long long)map->cols);
  return hn__in(call, 2) && !map ? hn__expect_vector(call, 2, "bias", rows) : HN_OK;
}

/* y = the bias in every row. A hashed bias is expanded first: it is no larger than one sample's outputs. */
static hn_status start_from_bias(hn__call *call, int64_t batch, int64_t rows) {
  const float *bias = hn__data(call, 2);
  if (hn__map(call, 2)) {
    HN_TRY(hn__save(call, 0, rows));
    float *expanded = hn__floats(call->saved[0]);
    HN_DEVICE_TRY(call->context, lookup, hn__map(call, 2), bias, 1, NULL, rows, expanded);
    bias = expanded;
  }
  return HN_DEVICE_CALL(call->context, copy_rows, batch, rows, bias, 0, hn__floats(call->out), rows, false);
}

/* y = x V^T + b (eq. 8 of the paper without its non-linearity); x is any shape [..., cols], y is [..., rows]. */
static hn_status linear(hn__call *call) {
  int64_t rows, cols, shape[HN_MAX_DIMS], batch = hn__rows(hn__in(call, 0));
  const hn_tensor *x = hn__in(call, 0);
  const hn_matrix *v = hn__map(call, 1);
  void *workspace;
  HN_TRY(weight_shape(call, &rows, &cols));
  HN_TRY(check_linear(call, rows, cols));
  memcpy(shape, x->shape, sizeof shape);
  shape[x->dims - 1] = rows;
  HN_TRY(hn__result(call, HN_FLOAT32, x->dims, shape));
  bool biased = hn__in(call, 2) != NULL;
  if (biased) HN_TRY(start_from_bias(call, batch, rows));
  float *y = hn__floats(call->out);
  if (!v)
    return HN_DEVICE_CALL(call->context, gemm, false, true, batch, rows, cols, hn__floats(x), cols, hn__data(call, 1),
                          cols, biased, y, rows);
  if (!biased) HN_DEVICE_TRY(call->context, zero, y, (size_t)call->out->size * 4);
  HN_TRY(hn__workspace(call->context, &workspace));
  return HN_DEVICE_CALL(call->context, hashed_forward, workspace, v, hn__data(call, 1), batch, hn__floats(x), y);
}

static hn_status bias_grad(hn__call *call, int64_t batch, int64_t rows) {
  hn_context *context = call->context;
  const float *dy = hn__out_grad(call);
  float *db;
  HN_TRY(hn__grad_of(call, 2, &db));
  if (!db) return HN_OK;
  if (!hn__map(call, 2)) return HN_DEVICE_CALL(context, reduce, 1, batch, rows, 1.0f, dy, db);
  float *sum = hn__floats(call->saved[0]);
  HN_DEVICE_TRY(context, zero, sum, (size_t)rows * 4);
  HN_DEVICE_TRY(context, reduce, 1, batch, rows, 1.0f, dy, sum);
  return HN_DEVICE_CALL(context, lookup_grad, hn__map(call, 2), 1, NULL, rows, sum, db);
}

static hn_status hashed_grads(hn__call *call, int64_t batch) {
  void *workspace;
  float *dx, *dw;
  HN_TRY(hn__grad_of(call, 0, &dx));
  HN_TRY(hn__grad_of(call, 1, &dw));
  HN_TRY(hn__workspace(call->context, &workspace));
  const hn_matrix *v = hn__map(call, 1);
  const float *dy = hn__out_grad(call);
  if (dx) HN_DEVICE_TRY(call->context, hashed_input_grad, workspace, v, hn__data(call, 1), batch, dy, dx);
  if (dw) HN_DEVICE_TRY(call->context, hashed_bucket_grad, workspace, v, batch, dy, hn__data(call, 0), dw);
  return HN_OK;
}

static hn_status dense_grads(hn__call *call, int64_t batch, int64_t rows, int64_t cols) {
  const float *dy = hn__out_grad(call);
  float *dx, *dw;
  bool add;
  HN_TRY(hn__grad_to(call, 0, &dx, &add));
  if (dx)
    HN_DEVICE_TRY(call->context, gemm, false, false, batch, cols, rows, dy, rows, hn__data(call, 1), cols, add, dx,
                  cols);
  HN_TRY(hn__grad_to(call, 1, &dw, &add));
  if (dw)
    HN_DEVICE_TRY(call->context, gemm, true, false, rows, cols, batch, dy, rows, hn__data(call, 0), cols, add, dw,
                  cols);
  return HN_OK;
}

static hn_status linear_grad(hn__call *call) {
  int64_t rows, cols, batch = hn__rows(hn__in(call, 0));
  HN_TRY(weight_shape(call, &rows, &cols));
  HN_TRY(bias_grad(call, batch, rows));
  return hn__map(call, 1) ? hashed_grads(call, batch) : dense_grads(call, batch, rows, cols);
}

static hn_status matmul(hn__call *call) {
  const hn_tensor *a = hn__in(call, 0), *b = hn__in(call, 1);
  if (a->dims != 2 || b->dims != 2 || a->shape[1] != b->shape[0])
    return hn__op_fail(call, HN_SHAPE, "a [m, k] and b [k, n] must fit, got %s and %s", hn__in_text(call, 0).s,
                       hn__in_text(call, 1).s);
  int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1], shape[2] = {m, n};
  HN_TRY(hn__result(call, HN_FLOAT32, 2, shape));
  return HN_DEVICE_CALL(call->context, gemm, false, false, m, n, k, hn__floats(a), k, hn__floats(b), n, 0.0f,
                        hn__floats(call->out), n);
}

static hn_status matmul_grad(hn__call *call) {
  const hn_tensor *a = hn__in(call, 0), *b = hn__in(call, 1);
  int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  const float *dy = hn__out_grad(call);
  float *da, *db;
  bool add;
  HN_TRY(hn__grad_to(call, 0, &da, &add));
  if (da) HN_DEVICE_TRY(call->context, gemm, false, true, m, k, n, dy, n, hn__floats(b), n, add, da, k);
  HN_TRY(hn__grad_to(call, 1, &db, &add));
  if (db) HN_DEVICE_TRY(call->context, gemm, true, false, k, n, m, hn__floats(a), k, dy, n, add, db, n);
  return HN_OK;
}

const hn_op hn__linear_ops[] = {
    {.name = "linear", .parameters = "x weight:matrix bias:matrix?", .forward = linear, .backward = linear_grad},
    {.name = "matmul", .parameters = "a b", .forward = matmul, .backward = matmul_grad},
    {0}};
