/*
 * The scalar functions that every backend applies element by element: activations, arithmetic, losses of an element and
 * update rules. One row here is the function on every backend, and one row in spec/support/ops.lua tests it there.
 *
 * Plain C without branches on NaN: a NaN in gives a NaN out. Compiled by C and CUDA.
 */
#ifndef HN_CORE_FUNCTIONS_H
#define HN_CORE_FUNCTIONS_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "hash.h"

/* sign(a) log(1 + b |a|) / b, and its limit for b = 0. */
HN_INLINE float hn__signed_log(float a, float b) { return b == 0 ? a : copysignf(log1pf(b * fabsf(a)) / b, a); }

/* clang-format off: it takes the products in these rows for pointers */
/* X(name, numbers, y, slope): y = f(x; a), and dy/dx in terms of x, y and a. `numbers` is the op's numeric parameter
 * as scripts see it. GELU is the exact one (Hendrycks & Gimpel 2016): x * Phi(x). */
#define HN_UNARY_LIST(X)                                                                                               \
  X(scale, " factor=1", a *x, a)                                                                                       \
  X(relu, "", x<0 ? 0 : x, x> 0 ? 1.0f : 0.0f)                                                                         \
  X(leaky_relu, " slope=0.01", x<0 ? a * x : x, x> 0 ? 1.0f : a)                                                       \
  X(elu, " alpha=1", x<0 ? a * expm1f(x) : x, x> 0 ? 1.0f : y + a)                                                     \
  X(gelu, "", 0.5f * x * erfcf(-x * 0.70710678f),                                                                      \
    0.5f * erfcf(-x * 0.70710678f) + x * 0.39894228f * expf(-0.5f * x * x))                                            \
  X(tanh, "", tanhf(x), 1.0f - y * y)                                                                                  \
  X(abs, "", fabsf(x), (float)((x > 0) - (x < 0)))                                                                     \
  X(gauss, "", expf(-x *x), -2.0f * x * y)                                                                             \
  X(hard_tanh, "", x<-1 ? -1 : x> 1 ? 1 : x, x > -1 && x < 1 ? 1.0f : 0.0f)                                            \
  X(relu6, "", x<0 ? 0 : x> 6 ? 6 : x, x > 0 && x < 6 ? 1.0f : 0.0f)                                                   \
  X(softsign, "", x / (1.0f + fabsf(x)), (1.0f - fabsf(y)) * (1.0f - fabsf(y)))                                        \
  X(softplus, "", (x > 0 ? x : 0) + log1pf(expf(-fabsf(x))), 1.0f / (1.0f + expf(-x)))                                 \
  X(sigmoid, "", 1.0f / (1.0f + expf(-x)), y * (1.0f - y))

/* X(name, y, slope_a, slope_b): y = f(a, b) and its two partial derivatives. */
#define HN_BINARY_LIST(X)                                                                                              \
  X(add, a + b, 1.0f, 1.0f)                                                                                            \
  X(sub, a - b, 1.0f, -1.0f)                                                                                           \
  X(mul, a *b, b, a)                                                                                                   \
  X(signed_log, hn__signed_log(a, b), 1.0f / (1.0f + b * fabsf(a)),                                                    \
    b == 0 ? -0.5f * a * fabsf(a) : (a / (1.0f + b * fabsf(a)) - hn__signed_log(a, b)) / b)

/* X(name, numbers, loss, slope): loss of output x against target t, and its derivative in x. The loss of a sample is
 * the mean over its outputs. bce takes logits; its form keeps exp from overflowing. */
#define HN_LOSS_LIST(X)                                                                                                \
  X(bce, "", (x > 0 ? x : 0) - x * t + log1pf(expf(-fabsf(x))), 1.0f / (1.0f + expf(-x)) - t)                          \
  X(mse, "", (x - t) * (x - t), 2.0f * (x - t))                                                                        \
  X(huber, " delta=1", fabsf(x - t) <= a ? 0.5f * (x - t) * (x - t) : a * (fabsf(x - t) - 0.5f * a),                   \
    fabsf(x - t) <= a ? x - t : (x > t ? a : (x < t ? -a : x - t)))

/* clang-format on */

#define HN_ENUM_ROW(name, ...) HN_FN_##name,
typedef enum hn__unary { HN_UNARY_LIST(HN_ENUM_ROW) HN_UNARIES } hn__unary;
#undef HN_ENUM_ROW
#define HN_ENUM_ROW(name, ...) HN_FN2_##name,
typedef enum hn__binary { HN_BINARY_LIST(HN_ENUM_ROW) HN_BINARIES } hn__binary;
#undef HN_ENUM_ROW
#define HN_ENUM_ROW(name, ...) HN_LOSS_##name,
typedef enum hn__loss { HN_LOSS_LIST(HN_ENUM_ROW) HN_LOSSES } hn__loss;
#undef HN_ENUM_ROW

