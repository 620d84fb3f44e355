/* What a planned graph asks of a machine, counted from its plan: segment by segment the work of a shard, the work that
 * every rank does alike, and what the ranks of a group tell each other. None of it depends on how many ranks there
 * are. Not collective. */
#ifndef VJ_FRAMEWORK_GRAPH_COST_H
#define VJ_FRAMEWORK_GRAPH_COST_H

#include "framework/graph/graph.h"

typedef struct vj_work {
  double flops;  /* of matrix products, 2 a multiply-add, as they are carried out */
  double bytes;  /* that all other kernels read and write */
  int64_t calls; /* of kernels */
} vj_work;

typedef struct vj_segment_cost {
  vj_work shard;   /* of every shard */
  vj_work alike;   /* on every rank, however few shards it has */
  int64_t sums;    /* doubles that are summed over the ranks at its end */
  int64_t gathers; /* collectives that bring all samples together, */
  double gathered; /* and the bytes that each rank then has of them */
  int64_t weight;  /* numbers of the gradient whose exchange starts at its end; 0: none */
  bool waits;      /* for all exchanges under way before it begins */
} vj_segment_cost;

typedef struct vj_graph_cost {
  int64_t shards; /* of the batch */
  int segment_count;
  vj_segment_cost *segments;
} vj_graph_cost;

/* Of a graph that is planned; owned by `pool`, which may outlive the graph. */
VJ_MUST_USE vj_status vj_graph_cost_count(vj_pool *pool, const vj_graph *graph, vj_graph_cost **cost);

/* Of a node for one shard (or once, on shared variables): for those who compare what was counted with what was
 * measured. */
vj_work vj_node_work(const vj_node *node);

#endif
