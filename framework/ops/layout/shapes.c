/* Ops that only move numbers: reshape (no copy), concat, slice. */
#include <string.h>

#include "framework/ops/build.h"
#include "framework/ops/op.h"
#include "framework/ops/product/bf16.h"

/* --- reshape ------------------------------------------------------------------------------------------------- */

static void reshape_gradient(vj_graph *graph, vj_node *node) {
  vj_var *x = node->inputs[0];
  vj_gradient_add(graph, x, vj_reshape(graph, node->outputs[0]->gradient, &x->shape));
}

const vj_op vj_op_reshape = {
    .name = "reshape", .summary = "the same numbers, another shape", .form = VJ_ALIAS, .gradient = reshape_gradient};

vj_var *vj_reshape(vj_graph *graph, vj_var *x, const vj_shape *shape) {
  if (!x) return NULL;
  const bool keeps_batch = !x->batched || (shape->rank > 0 && shape->size[0] == x->shape.size[0]);
  if (vj_shape_count(shape, 0, shape->rank) != x->count || !keeps_batch)
    return vj_graph_fail(graph, VJ_SHAPE, "reshape: %s %s does not become %s", x->batched ? "batched" : "shared",
                         VJ_SHAPE_TEXT(&x->shape), VJ_SHAPE_TEXT(shape));
  vj_node *node = vj_node_create(graph, &vj_op_reshape, (vj_var *[]){x}, 1, 1, NULL, 0);
  vj_var *y = vj_node_result(graph, node, shape);
  if (y) y->alias = x;
  return y;
}

vj_var *vj_flatten(vj_graph *graph, vj_var *x, int kept) {
  if (!x) return NULL;
  if (kept < 0 || kept > x->shape.rank || kept >= VJ_MAX_RANK)
    return vj_graph_fail(graph, VJ_SHAPE, "flatten: cannot keep %d dimensions of %s", kept, VJ_SHAPE_TEXT(&x->shape));
  vj_shape shape = {.rank = kept + 1};
  for (int i = 0; i < kept; i++) shape.size[i] = x->shape.size[i];
  shape.size[kept] = vj_shape_count(&x->shape, kept, x->shape.rank);
  return vj_reshape(graph, x, &shape);
}

/* --- slice and embed ----------------------------------------------------------------------------------------- */

/* A dimension in the middle: `outer` blocks of `whole` numbers, of which `part` from `start` on are meant. */
typedef struct cut {
  int64_t outer, whole, start, part;
} cut;

static cut cut_of(const vj_shape *whole, int dimension, int64_t first, int64_t size) {
  const int64_t inner = vj_shape_count(whole, dimension + 1, whole->rank);
  return (cut){.outer = vj_shape_count(whole, 0, dimension),
               .whole = whole->size[dimension] * inner,
               .start = first * inner,
               .part = size * inner};
}

static void slice_run(const vj_call *call) {
  const cut *c = call->node->attributes;
  for (int64_t o = 0; o < c->outer; o++)
    memcpy(call->out[0] + o * c->part, call->in[0] + o * c->whole + c->start, (size_t)c->part * sizeof(vj_real));
}

static void embed_run(const vj_call *call) {
  const cut *c = call->node->attributes;
  memset(call->out[0], 0, (size_t)(c->outer * c->whole) * sizeof(vj_real));
  for (int64_t o = 0; o < c->outer; o++)
    memcpy(call->out[0] + o * c->whole + c->start, call->in[0] + o * c->part, (size_t)c->part * sizeof(vj_real));
}

const vj_op vj_op_embed = {
    .name = "embed", .summary = "a slice's gradient: zeros around it", .form = VJ_MAP, .run = embed_run};

static void slice_gradient(vj_graph *graph, vj_node *node) {
  vj_gradient_by(graph, node->inputs[0], node, &vj_op_embed, (vj_var *[]){node->outputs[0]->gradient}, 1);
}

const vj_op vj_op_slice = {.name = "slice",
                           .summary = "a range of one dimension",
                           .form = VJ_MAP,
                           .run = slice_run,
                           .gradient = slice_gradient};

