/* Array userdata: data sets in host memory. */
#include <string.h>

#include "hnl.h"

static const char *const type_names[] = {"u8", "i32", "f32", "f64"};

static hn_array **new_array(lua_State *L) {
  hn_array **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, HNL_ARRAY);
  return box;
}

static hn_array *check_array(lua_State *L, int index, const char *name) {
  hn_array **box = luaL_testudata(L, index, HNL_ARRAY);
  if (!box) hnl_wrong(L, name, "an array", index);
  if (!*box) hnl_fail(L, HN_STATE, "%s is a closed array", name);
  return *box;
}

hn_array *hnl_to_array(lua_State *L, int index) {
  hn_array **box = luaL_testudata(L, index, HNL_ARRAY);
  return box ? *box : NULL;
}

static hn_array *self(lua_State *L) { return check_array(L, 1, "self"); }

static int64_t size_of(const hn_array *array) {
  int64_t size = 1;
  for (int i = 0; i < hn_array_dims(array); i++) size *= hn_array_shape(array)[i];
  return size;
}

static lua_Number get(hn_array *array, int64_t i) {
  void *data = hn_array_data(array);
  switch (hn_array_dtype(array)) {
  case HN_U8: return ((uint8_t *)data)[i];
  case HN_I32: return ((int32_t *)data)[i];
  case HN_F64: return ((double *)data)[i];
  case HN_F32: break;
  }
  return (lua_Number)((float *)data)[i];
}

static void put(lua_State *L, hn_array *array, int64_t i) {
  void *data = hn_array_data(array);
  switch (hn_array_dtype(array)) {
  case HN_U8: ((uint8_t *)data)[i] = (uint8_t)hnl_integer(L, -1, "each value", 0, 255); break;
  case HN_I32: ((int32_t *)data)[i] = (int32_t)hnl_integer(L, -1, "each value", INT32_MIN, INT32_MAX); break;
  case HN_F32: ((float *)data)[i] = (float)hnl_number(L, -1, "each value"); break;
  case HN_F64: ((double *)data)[i] = hnl_number(L, -1, "each value"); break;
  }
}

/* -- making ----------------------------------------------------------------------------------------------------- */

static int idx(lua_State *L) {
  hn_context *context = hnl_context(L);
  const char *path = hnl_path(L, 1, "idx: the path");
  hnl_try(L, context, hn_idx_read(context, path, new_array(L)));
  return 1;
}

static int sequence(lua_State *L) {
  hn_context *context = hnl_context(L);
  lua_Integer n = hnl_integer(L, 1, "sequence: n", 1, INT32_MAX);
  hnl_try(L, context, hn_array_sequence(context, n, lua_toboolean(L, 2), new_array(L)));
  return 1;
}

/* array(type, shape [, flat values]) */
static int array(lua_State *L) {
  hn_context *context = hnl_context(L);
  const char *name = hnl_string(L, 1, "array: the type");
  int type = 0;
  while (type < 4 && strcmp(type_names[type], name) != 0) type++;
  if (type == 4) return hnl_wrong(L, "array: the type", "u8, i32, f32 or f64", 1);
  int64_t shape[HN_MAX_DIMS];
  int dims = hnl_shape(L, 2, shape);
  lua_settop(L, 3);
  hn_array **box = new_array(L);
  hnl_try(L, context, hn_array_new(context, (hn_array_type)type, dims, shape, box));
  if (lua_isnil(L, 3)) return 1;
  if (!lua_istable(L, 3) || luaL_len(L, 3) != size_of(*box))
    return hnl_wrong(L, "array: the values", "a flat table of as many numbers as the shape holds", 3);
  for (int64_t i = 0; i < size_of(*box); i++) {
    lua_geti(L, 3, i + 1);
    put(L, *box, i);
    lua_pop(L, 1);
  }
  return 1;
}

/* -- methods ---------------------------------------------------------------------------------------------------- */

static int shape(lua_State *L) {
  hn_array *a = self(L);
  hnl_push_shape(L, hn_array_dims(a), hn_array_shape(a));
  return 1;
}

