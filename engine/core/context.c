/* Contexts: a backend's device, its memory and random stream, and the last error. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

static const hn_backend *const backends[] = {&hn__cpu_backend};

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

/* Finds the backend that a device name asks for; the first one serves "auto". What follows a colon is the backend's. */
static const hn_backend *find_backend(const char *device) {
  if (!device || strcmp(device, "auto") == 0) return backends[0];
  size_t n = strcspn(device, ":");
  for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
    if (strlen(backends[i]->name) == n && strncmp(device, backends[i]->name, n) == 0) return backends[i];
  return NULL;
}

const char *hn_backend_built_with(int i) {
  return (size_t)i < sizeof backends / sizeof *backends ? backends[i]->built_with() : NULL;
}

static hn_status open_device(hn_context *context, const hn_options *options) {
  if (options->threads < 0 || options->threads > 4096)
    return hn__fail(context, HN_ARGUMENT, "threads must be from 0 (as many as the machine has) to 4096, got %d",
                    options->threads);
  if (options->memory < 0)
    return hn__fail(context, HN_ARGUMENT, "memory must not be negative, got %lld", (long long)options->memory);
  const hn_backend *backend = find_backend(options->device);
  if (!backend) return hn__fail(context, HN_DEVICE, "no device '%s' here; there is: auto, cpu", options->device);
  hn_status status = backend->open(options, &context->device);
  if (status != HN_OK) {
    hn__fail(context, status, "%s: %s", backend->name, context->device ? context->device->message : "out of memory");
    if (context->device) backend->close(context->device);
    context->device = NULL;
    return status;
  }
  context->backend = backend;
  return HN_OK;
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
  free(context);
}

const char *hn_message(const hn_context *context) { return context ? context->message : "out of memory"; }

const char *hn_context_device(const hn_context *context) { return context->device ? context->device->name : "none"; }

int hn_context_threads(const hn_context *context) { return context->device ? context->device->threads : 0; }

uint32_t hn_context_seed(const hn_context *context) { return context->seed; }

void hn_context_on_pressure(hn_context *context, void (*release)(void *), void *data) {
  context->on_pressure = release;
  context->pressure_data = data;
}
