/*
 * HDF5: a group of datasets with one or two dimensions, all of as many rows, or one dataset, which may be compound or
 * name its columns in an attribute `columns`. Built where libhdf5 is (HN_HDF5).
 */
#include "table.h"

#ifndef HN_HDF5

const char *hn_table_hdf5(void) { return NULL; }

static hn_status hdf5_open(hn_table *table) {
  return hn__table_fail(table, HN_FILE, "cannot read '%s': this build has no HDF5 (install libhdf5, make again)",
                        table->path);
}
static hn_status hdf5_read(hn_table *table, const hn__rows *rows) {
  (void)rows;
  return hdf5_open(table);
}
static void hdf5_close(hn_table *table) { (void)table; }

#else

#include <stdlib.h>
#include <string.h>

#include "hdf5.h"

#define TEXT(number) #number
#define VERSION(major, minor, release) TEXT(major) "." TEXT(minor) "." TEXT(release)

const char *hn_table_hdf5(void) { return VERSION(H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE); }

/* libhdf5 has one state for all of the process, of which only some builds take care themselves. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What libhdf5 says itself goes to no terminal. */
typedef struct quiet {
  H5E_auto2_t report;
  void *data;
} quiet;

static quiet enter(void) {
  quiet before;
  pthread_mutex_lock(&lock);
  H5Eget_auto2(H5E_DEFAULT, &before.report, &before.data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  return before;
}

static hn_status leave(quiet before, hn_status status) {
  H5Eset_auto2(H5E_DEFAULT, before.report, before.data);
  pthread_mutex_unlock(&lock);
  return status;
}

static herr_t first_reason(unsigned n, const H5E_error2_t *error, void *to) {
  (void)n;
  *(const char **)to = error->desc;
  return 1; /* the innermost comes first, and is the reason */
}

hn_status hn__hdf5_damaged(hn_table *table, const char *what) {
  const char *reason = "its data are not as they should be";
  char text[256];
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_reason, &reason);
  snprintf(text, sizeof text, "%s", reason);
  return hn__table_fail(table, HN_FORMAT, "'%s' is damaged: %s: %s", table->path, what, text);
}

/* -- opening ---------------------------------------------------------------------------------------------------- */

/* Names of the members of a compound type; the table reads those that are numbers. */
static hn_status member_names(hn_table *table, hn__dataset *set, hid_t type) {
  int n = H5Tget_nmembers(type);
  hn_status status = n > 0 ? HN_OK : hn__hdf5_damaged(table, "a compound type");
  for (unsigned i = 0; i < (unsigned)n && status == HN_OK; i++) {
    char *name = H5Tget_member_name(type, i);
    H5T_class_t class = H5Tget_member_class(type, i);
    if (!name)
      status = hn__hdf5_damaged(table, "a compound type");
    else if (class != H5T_INTEGER && class != H5T_FLOAT)
      status = hn__table_fail(table, HN_FORMAT, "'%s': column '%s' holds no numbers", table->path, name);
    else
      status = hn__table_name(table, name, strlen(name));
    H5free_memory(name);
  }
  set->width = n;
  set->compound = true;
  return status;
}

typedef struct texts {
  char *bytes; /* of fixed length, or pointers where it is variable */
  size_t size;
  bool variable;
} texts;

static const char *text_at(const texts *t, size_t i, size_t *length) {
  const char *text = t->variable ? ((char **)(void *)t->bytes)[i] : t->bytes + i * t->size;
  *length = !text ? 0 : t->variable ? strlen(text) : strnlen(text, t->size);
  while (!t->variable && *length > 0 && text[*length - 1] == ' ') --*length;
  return text;
}

static hn_status add_texts(hn_table *table, const texts *t, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    size_t length;
    const char *text = text_at(t, (size_t)i, &length);
    HN_TRY(hn__table_name(table, text, length));
  }
  return HN_OK;
}

