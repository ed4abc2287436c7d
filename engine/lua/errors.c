/* Raising errors with the script's position, and reading arguments with errors that name them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hnl.h"

/* Pushes " (script.lua:12)": the innermost function that is neither C nor a module of ours. */
static void push_position(lua_State *L) {
  lua_Debug ar;
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0 && strncmp(ar.source, "@hn/", 4) != 0) {
      lua_pushfstring(L, " (%s:%d)", ar.short_src, ar.currentline);
      return;
    }
  }
  lua_pushliteral(L, "");
}

static int raise_text(lua_State *L, hn_status status, const char *text) {
  lua_pushfstring(L, "%s: %s", hn_status_name(status), text);
  push_position(L);
  lua_concat(L, 2);
  return lua_error(L);
}

int hnl_fail(lua_State *L, hn_status status, const char *format, ...) {
  char text[768];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  return raise_text(L, status, text);
}

void hnl_try(lua_State *L, hn_context *context, hn_status status) {
  if (status != HN_OK) raise_text(L, status, hn_message(context));
  hnl_check_quota(L);
}

int hnl_wrong(lua_State *L, const char *name, const char *wanted, int index) {
  return hnl_fail(L, HN_ARGUMENT, "%s must be %s, got %s", name, wanted,
                  lua_isnone(L, index) ? "nothing" : luaL_tolstring(L, index, NULL));
}

lua_Number hnl_number(lua_State *L, int index, const char *name) {
  if (lua_type(L, index) != LUA_TNUMBER) hnl_wrong(L, name, "a number", index);
  return lua_tonumber(L, index);
}

lua_Integer hnl_integer(lua_State *L, int index, const char *name, lua_Integer low, lua_Integer high) {
  int whole = 0;
  lua_Integer value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &whole) : 0;
  if (!whole || value < low || value > high) {
    char wanted[96];
    snprintf(wanted, sizeof wanted, "an integer from %lld to %lld", (long long)low, (long long)high);
    hnl_wrong(L, name, wanted, index);
  }
  return value;
}

const char *hnl_string(lua_State *L, int index, const char *name) {
  if (lua_type(L, index) != LUA_TSTRING) hnl_wrong(L, name, "a string", index);
  return lua_tostring(L, index);
}

lua_Number hnl_field_number(lua_State *L, int table, const char *name, lua_Number missing) {
  lua_Number value = missing;
  if (lua_getfield(L, table, name) != LUA_TNIL) value = hnl_number(L, -1, name);
  lua_pop(L, 1);
  return value;
}

lua_Integer hnl_field_integer(lua_State *L, int table, const char *name, lua_Integer missing, lua_Integer low,
                              lua_Integer high) {
  lua_Integer value = missing;
  if (lua_getfield(L, table, name) != LUA_TNIL) value = hnl_integer(L, -1, name, low, high);
  lua_pop(L, 1);
  return value;
}

bool hnl_field_bool(lua_State *L, int table, const char *name, bool missing) {
  bool value = missing;
  if (lua_getfield(L, table, name) != LUA_TNIL) {
    if (!lua_isboolean(L, -1)) hnl_wrong(L, name, "true or false", -1);
    value = lua_toboolean(L, -1);
  }
  lua_pop(L, 1);
  return value;
}

int hnl_shape(lua_State *L, int index, int64_t shape[HN_MAX_DIMS]) {
  if (!lua_istable(L, index)) hnl_wrong(L, "shape", "a table such as {50, 784}", index);
  lua_Integer dims = luaL_len(L, index);
  if (dims < 1 || dims > HN_MAX_DIMS)
    hnl_fail(L, HN_SHAPE, "shape must have 1 to %d dimensions, got %d", HN_MAX_DIMS, (int)dims);
  for (lua_Integer i = 1; i <= dims; i++) {
    lua_geti(L, index, i);
    shape[i - 1] = hnl_integer(L, -1, "each dimension of a shape", 1, INT64_MAX / 8);
    lua_pop(L, 1);
  }
  return (int)dims;
}

void hnl_push_shape(lua_State *L, int dims, const int64_t *shape) {
  lua_createtable(L, dims, 0);
  for (int i = 0; i < dims; i++) {
    lua_pushinteger(L, shape[i]);
    lua_seti(L, -2, i + 1);
  }
}

void hnl_make_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *metamethods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_createtable(L, 0, 1); /* what scripts see of it: they must neither call nor replace __gc */
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
