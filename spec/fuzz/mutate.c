/*
 * Changes to model files that the reader does not refuse at once: after a change of the header, of the network's
 * description in it or of the data, the file's length and checksum fit again. One in sixteen stays as it is.
 */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "core/model.h"
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);

/* The length of the header's text, or SIZE_MAX. */
static size_t text_length(const uint8_t *bytes, size_t size) {
  uint64_t length = 0;
  if (size >= 8) memcpy(&length, bytes, 8);
  return size >= 8 && length <= size - 8 ? (size_t)length : SIZE_MAX;
}

static void put_sum(uint8_t *bytes, size_t size) {
  char digits[HN__SUM_DIGITS + 1];
  size_t at = HN__SUM_AT;
  if (size < at + HN__SUM_DIGITS) return;
  memcpy(bytes + 8, HN__SUM_BEFORE, at - 8);
  memset(bytes + at, '0', HN__SUM_DIGITS);
  snprintf(digits, sizeof digits, "%016" PRIx64, (uint64_t)XXH3_64bits(bytes, size));
  memcpy(bytes + at, digits, HN__SUM_DIGITS);
}

/* Puts another text in the header's place; `size` as it was where there is no room. */
static size_t put_text(uint8_t *bytes, size_t size, size_t most, const char *text, size_t length) {
  size_t old = text_length(bytes, size), data = size - 8 - old;
  uint64_t count = length;
  if (8 + length + data > most) return size;
  memmove(bytes + 8 + length, bytes + 8 + old, data);
  memcpy(bytes, &count, 8);
  memcpy(bytes + 8, text, length);
  return 8 + length + data;
}

static size_t mutate_text(uint8_t *bytes, size_t size, size_t most) {
  size_t length = text_length(bytes, size);
  uint8_t *text = malloc(most);
  memcpy(text, bytes + 8, length);
  length = LLVMFuzzerMutate(text, length, most);
  size = put_text(bytes, size, most, (char *)text, length);
  free(text);
  return size;
}

/* The metadata "model" is JSON within JSON. */
static size_t mutate_description(uint8_t *bytes, size_t size, size_t most) {
  cJSON *header = cJSON_ParseWithLength((char *)bytes + 8, text_length(bytes, size));
  cJSON *meta = cJSON_GetObjectItemCaseSensitive(header, "__metadata__");
  const char *model = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(meta, "model"));
  if (model && strlen(model) < most) {
    char *changed = malloc(most + 1);
    size_t length = strlen(model);
    memcpy(changed, model, length);
    changed[LLVMFuzzerMutate((uint8_t *)changed, length, most)] = 0;
    cJSON_ReplaceItemInObjectCaseSensitive(meta, "model", cJSON_CreateString(changed));
    char *text = cJSON_PrintUnformatted(header);
    size = put_text(bytes, size, most, text, strlen(text));
    cJSON_free(text);
    free(changed);
  }
  cJSON_Delete(header);
  return size;
}

static size_t mutate_data(uint8_t *bytes, size_t size, size_t most) {
  size_t begin = 8 + text_length(bytes, size);
  return begin < most ? begin + LLVMFuzzerMutate(bytes + begin, size - begin, most - begin) : size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed) {
  unsigned way = seed % 16;
  if (way < 2 || text_length(bytes, size) == SIZE_MAX)
    size = LLVMFuzzerMutate(bytes, size, most);
  else if (way < 6)
    size = mutate_text(bytes, size, most);
  else if (way < 14)
    size = mutate_description(bytes, size, most);
  else
    size = mutate_data(bytes, size, most);
  if (way > 0) put_sum(bytes, size);
  return size;
}
