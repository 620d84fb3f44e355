/* Backward nodes may read what forward nodes made long before, which would keep it in memory all the while. Where an
 * op is one cheap pass over inputs that stay anyway, its node runs once more, just before the first that reads it: the
 * same op on the same numbers, so the same bits. */
#include <string.h>

#include "framework/graph/graph.h"
#include "framework/ops/op.h"

static bool reads(const vj_node *node, const vj_var *var) {
  for (int k = 0; k < node->input_count; k++)
    if (node->inputs[k] == var) return true;
  return false;
}

/* Number of the last node that reads it; a variable that is kept, or comes from outside, is there until the end. */
static int last_reader(const vj_graph *graph, const vj_var *var) {
  if (var->keep || var->role != VJ_ROLE_INTERMEDIATE) return graph->nodes.count;
  for (int i = graph->nodes.count - 1; i >= 0; i--)
    if (reads(graph->nodes.at[i], var)) return i;
  return -1;
}

/* The first backward node that reads the node's output, if making it anew there lets memory go. */
static int recompute_place(const vj_graph *graph, const vj_node *node, int backward) {
  if (!node->op->recompute || node->output_count != 1 || !node->outputs[0]->batched || node->outputs[0]->keep)
    return -1;
  int first = backward;
  while (first < graph->nodes.count && !reads(graph->nodes.at[first], node->outputs[0])) first++;
  if (first == graph->nodes.count) return -1;
  for (int k = 0; k < node->input_count; k++)
    if (node->inputs[k] && node->inputs[k]->batched && last_reader(graph, node->inputs[k]) <= first) return -1;
  return first;
}

static vj_var *recomputed(vj_graph *graph, const vj_node *node) {
  vj_scope_push(graph, "%s", node->scope);
  vj_node *copy = vj_node_create(graph, node->op, node->inputs, node->input_count, 0, NULL, 0);
  if (copy) copy->attributes = node->attributes;
  vj_var *y = vj_node_output(graph, copy, true, &node->outputs[0]->shape);
  if (y) y->half = node->outputs[0]->half;
  vj_scope_pop(graph);
  return y;
}

/* The node that was added last goes to `place`. */
static void move_last_to(vj_graph *graph, int place) {
  void **at = graph->nodes.at, *last = at[graph->nodes.count - 1];
  memmove(at + place + 1, at + place, (size_t)(graph->nodes.count - 1 - place) * sizeof *at);
  at[place] = last;
}

void vj_graph_recompute(vj_graph *graph, int backward) {
  for (int i = 0; i < backward && graph->status == VJ_OK; i++) {
    const vj_node *node = graph->nodes.at[i];
    const int place = recompute_place(graph, node, backward);
    vj_var *y = place < 0 ? NULL : recomputed(graph, node);
    if (!y) continue;
    move_last_to(graph, place);
    for (int k = place + 1; k < graph->nodes.count; k++) {
      vj_node *reader = graph->nodes.at[k];
      for (int j = 0; j < reader->input_count; j++)
        if (reader->inputs[j] == node->outputs[0]) reader->inputs[j] = y;
    }
  }
}
