/*
 * IDX files, plain or gzip: 00 00, a type byte, the number of dimensions, each size as a big-endian uint32, then the
 * values in big-endian row-major order.
 *
 * A header is only believed as far as the file can back it: a plain file must have exactly the promised length, and
 * deflate cannot pack more than 1032 bytes into one. So a few hostile bytes cannot make us take gigabytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../core/core.h"

#define DEFLATE_RATIO 1032
#define PIECE (1u << 30) /* bytes a gzread: it counts in int */

typedef struct idx_type {
  unsigned char code;
  hn_array_type type;
  int64_t bytes; /* of a value */
  const char *name;
} idx_type;

static const idx_type types[] = {
    {0x08, HN_U8, 1, "unsigned bytes"}, {0x0C, HN_I32, 4, "int32 values"}, {0x0D, HN_F32, 4, "float32 values"}};

typedef struct idx_file {
  hn_context *context;
  const char *path;
  gzFile gz;
  int64_t length; /* of the file as it lies on the disk */
  const idx_type *type;
  int dims;
  int64_t shape[HN_MAX_DIMS];
} idx_file;

static hn_status refuse_file(const idx_file *file, const char *reason) {
  return hn__fail(file->context, HN_FILE, "cannot read '%s': %s", file->path, reason);
}

/* Takes regular files only: anything else has no length to hold the header against. Opening must not wait, as it would
 * for the other end of a named pipe. */
static hn_status check_regular(idx_file *file, int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0) return refuse_file(file, strerror(errno));
  if (S_ISDIR(info.st_mode)) return refuse_file(file, "it is a folder");
  if (!S_ISREG(info.st_mode)) return refuse_file(file, "it is not a regular file");
  file->length = info.st_size;
  return HN_OK;
}

static hn_status open_file(idx_file *file) {
  int fd = open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return refuse_file(file, strerror(errno));
  hn_status status = check_regular(file, fd);
  if (status == HN_OK) {
    file->gz = gzdopen(fd, "rb");
    if (file->gz) return HN_OK;
    status = hn__fail(file->context, HN_MEMORY, "no host memory to read '%s'", file->path);
  }
  close(fd);
  return status;
}

/* The reason why reading stopped where `what` was expected. */
static hn_status read_error(const idx_file *file, const char *what) {
  int code;
  gzerror(file->gz, &code);
  switch (code) {
  case Z_ERRNO: return refuse_file(file, strerror(errno));
  case Z_MEM_ERROR: return hn__fail(file->context, HN_MEMORY, "no host memory to unpack '%s'", file->path);
  case Z_OK: return hn__fail(file->context, HN_FORMAT, "'%s' ends within %s", file->path, what);
  case Z_BUF_ERROR:
    return hn__fail(file->context, HN_FORMAT, "'%s' is cut off: its gzip data end within %s", file->path, what);
  default:
    return hn__fail(file->context, HN_FORMAT, "'%s' is damaged: bad gzip data, met while reading %s", file->path, what);
  }
}

static hn_status read_bytes(const idx_file *file, void *target, int64_t bytes, const char *what) {
  unsigned char *at = target;
  while (bytes > 0) {
    int got = gzread(file->gz, at, bytes < PIECE ? (unsigned)bytes : PIECE);
    if (got <= 0) return read_error(file, what);
    at += got;
    bytes -= got;
  }
  return HN_OK;
}

/* Nothing may follow the values. Asking for one byte more also lets zlib check the sum at the end of the data. */
static hn_status check_end(const idx_file *file) {
  unsigned char byte;
  int got = gzread(file->gz, &byte, 1);
  if (got < 0) return read_error(file, "its check sum");
  int code = Z_OK;
  gzerror(file->gz, &code);
  if (code != Z_OK) return read_error(file, "its check sum");
  if (got > 0)
    return hn__fail(file->context, HN_FORMAT, "'%s' goes on behind the %s of shape %s that its header promises",
                    file->path, file->type->name, hn__shape_text(file->dims, file->shape).s);
  return HN_OK;
}

