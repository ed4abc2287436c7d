/* Models: opened through a context of their own, which goes as soon as the file is read. */
#include <stdio.h>
#include <stdlib.h>

#include "predict.h"
#include "../core/core.h"

static hn_status load_file(hn_model *model, hn_context *context, const char *path) {
  hn_file *file;
  HN_TRY(hn_file_open(context, path, &file));
  hn_status status = hn__predict_load(model, file, path);
  hn_file_release(file);
  return status;
}

static hn_status load(hn_model *model, const char *path) {
  hn_options options = hn_options_default();
  hn_context *context = NULL;
  options.device = "cpu";
  options.threads = 1;
  hn_status status = hn_context_open(&options, &context);
  if (status == HN_OK) status = load_file(model, context, path);
  if (status != HN_OK) snprintf(model->message, sizeof model->message, "%s", hn_message(context));
  hn_context_close(context);
  return status;
}

hn_status hn_model_load(const char *path, hn_model **out) {
  hn_model *model = *out = calloc(1, sizeof *model);
  if (!model) return HN_MEMORY;
  model->kernels = hn__cpu_best_kernels();
  if (!path) {
    snprintf(model->message, sizeof model->message, "hn_model_load: expected a path, got NULL");
    return HN_ARGUMENT;
  }
  hn_status status = load(model, path);
  if (status != HN_OK) model->count = model->inputs = model->outputs = 0;
  return status;
}

void hn_model_close(hn_model *model) {
  if (!model) return;
  for (int64_t i = 0; i < model->number_count; i++) {
    free(model->numbers[i].name);
    free(model->numbers[i].data);
  }
  free(model->numbers);
  free(model->steps);
  free(model);
}

const char *hn_model_message(const hn_model *model) { return model ? model->message : "out of memory"; }

int64_t hn_model_inputs(const hn_model *model) { return model ? model->inputs : 0; }

int64_t hn_model_outputs(const hn_model *model) { return model ? model->outputs : 0; }
