/*
 * The program: reads the command line, opens an engine and runs scripts in it. Everything else is in the library, over
 * the part of hn.h that any host has.
 */
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "edit.h"
#include "hn.h"
#include "repl.h"

enum { EXIT_SCRIPT = 1, EXIT_USAGE = 2, LONGEST_MODULE = 200 };

/* What -e and -l ask for, in the order of the command line. */
typedef struct action {
  bool module;
  const char *text;
} action;

typedef struct command {
  hn_engine_options engine;
  action *actions;
  int action_count;
  bool code, help, version, interactive, sandbox;
  const char **folders; /* ends with NULL */
  int folder_count;
  int script; /* where it stands in argv; argc if there is none */
} command;

/* -- options: each takes its value and says whether that was one ------------------------------------------------- */

static bool add_action(command *c, bool module, const char *text) {
  c->actions[c->action_count++] = (action){module, text};
  return true;
}

static bool take_code(command *c, const char *value) {
  c->code = true;
  return add_action(c, false, value);
}

/* The names go into a line of Lua as they stand. */
static bool take_module(command *c, const char *value) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  size_t first = strspn(value, letters);
  const char *name = value[first] == '=' ? value + first + 1 : value;
  bool good = first > 0 && *name && name[strspn(name, letters)] == '\0' && strlen(value) <= LONGEST_MODULE;
  return good && add_action(c, true, value);
}

static bool take_device(command *c, const char *value) {
  c->engine.device = value;
  return *value && *value != '-';
}

static bool whole_number(const char *text, unsigned long most, unsigned long *number) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || digits > 10 || text[digits]) return false;
  unsigned long long value = strtoull(text, NULL, 10);
  *number = (unsigned long)value;
  return value <= most;
}

static bool take_threads(command *c, const char *value) {
  unsigned long n = 0;
  bool good = whole_number(value, 4096, &n);
  c->engine.threads = (int)n;
  return good && n > 0;
}

static bool take_memory(command *c, const char *value) { return hn_parse_bytes(value, &c->engine.memory); }

static bool take_seed(command *c, const char *value) {
  unsigned long n = 0;
  c->engine.seed_set = whole_number(value, UINT32_MAX, &n);
  c->engine.seed = (uint32_t)n;
  return c->engine.seed_set;
}

static bool take_lua_memory(command *c, const char *value) { return hn_parse_bytes(value, &c->engine.lua_memory); }

static bool take_instructions(command *c, const char *value) {
  unsigned long n = 0;
  bool good = whole_number(value, 4000000000, &n);
  c->engine.instructions = (int64_t)n;
  return good && n > 0;
}

static bool take_seconds(command *c, const char *value) {
  char *end;
  c->engine.seconds = strtod(value, &end);
  return end != value && *end == '\0' && c->engine.seconds > 0 && c->engine.seconds <= 1e6;
}

static bool take_sandbox(command *c, const char *value) {
  (void)value;
  return c->sandbox = true;
}

static bool take_folder(command *c, const char *value) {
  c->folders[c->folder_count++] = value;
  return *value != '\0';
}

static bool take_interactive(command *c, const char *value) {
  (void)value;
  return c->interactive = true;
}

static bool take_version(command *c, const char *value) {
  (void)value;
  return c->version = true;
}

static bool take_help(command *c, const char *value) {
  (void)value;
  return c->help = true;
}

typedef struct option {
  const char *letter, *word; /* either may be NULL */
  const char *value;         /* how the help calls its value; NULL: it has none */
  const char *help;
  const char *expected; /* what a value must be */
  bool (*take)(command *c, const char *value);
} option;

