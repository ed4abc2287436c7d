/* Operations in general: the list, the reading of parameters, and running one. */
#include "op.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const hn_op *const tables[] = {hn__linear_ops, hn__embedding_ops, hn__elementwise_ops, hn__dropout_ops,
                                      hn__reduce_ops, hn__shape_ops,     hn__softmax_ops,     hn__norm_ops,
                                      hn__loss_ops,   hn__quantize_ops,  hn__interpolate_ops};

const hn_op *hn_op_at(int i) {
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
    for (const hn_op *op = tables[t]; op->name; op++)
      if (i-- == 0) return op;
  return NULL;
}

const hn_op *hn_op_find(const char *name) {
  for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
    for (const hn_op *op = tables[t]; op->name; op++)
      if (strcmp(op->name, name) == 0) return op;
  return NULL;
}

const char *hn_op_name(const hn_op *op) { return op->name; }
const char *hn_op_parameters(const hn_op *op) { return op->parameters; }

/* -- what operations use ---------------------------------------------------------------------------------------- */

hn_status hn__op_fail(hn__call *call, hn_status status, const char *format, ...) {
  char text[768];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  return hn__fail(call->context, status, "%s: %s", call->context->doing, text);
}

hn__text hn__in_text(const hn__call *call, int i) {
  const hn_tensor *t = hn__in(call, i);
  return hn__shape_text(t->dims, t->shape);
}

hn_status hn__result(hn__call *call, hn_dtype dtype, int dims, const int64_t *shape) {
  return hn__tensor_make(call->context, HN_ACTIVATIONS, dtype, dims, shape, HN_FILL_NONE, &call->out);
}

hn_status hn__result_like(hn__call *call, int i) {
  const hn_tensor *t = hn__in(call, i);
  return hn__result(call, t->dtype, t->dims, t->shape);
}

hn_status hn__save(hn__call *call, int k, int64_t n) {
  return hn__tensor_make(call->context, HN_ACTIVATIONS, HN_FLOAT32, 1, &n, HN_FILL_NONE, &call->saved[k]);
}

hn_status hn__expect_vector(hn__call *call, int i, const char *name, int64_t n) {
  const hn_tensor *t = hn__in(call, i);
  if (t->dims == 1 && t->size == n) return HN_OK;
  return hn__op_fail(call, HN_SHAPE, "%s must have shape [%lld], got %s", name, (long long)n, hn__in_text(call, i).s);
}

hn_status hn__check_indices(hn__call *call, int i, const char *name, int64_t limit) {
  const hn_tensor *t = hn__in(call, i);
  const hn__bounds *bounds = &t->buffer->bounds;
  int64_t bad = -1;
  int32_t value;
  if (bounds->known && bounds->least >= 0 && bounds->most < limit) return HN_OK;
  HN_DEVICE_TRY(call->context, find_outside, hn__ints(t), t->size, limit, &bad);
  if (bad < 0) return HN_OK;
  HN_TRY(hn_tensor_read(t, bad, 1, &value));
  return hn__op_fail(call, HN_ARGUMENT, "%s must be from 1 to %lld, got %lld at position %lld", name, (long long)limit,
                     (long long)value + 1, (long long)bad + 1);
}

hn_status hn__pass_grad(hn__call *call) {
  int64_t n = call->out->size;
  float *dx;
  bool add;
  HN_TRY(hn__grad_to(call, 0, &dx, &add));
  return dx ? HN_DEVICE_CALL(call->context, copy_rows, 1, n, hn__out_grad(call), n, dx, n, add) : HN_OK;
}

/* -- parameters ------------------------------------------------------------------------------------------------- */

typedef struct word {
  char name[24];
  bool number, integer, matrix, optional, many;
  double value; /* a number's default, NaN where it must be given */
} word;

/* Reads the next word of a parameter list; false at its end. */
static bool next_word(const char **list, word *w) {
  while (**list == ' ') ++*list;
  if (!**list) return false;
  *w = (word){.value = (double)NAN};
  size_t length = strcspn(*list, " "), name = strcspn(*list, " :?.=#");
  memcpy(w->name, *list, name < sizeof w->name ? name : sizeof w->name - 1);
  const char *rest = *list + name;
  w->integer = strncmp(rest, ":int", 4) == 0;
  w->matrix = strncmp(rest, ":matrix", 7) == 0;
  w->number = *rest == '=' || *rest == '#';
  if (*rest == '=') w->value = strtod(rest + 1, NULL);
  w->optional = *rest != '=' && (*list)[length - 1] == '?';
  w->many = *rest != '=' && (*list)[length - 1] == '.';
  *list += length;
  return true;
}

