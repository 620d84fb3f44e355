/* Multi-head attention within windows. A window's queries, keys and values are copied together (where its tokens are
 * not together already), so that each head is a few matrix products on rows 3C apart. Scores exist for a block of
 * queries at a time; the way back computes them again from qkv, which the linear map before has made anyway. */
#include <math.h>
#include <string.h>

#include "framework/base/kernel.h"
#include "framework/base/lanes.h"
#include "framework/ops/elementwise/activation.h"
#include "framework/ops/build.h"
#include "framework/ops/product/product.h"
#include "framework/ops/op.h"

enum { QUERY_BLOCK = 128 };

/* Products of a block of queries, or of the last one, which may be shorter: [rows,..] of width w = C / heads. */
typedef struct products {
  const vj_product *scores;                  /* [rows,w] [w,size] */
  const vj_product *values;                  /* [rows,size] [size,w] */
  const vj_product *dvalues, *dkeys;         /* [rows,size]' [rows,w], the first of a window */
  const vj_product *add_dvalues, *add_dkeys; /* the others */
  const vj_product *dscores;                 /* [rows,w] [w,size] */
  const vj_product *dqueries;                /* [rows,size] [size,w] */
} products;

typedef struct attention {
  int64_t samples, tokens, channels, heads, windows, size, bias_rows;
  const int32_t *token, *bias_index, *region; /* in the graph's pool */
  products whole, rest;
} attention;

static const attention *attention_of(const vj_node *node) { return node->attributes; }

static int64_t block_of(const attention *a) { return a->size < QUERY_BLOCK ? a->size : QUERY_BLOCK; }

/* --- scratch ----------------------------------------------------------------------------------------------------- */

/* Of one window: rows of qkv, of what comes out, of their gradients; scores of a block of queries, and their gradient;
 * the bias of every head, spread over queries and keys, and its gradient; keys and values of a head transposed. */
typedef struct workspace {
  vj_real *qkv, *out, *dqkv, *scores, *dscores, *bias, *dbias, *keys, *values;
} workspace;

static size_t scratch_numbers(const attention *a, bool backward, workspace *w, vj_real *from) {
  const int64_t spread = a->bias_rows ? a->heads * a->size * a->size : 0;
  const int64_t rows = a->token ? a->size : 0, block = block_of(a) * a->size;
  const int64_t sizes[] = {3 * rows * a->channels,
                           rows * a->channels,
                           backward ? 3 * rows * a->channels : 0,
                           block,
                           backward ? block : 0,
                           spread,
                           backward ? spread : 0,
                           a->size * a->channels / a->heads,
                           backward ? a->size * a->channels / a->heads : 0};
  vj_real **places[] = {&w->qkv, &w->out, &w->dqkv, &w->scores, &w->dscores, &w->bias, &w->dbias, &w->keys, &w->values};
  size_t total = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    if (from) *places[i] = from + total;
    total += ((size_t)sizes[i] + 15) / 16 * 16;
  }
  return total;
}

static size_t forward_bytes(const vj_node *node) {
  return scratch_numbers(attention_of(node), false, &(workspace){0}, NULL) * sizeof(vj_real);
}

static size_t backward_bytes(const vj_node *node) {
  return scratch_numbers(attention_of(node), true, &(workspace){0}, NULL) * sizeof(vj_real);
}

/* --- windows ----------------------------------------------------------------------------------------------------- */

/* Rows of `width` numbers of a window's tokens to `rows`, or back. */
static void gather(const attention *a, const vj_real *sample, int64_t window, int64_t width, vj_real *rows) {
  const int32_t *token = a->token + window * a->size;
  for (int64_t i = 0; i < a->size; i++)
    memcpy(rows + i * width, sample + token[i] * width, (size_t)width * sizeof *rows);
}

