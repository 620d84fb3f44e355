/* How long a step takes on how many ranks: the work that was counted from a graph's plan, on a machine that was
 * described. Pure functions; not collective.
 *
 * Ranks of a group are neighbours, and groups lie within nodes where they fit. A rank computes its shards one after
 * the other; every exchange is a series of messages with partners at distances 1, 2, 4, ..., each inside a node or
 * between nodes. What is not in it: ranks that are slower than others, other jobs on the network, threads. */
#ifndef VJ_SWEEPS_SCHEDULE_COST_MODEL_H
#define VJ_SWEEPS_SCHEDULE_COST_MODEL_H

#include "framework/config/config.h"
#include "sweeps/schedule/cluster.h"
#include "framework/graph/cost.h"
#include "framework/train/model/model.h"

typedef struct vj_step_cost {
  double seconds;  /* the sum of the next four */
  double shards;   /* computing the rank's shards */
  double alike;    /* computing what every rank computes, however few shards it has */
  double sums;     /* small reductions and gathers, which everybody waits for */
  double weights;  /* exchanging gradients of weights, as far as it is not hidden behind computation */
  double hidden;   /* as far as it is */
  double messages; /* that a rank sends */
  double bytes;
} vj_step_cost;

/* One run of a graph on a group of so many ranks: a power of two that divides its shards. */
vj_step_cost vj_cost_of_run(const vj_cluster *cluster, const vj_graph_cost *graph, int ranks);

/* The graphs of a model, and the numbers that its optimizer changes. */
typedef struct vj_model_cost {
  const vj_graph_cost *train, *evaluate, *decode, *calibrate; /* the last two: NULL where there is none */
  double parameters;
} vj_model_cost;

VJ_MUST_USE vj_status vj_cost_of_model(vj_pool *pool, const vj_model *model, vj_model_cost *cost);
/* A training step: the graph's run, the optimizer, and two agreements of the group. */
vj_step_cost vj_cost_of_step(const vj_cluster *cluster, const vj_model_cost *model, int ranks);
/* Seconds of a whole trial: steps, evaluations and the decoder's training; without making data, reading, writing, and
 * fitting probes. */
double vj_cost_of_trial(const vj_cluster *cluster, const vj_model_cost *model, const vj_config *config, int ranks);

#endif
