/* What the files of core/model*.c share: the insides of a file of named tensors. */
#ifndef HN_CORE_MODEL_H
#define HN_CORE_MODEL_H

#include <cjson/cJSON.h>

#include "core.h"

/* The header's text begins with this, 16 hexadecimal digits follow: XXH3 (64 bits) of the whole file with zeros for
 * these digits. A fixed place, so that nothing has to be parsed before it was checked. */
#define HN__SUM_BEFORE "{\"__metadata__\":{\"xxh3\":\""
#define HN__SUM_AT (8 + sizeof HN__SUM_BEFORE - 1)
#define HN__SUM_DIGITS 16
#define HN__PIECE ((int64_t)1 << 20)        /* bytes on their way between device and disk */
#define HN__MOST_HEADER ((int64_t)16 << 20) /* bytes; safetensors itself stops at 100 MB */

typedef struct hn__entry {
  char *name;
  hn_dtype dtype;
  int dims;
  int64_t shape[HN_MAX_DIMS], size, begin; /* elements; first byte within the data */
  hn_tensor *tensor;                       /* what it is saved from: one of these two */
  hn_array *array;
} hn__entry;

struct hn_file {
  hn_context *context;
  cJSON *meta; /* an object of strings */
  hn__entry *entries;
  int64_t count, space;
  int fd; /* that it was read from, or -1 */
  char *path;
  int64_t data; /* first byte of the data in the file */
};

const char *hn__file_type(hn_dtype dtype);
/* The entry, or NULL. */
hn__entry *hn__file_find(const hn_file *file, const char *name);
/* A new entry at the end, with its own copy of the name. */
hn_status hn__file_entry(hn_file *file, const char *name, int dims, const int64_t *shape, hn_dtype dtype,
                         hn__entry **out);
/* A file without entries; path is copied. */
hn_status hn__file_make(hn_context *context, const char *path, hn_file **out);

#endif
