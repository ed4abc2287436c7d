/* Dry runs: training steps that are counted and not computed, so that their memory is known before it is taken. */
#include <string.h>

#include "core.h"

hn_status hn_dry_begin(hn_context *context) {
  hn__dry *dry = &context->dry;
  if (dry->run) return hn__fail(context, HN_STATE, "a dry run is under way already");
  hn__context_retain(context);
  dry->run = ++dry->runs;
  dry->before = context->memory;
  dry->random = context->random;
  memset(dry->kinds, 0, sizeof dry->kinds);
  hn_memory_reset_peak(context);
  return HN_OK;
}

hn_status hn__dry_note_grad(hn_tensor *parameter) {
  hn_context *context = parameter->context;
  hn__dry *dry = &context->dry;
  if (!dry->run) return HN_OK;
  HN_TRY(hn__grow(context, (void **)&dry->grads, dry->grad_count, &dry->grad_space, sizeof(hn_tensor *)));
  dry->grads[dry->grad_count++] = hn_tensor_retain(parameter);
  return HN_OK;
}

/* Gradients that the run made valid hold nothing; storage that was there before stays for the next ones. */
static void forget_grads(hn__dry *dry) {
  while (dry->grad_count > 0) {
    hn_tensor *parameter = dry->grads[--dry->grad_count];
    parameter->grad_valid = false;
    if (parameter->grad && parameter->grad->buffer && parameter->grad->buffer->dry) {
      hn_tensor_release(parameter->grad);
      parameter->grad = NULL;
    }
    hn_tensor_release(parameter);
  }
}

hn_memory hn_dry_end(hn_context *context) {
  hn__dry *dry = &context->dry;
  hn_memory counted = context->memory, *m = &context->memory;
  if (!dry->run) return counted;
  forget_grads(dry);
  hn__workspace_end_dry(context);
  for (int k = 0; k < HN_KINDS; k++) {
    m->kinds[k] -= dry->kinds[k];
    m->used -= dry->kinds[k];
  }
  m->peak = dry->before.peak;
  memcpy(m->peaks, dry->before.peaks, sizeof m->peaks);
  context->random = dry->random;
  dry->run = 0;
  hn_context_close(context);
  return counted;
}
