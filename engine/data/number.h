/* Decimal numbers in texts, whatever the locale. */
#ifndef HN_DATA_NUMBER_H
#define HN_DATA_NUMBER_H

#include <stdbool.h>

/* The number that all of [from, to) is: decimal, nan, inf or infinity, with a sign or without; false if it is none. It
 * is the nearest double. */
bool hn__number(const char *from, const char *to, double *value);

#endif
