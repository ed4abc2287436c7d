/* Tensor userdata: a box with one hn_tensor. */
#include <stdio.h>
#include <string.h>

#include "hnl.h"

hn_tensor **hnl_new_tensor(lua_State *L) {
  hnl_engine(L); /* what the box is for may need the collector */
  hn_tensor **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, HNL_TENSOR);
  return box;
}

hn_tensor *hnl_to_tensor(lua_State *L, int index) {
  hn_tensor **box = luaL_testudata(L, index, HNL_TENSOR);
  return box ? *box : NULL;
}

hn_tensor *hnl_tensor(lua_State *L, int index, const char *name) {
  hn_tensor *tensor = hnl_to_tensor(L, index);
  if (!tensor) hnl_wrong(L, name, "a tensor", index);
  return tensor;
}

hn_tensor **hnl_tensors(lua_State *L, int index, const char *name, int *n) {
  if (!lua_istable(L, index)) hnl_wrong(L, name, "a list of tensors", index);
  *n = (int)luaL_len(L, index);
  hn_tensor **list = lua_newuserdatauv(L, ((size_t)*n + 1) * sizeof *list, 1);
  lua_newtable(L); /* keeps them, whatever the script's list does */
  for (int i = 0; i < *n; i++) {
    lua_geti(L, index, i + 1);
    list[i] = hnl_tensor(L, -1, name);
    lua_seti(L, -2, i + 1);
  }
  lua_setiuservalue(L, -2, 1);
  return list;
}

/* The tensor a method was called on, which must be open. */
static hn_tensor *self(lua_State *L) {
  hn_tensor *tensor = hnl_tensor(L, 1, "self");
  if (hn_tensor_closed(tensor))
    hnl_fail(L, HN_STATE,
             "the tensor is closed: by hand, or with the tape or scope that it was made in (keep() hands it on)");
  return tensor;
}

/* -- making ----------------------------------------------------------------------------------------------------- */

static hn_tensor *make(lua_State *L, hn_dtype dtype, int dims, const int64_t *shape) {
  hn_context *context = hnl_context(L);
  hn_tensor **box = hnl_new_tensor(L);
  hnl_try(L, context, hn_tensor_new(context, HN_DATA, dtype, dims, shape, box));
  hnl_pace(L, context);
  return *box;
}

static bool is_nested(lua_State *L, int index) {
  lua_geti(L, index, 1);
  bool nested = lua_istable(L, -1);
  lua_pop(L, 1);
  return nested;
}

/* tensor(shape [, values]) or tensor(nested values). */
static int tensor(lua_State *L) {
  int64_t shape[HN_MAX_DIMS];
  if (!lua_istable(L, 1)) return hnl_wrong(L, "tensor: the first argument", "a shape or a nested table of values", 1);
  bool nested = is_nested(L, 1);
  int dims = nested ? hnl_table_shape(L, 1, shape) : hnl_shape(L, 1, shape);
  if (nested && !lua_isnoneornil(L, 2)) return hnl_wrong(L, "tensor: the second argument", "absent with values", 2);
  hn_tensor *made = make(L, HN_FLOAT32, dims, shape);
  if (nested || !lua_isnoneornil(L, 2)) hnl_set_values(L, made, nested ? 1 : 2);
  return 1;
}

static int labels(lua_State *L) {
  int64_t shape[HN_MAX_DIMS];
  if (!lua_istable(L, 1)) return hnl_wrong(L, "labels: the argument", "a table of classes, counted from 1", 1);
  int dims = hnl_table_shape(L, 1, shape);
  hnl_set_values(L, make(L, HN_INT32, dims, shape), 1);
  return 1;
}

static int buckets(lua_State *L) {
  hn_context *context = hnl_context(L);
  lua_Integer count = hnl_integer(L, 1, "buckets: the count", 1, INT32_MAX);
  hnl_try(L, context, hn_buckets_new(context, count, hnl_new_tensor(L)));
  hnl_pace(L, context);
  return 1;
}

