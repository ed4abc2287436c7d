/* Checks of the programs beside it: says which failed, and goes on. */
#include <hn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) failures++, printf("line %d: %s\n", __LINE__, #condition);                                       \
  } while (0)

#define WORKS(call) CHECK((call) == HN_OK)

/* A context on the CPU with guard zones. */
static inline hn_context *open_context(int64_t memory) {
  hn_options options = hn_options_default();
  hn_context *context = NULL;
  options.device = "cpu";
  options.threads = 2;
  options.memory = memory;
  options.seed = 7;
  options.debug = true;
  WORKS(hn_context_open(&options, &context));
  return context;
}

/* Closes it, when nothing may be left in it. */
static inline void close_context(hn_context *context) {
  hn_memory memory = hn_memory_read(context);
  CHECK(memory.objects == 0 && memory.damaged == 0);
  hn_context_close(context);
}

/* A tensor of one dimension with these numbers. */
static inline hn_tensor *numbers(hn_context *context, int64_t n, const float *values) {
  hn_tensor *t = NULL;
  WORKS(hn_tensor_new(context, HN_ACTIVATIONS, HN_FLOAT32, 1, &n, &t));
  WORKS(hn_tensor_write(t, 0, n, values));
  return t;
}

/* Element i of a tensor. */
static inline float at(const hn_tensor *t, int64_t i) {
  float value = NAN;
  WORKS(hn_tensor_read(t, i, 1, &value));
  return value;
}