static void scatter(const attention *a, const vj_real *rows, int64_t window, int64_t width, vj_real *sample) {
  const int32_t *token = a->token + window * a->size;
  for (int64_t i = 0; i < a->size; i++)
    memcpy(sample + token[i] * width, rows + i * width, (size_t)width * sizeof *rows);
}

static void spread_bias(const attention *a, const vj_real *bias, vj_real *spread) {
  const int64_t pairs = a->size * a->size;
  for (int64_t h = 0; h < a->heads; h++)
    for (int64_t i = 0; i < pairs; i++) spread[h * pairs + i] = bias[a->bias_index[i] * a->heads + h];
}

static int32_t token_of(const attention *a, int64_t window, int64_t i) {
  return a->token ? a->token[window * a->size + i] : (int32_t)(window * a->size + i);
}

/* Scores of tokens of other regions become those of tokens that are not there. */
static void hide_regions(const attention *a, int64_t window, int64_t first, int64_t end, vj_real *scores) {
  for (int64_t i = first; i < end; i++, scores += a->size) {
    const int32_t own = a->region[token_of(a, window, i)];
    for (int64_t j = 0; j < a->size; j++)
      if (a->region[token_of(a, window, j)] != own) scores[j] = -INFINITY;
  }
}

VJ_KERNEL(softmax_rows, (vj_real * scores, int64_t rows, int64_t size, vj_real factor, const vj_real *bias),
          (scores, rows, size, factor, bias)) {
  for (int64_t r = 0; r < rows; r++, scores += size) {
    vj_real most[VJ_SUM_LANES];
    for (int k = 0; k < VJ_SUM_LANES; k++) most[k] = -INFINITY;
    if (bias) {
#pragma omp simd
      for (int64_t j = 0; j < size; j++) scores[j] = factor * scores[j] + bias[r * size + j];
    } else {
#pragma omp simd
      for (int64_t j = 0; j < size; j++) scores[j] *= factor;
    }
    VJ_IN_LANES(in, j, size, most[in_at] = scores[j] > most[in_at] ? scores[j] : most[in_at])
    for (int k = 1; k < VJ_SUM_LANES; k++) most[0] = most[k] > most[0] ? most[k] : most[0];
#pragma omp simd
    for (int64_t j = 0; j < size; j++) scores[j] = vj_real_exp(scores[j] - most[0]);
    VJ_LANE_SUM(vj_real, sum, j, size, scores[j]);
    const vj_real inverse = 1 / sum;
#pragma omp simd
    for (int64_t j = 0; j < size; j++) scores[j] *= inverse;
  }
}

static const products *products_of(const attention *a, int64_t rows) {
  return rows == block_of(a) ? &a->whole : &a->rest;
}

/* The weights of queries first..end-1 of one head, whose keys are transposed; qkv are the window's rows. */
static void weights_of(const attention *a, const workspace *w, const vj_real *qkv, int64_t window, int64_t head,
                       int64_t first, int64_t end) {
  const int64_t width = a->channels / a->heads, pitch = 3 * a->channels, size = a->size;
  vj_product_once(products_of(a, end - first)->scores, qkv + first * pitch + head * width, w->keys, w->scores);
  if (a->region) hide_regions(a, window, first, end, w->scores);
  softmax_rows(w->scores, end - first, size, (vj_real)(1 / sqrt((double)width)),
               a->bias_rows ? w->bias + (head * size + first) * size : NULL);
}

/* --- forward ----------------------------------------------------------------------------------------------------- */

static void forward_window(const attention *a, const workspace *w, const vj_real *qkv, vj_real *out, int64_t window) {
  const int64_t width = a->channels / a->heads, pitch = 3 * a->channels, block = block_of(a);
  for (int64_t h = 0; h < a->heads; h++) {
    vj_transpose(qkv + a->channels + h * width, a->size, width, pitch, w->keys, a->size);
    for (int64_t first = 0; first < a->size; first += block) {
      const int64_t end = first + block < a->size ? first + block : a->size;
      weights_of(a, w, qkv, window, h, first, end);
      vj_product_once(products_of(a, end - first)->values, w->scores, qkv + 2 * a->channels + h * width,
                      out + first * a->channels + h * width);
    }
  }
}

