/*
 * hn.h - the public C interface of hnrun: hashed neural networks in bounded memory.
 *
 * A layer's weight matrix V (rows x cols, outputs x inputs) is never stored. It is described by an hn_matrix, a few
 * bytes, over a pool of K shared weights (buckets): V[i][j] = sign(i,j) * w[bucket(i,j)] (Chen et al., ICML 2015, eq. 7).
 *
 * Every function that can fail returns an hn_status; hn_message() of the context then says what was wrong. Nothing here
 * prints, exits or keeps state outside a context. Objects are counted: what a function gives through `**out` belongs to
 * the caller, who releases it once; an object keeps what it needs alive. A context and all that belongs to it are used
 * by one thread at a time; different contexts are independent.
 */
#ifndef HN_H
#define HN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HN_VERSION "0.1.0"
#if defined(__GNUC__)
#define HN_API __attribute__((visibility("default")))
#define HN_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define HN_API
#define HN_PRINTF(f, a)
#endif

/* ---- Status ------------------------------------------------------------------------------------------------------ */

/* X(NAME, "name", "what it means"): the one list of everything that can go wrong. */
#define HN_STATUS_LIST(X)                                                                                              \
  X(OK, "ok", "no error")                                                                                              \
  X(ARGUMENT, "argument", "a value that the function does not take")                                                   \
  X(SHAPE, "shape", "sizes that do not fit together")                                                                  \
  X(MEMORY, "memory", "the budget or the machine has no room")                                                         \
  X(FILE, "file", "a file cannot be opened, read or written")                                                          \
  X(FORMAT, "format", "a file is not what it should be")                                                               \
  X(DEVICE, "device", "the device is absent or failed")                                                                \
  X(STATE, "state", "the object is closed, belongs to another context, or the call comes at the wrong time")           \
  X(NUMERIC, "numeric", "a number that is not finite where one must be")                                               \
  X(SCRIPT, "script", "a Lua script raised an error")

typedef enum hn_status {
#define X(NAME, name, text) HN_##NAME,
  HN_STATUS_LIST(X)
#undef X
} hn_status;

/* The status' lower-case name, as error texts begin with it. */
HN_API const char *hn_status_name(hn_status status);

/* ---- Context ----------------------------------------------------------------------------------------------------- */

typedef struct hn_context hn_context;

typedef struct hn_options {
  const char *device; /* "auto" or a backend's name ("cpu"); "cpu:avx2" and the like: with the kernels of that level */
  int threads;        /* CPU threads; 0: one for each core that the process may use */
  int64_t memory;     /* budget: bytes that the device may hold; 0: no limit */
  uint32_t seed;      /* of the random stream and of default layer seeds */
  bool debug;         /* guard zones around every allocation, fresh results filled with NaN */
} hn_options;

/* Device "auto", all threads, no limit of memory, seed 1, no guard zones. */
HN_API hn_options hn_options_default(void);

/* Opens a context. `options` NULL: the defaults. On failure *out still holds a context to read hn_message() from and to
 * close, or NULL if not even that could be allocated. */
HN_API hn_status hn_context_open(const hn_options *options, hn_context **out);
/* Gives up the caller's hold; the context goes when its last object has. NULL is allowed. */
HN_API void hn_context_close(hn_context *context);
/* Text of the last error: what, on which object, wanted and got. Never NULL. */
HN_API const char *hn_message(const hn_context *context);
/* What backend i was built with, in words; NULL behind the last. */
HN_API const char *hn_backend_built_with(int i);
/* Device in words, such as "cpu, 2 threads, avx512"; its CPU threads; the seed that the context was opened with. */
HN_API const char *hn_context_device(const hn_context *context);
HN_API int hn_context_threads(const hn_context *context);
HN_API uint32_t hn_context_seed(const hn_context *context);
/* Waits until the device has done all that it was asked for: to take the time, or to be told of an error now. */
HN_API hn_status hn_context_wait(hn_context *context);
/* Called once before an allocation fails, so that the host can let go of what it no longer needs. */
HN_API void hn_context_on_pressure(hn_context *context, void (*release)(void *), void *data);