static const option options[] = {
    {"-e", NULL, "CODE", "run CODE", "Lua code", take_code},
    {"-l", NULL, "MODULE", "require MODULE into a global of its name; NAME=MODULE: into NAME",
     "a module's name, such as hn or nn=hn.nn", take_module},
    {"-i", NULL, NULL, "after the script or the code go on at the prompt, with its global variables", NULL,
     take_interactive},
    {NULL, "--device", "NAME", "where to compute: auto, cpu, cuda, cuda:1; auto is a GPU if one works, else the CPU",
     "a device's name, such as auto, cpu or cuda", take_device},
    {NULL, "--threads", "N", "threads of the CPU; all of them unless told otherwise", "a whole number from 1 to 4096",
     take_threads},
    {NULL, "--memory", "SIZE", "bytes that the device may hold, such as 64MiB or 1.5GiB",
     "a number of bytes, such as 64MiB, 1.5GiB, 500kB or 1000000", take_memory},
    {NULL, "--seed", "N", "seed of the random numbers and of the layers", "a whole number from 0 to 4294967295",
     take_seed},
    {NULL, "--sandbox", NULL, "a script of others: no io, os, package, debug; files in the folders of --allow alone",
     NULL, take_sandbox},
    {NULL, "--allow", "FOLDER", "in the sandbox, read and write files in FOLDER; again for another one", "a folder",
     take_folder},
    {NULL, "--lua-memory", "SIZE", "bytes that Lua itself may hold, such as 64MiB",
     "a number of bytes, such as 64MiB, 1.5GiB, 500kB or 1000000", take_lua_memory},
    {NULL, "--instructions", "N", "of Lua's virtual machine, after which the script ends",
     "a whole number from 1 to 4000000000", take_instructions},
    {NULL, "--seconds", "N", "of the clock, after which the script ends", "a number above 0, at most 1000000",
     take_seconds},
    {"-v", "--version", NULL, "print the version and what was built in", NULL, take_version},
    {"-h", "--help", NULL, "print this", NULL, take_help},
};
enum { OPTIONS = sizeof options / sizeof *options };

/* -- usage -------------------------------------------------------------------------------------------------------- */

static void print_usage(FILE *to) {
  fputs("usage: hnrun [options] script.lua [arguments]\n"
        "       hnrun [options] -  [arguments]   runs standard input\n"
        "       hnrun [options]                  the prompt on a terminal, else standard input\n"
        "       hnrun [options] export --c model.hn -o NAME    a network as C or ONNX; export --help tells more\n\n",
        to);
  for (int i = 0; i < OPTIONS; i++) {
    const option *o = &options[i];
    char names[40];
    snprintf(names, sizeof names, "%s%s%s %s", o->letter ? o->letter : "", o->letter && o->word ? ", " : "",
             o->word ? o->word : "", o->value ? o->value : "");
    fprintf(to, "  %-18s %s\n", names, o->help);
  }
  fputs("\nThe engine's options win over what the script asks for with hn.use.\n", to);
}

/* How many letters must be put in, taken out or changed to make b of a (Levenshtein 1966). */
static int distance(const char *a, size_t a_length, const char *b) {
  enum { LONGEST = 32 };
  size_t b_length = strlen(b);
  int row[LONGEST + 1];
  if (a_length > LONGEST || b_length > LONGEST) return LONGEST;
  for (size_t j = 0; j <= b_length; j++) row[j] = (int)j;
  for (size_t i = 1; i <= a_length; i++) {
    int diagonal = row[0]++;
    for (size_t j = 1; j <= b_length; j++) {
      int change = diagonal + (a[i - 1] != b[j - 1]), put = row[j - 1] + 1, take = row[j] + 1;
      diagonal = row[j];
      row[j] = change < put ? change : put;
      if (take < row[j]) row[j] = take;
    }
  }
  return row[b_length];
}

static const char *nearest_option(const char *text) {
  const char *nearest = NULL;
  int least = 4;
  for (int i = 0; i < OPTIONS; i++) {
    int d = options[i].word ? distance(text, strcspn(text, "="), options[i].word) : least;
    if (d < least) least = d, nearest = options[i].word;
  }
  return nearest;
}

static int unknown_option(const char *text) {
  const char *nearest = nearest_option(text);
  fprintf(stderr, "hnrun: unknown option '%s'%s%s%s; hnrun --help lists them\n", text, nearest ? ", nearest is '" : "",
          nearest ? nearest : "", nearest ? "'" : "");
  return EXIT_USAGE;
}