#define HN_MAX_LEVELS 255

/* The bits of |x|, which as integers order as magnitudes do, NaN above all. */
HN_INLINE uint32_t hn__magnitude(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits & 0x7FFFFFFFu;
}

/* The unit of which numbers become multiples from -levels to levels: the largest magnitude (its bits) over levels, cut
 * to 16 bits, so that its products with up to HN_MAX_LEVELS are exact and rounding again changes nothing. 0 where that
 * is too small for a normal number; a NaN gives a NaN. */
HN_INLINE float hn__unit(uint32_t largest, int levels) {
  float most, unit;
  memcpy(&most, &largest, sizeof most);
  unit = most / (float)levels;
  memcpy(&largest, &unit, sizeof unit);
  largest &= 0xFFFFFF00u;
  memcpy(&unit, &largest, sizeof unit);
  return unit < FLT_MIN ? 0.0f : unit;
}

/* x as the nearest multiple, of two the even one. */
HN_INLINE float hn__multiple(float x, float unit) { return unit == 0 ? 0.0f : rintf(x / unit) * unit; }

/* The knot at or before x, of `count` that rise: the last but one at most, so that another one follows. */
HN_INLINE int64_t hn__knot_before(int64_t count, const float *knots, float x) {
  int64_t low = 0, high = count - 1;
  while (high - low > 1) {
    int64_t middle = (low + high) / 2;
    if (knots[middle] <= x)
      low = middle;
    else
      high = middle;
  }
  return low;
}

HN_INLINE float hn__knot_slope(const float *knots, const float *values, int64_t k) {
  return (values[k + 1] - values[k]) / (knots[k + 1] - knots[k]);
}

/* x through straight lines between points (knots, values), of which the outer ones go on. */
HN_INLINE float hn__interpolate(int64_t count, const float *knots, const float *values, float x) {
  int64_t k = hn__knot_before(count, knots, x);
  return values[k] + (x - knots[k]) * hn__knot_slope(knots, values, k);
}

/* What a rule needs beyond hn_rule, computed once a step in double: adam's bias corrections. */
typedef struct hn__step {
  hn_rule rule;
  float correct1, correct2; /* 1 / (1 - beta1^step), 1 / (1 - beta2^step) */
} hn__step;

/* One weight's step: changes *w and its states. s2 is unused by rules with one state. */
HN_INLINE void hn__rule_sgd(const hn__step *p, float g, float *w, float *s1, float *s2) {
  (void)s2;
  *s1 = p->rule.momentum * *s1 + g;
  *w -= p->rule.lr * (p->rule.nesterov ? g + p->rule.momentum * *s1 : *s1);
}

HN_INLINE void hn__rule_adam(const hn__step *p, float g, float *w, float *s1, float *s2) {
  *s1 += (1.0f - p->rule.beta1) * (g - *s1);
  *s2 += (1.0f - p->rule.beta2) * (g * g - *s2);
  *w -= p->rule.lr * p->correct1 * *s1 / (sqrtf(p->correct2 * *s2) + p->rule.epsilon);
}

HN_INLINE void hn__rule_adamw(const hn__step *p, float g, float *w, float *s1, float *s2) {
  *w -= p->rule.lr * p->rule.l2 * *w;
  hn__rule_adam(p, g, w, s1, s2);
}

HN_INLINE void hn__rule_rmsprop(const hn__step *p, float g, float *w, float *s1, float *s2) {
  *s2 += (1.0f - p->rule.beta2) * (g * g - *s2);
  *s1 = p->rule.momentum * *s1 + g / (sqrtf(*s2) + p->rule.epsilon);
  *w -= p->rule.lr * *s1;
}

HN_INLINE void hn__rule_adagrad(const hn__step *p, float g, float *w, float *s1, float *s2) {
  (void)s2;
  *s1 += g * g;
  *w -= p->rule.lr * g / (sqrtf(*s1) + p->rule.epsilon);
}

/* The gradient that a rule sees. */
HN_INLINE float hn__rule_gradient(const hn_rule *r, float g, float w) {
  float decay = r->kind == HN_RULE_ADAMW ? 0.0f : r->l2;
  return g * r->scale + decay * w + r->l1 * (float)((w > 0) - (w < 0));
}

#endif