/* Reads "64MiB", "1.5GiB", "500kB", "4096" as bytes; false if it is nothing of the kind or below 1. */
HN_API bool hn_parse_bytes(const char *text, int64_t *bytes);
/* Bytes of memory that this machine has. */
HN_API int64_t hn_physical_memory(void);

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* X(NAME, "name"): who holds device bytes. */
#define HN_KIND_LIST(X)                                                                                                \
  X(BUCKETS, "buckets")                                                                                                \
  X(WEIGHTS, "weights")                                                                                                \
  X(GRADIENTS, "gradients")                                                                                            \
  X(OPTIMIZER, "optimizer")                                                                                            \
  X(ACTIVATIONS, "activations")                                                                                        \
  X(WORKSPACE, "workspace")                                                                                            \
  X(DATA, "data")

typedef enum hn_kind {
#define X(NAME, name) HN_##NAME,
  HN_KIND_LIST(X)
#undef X
      HN_KINDS
} hn_kind;

/* The kind's lower-case name, such as "buckets". */
HN_API const char *hn_kind_name(hn_kind kind);

typedef struct hn_memory {
  int64_t used, peak, budget; /* device bytes now, at most since the last reset, and allowed (0: no limit) */
  int64_t kinds[HN_KINDS];    /* used, by kind */
  int64_t peaks[HN_KINDS];    /* what kinds was when peak was reached */
  int64_t host;               /* bytes of host arrays (data sets) */
  int64_t objects;            /* live tensors, arrays, tapes */
  int64_t damaged;            /* allocations whose guard zones were found overwritten (debug contexts) */
} hn_memory;

/* The counters as they are now. */
HN_API hn_memory hn_memory_read(hn_context *context);
/* Lets the peak start anew from what is used now. */
HN_API void hn_memory_reset_peak(hn_context *context);
/* For tests: the n-th allocation from now on fails (1: the next one; 0: none), device and host alike. */
HN_API void hn_memory_refuse(hn_context *context, int64_t n);

/* ---- Dry runs ---------------------------------------------------------------------------------------------------- */

/* From here to hn_dry_end() the context only counts: code runs as ever, with the shapes that it has, but no kernel does
 * and no device memory is taken, so neither the machine nor the budget limits it. What the run makes reads as zero;
 * what was there before can be read and is not changed. HN_STATE if a dry run is under way.
 * The run holds the context. */
HN_API hn_status hn_dry_begin(hn_context *context);
/* Ends it and tells what it would have used: peak and peaks count from hn_dry_begin() on. The counters, the gradients
 * and the random stream are as before; a tensor that outlives the run can only be released. */
HN_API hn_memory hn_dry_end(hn_context *context);

/* ---- Random numbers ---------------------------------------------------------------------------------------------- */

/* A counter-based stream: number c of seed s is XXH32 of c (8 bytes, little endian) with seed s. The same on every
 * backend; position and seed are all its state. */
typedef struct hn_random {
  uint32_t seed;
  uint64_t position;
} hn_random;

/* The state of the context's stream, and a new state for it: written back, numbers repeat. */
HN_API hn_random hn_random_read(const hn_context *context);
HN_API void hn_random_write(hn_context *context, hn_random state);
/* XXH32 of n 32-bit words taken as little-endian bytes: derives seeds from seeds. */
HN_API uint32_t hn_hash(const uint32_t *words, size_t n, uint32_t seed);

/* ---- Tensors ----------------------------------------------------------------------------------------------------- */

#define HN_MAX_DIMS 4

typedef enum hn_dtype { HN_FLOAT32, HN_INT32 } hn_dtype;
typedef struct hn_tensor hn_tensor;

/* A contiguous row-major tensor on the device, zero-filled. float32, or int32 for labels and indices (from 0). */
HN_API hn_status hn_tensor_new(hn_context *context, hn_kind kind, hn_dtype dtype, int dims, const int64_t *shape,
                               hn_tensor **out);
/* A pool of `count` buckets: a 1-dimensional tensor of kind HN_BUCKETS that wants a gradient. */
HN_API hn_status hn_buckets_new(hn_context *context, int64_t count, hn_tensor **out);
/* Another hold on a tensor, and giving one up: the tensor goes with the last. NULL is allowed. */
HN_API hn_tensor *hn_tensor_retain(hn_tensor *tensor);
HN_API void hn_tensor_release(hn_tensor *tensor);
/* Frees the storage (and the gradient) now; the handle stays valid and every use of it fails with HN_STATE. */
HN_API void hn_tensor_close(hn_tensor *tensor);

