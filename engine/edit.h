/* Lines that a person edits on a terminal, by libedit where the program was built with it. */
#ifndef HN_EDIT_H
#define HN_EDIT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum hn__outcome { HN_READ_LINE, HN_READ_INTERRUPT, HN_READ_END } hn__outcome;

/* A line of input; the text is valid until the next one is read. */
typedef struct hn__line {
  const char *text;
  size_t length;
} hn__line;

/* What the Tab key does: asks for what to insert before the cursor, or for a text that lists what may stand there. The
 * texts are valid until the next call; either may be NULL. */
typedef struct hn__completer {
  void (*complete)(void *data, hn__line before, const char **insert, const char **list);
  void *data;
} hn__completer;

typedef struct hn__editor hn__editor;

/* NULL where lines cannot be edited: no libedit, no terminal, or one that cannot move its cursor. */
hn__editor *hn__editor_open(hn__completer completer);
void hn__editor_close(hn__editor *editor);
/* Ctrl-C while it reads gives HN_READ_INTERRUPT, Ctrl-D on an empty line HN_READ_END. */
hn__outcome hn__editor_read(hn__editor *editor, const char *prompt, hn__line *line);
/* Adds an entry, which may have several lines, to what the arrow keys go through. */
void hn__editor_remember(hn__editor *editor, const char *entry);
/* A signal handler asks whether the editor waits for a key and takes the signal. */
bool hn__editor_signal(int number);
/* What edits lines, in words. */
const char *hn__editor_name(void);

#endif
