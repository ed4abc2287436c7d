/*
 * What the files of lua/ share. Each file binds one kind of userdata: check the arguments, call hn.h, return. Nothing is
 * computed here.
 *
 * A userdata is made empty with its metatable first and then given what it holds, so that an error in between leaks
 * nothing. Failures are raised by hnl_try(): "NAME: text (script.lua:12)".
 */
#ifndef HN_LUA_HNL_H
#define HN_LUA_HNL_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>

#include "../hn.h"

struct hn_engine {
  lua_State *L;       /* main thread */
  lua_State *running; /* coroutine that called last: whose collector may be run, and which Ctrl-C must reach */
  hn_engine_options options;
  hn_context *context;                      /* current one, or NULL before first need */
  uint32_t layers;                          /* default layer seeds given out in it */
  int64_t settled;                          /* device bytes after the last forced collection */
  volatile sig_atomic_t pending, listening; /* Ctrl-C came; somebody polls for it */
  volatile sig_atomic_t stopping;           /* the script is to end with an error */
  int64_t lua_used, instructions;           /* under limits: bytes of Lua's, and what is left of the quota */
  double deadline;                          /* when the time is used up, by hnl_seconds(), */
  bool late;                                /* and whether it was seen to be */
};

/* -- state.c -- */
void hnl_set_engine(lua_State *L, hn_engine *engine);
/* The engine, which takes note of the coroutine that asks. */
hn_engine *hnl_engine(lua_State *L);

/* -- engine.c, errors.c -- */
/* Pushes the modules' own table of Lua's global variables. */
void hnl_push_globals(lua_State *L);
/* The current context, opened with defaults if there is none. */
hn_context *hnl_context(lua_State *L);
/* Raises the context's message if the status is not HN_OK, and the quota's error if it is used up. */
void hnl_try(lua_State *L, hn_context *context, hn_status status);
int hnl_fail(lua_State *L, hn_status status, const char *format, ...) HN_PRINTF(3, 4);
/* "argument: NAME must be WANTED, got TYPE". */
int hnl_wrong(lua_State *L, const char *name, const char *wanted, int index);
/* Runs the collector when device bytes have doubled since it last ran: it cannot see them itself. */
void hnl_pace(lua_State *L, hn_context *context);

/* Pushes the table that hn.memory() gives. */
void hnl_push_memory(lua_State *L, hn_memory memory);

/* -- limits.c: what the engine's options ask for -- */
void hnl_limit_memory(hn_engine *engine);
/* Seconds of a clock that only goes forward. */
double hnl_seconds(void);
/* Whether instructions or seconds are limited. */
bool hnl_has_quota(const hn_engine *engine);
/* Raises the quota's error if it is used up. */
void hnl_check_quota(lua_State *L);
/* Takes what a new coroutine may do before it is looked at. */
void hnl_charge_coroutine(lua_State *L);
/* Goes on counting in a coroutine whose hook was another one. */
void hnl_count_on(const hn_engine *engine, lua_State *L);

/* -- guard.c -- */
/* Under limits, replaces the functions by which scripts could get past them, also for the modules of lua/. */
void hnl_guard_limits(lua_State *L);
/* Replaces xpcall, whose handlers could keep an interruption from coming through. */
void hnl_guard_handlers(lua_State *L);

/* -- sandbox.c -- */
/* Takes from scripts the libraries that the engine's options do not list; with a quota, debug, which could end it. */
void hnl_close_libraries(lua_State *L);
/* Whether chunks are texts alone. */
bool hnl_is_text_only(const hn_engine *engine);
/* Notes the folders of the engine's options; raises if one is none. */
void hnl_open_folders(lua_State *L);
/* The path at index, resolved and within one of these folders: whatever opens a file for a script asks here. Raises if
 * it is elsewhere. Belongs to Lua; leaves values on the stack. */
const char *hnl_path(lua_State *L, int index, const char *name);
/* exists(path): whether there is a file of that name, readable or not. */
int hnl_exists(lua_State *L);
/* unlimited(what): raises where scripts are limited. */
int hnl_unlimited(lua_State *L);

/* -- arguments: they name the argument in their error -- */
lua_Number hnl_number(lua_State *L, int index, const char *name);
lua_Integer hnl_integer(lua_State *L, int index, const char *name, lua_Integer low, lua_Integer high);
const char *hnl_string(lua_State *L, int index, const char *name);
/* Fields of a table; the default where absent. */
lua_Number hnl_field_number(lua_State *L, int table, const char *name, lua_Number missing);
lua_Integer hnl_field_integer(lua_State *L, int table, const char *name, lua_Integer missing, lua_Integer low,
                              lua_Integer high);
bool hnl_field_bool(lua_State *L, int table, const char *name, bool missing);
/* A shape {2, 3} at index; returns the dimensions. */
int hnl_shape(lua_State *L, int index, int64_t shape[HN_MAX_DIMS]);
void hnl_push_shape(lua_State *L, int dims, const int64_t *shape);

/* -- tensor.c -- */
#define HNL_TENSOR "hn.tensor"
hn_tensor **hnl_new_tensor(lua_State *L);
hn_tensor *hnl_tensor(lua_State *L, int index, const char *name); /* raises if it is none */
hn_tensor *hnl_to_tensor(lua_State *L, int index);                /* NULL if it is none */
/* The list of tensors at index, as a Lua-owned block; sets *n. */
hn_tensor **hnl_tensors(lua_State *L, int index, const char *name, int *n);

/* -- values.c: between Lua tables and tensors -- */
/* Shape of the nested table at index. */
int hnl_table_shape(lua_State *L, int index, int64_t shape[HN_MAX_DIMS]);
/* Sets the tensor from the number, function of indices, table or tensor at index. */
void hnl_set_values(lua_State *L, hn_tensor *tensor, int index);
/* Pushes the values as nested tables. */
void hnl_push_values(lua_State *L, const hn_tensor *tensor);
/* Pushes n numbers as one list; `first` is what the integer 0 is called: 1 for classes and indices. */
void hnl_push_list(lua_State *L, hn_dtype dtype, int64_t n, const void *block, lua_Integer first);

/* -- matrix.c -- */
#define HNL_MATRIX "hn.matrix"
typedef struct hnl_matrix {
  hn_matrix map;
  hn_tensor *pool;
} hnl_matrix;
hnl_matrix *hnl_to_matrix(lua_State *L, int index); /* NULL if it is none */
int hnl_new_matrix(lua_State *L);

/* -- fetch.c -- */
int hnl_fetch(lua_State *L);

/* -- array.c -- */
#define HNL_ARRAY "hn.array"
hn_array *hnl_to_array(lua_State *L, int index); /* NULL if it is none */

/* -- json.c -- */
/* json(text): tables, numbers, texts; nil for null. */
int hnl_json(lua_State *L);

/* Each adds its functions to the table on the top of the stack. */
void hnl_open_context(lua_State *L);
void hnl_open_tensor(lua_State *L);
void hnl_open_matrix(lua_State *L);
void hnl_open_tape(lua_State *L);
void hnl_open_fetch(lua_State *L);
void hnl_open_dry(lua_State *L);
void hnl_open_ops(lua_State *L);
void hnl_open_update(lua_State *L);
void hnl_open_array(lua_State *L);
void hnl_open_file(lua_State *L);
void hnl_open_table(lua_State *L);
void hnl_open_expression(lua_State *L);
/* Makes a metatable with these methods (as __index) and metamethods. */
void hnl_make_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *metamethods);

int hnl_open_core(lua_State *L);

#endif
