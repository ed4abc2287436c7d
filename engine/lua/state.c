/* The engine behind a Lua state, and which of its coroutines runs. */
#include "hnl.h"

static const char engine_key = 0, running_key = 0; /* in Lua's registry */

void hnl_set_engine(lua_State *L, hn_engine *engine) {
  lua_pushlightuserdata(L, engine);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &engine_key);
}

/* Registered, so that a coroutine that is over stays valid until the next call from another one. */
static void note_running(hn_engine *engine, lua_State *L) {
  lua_pushthread(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &running_key);
  engine->running = L;
}

hn_engine *hnl_engine(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &engine_key);
  hn_engine *engine = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (engine->running != L) note_running(engine, L);
  return engine;
}
