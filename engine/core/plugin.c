/*
 * Backends in libraries of their own: device "NAME" or "NAME:..." is served by libhn_NAME.so, which is loaded when it is
 * asked for. It is looked for beside the program (or the library) that this code is in, in ../lib from there, and
 * where the system looks for libraries.
 */
#define _GNU_SOURCE /* dladdr; NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core.h"

#define LONGEST_NAME 31

static const hn_backend *const built_in[] = {&hn__cpu_backend};

/* The name's part that names the backend: up to a colon. False unless it could be part of a file's name. */
static bool read_name(const char *device, char name[LONGEST_NAME + 1]) {
  size_t n = strcspn(device, ":");
  if (n == 0 || n > LONGEST_NAME || strspn(device, "abcdefghijklmnopqrstuvwxyz0123456789-") < n) return false;
  memcpy(name, device, n);
  name[n] = '\0';
  return true;
}

/* The folder that this code was loaded from, with its slash; empty where that is not known. */
static void own_folder(char *folder, size_t size) {
  Dl_info info;
  folder[0] = '\0';
  if (!dladdr(&built_in, &info) || !info.dli_fname) return;
  const char *slash = strrchr(info.dli_fname, '/');
  if (slash) snprintf(folder, size, "%.*s/", (int)(slash - info.dli_fname), info.dli_fname);
}

/* Opens the first of the places where there is such a file. */
static void *open_library(const char *name) {
  static const char *const within[] = {"", "build/", "../lib/"};
  char folder[2048], path[2200];
  own_folder(folder, sizeof folder);
  for (size_t i = 0; i < sizeof within / sizeof *within; i++) {
    snprintf(path, sizeof path, "%s%slibhn_%s.so", *folder ? folder : "./", within[i], name);
    if (access(path, F_OK) == 0) return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  }
  snprintf(path, sizeof path, "libhn_%s.so", name);
  return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

/* dlerror() begins with the file's name. */
static hn_status no_library(hn_context *context, const char *name) {
  const char *reason = dlerror();
  char own[96];
  snprintf(own, sizeof own, "libhn_%s.so: cannot open shared object file", name);
  if (!reason || strncmp(reason, own, strlen(own)) == 0)
    return hn__fail(context, HN_DEVICE, "no device '%s' here: libhn_%s.so was not built or is not installed; there is: cpu",
                    name, name);
  return hn__fail(context, HN_DEVICE, "no device '%s' here: %s", name, reason);
}

static hn_status check_plugin(hn_context *context, const char *name, const hn__plugin *plugin) {
  if (!plugin) return hn__fail(context, HN_DEVICE, "libhn_%s.so is no backend of hnrun", name);
  if (strcmp(plugin->version, HN_VERSION) != 0 || plugin->bytes != sizeof(hn_backend))
    return hn__fail(context, HN_DEVICE, "libhn_%s.so was built for hnrun %s (a table of %zu bytes), this is %s (%zu)",
                    name, plugin->version, plugin->bytes, HN_VERSION, sizeof(hn_backend));
  return HN_OK;
}

hn_status hn__backend_find(hn_context *context, const char *device, const hn_backend **out) {
  char name[LONGEST_NAME + 1];
  if (!read_name(device, name))
    return hn__fail(context, HN_DEVICE, "no device '%s' here; there is: auto, cpu, cuda", device);
  for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
    if (strcmp(built_in[i]->name, name) == 0) {
      *out = built_in[i];
      return HN_OK;
    }
  context->library = open_library(name);
  if (!context->library) return no_library(context, name);
  const hn__plugin *plugin = dlsym(context->library, "hn_plugin");
  hn_status status = check_plugin(context, name, plugin);
  if (status == HN_OK)
    *out = plugin->backend;
  else
    hn__backend_release(context);
  return status;
}

/* The code stays loaded: a GPU's driver has threads of its own in it. */
void hn__backend_release(hn_context *context) {
  if (context->library) dlclose(context->library);
  context->library = NULL;
}

const char *hn_backend_built_with(int i) {
  return (size_t)i < sizeof built_in / sizeof *built_in ? built_in[i]->built_with() : NULL;
}
