/*
 * The prompt: takes lines from a person or a file to the session in lua/hn/repl, which knows what they mean, what
 * completes them and what to print.
 */
#include "repl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edit.h"

enum { LONGEST_PATH = 4096 };

typedef struct repl {
  hn_engine *engine;
  lua_State *L;
  hn__editor *editor; /* NULL: plain lines */
  int session;        /* its place in Lua's registry */
  char *plain;        /* the last plain line */
  size_t capacity;
} repl;

static const hn__line no_line = {NULL, 0};

/* -- the session in Lua -------------------------------------------------------------------------------------------- */

/* The names in a folder, those of folders with a slash; an empty list if it cannot be read. */
static int list_files(lua_State *L) {
  const char *folder = luaL_checkstring(L, 1);
  lua_Integer n = 0;
  lua_newtable(L);
  DIR *stream = opendir(folder);
  if (!stream) return 1;
  for (struct dirent *entry; (entry = readdir(stream));) {
    char path[LONGEST_PATH];
    struct stat about;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    bool inner = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    lua_pushfstring(L, inner ? "%s/" : "%s", entry->d_name);
    lua_seti(L, -2, ++n);
  }
  closedir(stream);
  return 1;
}

/* What Lua is asked to do, at 1 in the functions that follow: each of Lua's own may run out of memory, so they are called
 * protected. */
typedef struct request {
  repl *r;
  const char *text; /* the history's path or NULL; a method's name */
  hn__line line;    /* its argument; none if the text is NULL */
} request;

static int open_session(lua_State *L) {
  const request *q = lua_touserdata(L, 1);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "hn.repl");
  lua_call(L, 1, 1);
  lua_createtable(L, 0, 2);
  lua_pushstring(L, q->text);
  lua_setfield(L, -2, "history");
  lua_pushcfunction(L, list_files);
  lua_setfield(L, -2, "files");
  lua_call(L, 1, 1);
  q->r->session = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

static int call_method(lua_State *L) {
  const request *q = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, q->r->session);
  lua_getfield(L, -1, q->text);
  lua_insert(L, -2);
  if (q->line.text) lua_pushlstring(L, q->line.text, q->line.length);
  lua_call(L, q->line.text ? 2 : 1, LUA_MULTRET);
  return lua_gettop(L) - 1;
}

/* Its results are the stack; on failure an error is. */
static bool protected(lua_CFunction function, request q, int results) {
  lua_State *L = q.r->L;
  lua_settop(L, 0);
  lua_pushcfunction(L, function);
  lua_pushlightuserdata(L, &q);
  return lua_pcall(L, 1, results, 0) == LUA_OK;
}

/* Calls a method of the session with a line, or with nothing if its text is NULL. */
static bool ask(repl *r, const char *method, hn__line line, int results) {
  return protected(call_method, (request){r, method, line}, results);
}

/* What goes wrong in a line is the session's; this is about the session itself, such as too little memory for it. */
static void complain(repl *r) {
  const char *text = lua_tostring(r->L, -1);
  fflush(stdout);
  fprintf(stderr, "hnrun: %s\n", text ? text : "an error that is no text");
}

static void complete(void *data, hn__line before, const char **insert, const char **list) {
  repl *r = data;
  if (!ask(r, "complete", before, 2)) return;
  *insert = lua_tostring(r->L, 1);
  *list = lua_tostring(r->L, 2);
}

/* -- history ------------------------------------------------------------------------------------------------------- */

/* Makes the folders above a file, for their owner alone. */
static bool make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    *slash = '/';
    if (!made) return false;
  }
  return true;
}

/* Where the history is kept, by the XDG base directories; the file is made if there is none. */
static bool history_path(char path[LONGEST_PATH]) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  int length = state && *state == '/' ? snprintf(path, LONGEST_PATH, "%s/hnrun/history", state)
                                      : snprintf(path, LONGEST_PATH, "%s/.local/state/hnrun/history", home ? home : "");
  if (length >= LONGEST_PATH || *path != '/' || !make_folders(path)) return false;
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
  return file >= 0;
}

static void load_history(repl *r) {
  if (!ask(r, "entries", no_line, 1)) return;
  for (lua_Integer i = 1; lua_rawgeti(r->L, 1, i) == LUA_TSTRING; i++) {
    hn__editor_remember(r->editor, lua_tostring(r->L, -1));
    lua_pop(r->L, 1);
  }
}

/* -- lines --------------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t typing; /* a plain line, at a terminal */

bool hn__repl_signal(int number) { return typing || hn__editor_signal(number); }

static hn__outcome read_plain(repl *r, const char *prompt, hn__line *line) {
  typing = isatty(STDIN_FILENO);
  if (typing) fputs(prompt, stderr);
  errno = 0;
  ssize_t length = getline(&r->plain, &r->capacity, stdin);
  bool interrupted = typing && length < 0 && errno == EINTR;
  if (typing && length < 0) fputs("\n", stderr);
  typing = 0;
  clearerr(stdin);
  *line = (hn__line){r->plain, (size_t)length};
  return length >= 0 ? HN_READ_LINE : interrupted ? HN_READ_INTERRUPT : HN_READ_END;
}

static hn__outcome read_line(repl *r, hn__line *line) {
  char prompt[32];
  bool asked = ask(r, "prompt", no_line, 1);
  snprintf(prompt, sizeof prompt, "%s", asked ? lua_tostring(r->L, -1) : "> ");
  fflush(stdout);
  hn__outcome outcome = r->editor ? hn__editor_read(r->editor, prompt, line) : read_plain(r, prompt, line);
  if (outcome == HN_READ_LINE && line->length > 0 && line->text[line->length - 1] == '\n') line->length--;
  return outcome;
}

/* Ctrl-C may have come when the line was just through: it is not to end the next one. */
static void forget_interrupt(repl *r) { hn_run_string(r->engine, "", "=(interrupt)"); }

static void take_line(repl *r, hn__line line) {
  if (!ask(r, "line", line, 1))
    complain(r);
  else if (r->editor && lua_isstring(r->L, -1))
    hn__editor_remember(r->editor, lua_tostring(r->L, -1));
  forget_interrupt(r);
}

static void take_lines(repl *r) {
  hn__outcome outcome;
  hn__line line = no_line;
  while ((outcome = read_line(r, &line)) != HN_READ_END) {
    if (outcome == HN_READ_LINE)
      take_line(r, line);
    else if (!ask(r, "clear", no_line, 0))
      complain(r);
  }
  if (!ask(r, "finish", no_line, 0)) complain(r);
}

static void greet(repl *r) {
  load_history(r);
  puts("hnrun " HN_VERSION "; ? for help, Ctrl-D ends");
}

bool hn__repl(hn_engine *engine) {
  repl r = {.engine = engine, .L = hn_lua(engine)};
  char path[LONGEST_PATH];
  r.editor = hn__editor_open((hn__completer){complete, &r});
  const char *history = r.editor && history_path(path) ? path : NULL;
  bool opened = protected(open_session, (request){&r, history, no_line}, 0);
  if (opened) {
    if (r.editor) greet(&r);
    take_lines(&r);
  } else {
    complain(&r);
  }
  hn__editor_close(r.editor);
  free(r.plain);
  return opened;
}