/* -- command line ------------------------------------------------------------------------------------------------- */

/* Whether text is this option; *value is what is written behind it as --word=value or -lvalue, or NULL. */
static bool matches(const option *o, const char *text, const char **value) {
  *value = NULL;
  if (o->letter && strncmp(text, o->letter, 2) == 0 && (text[2] == '\0' || o->value)) {
    *value = text[2] ? text + 2 : NULL;
    return true;
  }
  size_t length = o->word ? strlen(o->word) : 0;
  if (!o->word || strncmp(text, o->word, length) != 0) return false;
  *value = text[length] == '=' ? text + length + 1 : NULL;
  return text[length] == '\0' || text[length] == '=';
}

static int bad_value(const option *o, const char *value) {
  fprintf(stderr, "hnrun: option '%s' %s %s, got %s%s%s\n", o->word ? o->word : o->letter,
          o->value ? "expects" : "takes", o->value ? o->expected : "no value", value ? "'" : "",
          value ? value : "nothing", value ? "'" : "");
  return EXIT_USAGE;
}

/* Takes the option at argv[*at], with its value where that stands behind it, and moves *at past them. */
static int read_option(command *c, char **argv, int *at) {
  const char *text = argv[(*at)++], *value = NULL;
  const option *o = options;
  while (o < options + OPTIONS && !matches(o, text, &value)) o++;
  if (o == options + OPTIONS) return unknown_option(text);
  if (!o->value && value) return bad_value(o, value);
  if (o->value && !value && argv[*at]) value = argv[(*at)++];
  if (o->value && !value) return bad_value(o, NULL);
  return o->take(c, value) ? EXIT_SUCCESS : bad_value(o, value);
}

/* Options end at the script, at "-" (standard input) or behind "--". */
static int read_command(command *c, int argc, char **argv) {
  int at = 1, status = EXIT_SUCCESS;
  while (status == EXIT_SUCCESS && at < argc && argv[at][0] == '-' && argv[at][1]) {
    if (strcmp(argv[at], "--") == 0) {
      at++;
      break;
    }
    status = read_option(c, argv, &at);
  }
  c->script = at;
  return status;
}

/* -- Ctrl-C ------------------------------------------------------------------------------------------------------- */

static hn_engine *volatile running; /* a signal handler has no other way to it */

/* A script may be deep in a computation that does not look up: three times within a second each ends the program. */
static void on_interrupt(int number) {
  if (hn__repl_signal(number)) return;
  static volatile sig_atomic_t presses;
  static struct timespec last;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  double seconds = (double)(now.tv_sec - last.tv_sec) + 1e-9 * (double)(now.tv_nsec - last.tv_nsec);
  presses = seconds < 1 ? presses + 1 : 1;
  last = now;
  if (presses >= 3) {
    signal(number, SIG_DFL);
    raise(number);
  }
  if (running) hn_interrupt(running);
}

/* Without SA_RESTART a script that waits for input wakes up. */
static void catch_interrupts(hn_engine *engine) {
  struct sigaction act = {.sa_handler = on_interrupt};
  sigemptyset(&act.sa_mask);
  running = engine;
  sigaction(SIGINT, &act, NULL);
}

/* -- running ------------------------------------------------------------------------------------------------------ */

typedef struct arguments {
  int argc, script;
  char **argv;
  bool wrong; /* what hnrun export was given */
} arguments;

/* The global `arg` as in lua: the script is at 0, what stands before it at negative indices. */
static int set_arg(lua_State *L) {
  const arguments *a = lua_touserdata(L, 1);
  int zero = a->script < a->argc ? a->script : 0;
  lua_createtable(L, a->argc - zero, zero + 1);
  for (int i = 0; i < a->argc; i++) {
    lua_pushstring(L, a->argv[i]);
    lua_rawseti(L, -2, i - zero);
  }
  lua_setglobal(L, "arg");
  return 0;
}

