/* Limits on a script: memory of Lua's own, instructions, and seconds. */
#include <stdlib.h>
#include <time.h>

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

double hnl_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool hnl_has_quota(const hn_engine *engine) { return engine->options.instructions > 0 || engine->options.seconds > 0; }

static bool over(hn_engine *engine) {
  if (engine->options.seconds > 0 && !engine->late) engine->late = hnl_seconds() > engine->deadline;
  return engine->late || engine->instructions < 0;
}

void hnl_check_quota(lua_State *L) {
  hn_engine *engine = hnl_engine(L);
  if (!over(engine)) return;
  hnl_count_on(engine, L);
  if (engine->late) luaL_error(L, "quota: the script has used its %f seconds", (LUAI_UACNUMBER)engine->options.seconds);
  luaL_error(L, "quota: the script has used its %I instructions", (LUAI_UACINT)engine->options.instructions);
}

void hnl_charge_coroutine(lua_State *L) {
  hn_engine *engine = hnl_engine(L);
  if (engine->options.instructions > 0) engine->instructions -= STRIDE;
  hnl_check_quota(L);
}

/* Once a quota is used up, every instruction raises the error again, in whatever coroutine. */
static void count(lua_State *L, lua_Debug *ar) {
  hn_engine *engine = hnl_engine(L);
  (void)ar;
  if (engine->options.instructions > 0) engine->instructions -= lua_gethookcount(L);
  hnl_check_quota(L);
  if (lua_gethookcount(L) != STRIDE) hnl_count_on(engine, L);
}

void hnl_count_on(const hn_engine *engine, lua_State *L) {
  bool used_up = engine->late || engine->instructions < 0;
  if (hnl_has_quota(engine))
    lua_sethook(L, count, LUA_MASKCOUNT, used_up ? 1 : STRIDE);
  else
    lua_sethook(L, NULL, 0, 0);
}

void hn_renew(hn_engine *engine) {
  if (!hnl_has_quota(engine)) return;
  engine->instructions = engine->options.instructions;
  engine->deadline = hnl_seconds() + engine->options.seconds;
  engine->late = false;
  hnl_count_on(engine, engine->L);
}
