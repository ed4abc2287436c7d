/* require "hn.core": everything that C gives to Lua. */
#include "hnl.h"

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
  return 1;
}
