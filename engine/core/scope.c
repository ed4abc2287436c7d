/* The list of results that an open scope will free. */
#include <string.h>

#include "core.h"

hn_status hn__grow(hn_context *context, void **list, int64_t count, int64_t *space, size_t size) {
  if (count < *space) return HN_OK;
  int64_t wider = *space ? 2 * *space : 16;
  HN_TRY(hn__host_resize(context, list, (size_t)wider * size));
  *space = wider;
  return HN_OK;
}

hn_status hn__scope_add(hn_tape *scope, hn_tensor *tensor) {
  if (!scope) return HN_OK;
  HN_TRY(hn__grow(scope->context, (void **)&scope->results, scope->result_count, &scope->result_space,
                  sizeof *scope->results));
  scope->results[scope->result_count++] = tensor;
  tensor->scope = scope;
  return HN_OK;
}

/* Lists are short or left in reverse order, so the search starts at the end. */
void hn__scope_forget(hn_tensor *tensor) {
  hn_tape *scope = tensor->scope;
  if (!scope) return;
  tensor->scope = NULL;
  int64_t i = scope->result_count - 1;
  while (scope->results[i] != tensor) i--;
  memmove(scope->results + i, scope->results + i + 1, (size_t)(scope->result_count - 1 - i) * sizeof *scope->results);
  scope->result_count--;
}
