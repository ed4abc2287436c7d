/*
 * Scopes and tapes. A context's open scopes form a stack; results of operations belong to the innermost one and are
 * freed when it closes. A scope that records is a tape: hn_backward() walks its calls from the last to the first, each
 * adding to the gradients of its operands, and lets go of what they held.
 */
#include <string.h>

#include "op/op.h"

hn_status hn_tape_open(hn_context *context, bool record, hn_tape **out) {
  hn_tape *tape = hn__object_new(context, sizeof *tape);
  if (!tape) return HN_MEMORY;
  tape->context = context;
  tape->outer = context->tape;
  tape->open = true;
  tape->record = record;
  tape->serial = ++context->tapes;
  context->tape = tape;
  *out = tape;
  return HN_OK;
}

void hn__call_clear(hn__call *call) {
  for (int i = 0; i < call->args.operands; i++) hn_tensor_release(call->args.x[i].tensor);
  for (int i = 0; i < 2; i++) hn_tensor_release(call->saved[i]);
  hn_tensor_release(call->out);
}

/* Forgets what was recorded: the gradients that were under way are no longer wanted. */
static void drop_record(hn_tape *tape) {
  while (tape->call_count > 0) hn__call_clear(&tape->calls[--tape->call_count]);
  tape->serial = ++tape->context->tapes;
}

/* Closes the innermost scope. Its handle stays until its owner closes it as well. */
static void close_innermost(hn_context *context) {
  hn_tape *tape = context->tape;
  drop_record(tape);
  while (tape->result_count > 0) {
    hn_tensor *result = tape->results[--tape->result_count];
    result->scope = NULL;
    hn_tensor_close(result);
  }
  hn__host_resize(context, (void **)&tape->results, 0);
  hn__host_resize(context, (void **)&tape->calls, 0);
  context->tape = tape->outer;
  tape->open = false;
}

void hn_tape_close(hn_tape *tape) {
  if (!tape) return;
  while (tape->open) close_innermost(tape->context);
  hn__object_free(tape->context, tape);
}

hn_status hn_tensor_keep(hn_tensor *tensor) {
  hn_tape *scope = tensor->scope;
  HN_TRY(hn__tensor_usable(tensor->context, tensor, "keep: the tensor"));
  if (!scope) return HN_OK;
  hn__scope_forget(tensor);
  return hn__scope_add(scope->outer, tensor);
}

bool hn__wants_grad(const hn_tensor *tensor) {
  const hn_tape *tape = tensor->context->tape;
  return tensor->parameter || (tape && tensor->recorded == tape->serial);
}

static bool any_wants_grad(const hn__call *call) {
  for (int i = 0; i < call->args.operands; i++)
    if (call->args.x[i].tensor && hn__wants_grad(call->args.x[i].tensor)) return true;
  return false;
}

hn_status hn__tape_record(hn__call *call) {
  hn_tape *tape = call->context->tape;
  if (!tape || !tape->record || !any_wants_grad(call)) return HN_OK;
  HN_TRY(hn__grow(call->context, (void **)&tape->calls, tape->call_count, &tape->call_space, sizeof *tape->calls));
  call->out->recorded = tape->serial;
  hn__call *kept = &tape->calls[tape->call_count++];
  *kept = *call;
  hn_tensor_retain(kept->out);
  for (int i = 0; i < kept->args.operands; i++) hn_tensor_retain(kept->args.x[i].tensor);
  for (int i = 0; i < 2; i++) hn_tensor_retain(kept->saved[i]);
  return HN_OK;
}

/* The gradient's storage; when it holds nothing yet, zero-filled or, on request, as it is. */
static hn_status open_grad(hn_tensor *tensor, hn__fill fill) {
  if (tensor->grad_valid) return HN_OK;
  if (tensor->parameter) HN_TRY(hn__dry_note_grad(tensor));
  if (!tensor->grad) {
    HN_TRY(hn__tensor_make(tensor->context, HN_GRADIENTS, HN_FLOAT32, tensor->dims, tensor->shape, fill, &tensor->grad));
  } else if (fill == HN_FILL_ZERO) {
    HN_DEVICE_TRY(tensor->context, zero, hn__floats(tensor->grad), (size_t)tensor->size * 4);
  }
  tensor->grad_valid = true;
  return HN_OK;
}

hn_status hn__grad_to(hn__call *call, int i, float **grad, bool *add) {
  hn_tensor *tensor = i < call->args.operands ? call->args.x[i].tensor : NULL;
  *grad = NULL;
  if (!tensor || !hn__wants_grad(tensor)) return HN_OK;
  if (add) *add = tensor->grad_valid;
  HN_TRY(open_grad(tensor, add ? HN_FILL_NONE : HN_FILL_ZERO));
  *grad = hn__floats(tensor->grad);
  return HN_OK;
}

hn_status hn__grad_of(hn__call *call, int i, float **grad) { return hn__grad_to(call, i, grad, NULL); }

/* Operands that were closed by hand since they were recorded cannot be differentiated through. */
static hn_status check_operands(hn__call *call) {
  for (int i = 0; i < call->args.operands; i++)
    if (call->args.x[i].tensor) HN_TRY(hn__tensor_usable(call->context, call->args.x[i].tensor, "an operand"));
  return hn__tensor_usable(call->context, call->out, "the result");
}

/* One recorded call; its own gradient is done with afterwards, unless it is a parameter's. */
static hn_status backward_one(hn__call *call) {
  if (!call->out->grad_valid) return HN_OK;
  HN_TRY(check_operands(call));
  call->context->doing = call->op->name;
  hn_status status = call->op->backward(call);
  call->context->doing = NULL;
  if (status != HN_OK) return status;
  if (call->out->parameter) return HN_OK;
  hn_tensor_release(call->out->grad);
  call->out->grad = NULL;
  call->out->grad_valid = false;
  return HN_OK;
}

static hn_status run_backward(hn_tape *tape, hn_tensor *loss) {
  const float one = 1.0f;
  HN_TRY(open_grad(loss, HN_FILL_NONE));
  HN_TRY(hn_tensor_write(loss->grad, 0, 1, &one));
  while (tape->call_count > 0) {
    hn__call *call = &tape->calls[tape->call_count - 1];
    HN_TRY(backward_one(call));
    hn__call_clear(call);
    tape->call_count--;
  }
  return HN_OK;
}

hn_status hn_backward(hn_tensor *loss) {
  hn_context *context = loss->context;
  hn_tape *tape = context->tape;
  HN_TRY(hn__tensor_usable(context, loss, "the loss"));
  if (!tape || !tape->record) return hn__fail(context, HN_STATE, "backward: no tape is open, or a scope inside it is");
  if (loss->size != 1)
    return hn__fail(context, HN_SHAPE, "backward starts from one number, got a tensor %s",
                    hn__shape_text(loss->dims, loss->shape).s);
  if (loss->recorded != tape->serial)
    return hn__fail(context, HN_STATE,
                    "backward: the loss is not on the open tape: no operand of it wants a gradient, it was made "
                    "outside the tape, or backward ran already");
  hn_status status = run_backward(tape, loss);
  drop_record(tape);
  return status;
}
