/*
 * What the files of core/ share: the insides of contexts, buffers, tensors and tapes.
 *
 * Ownership: every tensor, array and tape holds its context; a tensor holds its buffer (slices share one); a tape holds
 * the operands and results of what it recorded. All memory comes through memory.c, which counts it.
 */
#ifndef HN_CORE_CORE_H
#define HN_CORE_CORE_H

#include "backend.h"

#define HN_TRY(expression)                                                                                             \
  do {                                                                                                                 \
    hn_status hn__status = (expression);                                                                               \
    if (hn__status != HN_OK) return hn__status;                                                                        \
  } while (0)

/* A dry run: see hn_dry_begin(). */
typedef struct hn__dry {
  uint64_t run; /* number of the one under way, or 0 */
  uint64_t runs;
  int64_t kinds[HN_KINDS]; /* what was taken in it and not given back */
  hn_memory before;
  hn_random random;
  hn_tensor **grads; /* parameters that got a gradient in it */
  int64_t grad_count, grad_space;
} hn__dry;

struct hn_context {
  int64_t refs; /* the opener's and one for each object */
  const hn_backend *backend;
  hn__device *device;
  void *library;         /* that the backend is in, or NULL */
  char device_name[512]; /* in words, with the reason where "auto" did not find a better one */
  uint32_t seed;
  bool debug;
  hn_random random;
  hn_tape *tape;     /* innermost open scope */
  uint64_t tapes;    /* serial numbers given out */
  const char *doing; /* operation under way, for messages */
  void *workspace;   /* of the hashed products, made on first use */
  size_t workspace_bytes;
  hn_memory memory;
  int64_t refuse;
  hn__dry dry;
  void (*on_pressure)(void *);
  void *pressure_data;
  char message[1024];
};

/* What the host knows of a buffer's integers, so that indices are checked without waiting for the device. */
typedef struct hn__bounds {
  bool known;
  int32_t least, most;
} hn__bounds;

/* Device memory, shared by a tensor and its slices. */
typedef struct hn__buffer {
  hn_context *context;
  int64_t refs;
  hn_kind kind;
  size_t bytes;
  uint64_t dry; /* the dry run that took it, or 0: then data points to nothing of use */
  void *data;
  hn__bounds bounds;
} hn__buffer;

struct hn_tensor {
  hn_context *context;
  int64_t refs;
  hn_dtype dtype;
  int dims;
  int64_t shape[HN_MAX_DIMS], size;
  hn__buffer *buffer; /* NULL once closed */
  int64_t first;      /* element of the buffer where it starts */
  bool parameter;
  uint64_t recorded; /* serial of the tape that recorded it, or 0 */
  hn_tensor *grad;
  bool grad_valid; /* grad holds something; else its storage only waits */
  hn_tape *scope;  /* frees it when it closes, or NULL */
};

/* An operation on its way: what forward gets, and backward again if it was recorded. */
typedef struct hn__call {
  hn_context *context;
  const hn_op *op;
  hn_args args; /* whose matrices are the caller's: hn__map() gives our copies, in the order of operands */
  hn_matrix matrix[2];
  hn_tensor *out;
  hn_tensor *saved[2]; /* what forward keeps for backward, or NULL */
  hn_random random;    /* dropout: where its numbers began */
} hn__call;

struct hn_tape {
  hn_context *context;
  hn_tape *outer;
  bool open, record;
  uint64_t serial;
  hn_tensor **results; /* freed with the scope */
  int64_t result_count, result_space;
  hn__call *calls;
  int64_t call_count, call_space;
};

/* -- context.c -- */
hn_status hn__fail(hn_context *context, hn_status status, const char *format, ...) HN_PRINTF(3, 4);
/* Passes a backend's failure on: adds its reason. */
hn_status hn__device_status(hn_context *context, hn_status status);
/* Runs a backend entry, but not in a dry run: HN_DEVICE_TRY(context, zero, pointer, bytes). */
#define HN_DEVICE_CALL(context, entry, ...)                                                                            \
  ((context)->dry.run ? HN_OK : hn__device_status((context), (context)->backend->entry((context)->device, __VA_ARGS__)))
#define HN_DEVICE_TRY(context, entry, ...) HN_TRY(HN_DEVICE_CALL(context, entry, __VA_ARGS__))
void hn__context_retain(hn_context *context);

/* -- plugin.c -- */
/* The backend that a device's name asks for, built in or from its library, which the context then holds. */
hn_status hn__backend_find(hn_context *context, const char *device, const hn_backend **out);
void hn__backend_release(hn_context *context);

