/* Engines: a Lua state with `require "hn"`, running scripts, and interrupting them. */
#include <stdlib.h>
#include <string.h>

#include "hnl.h"
#include "modules.h"

static const char globals_key = 0; /* in Lua's registry */

hn_engine_options hn_engine_options_default(void) {
  hn_engine_options options = {.device = NULL, .threads = -1, .memory = -1, .seed_set = false, .seed = 0};
  return options;
}

/* -- opening ---------------------------------------------------------------------------------------------------- */

/* The modules' own table of Lua's global variables: a script, or a person at the prompt, may well call a variable
 * `table` or `type`. */
static void keep_globals(lua_State *L) {
  lua_newtable(L);
  lua_pushglobaltable(L);
  for (lua_pushnil(L); lua_next(L, -2);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &globals_key);
}

void hnl_push_globals(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &globals_key); }

/* Upvalue 1: the module's source. */
static int load_embedded(lua_State *L) {
  const hn__lua_module *module = lua_touserdata(L, lua_upvalueindex(1));
  if (luaL_loadbufferx(L, (const char *)module->text, module->size, module->chunk, "t") != LUA_OK) return lua_error(L);
  hnl_push_globals(L);
  lua_setupvalue(L, -2, 1); /* a chunk's first one is _ENV */
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int open_state(lua_State *L) {
  hn_engine *engine = lua_touserdata(L, 1);
  hnl_set_engine(L, engine);
  luaL_openlibs(L);
  hnl_guard_limits(L);
  keep_globals(L);
  hnl_guard_handlers(L);
  hnl_close_libraries(L);
  hnl_open_folders(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, hnl_open_core);
  lua_setfield(L, -2, "hn.core");
  for (const hn__lua_module *module = hn__lua_modules; module->name; module++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)module);
    lua_pushcclosure(L, load_embedded, 1);
    lua_setfield(L, -2, module->name);
  }
  return 0;
}

hn_status hn_open(const hn_engine_options *options, hn_engine **out) {
  hn_engine_options defaults = hn_engine_options_default();
  hn_engine *engine = *out = calloc(1, sizeof *engine);
  if (!engine) return HN_MEMORY;
  engine->options = options ? *options : defaults;
  engine->L = engine->running = luaL_newstate();
  if (!engine->L) return HN_MEMORY;
  hnl_limit_memory(engine);
  lua_pushcfunction(engine->L, open_state);
  lua_pushlightuserdata(engine->L, engine);
  int status = lua_pcall(engine->L, 1, 0, 0);
  return status == LUA_OK ? HN_OK : status == LUA_ERRMEM ? HN_MEMORY : HN_ARGUMENT;
}

void hn_close(hn_engine *engine) {
  if (!engine) return;
  if (engine->context) hn_context_on_pressure(engine->context, NULL, NULL);
  if (engine->L) lua_close(engine->L);
  hn_context_close(engine->context);
  free(engine);
}

lua_State *hn_lua(hn_engine *engine) { return engine->L; }

/* -- running ---------------------------------------------------------------------------------------------------- */

/* Message handler: the error as text with a traceback. Objects without __tostring keep their type's name. */
static int traceback(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  if (!text) {
    if (!luaL_callmeta(L, 1, "__tostring")) lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    text = lua_tostring(L, -1);
  }
  luaL_traceback(L, L, text, 1);
  return 1;
}

/* What is to run: a file, or a text if there is one. */
typedef struct chunk {
  const char *path, *text, *name;
  int n;
  const char *const *args;
} chunk;

/* Gives the function and its arguments. */
static int load_chunk(lua_State *L) {
  const chunk *c = lua_touserdata(L, 1);
  const char *mode = hnl_is_text_only(hnl_engine(L)) ? "t" : NULL;
  int status =
      c->text ? luaL_loadbufferx(L, c->text, strlen(c->text), c->name, mode) : luaL_loadfilex(L, c->path, mode);
  if (status != LUA_OK) return lua_error(L);
  luaL_checkstack(L, c->n, "too many arguments");
  for (int i = 0; i < c->n; i++) lua_pushstring(L, c->args[i]);
  return c->n + 1;
}

/* On an error its text stays on the stack, for hn_error(). */
static hn_status run(hn_engine *engine, chunk c) {
  lua_State *L = engine->L;
  lua_settop(L, 0);
  engine->listening = engine->pending = 0; /* a quota may have ended who listened */
  lua_pushcfunction(L, traceback);
  lua_pushcfunction(L, load_chunk);
  lua_pushlightuserdata(L, &c);
  hn_renew(engine);
  if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK) return HN_SCRIPT;
  if (lua_pcall(L, c.n, 0, 1) != LUA_OK) return HN_SCRIPT;
  lua_settop(L, 0);
  return HN_OK;
}

hn_status hn_run_file(hn_engine *engine, const char *path, int n, const char *const *args) {
  return run(engine, (chunk){.path = path, .n = n, .args = args});
}

hn_status hn_run_string(hn_engine *engine, const char *text, const char *name) {
  return run(engine, (chunk){.text = text, .name = name});
}

const char *hn_error(const hn_engine *engine) {
  const char *text = engine && engine->L ? lua_tostring(engine->L, -1) : NULL;
  return text ? text : "out of memory";
}

/* -- interrupting ----------------------------------------------------------------------------------------------- */

static void stop_script(lua_State *L, lua_Debug *ar) {
  (void)ar;
  hn_engine *engine = hnl_engine(L);
  hnl_count_on(engine, L);
  if (!engine->stopping) return;
  engine->stopping = 0;
  luaL_error(L, "interrupted");
}

static void stop_soon(lua_State *L) {
  lua_sethook(L, stop_script, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* Nobody but Lua knows which coroutine runs: the first of the two that wakes up ends the script. */

void hn_interrupt(hn_engine *engine) {
  if (engine->listening && !engine->pending) {
    engine->pending = 1;
    return;
  }
  engine->stopping = 1;
  stop_soon(engine->L);
  stop_soon(engine->running);
}
