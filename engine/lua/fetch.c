/* Fetch userdata: a tensor's elements on their way to the host, `local f = tensor:fetch()`. */
#include "hnl.h"

#define HNL_FETCH "hn.fetch"

static hn_fetch **box_of(lua_State *L) { return luaL_checkudata(L, 1, HNL_FETCH); }

static hn_fetch *self(lua_State *L) {
  hn_fetch *fetch = *box_of(L);
  if (!fetch) hnl_fail(L, HN_STATE, "the fetch is closed");
  return fetch;
}

int hnl_fetch(lua_State *L) {
  hn_tensor *tensor = hnl_tensor(L, 1, "self");
  hn_fetch **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, HNL_FETCH);
  hnl_try(L, hn_tensor_context(tensor), hn_tensor_fetch(tensor, box));
  return 1;
}

static int ready(lua_State *L) {
  lua_pushboolean(L, hn_fetch_ready(self(L)));
  return 1;
}

/* All elements in order, as one list; integers as the device has them, from 0. */
static int list(lua_State *L) {
  hn_fetch *fetch = self(L);
  int64_t n = hn_fetch_size(fetch);
  void *block = lua_newuserdatauv(L, (size_t)n * 4, 0);
  hnl_try(L, hn_fetch_context(fetch), hn_fetch_read(fetch, block));
  hnl_push_list(L, hn_fetch_dtype(fetch), n, block, 0);
  return 1;
}

static int close_fetch(lua_State *L) {
  hn_fetch **box = box_of(L);
  hn_fetch_release(*box);
  *box = NULL;
  return 0;
}

static const luaL_Reg methods[] = {{"ready", ready}, {"list", list}, {"close", close_fetch}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", close_fetch}, {"__close", close_fetch}, {NULL, NULL}};

void hnl_open_fetch(lua_State *L) { hnl_make_type(L, HNL_FETCH, methods, metamethods); }
