#include "app/bench/machine_file.h"

#include <math.h>
#include <stdlib.h>

#include "framework/base/threads.h"
#include "app/bench/link.h"
#include "framework/base/machine_memory.h"

vj_status vj_step_rates_of(const vj_graph *graph, int64_t steps, double seconds, double threads, vj_step_rates *rates) {
  enum { MOST = 8192 };
  vj_graph_profile_row *rows = NULL;
  double products = 0, flops = 0, passes = 0, bytes = 0, calls = 0;
  VJ_TRY(vj_allocate(MOST, sizeof *rows, "profile", &rows));
  const int count = vj_graph_profile_rows(graph, rows, MOST);
  for (int i = 0; i < count; i++) {
    const double each = rows[i].seconds / (double)steps / threads;
    *(rows[i].flops > 0 ? &products : &passes) += each;
    flops += rows[i].flops_done;
    bytes += rows[i].bytes;
    calls += rows[i].calls;
  }
  free(rows);
  *rates = (vj_step_rates){.gflops = 1e-9 * flops / products,
                           .memory_gb_s = 1e-9 * bytes / passes,
                           .call_us = 1e6 * fmax(0, seconds - products - passes) / calls};
  return VJ_OK;
}

/* The nodes that the ranks are on. */
typedef struct nodes {
  vj_comm inside;  /* the ranks of this node */
  vj_comm between; /* one rank of each node, as many such groups as a node has ranks */
} nodes;

static vj_status find_nodes(const vj_comm *world, nodes *n) {
  MPI_Comm here;
  if (MPI_Comm_split_type(world->mpi, MPI_COMM_TYPE_SHARED, world->rank, MPI_INFO_NULL, &here) != MPI_SUCCESS)
    return vj_fail(VJ_COMM, "the ranks of this host can't be found");
  const vj_status status = vj_comm_create(here, &n->inside);
  MPI_Comm_free(&here);
  VJ_TRY(status);
  return vj_comm_split(world, n->inside.rank, &n->between);
}

static void print_link(const char *name, const vj_link *link, bool measured) {
  printf("%s: {latency_us: %.2f, bandwidth_gb_s: %.2f, hidden: %g}%s\n", name, link->latency_us, link->bandwidth_gb_s,
         link->hidden, measured ? "" : "  # not measured: built in");
}

static void print(const vj_step_rates *rates, const char *experiment, const nodes *n, const vj_link_times *inside,
                  const vj_link_times *between, const vj_cluster *c) {
  printf(
      "# Measured by `vjvcr bench %s --comm` on %d rank%s of %d thread%s on each of %d node%s; for\n"
      "# `vjvcr sweep FILE.yaml --dry-run --cluster THIS`.\n",
      experiment, n->inside.size, n->inside.size == 1 ? "" : "s", vj_threads(), vj_threads() == 1 ? "" : "s",
      n->between.size, n->between.size == 1 ? "" : "s");
  if (inside->ranks > 1) vj_link_print(inside, "of one node", stdout);
  if (between->ranks > 1) vj_link_print(between, "of different nodes, all ranks of a node at the same time", stdout);
  printf(
      "name: measured\nnodes: %lld\nranks_per_node: %lld\nmemory_gib: %.1f\ngflops: %.1f\nmemory_gb_s: %.2f\n"
      "call_us: %.2f\n",
      (long long)c->nodes, (long long)c->ranks_per_node, c->memory_gib, rates->gflops, rates->memory_gb_s,
      rates->call_us);
  print_link("inside", &c->inside, inside->ranks > 1);
  print_link("between", &c->between, between->ranks > 1);
}

static vj_status measure_and_print(const vj_comm *world, const nodes *n, const vj_step_rates *rates,
                                   const char *experiment) {
  vj_link_times inside = {.ranks = 1}, between = {.ranks = 1};
  vj_pool *pool = NULL;
  vj_cluster *c = NULL;
  VJ_TRY(vj_link_measure(&n->inside, &inside));
  VJ_TRY(vj_link_measure(&n->between, &between));
  vj_status status = vj_pool_create(&pool);
  if (status == VJ_OK)
    status = vj_cluster_builtin(pool, n->between.size, n->inside.size, vj_machine_memory(NULL) / 1073741824, &c);
  if (status == VJ_OK) {
    vj_link_fit(&inside, &c->inside);
    vj_link_fit(&between, &c->between);
    if (between.ranks > 1) c->between.bandwidth_gb_s *= n->inside.size;
    if (world->rank == 0) print(rates, experiment, n, &inside, &between, c);
  }
  if (pool) vj_pool_destroy(&pool);
  return vj_comm_agree(world, status);
}

vj_status vj_machine_describe(const vj_comm *world, const vj_step_rates *rates, const char *experiment) {
  nodes n;
  VJ_TRY(find_nodes(world, &n));
  const vj_status status = measure_and_print(world, &n, rates, experiment);
  vj_comm_destroy(&n.between);
  vj_comm_destroy(&n.inside);
  return status;
}
