/* Numbers in another order, and numbers that never change. */
#include <string.h>

#include "framework/ops/build.h"
#include "framework/ops/op.h"

/* --- permute: two neighbouring ranges of dimensions change places ---------------------------------------------------
 */

/* [outer,first,second,inner] -> [outer,second,first,inner] */
typedef struct permutation {
  int64_t outer, first, second, inner;
} permutation;

static void permute_run(const vj_call *call) {
  const permutation *s = call->node->attributes;
  const int64_t inner = s->inner;
  for (int64_t o = 0; o < s->outer; o++) {
    const vj_real *from = call->in[0] + o * s->first * s->second * inner;
    vj_real *to = call->out[0] + o * s->first * s->second * inner;
    for (int64_t j = 0; j < s->second; j++)
      for (int64_t i = 0; i < s->first; i++)
        memcpy(to + (j * s->first + i) * inner, from + (i * s->second + j) * inner, (size_t)inner * sizeof *to);
  }
}

static vj_var *permuted(vj_graph *graph, vj_var *x, const permutation *sizes, const vj_shape *shape);

static void permute_gradient(vj_graph *graph, vj_node *node) {
  const permutation *s = node->attributes;
  const permutation back = {s->outer, s->second, s->first, s->inner};
  vj_var *x = node->inputs[0];
  vj_gradient_add(graph, x, permuted(graph, node->outputs[0]->gradient, &back, &x->shape));
}

const vj_op vj_op_permute = {.name = "permute",
                             .summary = "two neighbouring ranges of dimensions change places",
                             .form = VJ_MAP,
                             .run = permute_run,
                             .gradient = permute_gradient};

static vj_var *permuted(vj_graph *graph, vj_var *x, const permutation *sizes, const vj_shape *shape) {
  if (sizes->first == 1 || sizes->second == 1) return vj_reshape(graph, x, shape);
  vj_node *node = vj_node_create(graph, &vj_op_permute, (vj_var *[]){x}, 1, 1, sizes, sizeof *sizes);
  return vj_node_result(graph, node, shape);
}

vj_var *vj_permute(vj_graph *graph, vj_var *x, int begin, int middle, int end) {
  if (!x) return NULL;
  const vj_shape from = x->shape;
  if (begin < (x->batched ? 1 : 0) || middle <= begin || end <= middle || end > from.rank)
    return vj_graph_fail(graph, VJ_SHAPE, "permute: dimensions %d, %d, %d of %s are no two ranges", begin, middle, end,
                         VJ_SHAPE_TEXT(&from));
  vj_shape shape = from;
  for (int i = begin; i < end; i++)
    shape.size[i] = from.size[i + (i < begin + end - middle ? middle - begin : middle - end)];
  const permutation sizes = {vj_shape_count(&from, 0, begin), vj_shape_count(&from, begin, middle),
                             vj_shape_count(&from, middle, end), vj_shape_count(&from, end, from.rank)};
  return permuted(graph, x, &sizes, &shape);
}

/* --- table: numbers fixed when the graph is built ---------------------------------------------------------------- */

static void table_run(const vj_call *call) {
  memcpy(call->out[0], call->node->attributes, (size_t)call->node->outputs[0]->count * sizeof(vj_real));
}

const vj_op vj_op_constant_tensor = {
    .name = "constant_tensor", .summary = "numbers that never change", .form = VJ_SHARED, .run = table_run};

vj_var *vj_constant_tensor(vj_graph *graph, const vj_shape *shape, const vj_real *values) {
  const size_t bytes = (size_t)vj_shape_count(shape, 0, shape->rank) * sizeof *values;
  return vj_node_output(graph, vj_node_create(graph, &vj_op_constant_tensor, NULL, 0, 0, values, bytes), false, shape);
}
