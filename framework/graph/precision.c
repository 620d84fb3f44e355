/* Which variables are bf16. Builders say so of some, which are never anything else: packed weights, factors that are
 * rounded. All others are decided here, once the graph is whole: what one op may write in bf16 and every op that reads
 * it may read so, is. Hence no op meets a number it does not know, and nothing is converted for an op's sake.
 *
 * Only where the precision is bf16. What is read from outside (losses, hidden states that are evaluated) is kept, hence
 * float; so are all shared variables: weights, statistics, sums. */
#include "framework/graph/plan.h"
#include "framework/ops/op.h"

static unsigned halves_of(const vj_node *node) {
  if (node->op->form == VJ_ALIAS) return VJ_INPUT(0) | VJ_FIRST_OUTPUT;
  return node->op->halves ? node->op->halves(node) : 0;
}

static unsigned alike_of(const vj_node *node) {
  return node->op->form == VJ_ALIAS ? VJ_INPUT(0) | VJ_FIRST_OUTPUT : node->op->alike;
}

/* Whether it is decided here: builders' own stay as they are. */
static bool is_open(const vj_var *var) {
  return var->role == VJ_ROLE_INTERMEDIATE && var->producer && var->producer->outputs[0] == var &&
         (halves_of(var->producer) & VJ_FIRST_OUTPUT);
}

static bool forbid(vj_var *var) {
  const bool changed = var && var->half && is_open(var);
  if (changed) var->half = false;
  return changed;
}

/* Takes bf16 from what the node can't read or write, and from all that has to be like something that isn't. */
static bool restrict_node(const vj_node *node) {
  const unsigned halves = halves_of(node), alike = alike_of(node);
  bool changed = false, together = true;
  for (int k = 0; k < node->input_count; k++) {
    if (!node->inputs[k]) continue;
    if (!(halves & VJ_INPUT(k))) changed = forbid(node->inputs[k]) || changed;
    if (alike & VJ_INPUT(k)) together = together && node->inputs[k]->half;
  }
  if (alike & VJ_FIRST_OUTPUT) together = together && node->outputs[0]->half;
  if (together) return changed;
  for (int k = 0; k < node->input_count; k++)
    if (alike & VJ_INPUT(k)) changed = forbid(node->inputs[k]) || changed;
  if (alike & VJ_FIRST_OUTPUT) changed = forbid(node->outputs[0]) || changed;
  return changed;
}

/* What is bf16 already is not rounded again. */
static void skip_rounding(vj_node *node) {
  vj_var *x = node->inputs[0];
  node->outputs[0]->alias = x->half ? x : NULL;
}

/* Builders promise too much, or an op has too little: a defect of the program, told rather than computed with. */
static vj_status check_node(const vj_node *node) {
  const unsigned halves = halves_of(node), alike = alike_of(node);
  for (int k = 0; k < node->input_count; k++) {
    const vj_var *input = node->inputs[k];
    const bool other =
        (alike & VJ_INPUT(k)) && (alike & VJ_FIRST_OUTPUT) && input && input->half != node->outputs[0]->half;
    if (other || (input && input->half && !(halves & VJ_INPUT(k))))
      return vj_fail(VJ_INTERNAL, "%s: op %s does not read bf16 as its input %d", node->scope, node->op->name, k);
  }
  return VJ_OK;
}

vj_status vj_plan_choose_precision(vj_graph *graph) {
  for (int i = 0; i < graph->vars.count; i++) {
    vj_var *var = graph->vars.at[i];
    if (is_open(var)) var->half = graph->options.bf16 && var->batched && !var->keep;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = graph->nodes.count - 1; i >= 0; i--) {
      const vj_node *node = graph->nodes.at[i];
      if (node->needed) changed = restrict_node(node) || changed;
    }
  }
  for (int i = 0; i < graph->nodes.count; i++) {
    vj_node *node = graph->nodes.at[i];
    if (node->op == &vj_op_round_bf16) skip_rounding(node);
    if (node->needed) VJ_TRY(check_node(node));
  }
  return VJ_OK;
}
