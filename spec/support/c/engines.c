/* engines open N: opens and closes N engines, each of which runs a text, and prints by how many KiB the process has
 * grown over the last half of them. engines threads N: N threads train at once, each in an engine of its own, whose
 * time is limited too, and print what came out. */
#include <hn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char training[] =
    "local hn = require 'hn'\n"
    "hn.use { device = 'cpu', threads = 1, seed = 7 }\n"
    "local x = hn.tensor({ 64, 8 }):normal(0, 1)\n"
    "local net = hn.nn.Sequential { hn.nn.Hashed(8, 32), hn.nn.ReLU(), hn.nn.Linear(32, 1) }\n"
    "local history = hn.fit(net, { x = x, y = x:sum(2):reshape(64, 1) }, { loss = 'mse', epochs = 5, progress = false "
    "})\n"
    "error(('%.17g'):format(history.loss[5]), 0)\n";

static bool run(const char *text, char *said, size_t size) {
  hn_engine_options options = hn_engine_options_default();
  hn_engine *engine;
  options.seconds = 100;
  options.lua_memory = 64 << 20;
  hn_status status = hn_open(&options, &engine);
  if (status == HN_OK) status = hn_run_string(engine, text, "=text");
  if (status != HN_OK) snprintf(said, size, "%.*s", (int)strcspn(hn_error(engine), "\n"), hn_error(engine));
  hn_close(engine);
  return status == HN_OK;
}

static long kibibytes(void) {
  long pages = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2) exit(1);
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void open_many(int n) {
  char said[256] = "";
  long before = 0;
  for (int i = 0; i < n; i++) {
    if (i == n / 2) before = kibibytes();
    if (!run("local t = {} for i = 1, 100 do t[i] = {} end", said, sizeof said)) puts(said);
  }
  for (int i = 0; i < n / 500; i++) run(training, said, sizeof said);
  printf("%ld\n", kibibytes() - before);
}

static void *train(void *said) {
  run(training, said, 256);
  return NULL;
}

int main(int argc, char **argv) {
  enum { MOST = 8 };
  pthread_t threads[MOST];
  static char said[MOST][256];
  int n = argc == 3 ? atoi(argv[2]) : 0;
  if (n > 0 && strcmp(argv[1], "open") == 0) open_many(n);
  if (n < 1 || n > MOST || strcmp(argv[1], "threads") != 0) return 0;
  for (int i = 0; i < n; i++)
    if (pthread_create(&threads[i], NULL, train, said[i]) != 0) return 1;
  for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < n; i++) puts(said[i]);
  return 0;
}