vj_var *vj_slice(vj_graph *graph, vj_var *x, int dimension, int64_t start, int64_t size) {
  if (!x) return NULL;
  if (dimension < (x->batched ? 1 : 0) || dimension >= x->shape.rank || start < 0 || size < 1 ||
      start + size > x->shape.size[dimension])
    return vj_graph_fail(graph, VJ_SHAPE, "slice: %lld..%lld of dimension %d is not inside %s", (long long)start,
                         (long long)(start + size), dimension, VJ_SHAPE_TEXT(&x->shape));
  const cut c = cut_of(&x->shape, dimension, start, size);
  vj_shape shape = x->shape;
  shape.size[dimension] = size;
  vj_node *node = vj_node_create(graph, &vj_op_slice, (vj_var *[]){x}, 1, 1, &c, sizeof c);
  return vj_node_result(graph, node, &shape);
}

/* --- concat -------------------------------------------------------------------------------------------------- */

static void concat_run(const vj_call *call) {
  const vj_node *node = call->node;
  const int dimension = *(const int *)node->attributes;
  const vj_shape *whole = &node->outputs[0]->shape;
  int64_t first = 0;
  for (int i = 0; i < node->input_count; i++) {
    const int64_t size = node->inputs[i]->shape.size[dimension];
    const cut c = cut_of(whole, dimension, first, size);
    for (int64_t o = 0; o < c.outer; o++)
      memcpy(call->out[0] + o * c.whole + c.start, call->in[i] + o * c.part, (size_t)c.part * sizeof(vj_real));
    first += size;
  }
}

static void concat_gradient(vj_graph *graph, vj_node *node) {
  const int dimension = *(const int *)node->attributes;
  int64_t first = 0;
  for (int i = 0; i < node->input_count; i++) {
    vj_var *x = node->inputs[i];
    const int64_t size = x->shape.size[dimension];
    if (vj_wants_gradient(x))
      vj_gradient_add(graph, x, vj_slice(graph, node->outputs[0]->gradient, dimension, first, size));
    first += size;
  }
}

const vj_op vj_op_concat = {.name = "concat",
                            .summary = "one after the other along a dimension",
                            .form = VJ_MAP,
                            .run = concat_run,
                            .gradient = concat_gradient};

vj_var *vj_concat(vj_graph *graph, vj_var *const *x, int count, int dimension) {
  if (count < 1) return vj_graph_fail(graph, VJ_SHAPE, "concat: expected at least one variable");
  for (int i = 0; i < count; i++)
    if (!x[i]) return NULL;
  if (count > VJ_MAX_INPUTS) { /* in groups, then those */
    vj_var *groups[VJ_MAX_INPUTS];
    const int size = (count + VJ_MAX_INPUTS - 1) / VJ_MAX_INPUTS;
    int made = 0;
    for (int first = 0; first < count; first += size)
      groups[made++] = vj_concat(graph, x + first, size < count - first ? size : count - first, dimension);
    return vj_concat(graph, groups, made, dimension);
  }
  vj_shape shape = x[0]->shape;
  bool fits = dimension >= (x[0]->batched ? 1 : 0) && dimension < shape.rank;
  for (int i = 1; i < count && fits; i++) {
    fits = x[i]->batched == x[0]->batched && x[i]->shape.rank == shape.rank;
    for (int d = 0; d < shape.rank && fits; d++) fits = d == dimension || x[i]->shape.size[d] == shape.size[d];
    if (!fits)
      return vj_graph_fail(graph, VJ_SHAPE, "concat: %s does not fit %s along dimension %d",
                           VJ_SHAPE_TEXT(&x[i]->shape), VJ_SHAPE_TEXT(&x[0]->shape), dimension);
    shape.size[dimension] += x[i]->shape.size[dimension];
  }
  if (!fits)
    return vj_graph_fail(graph, VJ_SHAPE, "concat: %s has no dimension %d to join along", VJ_SHAPE_TEXT(&shape),
                         dimension);
  if (count == 1) return x[0];
  vj_node *node = vj_node_create(graph, &vj_op_concat, x, count, count, &dimension, sizeof dimension);
  return vj_node_result(graph, node, &shape);
}

/* --- pixel_shuffle --------------------------------------------------------------------------------------------- */

typedef struct shuffle {
  int64_t images, height, width, channels, factor; /* of the input; channels those of the output */
} shuffle;