/* Names in the attribute `columns`: as many texts as there are columns. *found: whether there is such an attribute. */
static hn_status attribute_names(hn_table *table, const hn__dataset *set, bool *found) {
  *found = H5Aexists(set->id, "columns") > 0;
  if (!*found) return HN_OK;
  hid_t id = H5Aopen(set->id, "columns", H5P_DEFAULT), type = H5Aget_type(id), space = H5Aget_space(id);
  texts t = {.size = H5Tget_size(type), .variable = H5Tis_variable_str(type) > 0};
  hn_status status = HN_OK;
  if (H5Tget_class(type) != H5T_STRING || H5Sget_simple_extent_npoints(space) != set->width)
    status = hn__table_fail(table, HN_FORMAT, "'%s': the attribute 'columns' must be %lld texts", table->path,
                            (long long)set->width);
  else if (!(t.bytes = calloc((size_t)set->width, t.size)))
    status = hn__table_memory(table);
  else if (H5Aread(id, type, t.bytes) < 0)
    status = hn__hdf5_damaged(table, "the attribute 'columns'");
  else
    status = add_texts(table, &t, set->width);
  if (t.bytes && t.variable) H5Dvlen_reclaim(type, space, H5P_DEFAULT, t.bytes);
  free(t.bytes);
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(id);
  return status;
}

static int64_t rows_of_chunk(hid_t id) {
  hsize_t sizes[2] = {1, 1};
  hid_t plist = H5Dget_create_plist(id);
  if (H5Pget_layout(plist) == H5D_CHUNKED) H5Pget_chunk(plist, 2, sizes);
  H5Pclose(plist);
  return sizes[0] > 0 && sizes[0] < INT32_MAX ? (int64_t)sizes[0] : 1;
}

/* Names and rows of an open dataset. *fits: whether it holds numbers in one or two dimensions. */
static hn_status describe(hn_table *table, hn__dataset *set, const char *name, bool *fits) {
  hsize_t sizes[2] = {0, 1};
  hid_t space = H5Dget_space(set->id), type = H5Dget_type(set->id);
  H5T_class_t class = H5Tget_class(type);
  int dims = H5Sget_simple_extent_ndims(space);
  bool numbers = class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_ENUM, named = false;
  hn_status status = HN_OK;
  *fits = (numbers && (dims == 1 || dims == 2)) || (class == H5T_COMPOUND && dims == 1);
  if (*fits && H5Sget_simple_extent_dims(space, sizes, NULL) < 0) status = hn__hdf5_damaged(table, name);
  set->dims = dims;
  set->chunk = rows_of_chunk(set->id);
  set->width = sizes[1] < (1 << 24) ? (int64_t)sizes[1] : 1 << 24;
  if (*fits && status == HN_OK && class == H5T_COMPOUND)
    status = member_names(table, set, type);
  else if (*fits && status == HN_OK) {
    status = dims == 2 ? attribute_names(table, set, &named) : HN_OK;
    if (status == HN_OK && !named)
      status = dims == 2 ? hn__table_names(table, name, strlen(name), set->width)
                         : hn__table_name(table, name, strlen(name));
  }
  H5Sclose(space);
  H5Tclose(type);
  hn__hdf5_file *file = table->state;
  int64_t rows = sizes[0] < INT64_MAX ? (int64_t)sizes[0] : INT64_MAX;
  if (status == HN_OK && *fits && file->count > 0 && rows != table->rows)
    status =
        hn__table_fail(table, HN_FORMAT, "'%s': expected datasets of as many rows, got %lld in '%s', %lld before it",
                       table->path, (long long)rows, name, (long long)table->rows);
  if (*fits) table->rows = rows;
  return status;
}

/* Takes a dataset's columns; what holds no numbers is left out of a group. */
static hn_status add_dataset(hn_table *table, hid_t id, const char *name, bool wanted) {
  hn__hdf5_file *file = table->state;
  hn__dataset set = {.id = id, .base = table->columns};
  bool fits;
  hn_status status = describe(table, &set, name, &fits);
  if (status == HN_OK && !fits && wanted)
    status = hn__table_fail(table, HN_FORMAT, "'%s': dataset '%s' is no table of numbers", table->path, name);
  if (status == HN_OK && fits) status = hn__table_grow(table, (void **)&file->sets, file->count, sizeof set);
  if (status == HN_OK && fits)
    file->sets[file->count++] = set;
  else
    H5Dclose(id);
  return status;
}

