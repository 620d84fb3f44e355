/* Inside of the graph: what ops, the planner and the trainer see of it. Components see include/vj/graph.h only.
 *
 * A graph goes through three stages: built (components and losses make nodes, vj_graph_backward adds the gradient's
 * nodes to the same list), planned (dead nodes dropped, every variable given its place in one arena), run.
 *
 * framework/graph sees config, comm and ops, which stand on the same floor: a graph is made of ops, an op builds graph.
 * Begin here, in the order of the stages: build.c, backward.c, plan.c, run.c.
 */
#ifndef VJ_FRAMEWORK_GRAPH_GRAPH_H
#define VJ_FRAMEWORK_GRAPH_GRAPH_H

#include "framework/comm/comm.h"
#include "framework/graph/parameters.h"
#include "vj/graph.h"
#include "vj/memory.h"

typedef struct vj_node vj_node;
typedef struct vj_op vj_op;
typedef struct vj_storage vj_storage;

enum { VJ_MAX_INPUTS = 16, VJ_MAX_OUTPUTS = 3, VJ_MAX_SCOPES = 16, VJ_SCOPE_BYTES = 256 };

typedef enum vj_role {
  VJ_ROLE_INTERMEDIATE, /* lives in the arena while it is needed */
  VJ_ROLE_INPUT,        /* filled from outside before a run */
  VJ_ROLE_PARAMETER,    /* in the parameters' block */
  VJ_ROLE_STATE,        /* in the states' block */
  VJ_ROLE_GRADIENT      /* in the gradients' block, at its parameter's place */
} vj_role;

struct vj_var {
  int id;
  const char *name; /* for messages: the scope it was made in and its op */
  bool batched;
  bool needs_gradient; /* a parameter is among its ancestors */
  bool thawed;         /* what needs_gradient becomes when a frozen section ends */
  bool keep;           /* to be read after the run */
  bool needed;         /* found by the planner */
  bool half;           /* bf16: two numbers in the room of one; decided in precision.c */
  vj_role role;
  int parameter; /* index in the parameter table, for the three last roles */
  vj_shape shape;
  int64_t count; /* numbers: of one shard when batched */
  vj_var *alias; /* same numbers as another variable (reshape) */
  vj_var *gradient;
  vj_var *rounded; /* the same in bf16, if it was asked for */
  vj_node *producer;
  vj_storage *storage;
};

struct vj_node {
  const vj_op *op;
  int input_count, output_count;
  vj_var *inputs[VJ_MAX_INPUTS]; /* an optional input may be NULL */
  vj_var *outputs[VJ_MAX_OUTPUTS];
  const void *attributes; /* the op's own struct */
  const char *scope;
  bool batched; /* any input or output is */
  bool late;    /* sums gradients of a parameter used several times; runs when all exchanges are under way */
  bool needed;
  int order;      /* position in the planned list */
  double seconds; /* spent in it while profiling */
};

typedef struct vj_named_var {
  const char *name;
  vj_var *var;
} vj_named_var;

typedef struct vj_recorded_scalar {
  const char *name, *long_name;
  vj_var *var;
  double weight; /* in the total loss; 0: only reported */
  const char *unit;
} vj_recorded_scalar;

typedef struct vj_goal {
  const char *name, *setting; /* of a report; what asks for it */
  double value, tolerance;
} vj_goal;

typedef struct vj_state_change {
  vj_var *state, *value;
  double rate;
  bool averages; /* with the graph's momentum, and not with `rate` */
} vj_state_change;

/* A growing list of pointers, pool-backed. */
typedef struct vj_list {
  void **at;
  int count;
} vj_list;

typedef struct vj_graph_options {
  bool training;
  int64_t shard_samples; /* b */
  int64_t shards;        /* of the global batch */
  uint64_t seed;         /* of noise */
  bool bf16;             /* factors of matrix products are rounded to bf16 */
} vj_graph_options;

struct vj_graph {
  vj_pool *pool;
  vj_graph_options options;
  vj_parameters *parameters; /* borrowed: several graphs share one table */
  vj_status status;
  char *message; /* of the first failure */
  vj_list nodes, vars, views, reports, goals, changes, parameter_vars;
  const struct vj_label *all_labels; /* of the data set; borrowed */
  int64_t label_count;
  vj_list labels; /* those that are inputs: framework/train/model/labels.h */
  char scope[VJ_SCOPE_BYTES];
  size_t scope_lengths[VJ_MAX_SCOPES]; /* before each push */
  int scope_depth;
  int frozen;             /* depth of frozen sections */
  int64_t step;           /* of the run: noise is drawn for it */
  const char *view_scope; /* "hx" while the encoder builds hx: taps get this name in front */
  /* While a target is built by an average of the encoder: each parameter asked for is the state "target.<name>", its
   * moving average with `momentum`, and each state asked for is another one, "target.<name>". */
  bool averages;
  double momentum; /* of the run: it may change from step to step */
  bool calibrates; /* a run changes running statistics alone: to their means over runs, from step 0 on */
  struct vj_plan *plan;
};

/* --- life --------------------------------------------------------------------------------------------------- */

VJ_MUST_USE vj_status vj_graph_create(const vj_graph_options *options, vj_parameters *parameters, vj_graph **graph);
void vj_graph_destroy(vj_graph **graph);
/* The first failure while building, if any, with its sentence. */
VJ_MUST_USE vj_status vj_graph_status(const vj_graph *graph);

