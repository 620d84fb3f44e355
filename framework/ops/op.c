#include "framework/ops/op.h"

#define VJ_OP(name) extern const vj_op vj_op_##name;
#include "framework/ops/ops.def"
#undef VJ_OP

static const vj_op *const ops[] = {
#define VJ_OP(name) &vj_op_##name,
#include "framework/ops/ops.def"
#undef VJ_OP
};

static void finish_from(const vj_call *call, int first) {
  const double *sum = call->sums;
  for (int k = first; k < call->node->output_count; k++)
    for (int64_t i = 0; i < call->node->outputs[k]->count; i++) call->out[k][i] = (vj_real)*sum++;
}

void vj_finish_sums(const vj_call *call) { finish_from(call, 0); }
void vj_finish_sums_behind_first(const vj_call *call) { finish_from(call, 1); }

int64_t vj_count_behind_first(const vj_node *node) {
  int64_t count = 0;
  for (int k = 1; k < node->output_count; k++) count += node->outputs[k]->count;
  return count;
}

const vj_op *vj_op_at(int index) { return index >= 0 && index < (int)(sizeof ops / sizeof ops[0]) ? ops[index] : NULL; }
