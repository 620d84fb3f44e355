/* A machine as the cost model sees it. Not collective. */
#ifndef VJ_SWEEPS_SCHEDULE_CLUSTER_H
#define VJ_SWEEPS_SCHEDULE_CLUSTER_H

#include "framework/config/yaml/yaml.h"
#include "vj/param.h"

/* Between two ranks. A message of n bytes takes latency + n / bandwidth. */
typedef struct vj_link {
  double latency_us;     /* of one message, what the sum does around it included */
  double bandwidth_gb_s; /* 10^9 bytes a second, each way at the same time */
  double hidden;         /* share of a large exchange that goes on behind computation */
} vj_link;

typedef struct vj_cluster {
  const char *name;
  int64_t nodes, ranks_per_node;
  double memory_gib;  /* of a node */
  double gflops;      /* of a rank, in the matrix products of a training step */
  double memory_gb_s; /* of a rank, in everything else: what its kernels read and write */
  double call_us;     /* of a kernel, whatever it does */
  vj_link inside;     /* between ranks of one node */
  vj_link between;    /* between nodes: the link of one node, which its ranks share */
} vj_cluster;

/* From a YAML file as docs/examples/cluster.yaml; keys that are left out have the built-in values. Errors have the
 * place of what is wrong. */
VJ_MUST_USE vj_status vj_cluster_read(vj_pool *pool, const char *path, vj_cluster **cluster);
/* Nodes of so many ranks and so much memory, and for the rest the built-in values. */
VJ_MUST_USE vj_status vj_cluster_builtin(vj_pool *pool, int64_t nodes, int64_t ranks_per_node, double memory_gib,
                                         vj_cluster **cluster);

#endif
