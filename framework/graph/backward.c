/* Reverse-mode differentiation: the gradient's nodes join the same list, so that one planner sees everything. */
#include "graph/graph.h"
#include "ops/build.h"
#include "ops/op.h"

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

vj_var *vj_gradient_take(vj_var *var) {
  vj_var *gradient = var->gradient;
  var->gradient = NULL;
  return gradient;
}

/* The gradient of a parameter is written straight into the gradient block. A variable that can't be (it is another
 * parameter's gradient too, or a view of one) is copied. A parameter without one stays as it is: it does not decay. */
static void claim_gradient(vj_graph *graph, vj_var *parameter) {
  vj_var *gradient = parameter->gradient;
  if (!gradient) {
    graph->parameters->rows[parameter->parameter].decay = false;
    return;
  }
  if (gradient->role != VJ_ROLE_INTERMEDIATE || gradient->alias || gradient->keep)
    gradient = vj_scale(graph, gradient, 1, 0);
  if (!gradient) return;
  gradient->role = VJ_ROLE_GRADIENT;
  gradient->parameter = parameter->parameter;
}

void vj_graph_backward(vj_graph *graph, vj_var *loss) {
  if (graph->status != VJ_OK || !loss) return;
  if (loss->batched || loss->count != 1) {
    char shape[128];
    vj_graph_fail(graph, VJ_SHAPE, "a loss is one shared number, not %s %s", loss->batched ? "batched" : "shared",
                  vj_shape_text(&loss->shape, shape));
    return;
  }
  const int forward_nodes = graph->nodes.count;
  vj_var *one = vj_constant(graph, 1);
  loss->gradient = one;
  for (int i = forward_nodes - 1; i >= 0 && graph->status == VJ_OK; i--) {
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
  for (int i = 0; i < graph->parameter_vars.count; i++)
    if (graph->status == VJ_OK) claim_gradient(graph, graph->parameter_vars.at[i]);
}
