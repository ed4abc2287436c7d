/* Dry runs as a userdata: `local run <close> = core.dry()` ends with run:finish(), or by an error. */
#include "hnl.h"

#define HNL_DRY "hn.dry"

/* What the run must put back here: the numbers of layers and of the last collection. context NULL: it is over. */
typedef struct dry_run {
  hn_context *context;
  uint32_t layers;
  int64_t settled;
} dry_run;

static int dry(lua_State *L) {
  hn_context *context = hnl_context(L);
  hn_engine *engine = hnl_engine(L);
  dry_run *run = lua_newuserdatauv(L, sizeof *run, 0);
  *run = (dry_run){NULL, engine->layers, engine->settled};
  luaL_setmetatable(L, HNL_DRY);
  hn_status status = hn_dry_begin(context);
  if (status == HN_OK) run->context = context;
  hnl_try(L, context, status);
  return 1;
}

/* Ends the run; false if it is over. */
static bool end(lua_State *L, dry_run *run, hn_memory *memory) {
  hn_context *context = run->context;
  hn_engine *engine = hnl_engine(L);
  if (!context) return false;
  run->context = NULL;
  if (engine->context == context) {
    engine->layers = run->layers;
    engine->settled = run->settled;
  }
  *memory = hn_dry_end(context);
  return true;
}

/* What the run counted, as hn.memory() has it. */
static int finish(lua_State *L) {
  hn_memory memory;
  if (!end(L, luaL_checkudata(L, 1, HNL_DRY), &memory)) return hnl_fail(L, HN_STATE, "the dry run is over");
  hnl_push_memory(L, memory);
  return 1;
}

static int close_run(lua_State *L) {
  hn_memory memory;
  end(L, luaL_checkudata(L, 1, HNL_DRY), &memory);
  return 0;
}

static const luaL_Reg methods[] = {{"finish", finish}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__gc", close_run}, {"__close", close_run}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"dry", dry}, {NULL, NULL}};

void hnl_open_dry(lua_State *L) {
  hnl_make_type(L, HNL_DRY, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
