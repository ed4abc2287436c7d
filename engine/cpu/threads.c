/*
 * The device's threads. A job is a number of pieces, which the caller and the threads that are awake take one after the
 * other; the job is over when its pieces are, so the caller never waits for a thread that did not come in time.
 *
 * Why not OpenMP: its teams meet at the end of every loop, and wait for each other spinning. As soon as another process
 * wants a core, each such meeting can cost a time slice (training became 10 times slower beside one busy process).
 * Here a thread spins for a while, which covers the gaps within a training step, and then sleeps: to wake it takes tens of
 * microseconds, more in a virtual machine. Before long it only spins on a core that nobody else wants.
 */
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "cpu.h"

#define SPIN 200000 /* nanoseconds */
#define SELFISH 30000 /* of these */

struct hn__cpu_pool {
  pthread_mutex_t lock; /* guards what is not atomic */
  pthread_cond_t wake, done;
  pthread_t *threads;
  int wanted, started; /* besides the caller */
  int numbered;        /* threads that have taken their number */
  int sleeping;
  bool open, quit;   /* whether the job can still be joined; whether to end */
  atomic_uint job;   /* number of the job */
  atomic_int inside; /* threads at work on it, besides the caller */
  hn__cpu_piece *piece;
  const void *arguments;
  int64_t pieces;
  atomic_int_fast64_t next;
};

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Waits a moment; false when it has done so since `start` for long enough. The clock counts, for processors' pauses differ
 * by more than ten times. */
static bool spin(int64_t start) {
#if defined(__x86_64__) || defined(__i386__)
  for (int i = 0; i < 8; i++) __builtin_ia32_pause();
#endif
  int64_t spent = now() - start;
  if (spent > SELFISH) sched_yield();
  return spent < SPIN;
}

static void take_pieces(hn__cpu_pool *pool, int thread) {
  int64_t i;
  while ((i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->pieces)
    pool->piece(pool->arguments, i, thread);
}

/* Waits for another job than `seen`; false when the pool ends. `*joined` tells whether it came in time. */
static bool wait_for_job(hn__cpu_pool *pool, unsigned *seen, bool *joined) {
  int64_t start = now();
  while (atomic_load_explicit(&pool->job, memory_order_relaxed) == *seen && spin(start)) continue;
  pthread_mutex_lock(&pool->lock);
  pool->sleeping++;
  while (!pool->quit && atomic_load(&pool->job) == *seen) pthread_cond_wait(&pool->wake, &pool->lock);
  pool->sleeping--;
  *seen = atomic_load(&pool->job);
  *joined = pool->open;
  if (*joined) atomic_fetch_add(&pool->inside, 1);
  bool quit = pool->quit;
  pthread_mutex_unlock(&pool->lock);
  return !quit;
}

static void leave_job(hn__cpu_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  if (atomic_fetch_sub(&pool->inside, 1) == 1) pthread_cond_signal(&pool->done);
  pthread_mutex_unlock(&pool->lock);
}

static void *run_thread(void *argument) {
  hn__cpu_pool *pool = argument;
  unsigned seen = 0;
  bool joined;
  omp_set_num_threads(1); /* of BLAS, when this thread calls it */
  pthread_mutex_lock(&pool->lock);
  int thread = ++pool->numbered;
  pthread_mutex_unlock(&pool->lock);
  while (wait_for_job(pool, &seen, &joined))
    if (joined) {
      take_pieces(pool, thread);
      leave_job(pool);
    }
  return NULL;
}

hn__cpu_pool *hn__cpu_pool_new(int threads) {
  hn__cpu_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->wanted = threads - 1;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_cond_init(&pool->done, NULL);
  return pool;
}

/* Starts the threads on first need. Signals belong to the program: these threads take none. With fewer threads than
 * wanted everything still works, and gives the same results. */
static void start_threads(hn__cpu_pool *pool) {
  sigset_t all, before;
  pool->threads = calloc((size_t)pool->wanted, sizeof *pool->threads);
  if (!pool->threads) pool->wanted = 0;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool->started < pool->wanted && pthread_create(&pool->threads[pool->started], NULL, run_thread, pool) == 0)
    pool->started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pool->wanted = pool->started;
}

void hn__cpu_pool_free(hn__cpu_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->lock);
  pool->quit = true;
  atomic_fetch_add(&pool->job, 1);
  pool->open = false;
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (int i = 0; i < pool->started; i++) pthread_join(pool->threads[i], NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  free(pool->threads);
  free(pool);
}

static void offer_job(hn__cpu_pool *pool, int64_t pieces, hn__cpu_piece *piece, const void *arguments) {
  pthread_mutex_lock(&pool->lock);
  pool->piece = piece;
  pool->arguments = arguments;
  pool->pieces = pieces;
  atomic_store(&pool->next, 0);
  pool->open = true;
  atomic_fetch_add(&pool->job, 1);
  if (pool->sleeping > 0) pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
}

/* Nobody may join any more; waits for those inside, whose pieces are the last ones. */
static void end_job(hn__cpu_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  pool->open = false;
  pthread_mutex_unlock(&pool->lock);
  int64_t start = now();
  while (atomic_load(&pool->inside) > 0 && spin(start)) continue;
  pthread_mutex_lock(&pool->lock);
  while (atomic_load(&pool->inside) > 0) pthread_cond_wait(&pool->done, &pool->lock);
  pthread_mutex_unlock(&pool->lock);
}

void hn__cpu_parallel(hn__device *d, double work, int64_t pieces, hn__cpu_piece *piece, const void *arguments) {
  const hn__cpu_device *device = (const hn__cpu_device *)d;
  hn__cpu_pool *pool = device->pool;
  if (pool && pool->wanted > pool->started) start_threads(pool);
  if (!pool || pool->started == 0 || pieces < 2 || work < device->serial) {
    for (int64_t i = 0; i < pieces; i++) piece(arguments, i, 0);
    return;
  }
  offer_job(pool, pieces, piece, arguments);
  take_pieces(pool, 0);
  end_job(pool);
}
