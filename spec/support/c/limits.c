/* Runs a text under limits, then another one: limits BYTES INSTRUCTIONS SECONDS LIBRARIES TEXT TEXT, where "-" is no
 * list. Prints how each ended. */
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
  if (argc != 7) return 2;
  options.device = "cpu";
  options.lua_memory = atoll(argv[1]);
  options.instructions = atoll(argv[2]);
  options.seconds = atof(argv[3]);
  options.libraries = strcmp(argv[4], "-") == 0 ? NULL : argv[4];
  hn_status status = hn_open(&options, &engine);
  if (status == HN_OK) {
    run(engine, argv[5]);
    run(engine, argv[6]);
  } else {
    printf("open: %s %s\n", hn_status_name(status), hn_error(engine));
  }
  hn_close(engine);
  return 0;
}
