/* Limits on a script: memory of Lua's own, and instructions. */
#include <stdlib.h>

#include "hnl.h"

#define STRIDE 1000 /* instructions between two looks */

static void *allocate(void *data, void *block, size_t before, size_t bytes) {
  hn_engine *engine = data;
  int64_t more = (int64_t)bytes - (block ? (int64_t)before : 0);
  if (more > 0 && more > engine->options.lua_memory - engine->lua_used) return NULL;
  void *result = NULL;
  if (bytes == 0)
    free(block);
  else
    result = realloc(block, bytes);
  if (result || bytes == 0) engine->lua_used += more;
  return result;
}

void hnl_limit_memory(hn_engine *engine) {
  lua_State *L = engine->L;
  if (engine->options.lua_memory <= 0) return;
  engine->lua_used = (int64_t)lua_gc(L, LUA_GCCOUNT) * 1024 + lua_gc(L, LUA_GCCOUNTB);
  lua_setallocf(L, allocate, engine);
}

/* Once the quota is used up, every instruction raises the error again, in whatever coroutine: a pcall that catches it
 * comes no further. */
static void count_instructions(lua_State *L, lua_Debug *ar) {
  hn_engine *engine = hnl_engine(L);
  (void)ar;
  engine->instructions -= lua_gethookcount(L);
  if (engine->instructions < 0) {
    lua_sethook(L, count_instructions, LUA_MASKCOUNT, 1);
    luaL_error(L, "quota: the script has used its %I instructions", (LUAI_UACINT)engine->options.instructions);
  }
  if (lua_gethookcount(L) != STRIDE) hnl_count_on(engine, L);
}

void hnl_count_on(const hn_engine *engine, lua_State *L) {
  if (engine->options.instructions > 0)
    lua_sethook(L, count_instructions, LUA_MASKCOUNT, STRIDE);
  else
    lua_sethook(L, NULL, 0, 0);
}

void hnl_count_anew(hn_engine *engine) {
  if (engine->options.instructions <= 0) return;
  engine->instructions = engine->options.instructions;
  hnl_count_on(engine, engine->L);
}

/* A message handler that runs inside the hook's error would not be counted: behind the quota there is none. */
static int handle(lua_State *L) {
  if (hnl_engine(L)->instructions < 0) return 1;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int all_results(lua_State *L, int status, lua_KContext unused) {
  (void)status;
  (void)unused;
  return lua_gettop(L);
}

/* xpcall(f, handler, ...) with that in between; upvalue 1 is Lua's own. */
static int limited_xpcall(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, handle, 1);
  lua_replace(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, all_results);
  return lua_gettop(L);
}

void hnl_close_ways_out(lua_State *L) {
  lua_getglobal(L, "xpcall");
  lua_pushcclosure(L, limited_xpcall, 1);
  lua_setglobal(L, "xpcall");
  lua_pushnil(L);
  lua_setglobal(L, LUA_DBLIBNAME);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushnil(L);
  lua_setfield(L, -2, LUA_DBLIBNAME);
  lua_pop(L, 1);
}
