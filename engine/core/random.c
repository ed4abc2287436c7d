/* The random stream of a context: counter-based, so that a seed and a position are all its state. */
#include <math.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* the state on the stack */
#include <xxhash.h>

#include "core.h"

#define CHUNK 1024

hn_random hn_random_read(const hn_context *context) { return context->random; }

void hn_random_write(hn_context *context, hn_random state) { context->random = state; }

uint32_t hn_hash(const uint32_t *words, size_t n, uint32_t seed) {
  XXH32_state_t state;
  XXH32_reset(&state, seed);
  for (size_t i = 0; i < n; i++) {
    const unsigned char bytes[4] = {(unsigned char)words[i], (unsigned char)(words[i] >> 8),
                                    (unsigned char)(words[i] >> 16), (unsigned char)(words[i] >> 24)};
    XXH32_update(&state, bytes, sizeof bytes);
  }
  return XXH32_digest(&state);
}

static float uniform(hn_random *random, float low, float high) {
  float y = low + (high - low) * hn__uniform(random->seed, random->position++);
  return y < high ? y : low;
}

/* Box and Muller's transform of two uniform numbers; 1 - u keeps the logarithm finite. */
static float normal(hn_random *random, float mean, float deviation) {
  double u = 1.0 - (double)hn__uniform(random->seed, random->position);
  double v = (double)hn__uniform(random->seed, random->position + 1);
  random->position += 2;
  return mean + deviation * (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

/* Numbers are made on the host, so that every backend starts from the same bits. */
static hn_status fill(hn_tensor *tensor, float (*draw)(hn_random *, float, float), float p, float q) {
  HN_TRY(hn__tensor_usable(tensor->context, tensor, "the tensor"));
  if (tensor->dtype != HN_FLOAT32)
    return hn__fail(tensor->context, HN_ARGUMENT, "random numbers need a float tensor, got an int tensor");
  if (!isfinite(p) || !isfinite(q))
    return hn__fail(tensor->context, HN_ARGUMENT, "the distribution's parameters must be finite");
  float chunk[CHUNK];
  for (int64_t first = 0; first < tensor->size; first += CHUNK) {
    int64_t n = tensor->size - first < CHUNK ? tensor->size - first : CHUNK;
    for (int64_t i = 0; i < n; i++) chunk[i] = draw(&tensor->context->random, p, q);
    HN_TRY(hn_tensor_write(tensor, first, n, chunk));
  }
  return HN_OK;
}

hn_status hn_tensor_uniform(hn_tensor *tensor, float low, float high) { return fill(tensor, uniform, low, high); }

hn_status hn_tensor_normal(hn_tensor *tensor, float mean, float deviation) {
  return fill(tensor, normal, mean, deviation);
}
