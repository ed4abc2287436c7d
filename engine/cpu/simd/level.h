/* The kernels of one level: a file of this folder defines LEVEL as its name and includes this. */
#include "dense.h"
#include "direct.h"
#include "panel.h"
#include "product.h"

#define TABLE_NAME(level) TABLE_NAME2(level)
#define TABLE_NAME2(level) hn__cpu_##level
#define LEVEL_TEXT(level) LEVEL_TEXT2(level)
#define LEVEL_TEXT2(level) #level

const hn__cpu_kernels TABLE_NAME(LEVEL) = {
    .name = LEVEL_TEXT(LEVEL),
    .expand = expand,
    .expand_turned = expand_turned,
    .scatter = scatter,
    .multiply = multiply,
    .direct_forward = direct_forward,
    .direct_input_grad = direct_input_grad,
    .dense_forward = dense_forward,
};
