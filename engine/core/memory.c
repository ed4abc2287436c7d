/*
 * Every byte that the engine takes: host objects, and device buffers counted by kind under a hard budget.
 *
 * A dry run counts likewise, on the kinds and in a tally of its own, and takes nothing. What is counted under a dry run
 * that is over was taken off by its end.
 *
 * In a debug context a buffer lies between two guard zones of GUARD bytes, looked at when it is freed. For tests,
 * hn_memory_refuse() makes the n-th request fail, so that every path out of an error is walked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core.h"

/* Where the buffers of a dry run are: an address to hand on, that nobody looks at. */
static char nowhere[64];

#define GUARD 64
#define GUARD_BYTE 0xA5

const char *hn_kind_name(hn_kind kind) {
  switch (kind) {
#define X(NAME, name)                                                                                                  \
  case HN_##NAME: return name;
    HN_KIND_LIST(X)
#undef X
  case HN_KINDS: break;
  }
  return "unknown";
}

bool hn_parse_bytes(const char *text, int64_t *bytes) {
  static const struct {
    const char *unit;
    double factor;
  } units[] = {{"", 1},
               {"B", 1},
               {"kB", 1e3},
               {"KB", 1e3},
               {"MB", 1e6},
               {"GB", 1e9},
               {"TB", 1e12},
               {"KiB", 1024.0},
               {"MiB", 1048576.0},
               {"GiB", 1073741824.0},
               {"TiB", 1099511627776.0},
               {"K", 1024.0},
               {"M", 1048576.0},
               {"G", 1073741824.0}};
  if (*text < '0' || *text > '9') return false;
  char *end;
  double value = strtod(text, &end);
  while (*end == ' ') end++;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(end, units[i].unit) == 0) {
      value *= units[i].factor;
      if (!(value >= 1 && value < 9e18)) return false;
      *bytes = (int64_t)value;
      return true;
    }
  return false;
}

int64_t hn_physical_memory(void) { return (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE); }

void hn_memory_reset_peak(hn_context *context) {
  hn_memory *m = &context->memory;
  m->peak = m->used;
  memcpy(m->peaks, m->kinds, sizeof m->peaks);
}

void hn_memory_refuse(hn_context *context, int64_t n) { context->refuse = n; }

/* True if this request is the one that a test asked to fail. */
static bool refused(hn_context *context) { return context->refuse > 0 && --context->refuse == 0; }

/* -- host ------------------------------------------------------------------------------------------------------- */

void *hn__object_new(hn_context *context, size_t bytes) {
  void *object = refused(context) ? NULL : calloc(1, bytes);
  if (!object) {
    hn__fail(context, HN_MEMORY, "no host memory for an object of %zu bytes", bytes);
    return NULL;
  }
  context->memory.objects++;
  hn__context_retain(context);
  return object;
}

void hn__object_free(hn_context *context, void *object) {
  free(object);
  context->memory.objects--;
  hn_context_close(context);
}

hn_status hn__host_resize(hn_context *context, void **block, size_t bytes) {
  if (bytes == 0) {
    free(*block);
    *block = NULL;
    return HN_OK;
  }
  void *grown = refused(context) ? NULL : realloc(*block, bytes);
  if (!grown) return hn__fail(context, HN_MEMORY, "no host memory for %zu bytes", bytes);
  *block = grown;
  return HN_OK;
}

/* -- device ----------------------------------------------------------------------------------------------------- */