/* Opens the engine's context, which takes the device from the command line. */
static int open_device(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "hn");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "device");
  lua_call(L, 0, 0);
  return 0;
}

/* Calls Lua's interface protected: each of its functions may run out of memory. */
static bool prepare(hn_engine *engine, lua_CFunction function, arguments *a, const char *about) {
  lua_State *L = hn_lua(engine);
  lua_pushcfunction(L, function);
  lua_pushlightuserdata(L, a);
  if (lua_pcall(L, 1, 0, 0) == LUA_OK) return true;
  fprintf(stderr, "hnrun: %s%s\n", about, lua_tostring(L, -1));
  return false;
}

/* The engine ends a script between two operations; this ends it in the middle of one. */
static void on_alarm(int number) {
  static const char text[] = "hnrun: quota: the script has used its seconds, and was in a call that does not end\n";
  (void)number;
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(EXIT_SCRIPT);
  _exit(EXIT_SCRIPT);
}

/* Gives a run its seconds, and one more to end by itself. */
static void set_alarm(const command *c) {
  if (c->engine.seconds <= 0) return;
  signal(SIGALRM, on_alarm);
  alarm((unsigned)c->engine.seconds + 2);
}

static hn_status require_module(hn_engine *engine, const char *text) {
  const char *equals = strchr(text, '=');
  int name = equals ? (int)(equals - text) : (int)strlen(text);
  char line[2 * LONGEST_MODULE + 32];
  snprintf(line, sizeof line, "_G['%.*s'] = require '%s'", name, text, equals ? equals + 1 : text);
  return hn_run_string(engine, line, "=(command line)");
}

static hn_status run_actions(hn_engine *engine, const command *c) {
  for (int i = 0; i < c->action_count; i++) {
    const action *a = &c->actions[i];
    set_alarm(c);
    hn_status status = a->module ? require_module(engine, a->text) : hn_run_string(engine, a->text, "=(command line)");
    if (status != HN_OK) return status;
  }
  return HN_OK;
}

/* Runs what the command names; standard input where it names nothing. */
static hn_status run_script(hn_engine *engine, const command *c, int argc, char **argv) {
  if (c->script >= argc && (c->code || c->interactive)) return HN_OK;
  set_alarm(c);
  if (c->script >= argc) return hn_run_file(engine, NULL, 0, NULL);
  const char *path = argv[c->script];
  const char *const *rest = (const char *const *)(argv + c->script + 1);
  return hn_run_file(engine, strcmp(path, "-") == 0 ? NULL : path, argc - c->script - 1, rest);
}

static hn_status print_version(hn_engine *engine) {
  static const char script[] = "local core <const> = require 'hn.core'\n"
                               "print('hnrun ' .. core.version)\n"
                               "for _, part in ipairs(core.built) do print('  ' .. part) end\n";
  hn_status status = hn_run_string(engine, script, "=(version)");
  if (status == HN_OK) printf("  %s\n", hn__editor_name());
  return status;
}

/* Calls hn.export.command, which gives what is wrong with the arguments, or nil. */
static int call_export(lua_State *L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "hn.export");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "command");
  lua_getglobal(L, "arg");
  lua_call(L, 1, 1);
  if (lua_isnil(L, -1)) return 0;
  arguments *a = lua_touserdata(L, 1);
  a->wrong = true;
  fprintf(stderr, "hnrun: export: %s\n", lua_tostring(L, -1));
  return 0;
}

static int run_export(hn_engine *engine, const command *c, arguments *a) {
  if (run_actions(engine, c) != HN_OK) {
    fprintf(stderr, "hnrun: %s\n", hn_error(engine));
    return EXIT_SCRIPT;
  }
  if (!prepare(engine, call_export, a, "")) return EXIT_SCRIPT;
  return a->wrong ? EXIT_USAGE : EXIT_SUCCESS;
}

