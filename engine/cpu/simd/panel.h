/*
 * Pieces of a virtual matrix: expanded from their buckets, as they are or turned, and their gradients added to the buckets.
 *
 * A piece's slots are hashed ahead of the loads or adds that need them: their addresses are then all known, and the memory
 * accesses overlap each other and the hashing.
 */
#ifndef HN_CPU_PANEL_H
#define HN_CPU_PANEL_H

#include "slots.h"

HN_INLINE void copy_line(const float *from, uint32_t sign, float *to) {
  for (int p = 0; p < PARTS; p++) store(to + p * VEC, with_signs(load(from + p * VEC), sign >> (p * VEC)));
}

HN_INLINE void add_line(const float *from, uint32_t sign, float *to) {
  for (int p = 0; p < PARTS; p++)
    store(to + p * VEC, load(to + p * VEC) + with_signs(load(from + p * VEC), sign >> (p * VEC)));
}

/* The first n < LINE columns of a run alone. */
HN_INLINE void copy_some(const float *from, uint32_t sign, int64_t n, float *to) {
  for (int64_t l = 0; l < n; l++) to[l] = sign >> l & 1 ? -from[l] : from[l];
}

HN_INLINE void add_some(const float *from, uint32_t sign, int64_t n, float *to) {
  for (int64_t l = 0; l < n; l++) to[l] += sign >> l & 1 ? -from[l] : from[l];
}

/* Lines are asked for so many rows before they are needed: a bank beyond L2 then costs a third less. */
#define AHEAD 8

/* What is done with a run: its bucket line and its place in the piece. */
typedef enum action { EXPAND, SCATTER } action;

HN_INLINE void do_run(action a, float *line, uint32_t sign, int64_t columns, float *piece) {
  if (columns >= LINE && a == EXPAND)
    copy_line(line, sign, piece);
  else if (columns >= LINE)
    add_line(piece, sign, line);
  else if (a == EXPAND)
    copy_some(line, sign, columns, piece);
  else
    add_some(piece, sign, columns, line);
}

HN_INLINE void prefetch_line(action a, const float *line) {
  if (a == EXPAND)
    __builtin_prefetch(line, 0);
  else
    __builtin_prefetch(line, 1);
}

/* Up to RUNS runs of a chunk of rows. */
HN_INLINE void lines_down(action a, const hn_matrix *v, float *w, int64_t row, int64_t rows, int64_t col, int64_t cols,
                          float *piece, int64_t ld) {
  _Alignas(64) uint32_t slot[RUNS][CHUNK], sign[RUNS][CHUNK];
  row_parts p;
  int64_t full = cols / LINE;
  start_rows(v, row, rows, col / LINE, &p);
  hash_line_down(v, &p, rows, col / LINE, hn__cpu_ceil(cols, LINE), slot, sign);
  for (int64_t i = 0; i < rows; i++, piece += ld) {
    for (int64_t k = 0; k < full && i + AHEAD < rows; k++) prefetch_line(a, w + (size_t)slot[k][i + AHEAD] * LINE);
    for (int64_t k = 0; k < full; k++) do_run(a, w + (size_t)slot[k][i] * LINE, sign[k][i], LINE, piece + k * LINE);
    if (cols % LINE) do_run(a, w + (size_t)slot[full][i] * LINE, sign[full][i], cols % LINE, piece + full * LINE);
  }
}

HN_INLINE void lines_along(action a, const hn_matrix *v, float *w, int64_t row, int64_t col, int64_t cols,
                           float *piece) {
  _Alignas(64) uint32_t slot[ALONG], sign[ALONG];
  for (int64_t j = 0; j < cols; j += ALONG * LINE) {
    int64_t runs = hn__cpu_least(hn__cpu_ceil(cols - j, LINE), ALONG);
    hash_line(v, row, (col + j) / LINE, runs, slot, sign);
    for (int64_t k = 0; k < runs; k++)
      do_run(a, w + (size_t)slot[k] * LINE, sign[k], cols - j - k * LINE, piece + j + k * LINE);
  }
}

