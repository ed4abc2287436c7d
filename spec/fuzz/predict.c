/* libFuzzer on hn_model_load() and hn_model_predict(): a network that loads must predict. */
#include <stdlib.h>

#include "fuzz.h"
#include "predict/predict.h"

#define MOST 100000 /* virtual weights and numbers that a prediction here works on: they are what its time goes with */

static bool small(const hn_model *model) {
  int64_t work = model->inputs + model->outputs;
  for (int64_t i = 0; i < model->count && work <= MOST; i++) {
    const hn__predict_step *step = model->steps + i;
    bool product = step->kind == HN_STEP_LINEAR || step->kind == HN_STEP_HASHED;
    if (step->inputs > MOST || step->outputs > MOST) return false;
    work += product ? step->inputs * step->outputs : step->outputs;
  }
  return work <= MOST;
}

/* Room for the numbers and not one more. */
static void predict(const hn_model *model, int64_t n) {
  int64_t inputs = hn_model_inputs(model), outputs = hn_model_outputs(model);
  float *x = malloc((size_t)(n * inputs) * sizeof *x), *y = malloc((size_t)(n * outputs) * sizeof *y);
  for (int64_t i = 0; i < n * inputs; i++) x[i] = (float)(i % 7) - 3;
  if (hn_model_predict(model, n, x, y) != HN_OK) abort();
  free(x);
  free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  hn_model *model = NULL;
  const char *path = fuzz_file(bytes, size);
  fuzz_watch();
  hn_status status = hn_model_load(path, &model);
  /* Modules that come again take a step for each layer each time, of which load.c has a limit. */
  fuzz_check(64 * size + 65536 + (model ? 2 * (size_t)model->space * sizeof *model->steps : 0));
  if (status == HN_OK && small(model)) predict(model, 1 + (int64_t)(size % 6));
  hn_model_close(model);
  return 0;
}
