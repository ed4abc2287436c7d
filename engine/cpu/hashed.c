/*
 * The three hashed products. V is cut into panels that fit L2 beside their operands; a thread expands a panel into its
 * own piece of the workspace and multiplies it at once, so that nothing of V's size ever exists. The cut depends on the
 * sizes of V alone.
 */
#include "direct.h"

#include <string.h>

/* Floats of a panel: 256 KiB. */
#define PANEL 65536

/* The most rows of a panel, PANEL / that its most columns, each the fastest of those tried. The gradient of the input
 * has narrower ones, as its threads share out the columns. */
#define FORWARD_ROWS 128
#define INPUT_ROWS 256
#define BUCKET_ROWS 128

/* Room that the bucket gradient has beside the threads' panels: 3 MiB for all threads together, in which it keeps at most
 * so many copies of a small pool, or two groups of panels. */
#define SHARED 786432
#define SHARES 8
#define GROUP (SHARED / PANEL / 2)

/* The most samples that `line` multiplies without panels (direct.h): beyond, BLAS makes up for writing and reading them.
 * `element` gains nothing: its loads take so long that a panel costs little beside them. */
#define DIRECT_FORWARD HN_CPU_DIRECT
#define DIRECT_INPUT HN_CPU_DIRECT
#define DIRECT_BUCKET 2
#define DIRECT_ROWS 64  /* of a piece of forward */
#define DIRECT_COLS 512 /* of a piece of the gradient of the input */

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

size_t hn__cpu_hashed_workspace(const hn__device *d) { return ((size_t)d->threads * PANEL + SHARED) * sizeof(float); }

/* One of the three products; the pieces are bands, shares or panels. */
typedef struct job {
  const hn_matrix *v;
  cut c;
  float *panels, *shared; /* the two parts of the workspace */
  int64_t batch;
  const float *w, *x, *dy;
  float *to;      /* y, dx or dw */
  int64_t shares; /* of the bucket gradient */
  int64_t group;  /* of panels that it is at */
  int64_t band;   /* rows of whole strips that make a piece */
} job;

static job new_job(hn__device *d, void *ws, const hn_matrix *v, int64_t most_rows, int64_t batch) {
  float *panels = ws;
  return (job){.v = v,
               .c = cut_of(v, most_rows),
               .panels = panels,
               .shared = panels + (int64_t)d->threads * PANEL,
               .batch = batch};
}

static void run(hn__device *d, const job *h, int64_t pieces, hn__cpu_piece *piece) {
  hn__cpu_parallel(d, work(h->v, h->batch), pieces, piece, h);
}

static float *own_panel(const job *h, int thread) { return h->panels + (int64_t)thread * PANEL; }

static bool direct(const hn_matrix *v, int64_t batch, int64_t most) {
  return v->scheme == HN_LINE && batch > 0 && batch <= most;
}

static void direct_forward_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  const hn_matrix *v = h->v;
  int64_t i = p * DIRECT_ROWS;
  hn__cpu_direct part_of = {.v = v,
                            .row = i,
                            .rows = hn__cpu_least(v->rows - i, DIRECT_ROWS),
                            .cols = v->cols,
                            .batch = h->batch,
                            .w = h->w + v->offset,
                            .x = h->x,
                            .to = h->to};
  (void)thread;
  hn__cpu_direct_forward(&part_of);
}

static void direct_input_grad_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  const hn_matrix *v = h->v;
  int64_t j = p * DIRECT_COLS;
  hn__cpu_direct part_of = {.v = v,
                            .rows = v->rows,
                            .col = j,
                            .cols = hn__cpu_least(v->cols - j, DIRECT_COLS),
                            .batch = h->batch,
                            .w = h->w + v->offset,
                            .dy = h->dy,
                            .to = h->to};
  (void)thread;
  hn__cpu_direct_input_grad(&part_of);
}

/* A band of rows owns columns of y. */
static void forward_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  const hn_matrix *v = h->v;
  float *panel = own_panel(h, thread);
  int64_t i = p * h->c.rows, m = hn__cpu_least(v->rows - i, h->c.rows), ld = h->c.cols;
  for (int64_t j = 0; j < v->cols; j += ld) {
    int64_t n = hn__cpu_least(v->cols - j, ld);
    hn__cpu_expand(v, h->w, i, m, j, n, panel, ld);
    hn__cpu_sgemm(false, true, h->batch, m, n, h->x + j, v->cols, panel, ld, 1, h->to + i, v->rows);
  }
}

