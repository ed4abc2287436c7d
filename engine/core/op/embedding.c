/* embedding: rows of a dense or hashed table, by index. */
#include <string.h>

#include "op.h"

/* ids of any shape [...], out [..., width]. */
static hn_status embedding(hn__call *call) {
  const hn_tensor *ids = hn__in(call, 0), *table = hn__in(call, 1);
  const hn_matrix *v = hn__map(call, 1);
  if (!v && table->dims != 2)
    return hn__op_fail(call, HN_SHAPE, "table must be a virtual matrix or a tensor [entries, width], got %s",
                       hn__in_text(call, 1).s);
  if (ids->dims == HN_MAX_DIMS)
    return hn__op_fail(call, HN_SHAPE, "ids may have up to %d dimensions, got %s", HN_MAX_DIMS - 1,
                       hn__in_text(call, 0).s);
  int64_t entries = v ? v->rows : table->shape[0], width = v ? v->cols : table->shape[1], shape[HN_MAX_DIMS];
  HN_TRY(hn__check_indices(call, 0, "ids", entries));
  memcpy(shape, ids->shape, sizeof shape);
  shape[ids->dims] = width;
  HN_TRY(hn__result(call, HN_FLOAT32, ids->dims + 1, shape));
  return HN_DEVICE_CALL(call->context, lookup, v, hn__floats(table), width, hn__ints(ids), ids->size,
                        hn__floats(call->out));
}

static hn_status embedding_grad(hn__call *call) {
  const hn_tensor *ids = hn__in(call, 0);
  float *dtable;
  HN_TRY(hn__grad_of(call, 1, &dtable));
  if (!dtable) return HN_OK;
  return HN_DEVICE_CALL(call->context, lookup_grad, hn__map(call, 1), hn__cols(call->out), hn__ints(ids), ids->size,
                        hn__out_grad(call), dtable);
}

const hn_op hn__embedding_ops[] = {
    {.name = "embedding", .parameters = "ids:int table:matrix", .forward = embedding, .backward = embedding_grad}, {0}};
