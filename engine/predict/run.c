/* Goes through the steps of a model, a few samples at a time. */
#include <stdlib.h>
#include <string.h>

#include "predict.h"

#define STACK 16384 /* floats on the stack: 64 KiB, enough for one sample of layers 8,000 wide */
#define PIECE 64    /* rows and columns of a matrix that are expanded at a time */

/* The numbers of a block of samples; they change places as steps go. */
typedef struct room {
  float *now, *next, *saved;
} room;

static void start_with_bias(const hn__cpu_kernels *kernels, const hn__predict_step *step, int64_t n, float *y) {
  size_t bytes = (size_t)step->outputs * sizeof *y;
  for (int64_t s = 0; s < n; s++, y += step->outputs)
    if (step->bias_pool)
      kernels->expand(&step->bias_matrix, step->bias_pool, 0, step->outputs, 0, 1, y, 1);
    else if (step->bias)
      memcpy(y, step->bias, bytes);
    else
      memset(y, 0, bytes);
}

/* Balanced elements, which the direct kernels do not take: their slots are made for whole pieces. */
static void expanded(const hn__cpu_kernels *kernels, const hn__predict_step *step, int64_t n, const float *x,
                     float *y) {
  const hn_matrix *v = &step->matrix;
  float piece[PIECE * PIECE];
  for (int64_t i = 0; i < v->rows; i += PIECE)
    for (int64_t j = 0; j < v->cols; j += PIECE) {
      int64_t rows = hn__cpu_least(v->rows - i, PIECE), cols = hn__cpu_least(v->cols - j, PIECE);
      kernels->expand(v, step->weight, i, rows, j, cols, piece, PIECE);
      kernels->dense_forward(rows, cols, piece, PIECE, n, x + j, v->cols, y + i, v->rows);
    }
}

/* Samples move apart, to a distance of `wide`, with zeros between them. */
static void move_apart(int64_t n, int64_t cols, int64_t wide, float *x) {
  for (int64_t s = n - 1; s >= 0 && wide > cols; s--) {
    memmove(x + s * wide, x + s * cols, (size_t)cols * sizeof *x);
    memset(x + s * wide + cols, 0, (size_t)(wide - cols) * sizeof *x);
  }
}

static void hashed(const hn__cpu_kernels *kernels, const hn__predict_step *step, int64_t n, float *x, float *y) {
  const hn_matrix *v = &step->matrix;
  hn__cpu_direct d = {.v = v, .rows = v->rows, .cols = v->cols, .batch = n, .w = step->weight, .x = x, .to = y};
  move_apart(n, step->inputs, v->cols, x);
  if (v->balanced && v->scheme == HN_ELEMENT)
    expanded(kernels, step, n, x, y);
  else
    kernels->direct_forward(&d);
}

static void batch_norm(const hn__predict_step *step, const float *x, float *y) {
  for (int64_t j = 0; j < step->outputs; j++)
    y[j] = step->gain[j] * ((x[j] - step->mean[j]) * step->scale[j]) + step->bias[j];
}

static void layer_norm(const hn__predict_step *step, const float *x, float *y) {
  float mean, scale;
  hn__cpu_layer_norm_row(step->outputs, step->number, x, step->gain, step->bias, y, &mean, &scale);
}

static void affine(const hn__predict_step *step, const float *x, float *y) {
  for (int64_t j = 0; j < step->outputs; j++) y[j] = (x[j] - step->mean[j]) * (step->scale ? step->scale[j] : 1);
}

static void signed_log(const hn__predict_step *step, const float *x, float *y) {
  for (int64_t j = 0; j < step->outputs; j++) y[j] = hn__signed_log(x[j], step->scale[j]);
}

static void interpolate(const hn__predict_step *step, const float *x, float *y) {
  for (int64_t j = 0; j < step->outputs; j++)
    y[j] = hn__interpolate(step->count, step->knots + j * step->count, step->values + j * step->count, x[j]);
}

/* What is done to each sample alone. */
static void each_sample(const hn__predict_step *step, int64_t n, const float *x, float *y) {
  int64_t size = step->outputs;
  for (int64_t s = 0; s < n; s++, x += size, y += size) {
    if (step->kind == HN_STEP_BATCH_NORM) batch_norm(step, x, y);
    if (step->kind == HN_STEP_LAYER_NORM) layer_norm(step, x, y);
    if (step->kind == HN_STEP_AFFINE) affine(step, x, y);
    if (step->kind == HN_STEP_LOG) signed_log(step, x, y);
    if (step->kind == HN_STEP_INTERPOLATE) interpolate(step, x, y);
    if (step->kind == HN_STEP_SOFTMAX) hn__cpu_softmax_row(step->softmax, size, x, y);
  }
}

/* Of a block of samples x, y; x may change. */
static void apply(const hn_model *model, const hn__predict_step *step, int64_t n, float *x, float *y) {
  switch (step->kind) {
  case HN_STEP_LINEAR:
    start_with_bias(model->kernels, step, n, y);
    model->kernels->dense_forward(step->outputs, step->inputs, step->weight, step->inputs, n, x, step->inputs, y,
                                  step->outputs);
    break;
  case HN_STEP_HASHED:
    start_with_bias(model->kernels, step, n, y);
    hashed(model->kernels, step, n, x, y);
    break;
  case HN_STEP_UNARY: hn__cpu_unary_values(step->unary, step->number, n * step->outputs, x, y); break;
  default: each_sample(step, n, x, y);
  }
}

static void take_step(const hn_model *model, const hn__predict_step *step, int64_t n, room *r) {
  int64_t size = n * step->outputs;
  float *before = r->now;
  if (step->kind == HN_STEP_SAVE) {
    memcpy(r->saved, r->now, (size_t)size * sizeof(float));
    r->saved += size;
  } else if (step->kind == HN_STEP_ADD) {
    r->saved -= size;
    for (int64_t i = 0; i < size; i++) r->now[i] += r->saved[i];
  } else {
    apply(model, step, n, r->now, r->next);
    r->now = r->next;
    r->next = before;
  }
}

/* n samples in room for `block` of them. */
static void predict_block(const hn_model *model, int64_t n, const float *x, float *y, int64_t block, float *floats) {
  room r = {floats, floats + block * model->widest, floats + 2 * block * model->widest};
  memcpy(r.now, x, (size_t)(n * model->inputs) * sizeof *x);
  for (int64_t i = 0; i < model->count; i++) take_step(model, model->steps + i, n, &r);
  memcpy(y, r.now, (size_t)(n * model->outputs) * sizeof *y);
}

static void predict_all(const hn_model *model, int64_t n, const float *x, float *y, int64_t block, float *floats) {
  for (int64_t s = 0; s < n; s += block)
    predict_block(model, hn__cpu_least(n - s, block), x + s * model->inputs, y + s * model->outputs, block, floats);
}

hn_status hn_model_predict(const hn_model *model, int64_t n, const float *x, float *y) {
  if (!model || model->count == 0 || n < 0 || (n > 0 && (!x || !y))) return HN_ARGUMENT;
  int64_t each = 2 * model->widest + model->saved, block = hn__cpu_least(hn__cpu_least(n, HN_CPU_DIRECT), STACK / each);
  if (n == 0) return HN_OK;
  if (block > 0) {
    _Alignas(64) float floats[STACK];
    predict_all(model, n, x, y, block, floats);
    return HN_OK;
  }
  float *floats = malloc((size_t)each * sizeof *floats);
  if (!floats) return HN_MEMORY;
  predict_all(model, n, x, y, 1, floats);
  free(floats);
  return HN_OK;
}
