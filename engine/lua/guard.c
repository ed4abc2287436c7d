/* Lua's functions by which a script could get past its quota or an interruption, in versions that let it through. */
#include <string.h>

#include "hnl.h"

/* Whether hooks are off where the error comes from: a hook itself, which counts nothing while it runs. */
static bool within_hook(lua_State *L) {
  lua_Debug ar;
  return lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) && strcmp(ar.namewhat, "hook") == 0;
}

/* Upvalue 1: the script's message handler. In a hook it would run without an end to it. */
static int handle(lua_State *L) {
  if (within_hook(L)) return 1;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int pass_on(lua_State *L, int status, lua_KContext unused) {
  (void)status;
  (void)unused;
  hnl_check_quota(L);
  return lua_gettop(L);
}

/* Upvalue 1: the function of Lua's, whose results are given if the quota is not used up by then. */
static int guarded(lua_State *L) {
  hnl_check_quota(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, pass_on);
  return pass_on(L, LUA_OK, 0);
}

static int guarded_xpcall(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, handle, 1);
  lua_replace(L, 2);
  return guarded(L);
}

/* Makes a coroutine. It counts from its start: else many short ones would not count at all. */
static int guarded_create(lua_State *L) {
  hnl_charge_coroutine(L);
  return guarded(L);
}

/* Finalizers run without hooks, and see objects of hn that are gone: none may be set. */
static int guarded_setmetatable(lua_State *L) {
  if (lua_istable(L, 2)) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "a script under limits cannot have finalizers (__gc)");
    lua_pop(L, 1);
  }
  return guarded(L);
}

/* Replaces a function in the table on the top of the stack. */
static void replace(lua_State *L, const char *name, lua_CFunction by) {
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, by, 1);
  lua_setfield(L, -2, name);
}

/* Those that catch errors, in the table on the top of the stack. */
static void guard_errors(lua_State *L) {
  replace(L, "pcall", guarded);
  lua_getfield(L, -1, LUA_COLIBNAME);
  replace(L, "create", guarded_create);
  replace(L, "wrap", guarded_create);
  replace(L, "resume", guarded);
  replace(L, "close", guarded);
  lua_pop(L, 1);
}

void hnl_guard_limits(lua_State *L) {
  const hn_engine *engine = hnl_engine(L);
  lua_pushglobaltable(L);
  if (hnl_has_quota(engine) || hnl_is_text_only(engine)) replace(L, "setmetatable", guarded_setmetatable);
  if (hnl_has_quota(engine)) guard_errors(L);
  lua_pop(L, 1);
}

void hnl_guard_handlers(lua_State *L) {
  lua_pushglobaltable(L);
  replace(L, "xpcall", guarded_xpcall);
  lua_pop(L, 1);
}
