/* The prompt of the program: a terminal for the session that lua/hn/repl keeps. */
#ifndef HN_REPL_H
#define HN_REPL_H

#include <stdbool.h>

#include "hn.h"

/* Gives the lines of standard input to a session until they end: edited, with history, where that is a terminal that can
 * do it; else as they come, with a prompt on standard error if a person types them. Returns false if the session could
 * not start, and has said why. */
bool hn__repl(hn_engine *engine);
/* A signal handler asks whether the prompt waits for a line and takes the signal. */
bool hn__repl_signal(int number);

#endif
