/* Runs a text under limits, then another one: limits BYTES INSTRUCTIONS TEXT TEXT. Prints how each ended. */
#include <hn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run(hn_engine *engine, const char *text) {
  hn_status status = hn_run_string(engine, text, "=text");
  const char *error = status == HN_OK ? "" : hn_error(engine);
  printf("%s %.*s\n", hn_status_name(status), (int)strcspn(error, "\n"), error);
}

int main(int argc, char **argv) {
  hn_engine_options options = hn_engine_options_default();
  hn_engine *engine;
  if (argc != 5) return 2;
  options.device = "cpu";
  options.lua_memory = atoll(argv[1]);
  options.instructions = atoll(argv[2]);
  hn_status status = hn_open(&options, &engine);
  if (status == HN_OK) {
    run(engine, argv[3]);
    run(engine, argv[4]);
  } else {
    printf("open: %s %s\n", hn_status_name(status), hn_error(engine));
  }
  hn_close(engine);
  return 0;
}
