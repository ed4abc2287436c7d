/* Update rules: one step over a parameter's stored values, never more; a pool's step touches K values. */
#include <math.h>

#include "core.h"

static const struct {
  const char *name;
  int states;
} rules[] = {
#define X(NAME, name, states) {name, states},
    HN_RULE_LIST(X)
#undef X
};

const char *hn_rule_name(hn_rule_kind kind) { return rules[kind].name; }

hn_rule hn_rule_default(hn_rule_kind kind) {
  hn_rule rule = {
      .kind = kind, .lr = 0.001f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .scale = 1.0f, .step = 1};
  if (kind == HN_RULE_SGD || kind == HN_RULE_ADAGRAD) rule.lr = 0.01f;
  if (kind == HN_RULE_RMSPROP) rule.lr = 0.01f, rule.beta2 = 0.99f;
  if (kind == HN_RULE_ADAGRAD) rule.epsilon = 1e-10f;
  if (kind == HN_RULE_ADAMW) rule.l2 = 0.01f;
  return rule;
}

static hn_status check_rule(hn_context *context, const hn_rule *r) {
  const struct {
    const char *name;
    float value, low, high;
  } fields[] = {{"lr", r->lr, 0, INFINITY}, {"momentum", r->momentum, 0, 1},         {"beta1", r->beta1, 0, 1},
                {"beta2", r->beta2, 0, 1},  {"epsilon", r->epsilon, 0, INFINITY},    {"l1", r->l1, 0, INFINITY},
                {"l2", r->l2, 0, INFINITY}, {"scale", r->scale, -INFINITY, INFINITY}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    float v = fields[i].value;
    if (!isfinite(v) || v < fields[i].low || v > fields[i].high)
      return hn__fail(context, isfinite(v) ? HN_ARGUMENT : HN_NUMERIC, "%s: %s is %g", rules[r->kind].name,
                      fields[i].name, (double)v);
  }
  if (r->step < 1)
    return hn__fail(context, HN_ARGUMENT, "%s: step counts from 1, got %lld", rules[r->kind].name, (long long)r->step);
  return HN_OK;
}

static hn_status make_states(hn_tensor *parameter, int count, hn_tensor *state[2]) {
  for (int i = 0; i < count; i++) {
    if (!state[i])
      HN_TRY(hn_tensor_new(parameter->context, HN_OPTIMIZER, HN_FLOAT32, parameter->dims, parameter->shape, &state[i]));
    HN_TRY(hn__tensor_usable(parameter->context, state[i], "the optimiser's state"));
    if (state[i]->size != parameter->size)
      return hn__fail(parameter->context, HN_SHAPE, "the optimiser's state has %lld elements, the parameter %lld",
                      (long long)state[i]->size, (long long)parameter->size);
  }
  return HN_OK;
}

static float correction(float beta, int64_t step) { return (float)(1.0 / (1.0 - pow((double)beta, (double)step))); }

hn_status hn_update(const hn_rule *rule, hn_tensor *parameter, hn_tensor *state[2]) {
  hn_context *context = parameter->context;
  HN_TRY(hn__tensor_usable(context, parameter, "the parameter"));
  HN_TRY(check_rule(context, rule));
  if (!parameter->grad_valid) return HN_OK;
  context->doing = rules[rule->kind].name;
  hn_status status = make_states(parameter, rules[rule->kind].states, state);
  context->doing = NULL;
  if (status != HN_OK) return status;
  hn__step step = {*rule, correction(rule->beta1, rule->step), correction(rule->beta2, rule->step)};
  return HN_DEVICE_CALL(context, update, &step, parameter->size, hn__floats(parameter), hn__floats(parameter->grad),
                        hn__floats(state[0]), rules[rule->kind].states > 1 ? hn__floats(state[1]) : NULL);
}

hn_status hn_grad_norm(hn_context *context, hn_tensor *const *parameters, int n, double *out) {
  double sum = 0;
  for (int i = 0; i < n; i++) {
    HN_TRY(hn__tensor_usable(context, parameters[i], "a parameter"));
    const hn_tensor *grad = hn_tensor_grad(parameters[i]);
    if (grad) HN_DEVICE_TRY(context, sum_squares, grad->size, hn__floats(grad), &sum);
  }
  *out = sqrt(sum);
  return HN_OK;
}
