/* Tape and scope userdata: a box with one hn_tape, NULL once closed. */
#include "hnl.h"

#define HNL_TAPE "hn.tape"

static int open_scope(lua_State *L, bool record) {
  hn_context *context = hnl_context(L);
  hn_tape **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, HNL_TAPE);
  hnl_try(L, context, hn_tape_open(context, record, box));
  return 1;
}

static int tape(lua_State *L) { return open_scope(L, true); }

static int scope(lua_State *L) { return open_scope(L, false); }

static int close_tape(lua_State *L) {
  hn_tape **box = luaL_checkudata(L, 1, HNL_TAPE);
  hn_tape *open = *box;
  *box = NULL;
  hn_tape_close(open);
  return 0;
}

static int tostring(lua_State *L) {
  hn_tape **box = luaL_checkudata(L, 1, HNL_TAPE);
  lua_pushstring(L, *box ? "tape or scope" : "tape or scope (closed)");
  return 1;
}

static const luaL_Reg methods[] = {{"close", close_tape}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {
    {"__gc", close_tape}, {"__close", close_tape}, {"__tostring", tostring}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"tape", tape}, {"scope", scope}, {NULL, NULL}};

void hnl_open_tape(lua_State *L) {
  hnl_make_type(L, HNL_TAPE, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
