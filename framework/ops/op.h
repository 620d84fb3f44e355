/* What an op is. A family of ops is one file: forward kernels, backward kernels, gradients, builders.
 *
 * framework/ops has a folder a family; it sees graph, config and comm. Begin here, then elementwise/elementwise.c;
 * every op is a row of ops.def, and the tests walk that list.
 *
 * Kernels see one shard of fixed shape, so their bits do not depend on ranks or threads. They read `in`, write all of
 * `out`, and may use `scratch`. An op's form says how it is run:
 *   MAP     once for every shard (or once, on shared variables)
 *   SHARED  once on every rank, on shared variables
 *   SUM     batched -> shared: `reduce` gives a shard's part, parts are summed in a fixed tree, `finish` makes outputs
 *   WEIGHT  like SUM for large gradients: parts are vj_real, computed by ranges of output rows, exchanged while
 *           the rest of the graph goes on; the sum is the one output
 *   GATHER  batched -> shared: the samples of all shards in order
 *   ALIAS   the output is the input under another shape; no kernel
 */
#ifndef VJ_FRAMEWORK_OPS_OP_H
#define VJ_FRAMEWORK_OPS_OP_H

#include <math.h>

#include "framework/graph/graph.h"

/* a b + c, rounded once. Nothing else fuses: see framework/base/kernel.h. */
#ifdef VJ_DOUBLE
static inline vj_real vj_fma(vj_real a, vj_real b, vj_real c) { return fma(a, b, c); }
#else
static inline vj_real vj_fma(vj_real a, vj_real b, vj_real c) { return fmaf(a, b, c); }
#endif

typedef enum vj_op_form { VJ_MAP, VJ_SHARED, VJ_SUM, VJ_WEIGHT, VJ_GATHER, VJ_ALIAS } vj_op_form;

typedef struct vj_call {
  const vj_node *node;
  const vj_real *in[VJ_MAX_INPUTS];
  vj_real *out[VJ_MAX_OUTPUTS]; /* SUM: batched outputs only */
  void *scratch;
  int64_t shard; /* global index */
  uint64_t seed; /* of the trial, and the step: for noise */
  int64_t step;
  double *sums;       /* SUM: this shard's part; in finish: the total */
  vj_real *part;      /* WEIGHT: room for rows begin..end of this shard's part */
  int64_t begin, end; /* WEIGHT: rows; SHARED: pieces */
} vj_call;

/* Places of a node, see `halves`. */
#define VJ_INPUT(k) (1u << (k))
#define VJ_FIRST_OUTPUT (1u << VJ_MAX_INPUTS)

struct vj_op {
  const char *name;
  const char *summary;
  vj_op_form form;
  void (*run)(const vj_call *call);    /* MAP, SHARED */
  void (*reduce)(const vj_call *call); /* SUM, WEIGHT */
  void (*finish)(const vj_call *call); /* SUM: from call->sums to the shared outputs */
  /* Adds the backward nodes; NULL for ops that only occur in gradients. */
  void (*gradient)(vj_graph *graph, vj_node *node);
  int64_t (*pieces)(const vj_node *);    /* SHARED: parts that a rank's threads share, by begin..end; NULL: one */
  bool recompute;                        /* one cheap pass: run again rather than kept for backward */
  bool splits_rows;                      /* WEIGHT: ranges of rows cost what they are; else all at once */
  unsigned (*halves)(const vj_node *);   /* what may be bf16: VJ_INPUT(k), VJ_FIRST_OUTPUT; NULL: nothing */
  unsigned alike;                        /* of these, what is so together or not at all */
  int in_place;                          /* 1 + index of an input whose room the first output may take; 0: none */
  int64_t (*sum_count)(const vj_node *); /* SUM: doubles in a part */
  size_t (*scratch_bytes)(const vj_node *);
  double (*flops)(const vj_node *);      /* of one shard; matrix products only, as the op's definition asks for them */
  double (*flops_done)(const vj_node *); /* those that are carried out, where they are fewer */
};

/* For ops of form SUM whose sums are outputs as they are: `finish` of one whose outputs are all sums, `finish` and
 * `sum_count` of one whose first output is not. */
void vj_finish_sums(const vj_call *call);
void vj_finish_sums_behind_first(const vj_call *call);
int64_t vj_count_behind_first(const vj_node *node);

/* For those who lay open what it drew, and for the planner. */
extern const vj_op vj_op_noise, vj_op_round_bf16;

/* Its output is an input under another name: nothing runs. */
static inline bool vj_is_alias(const vj_node *node) { return node->output_count > 0 && node->outputs[0]->alias; }

/* Every op, for tests and documentation; NULL past the end. */
const vj_op *vj_op_at(int index);

#endif
