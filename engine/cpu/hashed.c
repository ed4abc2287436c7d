/*
 * The three hashed products. V is cut into panels that fit L2 beside their operands; a thread expands a panel into its
 * own piece of the workspace and multiplies it at once, so that nothing of V's size ever exists. The cut depends on the
 * sizes of V alone.
 */
#include "cpu.h"

#include <string.h>

/* Floats of a panel: 256 KiB. */
#define PANEL 65536

/* The most rows of a panel, PANEL / that its most columns, each the fastest of those tried. The gradient of the input
 * has narrower ones, as its threads share out the columns. */
#define FORWARD_ROWS 128
#define INPUT_ROWS 256
#define BUCKET_ROWS 128

/* Room for copies of small pools in the bucket gradient: 2 MiB for all threads together, at most so many copies. */
#define SHARED 524288
#define SHARES 8

typedef struct cut {
  int64_t rows, cols;   /* of a panel */
  int64_t down, across; /* panels */
} cut;

/* The length of n's parts when it is cut into as few equal ones of at most `most` as will do; a multiple of `unit`. */
static int64_t part(int64_t n, int64_t most, int64_t unit) {
  int64_t parts = hn__cpu_ceil(n, most);
  return hn__cpu_ceil(hn__cpu_ceil(n, parts), unit) * unit;
}

/* A product's work; its hashing is small beside it but for minibatches of a few samples. */
static double work(const hn_matrix *v, int64_t batch) {
  return (double)(batch + HN_CPU_BLAS) * (double)v->rows * (double)v->cols / HN_CPU_BLAS;
}

/* Panels at most `rows` high, as wide as their area then allows, and made of whole runs. */
static cut cut_of(const hn_matrix *v, int64_t rows) {
  cut c;
  c.rows = part(v->rows, rows, 1);
  c.cols = part(v->cols, PANEL / rows, 16);
  c.down = hn__cpu_ceil(v->rows, c.rows);
  c.across = hn__cpu_ceil(v->cols, c.cols);
  return c;
}

size_t hn__cpu_hashed_workspace(const hn__device *d) {
  return ((size_t)d->threads * PANEL + SHARED) * sizeof(float);
}

static float *own_panel(void *ws) { return (float *)ws + (int64_t)omp_get_thread_num() * PANEL; }

/* Bands of rows in parallel: each owns columns of y. */
hn_status hn__cpu_hashed_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                 const float *x, float *y) {
  cut c = cut_of(v, FORWARD_ROWS);
#pragma omp parallel for num_threads(d->threads) schedule(dynamic) if (work(v, batch) >= HN_CPU_SERIAL)
  for (int64_t p = 0; p < c.down; p++) {
    float *panel = own_panel(ws);
    int64_t i = p * c.rows, m = hn__cpu_least(v->rows - i, c.rows);
    for (int64_t j = 0; j < v->cols; j += c.cols) {
      int64_t n = hn__cpu_least(v->cols - j, c.cols);
      hn__cpu_expand(v, w, i, m, j, n, panel, c.cols);
      hn__cpu_sgemm(false, true, batch, m, n, x + j, v->cols, panel, c.cols, 1, y + i, v->rows);
    }
  }
  return HN_OK;
}

/* Bands of columns in parallel: each owns columns of dx. */
hn_status hn__cpu_hashed_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                    const float *dy, float *dx) {
  cut c = cut_of(v, INPUT_ROWS);
#pragma omp parallel for num_threads(d->threads) schedule(dynamic) if (work(v, batch) >= HN_CPU_SERIAL)
  for (int64_t p = 0; p < c.across; p++) {
    float *panel = own_panel(ws);
    int64_t j = p * c.cols, n = hn__cpu_least(v->cols - j, c.cols);
    for (int64_t i = 0; i < v->rows; i += c.rows) {
      int64_t m = hn__cpu_least(v->rows - i, c.rows);
      hn__cpu_expand(v, w, i, m, j, n, panel, c.cols);
      hn__cpu_sgemm(false, false, batch, n, m, dy + i, v->rows, panel, c.cols, 1, dx + j, v->cols);
    }
  }
  return HN_OK;
}

/*
 * The gradient of the buckets. A bucket may be in any panel, yet its additions must keep one order whatever the number
 * of threads. Three ways, chosen by the matrix alone:
 *  - strips own their buckets, so bands of whole strips run in parallel;
 *  - a pool that fits several times into the workspace gets as many copies ("shares"); each share takes its part of the
 *    panels one after the other, and the shares are added up in order;
 *  - else the products run in parallel and the scatters take turns in the order of the panels.
 */