static uint32_t big_endian(const unsigned char *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static hn_status read_magic(idx_file *file) {
  unsigned char magic[4];
  HN_TRY(read_bytes(file, magic, sizeof magic, "the first 4 bytes of an IDX header"));
  if (magic[0] != 0 || magic[1] != 0)
    return hn__fail(
        file->context, HN_FORMAT,
        "'%s' is not an IDX file: expected 00 00, a type and a number of dimensions, got %02x %02x %02x %02x",
        file->path, magic[0], magic[1], magic[2], magic[3]);
  const idx_type *type = types, *end = types + sizeof types / sizeof *types;
  while (type < end && type->code != magic[2]) type++;
  if (type == end)
    return hn__fail(file->context, HN_FORMAT,
                    "'%s': expected IDX type 08 (unsigned bytes), 0c (int32) or 0d (float32), got %02x", file->path,
                    magic[2]);
  file->type = type;
  file->dims = magic[3];
  if (file->dims < 1 || file->dims > HN_MAX_DIMS)
    return hn__fail(file->context, HN_FORMAT, "'%s': expected 1 to %d dimensions, got %d", file->path, HN_MAX_DIMS,
                    file->dims);
  return HN_OK;
}

static hn_status read_shape(idx_file *file) {
  unsigned char sizes[4 * HN_MAX_DIMS] = {0};
  HN_TRY(read_bytes(file, sizes, (int64_t)4 * file->dims, "the sizes of an IDX header"));
  for (int i = 0; i < file->dims; i++) file->shape[i] = big_endian(sizes + (size_t)4 * (size_t)i);
  for (int i = 0; i < file->dims; i++)
    if (file->shape[i] == 0)
      return hn__fail(file->context, HN_FORMAT, "'%s': dimension %d of its shape %s is 0, expected at least 1",
                      file->path, i + 1, hn__shape_text(file->dims, file->shape).s);
  return HN_OK;
}

/* The most bytes of values that can follow the header. */
static int64_t most_bytes(const idx_file *file) {
  int64_t header = 4 + 4 * (int64_t)file->dims;
  if (gzdirect(file->gz)) return file->length - header;
  return file->length > INT64_MAX / DEFLATE_RATIO ? INT64_MAX : file->length * DEFLATE_RATIO;
}

/* Bytes of values that the header promises, if the file can hold them; most_bytes() keeps the product from overflow. */
static hn_status promised_bytes(const idx_file *file, int64_t *bytes) {
  int64_t most = most_bytes(file), promised = file->type->bytes;
  bool fits = promised <= most;
  for (int i = 0; i < file->dims && fits; i++) {
    fits = file->shape[i] <= most / promised;
    if (fits) promised *= file->shape[i];
  }
  bool plain = gzdirect(file->gz);
  if (!fits || (plain && promised != most))
    return hn__fail(file->context, HN_FORMAT, "'%s' is too %s: its header promises %s of shape %s, %s%lld bytes follow",
                    file->path, fits ? "long" : "short", file->type->name, hn__shape_text(file->dims, file->shape).s,
                    plain ? "but " : "but at most ", (long long)most);
  *bytes = promised;
  return HN_OK;
}

/* Puts 4-byte values into the machine's own byte order. */
static void to_native(unsigned char *p, int64_t bytes) {
  for (unsigned char *end = p + bytes; p < end; p += 4) {
    uint32_t value = big_endian(p);
    memcpy(p, &value, sizeof value);
  }
}

static hn_status read_values(const idx_file *file, int64_t bytes, hn_array *array) {
  unsigned char *data = hn_array_data(array);
  HN_TRY(read_bytes(file, data, bytes, "its values"));
  HN_TRY(check_end(file));
  if (file->type->bytes == 4) to_native(data, bytes);
  return HN_OK;
}

static hn_status read_array(idx_file *file, hn_array **out) {
  int64_t bytes = 0;
  HN_TRY(read_magic(file));
  HN_TRY(read_shape(file));
  HN_TRY(promised_bytes(file, &bytes));
  hn_array *array;
  HN_TRY(hn_array_new(file->context, file->type->type, file->dims, file->shape, &array));
  hn_status status = read_values(file, bytes, array);
  if (status == HN_OK)
    *out = array;
  else
    hn_array_release(array);
  return status;
}

hn_status hn_idx_read(hn_context *context, const char *path, hn_array **out) {
  idx_file file = {.context = context, .path = path, .type = types};
  HN_TRY(open_file(&file));
  hn_status status = read_array(&file, out);
  gzclose_r(file.gz);
  return status;
}