/* A script of that name is run as ./export. */
static bool wants_export(const command *c, int argc, char **argv) {
  return c->script < argc && strcmp(argv[c->script], "export") == 0;
}

static hn_status run_command(hn_engine *engine, const command *c, int argc, char **argv) {
  hn_status status = run_actions(engine, c);
  return status == HN_OK ? run_script(engine, c, argc, argv) : status;
}

/* A device that is not there is told before the script starts, as any bad value of an option. The prompt comes after a
 * script that failed as well: what it has left is there to be looked at. */
static int run(hn_engine *engine, const command *c, int argc, char **argv) {
  arguments a = {argc, c->script, argv, false};
  if (c->engine.device && !prepare(engine, open_device, &a, "option '--device': ")) return EXIT_USAGE;
  if (!prepare(engine, set_arg, &a, "")) return EXIT_SCRIPT;
  if (!c->version && wants_export(c, argc, argv)) return run_export(engine, c, &a);
  hn_status status = c->version ? print_version(engine) : run_command(engine, c, argc, argv);
  if (status != HN_OK) fprintf(stderr, "hnrun: %s\n", hn_error(engine));
  if (c->interactive && !c->version && !hn__repl(engine)) return EXIT_SCRIPT;
  return status == HN_OK ? EXIT_SUCCESS : EXIT_SCRIPT;
}

static int open_and_run(const command *c, int argc, char **argv) {
  hn_engine *engine = NULL;
  int result = EXIT_SCRIPT;
  if (hn_open(&c->engine, &engine) == HN_OK) {
    catch_interrupts(engine);
    result = run(engine, c, argc, argv);
    running = NULL;
  } else {
    fprintf(stderr, "hnrun: %s\n", engine ? hn_error(engine) : "out of memory");
  }
  hn_close(engine);
  bool written = fflush(stdout) == 0 && !ferror(stdout);
  if (!written) fputs("hnrun: cannot write to standard output\n", stderr);
  return result == EXIT_SUCCESS && !written ? EXIT_SCRIPT : result;
}

/* A terminal with nothing to run is somebody who wants the prompt. */
static bool nothing_to_do(const command *c, int argc) {
  return c->script >= argc && !c->code && !c->version && isatty(STDIN_FILENO);
}

/* What the options ask for together; false, and why, if they do not go together. */
static bool close_sandbox(command *c, int argc, char **argv) {
  static const char libraries[] = "base,coroutine,table,string,utf8,math,hn";
  const char *wrong = NULL;
  bool quota = c->engine.seconds > 0 || c->engine.instructions > 0;
  if (c->folder_count > 0 && !c->sandbox) wrong = "option '--allow' expects '--sandbox' beside it";
  if (c->interactive && (c->sandbox || quota)) wrong = "the prompt has no sandbox and no quotas: name a script";
  if (c->sandbox && wants_export(c, argc, argv)) wrong = "export does not run in a sandbox";
  if (wrong) fprintf(stderr, "hnrun: %s\n", wrong);
  if (c->sandbox && !c->version) c->engine.libraries = libraries, c->engine.folders = c->folders;
  return !wrong;
}

static int obey(command *c, int argc, char **argv) {
  if (c->help) {
    print_usage(stdout);
    return EXIT_SUCCESS;
  }
  c->interactive = c->interactive || nothing_to_do(c, argc);
  if (!close_sandbox(c, argc, argv)) return EXIT_USAGE;
  return open_and_run(c, argc, argv);
}

int main(int argc, char **argv) {
  command c = {.engine = hn_engine_options_default(),
               .actions = calloc((size_t)argc + 1, sizeof *c.actions),
               .folders = calloc((size_t)argc + 1, sizeof *c.folders)};
  bool room = c.actions && c.folders;
  if (!room) fputs("hnrun: out of memory\n", stderr);
  int status = room ? read_command(&c, argc, argv) : EXIT_SCRIPT;
  if (status == EXIT_SUCCESS) status = obey(&c, argc, argv);
  free(c.actions);
  free(c.folders);
  return status;
}