/* The name of entry i of a group, to be freed; NULL if there is no memory. */
static char *entry_name(hid_t group, hsize_t i) {
  ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, NULL, 0, H5P_DEFAULT);
  char *name = length < 0 ? NULL : malloc((size_t)length + 1);
  if (name) H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, (size_t)length + 1, H5P_DEFAULT);
  return name;
}

static hn_status add_group(hn_table *table, hid_t group);

/* A dataset of the group; a group in a root that has no datasets is where the events are. */
static hn_status add_entry(hn_table *table, hid_t group, const char *name, H5I_type_t kind) {
  hid_t id = H5Oopen(group, name, H5P_DEFAULT);
  if (id < 0) return hn__hdf5_damaged(table, name);
  hn_status status = HN_OK;
  if (H5Iget_type(id) == kind && kind == H5I_DATASET) return add_dataset(table, id, name, false);
  if (H5Iget_type(id) == kind && kind == H5I_GROUP) status = add_group(table, id);
  H5Oclose(id);
  return status;
}

static hn_status add_entries(hn_table *table, hid_t group, H5I_type_t kind) {
  H5G_info_t info;
  if (H5Gget_info(group, &info) < 0) return hn__hdf5_damaged(table, "a group");
  for (hsize_t i = 0; i < info.nlinks; i++) {
    char *name = entry_name(group, i);
    if (!name) return hn__hdf5_damaged(table, "a group");
    hn_status status = add_entry(table, group, name, kind);
    free(name);
    HN_TRY(status);
  }
  return HN_OK;
}

static hn_status add_group(hn_table *table, hid_t group) { return add_entries(table, group, H5I_DATASET); }

/* Of a root without datasets, the datasets of its only group. */
static hn_status add_root(hn_table *table, hid_t root) {
  H5G_info_t info;
  HN_TRY(add_group(table, root));
  if (table->columns > 0) return HN_OK;
  if (H5Gget_info(root, &info) < 0) return hn__hdf5_damaged(table, "its root");
  if (info.nlinks == 1) return add_entries(table, root, H5I_GROUP);
  return hn__table_fail(table, HN_FORMAT, "'%s': expected the group of events to be named: group = \"events\"",
                        table->path);
}

static hn_status add_object(hn_table *table, hid_t id) {
  const char *name = strrchr(table->group, '/');
  if (H5Iget_type(id) == H5I_DATASET) return add_dataset(table, id, name ? name + 1 : table->group, true);
  hn_status status = *table->group ? add_group(table, id) : add_root(table, id);
  H5Oclose(id);
  return status;
}

static hn_status open_file(hn_table *table) {
  hn__hdf5_file *file = table->state;
  file->file = H5Fopen(table->path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file->file < 0) return hn__hdf5_damaged(table, "it cannot be opened");
  hid_t id = H5Oopen(file->file, *table->group ? table->group : "/", H5P_DEFAULT);
  if (id >= 0) return add_object(table, id);
  return hn__table_fail(table, HN_FORMAT, "'%s' has no group or dataset '%s'", table->path, table->group);
}

static hn_status hdf5_open(hn_table *table) {
  hn__hdf5_file *file = table->state = calloc(1, sizeof *file);
  if (!file) return hn__table_memory(table);
  quiet before = enter();
  return leave(before, open_file(table));
}

static hn_status hdf5_read(hn_table *table, const hn__rows *rows) {
  quiet before = enter();
  return leave(before, hn__hdf5_read_rows(table, rows));
}

static void hdf5_close(hn_table *table) {
  hn__hdf5_file *file = table->state;
  if (!file) return;
  quiet before = enter();
  for (int64_t k = 0; k < file->count; k++) H5Dclose(file->sets[k].id);
  if (file->file > 0) H5Fclose(file->file);
  leave(before, HN_OK);
  free(file->sets);
  free(file);
}

#endif

const hn__format hn__hdf5 = {hdf5_open, hdf5_read, hdf5_close};
