/* The kinds of layers that hold no others, by the names of their classes in scripts: from description to step. */
#include <math.h>
#include <string.h>

#include "load.h"

static const cJSON *field(const hn__layer *layer, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(layer->fields, name);
}

static hn_status bad_field(hn__loader *l, const hn__layer *layer, const char *name, const char *expected) {
  return HN__BAD(l, "'%s': %s: %s: expected %s", l->path, layer->place, name, expected);
}

static hn_status number(hn__loader *l, const hn__layer *layer, const char *name, double *out) {
  const cJSON *item = field(layer, name);
  if (!cJSON_IsNumber(item)) return bad_field(l, layer, name, "a number");
  *out = item->valuedouble;
  return HN_OK;
}

/* A whole number from `least` to `most`, which doubles hold exactly. */
static bool whole(const cJSON *object, const char *name, double least, double most, int64_t *out) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  double x = cJSON_IsNumber(item) ? item->valuedouble : -1;
  if (!(x >= least && x <= most && x == floor(x))) return false;
  *out = (int64_t)x;
  return true;
}

static hn_status size(hn__loader *l, const hn__layer *layer, const char *name, int64_t *out) {
  return whole(layer->fields, name, 1, INT32_MAX, out) ? HN_OK : bad_field(l, layer, name, "a size");
}

/* The numbers of a field that is a tensor of n (times m, unless 0). */
static hn_status tensor(hn__loader *l, const hn__layer *layer, const char *name, int64_t n, int64_t m,
                        const float **out) {
  const hn__numbers *numbers;
  HN_TRY(hn__predict_tensor(l, layer, field(layer, name), &numbers));
  if (numbers->dims != (m ? 2 : 1) || numbers->shape[0] != n || (m && numbers->shape[1] != m))
    return bad_field(l, layer, name, "a tensor of the layer's sizes");
  *out = numbers->data;
  return HN_OK;
}

static bool read_matrix(const cJSON *object, hn_matrix *m) {
  const double most = 0x1p53;
  int64_t seed;
  const char *scheme = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "scheme"));
  const cJSON *sign = cJSON_GetObjectItemCaseSensitive(object, "sign");
  const cJSON *balanced = cJSON_GetObjectItemCaseSensitive(object, "balanced");
  if (!scheme || !cJSON_IsBool(sign) || !cJSON_IsBool(balanced)) return false;
  m->scheme = strcmp(scheme, "line") == 0 ? HN_LINE : HN_ELEMENT;
  if (strcmp(scheme, hn_scheme_name(m->scheme)) != 0) return false;
  if (!whole(object, "seed", 0, UINT32_MAX, &seed)) return false;
  m->seed = (uint32_t)seed;
  m->sign = cJSON_IsTrue(sign);
  m->balanced = cJSON_IsTrue(balanced);
  return whole(object, "rows", 1, INT32_MAX, &m->rows) && whole(object, "cols", 1, INT32_MAX, &m->cols) &&
         whole(object, "strip", 0, INT32_MAX, &m->strip) && whole(object, "offset", 0, most, &m->offset) &&
         whole(object, "count", 1, most, &m->count);
}

/* A virtual matrix of these sizes and its pool. */
static hn_status matrix(hn__loader *l, const hn__layer *layer, const char *name, int64_t rows, int64_t cols,
                        hn_matrix *m, const float **pool) {
  const cJSON *item = field(layer, name);
  const hn__numbers *numbers;
  if (!read_matrix(cJSON_GetObjectItemCaseSensitive(item, "matrix"), m) || m->rows != rows || m->cols != cols)
    return bad_field(l, layer, name, "a virtual matrix of the layer's sizes");
  HN_TRY(hn__predict_tensor(l, layer, cJSON_GetObjectItemCaseSensitive(item, "pool"), &numbers));
  *pool = numbers->data;
  if (numbers->dims == 1 && hn_matrix_check(l->context, m, numbers->size) == HN_OK) return HN_OK;
  return bad_field(l, layer, name, "a virtual matrix that fits its pool");
}