/* What a tensor is. The shape is borrowed, of hn_tensor_dims() numbers; the size is their product, in elements; closed:
 * whether its storage is gone (hn_tensor_close(), or its scope's end). */
HN_API hn_context *hn_tensor_context(const hn_tensor *tensor);
HN_API hn_dtype hn_tensor_dtype(const hn_tensor *tensor);
HN_API hn_kind hn_tensor_kind(const hn_tensor *tensor);
HN_API int hn_tensor_dims(const hn_tensor *tensor);
HN_API const int64_t *hn_tensor_shape(const hn_tensor *tensor);
HN_API int64_t hn_tensor_size(const hn_tensor *tensor);
HN_API bool hn_tensor_closed(const hn_tensor *tensor);

/* Copies `count` elements, from element `first` on, between host memory (float or int32_t) and the tensor. */
HN_API hn_status hn_tensor_write(hn_tensor *tensor, int64_t first, int64_t count, const void *source);
HN_API hn_status hn_tensor_read(const hn_tensor *tensor, int64_t first, int64_t count, void *target);
/* The elements on their way to the host, as they are now: what a device computes in its own time can be asked for and
 * read later, so that neither waits for the other. hn_fetch_ready(): whether reading would not wait. hn_fetch_read()
 * works once. A fetch holds the context, not the tensor. */
typedef struct hn_fetch hn_fetch;
HN_API hn_status hn_tensor_fetch(const hn_tensor *tensor, hn_fetch **out);
HN_API bool hn_fetch_ready(const hn_fetch *fetch);
HN_API int64_t hn_fetch_size(const hn_fetch *fetch);
HN_API hn_dtype hn_fetch_dtype(const hn_fetch *fetch);
HN_API hn_context *hn_fetch_context(const hn_fetch *fetch);
HN_API hn_status hn_fetch_read(hn_fetch *fetch, void *target);
HN_API void hn_fetch_release(hn_fetch *fetch);
/* Copies all of `source` (same dtype and size) into the tensor, on the device. */
HN_API hn_status hn_tensor_copy(hn_tensor *tensor, const hn_tensor *source);
/* Fills with uniform numbers in [low, high), or normal ones, from the context's random stream. */
HN_API hn_status hn_tensor_uniform(hn_tensor *tensor, float low, float high);
HN_API hn_status hn_tensor_normal(hn_tensor *tensor, float mean, float deviation);

/* Makes a float32 tensor a parameter: counted as weights, with a gradient after hn_backward(). */
HN_API hn_status hn_tensor_parameter(hn_tensor *tensor);
HN_API bool hn_tensor_is_parameter(const hn_tensor *tensor);
/* The gradient (borrowed; same shape), or NULL where none was computed since the last clearing. */
HN_API hn_tensor *hn_tensor_grad(const hn_tensor *tensor);
/* Forgets the gradient; its storage stays for the next one. Gradients otherwise add up. */
HN_API void hn_tensor_clear_grad(hn_tensor *tensor);

/* ---- Virtual matrices -------------------------------------------------------------------------------------------- */

typedef enum hn_scheme {
  HN_ELEMENT, /* grain 1: a bucket for each element, the paper's */
  HN_LINE     /* grain 16: 16 columns share a 64-byte line of buckets, each with a sign of its own */
} hn_scheme;

/* "element" or "line". */
HN_API const char *hn_scheme_name(hn_scheme scheme);

/* How rows x cols virtual weights are laid over buckets. Plain data: copy it, keep it in a file. */
typedef struct hn_matrix {
  hn_scheme scheme;
  int64_t rows, cols;    /* outputs, inputs; each from 1 to 2^31-1 */
  int64_t offset, count; /* the buckets [offset, offset + count) of the pool; multiples of the grain */
  int64_t strip;         /* rows of a strip that owns buckets of its own; 0: one bank for the whole matrix */
  uint32_t seed;
  bool sign;     /* false: every sign is +1 */
  bool balanced; /* every slot of a bank serves as many runs as any other, or one more: a keyed permutation of the runs
                    says which, instead of independent draws. With a slot for each run, each has one of its own */
} hn_matrix;

