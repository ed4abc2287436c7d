/* Calls a function of a script that takes 60,000 instructions of its 100,000, as a host does: twice with what the run
 * left, then after hn_renew(). Prints how each call ended. */
#include <hn.h>
#include <lua.h>
#include <stdio.h>

static void call(lua_State *L) {
  lua_getglobal(L, "work");
  int status = lua_pcall(L, 0, 0, 0);
  printf("%s\n", status == LUA_OK ? "ok" : lua_tostring(L, -1));
  lua_settop(L, 0);
}

int main(void) {
  hn_engine_options options = hn_engine_options_default();
  hn_engine *engine;
  options.device = "cpu";
  options.instructions = 100000;
  if (hn_open(&options, &engine) != HN_OK ||
      hn_run_string(engine, "function work() for i = 1, 30000 do local x = i end end", "=text") != HN_OK)
    return 1;
  call(hn_lua(engine));
  call(hn_lua(engine));
  hn_renew(engine);
  call(hn_lua(engine));
  hn_close(engine);
  return 0;
}
