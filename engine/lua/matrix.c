/* Matrix userdata: the description of a virtual matrix and its pool. The pool's own userdata is kept as user value, so
 * that matrix:pool() is always the same object. */
#include <string.h>

#include "hnl.h"

hnl_matrix *hnl_to_matrix(lua_State *L, int index) { return luaL_testudata(L, index, HNL_MATRIX); }

static hnl_matrix *self(lua_State *L) {
  hnl_matrix *matrix = hnl_to_matrix(L, 1);
  if (!matrix) hnl_wrong(L, "self", "a virtual matrix", 1);
  return matrix;
}

static hn_scheme field_scheme(lua_State *L, int table) {
  hn_scheme scheme = HN_LINE;
  if (lua_getfield(L, table, "scheme") != LUA_TNIL) {
    const char *name = hnl_string(L, -1, "scheme");
    if (strcmp(name, "element") == 0)
      scheme = HN_ELEMENT;
    else if (strcmp(name, "line") != 0)
      hnl_wrong(L, "scheme", "\"element\" or \"line\"", -1);
  }
  lua_pop(L, 1);
  return scheme;
}

static lua_Integer required(lua_State *L, int table, const char *name) {
  lua_getfield(L, table, name);
  lua_Integer value = hnl_integer(L, -1, name, 1, INT32_MAX);
  lua_pop(L, 1);
  return value;
}

/* matrix(pool, { rows, cols, scheme, seed, sign, balanced, strip, offset, count }) */
int hnl_new_matrix(lua_State *L) {
  hn_tensor *pool = hnl_tensor(L, 1, "matrix: the pool");
  hn_context *context = hn_tensor_context(pool);
  if (!lua_istable(L, 2)) return hnl_wrong(L, "matrix: the options", "a table", 2);
  if (hn_tensor_closed(pool)) return hnl_fail(L, HN_STATE, "matrix: the pool is closed");
  if (hn_tensor_dtype(pool) != HN_FLOAT32 || hn_tensor_dims(pool) != 1)
    return hnl_wrong(L, "matrix: the pool", "a float tensor of one dimension", 1);
  hnl_matrix *matrix = lua_newuserdatauv(L, sizeof *matrix, 1);
  memset(matrix, 0, sizeof *matrix);
  luaL_setmetatable(L, HNL_MATRIX);
  hn_matrix *map = &matrix->map;
  map->scheme = field_scheme(L, 2);
  map->rows = required(L, 2, "rows");
  map->cols = required(L, 2, "cols");
  map->seed = (uint32_t)hnl_field_integer(L, 2, "seed", 0, 0, UINT32_MAX);
  map->sign = hnl_field_bool(L, 2, "sign", true);
  map->balanced = hnl_field_bool(L, 2, "balanced", false);
  map->strip = hnl_field_integer(L, 2, "strip", 0, 0, INT32_MAX);
  map->offset = hnl_field_integer(L, 2, "offset", 0, 0, INT32_MAX);
  lua_Integer rest = hn_tensor_size(pool) - map->offset;
  map->count = hnl_field_integer(L, 2, "count", rest - rest % hn_matrix_grain(map), INT32_MIN, INT32_MAX);
  hnl_try(L, context, hn_matrix_check(context, map, hn_tensor_size(pool)));
  matrix->pool = hn_tensor_retain(pool);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  return 1;
}

/* Row and column at stack places 2 and 3, counted from 0. */
static void element(lua_State *L, const hn_matrix *map, int64_t *row, int64_t *col) {
  *row = hnl_integer(L, 2, "row", 1, map->rows) - 1;
  *col = hnl_integer(L, 3, "column", 1, map->cols) - 1;
}

static int bucket(lua_State *L) {
  const hnl_matrix *matrix = self(L);
  int64_t row, col;
  int sign;
  element(L, &matrix->map, &row, &col);
  lua_pushinteger(L, hn_matrix_bucket(&matrix->map, row, col, &sign) + 1);
  lua_pushinteger(L, sign);
  return 2;
}

static int at(lua_State *L) {
  const hnl_matrix *matrix = self(L);
  int64_t row, col;
  int sign;
  float value;
  element(L, &matrix->map, &row, &col);
  int64_t index = hn_matrix_bucket(&matrix->map, row, col, &sign);
  hnl_try(L, hn_tensor_context(matrix->pool), hn_tensor_read(matrix->pool, index, 1, &value));
  lua_pushnumber(L, (lua_Number)(sign < 0 ? -value : value));
  return 1;
}