/* Few rows are hashed along, many in chunks. */
HN_INLINE void lines(action a, const hn_matrix *v, float *w, int64_t row, int64_t rows, int64_t col, int64_t cols,
                     float *piece, int64_t ld) {
  if (rows < VEC)
    for (int64_t i = 0; i < rows; i++) lines_along(a, v, w, row + i, col, cols, piece + i * ld);
  else
    for (int64_t j = 0; j < cols; j += RUNS * LINE)
      for (int64_t i = 0; i < rows; i += CHUNK)
        lines_down(a, v, w, row + i, hn__cpu_least(rows - i, CHUNK), col + j, hn__cpu_least(cols - j, RUNS * LINE),
                   piece + i * ld + j, ld);
}

/* `cols` <= VEC columns of a chunk of rows. */
HN_INLINE void expand_columns(column_hash *c, const float *w, int64_t rows, int64_t cols, float *to, int64_t ld) {
  _Alignas(64) uint32_t slots[2][VEC];
  words flips = next_columns(c, slots[0]);
  for (int64_t i = 0, now = 0; i < rows; i++, now = !now, to += ld) {
    words ahead = next_columns(c, slots[!now]);
    floats x = (floats)((words)pick(w, slots[now]) ^ flips);
    if (cols == VEC)
      store(to, x);
    else
      store_some(to, x, cols);
    flips = ahead;
  }
}

HN_INLINE void scatter_columns(column_hash *c, float *w, int64_t rows, int64_t cols, const float *from, int64_t ld) {
  _Alignas(64) uint32_t slots[2][VEC];
  words flips = next_columns(c, slots[0]);
  for (int64_t i = 0, now = 0; i < rows; i++, now = !now, from += ld) {
    words ahead = next_columns(c, slots[!now]);
    if (cols == VEC) {
      add_to_slots(w, slots[now], (floats)((words)load(from) ^ flips));
    } else {
      floats x = (floats)((words)load_some(from, cols) ^ flips);
      for (int64_t l = 0; l < cols; l++) w[slots[now][l]] += x[l];
    }
    flips = ahead;
  }
}

/* A chunk of rows and as many columns. */
HN_INLINE void elements_chunk(action a, const hn_matrix *v, float *w, int64_t row, int64_t rows, int64_t col,
                              int64_t cols, float *piece, int64_t ld) {
  row_parts p;
  slot_table table;
  start_rows(v, row, rows, col, &p);
  if (v->balanced) {
    fill_table(&p, rows, cols, &table);
    turn_table(&table);
  }
  for (int64_t j = 0; j < cols; j += VEC) {
    column_hash c = columns_down(v, &p, col + j, v->balanced ? table.down[0] + j : NULL);
    if (a == EXPAND)
      expand_columns(&c, w, rows, hn__cpu_least(cols - j, VEC), piece + j, ld);
    else
      scatter_columns(&c, w, rows, hn__cpu_least(cols - j, VEC), piece + j, ld);
  }
}

HN_INLINE void elements(action a, const hn_matrix *v, float *w, int64_t row, int64_t rows, int64_t col, int64_t cols,
                        float *piece, int64_t ld) {
  for (int64_t j = 0; j < cols; j += CHUNK)
    for (int64_t i = 0; i < rows; i += CHUNK)
      elements_chunk(a, v, w, row + i, hn__cpu_least(rows - i, CHUNK), col + j, hn__cpu_least(cols - j, CHUNK),
                     piece + i * ld + j, ld);
}

static void expand(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col, int64_t cols, float *out,
                   int64_t ld) {
  if (v->scheme == HN_LINE)
    lines(EXPAND, v, (float *)w, row, rows, col, cols, out, ld);
  else
    elements(EXPAND, v, (float *)w, row, rows, col, cols, out, ld);
}