/* Consecutive columns that share a slot of as many consecutive buckets. */
HN_API int hn_matrix_grain(const hn_matrix *matrix);
/* Checks every field against each other and a pool of `buckets`; HN_ARGUMENT or HN_SHAPE with a message. */
HN_API hn_status hn_matrix_check(hn_context *context, const hn_matrix *matrix, int64_t buckets);
/* Bucket index (from 0, offset included) of element (row, col) counted from 0, and its sign, 1 or -1 (may be NULL). */
HN_API int64_t hn_matrix_bucket(const hn_matrix *matrix, int64_t row, int64_t col, int *sign);
/* The way back, for balanced matrices: the runs that a slot serves. Slot 0 to count / grain - 1 are the buckets from
 * offset + grain * slot on.
 * Writes those from `first` (from 0) on, at most n: run run[k] of row row[k] is the columns from grain * run[k] on.
 * Returns how many the slot serves in all; -1 if the matrix is not balanced, whose members only a search could tell. */
HN_API int64_t hn_matrix_members(const hn_matrix *matrix, int64_t slot, int64_t first, int64_t n, int64_t *row,
                                 int64_t *run);
/* Writes rows [row, row + rows) of the virtual matrix into a new tensor rows x cols. For export and inspection: this
 * does allocate what it writes. */
HN_API hn_status hn_matrix_expand(const hn_matrix *matrix, hn_tensor *pool, int64_t row, int64_t rows, hn_tensor **out);

/* ---- Operations -------------------------------------------------------------------------------------------------- */

#define HN_MAX_OPERANDS 8
#define HN_MAX_NUMBERS 6

/* An operand: a tensor, or a virtual matrix over a pool. */
typedef struct hn_operand {
  hn_tensor *tensor;       /* the tensor or the pool; NULL where an optional operand is left out */
  const hn_matrix *matrix; /* NULL for a plain tensor */
} hn_operand;

typedef struct hn_args {
  int operands, numbers; /* how many of each follow */
  hn_operand x[HN_MAX_OPERANDS];
  double number[HN_MAX_NUMBERS];
} hn_args;

typedef struct hn_op hn_op;

/* The operation of that name, or NULL. hn_op_at(i) lists them all, NULL at the end. */
HN_API const hn_op *hn_op_find(const char *name);
HN_API const hn_op *hn_op_at(int i);
HN_API const char *hn_op_name(const hn_op *op);
/* Its parameters in order, such as "x weight:matrix bias:matrix?" or "x slope=0.01"; see engine/core/op/op.h. */
HN_API const char *hn_op_parameters(const hn_op *op);
/* Runs an operation on its operands; numbers left out take their defaults. Numbers that count (axis, the first row of a
 * slice) count from 1, in C as in scripts. The result is a new tensor. It is recorded
 * on the context's innermost tape if an operand wants a gradient. */
HN_API hn_status hn_apply(hn_context *context, const hn_op *op, const hn_args *args, hn_tensor **out);

/* ---- Tape and scope ---------------------------------------------------------------------------------------------- */

typedef struct hn_tape hn_tape;

/* Opens a scope: results of operations made until it closes are freed with it, unless kept. With `record` it is a tape,
 * which also records operations for hn_backward(). The innermost open scope is the one in force, so a plain scope
 * inside a tape is a stretch that is not recorded. */
HN_API hn_status hn_tape_open(hn_context *context, bool record, hn_tape **out);
/* Closes it and every scope opened inside it, whose handles still have to be closed by their owners. NULL is allowed. */
HN_API void hn_tape_close(hn_tape *tape);
/* Hands a result over to the scope around the one it was made in. */
HN_API hn_status hn_tensor_keep(hn_tensor *tensor);
/* Runs the innermost tape backwards from a tensor of one element: gradients are added to those of all parameters that
 * took part, and the record is dropped. */
HN_API hn_status hn_backward(hn_tensor *loss);

/* ---- Update rules ------------------------------------------------------------------------------------------------ */

/* X(NAME, "name", number of state tensors) */
#define HN_RULE_LIST(X)                                                                                                \
  X(SGD, "sgd", 1)                                                                                                     \
  X(ADAM, "adam", 2)                                                                                                   \
  X(ADAMW, "adamw", 2)                                                                                                 \
  X(RMSPROP, "rmsprop", 2)                                                                                             \
  X(ADAGRAD, "adagrad", 1)

