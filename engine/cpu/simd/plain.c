/* The kernels for every processor, as the compiler translates them for its oldest. */
#define LEVEL plain
#include "level.h"
