/* The engine's current context: hn.use, memory, seeds, errors, time, interruption. */
#include <lua.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>

#include "hnl.h"

static void collect(void *data) {
  hn_engine *engine = data;
  lua_gc(engine->running, LUA_GCCOLLECT);
}

/* The command line wins over the script. */
static void apply_overrides(const hn_engine_options *from, hn_options *to) {
  if (from->device) to->device = from->device;
  if (from->threads >= 0) to->threads = from->threads;
  if (from->memory >= 0) to->memory = from->memory;
  if (from->seed_set) to->seed = from->seed;
}

/* Opens a context and makes it the current one. */
static hn_context *open_context(lua_State *L, hn_options options) {
  hn_engine *engine = hnl_engine(L);
  hn_context *context = NULL;
  apply_overrides(&engine->options, &options);
  hn_status status = hn_context_open(&options, &context);
  if (status != HN_OK) {
    lua_pushstring(L, hn_message(context));
    hn_context_close(context);
    hnl_fail(L, status, "%s", lua_tostring(L, -1));
  }
  if (engine->context) {
    hn_context_on_pressure(engine->context, NULL, NULL);
    hn_context_close(engine->context);
  }
  hn_context_on_pressure(context, collect, engine);
  engine->context = context;
  engine->layers = 0;
  engine->settled = 0;
  return context;
}

hn_context *hnl_context(lua_State *L) {
  hn_engine *engine = hnl_engine(L);
  return engine->context ? engine->context : open_context(L, hn_options_default());
}

void hnl_pace(lua_State *L, hn_context *context) {
  hn_engine *engine = hnl_engine(L);
  const int64_t floor = 64 << 20;
  int64_t used = hn_memory_read(context).used;
  if (used < 2 * engine->settled || used < floor) return;
  lua_gc(L, LUA_GCCOLLECT);
  used = hn_memory_read(context).used;
  engine->settled = used > floor ? used : floor;
}

static int64_t field_memory(lua_State *L, int table) {
  int64_t bytes = 0;
  int type = lua_getfield(L, table, "memory");
  if (type == LUA_TNUMBER)
    bytes = hnl_integer(L, -1, "memory", 1, INT64_MAX);
  else if (type == LUA_TSTRING ? !hn_parse_bytes(lua_tostring(L, -1), &bytes) : type != LUA_TNIL)
    hnl_wrong(L, "memory", "bytes, or text such as \"256MiB\"", -1);
  lua_pop(L, 1);
  return bytes;
}

static int use(lua_State *L) {
  hn_options options = hn_options_default();
  if (!lua_istable(L, 1)) return hnl_wrong(L, "use: the options", "a table", 1);
  options.threads = (int)hnl_field_integer(L, 1, "threads", options.threads, 0, 4096);
  options.seed = (uint32_t)hnl_field_integer(L, 1, "seed", options.seed, 0, UINT32_MAX);
  options.debug = hnl_field_bool(L, 1, "debug", options.debug);
  options.memory = field_memory(L, 1);
  if (lua_getfield(L, 1, "device") != LUA_TNIL) options.device = hnl_string(L, -1, "device");
  lua_pushstring(L, hn_context_device(open_context(L, options)));
  return 1;
}

static int device(lua_State *L) {
  lua_pushstring(L, hn_context_device(hnl_context(L)));
  return 1;
}

/* Whether there is a current context: what asks about one opens it otherwise. */
static int opened(lua_State *L) {
  lua_pushboolean(L, hnl_engine(L)->context != NULL);
  return 1;
}

static int wait_for_device(lua_State *L) {
  hn_context *context = hnl_context(L);
  hnl_try(L, context, hn_context_wait(context));
  return 0;
}

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

static void set_kinds(lua_State *L, const char *name, const int64_t bytes[HN_KINDS]) {
  lua_newtable(L);
  for (int k = 0; k < HN_KINDS; k++) set_integer(L, hn_kind_name((hn_kind)k), bytes[k]);
  lua_setfield(L, -2, name);
}

void hnl_push_memory(lua_State *L, hn_memory m) {
  lua_newtable(L);
  set_integer(L, "used", m.used);
  set_integer(L, "peak", m.peak);
  set_integer(L, "host", m.host);
  set_integer(L, "objects", m.objects);
  set_integer(L, "damaged", m.damaged);
  if (m.budget > 0) set_integer(L, "budget", m.budget);
  set_kinds(L, "kinds", m.kinds);
  set_kinds(L, "peak_kinds", m.peaks);
}

static int memory(lua_State *L) {
  hnl_push_memory(L, hn_memory_read(hnl_context(L)));
  return 1;
}

static int reset_peak(lua_State *L) {
  hn_memory_reset_peak(hnl_context(L));
  return 0;
}

static int refuse(lua_State *L) {
  hn_memory_refuse(hnl_context(L), hnl_integer(L, 1, "n", 0, INT64_MAX));
  return 0;
}

/* -- seeds ------------------------------------------------------------------------------------------------------ */