hn_status hn__cpu_hashed_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                 const float *x, float *y) {
  job h = new_job(d, ws, v, FORWARD_ROWS, batch);
  h.w = w;
  h.x = x;
  h.to = y;
  if (direct(v, batch, DIRECT_FORWARD))
    run(d, &h, hn__cpu_ceil(v->rows, DIRECT_ROWS), direct_forward_piece);
  else
    run(d, &h, h.c.down, forward_piece);
  return HN_OK;
}

/* A band of columns owns columns of dx. */
static void input_grad_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  const hn_matrix *v = h->v;
  float *panel = own_panel(h, thread);
  int64_t j = p * h->c.cols, n = hn__cpu_least(v->cols - j, h->c.cols), ld = h->c.cols;
  for (int64_t i = 0; i < v->rows; i += h->c.rows) {
    int64_t m = hn__cpu_least(v->rows - i, h->c.rows);
    hn__cpu_expand(v, h->w, i, m, j, n, panel, ld);
    hn__cpu_sgemm(false, false, h->batch, n, m, h->dy + i, v->rows, panel, ld, 1, h->to + j, v->cols);
  }
}

hn_status hn__cpu_hashed_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                    const float *dy, float *dx) {
  job h = new_job(d, ws, v, INPUT_ROWS, batch);
  h.w = w;
  h.dy = dy;
  h.to = dx;
  if (direct(v, batch, DIRECT_INPUT))
    run(d, &h, hn__cpu_ceil(v->cols, DIRECT_COLS), direct_input_grad_piece);
  else
    run(d, &h, h.c.across, input_grad_piece);
  return HN_OK;
}

/*
 * The gradient of the buckets. A bucket may be in any panel, yet its additions must keep one order whatever the number
 * of threads. Three ways, chosen by the matrix alone:
 *  - strips own their buckets, so bands of whole strips run in parallel;
 *  - a pool that fits several times into the workspace gets as many copies ("shares"); each share takes its part of the
 *    panels one after the other, and the shares are added up in order;
 *  - else panels are multiplied in groups, in parallel, while one thread scatters the group before in order.
 */

/* The product of the panel whose corner is (i, j), into `panel`. */
static void multiply(const job *h, int64_t i, int64_t m, int64_t j, int64_t n, float *panel) {
  hn__cpu_sgemm(true, false, m, n, h->batch, h->dy + i, h->v->rows, h->x + j, h->v->cols, 0, panel, h->c.cols);
}

/* Adds the gradient of that panel of `v` to its buckets, which start at dw; `v` may be a copy at another offset. */
static void add_panel(const job *h, const hn_matrix *v, int64_t i, int64_t m, int64_t j, int64_t n, float *panel,
                      float *dw) {
  if (direct(v, h->batch, DIRECT_BUCKET)) {
    hn__cpu_direct part_of = {.v = v,
                              .row = i,
                              .rows = m,
                              .col = j,
                              .cols = n,
                              .batch = h->batch,
                              .x = h->x,
                              .dy = h->dy,
                              .to = dw + v->offset};
    hn__cpu_direct_bucket_grad(&part_of);
    return;
  }
  multiply(h, i, m, j, n, panel);
  hn__cpu_scatter(v, i, m, j, n, panel, h->c.cols, dw);
}

static void strip_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  const hn_matrix *v = h->v;
  float *panel = own_panel(h, thread);
  int64_t top = p * h->band, bottom = hn__cpu_least(top + h->band, v->rows), ld = h->c.cols;
  for (int64_t i = top; i < bottom; i += BUCKET_ROWS)
    for (int64_t j = 0; j < v->cols; j += ld) {
      int64_t m = hn__cpu_least(bottom - i, BUCKET_ROWS), n = hn__cpu_least(v->cols - j, ld);
      add_panel(h, v, i, m, j, n, panel, h->to);
    }
}

/* Where panel p of the cut lies, counted row by row. */
typedef struct place {
  int64_t i, m, j, n;
} place;

