/* Values between Lua and tensors: nested tables, functions of indices, numbers. Integers count from 1 in Lua. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "hnl.h"

/* Shape read off the first entry at each level; fill_from_table() checks the others against it. */
int hnl_table_shape(lua_State *L, int index, int64_t shape[HN_MAX_DIMS]) {
  int dims = 0, top = lua_gettop(L);
  lua_pushvalue(L, index);
  while (lua_istable(L, -1)) {
    if (dims == HN_MAX_DIMS) return hnl_fail(L, HN_SHAPE, "values must be nested at most %d tables deep", HN_MAX_DIMS);
    shape[dims] = luaL_len(L, -1);
    if (shape[dims] < 1) return hnl_fail(L, HN_SHAPE, "values must not be an empty table (level %d)", dims + 1);
    lua_geti(L, -1, 1);
    dims++;
  }
  lua_settop(L, top);
  return dims;
}

/* One number into position i; integers are stored from 0. */
static void put(lua_State *L, hn_dtype dtype, void *block, int64_t i, int index) {
  if (dtype == HN_FLOAT32)
    ((float *)block)[i] = (float)hnl_number(L, index, "each value");
  else
    ((int32_t *)block)[i] = (int32_t)(hnl_integer(L, index, "each value of an int tensor", 1, INT32_MAX) - 1);
}

/* Reads one level of a nested table; *at is the next position. */
static void fill_from_table(lua_State *L, int dims, const int64_t *shape, hn_dtype dtype, void *block, int64_t *at) {
  int table = lua_gettop(L);
  luaL_checkstack(L, 4, "values");
  if (!lua_istable(L, table)) hnl_wrong(L, "each row of values", "a table", table);
  int64_t length = luaL_len(L, table);
  if (length != shape[0])
    hnl_fail(L, HN_SHAPE, "values must be a full grid: a row has %lld entries, the first one has %lld",
             (long long)length, (long long)shape[0]);
  for (int64_t i = 1; i <= length; i++) {
    lua_geti(L, table, i);
    if (dims > 1)
      fill_from_table(L, dims - 1, shape + 1, dtype, block, at);
    else
      put(L, dtype, block, (*at)++, -1);
    lua_settop(L, table);
  }
}

static void set_from_table(lua_State *L, hn_tensor *tensor, int index, void *block) {
  int64_t shape[HN_MAX_DIMS], at = 0, size = hn_tensor_size(tensor);
  int dims = hnl_table_shape(L, index, shape);
  bool flat = dims == 1 && shape[0] == size;
  bool same =
      dims == hn_tensor_dims(tensor) && memcmp(shape, hn_tensor_shape(tensor), (size_t)dims * sizeof *shape) == 0;
  if (!flat && !same) {
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (int i = 0; i < dims; i++) {
      lua_pushfstring(L, i ? " x %I" : "%I", (LUAI_UACINT)shape[i]);
      luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    hnl_fail(L, HN_SHAPE, "values of %s do not fit a tensor of %lld elements", lua_tostring(L, -1), (long long)size);
  }
  lua_pushvalue(L, index);
  fill_from_table(L, dims, shape, hn_tensor_dtype(tensor), block, &at);
  lua_pop(L, 1);
}

/* Calls the function with the indices (from 1) of every element. */
static void set_from_function(lua_State *L, hn_tensor *tensor, int index, void *block) {
  int dims = hn_tensor_dims(tensor);
  const int64_t *shape = hn_tensor_shape(tensor);
  int64_t at[HN_MAX_DIMS] = {0};
  for (int64_t i = 0; i < hn_tensor_size(tensor); i++) {
    lua_pushvalue(L, index);
    for (int d = 0; d < dims; d++) lua_pushinteger(L, at[d] + 1);
    lua_call(L, dims, 1);
    put(L, hn_tensor_dtype(tensor), block, i, -1);
    lua_pop(L, 1);
    for (int d = dims - 1; d >= 0 && ++at[d] == shape[d]; d--) at[d] = 0;
  }
}

static void set_from_number(lua_State *L, hn_tensor *tensor, int index, void *block) {
  for (int64_t i = 0; i < hn_tensor_size(tensor); i++) put(L, hn_tensor_dtype(tensor), block, i, index);
}

void hnl_set_values(lua_State *L, hn_tensor *tensor, int index) {
  hn_tensor *source = hnl_to_tensor(L, index);
  hn_context *context = hn_tensor_context(tensor);
  if (source) {
    hnl_try(L, context, hn_tensor_copy(tensor, source));
    return;
  }
  void *block = lua_newuserdatauv(L, (size_t)hn_tensor_size(tensor) * 4, 0);
  switch (lua_type(L, index)) {
  case LUA_TTABLE: set_from_table(L, tensor, index, block); break;
  case LUA_TFUNCTION: set_from_function(L, tensor, index, block); break;
  case LUA_TNUMBER: set_from_number(L, tensor, index, block); break;
  default: hnl_wrong(L, "values", "a number, a table, a tensor or a function of the indices", index);
  }
  hnl_try(L, context, hn_tensor_write(tensor, 0, hn_tensor_size(tensor), block));
  lua_pop(L, 1);
}

void hnl_push_list(lua_State *L, hn_dtype dtype, int64_t n, const void *block, lua_Integer first) {
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    if (dtype == HN_FLOAT32)
      lua_pushnumber(L, (lua_Number)((const float *)block)[i]);
    else
      lua_pushinteger(L, (lua_Integer)((const int32_t *)block)[i] + first);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_level(lua_State *L, int dims, const int64_t *shape, hn_dtype dtype, const void *block, int64_t *at) {
  luaL_checkstack(L, 4, "values");
  if (dims == 1) {
    hnl_push_list(L, dtype, shape[0], (const char *)block + 4 * *at, 1);
    *at += shape[0];
    return;
  }
  lua_createtable(L, (int)shape[0], 0);
  for (int64_t i = 1; i <= shape[0]; i++) {
    push_level(L, dims - 1, shape + 1, dtype, block, at);
    lua_rawseti(L, -2, i);
  }
}

void hnl_push_values(lua_State *L, const hn_tensor *tensor) {
  int64_t size = hn_tensor_size(tensor), at = 0;
  void *block = lua_newuserdatauv(L, (size_t)size * 4, 0);
  hnl_try(L, hn_tensor_context(tensor), hn_tensor_read(tensor, 0, size, block));
  push_level(L, hn_tensor_dims(tensor), hn_tensor_shape(tensor), hn_tensor_dtype(tensor), block, &at);
  lua_remove(L, -2);
}