/* One panel's product and scatter. */
static void add_panel(const hn_matrix *v, int64_t batch, const float *dy, const float *x, int64_t i, int64_t m,
                      int64_t j, int64_t n, int64_t ld, float *panel, float *dw) {
  hn__cpu_sgemm(true, false, m, n, batch, dy + i, v->rows, x + j, v->cols, 0, panel, ld);
  hn__cpu_scatter(v, i, m, j, n, panel, ld, dw);
}

/* Panel p of a cut, counted row by row. */
static void add_numbered_panel(const hn_matrix *v, const cut *c, int64_t batch, const float *dy, const float *x,
                               int64_t p, float *panel, float *dw) {
  int64_t i = p / c->across * c->rows, j = p % c->across * c->cols;
  add_panel(v, batch, dy, x, i, hn__cpu_least(v->rows - i, c->rows), j, hn__cpu_least(v->cols - j, c->cols), c->cols,
            panel, dw);
}

static void add_by_strips(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy, const float *x,
                          float *dw) {
  int64_t band = v->strip < BUCKET_ROWS ? BUCKET_ROWS / v->strip * v->strip : v->strip;
  cut c = cut_of(v, BUCKET_ROWS);
#pragma omp parallel for num_threads(d->threads) schedule(dynamic) if (work(v, batch) >= HN_CPU_SERIAL)
  for (int64_t top = 0; top < v->rows; top += band) {
    int64_t bottom = hn__cpu_least(top + band, v->rows);
    for (int64_t i = top; i < bottom; i += BUCKET_ROWS)
      for (int64_t j = 0; j < v->cols; j += c.cols)
        add_panel(v, batch, dy, x, i, hn__cpu_least(bottom - i, BUCKET_ROWS), j, hn__cpu_least(v->cols - j, c.cols),
                  c.cols, own_panel(ws), dw);
  }
}

HN_CLONES static void add_to(int64_t n, const float *restrict from, float *restrict to) {
  for (int64_t k = 0; k < n; k++) to[k] += from[k];
}

/* How many shares: as many as there is room for, and no more than pay for clearing and adding them up. */
static int64_t shares_of(const hn_matrix *v) {
  int64_t room = 1 + SHARED / v->count, worth = v->rows * v->cols / (4 * v->count);
  int64_t shares = hn__cpu_least(hn__cpu_least(room, worth), SHARES);
  return shares > 1 ? shares : 1;
}

/* The first share adds to dw itself, the others to copies of the matrix' buckets. */
static void add_by_shares(hn__device *d, void *ws, const hn_matrix *v, int64_t shares, int64_t batch, const float *dy,
                          const float *x, float *dw) {
  cut c = cut_of(v, BUCKET_ROWS);
  float *copies = (float *)ws + (int64_t)d->threads * PANEL;
  int64_t panels = c.down * c.across, count = v->count;
  hn_matrix local = *v;
  local.offset = 0;
#pragma omp parallel num_threads(d->threads) if (work(v, batch) >= HN_CPU_SERIAL)
  {
#pragma omp for schedule(dynamic)
    for (int64_t s = 0; s < shares; s++) {
      float *sum = s ? copies + (s - 1) * count : dw + v->offset;
      if (s) memset(sum, 0, (size_t)count * sizeof *sum);
      for (int64_t p = s * panels / shares; p < (s + 1) * panels / shares; p++)
        add_numbered_panel(&local, &c, batch, dy, x, p, own_panel(ws), sum);
    }
#pragma omp for schedule(static)
    for (int64_t k = 0; k < count; k += HN_CPU_CHUNK)
      for (int64_t s = 1; s < shares; s++)
        add_to(hn__cpu_least(count - k, HN_CPU_CHUNK), copies + (s - 1) * count + k, dw + v->offset + k);
  }
}

static void add_in_turns(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy, const float *x,
                         float *dw) {
  cut c = cut_of(v, BUCKET_ROWS);
#pragma omp parallel for ordered num_threads(d->threads) schedule(dynamic) if (work(v, batch) >= HN_CPU_SERIAL)
  for (int64_t p = 0; p < c.down * c.across; p++) {
    float *panel = own_panel(ws);
    int64_t i = p / c.across * c.rows, m = hn__cpu_least(v->rows - i, c.rows);
    int64_t j = p % c.across * c.cols, n = hn__cpu_least(v->cols - j, c.cols);
    hn__cpu_sgemm(true, false, m, n, batch, dy + i, v->rows, x + j, v->cols, 0, panel, c.cols);
#pragma omp ordered
    hn__cpu_scatter(v, i, m, j, n, panel, c.cols, dw);
  }
}

hn_status hn__cpu_hashed_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                     const float *x, float *dw) {
  int64_t shares = shares_of(v);
  if (v->strip > 0)
    add_by_strips(d, ws, v, batch, dy, x, dw);
  else if (shares > 1)
    add_by_shares(d, ws, v, shares, batch, dy, x, dw);
  else
    add_in_turns(d, ws, v, batch, dy, x, dw);
  return HN_OK;
}
