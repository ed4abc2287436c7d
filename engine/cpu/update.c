/*
 * Update rules: one loop for each, over chunks of the weights.
 */
#include "cpu.h"

/* X(KIND, name): the loops of HN_RULE_LIST. */
#define LIST(X) X(SGD, sgd) X(ADAM, adam) X(ADAMW, adamw) X(RMSPROP, rmsprop) X(ADAGRAD, adagrad)

typedef void rule_loop(const hn__step *step, int64_t n, float *w, const float *g, float *s1, float *s2);

/* The step is copied, so that its numbers stay in registers while weights are written; its kind is made a constant.
 * A missing s2 is a number that the rule does not touch. */
#define LOOP(KIND, name)                                                                                               \
  HN_CLONES static void name##_loop(const hn__step *step, int64_t n, float *w, const float *g, float *s1, float *s2) { \
    hn__step p = *step;                                                                                                \
    float none = 0;                                                                                                    \
    p.rule.kind = HN_RULE_##KIND;                                                                                      \
    if (s2)                                                                                                            \
      for (int64_t i = 0; i < n; i++)                                                                                  \
        hn__rule_##name(&p, hn__rule_gradient(&p.rule, g[i], w[i]), w + i, s1 + i, s2 + i);                            \
    else                                                                                                               \
      for (int64_t i = 0; i < n; i++)                                                                                  \
        hn__rule_##name(&p, hn__rule_gradient(&p.rule, g[i], w[i]), w + i, s1 + i, &none);                             \
  }
LIST(LOOP)
#undef LOOP

#define ROW(KIND, name) [HN_RULE_##KIND] = name##_loop,
static rule_loop *const loops[] = {LIST(ROW)};
_Static_assert(sizeof loops / sizeof *loops == HN_RULES, "a loop for every rule");

typedef struct job {
  const hn__step *step;
  int64_t n;
  float *w, *s1, *s2;
  const float *g;
} job;

static void update_piece(const void *argument, int64_t p, int thread) {
  const job *u = argument;
  int64_t i = hn__cpu_first(p);
  (void)thread;
  loops[u->step->rule.kind](u->step, hn__cpu_count(u->n, p), u->w + i, u->g + i, u->s1 + i, u->s2 ? u->s2 + i : NULL);
}

hn_status hn__cpu_update(hn__device *d, const hn__step *step, int64_t n, float *w, const float *g, float *s1,
                         float *s2) {
  job u = {step, n, w, s1, s2, g};
  hn__cpu_parallel(d, (double)n * HN_CPU_RULE, hn__cpu_chunks(n), update_piece, &u);
  return HN_OK;
}