static int copy(lua_State *L) {
  hn_tensor *source = self(L);
  hn_tensor **box = hnl_new_tensor(L);
  hn_context *context = hn_tensor_context(source);
  hnl_try(
      L, context,
      hn_tensor_new(context, HN_DATA, hn_tensor_dtype(source), hn_tensor_dims(source), hn_tensor_shape(source), box));
  hnl_try(L, context, hn_tensor_copy(*box, source));
  return 1;
}

/* -- asking ----------------------------------------------------------------------------------------------------- */

static int shape(lua_State *L) {
  hn_tensor *t = hnl_tensor(L, 1, "self");
  hnl_push_shape(L, hn_tensor_dims(t), hn_tensor_shape(t));
  return 1;
}

static int size(lua_State *L) {
  lua_pushinteger(L, hn_tensor_size(hnl_tensor(L, 1, "self")));
  return 1;
}

static int dims(lua_State *L) {
  lua_pushinteger(L, hn_tensor_dims(hnl_tensor(L, 1, "self")));
  return 1;
}

static int dtype(lua_State *L) {
  lua_pushstring(L, hn_tensor_dtype(hnl_tensor(L, 1, "self")) == HN_FLOAT32 ? "float" : "int");
  return 1;
}

static int kind(lua_State *L) {
  lua_pushstring(L, hn_kind_name(hn_tensor_kind(self(L))));
  return 1;
}

static int device(lua_State *L) {
  lua_pushstring(L, hn_context_device(hn_tensor_context(self(L))));
  return 1;
}

static int closed(lua_State *L) {
  lua_pushboolean(L, hn_tensor_closed(hnl_tensor(L, 1, "self")));
  return 1;
}

static int is_parameter(lua_State *L) {
  lua_pushboolean(L, hn_tensor_is_parameter(hnl_tensor(L, 1, "self")));
  return 1;
}

static int table(lua_State *L) {
  hnl_push_values(L, self(L));
  return 1;
}

static void push_element(lua_State *L, const hn_tensor *t, int64_t i) {
  union {
    float real;
    int32_t integer;
  } value;
  hnl_try(L, hn_tensor_context(t), hn_tensor_read(t, i, 1, &value));
  if (hn_tensor_dtype(t) == HN_FLOAT32)
    lua_pushnumber(L, (lua_Number)value.real);
  else
    lua_pushinteger(L, (lua_Integer)value.integer + 1);
}

/* read(first, count): so many elements from the first-th on, in order, as a list. */
static int read_elements(lua_State *L) {
  const hn_tensor *t = self(L);
  lua_Integer first = hnl_integer(L, 2, "read: first", 1, hn_tensor_size(t));
  lua_Integer count = hnl_integer(L, 3, "read: count", 0, hn_tensor_size(t) - first + 1);
  void *block = lua_newuserdatauv(L, (size_t)count * 4, 0);
  hnl_try(L, hn_tensor_context(t), hn_tensor_read(t, first - 1, count, block));
  hnl_push_list(L, hn_tensor_dtype(t), count, block, 1);
  return 1;
}

static int item(lua_State *L) {
  hn_tensor *t = self(L);
  if (hn_tensor_size(t) != 1)
    return hnl_fail(L, HN_SHAPE, "item is for tensors of one element, this one has %lld", (long long)hn_tensor_size(t));
  push_element(L, t, 0);
  return 1;
}

static int grad(lua_State *L) {
  hn_tensor *g = hn_tensor_grad(self(L));
  if (!g) return 0;
  *hnl_new_tensor(L) = hn_tensor_retain(g);
  return 1;
}

/* tensor [2, 3] float weights: 1 2 3 4 5 6 */
static int tostring(lua_State *L) {
  const int64_t shown = 8;
  hn_tensor *t = hnl_to_tensor(L, 1);
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  luaL_addstring(&text, "tensor [");
  for (int i = 0; t && i < hn_tensor_dims(t); i++) {
    lua_pushfstring(L, i ? ", %I" : "%I", (LUAI_UACINT)hn_tensor_shape(t)[i]);
    luaL_addvalue(&text);
  }
  luaL_addstring(&text, "]");
  if (!t || hn_tensor_closed(t)) {
    luaL_addstring(&text, " (closed)");
  } else {
    lua_pushfstring(L, " %s %s:", hn_tensor_dtype(t) == HN_FLOAT32 ? "float" : "int", hn_kind_name(hn_tensor_kind(t)));
    luaL_addvalue(&text);
    for (int64_t i = 0; i < hn_tensor_size(t) && i < shown; i++) {
      char number[40];
      push_element(L, t, i);
      lua_Number value = lua_tonumber(L, -1);
      lua_pop(L, 1);
      snprintf(number, sizeof number, " %.6g", value);
      luaL_addstring(&text, number);
    }
    if (hn_tensor_size(t) > shown) luaL_addstring(&text, " ...");
  }
  luaL_pushresult(&text);
  return 1;
}

