/* Table userdata: files of columns, `local t = core.table(path, group)`. */
#include <glob.h>
#include <string.h>

#include "hnl.h"

#define HNL_TABLE "hn.table"

static hn_table **box_of(lua_State *L) { return luaL_checkudata(L, 1, HNL_TABLE); }

static hn_table *self(lua_State *L) {
  hn_table *table = *box_of(L);
  if (!table) hnl_fail(L, HN_STATE, "the table is closed");
  return table;
}

static void check(lua_State *L, const hn_table *table, hn_status status) {
  if (status != HN_OK) hnl_fail(L, status, "%s", hn_table_message(table));
  hnl_check_quota(L);
}

static int table(lua_State *L) {
  const char *path = hnl_path(L, 1, "table: the path");
  const char *group = lua_isnoneornil(L, 2) ? NULL : hnl_string(L, 2, "table: the group");
  hn_table **box = lua_newuserdatauv(L, sizeof *box, 1);
  *box = NULL;
  luaL_setmetatable(L, HNL_TABLE);
  hn_status status = hn_table_open(path, group, box);
  check(L, *box, status);
  return 1;
}

static int names(lua_State *L) {
  const hn_table *t = self(L);
  const char *name;
  lua_newtable(L);
  for (int i = 0; (name = hn_table_name(t, i)); i++) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int rows(lua_State *L) {
  lua_pushinteger(L, hn_table_rows(self(L)));
  return 1;
}

static int sequential(lua_State *L) {
  lua_pushboolean(L, hn_table_sequential(self(L)));
  return 1;
}

/* What start and read take: first, count, a list of column numbers and a list of arrays of float64 for them. */
typedef struct request {
  int64_t first, count;
  int n;
  int *columns;
  double **out;
} request;

static request get_request(lua_State *L) {
  luaL_checktype(L, 4, LUA_TTABLE);
  luaL_checktype(L, 5, LUA_TTABLE);
  request r = {.first = hnl_integer(L, 2, "read: first", 1, INT64_MAX) - 1,
               .count = hnl_integer(L, 3, "read: count", 0, INT64_MAX),
               .n = (int)luaL_len(L, 4)};
  r.columns = lua_newuserdatauv(L, (size_t)r.n * sizeof *r.columns + 1, 0);
  r.out = lua_newuserdatauv(L, (size_t)r.n * sizeof *r.out + 1, 0);
  for (int i = 0; i < r.n; i++) {
    lua_geti(L, 4, i + 1);
    r.columns[i] = (int)hnl_integer(L, -1, "read: each column", 1, INT32_MAX) - 1;
    lua_geti(L, 5, i + 1);
    hn_array *array = hnl_to_array(L, -1);
    if (!array || hn_array_dtype(array) != HN_F64 || hn_array_dims(array) != 1 || hn_array_shape(array)[0] < r.count)
      hnl_wrong(L, "read: each target", "an array of as many numbers of float64", -1);
    r.out[i] = hn_array_data(array);
    lua_pop(L, 2);
  }
  return r;
}

static int read(lua_State *L) {
  hn_table *t = self(L);
  request r = get_request(L);
  check(L, t, hn_table_finish(t));
  check(L, t, hn_table_read(t, r.first, r.count, r.n, r.columns, r.out));
  return 0;
}

/* The arrays are held until the next read begins. */
static int start(lua_State *L) {
  hn_table *t = self(L);
  request r = get_request(L);
  check(L, t, hn_table_finish(t));
  lua_pushvalue(L, 5);
  lua_setiuservalue(L, 1, 1);
  check(L, t, hn_table_start(t, r.first, r.count, r.n, r.columns, r.out));
  return 0;
}

static int ready(lua_State *L) {
  lua_pushboolean(L, hn_table_ready(self(L)));
  return 1;
}

static int finish(lua_State *L) {
  hn_table *t = self(L);
  check(L, t, hn_table_finish(t));
  return 0;
}

static int close_table(lua_State *L) {
  hn_table **box = box_of(L);
  hn_table_close(*box);
  *box = NULL;
  return 0;
}

/* physical(): bytes of the machine's memory. */
static int physical(lua_State *L) {
  lua_pushinteger(L, hn_physical_memory());
  return 1;
}

/* bytes(text): what a text such as "256MiB" says, or nil. */
static int bytes(lua_State *L) {
  int64_t value;
  if (!hn_parse_bytes(hnl_string(L, 1, "bytes: the text"), &value)) return 0;
  lua_pushinteger(L, value);
  return 1;
}

/* glob(pattern): the files that it names, in order. Where scripts are limited to folders, the folder before the first
 * wildcard has to be in one, and ".." may not lead out of it behind that: nothing is told about other folders. */
static int glob_files(lua_State *L) {
  const char *pattern = hnl_string(L, 1, "glob: the pattern");
  size_t plain = strcspn(pattern, "*?[");
  while (plain > 0 && pattern[plain - 1] != '/') plain--;
  lua_pushlstring(L, plain ? pattern : ".", plain ? plain : 1);
  hnl_path(L, -1, "glob: the folder");
  if (strstr(pattern + plain, "..")) return hnl_fail(L, HN_ARGUMENT, "glob: '%s' has '..' behind a wildcard", pattern);
  glob_t found;
  int code = glob(pattern, GLOB_ERR, NULL, &found);
  if (code != 0 && code != GLOB_NOMATCH) return hnl_fail(L, HN_FILE, "cannot list '%s'", pattern);
  lua_newtable(L);
  for (size_t i = 0; code == 0 && i < found.gl_pathc; i++) {
    lua_pushstring(L, found.gl_pathv[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  if (code == 0) globfree(&found);
  return 1;
}

static const luaL_Reg methods[] = {{"names", names},   {"rows", rows},         {"sequential", sequential},
                                   {"read", read},     {"start", start},       {"ready", ready},
                                   {"finish", finish}, {"close", close_table}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", close_table}, {"__close", close_table}, {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"table", table}, {"physical", physical}, {"bytes", bytes}, {"glob", glob_files}, {NULL, NULL}};

void hnl_open_table(lua_State *L) {
  hnl_make_type(L, HNL_TABLE, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