typedef enum hn_rule_kind {
#define X(NAME, name, states) HN_RULE_##NAME,
  HN_RULE_LIST(X)
#undef X
      HN_RULES
} hn_rule_kind;

/* One rule for all parameters of a step. g is the gradient times `scale`, plus l2 * w, plus l1 * sgn(w); adamw applies
 * l2 to w directly instead (decoupled decay, Loshchilov & Hutter 2019). */
typedef struct hn_rule {
  hn_rule_kind kind;
  float lr;
  float momentum;     /* sgd, rmsprop */
  bool nesterov;      /* sgd */
  float beta1, beta2; /* adam, adamw: decay of the two moments; rmsprop: beta2 */
  float epsilon;      /* adam, adamw, rmsprop, adagrad */
  float l1, l2;
  float scale;  /* on the gradient: clipping, loss scaling */
  int64_t step; /* number of this step, from 1 (adam's bias correction) */
} hn_rule;

/* A rule with its usual numbers, and its name. */
HN_API hn_rule hn_rule_default(hn_rule_kind kind);
HN_API const char *hn_rule_name(hn_rule_kind kind);
/* Applies the rule to a parameter with its gradient. state[0..1] are made on first use (zero-filled, kind
 * HN_OPTIMIZER) and belong to the caller. Without a gradient nothing happens. */
HN_API hn_status hn_update(const hn_rule *rule, hn_tensor *parameter, hn_tensor *state[2]);
/* Square root of the sum of squares of the gradients of n parameters. */
HN_API hn_status hn_grad_norm(hn_context *context, hn_tensor *const *parameters, int n, double *out);

/* ---- Host arrays and data ---------------------------------------------------------------------------------------- */

typedef enum hn_array_type { HN_U8, HN_I32, HN_F32, HN_F64 } hn_array_type;
typedef struct hn_array hn_array;

/* An array in host memory: samples of a data set, or a list of sample numbers. Zero-filled. */
HN_API hn_status hn_array_new(hn_context *context, hn_array_type type, int dims, const int64_t *shape, hn_array **out);
/* As of tensors: holds, and what an array is. Its elements are read and written through hn_array_data(). */
HN_API hn_array *hn_array_retain(hn_array *array);
HN_API void hn_array_release(hn_array *array);
HN_API hn_context *hn_array_context(const hn_array *array);
HN_API hn_array_type hn_array_dtype(const hn_array *array);
HN_API int hn_array_dims(const hn_array *array);
HN_API const int64_t *hn_array_shape(const hn_array *array);
HN_API void *hn_array_data(hn_array *array);
/* 0, 1, ... n-1 as an int32 array, shuffled by the context's random stream if asked. */
HN_API hn_status hn_array_sequence(hn_context *context, int64_t n, bool shuffled, hn_array **out);
/* Elements [first, first + count) of the leading dimension; shares storage. */
HN_API hn_status hn_array_slice(hn_array *array, int64_t first, int64_t count, hn_array **out);
/* A new array of the rows index[0..n). */
HN_API hn_status hn_array_pick(hn_array *array, const hn_array *index, hn_array **out);
/* A minibatch: rows index[0..n) of `source` (NULL: all rows) as a tensor of kind HN_DATA on the context's device, which
 * need not be the context that the array was made in. float32: scale * value + shift, the
 * sample's dimensions flattened to one if `flatten`. int32: values + (int)shift. */
HN_API hn_status hn_array_gather(hn_context *context, const hn_array *source, const hn_array *index, hn_dtype dtype,
                                 float scale, float shift, bool flatten, hn_tensor **out);
/* Reads an IDX file, plain or gzip (LeCun's MNIST format; unsigned bytes, big-endian int32 or float32). */
HN_API hn_status hn_idx_read(hn_context *context, const char *path, hn_array **out);

/* Columns of events, as hn_table_read() gives them: rows of `target` from row `at` on (0 is the first) become the
 * numbers that n columns of float64 have in the rows index[0..n); NULL: in all. A value that an integer array does not
 * hold is HN_ARGUMENT. */
HN_API hn_status hn_array_pack(hn_array *target, int64_t at, const hn_array *index, int n, hn_array *const *columns);
/* The numbers, from 0, of the elements that are at least `least` and at most `most`, as an int32 array; NULL in *out if
 * there are none. */