static int type(lua_State *L) {
  lua_pushstring(L, type_names[hn_array_dtype(self(L))]);
  return 1;
}

static int table(lua_State *L) {
  hn_array *a = self(L);
  int64_t size = size_of(a);
  lua_createtable(L, (int)size, 0);
  for (int64_t i = 0; i < size; i++) {
    if (hn_array_dtype(a) >= HN_F32)
      lua_pushnumber(L, get(a, i));
    else
      lua_pushinteger(L, (lua_Integer)get(a, i));
    lua_seti(L, -2, i + 1);
  }
  return 1;
}

/* Smallest and largest value. */
static int range(lua_State *L) {
  hn_array *a = self(L);
  lua_Number low = get(a, 0), high = low;
  for (int64_t i = 1, size = size_of(a); i < size; i++) {
    lua_Number value = get(a, i);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  lua_pushnumber(L, low);
  lua_pushnumber(L, high);
  return 2;
}

static int slice(lua_State *L) {
  hn_array *a = self(L);
  lua_Integer first = hnl_integer(L, 2, "slice: first", 1, INT64_MAX);
  lua_Integer count = hnl_integer(L, 3, "slice: count", 1, INT64_MAX);
  hnl_try(L, hn_array_context(a), hn_array_slice(a, first - 1, count, new_array(L)));
  return 1;
}

static hn_array *optional_index(lua_State *L, int index) {
  return lua_isnoneornil(L, index) ? NULL : check_array(L, index, "the index");
}

/* gather(index, { dtype, scale, shift, flatten }) */
static int gather(lua_State *L) {
  hn_array *a = self(L), *index = optional_index(L, 2);
  hn_dtype dtype = HN_FLOAT32;
  lua_settop(L, 3);
  if (lua_isnil(L, 3)) {
    lua_newtable(L);
    lua_replace(L, 3);
  }
  if (lua_getfield(L, 3, "dtype") != LUA_TNIL)
    dtype = strcmp(hnl_string(L, -1, "dtype"), "int") == 0 ? HN_INT32 : HN_FLOAT32;
  float scale = (float)hnl_field_number(L, 3, "scale", 1), shift = (float)hnl_field_number(L, 3, "shift", 0);
  bool flatten = hnl_field_bool(L, 3, "flatten", true);
  hn_context *context = hnl_context(L);
  hnl_try(L, context, hn_array_gather(context, a, index, dtype, scale, shift, flatten, hnl_new_tensor(L)));
  hnl_pace(L, context);
  return 1;
}

static int pick(lua_State *L) {
  hn_array *a = self(L), *index = check_array(L, 2, "the index");
  hnl_try(L, hn_array_context(a), hn_array_pick(a, index, new_array(L)));
  return 1;
}

/* pack(at, index or nil, list of columns): rows from row `at` on become what the columns have in the index's rows. */
static int pack(lua_State *L) {
  hn_array *a = self(L), *index = optional_index(L, 3);
  lua_Integer at = hnl_integer(L, 2, "pack: the row", 1, INT64_MAX);
  luaL_checktype(L, 4, LUA_TTABLE);
  int n = (int)luaL_len(L, 4);
  hn_array **columns = lua_newuserdatauv(L, (size_t)n * sizeof *columns + 1, 0);
  for (int i = 0; i < n; i++) {
    lua_geti(L, 4, i + 1);
    columns[i] = check_array(L, -1, "each column");
    lua_pop(L, 1);
  }
  hnl_try(L, hn_array_context(a), hn_array_pack(a, at - 1, index, n, columns));
  return 0;
}

/* where(least, most): a list of row numbers, or nil. */
static int where(lua_State *L) {
  hn_array *a = self(L);
  lua_Number least = hnl_number(L, 2, "where: least"), most = hnl_number(L, 3, "where: most");
  hn_array **box = new_array(L);
  hnl_try(L, hn_array_context(a), hn_array_where(a, least, most, box));
  if (!*box) lua_pushnil(L);
  return 1;
}

static int sum(lua_State *L) {
  lua_pushnumber(L, hn_array_sum(self(L)));
  return 1;
}

/* copy(at, source, index or nil) */
static int copy(lua_State *L) {
  hn_array *a = self(L), *source = check_array(L, 3, "copy: the source"), *index = optional_index(L, 4);
  hnl_try(L, hn_array_context(a),
          hn_array_copy(a, hnl_integer(L, 2, "copy: the row", 1, INT64_MAX) - 1, source, index));
  return 0;
}

/* part(least, most, to, wanted, how, seed) */
static int part(lua_State *L) {
  static const char *const ways[] = {"random", "alternate", "block", NULL};
  hn_array *a = self(L);
  uint8_t least = (uint8_t)hnl_integer(L, 2, "part: least", 0, 255),
          most = (uint8_t)hnl_integer(L, 3, "part: most", 0, 255);
  uint8_t to = (uint8_t)hnl_integer(L, 4, "part: to", 0, 255);
  lua_Integer wanted = hnl_integer(L, 5, "part: wanted", 0, INT64_MAX);
  hn_parting how = (hn_parting)luaL_checkoption(L, 6, NULL, ways);
  uint32_t seed = (uint32_t)hnl_integer(L, 7, "part: the seed", 0, UINT32_MAX);
  hnl_try(L, hn_array_context(a), hn_array_part(a, least, most, to, wanted, how, seed));
  return 0;
}

/* The tensor of as many elements, and of the same type, at stack place 2. */
static hn_tensor *partner(lua_State *L, hn_array *a) {
  hn_tensor *t = hnl_tensor(L, 2, "the tensor");
  hn_array_type type = hn_tensor_dtype(t) == HN_INT32 ? HN_I32 : HN_F32;
  if (hn_array_dtype(a) != type || size_of(a) != hn_tensor_size(t))
    hnl_fail(L, HN_SHAPE, "an array of %lld numbers %s expected for the tensor, got %lld %s",
             (long long)hn_tensor_size(t), type_names[type], (long long)size_of(a), type_names[hn_array_dtype(a)]);
  return t;
}

/* take(tensor), give(tensor): all elements from the tensor, or to it. */
static int take(lua_State *L) {
  hn_array *a = self(L);
  hn_tensor *t = partner(L, a);
  hnl_try(L, hn_tensor_context(t), hn_tensor_read(t, 0, hn_tensor_size(t), hn_array_data(a)));
  return 0;
}

static int give(lua_State *L) {
  hn_array *a = self(L);
  hn_tensor *t = partner(L, a);
  hnl_try(L, hn_tensor_context(t), hn_tensor_write(t, 0, hn_tensor_size(t), hn_array_data(a)));
  return 0;
}

static int tostring(lua_State *L) {
  hn_array *a = hnl_to_array(L, 1);
  if (!a) {
    lua_pushliteral(L, "array (closed)");
    return 1;
  }
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, "array [");
  for (int i = 0; i < hn_array_dims(a); i++) {
    lua_pushfstring(L, i ? ", %I" : "%I", (LUAI_UACINT)hn_array_shape(a)[i]);
    luaL_addvalue(&text);
  }
  lua_pushfstring(L, "] %s", type_names[hn_array_dtype(a)]);
  luaL_addvalue(&text);
  luaL_pushresult(&text);
  return 1;
}

static int collect(lua_State *L) {
  hn_array **box = luaL_checkudata(L, 1, HNL_ARRAY);
  hn_array_release(*box);
  *box = NULL;
  return 0;
}

static const luaL_Reg methods[] = {{"shape", shape}, {"type", type},     {"table", table},   {"range", range},
                                   {"slice", slice}, {"gather", gather}, {"pick", pick},     {"take", take},
                                   {"give", give},   {"pack", pack},     {"where", where},   {"sum", sum},
                                   {"copy", copy},   {"part", part},     {"close", collect}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", collect}, {"__close", collect}, {"__tostring", tostring}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"idx", idx}, {"sequence", sequence}, {"array", array}, {NULL, NULL}};

void hnl_open_array(lua_State *L) {
  hnl_make_type(L, HNL_ARRAY, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