/* -- changing --------------------------------------------------------------------------------------------------- */

static int set(lua_State *L) {
  hnl_set_values(L, self(L), 2);
  lua_settop(L, 1);
  return 1;
}

static int uniform(lua_State *L) {
  hn_tensor *t = self(L);
  float low = (float)hnl_number(L, 2, "low"), high = (float)hnl_number(L, 3, "high");
  hnl_try(L, hn_tensor_context(t), hn_tensor_uniform(t, low, high));
  lua_settop(L, 1);
  return 1;
}

static int normal(lua_State *L) {
  hn_tensor *t = self(L);
  float mean = (float)hnl_number(L, 2, "mean"), deviation = (float)hnl_number(L, 3, "deviation");
  hnl_try(L, hn_tensor_context(t), hn_tensor_normal(t, mean, deviation));
  lua_settop(L, 1);
  return 1;
}

static int parameter(lua_State *L) {
  hn_tensor *t = self(L);
  hnl_try(L, hn_tensor_context(t), hn_tensor_parameter(t));
  lua_settop(L, 1);
  return 1;
}

static int clear_grad(lua_State *L) {
  hn_tensor_clear_grad(self(L));
  return 0;
}

static int keep(lua_State *L) {
  hn_tensor *t = self(L);
  hnl_try(L, hn_tensor_context(t), hn_tensor_keep(t));
  lua_settop(L, 1);
  return 1;
}

static int backward(lua_State *L) {
  hn_tensor *t = self(L);
  hnl_try(L, hn_tensor_context(t), hn_backward(t));
  return 0;
}

static int close_tensor(lua_State *L) {
  hn_tensor *t = hnl_to_tensor(L, 1);
  if (t) hn_tensor_close(t);
  return 0;
}

static int collect(lua_State *L) {
  hn_tensor **box = luaL_checkudata(L, 1, HNL_TENSOR);
  hn_tensor_release(*box);
  *box = NULL;
  return 0;
}

static int equal(lua_State *L) {
  hn_tensor *a = hnl_to_tensor(L, 1);
  lua_pushboolean(L, a && a == hnl_to_tensor(L, 2));
  return 1;
}

static const luaL_Reg methods[] = {{"shape", shape},
                                   {"size", size},
                                   {"dims", dims},
                                   {"dtype", dtype},
                                   {"kind", kind},
                                   {"device", device},
                                   {"closed", closed},
                                   {"is_parameter", is_parameter},
                                   {"table", table},
                                   {"item", item},
                                   {"read", read_elements},
                                   {"fetch", hnl_fetch},
                                   {"grad", grad},
                                   {"set", set},
                                   {"uniform", uniform},
                                   {"normal", normal},
                                   {"parameter", parameter},
                                   {"clear_grad", clear_grad},
                                   {"keep", keep},
                                   {"copy", copy},
                                   {"backward", backward},
                                   {"close", close_tensor},
                                   {"matrix", hnl_new_matrix},
                                   {NULL, NULL}};

static const luaL_Reg metamethods[] = {
    {"__gc", collect}, {"__close", close_tensor}, {"__tostring", tostring}, {"__eq", equal}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"tensor", tensor}, {"labels", labels}, {"buckets", buckets}, {NULL, NULL}};

void hnl_open_tensor(lua_State *L) {
  hnl_make_type(L, HNL_TENSOR, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
  luaL_getmetatable(L, HNL_TENSOR);
  lua_getfield(L, -1, "__index");
  lua_setfield(L, -3, "methods");
  lua_pop(L, 1);
}