static place place_of(const job *h, int64_t p) {
  int64_t i = p / h->c.across * h->c.rows, j = p % h->c.across * h->c.cols;
  return (place){i, hn__cpu_least(h->v->rows - i, h->c.rows), j, hn__cpu_least(h->v->cols - j, h->c.cols)};
}

/* How many shares: as many as there is room for, and no more than pay for clearing and adding them up. A power of two, so
 * that the usual numbers of threads have as many each: 3 shares keep two threads as long as 4. */
static int64_t shares_of(const hn_matrix *v) {
  int64_t room = 1 + SHARED / v->count, worth = v->rows * v->cols / (4 * v->count), shares = SHARES;
  while (shares > 1 && (shares > room || shares > worth)) shares /= 2;
  return shares;
}

/* The first share adds to dw itself, the others to copies of the matrix' buckets. */
static float *share_at(const job *h, int64_t s) { return s ? h->shared + (s - 1) * h->v->count : h->to + h->v->offset; }

static void share_piece(const void *argument, int64_t s, int thread) {
  const job *h = argument;
  hn_matrix local = *h->v;
  float *panel = own_panel(h, thread), *sum = share_at(h, s);
  int64_t panels = h->c.down * h->c.across;
  local.offset = 0;
  if (s) memset(sum, 0, (size_t)local.count * sizeof *sum);
  for (int64_t p = s * panels / h->shares; p < (s + 1) * panels / h->shares; p++) {
    place at = place_of(h, p);
    add_panel(h, &local, at.i, at.m, at.j, at.n, panel, sum);
  }
}

HN_CLONES static void add_to(int64_t n, const float *restrict from, float *restrict to) {
  for (int64_t k = 0; k < n; k++) to[k] += from[k];
}

static void add_shares_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  int64_t k = hn__cpu_first(p), n = hn__cpu_count(h->v->count, p);
  (void)thread;
  for (int64_t s = 1; s < h->shares; s++) add_to(n, share_at(h, s) + k, share_at(h, 0) + k);
}

/* Panel k of a group: groups take the two halves of the room in turn. */
static float *group_panel(const job *h, int64_t group, int64_t k) {
  return h->shared + ((group & 1) * GROUP + k) * PANEL;
}

static int64_t panels_in_group(const job *h, int64_t group) {
  return group < 0 ? 0 : hn__cpu_least(h->c.down * h->c.across - group * GROUP, GROUP);
}

/* Piece 0 scatters the group before, piece k multiplies panel k - 1 of this one. */
static void group_piece(const void *argument, int64_t k, int thread) {
  const job *h = argument;
  (void)thread;
  if (k > 0) {
    place at = place_of(h, h->group * GROUP + k - 1);
    multiply(h, at.i, at.m, at.j, at.n, group_panel(h, h->group, k - 1));
    return;
  }
  int64_t before = h->group - 1;
  for (int64_t q = 0; q < panels_in_group(h, before); q++) {
    place at = place_of(h, before * GROUP + q);
    hn__cpu_scatter(h->v, at.i, at.m, at.j, at.n, group_panel(h, before, q), h->c.cols, h->to);
  }
}

static void add_in_groups(hn__device *d, job *h) {
  int64_t groups = hn__cpu_ceil(h->c.down * h->c.across, GROUP);
  for (h->group = 0; h->group <= groups; h->group++) {
    int64_t panels = panels_in_group(h, h->group);
    run(d, h, 1 + (panels > 0 ? panels : 0), group_piece);
  }
}

hn_status hn__cpu_hashed_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                     const float *x, float *dw) {
  job h = new_job(d, ws, v, BUCKET_ROWS, batch);
  h.dy = dy;
  h.x = x;
  h.to = dw;
  h.shares = shares_of(v);
  if (v->strip > 0) {
    h.band = v->strip < BUCKET_ROWS ? BUCKET_ROWS / v->strip * v->strip : v->strip;
    run(d, &h, hn__cpu_ceil(v->rows, h.band), strip_piece);
  } else if (h.shares > 1) {
    run(d, &h, h.shares, share_piece);
    hn__cpu_parallel(d, (double)v->count * (double)h.shares, hn__cpu_chunks(v->count), add_shares_piece, &h);
  } else {
    add_in_groups(d, &h);
  }
  return HN_OK;
}
