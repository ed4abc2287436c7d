/* Expressions are evaluated PIECE rows at a time, so that all values on the stack stay in the first cache. */
#include <math.h>
#include <string.h>

#include "expression.h"

#define PIECE 64

typedef double values[PIECE];

/* Lua's: the sign is the divisor's. */
static double modulo(double a, double b) {
  double m = fmod(a, b);
  return m * b < 0 ? m + b : m;
}

/* The operands are top[0], top[1], ...; the result goes to top[0]. */
static void apply(hn__formula code, values *top, int n) {
  switch (code) {
#define X(NAME, text, operands, value)                                                                                 \
  case HN__FORMULA_##NAME:                                                                                             \
    for (int i = 0; i < n; i++) {                                                                                      \
      double a = top[0][i], b = (operands) > 1 ? top[1][i] : 0, c = (operands) > 2 ? top[2][i] : 0;                    \
      (void)b, (void)c;                                                                                                \
      top[0][i] = value;                                                                                               \
    }                                                                                                                  \
    break;
    HN__FORMULA_LIST(X)
#undef X
  case HN__FORMULAS:
  case HN__CONSTANT:
  case HN__COLUMN: break;
  }
}

static const signed char operands[] = {
#define X(NAME, text, count, value) count,
    HN__FORMULA_LIST(X)
#undef X
};

static void evaluate(const hn_expression *e, int64_t first, int n, const double *const *columns, double *out) {
  values stack[HN__DEEPEST];
  int depth = 0;
  for (const hn__instruction *at = e->program, *end = at + e->length; at < end; at++) {
    if (at->code == HN__COLUMN) {
      memcpy(stack[depth++], columns[at->column] + first, (size_t)n * sizeof(double));
    } else if (at->code == HN__CONSTANT) {
      for (int i = 0; i < n; i++) stack[depth][i] = at->number;
      depth++;
    } else {
      depth -= operands[at->code] - 1;
      apply(at->code, stack + depth - 1, n);
    }
  }
  memcpy(out + first, stack[0], (size_t)n * sizeof(double));
}

void hn_expression_evaluate(const hn_expression *expression, int64_t n, const double *const *columns, double *out) {
  for (int64_t first = 0; first < n; first += PIECE)
    evaluate(expression, first, n - first < PIECE ? (int)(n - first) : PIECE, columns, out);
}
