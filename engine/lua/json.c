/* JSON texts as Lua values. */
#include <cjson/cJSON.h>
#include <math.h>

#include "hnl.h"

#define DEPTH 100 /* tables within tables */

static int collect(lua_State *L) {
  cJSON **box = lua_touserdata(L, 1);
  cJSON_Delete(*box);
  *box = NULL;
  return 0;
}

static void push(lua_State *L, const cJSON *item, int depth);

static void push_table(lua_State *L, const cJSON *table, int depth) {
  const cJSON *item;
  lua_Integer n = 0;
  if (depth == DEPTH) hnl_fail(L, HN_FORMAT, "JSON text: more than %d tables within each other", DEPTH);
  luaL_checkstack(L, 4, "JSON");
  lua_newtable(L);
  cJSON_ArrayForEach(item, table) {
    push(L, item, depth + 1);
    if (cJSON_IsArray(table))
      lua_seti(L, -2, ++n);
    else
      lua_setfield(L, -2, item->string);
  }
}

static void push_number(lua_State *L, double value) {
  if (value == floor(value) && fabs(value) <= 9007199254740992.0)
    lua_pushinteger(L, (lua_Integer)value);
  else
    lua_pushnumber(L, value);
}

static void push(lua_State *L, const cJSON *item, int depth) {
  if (cJSON_IsObject(item) || cJSON_IsArray(item))
    push_table(L, item, depth);
  else if (cJSON_IsNumber(item))
    push_number(L, item->valuedouble);
  else if (cJSON_IsString(item))
    lua_pushstring(L, item->valuestring);
  else if (cJSON_IsBool(item))
    lua_pushboolean(L, cJSON_IsTrue(item));
  else
    lua_pushnil(L);
}

int hnl_json(lua_State *L) {
  const char *text = hnl_string(L, 1, "json: the text");
  cJSON **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *box = cJSON_Parse(text);
  if (!*box) return hnl_fail(L, HN_FORMAT, "a text is not JSON");
  push(L, *box, 0);
  return 1;
}