/* A batched input [b, shape...], filled by the caller before every run. */
vj_var *vj_graph_input(vj_graph *graph, const char *name, const vj_shape *sample_shape);
/* The view, or NULL without a failure. */
vj_var *vj_graph_find_view(const vj_graph *graph, const char *name);
/* Out of all scopes, and back into those that were left: for what is built at another place than its own. */
void vj_scope_leave(vj_graph *graph, char left[VJ_SCOPE_BYTES]);
void vj_scope_return(vj_graph *graph, const char left[VJ_SCOPE_BYTES]);
/* vj_add_loss with a unit of measurement. */
void vj_graph_record_scalar(vj_graph *graph, const char *name, vj_var *var, double weight, const char *unit,
                            const char *long_name);
/* Its numbers can be read after a run. */
void vj_graph_keep(vj_var *var);
/* A vj_state_update by a statistic of the batch, which calibration changes, too. */
void vj_graph_running_statistic(vj_graph *graph, vj_var *state, vj_var *value, double rate);

/* Adds the nodes that compute d loss / d parameter for every trained parameter, straight into the gradient block. */
void vj_graph_backward(vj_graph *graph, vj_var *loss);
/* Called by it: lets go of what is cheap to make again, `backward` being the number of the first backward node. */
void vj_graph_recompute(vj_graph *graph, int backward);
/* Whether a run writes the gradient of this row of the parameter table. */
bool vj_graph_has_gradient(const vj_graph *graph, int row);
/* After vj_graph_backward: numbers made with a trained parameter that gets no gradient mean nothing, however long they
 * are watched. Changes of states by them are dropped, and each of these `scalars` that is one becomes NULL and is no
 * longer kept, so that what leads to it is not computed. */
VJ_MUST_USE vj_status vj_graph_drop_without_gradient(vj_graph *graph, vj_var **scalars, int64_t count);

/* --- for ops ------------------------------------------------------------------------------------------------ */

/* A node of `op` with these inputs; `attributes` are copied. Outputs are made afterwards with vj_node_output.
 * NULL if the graph failed or an input is NULL (unless `optional_from` <= its index). */
vj_node *vj_node_create(vj_graph *graph, const vj_op *op, vj_var *const *inputs, int count, int optional_from,
                        const void *attributes, size_t attribute_bytes);
vj_var *vj_node_output(vj_graph *graph, vj_node *node, bool batched, const vj_shape *shape);
/* One output of the same kind as the inputs. */
vj_var *vj_node_result(vj_graph *graph, vj_node *node, const vj_shape *shape);

/* In an op's gradient: adds a contribution to d loss / d var (NULL contributions and unwanted gradients are dropped).
 */
void vj_gradient_add(vj_graph *graph, vj_var *var, vj_var *contribution);
/* The same with what a backward node of `node` makes, `op` with its attributes, if var wants it. */
void vj_gradient_by(vj_graph *graph, vj_var *var, const vj_node *node, const vj_op *op, vj_var *const *inputs,
                    int count);
/* Takes what has been added so far, for a node that adds to it in its own pass; NULL if nothing. */
vj_var *vj_gradient_take(vj_var *var);
static inline bool vj_wants_gradient(const vj_var *var) { return var && var->needs_gradient; }

bool vj_list_push(vj_graph *graph, vj_list *list, void *item);

/* --- plan and run ------------------------------------------------------------------------------------------- */

/* Drops what no kept variable, gradient or state change needs, and lays out memory for `local_shards` shards of
 * this rank. Without allocating anything; see vj_graph_memory. Not collective. */
VJ_MUST_USE vj_status vj_graph_plan(vj_graph *graph, int64_t local_shards);
/* Bytes of the arena and scratch of this rank, for graphs that share them. */
size_t vj_graph_memory(vj_graph *const *graphs, int count);
/* Allocates one arena for several graphs that never run at the same time: each run overwrites what another left,
 * parameters and states apart. Parameters must be allocated. Collective over `comm`, the group that trains this
 * trial, which must outlive the graphs; comm->size x local_shards must be the number of shards. The first graph owns
 * the arena. */
VJ_MUST_USE vj_status vj_graph_allocate(vj_graph *const *graphs, int count, const vj_comm *comm);

/* Runs all nodes for all local shards. Collective over the group. On return every kept variable, every gradient and
 * every state is complete. */
VJ_MUST_USE vj_status vj_graph_run(vj_graph *graph);

/* Numbers of a variable: of local shard `shard` when batched, else `shard` is ignored. */
vj_real *vj_graph_values(const vj_graph *graph, const vj_var *var, int64_t shard);

typedef struct vj_graph_profile_row {
  const char *op, *scope;
  double seconds, flops, flops_done; /* of all shards of this rank; seconds are summed over its threads and over runs */
  double bytes, calls;               /* of all shards of this rank, as cost.h counts them */
  bool half;                         /* of a product: its factors are bf16 */
} vj_graph_profile_row;
/* Timing of nodes on or off; rows are in order of execution. */
void vj_graph_profile(vj_graph *graph, bool on);
int vj_graph_profile_rows(const vj_graph *graph, vj_graph_profile_row *rows, int capacity);
/* Floating-point operations of matrix products (2 a multiply-add) in one run over all shards of the batch. */
double vj_graph_flops(const vj_graph *graph);
/* The same, without those that an op's way of computing spares. */
double vj_graph_flops_done(const vj_graph *graph);
/* Seconds this rank waited in collectives during runs so far. */
double vj_graph_wait_seconds(const vj_graph *graph);
/* The same for the newest run, place by place in the order they come; returns how many places there are. All ranks of
 * the group have the same places: the least that any of them waited at one is what the exchange itself takes. */
int vj_graph_waits(const vj_graph *graph, const double **seconds);

#endif
