/*
 * Nanoseconds for one event of 28-300-300-1, hashed at 1/8, through hn_model_predict, beside loops written by hand over
 * the expanded weights: `make bench-predict`. bench_predict.lua writes both files.
 *
 * This file is compiled three times: twice for the loops alone, named by DENSE, with the options that are compared.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUTS 28
#define HIDDEN 300
#define WEIGHTS (INPUTS * HIDDEN + HIDDEN + HIDDEN * HIDDEN + HIDDEN + HIDDEN + 1)

float dense_plain(const float *weights, const float *x);
float dense_fast(const float *weights, const float *x);

#ifdef DENSE
/* Weights, then biases. */
static const float *layer(const float *w, int inputs, int outputs, const float *x, float *y) {
  for (int i = 0; i < outputs; i++) {
    float sum = w[inputs * outputs + i];
    for (int j = 0; j < inputs; j++) sum += w[i * inputs + j] * x[j];
    y[i] = sum;
  }
  return w + inputs * outputs + outputs;
}

static void relu(float *y, int n) {
  for (int i = 0; i < n; i++) y[i] = y[i] > 0 ? y[i] : 0;
}

float DENSE(const float *w, const float *x) {
  float a[HIDDEN], b[HIDDEN], y;
  w = layer(w, INPUTS, HIDDEN, x, a);
  relu(a, HIDDEN);
  w = layer(w, HIDDEN, HIDDEN, a, b);
  relu(b, HIDDEN);
  layer(w, HIDDEN, 1, b, &y);
  return y;
}
#else
#include "hn.h"

#define EVENTS 1000
#define EACH 2000 /* predictions of a turn */
#define TURNS 41

enum way { HASHED, FAST, PLAIN, WAYS };
static const char *const names[WAYS] = {"hn_model_predict", "dense, -O3 -march=native -ffast-math", "dense, -O3"};

typedef struct job {
  enum way way;
  const hn_model *model;
  const float *weights;
  const float (*x)[INPUTS];
  double sum;
} job;

static float predict(const job *j, const float *x) {
  float y = 0;
  if (j->way == FAST) return dense_fast(j->weights, x);
  if (j->way == PLAIN) return dense_plain(j->weights, x);
  if (hn_model_predict(j->model, 1, x, &y) != HN_OK) exit(1);
  return y;
}

static void *work(void *argument) {
  job *j = argument;
  for (int i = 0; i < EACH; i++) j->sum += (double)predict(j, j->x[i % EVENTS]);
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Of an event on `threads` threads, which predict as many each. */
static double turn(const job *j, int threads) {
  pthread_t ids[2];
  job jobs[2] = {*j, *j};
  double start = now();
  for (int t = 1; t < threads; t++) pthread_create(&ids[t], NULL, work, &jobs[t]);
  work(&jobs[0]);
  for (int t = 1; t < threads; t++) pthread_join(ids[t], NULL);
  return (now() - start) / EACH / threads;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Medians of turns that are taken in turn. */
static void measure(job *j, int threads) {
  static double times[WAYS][TURNS];
  for (int t = -1; t < TURNS; t++)
    for (int way = 0; way < WAYS; way++) {
      j->way = (enum way)way;
      times[way][t < 0 ? 0 : t] = turn(j, threads);
    }
  for (int way = 0; way < WAYS; way++) qsort(times[way], TURNS, sizeof **times, by_size);
  for (int way = 0; way < WAYS; way++)
    printf("%-38s %d thread%s %8.0f ns an event %6.2f\n", names[way], threads, threads > 1 ? "s" : " ",
           times[way][TURNS / 2], times[way][TURNS / 2] / times[FAST][TURNS / 2]);
}

static void stop(const char *message) {
  fprintf(stderr, "bench_predict: %s\n", message);
  exit(1);
}

/* All three give one number for an event. */
static void check(job *j) {
  float y[WAYS];
  for (int i = 0; i < EVENTS; i++) {
    for (int way = 0; way < WAYS; way++) {
      j->way = (enum way)way;
      y[way] = predict(j, j->x[i]);
    }
    if (!(fabsf(y[HASHED] - y[PLAIN]) < 1e-4f && fabsf(y[FAST] - y[PLAIN]) < 1e-4f)) stop("predictions differ");
  }
}

int main(int argc, char **argv) {
  static float weights[WEIGHTS], x[EVENTS][INPUTS];
  hn_model *model;
  if (argc != 3) stop("expected a model and a file of weights");
  if (hn_model_load(argv[1], &model) != HN_OK) stop(hn_model_message(model));
  FILE *file = fopen(argv[2], "rb");
  if (!file || fread(weights, sizeof weights, 1, file) != 1) stop("cannot read the weights");
  fclose(file);
  for (int i = 0; i < EVENTS; i++)
    for (int k = 0; k < INPUTS; k++) x[i][k] = sinf((float)(i * INPUTS + k));
  job j = {HASHED, model, weights, (const float(*)[INPUTS])x, 0};
  check(&j);
  for (int threads = 1; threads <= 2; threads++) measure(&j, threads);
  hn_model_close(model);
}
#endif