static int seed(lua_State *L) {
  hn_context *context = hnl_context(L);
  if (!lua_isnoneornil(L, 1))
    hn_random_write(
        context, (hn_random){(uint32_t)hnl_integer(L, 1, "seed", 0, UINT32_MAX), (uint64_t)luaL_optinteger(L, 2, 0)});
  hn_random random = hn_random_read(context);
  lua_pushinteger(L, random.seed);
  lua_pushinteger(L, (lua_Integer)random.position);
  return 2;
}

static int layer_seed(lua_State *L) {
  hn_context *context = hnl_context(L);
  uint32_t n = hnl_engine(L)->layers++;
  lua_pushinteger(L, hn_hash(&n, 1, hn_context_seed(context)));
  return 1;
}

static int hash(lua_State *L) {
  uint32_t words[16];
  int n = lua_gettop(L) - 1;
  if (n > 16) return hnl_fail(L, HN_ARGUMENT, "hash takes a seed and at most 16 words, got %d", n);
  uint32_t start = (uint32_t)hnl_integer(L, 1, "seed", 0, UINT32_MAX);
  for (int i = 0; i < n; i++) words[i] = (uint32_t)hnl_integer(L, i + 2, "each word", 0, UINT32_MAX);
  lua_pushinteger(L, hn_hash(words, (size_t)n, start));
  return 1;
}

/* One uniform number, from the stream that tensors draw from. */
static int random_number(lua_State *L) {
  hn_context *context = hnl_context(L);
  hn_random stream = hn_random_read(context);
  uint32_t words[2] = {(uint32_t)stream.position, (uint32_t)(stream.position >> 32)};
  lua_pushnumber(L, (lua_Number)(hn_hash(words, 2, stream.seed) >> 8) / 16777216.0);
  stream.position++;
  hn_random_write(context, stream);
  return 1;
}

/* -- the rest --------------------------------------------------------------------------------------------------- */

/* fail(status, format, ...): string.format, then an error like every other. */
static int fail(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  hn_status status = HN_ARGUMENT;
  for (int s = HN_OK; s <= HN_SCRIPT; s++)
    if (strcmp(hn_status_name((hn_status)s), name) == 0) status = (hn_status)s;
  hnl_push_globals(L); /* the global variable may be the script's */
  lua_getfield(L, -1, "string");
  lua_getfield(L, -1, "format");
  lua_replace(L, 1);
  lua_pop(L, 2);
  lua_call(L, lua_gettop(L) - 1, 1);
  return hnl_fail(L, status, "%s", lua_tostring(L, -1));
}

static int clock_seconds(lua_State *L) {
  lua_pushnumber(L, hnl_seconds());
  return 1;
}

/* Columns of the terminal that shows both standard output and standard error; nil if one of them goes elsewhere. */
static int terminal(lua_State *L) {
  struct winsize size;
  if (!isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO)) return 0;
  bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  lua_pushinteger(L, known ? size.ws_col : 80);
  return 1;
}

static int listen_interrupt(lua_State *L) {
  hn_engine *engine = hnl_engine(L);
  engine->listening = lua_toboolean(L, 1);
  if (!engine->listening) engine->pending = 0;
  return 0;
}

static int interrupted(lua_State *L) {
  hn_engine *engine = hnl_engine(L);
  lua_pushboolean(L, engine->pending != 0);
  engine->pending = 0;
  return 1;
}

static void push_built(lua_State *L) {
  int n = 0;
  const char *backend;
  lua_newtable(L);
  lua_pushliteral(L, LUA_RELEASE);
  lua_seti(L, -2, ++n);
  unsigned xxhash = XXH_versionNumber();
  lua_pushfstring(L, "xxHash %d.%d.%d", (int)(xxhash / 10000), (int)(xxhash / 100 % 100), (int)(xxhash % 100));
  lua_seti(L, -2, ++n);
  lua_pushfstring(L, "zlib %s", zlibVersion());
  lua_seti(L, -2, ++n);
  if (hn_table_hdf5()) {
    lua_pushfstring(L, "HDF5 %s", hn_table_hdf5());
    lua_seti(L, -2, ++n);
  }
  for (int i = 0; (backend = hn_backend_built_with(i)); i++) {
    lua_pushstring(L, backend);
    lua_seti(L, -2, ++n);
  }
}

static const luaL_Reg functions[] = {{"use", use},
                                     {"device", device},
                                     {"opened", opened},
                                     {"wait", wait_for_device},
                                     {"memory", memory},
                                     {"reset_peak", reset_peak},
                                     {"refuse", refuse},
                                     {"seed", seed},
                                     {"layer_seed", layer_seed},
                                     {"hash", hash},
                                     {"random", random_number},
                                     {"fail", fail},
                                     {"clock", clock_seconds},
                                     {"terminal", terminal},
                                     {"listen", listen_interrupt},
                                     {"interrupted", interrupted},
                                     {NULL, NULL}};

void hnl_open_context(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
  lua_pushliteral(L, HN_VERSION);
  lua_setfield(L, -2, "version");
  push_built(L);
  lua_setfield(L, -2, "built");
}
