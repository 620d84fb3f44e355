#include "sweeps/schedule/cluster.h"

#include "framework/config/config.h"
#include "framework/config/nodes.h"

/* The built-in rates are those of docs/scaling.md: one core of a recent server, ranks of a node talking through its
 * memory, nodes through a network of 100 Gbit/s. */
static const vj_param rows[] = {
    VJ_TEXT(vj_cluster, name, "this machine", "what to call it"),
    VJ_INTEGER(vj_cluster, nodes, "1", 1, 1e6, "nodes", "that it has"),
    VJ_INTEGER(vj_cluster, ranks_per_node, NULL, 1, 1e6, "ranks", "of one node"),
    VJ_REAL(vj_cluster, memory_gib, NULL, 0.001, 1e9, "GiB", "memory of one node"),
    VJ_REAL(vj_cluster, gflops, "80", 1e-3, 1e9, "GFLOP/s", "of one rank, in the matrix products of a training step"),
    VJ_REAL(vj_cluster, memory_gb_s, "20", 1e-3, 1e9, "GB/s", "of one rank, in all other kernels"),
    VJ_REAL(vj_cluster, call_us, "5", 0, 1e9, "us", "of each call of a kernel"),
};
static const char *const links[] = {"inside", "between", NULL};

#define LINK_ROWS(latency, bandwidth, share)                                                                        \
  {                                                                                                                 \
    VJ_REAL(vj_link, latency_us, latency, 0, 1e9, "us", "of one message"),                                          \
        VJ_REAL(vj_link, bandwidth_gb_s, bandwidth, 1e-6, 1e9, "GB/s", "each way"),                                 \
        VJ_REAL(vj_link, hidden, share, 0, 1, "", "share of a gradient's exchange that goes on behind computation") \
  }
static const vj_param inside_rows[] = LINK_ROWS("1.5", "4", "0");
static const vj_param between_rows[] = LINK_ROWS("3", "12", "0.5");

static vj_status read_link(vj_pool *pool, const vj_yaml *root, const char *name, const vj_param *link_rows,
                           vj_link *link) {
  void *read = NULL;
  VJ_TRY(vj_params_read(pool, link_rows, VJ_COUNT(inside_rows), sizeof *link, vj_yaml_get(root, name), name, NULL,
                        &read, NULL));
  *link = *(vj_link *)read;
  return VJ_OK;
}

static vj_status from_tree(vj_pool *pool, const vj_yaml *root, vj_cluster **cluster) {
  void *read = NULL;
  VJ_TRY(vj_params_read(pool, rows, VJ_COUNT(rows), sizeof **cluster, root, "", links, &read, NULL));
  vj_cluster *fresh = read;
  VJ_TRY(read_link(pool, root, "inside", inside_rows, &fresh->inside));
  VJ_TRY(read_link(pool, root, "between", between_rows, &fresh->between));
  *cluster = fresh;
  return VJ_OK;
}

vj_status vj_cluster_read(vj_pool *pool, const char *path, vj_cluster **cluster) {
  vj_yaml *root = NULL;
  VJ_TRY(vj_yaml_read_file(pool, path, &root));
  return from_tree(pool, root, cluster);
}

vj_status vj_cluster_builtin(vj_pool *pool, int64_t nodes, int64_t ranks_per_node, double memory_gib,
                             vj_cluster **cluster) {
  char memory[VJ_REAL_BYTES];
  const char *text = vj_pool_format(pool, "{nodes: %lld, ranks_per_node: %lld, memory_gib: %s}", (long long)nodes,
                                    (long long)ranks_per_node, vj_real_text(memory_gib, memory));
  vj_yaml *root = NULL;
  if (!text) return vj_fail(VJ_MEMORY, "no memory to describe a machine");
  VJ_TRY(vj_yaml_read_text(pool, text, "built in", &root));
  return from_tree(pool, root, cluster);
}
