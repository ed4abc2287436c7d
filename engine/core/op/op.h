/*
 * What an operation is. Each file of this folder holds a family of them and exports one table, listed in op.c.
 *
 * To add one: its row in a table here (forward checks shapes, makes the result, calls the backend; backward adds to the
 * gradients of its operands), the entry in ../backend.h and in each backend if it needs a new kernel, and its row in
 * spec/support/ops.lua. C callers, Lua functions, methods and error texts follow from the row.
 *
 * Parameters are words: operands first, then numbers.
 *   x          a float tensor              ids:int        an int tensor
 *   w:matrix   a tensor or virtual matrix  word?          may be left out
 *   word...    one or more of them         number=0.5     a number with its default
 *   number#    a number that must be given number#...     one or more numbers
 */
#ifndef HN_CORE_OP_OP_H
#define HN_CORE_OP_OP_H

#include "../core.h"

struct hn_op {
  const char *name, *parameters;
  hn_status (*forward)(hn__call *call);
  hn_status (*backward)(hn__call *call); /* NULL: nothing to differentiate (argmax), or made of other operations */
  int variant;                           /* for families of one shape: which function of functions.h */
};

/* Tables end with a row without name. */
extern const hn_op hn__linear_ops[], hn__embedding_ops[], hn__elementwise_ops[], hn__dropout_ops[], hn__reduce_ops[],
    hn__shape_ops[], hn__softmax_ops[], hn__norm_ops[], hn__loss_ops[], hn__quantize_ops[], hn__interpolate_ops[];

/* Operand i: its tensor (NULL if left out), its matrix (NULL for a plain tensor), its data. */
static inline hn_tensor *hn__in(const hn__call *call, int i) {
  return i < call->args.operands ? call->args.x[i].tensor : NULL;
}
static inline const hn_matrix *hn__map(const hn__call *call, int i) {
  int before = 0;
  if (i >= call->args.operands || !call->args.x[i].matrix) return NULL;
  for (int k = 0; k < i; k++) before += call->args.x[k].matrix != NULL;
  return &call->matrix[before];
}
static inline const float *hn__data(const hn__call *call, int i) {
  const hn_tensor *t = hn__in(call, i);
  return t ? hn__floats(t) : NULL;
}
/* The result's gradient, complete when backward runs. */
static inline const float *hn__out_grad(const hn__call *call) { return hn__floats(call->out->grad); }

/* Makes call->out: an activation that forward must fill. */
hn_status hn__result(hn__call *call, hn_dtype dtype, int dims, const int64_t *shape);
/* A result of operand i's shape. */
hn_status hn__result_like(hn__call *call, int i);
/* Makes call->saved[k], a float vector for backward. */
hn_status hn__save(hn__call *call, int k, int64_t n);
/* Fails unless operand i is 1-dimensional of n elements. */
hn_status hn__expect_vector(hn__call *call, int i, const char *name, int64_t n);
/* Fails with "NAME: text". */
hn_status hn__op_fail(hn__call *call, hn_status status, const char *format, ...) HN_PRINTF(3, 4);
/* Checks that every index lies in [0, limit). */
hn_status hn__check_indices(hn__call *call, int i, const char *name, int64_t limit);
/* Operand i's shape as text. */
hn__text hn__in_text(const hn__call *call, int i);
/* The backward of what keeps every number, or counts as if it did: operand 0 gets the gradient of the result. */
hn_status hn__pass_grad(hn__call *call);

#endif
