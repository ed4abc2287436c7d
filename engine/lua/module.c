/* require "hn.core": everything that C gives to Lua. */
#include <string.h>

#include "hnl.h"
#include "modules.h"

static void set_text(lua_State *L, const char *name, const char *text, size_t size) {
  lua_pushlstring(L, text, size);
  lua_setfield(L, -2, name);
}

/* sources(): the modules in the engine, a list of { name, chunk, text }: their comments are the prompt's help. */
static int sources(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (const hn__lua_module *module = hn__lua_modules; module->name; module++) {
    lua_createtable(L, 0, 3);
    set_text(L, "name", module->name, strlen(module->name));
    set_text(L, "chunk", module->chunk, strlen(module->chunk));
    set_text(L, "text", (const char *)module->text, module->size);
    lua_seti(L, -2, ++n);
  }
  return 1;
}

int hnl_open_core(lua_State *L) {
  lua_newtable(L);
  hnl_open_context(L);
  hnl_open_tensor(L);
  hnl_open_matrix(L);
  hnl_open_tape(L);
  hnl_open_fetch(L);
  hnl_open_dry(L);
  hnl_open_ops(L);
  hnl_open_update(L);
  hnl_open_array(L);
  hnl_open_file(L);
  hnl_open_table(L);
  hnl_open_expression(L);
  lua_pushcfunction(L, sources);
  lua_setfield(L, -2, "sources");
  return 1;
}