/* "12.3 MiB" into text. */
static hn__text bytes_text(int64_t bytes) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = (double)bytes;
  size_t unit = 0;
  while (value >= 1024 && unit < 4) value /= 1024, unit++;
  hn__text text;
  snprintf(text.s, sizeof text.s, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

/* " (activations)"; nothing for data, which may be about to become weights: hn_tensor_parameter() comes later. */
static hn__text kind_text(hn_kind kind) {
  hn__text text = {""};
  if (kind != HN_DATA) snprintf(text.s, sizeof text.s, " (%s)", hn_kind_name(kind));
  return text;
}

/* Says how much was wanted, what the limit is and who holds how much. */
static hn_status no_room(hn_context *context, hn_kind kind, size_t bytes, const char *what) {
  const hn_memory *m = &context->memory;
  char holders[512] = "nothing is held";
  size_t length = 0;
  for (int k = 0; k < HN_KINDS; k++)
    if (m->kinds[k] > 0 && length < sizeof holders)
      length += (size_t)snprintf(holders + length, sizeof holders - length, "%s%s %s",
                                 length ? ", " : "held: ", hn_kind_name((hn_kind)k), bytes_text(m->kinds[k]).s);
  hn__text limit = bytes_text(m->budget);
  return hn__fail(context, HN_MEMORY, "%s%s%s%s needs %s, but %s of %s%s used; %s",
                  context->doing ? context->doing : "", context->doing ? ": " : "", what, kind_text(kind).s,
                  bytes_text((int64_t)bytes).s, bytes_text(m->used).s, m->budget ? limit.s : "what the machine has",
                  m->budget ? " of budget are" : " are", holders);
}

/* The same for a tensor, or for panels where that is NULL: the shape is put into words here alone. */
static hn_status no_room_for(hn_context *context, hn_kind kind, size_t bytes, const hn_tensor *tensor) {
  char what[128] = "panels";
  if (tensor) snprintf(what, sizeof what, "a tensor %s", hn__shape_text(tensor->dims, tensor->shape).s);
  return no_room(context, kind, bytes, what);
}

/* Lets the host free what it no longer needs: Lua's collector cannot see device bytes. */
static void relieve(hn_context *context) {
  if (context->on_pressure) context->on_pressure(context->pressure_data);
}

static bool over_budget(const hn_context *context, size_t bytes) {
  const hn_memory *m = &context->memory;
  return m->budget > 0 && (bytes > (size_t)m->budget || m->used > m->budget - (int64_t)bytes);
}

static void count(hn_context *context, hn_kind kind, int64_t bytes) {
  hn_memory *m = &context->memory;
  m->kinds[kind] += bytes;
  m->used += bytes;
  if (m->used > m->peak) hn_memory_reset_peak(context);
}

hn_status hn__write(hn_context *context, void *dst, const void *host, size_t bytes) {
  const char *from = host;
  char *to = dst;
  while (bytes > 0 && !context->dry.run) {
    size_t part = bytes;
    void *room = NULL;
    HN_DEVICE_TRY(context, begin_write, to, &part, &room);
    memcpy(room, from, part);
    HN_DEVICE_TRY(context, end_write, to, part);
    from += part, to += part, bytes -= part;
  }
  return HN_OK;
}

hn_status hn__memory_hold(hn_context *context, size_t bytes) {
  if (over_budget(context, bytes)) return no_room(context, HN_WORKSPACE, bytes, "the device");
  count(context, HN_WORKSPACE, (int64_t)bytes);
  return HN_OK;
}

static hn_status write_guards(hn_context *context, char *start, size_t bytes) {
  unsigned char guard[GUARD];
  memset(guard, GUARD_BYTE, GUARD);
  HN_TRY(hn__write(context, start, guard, GUARD));
  return hn__write(context, start + GUARD + bytes, guard, GUARD);
}

static bool guards_intact(hn_context *context, const char *start, size_t bytes) {
  unsigned char guard[2 * GUARD];
  if (context->backend->read(context->device, guard, start, GUARD) != HN_OK) return false;
  if (context->backend->read(context->device, guard + GUARD, start + GUARD + bytes, GUARD) != HN_OK) return false;
  for (size_t i = 0; i < sizeof guard; i++)
    if (guard[i] != GUARD_BYTE) return false;
  return true;
}

/* Counts what a dry run takes (or gives back: bytes below 0), and takes nothing. */
static void *take_dry(hn_context *context, hn_kind kind, int64_t bytes) {
  context->dry.kinds[kind] += bytes;
  count(context, kind, bytes);
  return nowhere;
}

/* Device memory between its guard zones; `*out` is where the first one starts. */
static hn_status allocate(hn_context *context, size_t bytes, char **out) {
  void *start = NULL;
  hn_status status = context->backend->alloc(context->device, bytes + (context->debug ? 2 * GUARD : 0), &start);
  *out = start;
  if (status != HN_OK || !context->debug) return status;
  status = write_guards(context, start, bytes);
  if (status != HN_OK) context->backend->free(context->device, start);
  return status;
}

/* Takes counted device memory. Where there is none the host is asked to let go of some first. */
static hn_status take(hn_context *context, hn_kind kind, size_t bytes, const hn_tensor *tensor, void **out) {
  char *start = NULL;
  if (refused(context)) return no_room_for(context, kind, bytes, tensor);
  if (context->dry.run) {
    *out = take_dry(context, kind, (int64_t)bytes);
    return HN_OK;
  }
  if (over_budget(context, bytes)) relieve(context);
  if (over_budget(context, bytes)) return no_room_for(context, kind, bytes, tensor);
  hn_status status = allocate(context, bytes, &start);
  if (status == HN_MEMORY) {
    relieve(context);
    status = allocate(context, bytes, &start);
  }
  if (status == HN_MEMORY) return no_room_for(context, kind, bytes, tensor);
  HN_TRY(hn__device_status(context, status));
  *out = start + (context->debug ? GUARD : 0);
  count(context, kind, (int64_t)bytes);
  return HN_OK;
}

static void give_back(hn_context *context, hn_kind kind, void *data, size_t bytes) {
  char *start = data;
  if (context->debug) {
    start -= GUARD;
    if (!guards_intact(context, start, bytes)) context->memory.damaged++;
  }
  context->backend->free(context->device, start);
  count(context, kind, -(int64_t)bytes);
}

hn_status hn__buffer_new(hn_context *context, hn_kind kind, const hn_tensor *tensor, hn__buffer **out) {
  size_t bytes = (size_t)tensor->size * 4;
  hn__buffer *buffer = hn__object_new(context, sizeof *buffer);
  if (!buffer) return HN_MEMORY;
  hn_status status = take(context, kind, bytes, tensor, &buffer->data);
  if (status != HN_OK) {
    hn__object_free(context, buffer);
    return status;
  }
  buffer->context = context;
  buffer->refs = 1;
  buffer->kind = kind;
  buffer->bytes = bytes;
  buffer->dry = context->dry.run;
  *out = buffer;
  return HN_OK;
}

void hn__buffer_release(hn__buffer *buffer) {
  if (!buffer || --buffer->refs > 0) return;
  if (!buffer->dry)
    give_back(buffer->context, buffer->kind, buffer->data, buffer->bytes);
  else if (!hn__dry_over(buffer))
    take_dry(buffer->context, buffer->kind, -(int64_t)buffer->bytes);
  hn__object_free(buffer->context, buffer);
}

void hn__buffer_rename(hn__buffer *buffer, hn_kind kind) {
  hn_context *context = buffer->context;
  int64_t bytes = (int64_t)buffer->bytes, dry = buffer->dry ? bytes : 0;
  context->memory.kinds[buffer->kind] -= bytes;
  context->memory.kinds[kind] += bytes;
  context->dry.kinds[buffer->kind] -= dry;
  context->dry.kinds[kind] += dry;
  buffer->kind = kind;
}

hn_status hn__workspace(hn_context *context, void **out) {
  if (!context->workspace) {
    size_t bytes = context->backend->hashed_workspace(context->device);
    HN_TRY(take(context, HN_WORKSPACE, bytes, NULL, &context->workspace));
    context->workspace_bytes = bytes;
  }
  *out = context->workspace;
  return HN_OK;
}

/* The workspace is never freed while the context lives, so its guard zones are looked at here. */
hn_memory hn_memory_read(hn_context *context) {
  hn_memory memory = context->memory;
  char *workspace = context->workspace;
  if (context->debug && workspace && workspace != nowhere &&
      !guards_intact(context, workspace - GUARD, context->workspace_bytes))
    memory.damaged++;
  return memory;
}

void hn__workspace_free(hn_context *context) {
  if (context->workspace) give_back(context, HN_WORKSPACE, context->workspace, context->workspace_bytes);
  context->workspace = NULL;
}

void hn__workspace_end_dry(hn_context *context) {
  if (context->workspace == nowhere) context->workspace = NULL;
}
