/*
 * The three hashed products. V is cut into panels that fit L2 beside their operands; a thread expands a panel into its
 * own piece of the workspace and multiplies it at once, so that nothing of V's size ever exists. The cut depends on the
 * sizes of V alone.
 */
#include "cpu.h"

/* Floats of a panel: 256 KiB. */
#define PANEL 65536

/* The most rows of a panel, PANEL / that its most columns, each the fastest of those tried. The gradient of the input
 * has narrower ones, as its threads share out the columns. */
#define FORWARD_ROWS 128
#define INPUT_ROWS 256
#define BUCKET_ROWS 128

typedef struct cut {
  int64_t rows, cols;   /* of a panel */
  int64_t down, across; /* panels */
} cut;

/* The length of n's parts when it is cut into as few equal ones of at most `most` as will do; a multiple of `unit`. */
static int64_t part(int64_t n, int64_t most, int64_t unit) {
  int64_t parts = hn__cpu_ceil(n, most);
  return hn__cpu_ceil(hn__cpu_ceil(n, parts), unit) * unit;
}

static double work(const hn_matrix *v, int64_t batch) { return (double)batch * (double)v->rows * (double)v->cols; }

/* Panels at most `rows` high, as wide as their area then allows, and made of whole runs. */
static cut cut_of(const hn_matrix *v, int64_t rows) {
  cut c;
  c.rows = part(v->rows, rows, 1);
  c.cols = part(v->cols, PANEL / rows, 16);
  c.down = hn__cpu_ceil(v->rows, c.rows);
  c.across = hn__cpu_ceil(v->cols, c.cols);
  return c;
}

size_t hn__cpu_hashed_workspace(const hn__device *d) { return (size_t)d->threads * PANEL * sizeof(float); }

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

/* The products in parallel, the scatters one after the other in the order of the panels: a bucket may be in any panel,
 * and its additions keep one order. While one thread scatters, the others multiply. */
hn_status hn__cpu_hashed_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                     const float *x, float *dw) {
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
  return HN_OK;
}
