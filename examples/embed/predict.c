/*
 * Predictions of a trained network from several threads, without Lua:
 *
 *   cc predict.c $(pkg-config --cflags --libs hn) -pthread -o predict
 *   ./predict net.hn 4 <samples.txt         # 4 threads; numbers separated by blanks, one sample after the other
 *
 * net.hn is what net:save "net.hn" wrote. Prints one line of outputs for each sample.
 */
#include <hn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* A thread's share of the samples. All threads read one model. */
typedef struct share {
  const hn_model *model;
  int64_t count;
  const float *x;
  float *y;
  hn_status status;
} share;

static void *predict_share(void *argument) {
  share *s = argument;
  s->status = hn_model_predict(s->model, s->count, s->x, s->y);
  return NULL;
}

/* Samples are dealt out in equal pieces. */
static hn_status predict(const hn_model *model, int threads, int64_t n, const float *x, float *y) {
  pthread_t *thread = calloc((size_t)threads, sizeof *thread);
  share *shares = calloc((size_t)threads, sizeof *shares);
  hn_status status = thread && shares ? HN_OK : HN_MEMORY;
  int started = 0;
  for (; started < threads && status == HN_OK; started++) {
    int64_t first = n * started / threads, end = n * (started + 1) / threads;
    shares[started] =
        (share){model, end - first, x + first * hn_model_inputs(model), y + first * hn_model_outputs(model), HN_OK};
    if (pthread_create(thread + started, NULL, predict_share, shares + started) != 0) {
      status = HN_STATE;
      break;
    }
  }
  for (int i = 0; i < started; i++) {
    pthread_join(thread[i], NULL);
    if (shares[i].status != HN_OK) status = shares[i].status;
  }
  free(thread);
  free(shares);
  return status;
}

/* All numbers of standard input; NULL if there is no memory. */
static float *read_numbers(int64_t *count) {
  int64_t n = 0, space = 1024;
  float *numbers = malloc((size_t)space * sizeof *numbers);
  while (numbers && scanf("%f", numbers + n) == 1)
    if (++n == space) {
      float *larger = realloc(numbers, (size_t)(space *= 2) * sizeof *numbers);
      if (!larger) free(numbers);
      numbers = larger;
    }
  *count = n;
  return numbers;
}

static void print_rows(int64_t rows, int64_t columns, const float *y) {
  for (int64_t i = 0; i < rows * columns; i++) printf("%.9g%c", (double)y[i], (i + 1) % columns ? ' ' : '\n');
}

/* Predicts for what standard input holds. */
static hn_status run(const hn_model *model, int threads) {
  int64_t count, outputs = hn_model_outputs(model);
  float *x = read_numbers(&count);
  int64_t n = count / hn_model_inputs(model);
  float *y = calloc((size_t)(n * outputs + 1), sizeof *y);
  hn_status status = x && y ? predict(model, threads, n, x, y) : HN_MEMORY;
  if (status == HN_OK)
    print_rows(n, outputs, y);
  else
    fprintf(stderr, "predict: %s\n", hn_status_name(status));
  free(x);
  free(y);
  return status;
}

int main(int argc, char **argv) {
  hn_model *model;
  int threads = argc > 2 ? atoi(argv[2]) : 1;
  if (argc < 2 || argc > 3 || threads < 1) {
    fprintf(stderr, "usage: predict net.hn [threads] <samples.txt\n");
    return 2;
  }
  hn_status status = hn_model_load(argv[1], &model);
  if (status == HN_OK)
    status = run(model, threads);
  else
    fprintf(stderr, "predict: %s\n", hn_model_message(model));
  hn_model_close(model);
  return status == HN_OK ? 0 : 1;
}
