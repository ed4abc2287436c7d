/*
 * Numbers as whole multiples of a unit.
 */
#include "cpu.h"

#define PARTS 256 /* pieces in which the largest number is looked for, at most */

typedef struct job {
  int64_t n, chunk;
  float unit;
  const float *x;
  float *y;
  uint32_t *largest; /* of each piece */
} job;

HN_CLONES static uint32_t largest_of(int64_t n, const float *x) {
  uint32_t most = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t size = hn__magnitude(x[i]);
    most = size > most ? size : most;
  }
  return most;
}

static void largest_piece(const void *argument, int64_t p, int thread) {
  const job *q = argument;
  int64_t i = p * q->chunk;
  (void)thread;
  q->largest[p] = largest_of(hn__cpu_least(q->n - i, q->chunk), q->x + i);
}

HN_CLONES static void round_to(float unit, int64_t n, const float *x, float *y) {
  for (int64_t i = 0; i < n; i++) y[i] = hn__multiple(x[i], unit);
}

static void round_piece(const void *argument, int64_t p, int thread) {
  const job *q = argument;
  int64_t i = hn__cpu_first(p);
  (void)thread;
  round_to(q->unit, hn__cpu_count(q->n, p), q->x + i, q->y + i);
}

hn_status hn__cpu_quantize(hn__device *d, int64_t n, int levels, const float *x, float *y) {
  uint32_t largest[PARTS], most = 0;
  int64_t chunk = hn__cpu_ceil(n, PARTS);
  if (chunk < HN_CPU_CHUNK) chunk = HN_CPU_CHUNK;
  job q = {.n = n, .chunk = chunk, .x = x, .y = y, .largest = largest};
  int64_t parts = hn__cpu_ceil(n, chunk);
  hn__cpu_parallel(d, (double)n, parts, largest_piece, &q);
  for (int64_t p = 0; p < parts; p++) most = largest[p] > most ? largest[p] : most;
  q.unit = hn__unit(most, levels);
  hn__cpu_parallel(d, (double)n, hn__cpu_chunks(n), round_piece, &q);
  return HN_OK;
}
