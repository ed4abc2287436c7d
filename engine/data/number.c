/* Up to 19 digits and small powers of ten are exact in doubles (Clinger 1990); the rest goes through strtod(). */
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "number.h"

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

typedef struct decimal {
  uint64_t digits; /* times ten to the exponent */
  int exponent;
  bool exact; /* no digit was left out */
} decimal;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits with at most one point. */
static const char *read_digits(const char *at, const char *to, decimal *d, int *count) {
  bool behind_point = false;
  for (; at < to && (is_digit(*at) || (*at == '.' && !behind_point)); at++) {
    if (*at == '.') {
      behind_point = true;
      continue;
    }
    ++*count;
    bool fits = d->digits < UINT64_C(100000000000000000);
    if (fits) d->digits = 10 * d->digits + (uint64_t)(*at - '0');
    d->exact &= fits || *at == '0';
    d->exponent += !fits - behind_point;
  }
  return at;
}

static const char *read_exponent(const char *at, const char *to, decimal *d) {
  const char *start = at++;
  bool minus = at < to && *at == '-';
  int exponent = 0;
  if (at < to && (*at == '-' || *at == '+')) at++;
  if (at == to || !is_digit(*at)) return start;
  for (; at < to && is_digit(*at); at++)
    if (exponent < 100000) exponent = 10 * exponent + (*at - '0');
  d->exponent += minus ? -exponent : exponent;
  return at;
}

static bool read_word(const char *from, const char *to, double *value) {
  size_t length = (size_t)(to - from);
  bool nan = length == 3 && strncasecmp(from, "nan", 3) == 0;
  bool inf =
      (length == 3 && strncasecmp(from, "inf", 3) == 0) || (length == 8 && strncasecmp(from, "infinity", 8) == 0);
  *value = nan ? (double)NAN : (double)INFINITY;
  return nan || inf;
}

/* The slow way. A host may have set a locale whose point is another character. */
static bool read_slowly(const char *from, const char *to, double *value) {
  char text[512], *end;
  size_t length = (size_t)(to - from);
  if (length >= sizeof text) return false;
  memcpy(text, from, length);
  text[length] = '\0';
  char *point = strchr(text, '.');
  if (point) *point = *localeconv()->decimal_point;
  *value = strtod(text, &end);
  return end == text + length;
}

bool hn__number(const char *from, const char *to, double *value) {
  decimal d = {0, 0, true};
  int count = 0;
  bool minus = from < to && *from == '-';
  if (from < to && (*from == '-' || *from == '+')) from++;
  const char *at = read_digits(from, to, &d, &count);
  if (count > 0 && at < to && (*at == 'e' || *at == 'E')) at = read_exponent(at, to, &d);
  bool good = count > 0 && at == to;
  if (!good)
    good = count == 0 && read_word(from, to, value);
  else if (d.exact && d.digits <= UINT64_C(1) << 53 && d.exponent >= -22 && d.exponent <= 22)
    *value = d.exponent < 0 ? (double)d.digits / powers[-d.exponent] : (double)d.digits * powers[d.exponent];
  else
    good = read_slowly(from, to, value);
  if (good && minus) *value = -*value;
  return good;
}
