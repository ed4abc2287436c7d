/* File userdata: named tensors and metadata, core.file() to fill and save, core.file(path) to read. */
#include "hnl.h"

#define HNL_FILE "hn.file"

static hn_file *self(lua_State *L) {
  hn_file **box = luaL_checkudata(L, 1, HNL_FILE);
  if (!*box) hnl_fail(L, HN_STATE, "the file is closed");
  return *box;
}

static int file(lua_State *L) {
  hn_context *context = hnl_context(L);
  const char *path = lua_isnoneornil(L, 1) ? NULL : hnl_path(L, 1, "file: the path");
  hn_file **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, HNL_FILE);
  hnl_try(L, context, path ? hn_file_open(context, path, box) : hn_file_new(context, box));
  return 1;
}

/* add(name, tensor or array) */
static int add(lua_State *L) {
  hn_file *f = self(L);
  const char *name = hnl_string(L, 2, "add: the name");
  hn_array *array = hnl_to_array(L, 3);
  hnl_try(L, hn_file_context(f),
          array ? hn_file_add_array(f, name, array) : hn_file_add(f, name, hnl_tensor(L, 3, "add: what is added")));
  return 0;
}

static int set(lua_State *L) {
  hn_file *f = self(L);
  hnl_try(L, hn_file_context(f), hn_file_set(f, hnl_string(L, 2, "set: the key"), hnl_string(L, 3, "set: the text")));
  return 0;
}

static int get(lua_State *L) {
  lua_pushstring(L, hn_file_get(self(L), hnl_string(L, 2, "get: the key")));
  return 1;
}

static int save(lua_State *L) {
  hn_file *f = self(L);
  hnl_try(L, hn_file_context(f), hn_file_save(f, hnl_path(L, 2, "save: the path")));
  return 0;
}

static int names(lua_State *L) {
  const hn_file *f = self(L);
  const char *name;
  lua_newtable(L);
  for (int64_t i = 0; (name = hn_file_name(f, i)); i++) {
    lua_pushstring(L, name);
    lua_seti(L, -2, i + 1);
  }
  return 1;
}

/* shape(name): the shape and "float" or "int"; nil if there is no such tensor. */
static int shape(lua_State *L) {
  hn_dtype dtype;
  int64_t sizes[HN_MAX_DIMS];
  int dims = hn_file_shape(self(L), hnl_string(L, 2, "shape: the name"), &dtype, sizes);
  if (dims == 0) return 0;
  hnl_push_shape(L, dims, sizes);
  lua_pushstring(L, dtype == HN_INT32 ? "int" : "float");
  return 2;
}

/* read(name, tensor or array) */
static int read(lua_State *L) {
  hn_file *f = self(L);
  const char *name = hnl_string(L, 2, "read: the name");
  hn_array *array = hnl_to_array(L, 3);
  hnl_try(L, hn_file_context(f),
          array ? hn_file_read_array(f, name, array) : hn_file_read(f, name, hnl_tensor(L, 3, "read: the target")));
  return 0;
}

static int close_file(lua_State *L) {
  hn_file **box = luaL_checkudata(L, 1, HNL_FILE);
  hn_file_release(*box);
  *box = NULL;
  return 0;
}

static const luaL_Reg methods[] = {{"add", add},     {"set", set},     {"get", get},   {"save", save},
                                   {"names", names}, {"shape", shape}, {"read", read}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", close_file}, {"__close", close_file}, {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"file", file}, {"exists", hnl_exists}, {"unlimited", hnl_unlimited}, {"json", hnl_json}, {NULL, NULL}};

void hnl_open_file(lua_State *L) {
  hnl_make_type(L, HNL_FILE, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