HN_API hn_status hn_array_where(hn_array *values, double least, double most, hn_array **out);
/* The sum of all elements, in float64. */
HN_API double hn_array_sum(hn_array *array);
/* Copies rows of one array to another one of the same type, from row `at` on: those that the index lists, or all. */
HN_API hn_status hn_array_copy(hn_array *target, int64_t at, hn_array *source, const hn_array *index);
/* Of the bytes from `least` to `most`, makes `wanted` into `to`: drawn by a random stream of this seed, evenly spread,
 * or the last ones. */
typedef enum hn_parting { HN_PART_RANDOM, HN_PART_ALTERNATE, HN_PART_BLOCK } hn_parting;
HN_API hn_status hn_array_part(hn_array *codes, uint8_t least, uint8_t most, uint8_t to, int64_t wanted, hn_parting how,
                               uint32_t seed);

/* ---- Tables of events -------------------------------------------------------------------------------------------- */

/* A file of columns of numbers: CSV (a line of names, then values between commas, semicolons or tabs; plain or gzip),
 * NPY (one or two dimensions, or structured), NPZ (such arrays, stored or deflated) or, where the library is built
 * with it, HDF5 (datasets of one or two dimensions, or compound ones; an attribute `columns` may name those of two).
 * Columns of a two-dimensional array NAME are called "NAME[1]", "NAME[2]" and so on; one without a name is "x". A
 * table has no context; one thread at a time uses it. */
typedef struct hn_table hn_table;

/* The version of HDF5 that the library was built with, NULL where it was built without. */
HN_API const char *hn_table_hdf5(void);
/* Opens a file. `group`: the path of a group or dataset in an HDF5 file; NULL or "": the file's root, or the one group
 * in it. A status with the reason in hn_table_message(). *out is to be closed in any case. */
HN_API hn_status hn_table_open(const char *path, const char *group, hn_table **out);
/* Waits for a read that is under way. NULL is allowed. */
HN_API void hn_table_close(hn_table *table);
/* What was wrong in the last call that failed. Never NULL. */
HN_API const char *hn_table_message(const hn_table *table);
HN_API int64_t hn_table_rows(const hn_table *table);
/* The name of column i, from 0; NULL behind the last. */
HN_API const char *hn_table_name(const hn_table *table, int column);
/* Whether it is compressed as a whole, so that rows before the last ones read take reading it from the beginning. */
HN_API bool hn_table_sequential(const hn_table *table);
/* Reads rows first, ..., first + count - 1 (from 0) of n columns: those of columns[c] go to out[c]. A value that is
 * missing is NaN. HN_FILE if the file is gone or another one than when it was opened. */
HN_API hn_status hn_table_read(hn_table *table, int64_t first, int64_t count, int n, const int *columns,
                               double *const *out);
/* The same in a thread of its own, until hn_table_finish(), which waits for it and gives its status; what `out` points
 * to must stay until then. hn_table_ready(): whether hn_table_finish() would not wait. */
HN_API hn_status hn_table_start(hn_table *table, int64_t first, int64_t count, int n, const int *columns,
                                double *const *out);
HN_API bool hn_table_ready(const hn_table *table);
HN_API hn_status hn_table_finish(hn_table *table);

/* ---- Expressions over columns ------------------------------------------------------------------------------------ */

/* A formula such as "pt > 20 && abs(eta) < 2.5", evaluated row by row in float64. It has the operators of Lua and
 * those of C for the same (&& || ! !=, and ?:), ^ for powers, and math's functions, also written as math.abs, with
 * log10, sinh, cosh, tanh, atan2, pow and finite(x), whether x is neither NaN nor infinite. A comparison gives 1 or 0;
 * what is not 0 is true; comparisons do not chain; `a and b`, `a or b` give one of their operands. Names are letters,
 * digits, _ and dots, with an index as in "images[3]"; any other name stands between backquotes. An expression holds
 * its context. */
typedef struct hn_expression hn_expression;

