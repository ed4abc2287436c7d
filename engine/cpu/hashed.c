/*
 * The three hashed products. V is cut into panels that fit L2 beside their operands; a thread expands a panel into its own
 * piece of the workspace and multiplies it at once, so that nothing of V's size ever exists. The gradient of V is made in
 * pieces that are added to the buckets while they are in L1. The cut depends on the sizes alone.
 */
#include "kernels.h"

#include <string.h>

/* A thread's part of the workspace, in floats: a panel, or the columns of x that a piece of dV needs; and the columns of dy
 * that it needs with the piece itself. 704 KiB together. */
#define PANEL 65536
#define WIDTH HN_CPU_PANEL_COLS
#define TALL 98304
#define OWN (PANEL + TALL + CELL_ROWS * WIDTH)

/* The longest sums before a panel's products are added up, each the fastest of those tried. */
#define FORWARD_COLS 1024
#define INPUT_ROWS 512

/* dV is made in cells of WIDTH columns and at most so many rows, a multiple of the tiles'; samples are taken in equal parts
 * of at most SAMPLES, which TALL and PANEL have room for. */
#define CELL_ROWS 252
#define SAMPLES 1024

/* Room that the bucket gradient has beside the threads' parts: 3 MiB for all threads together, in which it keeps at most so
 * many copies of a small pool, or two groups of cells. */
#define SHARED 786432
#define SHARES 8
#define SHARE_WEIGHTS 131072 /* virtual weights that a copy serves at least */
#define GROUP (SHARED / (CELL_ROWS * WIDTH) / 2)
#define TOGETHER 4 /* cells of a group that one thread makes, as they share their part of dy */

/* Pieces of the products without panels. */
#define DIRECT_ROWS 64  /* of forward */
#define DIRECT_COLS 512 /* of the gradient of the input */

size_t hn__cpu_hashed_workspace(const hn__device *d) { return ((size_t)d->threads * OWN + SHARED) * sizeof(float); }

/* One of the three products. */
typedef struct job {
  const hn__cpu_kernels *kernels;
  const hn_matrix *v;
  float *own, *shared; /* the two parts of the workspace */
  int64_t batch;
  const float *w, *x, *dy; /* w from the matrix' offset */
  float *to;               /* y, dx or dw, that from the offset */
  /* Of the bucket gradient: */
  int64_t rows, across; /* of a cell, and cells in a row */
  int64_t cells, samples;
  int64_t shares, group, band;
} job;

static job new_job(hn__device *d, void *ws, const hn_matrix *v, int64_t batch) {
  float *own = ws;
  return (job){
      .kernels = hn__cpu_kernels_of(d), .v = v, .own = own, .shared = own + (int64_t)d->threads * OWN, .batch = batch};
}

/* Its hashing is small beside the products but for minibatches of a few samples. */
static void run(hn__device *d, const job *h, int64_t pieces, hn__cpu_piece *piece) {
  double work = (double)(h->batch + HN_CPU_BLAS) * (double)h->v->rows * (double)h->v->cols / HN_CPU_BLAS;
  hn__cpu_parallel(d, work, pieces, piece, h);
}

static float *own_part(const job *h, int thread) { return h->own + (int64_t)thread * OWN; }

/* The length of n's parts when it is cut into as few equal ones of at most `most` as will do; a multiple of `unit`. */
static int64_t part(int64_t n, int64_t most, int64_t unit) {
  int64_t parts = hn__cpu_ceil(n, most);
  return hn__cpu_ceil(hn__cpu_ceil(n, parts), unit) * unit;
}

/* -- forward: a piece is some rows of V, columns of y -- */

static void forward_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  const hn_matrix *v = h->v;
  float *panel = own_part(h, thread);
  int64_t i = p * WIDTH, n = hn__cpu_least(v->rows - i, WIDTH), step = part(v->cols, FORWARD_COLS, 16);
  for (int64_t j = 0; j < v->cols; j += step) {
    int64_t k = hn__cpu_least(v->cols - j, step);
    h->kernels->expand_turned(v, h->w, i, n, j, k, panel);
    h->kernels->multiply(h->batch, n, k, h->x + j, v->cols, 1, HN_CPU_TILE_ROWS * v->cols, panel, h->to + i, v->rows,
                         true);
  }
}

