/* Reading a tensor later: its elements on their way to the host. */
#include <string.h>

#include "core.h"

struct hn_fetch {
  hn_context *context;
  hn_dtype dtype;
  int64_t size;
  void *ticket; /* the backend's; NULL once read, and for what a dry run made, which reads as zero */
  bool read;
};

hn_status hn_tensor_fetch(const hn_tensor *tensor, hn_fetch **out) {
  hn_context *context = tensor->context;
  HN_TRY(hn__tensor_usable(context, tensor, "the tensor"));
  hn_fetch *fetch = hn__object_new(context, sizeof *fetch);
  if (!fetch) return HN_MEMORY;
  fetch->context = context;
  fetch->dtype = tensor->dtype;
  fetch->size = tensor->size;
  hn_status status = HN_OK;
  if (!tensor->buffer->dry)
    status = hn__device_status(context, context->backend->fetch(context->device, hn__floats(tensor),
                                                                (size_t)tensor->size * 4, &fetch->ticket));
  if (status == HN_OK)
    *out = fetch;
  else
    hn__object_free(context, fetch);
  return status;
}

bool hn_fetch_ready(const hn_fetch *fetch) {
  return !fetch->ticket || fetch->context->backend->ready(fetch->context->device, fetch->ticket);
}

int64_t hn_fetch_size(const hn_fetch *fetch) { return fetch->size; }
hn_dtype hn_fetch_dtype(const hn_fetch *fetch) { return fetch->dtype; }
hn_context *hn_fetch_context(const hn_fetch *fetch) { return fetch->context; }

hn_status hn_fetch_read(hn_fetch *fetch, void *target) {
  hn_context *context = fetch->context;
  void *ticket = fetch->ticket;
  if (fetch->read) return hn__fail(context, HN_STATE, "a fetch is read once, and this one was");
  fetch->read = true;
  fetch->ticket = NULL;
  if (ticket) return hn__device_status(context, context->backend->take(context->device, ticket, target));
  memset(target, 0, (size_t)fetch->size * 4);
  return HN_OK;
}

void hn_fetch_release(hn_fetch *fetch) {
  if (!fetch) return;
  if (fetch->ticket) fetch->context->backend->take(fetch->context->device, fetch->ticket, NULL);
  hn__object_free(fetch->context, fetch);
}