/* inputs qkv, bias (may be NULL) */
static void attention_run(const vj_call *call) {
  const attention *a = attention_of(call->node);
  workspace w = {0};
  scratch_numbers(a, false, &w, call->scratch);
  if (a->bias_rows) spread_bias(a, call->in[1], w.bias);
  for (int64_t s = 0; s < a->samples; s++) {
    const vj_real *qkv = call->in[0] + s * a->tokens * 3 * a->channels;
    vj_real *out = call->out[0] + s * a->tokens * a->channels;
    for (int64_t window = 0; window < a->windows; window++) {
      const int64_t first = window * a->size;
      if (!a->token) {
        forward_window(a, &w, qkv + first * 3 * a->channels, out + first * a->channels, window);
        continue;
      }
      gather(a, qkv, window, 3 * a->channels, w.qkv);
      forward_window(a, &w, w.qkv, w.out, window);
      scatter(a, w.out, window, a->channels, out);
    }
  }
}

/* --- backward ---------------------------------------------------------------------------------------------------- */

/* dP to dS = P (dP - sum_j P dP), in place; and to the bias's gradient. */
VJ_KERNEL(softmax_slopes, (const vj_real *p, vj_real *d, int64_t rows, int64_t size, vj_real *dbias),
          (p, d, rows, size, dbias)) {
  for (int64_t r = 0; r < rows; r++, p += size, d += size) {
    VJ_LANE_SUM(vj_real, sum, j, size, p[j] * d[j]);
#pragma omp simd
    for (int64_t j = 0; j < size; j++) d[j] = p[j] * (d[j] - sum);
    if (!dbias) continue;
#pragma omp simd
    for (int64_t j = 0; j < size; j++) dbias[r * size + j] += d[j];
  }
}

static void backward_window(const attention *a, const workspace *w, const vj_real *dout, const vj_real *qkv,
                            vj_real *dqkv, int64_t window) {
  const int64_t width = a->channels / a->heads, pitch = 3 * a->channels, size = a->size, block = block_of(a);
  const vj_real factor = (vj_real)(1 / sqrt((double)width));
  for (int64_t h = 0; h < a->heads; h++) {
    const int64_t at = h * width;
    const vj_real *q = qkv + at, *k = q + a->channels, *v = k + a->channels;
    vj_real *dq = dqkv + at, *dk = dq + a->channels, *dv = dk + a->channels;
    vj_transpose(k, size, width, pitch, w->keys, size);
    vj_transpose(v, size, width, pitch, w->values, size);
    for (int64_t first = 0; first < size; first += block) {
      const int64_t rows = first + block < size ? block : size - first;
      const vj_real *dy = dout + first * a->channels + at;
      const products *p = products_of(a, rows);
      weights_of(a, w, qkv, window, h, first, first + rows);
      vj_product_once(first ? p->add_dvalues : p->dvalues, w->scores, dy, dv);
      vj_product_once(p->dscores, dy, w->values, w->dscores);
      softmax_slopes(w->scores, w->dscores, rows, size, a->bias_rows ? w->dbias + (h * size + first) * size : NULL);
      for (int64_t i = 0; i < rows * size; i++) w->dscores[i] *= factor;
      vj_product_once(p->dqueries, w->dscores, k, dq + first * pitch);
      vj_product_once(first ? p->add_dkeys : p->dkeys, w->dscores, q + first * pitch, dk);
    }
  }
}

