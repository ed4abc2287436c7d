/* libFuzzer on hn_expression_new() and hn_expression_evaluate(). */
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "fuzz.h"

#define ROWS 100

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static hn_context context; /* of no device */
  double values[ROWS] = {1, -1, 0}, out[ROWS];
  const double *columns[8192];
  hn_expression *expression;
  char *text = malloc(size + 1);
  memcpy(text, bytes, size);
  text[size] = '\0';
  context.refs = 1;
  if (hn_expression_new(&context, text, &expression) == HN_OK) {
    for (int64_t i = 0; hn_expression_column(expression, i); i++) columns[i] = values;
    hn_expression_evaluate(expression, ROWS, columns, out);
    hn_expression_release(expression);
  }
  free(text);
  if (context.memory.objects != 0 || context.memory.host != 0) abort();
  return 0;
}
