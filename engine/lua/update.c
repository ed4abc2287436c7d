/* One optimiser step over a list of parameters. */
#include <string.h>

#include "hnl.h"

static hn_rule_kind check_rule(lua_State *L, int index) {
  const char *name = hnl_string(L, index, "rule");
  for (int kind = 0; kind < HN_RULES; kind++)
    if (strcmp(hn_rule_name((hn_rule_kind)kind), name) == 0) return (hn_rule_kind)kind;
  hnl_wrong(L, "rule", "sgd, adam, adamw, rmsprop or adagrad", index);
  return HN_RULES;
}

static hn_rule read_rule(lua_State *L, hn_rule_kind kind, int table) {
  hn_rule rule = hn_rule_default(kind);
  const struct {
    const char *name;
    float *value;
  } fields[] = {{"lr", &rule.lr},       {"momentum", &rule.momentum}, {"beta1", &rule.beta1},
                {"beta2", &rule.beta2}, {"epsilon", &rule.epsilon},   {"l1", &rule.l1},
                {"l2", &rule.l2},       {"scale", &rule.scale}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    *fields[i].value = (float)hnl_field_number(L, table, fields[i].name, (lua_Number)*fields[i].value);
  rule.nesterov = hnl_field_bool(L, table, "nesterov", rule.nesterov);
  rule.step = hnl_field_integer(L, table, "step", rule.step, 1, INT64_MAX);
  return rule;
}

/* Pushes states[i] as a list of two boxes, made empty on first use so that nothing is lost on an error. */
static void push_states(lua_State *L, int states, int i) {
  if (lua_geti(L, states, i) != LUA_TNIL) return;
  lua_pop(L, 1);
  lua_createtable(L, 2, 0);
  for (int k = 1; k <= 2; k++) {
    hnl_new_tensor(L);
    lua_seti(L, -2, k);
  }
  lua_pushvalue(L, -1);
  lua_seti(L, states, i);
}

/* Box k of the list at a stack place; pushes it, so that it stays. */
static hn_tensor **state_box(lua_State *L, int list, int k) {
  lua_geti(L, list, k);
  hn_tensor **box = luaL_testudata(L, -1, HNL_TENSOR);
  if (!box) hnl_fail(L, HN_ARGUMENT, "update: each entry of states must be a list of two tensors");
  return box;
}

/* update(rule, settings, parameters, states): states is a table that this fills in. */
static int update(lua_State *L) {
  int n;
  hn_rule_kind kind = check_rule(L, 1);
  if (!lua_istable(L, 2)) return hnl_wrong(L, "update: settings", "a table", 2);
  hn_rule rule = read_rule(L, kind, 2);
  hn_tensor **parameters = hnl_tensors(L, 3, "update: each parameter", &n);
  if (!lua_istable(L, 4)) return hnl_wrong(L, "update: states", "a table", 4);
  for (int i = 0; i < n; i++) {
    push_states(L, 4, i + 1);
    int list = lua_gettop(L);
    hn_tensor **first = state_box(L, list, 1), **second = state_box(L, list, 2), *state[2] = {*first, *second};
    hn_status status = hn_update(&rule, parameters[i], state);
    *first = state[0];
    *second = state[1];
    hnl_try(L, hn_tensor_context(parameters[i]), status);
    lua_settop(L, list - 1);
  }
  return 0;
}

static int states(lua_State *L) {
  static const int counts[] = {
#define X(NAME, name, states) states,
      HN_RULE_LIST(X)
#undef X
  };
  lua_pushinteger(L, counts[check_rule(L, 1)]);
  return 1;
}

/* update_state(list, parameter, k): state tensor k of a list that update() filled in, or nil; with `true` behind, made
 * if need be. */
static int update_state(lua_State *L) {
  hn_tensor *parameter = hnl_tensor(L, 2, "update_state: parameter");
  int k = (int)hnl_integer(L, 3, "update_state: k", 1, 2);
  bool make = lua_toboolean(L, 4);
  lua_settop(L, 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  hn_tensor **box = state_box(L, 1, k);
  if (make && !*box)
    hnl_try(L, hn_tensor_context(parameter),
            hn_tensor_new(hn_tensor_context(parameter), HN_OPTIMIZER, HN_FLOAT32, hn_tensor_dims(parameter),
                          hn_tensor_shape(parameter), box));
  return *box ? 1 : 0;
}

/* new_states(): a list for update() to fill in. */
static int new_states(lua_State *L) {
  lua_newtable(L);
  push_states(L, 1, 1);
  return 1;
}

static int grad_norm(lua_State *L) {
  int n;
  double norm = 0;
  hn_tensor **parameters = hnl_tensors(L, 1, "grad_norm: each parameter", &n);
  hn_context *context = n > 0 ? hn_tensor_context(parameters[0]) : hnl_context(L);
  hnl_try(L, context, hn_grad_norm(context, parameters, n, &norm));
  lua_pushnumber(L, norm);
  return 1;
}

static const luaL_Reg functions[] = {
    {"update", update},         {"states", states},       {"update_state", update_state},
    {"new_states", new_states}, {"grad_norm", grad_norm}, {NULL, NULL}};

void hnl_open_update(lua_State *L) { luaL_setfuncs(L, functions, 0); }