static hn__cpu_direct direct(const job *h) {
  return (hn__cpu_direct){.v = h->v,
                          .rows = h->v->rows,
                          .cols = h->v->cols,
                          .batch = h->batch,
                          .w = h->w,
                          .x = h->x,
                          .dy = h->dy,
                          .to = h->to};
}

static void direct_forward_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  hn__cpu_direct d = direct(h);
  (void)thread;
  d.row = p * DIRECT_ROWS;
  d.rows = hn__cpu_least(d.rows - d.row, DIRECT_ROWS);
  h->kernels->direct_forward(&d);
}

hn_status hn__cpu_hashed_forward(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                 const float *x, float *y) {
  job h = new_job(d, ws, v, batch);
  h.w = w + v->offset;
  h.x = x;
  h.to = y;
  if (batch > HN_CPU_DIRECT || (v->balanced && v->scheme == HN_ELEMENT))
    run(d, &h, hn__cpu_ceil(v->rows, WIDTH), forward_piece);
  else if (batch > 0)
    run(d, &h, hn__cpu_ceil(v->rows, DIRECT_ROWS), direct_forward_piece);
  return HN_OK;
}

/* -- gradient of the input: a piece is some columns of V and of dx -- */

static void input_grad_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  const hn_matrix *v = h->v;
  float *panel = own_part(h, thread);
  int64_t j = p * WIDTH, n = hn__cpu_least(v->cols - j, WIDTH), step = part(v->rows, INPUT_ROWS, 1);
  for (int64_t i = 0; i < v->rows; i += step) {
    int64_t k = hn__cpu_least(v->rows - i, step);
    h->kernels->expand(v, h->w, i, k, j, n, panel, WIDTH);
    h->kernels->multiply(h->batch, n, k, h->dy + i, v->rows, 1, HN_CPU_TILE_ROWS * v->rows, panel, h->to + j, v->cols,
                         true);
  }
}

static void direct_input_grad_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  hn__cpu_direct d = direct(h);
  (void)thread;
  d.col = p * DIRECT_COLS;
  d.cols = hn__cpu_least(d.cols - d.col, DIRECT_COLS);
  h->kernels->direct_input_grad(&d);
}

hn_status hn__cpu_hashed_input_grad(hn__device *d, void *ws, const hn_matrix *v, const float *w, int64_t batch,
                                    const float *dy, float *dx) {
  job h = new_job(d, ws, v, batch);
  h.w = w + v->offset;
  h.dy = dy;
  h.to = dx;
  if (batch > HN_CPU_DIRECT || v->scheme != HN_LINE)
    run(d, &h, hn__cpu_ceil(v->cols, WIDTH), input_grad_piece);
  else if (batch > 0)
    run(d, &h, hn__cpu_ceil(v->cols, DIRECT_COLS), direct_input_grad_piece);
  return HN_OK;
}

/*
 * -- gradient of the buckets --
 *
 * A bucket may be in any cell, yet its additions must keep one order whatever the number of threads. Three ways, chosen by
 * the matrix alone:
 *  - strips own their buckets, so bands of whole strips run in parallel;
 *  - a pool that fits several times into the workspace gets as many copies ("shares"); each share takes its part of the
 *    cells one after the other, and the shares are added up in order;
 *  - else cells are made in groups, in parallel, while one thread adds the group before in order.
 */

/* A cell: rows i.. and columns j.. of dV. */
typedef struct cell {
  int64_t i, m, j, n;
} cell;

/* Cell p, counted row by row: neighbours share their columns of dy. */
static cell cell_of(const job *h, int64_t p) {
  int64_t i = p / h->across * h->rows, j = p % h->across * WIDTH;
  return (cell){i, hn__cpu_least(h->v->rows - i, h->rows), j, hn__cpu_least(h->v->cols - j, WIDTH)};
}