/* expand([first, count]): rows of the virtual matrix as a tensor. */
static int expand(lua_State *L) {
  const hnl_matrix *matrix = self(L);
  lua_Integer rows = matrix->map.rows, first = 1;
  if (!lua_isnoneornil(L, 2)) first = hnl_integer(L, 2, "first", 1, rows);
  lua_Integer count = rows - first + 1;
  if (!lua_isnoneornil(L, 3)) count = hnl_integer(L, 3, "count", 1, count);
  hn_tensor **box = hnl_new_tensor(L);
  hnl_try(L, hn_tensor_context(matrix->pool), hn_matrix_expand(&matrix->map, matrix->pool, first - 1, count, box));
  return 1;
}

/* The next element of a bucket: the closure holds the matrix, the slot, the column within a run, and how many of the
 * slot's runs were seen. */
static int next_member(lua_State *L) {
  const hn_matrix *map = &hnl_to_matrix(L, lua_upvalueindex(1))->map;
  int64_t slot = lua_tointeger(L, lua_upvalueindex(2)), lane = lua_tointeger(L, lua_upvalueindex(3)), row, run;
  for (lua_Integer k = lua_tointeger(L, lua_upvalueindex(4)); hn_matrix_members(map, slot, k, 1, &row, &run) > k; k++) {
    int64_t col = run * hn_matrix_grain(map) + lane;
    if (col >= map->cols) continue; /* a row's last run may go beyond it */
    lua_pushinteger(L, k + 1);
    lua_replace(L, lua_upvalueindex(4));
    lua_pushinteger(L, row + 1);
    lua_pushinteger(L, col + 1);
    return 2;
  }
  return 0;
}

/* for row, col in matrix:members(bucket) */
static int members(lua_State *L) {
  const hn_matrix *map = &self(L)->map;
  if (!map->balanced) return hnl_wrong(L, "members: self", "a balanced matrix", 1);
  lua_Integer bucket = hnl_integer(L, 2, "bucket", map->offset + 1, map->offset + map->count) - 1 - map->offset;
  lua_pushvalue(L, 1);
  lua_pushinteger(L, bucket / hn_matrix_grain(map));
  lua_pushinteger(L, bucket % hn_matrix_grain(map));
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, next_member, 4);
  return 1;
}

static int rows(lua_State *L) {
  lua_pushinteger(L, self(L)->map.rows);
  return 1;
}

static int cols(lua_State *L) {
  lua_pushinteger(L, self(L)->map.cols);
  return 1;
}

static int pool(lua_State *L) {
  self(L);
  lua_getiuservalue(L, 1, 1);
  return 1;
}

static int info(lua_State *L) {
  const hn_matrix *map = &self(L)->map;
  const struct {
    const char *name;
    lua_Integer value;
  } fields[] = {{"rows", map->rows},
                {"cols", map->cols},
                {"seed", map->seed},
                {"strip", map->strip},
                {"offset", map->offset},
                {"count", map->count},
                {"grain", hn_matrix_grain(map)}};
  lua_newtable(L);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    lua_pushinteger(L, fields[i].value);
    lua_setfield(L, -2, fields[i].name);
  }
  lua_pushstring(L, hn_scheme_name(map->scheme));
  lua_setfield(L, -2, "scheme");
  lua_pushboolean(L, map->sign);
  lua_setfield(L, -2, "sign");
  lua_pushboolean(L, map->balanced);
  lua_setfield(L, -2, "balanced");
  return 1;
}

static int tostring(lua_State *L) {
  const hn_matrix *map = &self(L)->map;
  lua_pushfstring(L, "matrix %I x %I over %I buckets (%s%s, seed %I)", (LUAI_UACINT)map->rows, (LUAI_UACINT)map->cols,
                  (LUAI_UACINT)map->count, map->balanced ? "balanced " : "", hn_scheme_name(map->scheme),
                  (LUAI_UACINT)map->seed);
  return 1;
}

static int collect(lua_State *L) {
  hnl_matrix *matrix = luaL_checkudata(L, 1, HNL_MATRIX);
  hn_tensor_release(matrix->pool);
  matrix->pool = NULL;
  return 0;
}

static const luaL_Reg methods[] = {{"bucket", bucket},   {"at", at},     {"expand", expand},
                                   {"members", members}, {"rows", rows}, {"cols", cols},
                                   {"pool", pool},       {"info", info}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", collect}, {"__tostring", tostring}, {NULL, NULL}};

void hnl_open_matrix(lua_State *L) {
  hnl_make_type(L, HNL_MATRIX, methods, metamethods);
  lua_pushcfunction(L, hnl_new_matrix);
  lua_setfield(L, -2, "matrix");
}
