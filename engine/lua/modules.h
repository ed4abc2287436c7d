/*
 * The Lua modules that live inside the engine. scripts/embed writes the table from lua/hn/ at build time, so that the
 * program and the library need no Lua file beside them.
 */
#ifndef HN_LUA_MODULES_H
#define HN_LUA_MODULES_H

#include <stddef.h>

typedef struct hn__lua_module {
  const char *name;          /* as `require` takes it: "hn.nn.linear"; a folder's init.lua is the folder: "hn" */
  const char *chunk;         /* as error positions show it: "@hn/nn/linear.lua" */
  const unsigned char *text; /* the source; one NUL follows it */
  size_t size;               /* without that NUL */
} hn__lua_module;

/* Sorted by file name; ended by a NULL name. */
extern const hn__lua_module hn__lua_modules[];

#endif