static void scatter(const hn_matrix *v, float *dw, int64_t row, int64_t rows, int64_t col, int64_t cols, const float *g,
                    int64_t ld) {
  if (v->scheme == HN_LINE)
    lines(SCATTER, v, dw, row, rows, col, cols, (float *)g, ld);
  else
    elements(SCATTER, v, dw, row, rows, col, cols, (float *)g, ld);
}

/* -- turned: column j of the piece is row j of the panel -- */

/* One run of 16 rows. */
HN_INLINE void turn_lines(const float *w, const uint32_t *slot, const uint32_t *sign, float *panel) {
#if VEC == 16
  floats x[16];
  for (int r = 0; r < 16; r++) x[r] = with_signs(load(w + (size_t)slot[r] * LINE), sign[r]);
  turn16(x);
  for (int c = 0; c < 16; c++) store(panel + c * HN_CPU_PANEL_COLS, x[c]);
#else
  _Alignas(64) float line[4][LINE];
  for (int r = 0; r < 16; r += 4) {
    for (int k = 0; k < 4; k++) copy_line(w + (size_t)slot[r + k] * LINE, sign[r + k], line[k]);
    for (int c = 0; c < LINE; c += 4) {
      quad x[4];
      for (int k = 0; k < 4; k++) memcpy(&x[k], line[k] + c, sizeof x[k]);
      turn4(x);
      for (int k = 0; k < 4; k++) memcpy(panel + (c + k) * HN_CPU_PANEL_COLS + r, &x[k], sizeof x[k]);
    }
  }
#endif
}

HN_INLINE void lines_turned(const hn_matrix *v, const float *w, row_parts *p, int64_t rows, int64_t col, int64_t cols,
                            float *panel) {
  _Alignas(64) uint32_t slot[RUNS][CHUNK], sign[RUNS][CHUNK];
  for (int64_t j = 0; j < cols; j += RUNS * LINE) {
    int64_t runs = hn__cpu_least(hn__cpu_ceil(cols - j, LINE), RUNS);
    hash_line_down(v, p, rows, (col + j) / LINE, runs, slot, sign);
    for (int64_t k = 0; k < runs; k++)
      for (int64_t i = 0; i < rows; i += 16) {
        const uint32_t *next = i + 16 < rows ? slot[k] + i + 16 : slot[k + 1 < runs ? k + 1 : k];
        for (int64_t r = 0; r < 16; r++) prefetch_line(EXPAND, w + (size_t)next[r] * LINE);
        turn_lines(w, slot[k] + i, sign[k] + i, panel + (j + k * LINE) * HN_CPU_PANEL_COLS + i);
      }
  }
}

HN_INLINE void elements_turned(const hn_matrix *v, const float *w, row_parts *p, int64_t rows, int64_t col,
                               int64_t cols, float *panel) {
  _Alignas(64) uint32_t slots[2][VEC];
  slot_table table;
  for (int64_t first = 0; first < cols; first += CHUNK) {
    int64_t n = hn__cpu_least(cols - first, CHUNK);
    if (v->balanced) fill_table(p, rows, n, &table);
    for (int64_t i = 0; i < rows; i += VEC) {
      element_hash e = elements_down(v, p, i, col + first, v->balanced ? table.down[0] + i : NULL);
      words flips = next_elements(&e, slots[0]);
      for (int64_t j = first, now = 0; j < first + n; j++, now = !now) {
        words ahead = next_elements(&e, slots[!now]);
        store(panel + j * HN_CPU_PANEL_COLS + i, (floats)((words)pick(w, slots[now]) ^ flips));
        flips = ahead;
      }
    }
  }
}

static void expand_turned(const hn_matrix *v, const float *w, int64_t row, int64_t rows, int64_t col, int64_t cols,
                          float *panel) {
  row_parts p;
  start_rows(v, row, rows, col / hn__grain(v->scheme), &p);
  if (v->scheme == HN_LINE)
    lines_turned(v, w, &p, hn__cpu_ceil(rows, LINE) * LINE, col, cols, panel);
  else
    elements_turned(v, w, &p, rows, col, cols, panel);
}

#endif
