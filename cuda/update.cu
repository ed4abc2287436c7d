/*
 * Update rules: one kernel for each, over all weights of a parameter. A thread takes four neighbouring weights at once
 * where every pointer is aligned to 16 bytes; what is then left over, three weights at most, goes to the first threads.
 *
 * HBM bounds them: a weight with one state moves 20 bytes (the weight and its state in and out, its gradient in), with
 * two states 28: on an H100 6 and 8.4 us for a million weights. Square roots and divisions hide behind that.
 */
#include "pack.h"

namespace {

#define RULE(KIND, name, count)                                                                                        \
  struct name##_rule {                                                                                                 \
    static constexpr hn_rule_kind kind = HN_RULE_##KIND;                                                               \
    static constexpr int states = count;                                                                               \
    static __device__ __forceinline__ void apply(const hn__step *p, float g, float *w, float *s1, float *s2) {         \
      hn__rule_##name(p, g, w, s1, s2);                                                                                \
    }                                                                                                                  \
  };
RULE(SGD, sgd, 1)
RULE(ADAM, adam, 2)
RULE(ADAMW, adamw, 2)
RULE(RMSPROP, rmsprop, 2)
RULE(ADAGRAD, adagrad, 1)
#undef RULE

/* W weights from number i on. */
template <typename Rule, int W>
__device__ __forceinline__ void advance(const hn__step &p, int64_t i, float *pw, const float *pg, float *ps1,
                                        float *ps2) {
  hn__cuda_pack<W> w = hn__cuda_load<W>(pw + i), g = hn__cuda_load<W>(pg + i), s1 = hn__cuda_load<W>(ps1 + i), s2 = {};
  if (Rule::states > 1) s2 = hn__cuda_load<W>(ps2 + i);
  for (int k = 0; k < W; k++)
    Rule::apply(&p, hn__rule_gradient(&p.rule, g.at[k], w.at[k]), &w.at[k], &s1.at[k], &s2.at[k]);
  hn__cuda_store(pw + i, w);
  hn__cuda_store(ps1 + i, s1);
  if (Rule::states > 1) hn__cuda_store(ps2 + i, s2);
}

/* The step's kind is made a constant, so that what depends on it is decided by the compiler. */
template <typename Rule, int W>
__global__ void update(hn__step step, int64_t n, float *w, const float *g, float *s1, float *s2) {
  int64_t first = hn__cuda_first(), rest = n / W * W + first;
  step.rule.kind = Rule::kind;
  for (int64_t i = first; i < n / W; i += hn__cuda_step()) advance<Rule, W>(step, i * W, w, g, s1, s2);
  if (W > 1 && rest < n) advance<Rule, 1>(step, rest, w, g, s1, s2);
}

template <typename Rule>
hn_status run(hn__device *d, const hn__step *step, int64_t n, float *w, const float *g, float *s1, float *s2) {
  if (Rule::states == 1) s2 = NULL;
  if (hn__cuda_aligned(w) && hn__cuda_aligned(g) && hn__cuda_aligned(s1) && hn__cuda_aligned(s2))
    return HN_LAUNCH(d, hn__cuda_cover(d, hn__cuda_ceil(n, 4)), (update<Rule, 4>), *step, n, w, g, s1, s2);
  return HN_LAUNCH(d, hn__cuda_cover(d, n), (update<Rule, 1>), *step, n, w, g, s1, s2);
}

} // namespace

hn_status hn__cuda_update(hn__device *d, const hn__step *step, int64_t n, float *w, const float *g, float *s1,
                          float *s2) {
  if (n == 0) return HN_OK;
  switch (step->rule.kind) {
  case HN_RULE_SGD: return run<sgd_rule>(d, step, n, w, g, s1, s2);
  case HN_RULE_ADAM: return run<adam_rule>(d, step, n, w, g, s1, s2);
  case HN_RULE_ADAMW: return run<adamw_rule>(d, step, n, w, g, s1, s2);
  case HN_RULE_RMSPROP: return run<rmsprop_rule>(d, step, n, w, g, s1, s2);
  case HN_RULE_ADAGRAD: return run<adagrad_rule>(d, step, n, w, g, s1, s2);
  default: return HN_ARGUMENT;
  }
}