static void backward_sample(const attention *a, const workspace *w, const vj_real *dout, const vj_real *qkv,
                            vj_real *dqkv) {
  for (int64_t window = 0; window < a->windows; window++) {
    const int64_t first = window * a->size;
    if (!a->token) {
      backward_window(a, w, dout + first * a->channels, qkv + first * 3 * a->channels, dqkv + first * 3 * a->channels,
                      window);
      continue;
    }
    gather(a, qkv, window, 3 * a->channels, w->qkv);
    gather(a, dout, window, a->channels, w->out);
    backward_window(a, w, w->out, w->qkv, w->dqkv, window);
    scatter(a, w->dqkv, window, 3 * a->channels, dqkv);
  }
}

/* inputs dout, qkv, bias (with a bias); outputs dqkv, and shared dbias (with a bias) */
static void backward(const vj_call *call) {
  const attention *a = attention_of(call->node);
  const int64_t pairs = a->size * a->size;
  workspace w = {0};
  scratch_numbers(a, true, &w, call->scratch);
  if (a->bias_rows) spread_bias(a, call->in[2], w.bias);
  for (int64_t s = 0; s < a->samples; s++) {
    if (a->bias_rows) memset(w.dbias, 0, (size_t)(a->heads * pairs) * sizeof *w.dbias);
    backward_sample(a, &w, call->in[0] + s * a->tokens * a->channels, call->in[1] + s * a->tokens * 3 * a->channels,
                    call->out[0] + s * a->tokens * 3 * a->channels);
    for (int64_t i = 0; a->bias_rows && i < a->heads * pairs; i++)
      call->sums[a->bias_index[i % pairs] * a->heads + i / pairs] += (double)w.dbias[i];
  }
}

/* --- the ops ----------------------------------------------------------------------------------------------------- */

/* Both products, of scores and of values. */
static double flops(const vj_node *node) {
  const attention *a = attention_of(node);
  return 4.0 * (double)(a->samples * a->tokens * a->channels) * (double)a->size;
}

/* Four products, and the scores once more. */
static double backward_flops(const vj_node *node) { return 2.5 * flops(node); }

const vj_op vj_op_attention_gradient = {.name = "attention_gradient",
                                        .summary = "dqkv of attention without a bias",
                                        .form = VJ_MAP,
                                        .run = backward,
                                        .scratch_bytes = backward_bytes,
                                        .flops = backward_flops};

const vj_op vj_op_attention_bias_gradient = {.name = "attention_bias_gradient",
                                             .summary = "dqkv and dbias of attention with a bias",
                                             .form = VJ_SUM,
                                             .reduce = backward,
                                             .finish = vj_finish_sums_behind_first,
                                             .sum_count = vj_count_behind_first,
                                             .scratch_bytes = backward_bytes,
                                             .flops = backward_flops};

static void attention_gradient(vj_graph *graph, vj_node *node) {
  vj_var *qkv = node->inputs[0], *bias = node->inputs[1], *inputs[] = {node->outputs[0]->gradient, qkv, bias};
  const vj_op *op = bias ? &vj_op_attention_bias_gradient : &vj_op_attention_gradient;
  vj_node *back = vj_node_create(graph, op, inputs, bias ? 3 : 2, 2, node->attributes, sizeof(attention));
  vj_gradient_add(graph, qkv, vj_node_output(graph, back, true, &qkv->shape));
  if (bias) vj_gradient_add(graph, bias, vj_node_output(graph, back, false, &bias->shape));
}

const vj_op vj_op_attention = {.name = "attention",
                               .summary = "multi-head attention within windows, with a bias or without",
                               .form = VJ_MAP,
                               .run = attention_run,
                               .gradient = attention_gradient,
                               .scratch_bytes = forward_bytes,
                               .flops = flops};