/* A thread's part of the workspace, as cells use it, and which columns and samples of dy lie there. */
typedef struct worker {
  float *x, *dy, *piece;
  int64_t i, first;
} worker;

static worker new_worker(const job *h, int thread) {
  float *own = own_part(h, thread);
  return (worker){.x = own, .dy = own + PANEL, .piece = own + PANEL + TALL, .i = -1};
}

/* The samples' columns of x one below the other, filled up with zeros: a panel. */
static void pack_x(const job *h, worker *w, const cell *c, int64_t first, int64_t samples) {
  float *to = w->x;
  for (int64_t s = first; s < first + samples; s++, to += WIDTH) {
    memcpy(to, h->x + s * h->v->cols + c->j, (size_t)c->n * sizeof *to);
    if (c->n < WIDTH) memset(to + c->n, 0, (size_t)(WIDTH - c->n) * sizeof *to);
  }
}

/* The samples' columns of dy, those of a tile one below the other, then the next tile's. */
static void pack_dy(const job *h, worker *w, const cell *c, int64_t first, int64_t samples) {
  float *to = w->dy;
  if (w->i == c->i && w->first == first) return;
  w->i = c->i;
  w->first = first;
  for (int64_t t = 0; t < c->m; t += HN_CPU_TILE_ROWS) {
    int64_t n = hn__cpu_least(c->m - t, HN_CPU_TILE_ROWS);
    const float *from = h->dy + first * h->v->rows + c->i + t;
    for (int64_t s = 0; s < samples; s++, from += h->v->rows, to += HN_CPU_TILE_ROWS)
      if (n == HN_CPU_TILE_ROWS)
        memcpy(to, from, HN_CPU_TILE_ROWS * sizeof *to);
      else
        memcpy(to, from, (size_t)n * sizeof *to);
  }
}

/* The cell's part of dy^T x, into `piece`, which is WIDTH wide. */
static void multiply_cell(const job *h, worker *w, const cell *c, float *piece) {
  for (int64_t s = 0; s < h->batch; s += h->samples) {
    int64_t samples = hn__cpu_least(h->batch - s, h->samples);
    pack_x(h, w, c, s, samples);
    pack_dy(h, w, c, s, samples);
    h->kernels->multiply(c->m, WIDTH, samples, w->dy, 1, HN_CPU_TILE_ROWS, HN_CPU_TILE_ROWS * samples, w->x, piece,
                         WIDTH, s > 0);
  }
}

/* Adds it to the buckets, which start at dw. */
static void add_cell(const job *h, worker *w, const cell *c, float *dw) {
  multiply_cell(h, w, c, w->piece);
  h->kernels->scatter(h->v, dw, c->i, c->m, c->j, c->n, w->piece, WIDTH);
}

static void strip_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  worker w = new_worker(h, thread);
  int64_t top = p * h->band, bottom = hn__cpu_least(top + h->band, h->v->rows);
  for (int64_t i = top; i < bottom; i += h->rows)
    for (int64_t j = 0; j < h->v->cols; j += WIDTH) {
      cell c = {i, hn__cpu_least(bottom - i, h->rows), j, hn__cpu_least(h->v->cols - j, WIDTH)};
      add_cell(h, &w, &c, h->to);
    }
}

/* How many shares: as many as there is room for, and no more than pay for clearing and adding them up. A power of two, so
 * that the usual numbers of threads have as many each: 3 shares keep two threads as long as 4. */
static int64_t shares_of(const hn_matrix *v) {
  int64_t room = 1 + SHARED / v->count, weights = v->rows * v->cols, shares = SHARES;
  while (shares > 1 && (shares > room || weights / shares < 4 * v->count || weights / shares < SHARE_WEIGHTS))
    shares /= 2;
  return shares;
}

/* The first share adds to dw itself, the others to copies. */
static float *share_at(const job *h, int64_t s) { return s ? h->shared + (s - 1) * h->v->count : h->to; }

