/*
 * Trained networks without Lua: a model file's layers as a list of steps. load.c makes it, run.c goes through it. Nothing
 * of a model changes once it is loaded.
 */
#ifndef HN_PREDICT_PREDICT_H
#define HN_PREDICT_PREDICT_H

#include "../cpu/kernels.h"

typedef enum hn__step_kind {
  HN_STEP_LINEAR,
  HN_STEP_HASHED,
  HN_STEP_BATCH_NORM,
  HN_STEP_LAYER_NORM,
  HN_STEP_AFFINE,
  HN_STEP_LOG,
  HN_STEP_INTERPOLATE,
  HN_STEP_UNARY,
  HN_STEP_SOFTMAX,
  HN_STEP_SAVE, /* a Residual begins: keeps what comes in */
  HN_STEP_ADD   /* and ends: adds it to what came out */
} hn__step_kind;

/* What is done to a block of samples. Pointers are to numbers that the model holds. */
typedef struct hn__predict_step {
  hn__step_kind kind;
  int64_t inputs, outputs;   /* columns before and after; until load.c has fitted them, 0 where any will do */
  hn_matrix matrix;          /* hashed; of scheme line as wide as whole lines: no slot or sign changes by that */
  const float *weight;       /* linear: outputs x inputs; hashed: the pool from the matrix' offset on */
  const float *bias;         /* NULL: none, or in buckets: */
  hn_matrix bias_matrix;     /* outputs x 1 */
  const float *bias_pool;    /* from the matrix' offset on, or NULL */
  const float *gain;         /* norms */
  const float *mean, *scale; /* batch norm: running mean, 1 / deviation; affine: scale NULL is 1; log: scale is rate */
  const float *knots, *values; /* interpolate: outputs x count */
  int64_t count;
  float number; /* unary: its argument; layer norm: epsilon */
  hn__unary unary;
  hn__softmax softmax;
} hn__predict_step;

/* Numbers of a tensor in the file, or made at loading. */
typedef struct hn__numbers {
  char *name; /* NULL: made at loading */
  int dims;
  int64_t shape[HN_MAX_DIMS], size;
  float *data; /* on a cache line of its own */
} hn__numbers;

struct hn_model {
  const hn__cpu_kernels *kernels;
  hn__predict_step *steps;
  int64_t count, space;
  hn__numbers *numbers;
  int64_t number_count, number_space;
  int64_t inputs, outputs;
  int64_t widest; /* columns between two steps at most, in whole lines */
  int64_t saved;  /* and of all that Residuals keep at one time */
  char message[1024];
};

/* Columns rounded up to whole lines. */
HN_INLINE int64_t hn__predict_lines(int64_t columns) { return hn__cpu_ceil(columns, 16) * 16; }

/* Fills the steps from an opened file; errors are in the file's context. */
hn_status hn__predict_load(hn_model *model, const hn_file *file, const char *path);

#endif