/* -- memory.c -- */
/* Host memory for an object of ours: zero-filled, counted as a live object; NULL with a message if there is none. */
void *hn__object_new(hn_context *context, size_t bytes);
void hn__object_free(hn_context *context, void *object);
/* Host memory for anything else: resized (from NULL) or freed. */
hn_status hn__host_resize(hn_context *context, void **block, size_t bytes);
/* Room for the tensor's elements. */
hn_status hn__buffer_new(hn_context *context, hn_kind kind, const hn_tensor *tensor, hn__buffer **out);
void hn__buffer_release(hn__buffer *buffer);
/* Counts a buffer under another kind. */
void hn__buffer_rename(hn__buffer *buffer, hn_kind kind);
/* Counts what the device holds for itself. */
hn_status hn__memory_hold(hn_context *context, size_t bytes);
/* Writes to the device from host memory. */
hn_status hn__write(hn_context *context, void *dst, const void *host, size_t bytes);
hn_status hn__workspace(hn_context *context, void **out);
void hn__workspace_free(hn_context *context);
/* Forgets a workspace that a dry run made. */
void hn__workspace_end_dry(hn_context *context);

/* -- dry.c -- */
/* Notes that a parameter's gradient became valid, so that the end of a dry run can undo it. */
hn_status hn__dry_note_grad(hn_tensor *parameter);
/* Whether the buffer was taken in a dry run that is over. */
static inline bool hn__dry_over(const hn__buffer *buffer) {
  return buffer->dry && buffer->dry != buffer->context->dry.run;
}

/* -- tensor.c -- */
typedef enum hn__fill { HN_FILL_ZERO, HN_FILL_NONE } hn__fill;
hn_status hn__tensor_make(hn_context *context, hn_kind kind, hn_dtype dtype, int dims, const int64_t *shape,
                          hn__fill fill, hn_tensor **out);
/* A tensor of another shape (same element count from `first` on) over the same storage. */
hn_status hn__tensor_view(hn_tensor *source, int64_t first, int dims, const int64_t *shape, hn_tensor **out);
/* Fails if the tensor is closed or of another context; `name` is how the message calls it. */
hn_status hn__tensor_usable(hn_context *context, const hn_tensor *tensor, const char *name);
/* Notes what is known of n integers that were written into the tensor from element `first` on. */
void hn__note_integers(hn_tensor *tensor, int64_t first, int64_t n, hn__bounds bounds);
hn__bounds hn__bounds_of(int64_t n, const int32_t *values);
/* Checks a shape and gives its element count. */
hn_status hn__shape_size(hn_context *context, int dims, const int64_t *shape, int64_t *size);
/* "[50, 784]" into text. */
typedef struct hn__text {
  char s[96];
} hn__text;
hn__text hn__shape_text(int dims, const int64_t *shape);
static inline float *hn__floats(const hn_tensor *t) { return (float *)t->buffer->data + t->first; }
static inline int32_t *hn__ints(const hn_tensor *t) { return (int32_t *)t->buffer->data + t->first; }
/* Columns: the last dimension. Rows: all the others together. */
static inline int64_t hn__cols(const hn_tensor *t) { return t->shape[t->dims - 1]; }
static inline int64_t hn__rows(const hn_tensor *t) { return t->size / hn__cols(t); }

/* -- scope.c -- */
/* Puts a tensor on the scope's list; NULL is no scope. */
hn_status hn__scope_add(hn_tape *scope, hn_tensor *tensor);
/* Takes a tensor that is going away off its scope's list. */
void hn__scope_forget(hn_tensor *tensor);
/* Makes room in a list for one more entry of `size` bytes. */
hn_status hn__grow(hn_context *context, void **list, int64_t count, int64_t *space, size_t size);

/* -- tape.c -- */
/* Whether a gradient with respect to the tensor is wanted on the innermost tape. */
bool hn__wants_grad(const hn_tensor *tensor);
/* Records the call, or only gives up its hold on operands. */
hn_status hn__tape_record(hn__call *call);
void hn__call_clear(hn__call *call);
/* Where to add the gradient of operand i: NULL in *grad where none is wanted; zero-filled the first time. */
hn_status hn__grad_of(hn__call *call, int i, float **grad);
/* The same for a kernel that can overwrite and writes all of it next: `add`, for that kernel, is false when the gradient
 * holds nothing yet, and then it is not zero-filled. */
hn_status hn__grad_to(hn__call *call, int i, float **grad, bool *add);

#endif
