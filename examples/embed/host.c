/*
 * A program with scripts in it: runs a training script that calls a function of the program, then calls a function of
 * the script.
 *
 *   cc host.c $(pkg-config --cflags --libs hn lua5.4) -o host
 *   ./host train.lua
 *
 * The script finds `report(epoch, loss)`, made here, and leaves a global function `score(a, b)`, which is called with
 * two numbers and returns one.
 */
#include <hn.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

/* What the program keeps of what the script tells it. */
typedef struct progress {
  int epochs;
  double loss;
} progress;

/* report(epoch, loss): the program's, called by the script. Its upvalue is where to keep them. */
static int report(lua_State *L) {
  progress *p = lua_touserdata(L, lua_upvalueindex(1));
  p->epochs = (int)luaL_checkinteger(L, 1);
  p->loss = luaL_checknumber(L, 2);
  return 0;
}

static void add_report(lua_State *L, progress *p) {
  lua_pushlightuserdata(L, p);
  lua_pushcclosure(L, report, 1);
  lua_setglobal(L, "report");
}

/* score(a, b): the script's. False if it fails, with its error printed. */
static bool score(lua_State *L, double a, double b, double *result) {
  lua_getglobal(L, "score");
  lua_pushnumber(L, a);
  lua_pushnumber(L, b);
  bool ok = lua_pcall(L, 2, 1, 0) == LUA_OK && lua_isnumber(L, -1);
  if (ok)
    *result = lua_tonumber(L, -1);
  else
    fprintf(stderr, "host: score: %s\n", lua_isstring(L, -1) ? lua_tostring(L, -1) : "expected a number");
  lua_pop(L, 1);
  return ok;
}

static bool work(hn_engine *engine, const char *script) {
  progress p = {0, 0};
  double low, high;
  lua_State *L = hn_lua(engine);
  add_report(L, &p);
  if (hn_run_file(engine, script, 0, NULL) != HN_OK) {
    fprintf(stderr, "host: %s\n", hn_error(engine));
    return false;
  }
  printf("the script reported %d epochs, the last one with loss %.3f\n", p.epochs, p.loss);
  if (!score(L, -1, -1, &low) || !score(L, 1, 1, &high)) return false;
  printf("its network scores (-1, -1) as %.3f and (1, 1) as %.3f\n", low, high);
  return true;
}

int main(int argc, char **argv) {
  hn_engine_options options = hn_engine_options_default();
  hn_engine *engine;
  if (argc != 2) {
    fprintf(stderr, "usage: host train.lua\n");
    return 2;
  }
  options.device = "cpu";
  options.memory = 16 << 20; /* whatever the script asks for */
  bool ok = hn_open(&options, &engine) == HN_OK;
  if (ok)
    ok = work(engine, argv[1]);
  else
    fprintf(stderr, "host: %s\n", hn_error(engine));
  hn_close(engine);
  return ok ? 0 : 1;
}