/* A few bytes: a call of memcpy would cost more than the copy. */
static inline void copy_few(char *restrict to, const char *restrict from, int64_t bytes) {
  enum { MANY = 32, FEW = 2 };
  int64_t i = 0;
  for (; i + MANY <= bytes; i += MANY) memcpy(to + i, from + i, MANY);
  for (; i < bytes; i += FEW) memcpy(to + i, from + i, FEW);
}

/* Copies rows of `channels` numbers between x [n,h,w,(i,j,c)] and y [n,h f,w f,c]. */
static void shuffle_copy(const vj_call *call, bool forward) {
  const shuffle *s = call->node->attributes;
  const int64_t f = s->factor, row = s->channels * vj_number_bytes(call->node->outputs[0]->half);
  const char *from = (const char *)call->in[0];
  char *to = (char *)call->out[0];
  for (int64_t n = 0; n < s->images * s->height; n++) /* an image's rows follow each other in both */
    for (int64_t w = 0; w < s->width; w++)
      for (int64_t i = 0; i < f; i++) {
        const int64_t x = ((n * s->width + w) * f + i) * f * row, y = ((n * f + i) * s->width + w) * f * row;
        copy_few(to + (forward ? y : x), from + (forward ? x : y), f * row);
      }
}

static void pixel_shuffle_run(const vj_call *call) { shuffle_copy(call, true); }
static void pixel_unshuffle_run(const vj_call *call) { shuffle_copy(call, false); }

static unsigned shuffle_halves(const vj_node *node) {
  (void)node;
  return VJ_INPUT(0) | VJ_FIRST_OUTPUT;
}

const vj_op vj_op_pixel_unshuffle = {.name = "pixel_unshuffle",
                                     .summary = "the gradient of pixel_shuffle",
                                     .form = VJ_MAP,
                                     .run = pixel_unshuffle_run,
                                     .halves = shuffle_halves,
                                     .alike = VJ_INPUT(0) | VJ_FIRST_OUTPUT};

static void pixel_shuffle_gradient(vj_graph *graph, vj_node *node) {
  vj_gradient_by(graph, node->inputs[0], node, &vj_op_pixel_unshuffle, (vj_var *[]){node->outputs[0]->gradient}, 1);
}

const vj_op vj_op_pixel_shuffle = {.name = "pixel_shuffle",
                                   .summary = "channels to a finer grid: [..,H,W,f f C] -> [..,f H,f W,C]",
                                   .form = VJ_MAP,
                                   .run = pixel_shuffle_run,
                                   .halves = shuffle_halves,
                                   .alike = VJ_INPUT(0) | VJ_FIRST_OUTPUT,
                                   .gradient = pixel_shuffle_gradient};

vj_var *vj_pixel_shuffle(vj_graph *graph, vj_var *x, int64_t factor) {
  if (!x) return NULL;
  const int rank = x->shape.rank;
  if (rank < 4 || factor < 1 || x->shape.size[rank - 1] % (factor * factor))
    return vj_graph_fail(graph, VJ_SHAPE, "pixel_shuffle: the channels of %s do not divide by %lld x %lld",
                         VJ_SHAPE_TEXT(&x->shape), (long long)factor, (long long)factor);
  const shuffle s = {vj_shape_count(&x->shape, 0, rank - 3), x->shape.size[rank - 3], x->shape.size[rank - 2],
                     x->shape.size[rank - 1] / (factor * factor), factor};
  vj_shape shape = x->shape;
  shape.size[rank - 3] *= factor;
  shape.size[rank - 2] *= factor;
  shape.size[rank - 1] = s.channels;
  vj_node *node = vj_node_create(graph, &vj_op_pixel_shuffle, (vj_var *[]){x}, 1, 1, &s, sizeof s);
  return vj_node_result(graph, node, &shape);
}

/* --- stop_gradient --------------------------------------------------------------------------------------------- */

const vj_op vj_op_stop_gradient = {
    .name = "stop_gradient", .summary = "the same numbers, a constant", .form = VJ_ALIAS};

vj_var *vj_stop_gradient(vj_graph *graph, vj_var *x) {
  if (!x) return NULL;
  vj_node *node = vj_node_create(graph, &vj_op_stop_gradient, (vj_var *[]){x}, 1, 1, NULL, 0);
  vj_var *y = vj_node_result(graph, node, &x->shape);
  if (!y) return NULL;
  y->alias = x;
  y->needs_gradient = false;
  return y;
}
