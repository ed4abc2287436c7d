/* Writes a file of named tensors: beside its place, and put there when all of it is on the disk. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "model.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "files are little-endian and are written as the machine has the numbers"
#endif

typedef struct writer {
  hn_file *file;
  const char *path;
  char *temporary;
  int fd;
  XXH3_state_t *sum;
} writer;

static hn_status refuse(const writer *w, const char *what, int code) {
  return hn__fail(w->file->context, HN_FILE, "cannot write '%s': %s%s", w->path, what, strerror(code));
}

static hn_status no_memory(const writer *w) {
  return hn__fail(w->file->context, HN_MEMORY, "no host memory to write '%s'", w->path);
}

/* -- header ----------------------------------------------------------------------------------------------------- */

static bool describe_tensor(cJSON *header, const hn__entry *entry) {
  cJSON *tensor = cJSON_AddObjectToObject(header, entry->name);
  if (!tensor || !cJSON_AddStringToObject(tensor, "dtype", hn__file_type(entry->dtype))) return false;
  cJSON *shape = cJSON_AddArrayToObject(tensor, "shape"), *offsets = cJSON_AddArrayToObject(tensor, "data_offsets");
  bool fine = shape && offsets;
  for (int i = 0; i < entry->dims && fine; i++)
    fine = cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)entry->shape[i]));
  return fine && cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)entry->begin)) &&
         cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)(entry->begin + 4 * entry->size)));
}

static bool describe(const hn_file *file, cJSON *header) {
  cJSON *meta = cJSON_AddObjectToObject(header, "__metadata__"), *item;
  if (!meta || !cJSON_AddStringToObject(meta, "xxh3", "0000000000000000")) return false;
  if (!cJSON_AddStringToObject(meta, "version", HN_FILE_VERSION)) return false;
  cJSON_ArrayForEach(item,
                     file->meta) if (strcmp(item->string, "xxh3") != 0 && strcmp(item->string, "version") != 0 &&
                                     !cJSON_AddStringToObject(meta, item->string, item->valuestring)) return false;
  for (int64_t i = 0; i < file->count; i++)
    if (!describe_tensor(header, &file->entries[i])) return false;
  return true;
}

static void place_entries(hn_file *file) {
  int64_t at = 0;
  for (int64_t i = 0; i < file->count; i++) {
    file->entries[i].begin = at;
    at += 4 * file->entries[i].size;
  }
}

/* The length and the text, padded with blanks to a multiple of 8 bytes. The caller frees it. */
static char *make_header(hn_file *file, size_t *bytes) {
  char *block = NULL;
  cJSON *header = cJSON_CreateObject();
  place_entries(file);
  char *text = header && describe(file, header) ? cJSON_PrintUnformatted(header) : NULL;
  cJSON_Delete(header);
  if (text) {
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    uint64_t count = padded;
    block = malloc(8 + padded);
    if (block) {
      memcpy(block, &count, 8);
      for (size_t i = 0; i < length; i++) block[8 + i] = text[i];
      memset(block + 8 + length, ' ', padded - length);
      *bytes = 8 + padded;
    }
  }
  cJSON_free(text);
  return block;
}

/* -- bytes ------------------------------------------------------------------------------------------------------ */