static hn_status check_operand(hn__call *call, int i, const word *w) {
  hn_operand *x = &call->args.x[i];
  if (!x->tensor) {
    if (w->optional) return HN_OK;
    return hn__op_fail(call, HN_ARGUMENT, "argument %d (%s) must be a tensor, got nothing", i + 1, w->name);
  }
  hn_status usable = hn__tensor_usable(call->context, x->tensor, w->name);
  if (usable != HN_OK) return hn__op_fail(call, usable, "%s", hn_message(call->context));
  hn_dtype wanted = w->integer ? HN_INT32 : HN_FLOAT32;
  if (x->tensor->dtype != wanted)
    return hn__op_fail(call, HN_ARGUMENT, "argument %d (%s) must be %s tensor, got %s tensor %s", i + 1, w->name,
                       w->integer ? "an int" : "a float", w->integer ? "a float" : "an int", hn__in_text(call, i).s);
  if (x->matrix && !w->matrix)
    return hn__op_fail(call, HN_ARGUMENT, "argument %d (%s) must be a tensor, got a virtual matrix", i + 1, w->name);
  if (x->matrix) HN_TRY(hn_matrix_check(call->context, x->matrix, x->tensor->size));
  return HN_OK;
}

static hn_status check_number(hn__call *call, int i, const word *w) {
  hn_args *args = &call->args;
  if (i >= args->numbers) args->number[i] = w->value;
  if (!isfinite(args->number[i]))
    return hn__op_fail(call, HN_ARGUMENT, "%s must be a finite number, got %s", w->name,
                       i >= args->numbers ? "nothing" : "one that is not");
  if (i >= args->numbers) args->numbers = i + 1;
  return HN_OK;
}

/* Holds what was given against the operation's parameters and fills in defaults. */
static hn_status check_args(hn__call *call) {
  const char *list = call->op->parameters;
  int operands = 0, numbers = 0;
  word w;
  while (next_word(&list, &w)) {
    if (w.number) {
      do HN_TRY(check_number(call, numbers++, &w));
      while (w.many && numbers < call->args.numbers);
    } else {
      do HN_TRY(check_operand(call, operands++, &w));
      while (w.many && operands < call->args.operands);
    }
  }
  if (call->args.operands > operands || call->args.numbers > numbers)
    return hn__op_fail(call, HN_ARGUMENT, "too many arguments: it takes %s", call->op->parameters);
  return HN_OK;
}

/* -- running ---------------------------------------------------------------------------------------------------- */

/* Copies the matrices in, so that they live as long as the call does; hn__map() finds them there. */
static hn_status adopt_args(hn__call *call, const hn_args *args) {
  int matrices = 0;
  call->args = *args;
  for (int i = 0; i < args->operands; i++) {
    if (!args->x[i].matrix) continue;
    if (matrices == 2) return hn__op_fail(call, HN_ARGUMENT, "too many virtual matrices");
    call->matrix[matrices++] = *args->x[i].matrix;
  }
  return HN_OK;
}

static hn_status run(hn__call *call, const hn_args *args) {
  if (args->operands < 0 || args->operands > HN_MAX_OPERANDS || args->numbers < 0 || args->numbers > HN_MAX_NUMBERS)
    return hn__op_fail(call, HN_ARGUMENT, "at most %d operands and %d numbers", HN_MAX_OPERANDS, HN_MAX_NUMBERS);
  HN_TRY(adopt_args(call, args));
  HN_TRY(check_args(call));
  HN_TRY(call->op->forward(call));
  if (!call->op->backward) return HN_OK;
  return hn__tape_record(call);
}

hn_status hn_apply(hn_context *context, const hn_op *op, const hn_args *args, hn_tensor **out) {
  hn__call call = {.context = context, .op = op};
  const char *before = context->doing; /* an operation made of this one, by whose name the user knows it */
  if (!before) context->doing = op->name;
  hn_status status = run(&call, args);
  context->doing = before;
  for (int i = 0; i < 2; i++) hn_tensor_release(call.saved[i]);
  if (status == HN_OK && !call.out->scope) status = hn__scope_add(context->tape, call.out);
  if (status == HN_OK)
    *out = call.out;
  else
    hn_tensor_release(call.out);
  return status;
}