static hn_status hashed_bias(hn__loader *l, const hn__layer *layer, hn__predict_step *step) {
  HN_TRY(matrix(l, layer, "bias", step->outputs, 1, &step->bias_matrix, &step->bias_pool));
  step->bias_pool += step->bias_matrix.offset;
  return HN_OK;
}

static hn_status bias_of(hn__loader *l, const hn__layer *layer, hn__predict_step *step) {
  const cJSON *item = field(layer, "bias");
  if (!item) return HN_OK;
  if (step->kind == HN_STEP_HASHED && cJSON_GetObjectItemCaseSensitive(item, "matrix"))
    return hashed_bias(l, layer, step);
  return tensor(l, layer, "bias", step->outputs, 0, &step->bias);
}

static hn_status load_linear(hn__loader *l, const hn__layer *layer, hn__predict_step *step) {
  HN_TRY(size(l, layer, "inputs", &step->inputs));
  HN_TRY(size(l, layer, "outputs", &step->outputs));
  if (step->kind == HN_STEP_LINEAR) {
    HN_TRY(tensor(l, layer, "weight", step->outputs, step->inputs, &step->weight));
  } else {
    HN_TRY(matrix(l, layer, "matrix", step->outputs, step->inputs, &step->matrix, &step->weight));
    step->weight += step->matrix.offset;
    if (step->matrix.scheme == HN_LINE) step->matrix.cols = hn__predict_lines(step->inputs);
  }
  return bias_of(l, layer, step);
}

static hn_status statistics(hn__loader *l, const hn__layer *layer, double epsilon, hn__predict_step *step) {
  const float *variance = NULL;
  float *scale;
  HN_TRY(tensor(l, layer, "running_mean", step->inputs, 0, &step->mean));
  HN_TRY(tensor(l, layer, "running_variance", step->inputs, 0, &variance));
  HN_TRY(hn__predict_numbers(l, step->inputs, &scale));
  for (int64_t j = 0; j < step->inputs; j++) scale[j] = (float)(1 / sqrt((double)variance[j] + (double)(float)epsilon));
  step->scale = scale;
  return HN_OK;
}

static hn_status load_norm(hn__loader *l, const hn__layer *layer, hn__predict_step *step) {
  double epsilon = 0;
  HN_TRY(size(l, layer, "size", &step->inputs));
  HN_TRY(number(l, layer, "epsilon", &epsilon));
  if (!(epsilon > 0)) return bad_field(l, layer, "epsilon", "a number above 0");
  HN_TRY(tensor(l, layer, "gain", step->inputs, 0, &step->gain));
  HN_TRY(tensor(l, layer, "bias", step->inputs, 0, &step->bias));
  step->number = (float)epsilon;
  step->outputs = step->inputs;
  return step->kind == HN_STEP_BATCH_NORM ? statistics(l, layer, epsilon, step) : HN_OK;
}

/* A matrix makes two steps: what is subtracted, and a product. */
static hn_status load_affine(hn__loader *l, const hn__layer *layer, hn__predict_step *step) {
  HN_TRY(size(l, layer, "size", &step->inputs));
  step->outputs = step->inputs;
  HN_TRY(tensor(l, layer, "mean", step->inputs, 0, &step->mean));
  if (!field(layer, "weight")) return tensor(l, layer, "scale", step->inputs, 0, &step->scale);
  HN_TRY(hn__predict_add(l, step));
  step->kind = HN_STEP_LINEAR;
  return tensor(l, layer, "weight", step->inputs, step->inputs, &step->weight);
}

static hn_status load_log(hn__loader *l, const hn__layer *layer, hn__predict_step *step) {
  HN_TRY(size(l, layer, "size", &step->inputs));
  step->outputs = step->inputs;
  return tensor(l, layer, "rate", step->inputs, 0, &step->scale);
}