static hn_status write_at(writer *w, const char *bytes, size_t count, off_t at) {
  while (count > 0) {
    ssize_t done = pwrite(w->fd, bytes, count, at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return refuse(w, "", done < 0 ? errno : ENOSPC);
    bytes += done, count -= (size_t)done, at += done;
  }
  return HN_OK;
}

/* Elements [first, first + n) of an entry: in the array, or read from the device into `room`. */
static hn_status elements(const hn__entry *entry, int64_t first, int64_t n, void *room, const char **out) {
  *out = room;
  if (entry->tensor) return hn_tensor_read(entry->tensor, first, n, room);
  *out = (const char *)hn_array_data(entry->array) + 4 * first;
  return HN_OK;
}

static hn_status write_entry(writer *w, const hn__entry *entry, void *room, int64_t at) {
  for (int64_t first = 0, n; first < entry->size; first += n) {
    const char *bytes;
    n = entry->size - first < HN__PIECE / 4 ? entry->size - first : HN__PIECE / 4;
    HN_TRY(elements(entry, first, n, room, &bytes));
    XXH3_64bits_update(w->sum, bytes, (size_t)n * 4);
    HN_TRY(write_at(w, bytes, (size_t)n * 4, (off_t)(at + 4 * first)));
  }
  return HN_OK;
}

static hn_status write_data(writer *w, int64_t at) {
  void *room = NULL;
  HN_TRY(hn__host_resize(w->file->context, &room, (size_t)HN__PIECE));
  hn_status status = HN_OK;
  for (int64_t i = 0; i < w->file->count && status == HN_OK; i++)
    status = write_entry(w, &w->file->entries[i], room, at + w->file->entries[i].begin);
  hn__host_resize(w->file->context, &room, 0);
  return status;
}

/* The data first, then the header, whose sum is known by then. */
static hn_status write_all(writer *w, char *header, size_t bytes) {
  char digits[HN__SUM_DIGITS + 1];
  if ((int64_t)bytes > HN__MOST_HEADER)
    return hn__fail(w->file->context, HN_ARGUMENT,
                    "cannot write '%s': its description takes %zu bytes, at most %lld "
                    "are read",
                    w->path, bytes, (long long)HN__MOST_HEADER);
  XXH3_64bits_reset(w->sum);
  XXH3_64bits_update(w->sum, header, bytes);
  HN_TRY(write_data(w, (int64_t)bytes));
  snprintf(digits, sizeof digits, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(w->sum));
  memcpy(header + HN__SUM_AT, digits, HN__SUM_DIGITS);
  HN_TRY(write_at(w, header, bytes, 0));
  if (fsync(w->fd) != 0) return refuse(w, "", errno);
  return HN_OK;
}

/* -- place ------------------------------------------------------------------------------------------------------ */

/* A new file beside the target, readable as the user's other new files are or as the file that it replaces. */
static hn_status open_temporary(writer *w) {
  struct stat old;
  size_t room = strlen(w->path) + sizeof ".XXXXXX";
  w->temporary = malloc(room);
  if (!w->temporary) return no_memory(w);
  snprintf(w->temporary, room, "%s.XXXXXX", w->path);
  bool replaces = stat(w->path, &old) == 0;
  if (replaces && !S_ISREG(old.st_mode)) return refuse(w, "it is no regular file: ", EEXIST);
  w->fd = mkstemp(w->temporary);
  if (w->fd < 0) return refuse(w, "", errno);
  mode_t mask = umask(0);
  umask(mask);
  fchmod(w->fd, replaces ? old.st_mode & 07777 : 0666 & ~mask);
  return HN_OK;
}

/* A new name is on the disk only when its folder is. Not every file system can sync a folder. */
static void sync_folder(char *place) {
  char *slash = strrchr(place, '/');
  if (slash) *slash = 0;
  int fd = open(!slash ? "." : slash == place ? "/" : place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

static hn_status put_in_place(writer *w) {
  int failed = close(w->fd);
  w->fd = -1;
  if (failed || rename(w->temporary, w->path) != 0) return refuse(w, "", errno);
  sync_folder(w->temporary);
  return HN_OK;
}

static hn_status save(writer *w) {
  size_t bytes = 0;
  char *header = make_header(w->file, &bytes);
  w->sum = XXH3_createState();
  hn_status status = header && w->sum ? open_temporary(w) : no_memory(w);
  bool made = status == HN_OK;
  if (made) status = write_all(w, header, bytes);
  if (status == HN_OK) status = put_in_place(w);
  if (w->fd >= 0) close(w->fd);
  if (made && status != HN_OK) unlink(w->temporary);
  free(header);
  return status;
}

hn_status hn_file_save(hn_file *file, const char *path) {
  writer w = {.file = file, .path = path, .fd = -1};
  hn_status status = save(&w);
  XXH3_freeState(w.sum);
  free(w.temporary);
  return status;
}
