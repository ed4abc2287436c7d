/* From the description of a network in a model file (lua/hn/model/describe.lua) to steps that fit each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define MOST_DEPTH 64
#define MOST_VISITS 100000

static hn_status load_module(hn__loader *l, const cJSON *module, const char *number);

/* Modules are numbered in the order of first mention; a layer with others in its fields, or in tables there, would number
 * them in an order that is not known here. */
static hn_status check_fields(hn__loader *l, const hn__layer *layer) {
  const cJSON *item;
  cJSON_ArrayForEach(item, layer->fields) {
    bool simple = cJSON_HasObjectItem(item, "tensor") || cJSON_HasObjectItem(item, "matrix");
    if ((cJSON_IsObject(item) || cJSON_IsArray(item)) && !simple)
      return hn__fail(l->context, HN_ARGUMENT,
                      "'%s': %s: %.80s: predictions without Lua know no modules and tables in fields", l->path,
                      layer->place, item->string);
  }
  return HN_OK;
}

static hn_status load_items(hn__loader *l, const hn__layer *layer, const char *number, const cJSON *items) {
  const cJSON *item;
  int i = 0;
  if (items && !cJSON_IsArray(items)) return HN__BAD(l, "'%s': %s: its items are no list", l->path, layer->place);
  cJSON_ArrayForEach(item, items) {
    char inner[64];
    snprintf(inner, sizeof inner, "%s%s%d", number, *number ? "." : "", ++i);
    HN_TRY(load_module(l, item, inner));
  }
  return HN_OK;
}

static hn_status load_residual(hn__loader *l, const hn__layer *layer, const char *number, const cJSON *items) {
  hn__predict_step step = {.kind = HN_STEP_SAVE};
  HN_TRY(hn__predict_add(l, &step));
  HN_TRY(load_items(l, layer, number, items));
  step.kind = HN_STEP_ADD;
  return hn__predict_add(l, &step);
}

static hn_status load_kind(hn__loader *l, const hn__layer *layer, const cJSON *module, const char *number) {
  const cJSON *items = cJSON_GetObjectItemCaseSensitive(module, "items");
  HN_TRY(check_fields(l, layer));
  if (strcmp(layer->kind, "Sequential") == 0 || strcmp(layer->kind, "Transform") == 0)
    return load_items(l, layer, number, items);
  if (strcmp(layer->kind, "Residual") == 0) return load_residual(l, layer, number, items);
  return hn__predict_layer(l, layer);
}

/* A module that comes again is named by its number. */
static hn_status find_module(hn__loader *l, const cJSON *reference, const char *number, const cJSON **out) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(reference, "module");
  double n = cJSON_IsNumber(item) ? item->valuedouble : 0;
  if (!(n >= 1 && n <= (double)l->count))
    return HN__BAD(l, "'%s': layer %s of its network is no module", l->path, *number ? number : "1");
  *out = l->modules[(int64_t)n - 1];
  return HN_OK;
}

static hn_status note_module(hn__loader *l, const cJSON *module) {
  HN_TRY(hn__grow(l->context, (void **)&l->modules, l->count, &l->space, sizeof *l->modules));
  l->modules[l->count++] = module;
  return HN_OK;
}

static hn_status load_module(hn__loader *l, const cJSON *module, const char *number) {
  bool again = !cJSON_HasObjectItem(module, "kind");
  hn__layer layer = {0};
  if (again) HN_TRY(find_module(l, module, number, &module));
  layer.kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(module, "kind"));
  layer.fields = cJSON_GetObjectItemCaseSensitive(module, "fields");
  if (!layer.kind) return HN__BAD(l, "'%s': a layer of its network has a kind that is no text", l->path);
  snprintf(layer.place, sizeof layer.place, "layer %s (%.60s)", *number ? number : "1", layer.kind);
  if (l->depth == MOST_DEPTH || l->visits++ == MOST_VISITS)
    return HN__BAD(l, "'%s': %s: layers nest deeper than %d or are more than %d", l->path, layer.place, MOST_DEPTH,
                   MOST_VISITS);
  if (!again) HN_TRY(note_module(l, module));
  l->depth++;
  hn_status status = load_kind(l, &layer, module, number);
  l->depth--;
  return status;
}

/* -- columns -- */

static int64_t first_inputs(const hn_model *m) {
  for (int64_t i = 0; i < m->count; i++)
    if (m->steps[i].inputs > 0) return m->steps[i].inputs;
  return 0;
}

static hn_status fit_step(hn__loader *l, hn__predict_step *step, int64_t columns) {
  if (step->inputs == 0) step->inputs = step->outputs = columns;
  if (step->inputs == columns) return HN_OK;
  return HN__BAD(l, "'%s': a layer of its network takes %lld columns, but the one before gives %lld", l->path,
                 (long long)step->inputs, (long long)columns);
}

/* Gives every step its columns and the model its sizes. */
static hn_status fit_steps(hn__loader *l) {
  hn_model *m = l->model;
  int64_t open[MOST_DEPTH], saved = 0, depth = 0, columns = m->inputs = first_inputs(m);
  if (columns == 0) return HN__BAD(l, "'%s': no layer of its network tells how many columns it takes", l->path);
  m->widest = hn__predict_lines(columns);
  for (int64_t i = 0; i < m->count; i++) {
    hn__predict_step *step = m->steps + i;
    HN_TRY(fit_step(l, step, columns));
    columns = step->outputs;
    if (columns > m->widest) m->widest = hn__predict_lines(columns);
    if (step->kind == HN_STEP_SAVE) saved += open[depth++] = columns;
    if (saved > m->saved) m->saved = saved;
    if (step->kind == HN_STEP_ADD && open[depth - 1] != columns)
      return HN__BAD(l, "'%s': a Residual of its network takes %lld columns but gives %lld", l->path,
                     (long long)open[depth - 1], (long long)columns);
    if (step->kind == HN_STEP_ADD) saved -= open[--depth];
  }
  m->outputs = columns;
  return HN_OK;
}

hn_status hn__predict_load(hn_model *model, const hn_file *file, const char *path) {
  hn__loader l = {.model = model, .context = hn_file_context(file), .file = file, .path = path};
  const char *text = hn_file_get(file, "model");
  if (!text) return HN__BAD(&l, "'%s' holds no network", path);
  cJSON *description = cJSON_Parse(text);
  hn_status status = cJSON_HasObjectItem(description, "kind") ? load_module(&l, description, "")
                                                              : HN__BAD(&l, "'%s' describes no network", path);
  if (status == HN_OK) status = fit_steps(&l);
  hn__host_resize(l.context, (void **)&l.modules, 0);
  cJSON_Delete(description);
  return status;
}
