/* What the parser of expressions and their evaluation share: a program for a stack of numbers. */
#ifndef HN_DATA_EXPRESSION_H
#define HN_DATA_EXPRESSION_H

#include "../core/core.h"

#define HN__DEEPEST 64 /* numbers on the stack */

/* The first column is how an operation is written, the second how many operands it takes. Operators first. */
#define HN__FORMULA_LIST(X)                                                                                            \
  X(ADD, "+", 2, a + b)                                                                                                \
  X(SUB, "-", 2, a - b)                                                                                                \
  X(MUL, "*", 2, a *b)                                                                                                 \
  X(DIV, "/", 2, a / b)                                                                                                \
  X(INTDIV, "//", 2, floor(a / b))                                                                                     \
  X(MOD, "%", 2, modulo(a, b))                                                                                         \
  X(POWER, "^", 2, pow(a, b))                                                                                          \
  X(LESS, "<", 2, a < b)                                                                                               \
  X(LEAST, "<=", 2, a <= b)                                                                                            \
  X(MORE, ">", 2, a > b)                                                                                               \
  X(MOST, ">=", 2, a >= b)                                                                                             \
  X(EQUAL, "==", 2, a == b)                                                                                            \
  X(OTHER, "!=", 2, a != b)                                                                                            \
  X(AND, "&&", 2, a != 0 ? b : a)                                                                                      \
  X(OR, "||", 2, a != 0 ? a : b)                                                                                       \
  X(NOT, "!", 1, a == 0)                                                                                               \
  X(MINUS, "minus", 1, -a)                                                                                             \
  X(CHOOSE, "?", 3, a != 0 ? b : c)                                                                                    \
  X(ABS, "abs", 1, fabs(a))                                                                                            \
  X(ACOS, "acos", 1, acos(a))                                                                                          \
  X(ASIN, "asin", 1, asin(a))                                                                                          \
  X(ATAN, "atan", 1, atan(a))                                                                                          \
  X(ATAN2, "atan2", 2, atan2(a, b))                                                                                    \
  X(CEIL, "ceil", 1, ceil(a))                                                                                          \
  X(COS, "cos", 1, cos(a))                                                                                             \
  X(COSH, "cosh", 1, cosh(a))                                                                                          \
  X(DEG, "deg", 1, a * 57.295779513082320877)                                                                          \
  X(EXP, "exp", 1, exp(a))                                                                                             \
  X(FABS, "fabs", 1, fabs(a))                                                                                          \
  X(FINITE, "finite", 1, isfinite(a) != 0)                                                                             \
  X(FLOOR, "floor", 1, floor(a))                                                                                       \
  X(FMOD, "fmod", 2, fmod(a, b))                                                                                       \
  X(LOG, "log", 1, log(a))                                                                                             \
  X(LOGBASE, "log(,)", 2, log(a) / log(b))                                                                             \
  X(LOG10, "log10", 1, log10(a))                                                                                       \
  X(MAXIMUM, "max", 2, a < b ? b : a)                                                                                  \
  X(MINIMUM, "min", 2, b < a ? b : a)                                                                                  \
  X(POW, "pow", 2, pow(a, b))                                                                                          \
  X(RAD, "rad", 1, a * 0.017453292519943295769)                                                                        \
  X(SIN, "sin", 1, sin(a))                                                                                             \
  X(SINH, "sinh", 1, sinh(a))                                                                                          \
  X(SQRT, "sqrt", 1, sqrt(a))                                                                                          \
  X(TAN, "tan", 1, tan(a))                                                                                             \
  X(TANH, "tanh", 1, tanh(a))

typedef enum hn__formula {
#define X(NAME, text, operands, value) HN__FORMULA_##NAME,
  HN__FORMULA_LIST(X)
#undef X
      HN__FORMULAS,
  HN__CONSTANT,
  HN__COLUMN
} hn__formula;

typedef struct hn__instruction {
  hn__formula code;
  double number; /* of a constant */
  int column;    /* of a column */
} hn__instruction;

struct hn_expression {
  hn_context *context;
  hn__instruction *program;
  int64_t length, space;
  char **names;
  int64_t columns, name_space;
};

#endif
