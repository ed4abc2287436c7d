/*
 * Editing lines by libedit.
 *
 * While the editor waits for a key, signals go through a pipe: a handler may run in any of the process' threads, and the
 * one that waits has to wake up.
 */
#include "edit.h"

#ifndef HN_LIBEDIT

hn__editor *hn__editor_open(hn__completer completer) {
  (void)completer;
  return NULL;
}

void hn__editor_close(hn__editor *editor) { (void)editor; }

hn__outcome hn__editor_read(hn__editor *editor, const char *prompt, hn__line *line) {
  (void)editor, (void)prompt, (void)line;
  return HN_READ_END;
}

void hn__editor_remember(hn__editor *editor, const char *entry) { (void)editor, (void)entry; }

bool hn__editor_signal(int number) {
  (void)number;
  return false;
}

const char *hn__editor_name(void) { return "no line editing (built without libedit)"; }

#else

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { ENTRIES = 1000 };

struct hn__editor {
  EditLine *edit;
  History *history;
  hn__completer completer;
  char prompt[32];
  bool interrupted; /* Ctrl-C ended the line */
};

/* -- signals ------------------------------------------------------------------------------------------------------- */

static int signals[2] = {-1, -1}; /* the pipe */
static volatile sig_atomic_t waiting;

bool hn__editor_signal(int number) {
  if (!waiting) return false;
  int before = errno;
  unsigned char byte = (unsigned char)number;
  ssize_t written = write(signals[1], &byte, 1); /* a full pipe wakes up as well */
  (void)written;
  errno = before;
  return true;
}

static void on_terminal_signal(int number) { hn__editor_signal(number); }

static void catch_terminal_signals(void) {
  struct sigaction act = {.sa_handler = on_terminal_signal, .sa_flags = SA_RESTART};
  sigemptyset(&act.sa_mask);
  sigaction(SIGWINCH, &act, NULL);
  sigaction(SIGCONT, &act, NULL);
}

static bool open_pipe(void) {
  if (pipe(signals) != 0) return false;
  for (int i = 0; i < 2; i++) {
    fcntl(signals[i], F_SETFD, FD_CLOEXEC);
    fcntl(signals[i], F_SETFL, O_NONBLOCK);
  }
  return true;
}

static void close_pipe(void) {
  for (int i = 0; i < 2; i++) {
    if (signals[i] >= 0) close(signals[i]);
    signals[i] = -1;
  }
}

/* -- keys ---------------------------------------------------------------------------------------------------------- */

static hn__editor *editor_of(EditLine *edit) {
  void *data = NULL;
  el_get(edit, EL_CLIENTDATA, &data);
  return data;
}

static char *show_prompt(EditLine *edit) { return editor_of(edit)->prompt; }

/* What a signal asks of the line; false ends it. Who stopped the program has changed the terminal's mode, which libedit
 * does not know: it sets its own only from the other one. */
static bool obey_signal(EditLine *edit, int number) {
  if (number == SIGWINCH) el_resize(edit);
  if (number == SIGCONT) {
    el_set(edit, EL_PREP_TERM, 0);
    el_set(edit, EL_PREP_TERM, 1);
    el_set(edit, EL_REFRESH);
  }
  editor_of(edit)->interrupted = number == SIGINT;
  return number != SIGINT;
}

/* Waits for a byte of a key or a signal: 1, 0 at the end of the input, or -1. */
static int next_byte(EditLine *edit, char *byte) {
  struct pollfd from[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals[0], .events = POLLIN}};
  for (;;) {
    unsigned char number = 0;
    int ready = poll(from, 2, -1);
    if (ready < 0 && errno != EINTR) return -1;
    if (read(signals[0], &number, 1) == 1 && !obey_signal(edit, number)) return -1;
    if (ready > 0 && from[0].revents) return (int)read(STDIN_FILENO, byte, 1);
  }
}