/* HN_ARGUMENT with the place where it is no expression. */
HN_API hn_status hn_expression_new(hn_context *context, const char *text, hn_expression **out);
HN_API void hn_expression_release(hn_expression *expression);
HN_API hn_context *hn_expression_context(const hn_expression *expression);
/* The name of the i-th column that it needs, from 0; NULL behind the last. */
HN_API const char *hn_expression_column(const hn_expression *expression, int64_t i);
/* Its values for n rows: columns[i] are the values of its i-th column. */
HN_API void hn_expression_evaluate(const hn_expression *expression, int64_t n, const double *const *columns,
                                   double *out);

/* ---- Files of named tensors -------------------------------------------------------------------------------------- */

/* Model files and checkpoints are such files, in the safetensors layout: the header's length (8 bytes, little endian),
 * a JSON header, padded with blanks to a multiple of 8 bytes, the elements, little endian. The header begins with
 * {"__metadata__":{"xxh3":" and 16 hexadecimal digits: the XXH3 sum (64 bits) of the whole file with zeros in their
 * place. Metadata "version" is HN_FILE_VERSION; all else is the writer's. A file holds its context. */
#define HN_FILE_VERSION "1"
typedef struct hn_file hn_file;

/* An empty file to fill and to save. */
HN_API hn_status hn_file_new(hn_context *context, hn_file **out);
HN_API void hn_file_release(hn_file *file);
HN_API hn_context *hn_file_context(const hn_file *file);
/* Puts a tensor into it, or a host array of float32 or int32, under a name that it has not yet. The file holds the
 * object; its numbers are read when the file is saved. */
HN_API hn_status hn_file_add(hn_file *file, const char *name, hn_tensor *tensor);
HN_API hn_status hn_file_add_array(hn_file *file, const char *name, hn_array *array);
/* Metadata: UTF-8 text under a key. */
HN_API hn_status hn_file_set(hn_file *file, const char *key, const char *value);
/* Writes it. Whatever happens, the path then names the old file or the whole new one, and nothing is left beside it:
 * all is written to a temporary file in the same folder, which is synced and renamed. HN_FILE with the reason. */
HN_API hn_status hn_file_save(hn_file *file, const char *path);

/* Opens a file and checks all of it: lengths, header, checksum, every tensor's type, shape and place. Takes no device
 * memory, and of the host's up to 70 bytes for each byte of the header, which has 16 MiB at most, and as much of the
 * data as is read at once, 1 MiB at most. HN_FILE if it cannot be read, HN_FORMAT if it is not as it should be. */
HN_API hn_status hn_file_open(hn_context *context, const char *path, hn_file **out);
/* The text of a key, or NULL. */
HN_API const char *hn_file_get(const hn_file *file, const char *key);
/* The name of tensor i, from 0, in the order of their bytes; NULL behind the last. */
HN_API const char *hn_file_name(const hn_file *file, int64_t i);
/* Dimensions, type and shape of a tensor; 0 if there is none of that name. */
HN_API int hn_file_shape(const hn_file *file, const char *name, hn_dtype *dtype, int64_t shape[HN_MAX_DIMS]);
/* Reads a tensor's elements from an opened file into one of the same type and as many elements. */
HN_API hn_status hn_file_read(const hn_file *file, const char *name, hn_tensor *tensor);
HN_API hn_status hn_file_read_array(const hn_file *file, const char *name, hn_array *array);

/* ---- Trained models without Lua ---------------------------------------------------------------------------------- */

/* A network that net:save or a checkpoint wrote, for predictions on the CPU in evaluation mode: running statistics, no
 * dropout. It knows Sequential, Residual, Linear, Hashed, BatchNorm, LayerNorm, Dropout, Flatten, all activations and
 * what hn.transform makes. A model has no context, starts no threads, and nothing in it changes once it is loaded. */
typedef struct hn_model hn_model;

/* Loads a model file. HN_FILE, HN_FORMAT, or HN_ARGUMENT for a layer that it does not know; hn_model_message() then
 * says which and why. *out is to be closed in any case; NULL only if not even that much memory was there. */
