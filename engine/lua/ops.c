/* Every operation of the engine as a function and as a method of tensors, from the engine's own list. */
#include "hnl.h"

/* An operand at a stack place: tensor, matrix, or nil for one that is left out. */
static bool read_operand(lua_State *L, int index, hn_operand *operand) {
  hnl_matrix *matrix = hnl_to_matrix(L, index);
  *operand = (hn_operand){matrix ? matrix->pool : hnl_to_tensor(L, index), matrix ? &matrix->map : NULL};
  return operand->tensor || lua_isnil(L, index);
}

static double read_number(lua_State *L, const hn_op *op, int index) {
  if (lua_isboolean(L, index)) return lua_toboolean(L, index);
  if (lua_type(L, index) != LUA_TNUMBER)
    hnl_fail(L, HN_ARGUMENT, "%s: argument %d must be a number, got %s; it takes %s", hn_op_name(op), index,
             luaL_tolstring(L, index, NULL), hn_op_parameters(op));
  return lua_tonumber(L, index);
}

/* Operands come first, then numbers; nothing at the end counts as left out. */
static hn_args read_args(lua_State *L, const hn_op *op) {
  hn_args args = {0};
  int n = lua_gettop(L), i = 1;
  while (n > 0 && lua_isnil(L, n)) n--;
  for (; i <= n && args.operands < HN_MAX_OPERANDS && read_operand(L, i, &args.x[args.operands]); i++) args.operands++;
  if (n - i + 1 > HN_MAX_NUMBERS)
    hnl_fail(L, HN_ARGUMENT, "%s: too many arguments (%d); it takes %s", hn_op_name(op), n, hn_op_parameters(op));
  for (; i <= n; i++) args.number[args.numbers++] = read_number(L, op, i);
  return args;
}

/* Operations run in the context of their first operand. */
static hn_context *context_of(lua_State *L, const hn_args *args) {
  for (int i = 0; i < args->operands; i++)
    if (args->x[i].tensor) return hn_tensor_context(args->x[i].tensor);
  return hnl_context(L);
}

/* Upvalue 1: the operation. */
static int apply(lua_State *L) {
  const hn_op *op = lua_touserdata(L, lua_upvalueindex(1));
  hn_args args = read_args(L, op);
  hn_context *context = context_of(L, &args);
  hnl_try(L, context, hn_apply(context, op, &args, hnl_new_tensor(L)));
  hnl_pace(L, context);
  return 1;
}

/* Sets the operation in the tables at the given stack places. */
static void add(lua_State *L, const hn_op *op, int functions, int methods) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)op);
  lua_pushcclosure(L, apply, 1);
  lua_pushvalue(L, -1);
  lua_setfield(L, functions, hn_op_name(op));
  lua_setfield(L, methods, hn_op_name(op));
}

void hnl_open_ops(lua_State *L) {
  const hn_op *op;
  int core = lua_gettop(L);
  luaL_getmetatable(L, HNL_TENSOR);
  lua_getfield(L, -1, "__index");
  lua_newtable(L);
  lua_newtable(L);
  for (int i = 0; (op = hn_op_at(i)); i++) {
    add(L, op, core + 3, core + 2);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, hn_op_name(op));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, hn_op_parameters(op));
    lua_setfield(L, -2, "parameters");
    lua_seti(L, core + 4, i + 1);
  }
  lua_setfield(L, core, "op_list");
  lua_setfield(L, core, "ops");
  lua_settop(L, core);
}
