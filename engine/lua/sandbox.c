/* What scripts of others may use: the libraries that the host lists, and files in the folders that it names. */
#define _XOPEN_SOURCE 700 /* realpath; NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hnl.h"

/* -- libraries -------------------------------------------------------------------------------------------------- */

static const char *const libraries[] = {"base", "coroutine", "table",   "string", "utf8", "math",
                                        "io",   "os",        "package", "debug",  "hn"};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

/* The modules that `hn` hands out anyway. */
static const char *const modules[] = {"hn", "hn.nn", "hn.optim", "hn.data", "hn.metrics", "hn.fit"};
enum { MODULES = sizeof modules / sizeof *modules };

static int position(const char *const *list, int n, const char *name, size_t length) {
  for (int i = 0; i < n; i++)
    if (strlen(list[i]) == length && memcmp(list[i], name, length) == 0) return i;
  return -1;
}

/* Which of them a list such as "base,math" names. */
static void read_list(lua_State *L, const char *list, bool allowed[LIBRARIES]) {
  for (const char *name = list; *name;) {
    size_t length = strcspn(name, ",");
    int i = position(libraries, LIBRARIES, name, length);
    if (i < 0) {
      lua_pushlstring(L, name, length);
      hnl_fail(L, HN_ARGUMENT,
               "libraries: '%s' is none of base, coroutine, table, string, utf8, math, io, os, package, debug, hn",
               lua_tostring(L, -1));
    }
    allowed[i] = true;
    name += length + (name[length] == ',');
  }
}

static void remove_field(lua_State *L, const char *name) {
  lua_pushnil(L);
  lua_setfield(L, -2, name);
}

static void remove_library(lua_State *L, const char *name) {
  lua_pushglobaltable(L);
  remove_field(L, name);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  remove_field(L, name);
  lua_pop(L, 2);
}

/* load(chunk, name, mode, env), for text alone: bytecode can do anything. Upvalue 1: Lua's own. */
static int load_text(lua_State *L) {
  if (lua_gettop(L) < 3) lua_settop(L, 3);
  lua_pushliteral(L, "t");
  lua_replace(L, 3);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* require(name), for what is in the engine. Upvalue 1: Lua's own; 2: whether hn is allowed. */
static int require_own(lua_State *L) {
  size_t length;
  const char *name = luaL_checklstring(L, 1, &length);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (position(libraries, LIBRARIES - 1, name, length) >= 0 && lua_getfield(L, -1, name) != LUA_TNIL) return 1;
  if (!lua_toboolean(L, lua_upvalueindex(2)) || position(modules, MODULES, name, length) < 0)
    return luaL_error(L, "module '%s' is not open to this script", name);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* Without the library `package`, code comes from texts and from the engine. */
static void close_files_of_code(lua_State *L, bool with_hn) {
  lua_pushglobaltable(L);
  remove_field(L, "loadfile");
  remove_field(L, "dofile");
  lua_getfield(L, -1, "load");
  lua_pushcclosure(L, load_text, 1);
  lua_setfield(L, -2, "load");
  lua_getfield(L, -1, "require");
  lua_pushboolean(L, with_hn);
  lua_pushcclosure(L, require_own, 2);
  lua_setfield(L, -2, "require");
  lua_pop(L, 1);
}

bool hnl_is_text_only(const hn_engine *engine) { return engine->options.libraries != NULL; }

void hnl_close_libraries(lua_State *L) {
  hn_engine *engine = hnl_engine(L);
  bool allowed[LIBRARIES] = {false};
  if (engine->options.libraries) {
    read_list(L, engine->options.libraries, allowed);
    for (int i = 1; i < LIBRARIES; i++)
      if (!allowed[i]) remove_library(L, libraries[i]);
    close_files_of_code(L, allowed[LIBRARIES - 1]);
  } else if (hnl_has_quota(engine)) {
    remove_library(L, LUA_DBLIBNAME);
  }
}

/* -- files ------------------------------------------------------------------------------------------------------ */

static const char folders_key = 0; /* in Lua's registry: the list of folders, without links and ".." */

void hnl_open_folders(lua_State *L) {
  const char *const *folders = hnl_engine(L)->options.folders;
  if (!folders) return;
  lua_newtable(L);
  for (int i = 0; folders[i]; i++) {
    char resolved[PATH_MAX];
    if (!realpath(folders[i], resolved)) hnl_fail(L, HN_ARGUMENT, "folders: '%s': %s", folders[i], strerror(errno));
    lua_pushstring(L, strcmp(resolved, "/") == 0 ? "" : resolved);
    lua_seti(L, -2, i + 1);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, &folders_key);
}

static bool within(const char *folder, const char *path) {
  size_t length = strlen(folder);
  return strncmp(folder, path, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The path without links and ".."; of a file that is not there, its folder's and its name. */
static bool resolve(const char *path, char resolved[PATH_MAX]) {
  if (realpath(path, resolved)) return true;
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  char folder[PATH_MAX] = ".";
  size_t length = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
  if (errno != ENOENT || length >= sizeof folder || !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return false;
  if (slash) memcpy(folder, path, length), folder[length] = '\0';
  if (!realpath(folder, resolved)) return false;
  size_t end = strcmp(resolved, "/") == 0 ? 0 : strlen(resolved);
  if (end + 1 + strlen(name) >= PATH_MAX) return false;
  resolved[end] = '/';
  memcpy(resolved + end + 1, name, strlen(name) + 1);
  return true;
}

/* A path outside is refused in the same words whether there is such a file or not. */
const char *hnl_path(lua_State *L, int index, const char *name) {
  const char *path = hnl_string(L, index, name);
  char resolved[PATH_MAX];
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &folders_key) == LUA_TNIL) return path;
  int list = lua_gettop(L);
  bool known = resolve(path, resolved);
  for (lua_Integer i = 1; known && lua_rawgeti(L, list, i) == LUA_TSTRING; i++)
    if (within(lua_tostring(L, -1), resolved)) return lua_pushstring(L, resolved);
  hnl_fail(L, HN_FILE, "'%s' is in no folder that is open to this script", path);
  return NULL;
}

int hnl_exists(lua_State *L) {
  const char *path = hnl_path(L, 1, "exists: the path");
  lua_pushboolean(L, access(path, F_OK) == 0 || errno != ENOENT);
  return 1;
}

/* unlimited(what): fails in an engine whose scripts are limited; for what they could turn to other files. */
int hnl_unlimited(lua_State *L) {
  const char *what = hnl_string(L, 1, "unlimited: what");
  if (hnl_is_text_only(hnl_engine(L)) || lua_rawgetp(L, LUA_REGISTRYINDEX, &folders_key) != LUA_TNIL)
    hnl_fail(L, HN_FILE, "%s is not open to this script", what);
  return 0;
}
