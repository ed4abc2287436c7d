/* Bytes of a file, stored or deflated. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npy.h"

#define PIECE (1 << 16)

static hn_status cut_off(hn_table *table, const char *what) {
  return hn__table_fail(table, HN_FORMAT, "'%s' ends within %s", table->path, what);
}

static hn_status read_at(hn_table *table, int fd, int64_t offset, int64_t n, unsigned char *to, const char *what) {
  while (n > 0) {
    ssize_t got = pread(fd, to, (size_t)n, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return hn__table_fail(table, HN_FILE, "cannot read '%s': %s", table->path, strerror(errno));
    if (got == 0) return cut_off(table, what);
    to += got, offset += got, n -= got;
  }
  return HN_OK;
}

static hn_status start(hn_table *table, hn__bytes *b) {
  if (!b->input) b->input = malloc(PIECE);
  if (!b->input) return hn__table_memory(table);
  if (b->open) inflateEnd(&b->stream);
  memset(&b->stream, 0, sizeof b->stream);
  b->open = inflateInit2(&b->stream, -MAX_WBITS) == Z_OK;
  b->at = b->from = 0;
  return b->open ? HN_OK : hn__table_memory(table);
}

/* Unpacks n bytes more. */
static hn_status unpack(hn_table *table, hn__bytes *b, int64_t n, unsigned char *to, const char *what) {
  b->stream.next_out = to;
  b->stream.avail_out = (unsigned)n;
  while (b->stream.avail_out > 0) {
    if (b->stream.avail_in == 0) {
      int64_t left = b->packed - b->from, piece = left < PIECE ? left : PIECE;
      if (piece == 0) return cut_off(table, what);
      HN_TRY(read_at(table, b->fd, b->start + b->from, piece, b->input, what));
      b->from += piece;
      b->stream.next_in = b->input;
      b->stream.avail_in = (unsigned)piece;
    }
    int code = inflate(&b->stream, Z_NO_FLUSH);
    if (code == Z_STREAM_END && b->stream.avail_out > 0) return cut_off(table, what);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return hn__table_fail(table, HN_FORMAT, "'%s' is damaged: bad deflate data, met while reading %s", table->path,
                            what);
  }
  b->at += n;
  return HN_OK;
}

static hn_status read_deflated(hn_table *table, hn__bytes *b, int64_t offset, int64_t n, unsigned char *to,
                               const char *what) {
  unsigned char passed[4096];
  if (!b->open || offset < b->at) HN_TRY(start(table, b));
  while (b->at < offset) {
    int64_t left = offset - b->at;
    HN_TRY(unpack(table, b, left < (int64_t)sizeof passed ? left : (int64_t)sizeof passed, passed, what));
  }
  for (int64_t piece; n > 0; n -= piece, to += piece) {
    piece = n < 1 << 30 ? n : 1 << 30;
    HN_TRY(unpack(table, b, piece, to, what));
  }
  return HN_OK;
}

hn_status hn__bytes_read(hn_table *table, hn__bytes *bytes, int64_t offset, int64_t n, void *to, const char *what) {
  if (offset > bytes->length || n > bytes->length - offset) return cut_off(table, what);
  if (bytes->deflated) return read_deflated(table, bytes, offset, n, to, what);
  return read_at(table, bytes->fd, bytes->start + offset, n, to, what);
}

void hn__bytes_close(hn__bytes *bytes) {
  if (bytes->open) inflateEnd(&bytes->stream);
  free(bytes->input);
}
