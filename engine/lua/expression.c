/* Expression userdata, `core.expression(text)`, and functions of scripts in the place of one. */
#include "hnl.h"

#define HNL_EXPRESSION "hn.expression"
#define HNL_EVENT "hn.event"

static hn_expression *self(lua_State *L) { return *(hn_expression **)luaL_checkudata(L, 1, HNL_EXPRESSION); }

static int expression(lua_State *L) {
  hn_context *context = hnl_context(L);
  const char *text = hnl_string(L, 1, "expression: the text");
  hn_expression **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, HNL_EXPRESSION);
  hnl_try(L, context, hn_expression_new(context, text, box));
  return 1;
}

/* columns(): the names that it needs, in the order in which evaluate takes them. */
static int columns(lua_State *L) {
  const hn_expression *e = self(L);
  const char *name;
  lua_newtable(L);
  for (int64_t i = 0; (name = hn_expression_column(e, i)); i++) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* The data of an array of at least `count` numbers of float64. */
static double *numbers(lua_State *L, int index, int64_t count) {
  hn_array *array = hnl_to_array(L, index);
  if (!array || hn_array_dtype(array) != HN_F64 || hn_array_dims(array) != 1 || hn_array_shape(array)[0] < count)
    hnl_wrong(L, "each column", "an array of as many numbers of float64", index);
  return hn_array_data(array);
}

/* The data of the arrays in the list at index, as a Lua-owned block. */
static const double **list_of_numbers(lua_State *L, int index, int64_t count, int *n) {
  luaL_checktype(L, index, LUA_TTABLE);
  *n = (int)luaL_len(L, index);
  const double **list = lua_newuserdatauv(L, (size_t)*n * sizeof *list + 1, 0);
  for (int i = 0; i < *n; i++) {
    lua_geti(L, index, i + 1);
    list[i] = numbers(L, -1, count);
    lua_pop(L, 1);
  }
  return list;
}

/* evaluate(count, list of columns, target): its values for so many rows. */
static int evaluate(lua_State *L) {
  const hn_expression *e = self(L);
  int64_t count = hnl_integer(L, 2, "evaluate: count", 1, INT64_MAX);
  double *out = numbers(L, 4, count);
  int n;
  const double **list = list_of_numbers(L, 3, count, &n);
  if (hn_expression_column(e, n - 1) == NULL && n > 0) hnl_wrong(L, "evaluate: columns", "one for each name", 3);
  if (hn_expression_column(e, n) != NULL) hnl_wrong(L, "evaluate: columns", "one for each name", 3);
  hn_expression_evaluate(e, count, list, out);
  hnl_check_quota(L);
  return 0;
}

static int release(lua_State *L) {
  hn_expression **box = luaL_checkudata(L, 1, HNL_EXPRESSION);
  hn_expression_release(*box);
  *box = NULL;
  return 0;
}

/* -- functions of an event -------------------------------------------------------------------------------------- */

/* What such a function gets: one object for all rows, whose fields are the columns' values in the row. */
typedef struct event {
  int64_t row;
  const double **columns; /* NULL when the pass is over */
} event;

/* event.NAME; the uservalue has each name's column. */
static int event_index(lua_State *L) {
  const event *e = luaL_checkudata(L, 1, HNL_EVENT);
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, -2) != LUA_TNUMBER)
    hnl_fail(L, HN_ARGUMENT, "the events have no column '%s'", luaL_tolstring(L, 2, NULL));
  if (!e->columns) hnl_fail(L, HN_STATE, "the event is over");
  lua_pushnumber(L, e->columns[lua_tointeger(L, -1)][e->row]);
  return 1;
}

/* It holds the columns at stack place 4 and their block on the top, whatever the function does with it. */
static event *new_event(lua_State *L, int names) {
  int block = lua_gettop(L);
  event *e = lua_newuserdatauv(L, sizeof *e, 3);
  *e = (event){0, NULL};
  luaL_setmetatable(L, HNL_EVENT);
  lua_newtable(L);
  for (lua_Integer i = 1; lua_rawgeti(L, names, i) != LUA_TNIL; i++) {
    lua_pushinteger(L, i - 1);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, -2, 2);
  lua_pushvalue(L, block);
  lua_setiuservalue(L, -2, 3);
  return e;
}

static double result(lua_State *L) {
  if (lua_isboolean(L, -1)) return lua_toboolean(L, -1);
  return hnl_number(L, -1, "what a function of an event returns");
}

/* each(function, count, names, list of columns, target): the function's values for so many rows. */
static int each(lua_State *L) {
  int64_t count = hnl_integer(L, 2, "each: count", 1, INT64_MAX);
  double *out = numbers(L, 5, count);
  int n;
  luaL_checktype(L, 3, LUA_TTABLE);
  const double **list = list_of_numbers(L, 4, count, &n);
  if (luaL_len(L, 3) != n) return hnl_wrong(L, "each: names", "one for each column", 3);
  event *e = new_event(L, 3);
  int at = lua_gettop(L);
  e->columns = list;
  for (; e->row < count; e->row++) {
    lua_pushvalue(L, 1);
    lua_pushvalue(L, at);
    lua_call(L, 1, 1);
    out[e->row] = result(L);
    lua_settop(L, at);
  }
  e->columns = NULL;
  return 0;
}

static const luaL_Reg methods[] = {{"columns", columns}, {"evaluate", evaluate}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", release}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"expression", expression}, {"each", each}, {NULL, NULL}};

void hnl_open_expression(lua_State *L) {
  hnl_make_type(L, HNL_EXPRESSION, methods, metamethods);
  luaL_newmetatable(L, HNL_EVENT);
  lua_pushcfunction(L, event_index);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
