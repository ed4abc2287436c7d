/* Contexts: a backend's device, its memory and random stream, and the last error. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

const char *hn_status_name(hn_status status) {
  switch (status) {
#define X(NAME, name, text)                                                                                            \
  case HN_##NAME: return name;
    HN_STATUS_LIST(X)
#undef X
  }
  return "unknown";
}

hn_status hn__fail(hn_context *context, hn_status status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(context->message, sizeof context->message, format, list);
  va_end(list);
  return status;
}

hn_status hn__device_status(hn_context *context, hn_status status) {
  if (status != HN_OK) return hn__fail(context, status, "%s: %s", context->backend->name, context->device->message);
  return HN_OK;
}

hn_options hn_options_default(void) {
  hn_options options = {.device = "auto", .threads = 0, .memory = 0, .seed = 1, .debug = false};
  return options;
}

static hn_status check_options(hn_context *context, const hn_options *options) {
  if (options->threads < 0 || options->threads > 4096)
    return hn__fail(context, HN_ARGUMENT, "threads must be from 0 (as many as the machine has) to 4096, got %d",
                    options->threads);
  if (options->memory < 0)
    return hn__fail(context, HN_ARGUMENT, "memory must not be negative, got %lld", (long long)options->memory);
  return HN_OK;
}

/* Opens the device of that name. */
static hn_status open_named(hn_context *context, hn_options options, const char *name) {
  const hn_backend *backend = NULL;
  options.device = name;
  HN_TRY(hn__backend_find(context, name, &backend));
  hn_status status = backend->open(&options, &context->device);
  if (status != HN_OK)
    hn__fail(context, status, "%s: %s", backend->name, context->device ? context->device->message : "out of memory");
  else
    status = hn__memory_hold(context, context->device->held);
  if (status != HN_OK) {
    if (context->device) backend->close(context->device);
    context->device = NULL;
    hn__backend_release(context);
    return status;
  }
  context->backend = backend;
  snprintf(context->device_name, sizeof context->device_name, "%s", context->device->name);
  return HN_OK;
}

/* A GPU if there is one that works, else the CPU, and why. */
static hn_status open_best(hn_context *context, const hn_options *options) {
  if (open_named(context, *options, "cuda") == HN_OK) return HN_OK;
  char reason[256];
  snprintf(reason, sizeof reason, "%.*s", (int)sizeof reason - 1, context->message);
  HN_TRY(open_named(context, *options, "cpu"));
  snprintf(context->device_name, sizeof context->device_name, "%s (%s)", context->device->name, reason);
  context->message[0] = '\0';
  return HN_OK;
}

static hn_status open_device(hn_context *context, const hn_options *options) {
  HN_TRY(check_options(context, options));
  if (!options->device || strcmp(options->device, "auto") == 0) return open_best(context, options);
  return open_named(context, *options, options->device);
}

hn_status hn_context_open(const hn_options *options, hn_context **out) {
  hn_options defaults = hn_options_default();
  if (!options) options = &defaults;
  hn_context *context = *out = calloc(1, sizeof *context);
  if (!context) return HN_MEMORY;
  context->refs = 1;
  context->seed = options->seed;
  context->debug = options->debug;
  context->random.seed = options->seed;
  context->memory.budget = options->memory;
  return open_device(context, options);
}

void hn__context_retain(hn_context *context) { context->refs++; }

void hn_context_close(hn_context *context) {
  if (!context || --context->refs > 0) return;
  hn__host_resize(context, (void **)&context->dry.grads, 0);
  if (context->device) {
    hn__workspace_free(context);
    context->backend->close(context->device);
  }
  hn__backend_release(context);
  free(context);
}

const char *hn_message(const hn_context *context) { return context ? context->message : "out of memory"; }

const char *hn_context_device(const hn_context *context) { return context->device ? context->device_name : "none"; }

int hn_context_threads(const hn_context *context) { return context->device ? context->device->threads : 0; }

uint32_t hn_context_seed(const hn_context *context) { return context->seed; }

hn_status hn_context_wait(hn_context *context) {
  return hn__device_status(context, context->backend->wait(context->device));
}

void hn_context_on_pressure(hn_context *context, void (*release)(void *), void *data) {
  context->on_pressure = release;
  context->pressure_data = data;
}
