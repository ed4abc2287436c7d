/*
 * Expressions over columns, read by recursive descent. Operators bind as in Lua: or, and, comparisons, + -, * / // %,
 * not and minus, ^; C's ?: binds least of all.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "number.h"

#define NESTING 200

typedef struct parser {
  hn_context *context;
  hn_expression *out;
  const char *text, *at; /* the next token begins at `at` */
  int depth, nesting;    /* numbers on the stack; calls of parse_expression() */
} parser;

static const struct {
  const char *text;
  int operands;
} formulas[] = {
#define X(NAME, text, operands, value) {text, operands},
    HN__FORMULA_LIST(X)
#undef X
};

static hn_status refuse(const parser *p, const char *what) {
  const char *more = strlen(p->text) > 80 ? "..." : "";
  if (!*p->at) return hn__fail(p->context, HN_ARGUMENT, "expression '%.80s%s': %s at its end", p->text, more, what);
  return hn__fail(p->context, HN_ARGUMENT, "expression '%.80s%s': %s at '%.20s'", p->text, more, what, p->at);
}

static void skip_space(parser *p) {
  while (isspace((unsigned char)*p->at)) p->at++;
}

static bool is_name(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.'; }

/* Takes an operator; a word must end where it ends. */
static bool take(parser *p, const char *token) {
  size_t n = strlen(token);
  skip_space(p);
  if (strncmp(p->at, token, n) != 0) return false;
  if (isalpha((unsigned char)*token) && is_name(p->at[n])) return false;
  p->at += n;
  return true;
}

static hn_status emit(parser *p, hn__instruction instruction) {
  hn_expression *out = p->out;
  p->depth += 1 - (instruction.code < HN__FORMULAS ? formulas[instruction.code].operands : 0);
  if (p->depth > HN__DEEPEST) return refuse(p, "too many values are kept");
  HN_TRY(hn__grow(p->context, (void **)&out->program, out->length, &out->space, sizeof *out->program));
  out->program[out->length++] = instruction;
  return HN_OK;
}

static hn_status apply(parser *p, hn__formula code) { return emit(p, (hn__instruction){code, 0, 0}); }

/* -- names ------------------------------------------------------------------------------------------------------ */

static hn_status add_name(parser *p, const char *name, size_t length, int *index) {
  hn_expression *out = p->out;
  for (int i = 0; i < out->columns; i++) {
    *index = i;
    if (strlen(out->names[i]) == length && memcmp(out->names[i], name, length) == 0) return HN_OK;
  }
  HN_TRY(hn__grow(p->context, (void **)&out->names, out->columns, &out->name_space, sizeof *out->names));
  void *copy = NULL;
  HN_TRY(hn__host_resize(p->context, &copy, length + 1));
  memcpy(copy, name, length);
  ((char *)copy)[length] = '\0';
  *index = (int)out->columns;
  out->names[out->columns++] = copy;
  return HN_OK;
}

static hn_status column(parser *p, const char *name, size_t length) {
  int index = 0;
  HN_TRY(add_name(p, name, length, &index));
  return emit(p, (hn__instruction){HN__COLUMN, 0, index});
}

static hn_status parse_expression(parser *p);

static int find_function(const char *name, size_t length) {
  int code = HN__FORMULA_ABS;
  for (; code < HN__FORMULAS; code++)
    if (strlen(formulas[code].text) == length && memcmp(formulas[code].text, name, length) == 0) break;
  return code;
}

/* f(a, b, ...), behind the parenthesis: log may have a base, atan an x, min and max any number of values. */
static hn_status call(parser *p, const char *name, size_t length) {
  int code = find_function(name, length), arguments = 1;
  bool many = code == HN__FORMULA_MINIMUM || code == HN__FORMULA_MAXIMUM;
  if (code == HN__FORMULAS) {
    p->at = name;
    return refuse(p, "no such function");
  }
  HN_TRY(parse_expression(p));
  for (; take(p, ","); arguments++) {
    HN_TRY(parse_expression(p));
    if (many) HN_TRY(apply(p, (hn__formula)code));
  }
  if (!take(p, ")")) return refuse(p, "expected ')'");
  if (many) return HN_OK;
  if (arguments == 2 && code == HN__FORMULA_ATAN) code = HN__FORMULA_ATAN2;
  if (arguments == 2 && code == HN__FORMULA_LOG) code = HN__FORMULA_LOGBASE;
  if (arguments != formulas[code].operands) return refuse(p, "not the number of values that the function takes");
  return apply(p, (hn__formula)code);
}

static bool is_constant(const char *name, size_t length, double *value) {
  *value = length == 2 ? 3.14159265358979323846 : length == 4 && *name == 'h' ? (double)INFINITY : *name == 't';
  return (length == 2 && memcmp(name, "pi", 2) == 0) || (length == 4 && memcmp(name, "huge", 4) == 0) ||
         (length == 4 && memcmp(name, "true", 4) == 0) || (length == 5 && memcmp(name, "false", 5) == 0);
}

/* A name with its index, as in "images[3]"; a function; one of math's constants. */
static hn_status name(parser *p) {
  const char *start = p->at;
  double value;
  while (is_name(*p->at)) p->at++;
  size_t length = (size_t)(p->at - start);
  if (*p->at == '[') {
    size_t digits = strspn(p->at + 1, "0123456789");
    if (digits == 0 || p->at[1 + digits] != ']') return refuse(p, "expected an index such as [1]");
    p->at += digits + 2;
    return column(p, start, (size_t)(p->at - start));
  }
  bool math = length > 5 && memcmp(start, "math.", 5) == 0;
  if (take(p, "(")) return call(p, math ? start + 5 : start, math ? length - 5 : length);
  if (is_constant(math ? start + 5 : start, math ? length - 5 : length, &value))
    return emit(p, (hn__instruction){HN__CONSTANT, value, 0});
  return column(p, start, length);
}

static hn_status quoted_name(parser *p) {
  const char *start = p->at + 1, *end = strchr(start, '`');
  if (!end || end == start) return refuse(p, "expected a name between ` and `");
  p->at = end + 1;
  return column(p, start, (size_t)(end - start));
}

static hn_status number(parser *p) {
  const char *end = p->at;
  double value;
  while (isalnum((unsigned char)*end) || *end == '.' ||
         ((*end == '-' || *end == '+') && (end[-1] == 'e' || end[-1] == 'E')))
    end++;
  if (!hn__number(p->at, end, &value)) return refuse(p, "no number");
  p->at = end;
  return emit(p, (hn__instruction){HN__CONSTANT, value, 0});
}

/* -- operators -------------------------------------------------------------------------------------------------- */

static hn_status unary(parser *p);

static hn_status primary(parser *p) {
  skip_space(p);
  if (take(p, "(")) {
    HN_TRY(parse_expression(p));
    return take(p, ")") ? HN_OK : refuse(p, "expected ')'");
  }
  if (*p->at == '`') return quoted_name(p);
  if (isdigit((unsigned char)*p->at) || *p->at == '.') return number(p);
  if (isalpha((unsigned char)*p->at) || *p->at == '_') return name(p);
  return refuse(p, "expected a value");
}

static hn_status power(parser *p) {
  HN_TRY(primary(p));
  if (!take(p, "^")) return HN_OK;
  HN_TRY(unary(p));
  return apply(p, HN__FORMULA_POWER);
}

static hn_status signed_value(parser *p, hn__formula code) {
  HN_TRY(unary(p));
  return apply(p, code);
}

static hn_status unary(parser *p) {
  hn_status status;
  if (++p->nesting > NESTING) return refuse(p, "too many values within each other");
  skip_space(p);
  bool not_equal = p->at[0] == '!' && p->at[1] == '=';
  if (take(p, "not") || (!not_equal && take(p, "!")))
    status = signed_value(p, HN__FORMULA_NOT);
  else
    status = take(p, "-") ? signed_value(p, HN__FORMULA_MINUS) : power(p);
  p->nesting--;
  return status;
}

/* Operators of one precedence: longer ones before those that they begin with. */
typedef struct operator{
  const char *text;
  hn__formula code;
}
operator;

static const operator levels[][9] = {
    {{"or", HN__FORMULA_OR}, {"||", HN__FORMULA_OR}},
    {{"and", HN__FORMULA_AND}, {"&&", HN__FORMULA_AND}},
    {{"<=", HN__FORMULA_LEAST},
     {">=", HN__FORMULA_MOST},
     {"==", HN__FORMULA_EQUAL},
     {"!=", HN__FORMULA_OTHER},
     {"~=", HN__FORMULA_OTHER},
     {"<", HN__FORMULA_LESS},
     {">", HN__FORMULA_MORE}},
    {{"+", HN__FORMULA_ADD}, {"-", HN__FORMULA_SUB}},
    {{"//", HN__FORMULA_INTDIV}, {"*", HN__FORMULA_MUL}, {"/", HN__FORMULA_DIV}, {"%", HN__FORMULA_MOD}},
};
enum { COMPARISONS = 2, LEVELS = sizeof levels / sizeof *levels };

/* A chain such as 1 < x < 2 would compare 0 or 1 with 2, which nobody means. */
static hn_status binary(parser *p, int level) {
  bool compared = false;
  if (level == LEVELS) return unary(p);
  HN_TRY(binary(p, level + 1));
  for (const operator* o = levels[level]; o->text;) {
    const char *before = p->at;
    if (!take(p, o->text)) {
      o++;
      continue;
    }
    if (compared) {
      p->at = before;
      return refuse(p, "comparisons do not chain, say a < b and b < c,");
    }
    compared = level == COMPARISONS;
    HN_TRY(binary(p, level + 1));
    HN_TRY(apply(p, o->code));
    o = levels[level];
  }
  return HN_OK;
}

static hn_status parse_expression(parser *p) {
  if (++p->nesting > NESTING) return refuse(p, "too many values within each other");
  HN_TRY(binary(p, 0));
  if (take(p, "?")) {
    HN_TRY(parse_expression(p));
    if (!take(p, ":")) return refuse(p, "expected ':'");
    HN_TRY(parse_expression(p));
    HN_TRY(apply(p, HN__FORMULA_CHOOSE));
  }
  p->nesting--;
  return HN_OK;
}

/* -- the object ------------------------------------------------------------------------------------------------- */

static hn_status parse(parser *p) {
  HN_TRY(parse_expression(p));
  skip_space(p);
  return *p->at ? refuse(p, "expected an operator") : HN_OK;
}

hn_status hn_expression_new(hn_context *context, const char *text, hn_expression **out) {
  hn_expression *expression = hn__object_new(context, sizeof *expression);
  if (!expression) return HN_MEMORY;
  expression->context = context;
  parser p = {.context = context, .out = expression, .text = text, .at = text};
  hn_status status = parse(&p);
  if (status == HN_OK)
    *out = expression;
  else
    hn_expression_release(expression);
  return status;
}

void hn_expression_release(hn_expression *expression) {
  if (!expression) return;
  hn_context *context = expression->context;
  for (int64_t i = 0; i < expression->columns; i++) hn__host_resize(context, (void **)&expression->names[i], 0);
  hn__host_resize(context, (void **)&expression->names, 0);
  hn__host_resize(context, (void **)&expression->program, 0);
  hn__object_free(context, expression);
}

hn_context *hn_expression_context(const hn_expression *expression) { return expression->context; }

const char *hn_expression_column(const hn_expression *expression, int64_t i) {
  return i >= 0 && i < expression->columns ? expression->names[i] : NULL;
}