/* A character in the terminal's encoding; bytes that are none are passed over. */
static int next_character(EditLine *edit, wchar_t *character) {
  mbstate_t state = {0};
  for (;;) {
    char byte = 0;
    int got = next_byte(edit, &byte);
    if (got <= 0) return got;
    size_t length = mbrtowc(character, &byte, 1, &state);
    if (length <= 1) return 1;
    if (length == (size_t)-1) memset(&state, 0, sizeof state);
  }
}

static unsigned char complete(EditLine *edit, int key) {
  const hn__completer *completer = &editor_of(edit)->completer;
  const LineInfo *line = el_line(edit);
  const char *insert = NULL, *list = NULL;
  (void)key;
  hn__line before = {line->buffer, (size_t)(line->cursor - line->buffer)};
  completer->complete(completer->data, before, &insert, &list);
  if (list) {
    printf("\n%s", list);
    fflush(stdout);
    return CC_REDISPLAY;
  }
  return insert && *insert && el_insertstr(edit, insert) == 0 ? CC_REFRESH : CC_REFRESH_BEEP;
}

static void bind_keys(EditLine *edit) {
  static const char *const keys[][2] = {{"\\t", "hn-complete"},
                                        {"^R", "em-inc-search-prev"},
                                        {"\\e[3~", "ed-delete-next-char"},
                                        {"\\e[1;5C", "em-next-word"},
                                        {"\\e[1;5D", "ed-prev-word"}};
  el_set(edit, EL_EDITOR, "emacs");
  el_wset(edit, EL_ADDFN, L"hn-complete", L"Completes what is before the cursor", complete); /* el_set leaks texts */
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) el_set(edit, EL_BIND, keys[i][0], keys[i][1], NULL);
  el_source(edit, NULL); /* a person's own ~/.editrc wins */
}

/* -- the editor ---------------------------------------------------------------------------------------------------- */

static bool can_edit(void) {
  const char *terminal = getenv("TERM");
  return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

static void open_history(hn__editor *editor) {
  HistEvent event;
  editor->history = history_init();
  if (!editor->history) return;
  history(editor->history, &event, H_SETSIZE, ENTRIES);
  history(editor->history, &event, H_SETUNIQUE, 1);
  el_set(editor->edit, EL_HIST, history, editor->history);
}

hn__editor *hn__editor_open(hn__completer completer) {
  hn__editor *editor = can_edit() ? calloc(1, sizeof *editor) : NULL;
  if (!editor) return NULL;
  if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
  editor->completer = completer;
  editor->edit = open_pipe() ? el_init("hnrun", stdin, stdout, stderr) : NULL;
  if (!editor->edit) {
    hn__editor_close(editor);
    return NULL;
  }
  el_set(editor->edit, EL_CLIENTDATA, editor);
  el_set(editor->edit, EL_PROMPT, show_prompt);
  el_set(editor->edit, EL_GETCFN, next_character);
  bind_keys(editor->edit);
  open_history(editor);
  catch_terminal_signals();
  return editor;
}

void hn__editor_close(hn__editor *editor) {
  if (!editor) return;
  if (editor->history) history_end(editor->history);
  if (editor->edit) el_end(editor->edit);
  close_pipe();
  free(editor);
}

hn__outcome hn__editor_read(hn__editor *editor, const char *prompt, hn__line *line) {
  int length = 0;
  snprintf(editor->prompt, sizeof editor->prompt, "%s", prompt);
  editor->interrupted = false;
  waiting = 1;
  const char *text = el_gets(editor->edit, &length);
  waiting = 0;
  if (text && length > 0) {
    *line = (hn__line){text, (size_t)length};
    return HN_READ_LINE;
  }
  puts(editor->interrupted ? "^C" : "");
  return editor->interrupted ? HN_READ_INTERRUPT : HN_READ_END;
}

void hn__editor_remember(hn__editor *editor, const char *entry) {
  HistEvent event;
  if (editor->history && *entry) history(editor->history, &event, H_ENTER, entry);
}

const char *hn__editor_name(void) { return "line editing by libedit"; }

#endif
