/*
 * Where a virtual weight is, for kernels: core/hash.h's map with what a matrix' rows share computed beforehand. A run
 * is `grain` neighbouring columns of a row that share a slot of as many buckets (16 for line, 1 for element).
 */
#ifndef HN_CUDA_MAP_H
#define HN_CUDA_MAP_H

#include "../engine/core/balanced.h"
#include "device.h"

/* The permutation of a strip, without what depends on which strip it is. */
typedef struct hn__cuda_halves {
  uint64_t n;
  uint32_t a, b, end;
} hn__cuda_halves;

/* A matrix as kernels get it: by value. */
typedef struct hn__cuda_map {
  int64_t rows, cols, strip;
  uint32_t seed, slots, strips, across; /* slots of the matrix, strips, runs of a row */
  uint32_t keep;                        /* anded with a run's signs: 0 where the matrix has none */
  hn__cuda_halves whole, last;          /* of every strip but the last, and of that; of balanced matrices alone */
} hn__cuda_map;

static inline hn__cuda_halves hn__cuda_halves_of(const hn_matrix *m, int64_t row) {
  hn__balance p = hn__balance_of(m, row);
  return {p.n, p.a, p.b, p.end};
}

static inline hn__cuda_map hn__cuda_map_of(const hn_matrix *m) {
  int64_t grain = hn__grain(m->scheme), strips = m->strip > 0 ? hn__cuda_ceil(m->rows, m->strip) : 1;
  hn__cuda_map map = {};
  map.rows = m->rows;
  map.cols = m->cols;
  map.strip = m->strip > 0 ? m->strip : m->rows;
  map.seed = m->seed;
  map.slots = (uint32_t)(m->count / grain);
  map.strips = (uint32_t)strips;
  map.across = (uint32_t)hn__cuda_ceil(m->cols, grain);
  map.keep = m->sign ? 0xffffffffu : 0;
  if (m->balanced) {
    map.whole = hn__cuda_halves_of(m, 0);
    map.last = hn__cuda_halves_of(m, m->rows - 1);
  }
  return map;
}

/* The slots of strip s. */
__device__ __forceinline__ hn__bank hn__cuda_bank(const hn__cuda_map &map, uint32_t s) {
  if (map.strips == 1) return {0, map.slots};
  uint32_t first = (uint32_t)((uint64_t)s * map.slots / map.strips);
  return {first, (uint32_t)((uint64_t)(s + 1) * map.slots / map.strips) - first};
}

/* What the runs of a row share. */
template <bool BALANCED> struct hn__cuda_row {
  uint32_t hash, signs; /* the row's part of the hashes */
  hn__bank bank;
};
template <> struct hn__cuda_row<true> {
  uint32_t hash, signs;
  hn__balance balance;
  uint64_t number; /* of its first run */
};

/* A run's slot, counted from the matrix' first, and its signs: weight l of the run is negated where bit l is set. */
typedef struct hn__cuda_run {
  uint32_t slot, signs;
} hn__cuda_run;

template <int GRAIN, bool BALANCED>
__device__ __forceinline__ hn__cuda_row<BALANCED> hn__cuda_row_of(const hn__cuda_map &map, int64_t i) {
  hn__cuda_row<BALANCED> row;
  uint32_t s = map.strips == 1 ? 0 : (uint32_t)((uint32_t)i / (uint32_t)map.strip);
  row.hash = hn__hash_row((uint32_t)i, map.seed);
  row.signs = hn__hash_row((uint32_t)i, map.seed ^ HN_SIGN_SEED);
  if constexpr (BALANCED) {
    hn__cuda_halves h = map.whole; /* a copy: a reference to either would put both into memory */
    if (s + 1 >= map.strips) h = map.last;
    hn__balance &p = row.balance;
    p.bank = hn__cuda_bank(map, s);
    p.top = (int64_t)s * map.strip;
    p.across = map.across;
    p.n = h.n;
    p.a = h.a;
    p.b = h.b;
    p.end = h.end;
    for (uint32_t t = 0; t < 4; t++) p.key[t] = hn__hash_row(4 * s + t, map.seed ^ HN_BALANCE_SEED);
    row.number = (uint64_t)(i - p.top) * map.across;
  } else {
    row.bank = hn__cuda_bank(map, s);
  }
  return row;
}

/* Divisions of 64 bits cost a GPU some hundred instructions; strips of fewer than 2^32 runs need none. */
__device__ __forceinline__ uint32_t hn__cuda_balanced_slot(const hn__balance &p, uint64_t n) {
  bool small = p.n <= 0xffffffffu;
  hn__halves x;
  if (small)
    x.l = (uint32_t)n / p.b, x.r = (uint32_t)n % p.b;
  else
    x = hn__balance_split(&p, n);
  do x = hn__balance_rounds(&p, x);
  while (hn__balance_outside(&p, x));
  if (small) return p.bank.first + (x.l * p.b + x.r) % p.bank.size;
  return p.bank.first + (uint32_t)(hn__balance_join(&p, x) % p.bank.size);
}

/* Run g of the row. */
template <int GRAIN, bool BALANCED>
__device__ __forceinline__ hn__cuda_run hn__cuda_run_of(const hn__cuda_map &map, const hn__cuda_row<BALANCED> &row,
                                                        uint32_t g) {
  uint32_t h = 0;
  hn__cuda_run run;
  if (GRAIN == 1 || !BALANCED) h = hn__hash_col(row.hash, g);
  if constexpr (BALANCED)
    run.slot = hn__cuda_balanced_slot(row.balance, row.number + g);
  else
    run.slot = row.bank.first + hn__range(h >> 1, row.bank.size);
  run.signs = (GRAIN == 1 ? h & 1 : hn__hash_col(row.signs, g)) & map.keep;
  return run;
}

/* x, or -x where bit l of signs is set: an exclusive or of the sign bit. */
__device__ __forceinline__ float hn__cuda_signed(float x, uint32_t signs, int l) {
  return __uint_as_float(__float_as_uint(x) ^ (signs >> l << 31));
}

/* Calls f<GRAIN, BALANCED>(...) for the matrix' scheme: HN_CUDA_BY_SCHEME(v, f, arguments). */
#define HN_CUDA_BY_SCHEME(v, f, ...)                                                                                   \
  ((v)->scheme == HN_LINE ? ((v)->balanced ? f<16, true>(__VA_ARGS__) : f<16, false>(__VA_ARGS__))                     \
                          : ((v)->balanced ? f<1, true>(__VA_ARGS__) : f<1, false>(__VA_ARGS__)))

#endif
