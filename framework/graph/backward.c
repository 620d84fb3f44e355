/* Reverse-mode differentiation: the gradient's nodes join the same list, so that one planner sees everything. */
#include "framework/graph/graph.h"
#include "framework/ops/build.h"
#include "framework/ops/op.h"

void vj_gradient_add(vj_graph *graph, vj_var *var, vj_var *contribution) {
  if (!contribution || !vj_wants_gradient(var)) return;
  if (!var->gradient) {
    var->gradient = contribution;
    return;
  }
  const bool late = var->role == VJ_ROLE_PARAMETER;
  var->gradient = vj_add(graph, var->gradient, contribution);
  if (var->gradient) var->gradient->producer->late = late;
}

void vj_gradient_by(vj_graph *graph, vj_var *var, const vj_node *node, const vj_op *op, vj_var *const *inputs,
                    int count) {
  vj_node *back = vj_wants_gradient(var) ? vj_node_create(graph, op, inputs, count, count, NULL, 0) : NULL;
  if (!back) return;
  back->attributes = node->attributes;
  vj_gradient_add(graph, var, vj_node_output(graph, back, var->batched, &var->shape));
}

vj_var *vj_gradient_take(vj_var *var) {
  vj_var *gradient = var->gradient;
  var->gradient = NULL;
  return gradient;
}

/* The gradient of a parameter is written straight into the gradient block. A variable that can't be (it is another
 * parameter's gradient too, or a view of one) is copied. */
static void claim_gradient(vj_graph *graph, vj_var *parameter) {
  vj_var *gradient = parameter->gradient;
  if (!gradient) return;
  if (gradient->role != VJ_ROLE_INTERMEDIATE || gradient->alias || gradient->keep)
    gradient = vj_scale(graph, gradient, 1, 0);
  if (!gradient) return;
  gradient->role = VJ_ROLE_GRADIENT;
  gradient->parameter = parameter->parameter;
}

/* Adds the backward nodes of nodes end-1 down to, not including, `begin`. */
static void reverse(vj_graph *graph, int begin, int end) {
  for (int i = end - 1; i > begin && graph->status == VJ_OK; i--) {
    vj_node *node = graph->nodes.at[i];
    bool wanted = false, arrived = false;
    for (int k = 0; k < node->input_count; k++) wanted = wanted || vj_wants_gradient(node->inputs[k]);
    for (int k = 0; k < node->output_count; k++) arrived = arrived || node->outputs[k]->gradient;
    if (!wanted || !arrived) continue;
    if (!node->op->gradient) {
      vj_graph_fail(graph, VJ_INTERNAL, "op %s has no gradient", node->op->name);
      return;
    }
    vj_scope_push(graph, "%s", node->scope);
    node->op->gradient(graph, node);
    vj_scope_pop(graph);
  }
}

void vj_graph_backward(vj_graph *graph, vj_var *loss) {
  if (graph->status != VJ_OK || !loss) return;
  if (loss->batched || loss->count != 1) {
    vj_graph_fail(graph, VJ_SHAPE, "a loss is one shared number, not %s %s", loss->batched ? "batched" : "shared",
                  VJ_SHAPE_TEXT(&loss->shape));
    return;
  }
  const int forward_nodes = graph->nodes.count;
  loss->gradient = vj_constant(graph, 1);
  reverse(graph, -1, forward_nodes);
  for (int i = 0; i < graph->parameter_vars.count; i++)
    if (graph->status == VJ_OK) claim_gradient(graph, graph->parameter_vars.at[i]);
  vj_graph_recompute(graph, forward_nodes);
}

/* --- within a frozen section ---------------------------------------------------------------------------------- */

vj_var *vj_differentiable(vj_graph *graph, vj_var *x) {
  vj_var *y = vj_stop_gradient(graph, x);
  if (y) y->needs_gradient = true;
  return y;
}

vj_var *vj_gradient_of(vj_graph *graph, vj_var *energy, vj_var *x) {
  if (!energy || !x) return NULL;
  if (!graph->frozen || !energy->needs_gradient || !x->needs_gradient)
    return vj_graph_fail(graph, VJ_INTERNAL, "gradient_of: expected a frozen section, and an energy made from x");
  int begin = graph->nodes.count - 1;
  while (graph->nodes.at[begin] != x->producer) begin--;
  const int end = graph->nodes.count;
  char scope[VJ_SCOPE_BYTES];
  energy->gradient = vj_broadcast_to(graph, vj_constant(graph, 1), energy->batched, &energy->shape);
  vj_scope_leave(graph, scope);
  reverse(graph, begin, end);
  vj_scope_return(graph, scope);
  vj_var *gradient = vj_gradient_take(x);
  for (int i = 0; i < graph->vars.count; i++) { /* no traces: neither for the next gradient, nor for training's */
    vj_var *var = graph->vars.at[i];
    var->gradient = NULL;
    var->needs_gradient = false;
  }
  return gradient;
}

bool vj_graph_has_gradient(const vj_graph *graph, int row) {
  for (int i = 0; i < graph->parameter_vars.count; i++) {
    const vj_var *var = graph->parameter_vars.at[i];
    if (var->parameter == row) return var->gradient != NULL;
  }
  return false;
}

/* --- what gets no gradient -------------------------------------------------------------------------------------- */

static bool reads(const vj_node *node, const bool *marked) {
  for (int i = 0; i < node->input_count; i++)
    if (node->inputs[i] && marked[node->inputs[i]->id]) return true;
  return false;
}

/* Nodes stand behind those they read, so one pass marks everything. */
static bool *mark_without_gradient(vj_graph *graph) {
  bool *marked = vj_pool_take(graph->pool, ((size_t)graph->vars.count + 1) * sizeof *marked);
  for (int i = 0; marked && i < graph->vars.count; i++) {
    const vj_var *var = graph->vars.at[i];
    marked[var->id] = var->role == VJ_ROLE_PARAMETER && !var->gradient;
  }
  for (int i = 0; marked && i < graph->nodes.count; i++) {
    const vj_node *node = graph->nodes.at[i];
    const bool without_gradient = reads(node, marked);
    for (int k = 0; k < node->output_count; k++) marked[node->outputs[k]->id] = without_gradient;
  }
  return marked;
}

vj_status vj_graph_drop_without_gradient(vj_graph *graph, vj_var **scalars, int64_t count) {
  const bool *marked = mark_without_gradient(graph);
  if (!marked) return vj_fail(VJ_MEMORY, "no memory to look for parameters without gradients");
  int kept = 0;
  for (int i = 0; i < graph->changes.count; i++) {
    vj_state_change *change = graph->changes.at[i];
    if (marked[change->value->id])
      change->value->keep = false;
    else
      graph->changes.at[kept++] = change;
  }
  graph->changes.count = kept;
  for (int64_t i = 0; i < count; i++)
    if (marked[scalars[i]->id]) {
      scalars[i]->keep = false;
      scalars[i] = NULL;
    }
  return VJ_OK;
}