HN_API hn_status hn_model_load(const char *path, hn_model **out);
/* NULL is allowed. No prediction may be under way. */
HN_API void hn_model_close(hn_model *model);
/* What was wrong when it was loaded. Never NULL. */
HN_API const char *hn_model_message(const hn_model *model);
/* Numbers of a sample, and of a prediction; 0 where loading failed. */
HN_API int64_t hn_model_inputs(const hn_model *model);
HN_API int64_t hn_model_outputs(const hn_model *model);
/* Predictions of n samples: x is n x inputs, y n x outputs, row after row; they do not overlap. Any number of threads
 * may predict from one model at a time. It works on 64 KiB of the thread's stack and allocates nothing, unless the
 * network is some 8,000 columns wide, where each call takes what one sample needs, or fails with HN_MEMORY. A sample's
 * prediction does not depend on the others. HN_ARGUMENT for n < 0, for NULL, and for a model whose loading failed. */
HN_API hn_status hn_model_predict(const hn_model *model, int64_t n, const float *x, float *y);

/* ---- Engine ------------------------------------------------------------------------------------------------------ */

struct lua_State;
typedef struct hn_engine hn_engine;

/* Opens an engine: a Lua 5.4 state with the standard libraries and `require "hn"`. Options given here win over what
 * scripts ask for with hn.use; unset ones (device NULL, threads -1, memory -1, seed_set false) are the script's.
 * The rest is for scripts of others; 0 or NULL: no limit. Texts and lists must stay until hn_close().
 *
 * instructions: of Lua's virtual machine in one hn_run_file() or hn_run_string(), to a thousand, which a new coroutine
 * counts at once. seconds: of the clock. What the host calls by itself goes on with what is left; hn_renew() starts
 * them anew. Then the error "quota: ..." ends the script, up to the host: neither pcall nor coroutines, handlers or
 * __close hold it. It comes in Lua code and after an operation of hn; one call of a C function, such as an operation,
 * a match of a difficult pattern or what the host adds, is not cut short: a host that must be sure runs scripts in a
 * process that it can kill, as hnrun --seconds does. Scripts then have no debug library. Networks that were in
 * training may be left in the middle of it.
 * lua_memory: bytes that Lua itself may hold, hn's modules (some 2 MiB) included. That is a cap and not a quota:
 * beyond, the script gets the error "not enough memory", which it may catch and let go of something, but never more
 * memory.
 * `memory` caps the device.
 *
 * libraries: a list of base (always there), coroutine, table, string, utf8, math, io, os, package, debug, hn, such as
 * "base,coroutine,table,string,utf8,math,hn". Chunks are then texts, load() takes no bytecode, loadfile and dofile are
 * gone, and require gives the listed libraries and hn's public modules alone. folders: a list that ends with NULL; hn
 * then reads and writes files in these folders alone, links and ".." resolved. Files that the host opens are its own
 * affair. With a quota or a list of libraries scripts cannot set finalizers (__gc).
 * HN_ARGUMENT for an unknown library and a folder that is not there. Scripts in one engine share its global variables:
 * give scripts that don't trust each other an engine each. */
typedef struct hn_engine_options {
  const char *device;
  int threads;
  int64_t memory;
  bool seed_set;
  uint32_t seed;
  int64_t lua_memory;
  int64_t instructions;
  double seconds;
  const char *libraries;
  const char *const *folders;
} hn_engine_options;

/* Options all unset; hn_open() takes NULL for these. On failure *out still holds what hn_close() takes: an engine to be
 * closed, or NULL. */
HN_API hn_engine_options hn_engine_options_default(void);
HN_API hn_status hn_open(const hn_engine_options *options, hn_engine **out);
HN_API void hn_close(hn_engine *engine);
/* The Lua state, for hosts that add functions. */
HN_API struct lua_State *hn_lua(hn_engine *engine);
/* Runs a file (NULL: standard input) or a text as a Lua chunk with the n given arguments (strings). */
HN_API hn_status hn_run_file(hn_engine *engine, const char *path, int n, const char *const *args);
HN_API hn_status hn_run_string(hn_engine *engine, const char *text, const char *name);
/* Starts the quotas of instructions and seconds anew, for a host that calls Lua functions by itself. */
HN_API void hn_renew(hn_engine *engine);
/* Error text with traceback of the last run that failed. */
HN_API const char *hn_error(const hn_engine *engine);
/* Asks the running script to stop; safe in a signal handler. A training run ends at its next minibatch and the script
 * goes on behind it; anything else, or a second call, ends the script with the error "interrupted". */
HN_API void hn_interrupt(hn_engine *engine);

#ifdef __cplusplus
}
#endif
#endif
