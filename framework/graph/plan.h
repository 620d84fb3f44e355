/* The plan of a graph: which nodes run, in which segments, and where every number lies. */
#ifndef VJ_FRAMEWORK_GRAPH_PLAN_H
#define VJ_FRAMEWORK_GRAPH_PLAN_H

#include "framework/comm/exchange.h"
#include "framework/graph/graph.h"

/* Room for one or several variables whose lives do not overlap in it (in-place ops, reshapes). */
struct vj_storage {
  int64_t count, offset; /* numbers; offset in its arena */
  bool batched;
  int first, last; /* of nodes for batched storage, of segments for shared storage */
};

typedef enum vj_segment_kind {
  VJ_SEGMENT_SHARDS, /* nodes begin..end run for one shard after the other; SUM and GATHER are completed at its end */
  VJ_SEGMENT_ONCE,   /* one node on shared variables */
  VJ_SEGMENT_WEIGHT  /* one WEIGHT node */
} vj_segment_kind;

typedef struct vj_segment {
  vj_segment_kind kind;
  int begin, end;
  int64_t sums; /* doubles a shard in this segment's SUM nodes */
} vj_segment;

typedef struct vj_plan {
  vj_node **nodes;
  int node_count;
  vj_segment *segments;
  int segment_count;
  vj_storage *storages; /* one for each variable, at most */
  int storage_count;

  int64_t local_shards;
  int64_t shared_numbers, shard_numbers; /* sizes of the shared arena and of one shard's */
  int64_t sum_numbers;                   /* doubles a shard, of the largest segment */
  int64_t part_numbers;                  /* numbers a shard, of the largest WEIGHT range */
  size_t scratch_bytes;                  /* a thread */

  /* from here on only after vj_graph_allocate */
  const vj_comm *comm;
  bool owns_arena; /* the blocks below; else they belong to another graph */
  vj_real *shared, *batched, *parts;
  double *sums;
  unsigned char *scratch;
  int threads;
  vj_exchange *exchanges; /* one for each WEIGHT node, in order; NULL with one rank */
  int exchange_count;
  double wait_seconds; /* in collectives, since the graph was allocated */
  double *waits;       /* of it in the newest run: for each segment, and last of all at the end */
  bool profiling;
} vj_plan;

void vj_plan_destroy(vj_plan *plan);
/* Decides which variables of the needed nodes are bf16; see precision.c. */
VJ_MUST_USE vj_status vj_plan_choose_precision(vj_graph *graph);
/* Rows of a WEIGHT node's output that one range holds. */
int64_t vj_plan_rows(const vj_node *node);
/* Whether a segment reads sums of weight gradients, so that all exchanges under way end before it begins. */
bool vj_plan_waits(const vj_plan *plan, const vj_segment *segment);

#endif