/* For blocks of so many rows; false without memory. */
static bool find_products(const attention *a, int64_t rows, products *p) {
  const int64_t width = a->channels / a->heads, pitch = 3 * a->channels, size = a->size;
  const vj_product_shape scores = {
      .rows = rows, .columns = size, .depth = width, .a_pitch = pitch, .b_pitch = size, .c_pitch = size};
  const vj_product_shape values = {
      .rows = rows, .columns = width, .depth = size, .a_pitch = size, .b_pitch = pitch, .c_pitch = a->channels};
  const vj_product_shape dvalues = {.rows = size,
                                    .columns = width,
                                    .depth = rows,
                                    .a_pitch = size,
                                    .b_pitch = a->channels,
                                    .c_pitch = pitch,
                                    .a_transposed = true};
  vj_product_shape dscores = scores, dqueries = values, dkeys = dvalues, add_dvalues = dvalues, add_dkeys;
  dscores.a_pitch = a->channels;
  dqueries.c_pitch = dkeys.b_pitch = pitch;
  add_dkeys = dkeys;
  add_dvalues.add = add_dkeys.add = true;
  *p = (products){.scores = vj_product_find(&scores),
                  .values = vj_product_find(&values),
                  .dvalues = vj_product_find(&dvalues),
                  .dkeys = vj_product_find(&dkeys),
                  .add_dvalues = vj_product_find(&add_dvalues),
                  .add_dkeys = vj_product_find(&add_dkeys),
                  .dscores = vj_product_find(&dscores),
                  .dqueries = vj_product_find(&dqueries)};
  return p->scores && p->values && p->dvalues && p->dkeys && p->add_dvalues && p->add_dkeys && p->dscores &&
         p->dqueries;
}

static const int32_t *kept_list(vj_graph *graph, const int32_t *list, int64_t count) {
  if (!list) return NULL;
  int32_t *copy = vj_pool_take(graph->pool, (size_t)count * sizeof *copy);
  if (!copy) {
    vj_graph_fail(graph, VJ_MEMORY, "attention: no memory for a list of %lld tokens", (long long)count);
    return NULL;
  }
  memcpy(copy, list, (size_t)count * sizeof *copy);
  return copy;
}

vj_var *vj_attention(vj_graph *graph, vj_var *qkv, vj_var *bias, const vj_attention_args *args) {
  if (!qkv || (!bias && args->bias_index)) return NULL;
  const int rank = qkv->shape.rank;
  const int64_t width = rank > 1 ? qkv->shape.size[rank - 1] : 0;
  if (!qkv->batched || rank < 3 || width % (3 * args->heads) ||
      qkv->count != qkv->shape.size[0] * args->windows * args->size * width)
    return vj_graph_fail(
        graph, VJ_SHAPE,
        "attention: %s is not batched [b,..,3C], C dividing by %lld heads, with %lld windows of %lld tokens",
        VJ_SHAPE_TEXT(&qkv->shape), (long long)args->heads, (long long)args->windows, (long long)args->size);
  if (bias && (bias->shape.rank != 2 || bias->shape.size[1] != args->heads || !args->bias_index))
    return vj_graph_fail(graph, VJ_SHAPE, "attention: bias %s is not [rows,%lld heads] with a list of rows",
                         VJ_SHAPE_TEXT(&bias->shape), (long long)args->heads);
  const int64_t tokens = args->windows * args->size;
  attention a = {.samples = qkv->shape.size[0],
                 .tokens = tokens,
                 .channels = width / 3,
                 .heads = args->heads,
                 .windows = args->windows,
                 .size = args->size,
                 .bias_rows = bias ? bias->shape.size[0] : 0,
                 .token = kept_list(graph, args->token, tokens),
                 .bias_index = kept_list(graph, args->bias_index, args->size * args->size),
                 .region = kept_list(graph, args->region, tokens)};
  const int64_t rest = a.size % block_of(&a);
  if (!find_products(&a, block_of(&a), &a.whole) || (rest && !find_products(&a, rest, &a.rest)))
    return vj_graph_fail(graph, VJ_MEMORY, "%s", vj_error_message());
  vj_shape shape = qkv->shape;
  shape.size[rank - 1] = width / 3;
  vj_node *node = vj_node_create(graph, &vj_op_attention, (vj_var *[]){qkv, bias}, 2, 1, &a, sizeof a);
  return vj_node_result(graph, node, &shape);
}
