#include "framework/ops/op.h"

#define VJ_OP(name) extern const vj_op vj_op_##name;
#include "framework/ops/ops.def"
#undef VJ_OP

static const vj_op *const ops[] = {
#define VJ_OP(name) &vj_op_##name,
#include "framework/ops/ops.def"
#undef VJ_OP
};

const vj_op *vj_op_at(int index) { return index >= 0 && index < (int)(sizeof ops / sizeof ops[0]) ? ops[index] : NULL; }