static void share_piece(const void *argument, int64_t s, int thread) {
  const job *h = argument;
  worker w = new_worker(h, thread);
  float *sum = share_at(h, s);
  if (s) memset(sum, 0, (size_t)h->v->count * sizeof *sum);
  for (int64_t p = s * h->cells / h->shares; p < (s + 1) * h->cells / h->shares; p++) {
    cell c = cell_of(h, p);
    add_cell(h, &w, &c, sum);
  }
}

HN_CLONES static void add_to(int64_t n, const float *restrict from, float *restrict to) {
  for (int64_t k = 0; k < n; k++) to[k] += from[k];
}

static void add_shares_piece(const void *argument, int64_t p, int thread) {
  const job *h = argument;
  int64_t k = hn__cpu_first(p), n = hn__cpu_count(h->v->count, p);
  (void)thread;
  for (int64_t s = 1; s < h->shares; s++) add_to(n, share_at(h, s) + k, h->to + k);
}

/* Cell k of a group: groups take the two halves of the room in turn. */
static float *group_cell(const job *h, int64_t group, int64_t k) {
  return h->shared + ((group & 1) * GROUP + k) * CELL_ROWS * WIDTH;
}

static int64_t cells_in_group(const job *h, int64_t group) {
  int64_t left = h->cells - group * GROUP;
  return group < 0 || left < 0 ? 0 : hn__cpu_least(left, GROUP);
}

/* Piece 0 adds the group before, the others multiply TOGETHER cells of this one each. */
static void group_piece(const void *argument, int64_t k, int thread) {
  const job *h = argument;
  int64_t before = h->group - 1, first = (k - 1) * TOGETHER;
  if (k > 0) {
    worker w = new_worker(h, thread);
    for (int64_t q = first; q < hn__cpu_least(first + TOGETHER, cells_in_group(h, h->group)); q++) {
      cell c = cell_of(h, h->group * GROUP + q);
      multiply_cell(h, &w, &c, group_cell(h, h->group, q));
    }
    return;
  }
  for (int64_t q = 0; q < cells_in_group(h, before); q++) {
    cell c = cell_of(h, before * GROUP + q);
    h->kernels->scatter(h->v, h->to, c.i, c.m, c.j, c.n, group_cell(h, before, q), WIDTH);
  }
}

static void add_in_groups(hn__device *d, job *h) {
  int64_t groups = hn__cpu_ceil(h->cells, GROUP);
  for (h->group = 0; h->group <= groups; h->group++)
    run(d, h, 1 + hn__cpu_ceil(cells_in_group(h, h->group), TOGETHER), group_piece);
}

hn_status hn__cpu_hashed_bucket_grad(hn__device *d, void *ws, const hn_matrix *v, int64_t batch, const float *dy,
                                     const float *x, float *dw) {
  job h = new_job(d, ws, v, batch);
  if (batch == 0) return HN_OK;
  h.dy = dy;
  h.x = x;
  h.to = dw + v->offset;
  h.samples = part(batch, SAMPLES, 1);
  h.rows =
      part(v->rows, hn__cpu_least(CELL_ROWS, TALL / h.samples / HN_CPU_TILE_ROWS * HN_CPU_TILE_ROWS), HN_CPU_TILE_ROWS);
  h.across = hn__cpu_ceil(v->cols, WIDTH);
  h.cells = hn__cpu_ceil(v->rows, h.rows) * h.across;
  h.shares = shares_of(v);
  if (v->strip > 0) {
    h.band = v->strip < h.rows ? h.rows / v->strip * v->strip : v->strip;
    run(d, &h, hn__cpu_ceil(v->rows, h.band), strip_piece);
  } else if (h.shares > 1) {
    run(d, &h, h.shares, share_piece);
    hn__cpu_parallel(d, (double)v->count * (double)h.shares, hn__cpu_chunks(v->count), add_shares_piece, &h);
  } else {
    add_in_groups(d, &h);
  }
  return HN_OK;
}