static hn_status load_interpolate(hn__loader *l, const hn__layer *layer, hn__predict_step *step) {
  HN_TRY(size(l, layer, "size", &step->inputs));
  HN_TRY(size(l, layer, "count", &step->count));
  step->outputs = step->inputs;
  if (step->count < 2) return bad_field(l, layer, "count", "a number from 2 on");
  HN_TRY(tensor(l, layer, "knots", step->inputs, step->count, &step->knots));
  return tensor(l, layer, "values", step->inputs, step->count, &step->values);
}

/* Kinds whose step is one function of what comes in. `number` is the field with its argument, or NULL. */
typedef struct function {
  const char *kind;
  hn__step_kind step;
  int which; /* hn__unary or hn__softmax */
  const char *number;
} function;

static const function functions[] = {
    {"ReLU", HN_STEP_UNARY, HN_FN_relu, NULL},
    {"GELU", HN_STEP_UNARY, HN_FN_gelu, NULL},
    {"Tanh", HN_STEP_UNARY, HN_FN_tanh, NULL},
    {"Sigmoid", HN_STEP_UNARY, HN_FN_sigmoid, NULL},
    {"ReLU6", HN_STEP_UNARY, HN_FN_relu6, NULL},
    {"HardTanh", HN_STEP_UNARY, HN_FN_hard_tanh, NULL},
    {"Abs", HN_STEP_UNARY, HN_FN_abs, NULL},
    {"Gauss", HN_STEP_UNARY, HN_FN_gauss, NULL},
    {"Softsign", HN_STEP_UNARY, HN_FN_softsign, NULL},
    {"Softplus", HN_STEP_UNARY, HN_FN_softplus, NULL},
    {"LeakyReLU", HN_STEP_UNARY, HN_FN_leaky_relu, "slope"},
    {"ELU", HN_STEP_UNARY, HN_FN_elu, "alpha"},
    {"Softmax", HN_STEP_SOFTMAX, HN_SOFTMAX, NULL},
    {"LogSoftmax", HN_STEP_SOFTMAX, HN_LOG_SOFTMAX, NULL},
};

static hn_status add_function(hn__loader *l, const hn__layer *layer, const function *f) {
  hn__predict_step step = {.kind = f->step};
  double argument = 0;
  if (f->step == HN_STEP_SOFTMAX)
    step.softmax = (hn__softmax)f->which;
  else
    step.unary = (hn__unary)f->which;
  if (f->number) HN_TRY(number(l, layer, f->number, &argument));
  step.number = (float)argument;
  return hn__predict_add(l, &step);
}

typedef hn_status load_step(hn__loader *l, const hn__layer *layer, hn__predict_step *step);

/* Kinds with numbers of their own. */
static const struct {
  const char *kind;
  hn__step_kind step;
  load_step *load;
} weighted[] = {
    {"Linear", HN_STEP_LINEAR, load_linear},
    {"Hashed", HN_STEP_HASHED, load_linear},
    {"BatchNorm", HN_STEP_BATCH_NORM, load_norm},
    {"LayerNorm", HN_STEP_LAYER_NORM, load_norm},
    {"Affine", HN_STEP_AFFINE, load_affine},
    {"Log", HN_STEP_LOG, load_log},
    {"Interpolate", HN_STEP_INTERPOLATE, load_interpolate},
};

hn_status hn__predict_layer(hn__loader *l, const hn__layer *layer) {
  for (size_t i = 0; i < sizeof weighted / sizeof *weighted; i++) {
    hn__predict_step step = {.kind = weighted[i].step};
    if (strcmp(layer->kind, weighted[i].kind) != 0) continue;
    HN_TRY(weighted[i].load(l, layer, &step));
    return hn__predict_add(l, &step);
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strcmp(layer->kind, functions[i].kind) == 0) return add_function(l, layer, functions + i);
  /* Samples are rows already, and evaluation drops nothing. */
  if (strcmp(layer->kind, "Flatten") == 0 || strcmp(layer->kind, "Dropout") == 0) return HN_OK;
  return hn__fail(l->context, HN_ARGUMENT, "'%s': %s: predictions without Lua know no layers of that kind", l->path,
                  layer->place);
}
