/* What the files that load a model share. */
#ifndef HN_PREDICT_LOAD_H
#define HN_PREDICT_LOAD_H

#include <cjson/cJSON.h>

#include "../core/core.h"
#include "predict.h"

/* A module of the description, {"kind":..., "fields":...}, and where it is: "layer 2.1 (Linear)". */
typedef struct hn__layer {
  const char *kind;
  const cJSON *fields; /* or NULL */
  char place[160];
} hn__layer;

typedef struct hn__loader {
  hn_model *model;
  hn_context *context;
  const hn_file *file;
  const char *path;
  const cJSON **modules; /* in the order of first mention, which is how the description names them again */
  int64_t count, space;
  int64_t visits; /* of modules: a few bytes can describe endlessly many layers */
  int depth;
} hn__loader;

#define HN__BAD(loader, ...) hn__fail((loader)->context, HN_FORMAT, __VA_ARGS__)

/* A copy of the step behind the last. */
hn_status hn__predict_add(hn__loader *l, const hn__predict_step *step);
/* Room for n numbers that the model frees. */
hn_status hn__predict_numbers(hn__loader *l, int64_t n, float **out);
/* The numbers of the tensor that a description names, read once. */
hn_status hn__predict_tensor(hn__loader *l, const hn__layer *layer, const cJSON *tensor, const hn__numbers **out);
/* Adds the step of a layer that holds no others. */
hn_status hn__predict_layer(hn__loader *l, const hn__layer *layer);

#endif
