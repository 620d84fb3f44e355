/* The graph a component builds: variables, parameters, views. The ops that make variables are in vj/ops.h.
 *
 * A graph is built once for one shard of the batch and run for every shard. A variable is either
 *   batched: one value per sample; its first dimension is the samples of a shard, b; or
 *   shared:  one value for the whole batch (a weight, a batch mean, a covariance, the loss).
 * Reductions over the batch lead from batched to shared, broadcasts back; both have exact gradients, and both
 * give the same bits for any number of ranks and threads.
 *
 * Building never fails half-way: the first error is kept in the graph with its place ("encoder.conv1: ..."),
 * everything after it returns NULL, and ops given NULL return NULL. So formulas compose without checks:
 *
 *   vj_var *difference = vj_sub(graph, vj_view(graph, "hy_pred"), vj_view(graph, "hy"));
 *   return vj_mean_all(graph, vj_square(graph, difference));
 *
 * and whoever asked for the graph finds the sentence. Check for NULL only before a shape is used to compute with. The
 * graph owns all variables; nothing here is collective, or computes a number: that is done when the graph runs.
 *
 * Layout: row-major, channels last. In shapes b is the samples of a shard, B those of the global batch, T time steps,
 * H W C height, width and channels, and .. any dimensions: [b,T,H,W,C].
 */
#ifndef VJ_GRAPH_H
#define VJ_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "vj/status.h"

/* The number type of graphs. float in the product; tests build everything a second time in double, to check
 * gradients by finite differences and kernels against float64 references. */
#ifdef VJ_DOUBLE
typedef double vj_real;
#else
typedef float vj_real;
#endif

enum { VJ_MAX_RANK = 6 };

typedef struct vj_shape {
  int rank;
  int64_t size[VJ_MAX_RANK];
} vj_shape;

typedef struct vj_graph vj_graph;
typedef struct vj_var vj_var;

/* --- errors ------------------------------------------------------------------------------------------------ */

/* Records a failure of the component being built; always returns NULL, so `return vj_graph_fail(..)` ends a build. The
 * sentence is put behind the scope. */
vj_var *vj_graph_fail(vj_graph *graph, vj_status status, const char *format, ...) VJ_PRINTF(3, 4);
/* True once something failed. */
bool vj_graph_failed(const vj_graph *graph);

/* --- variables --------------------------------------------------------------------------------------------- */

/* The shape of a batched variable starts with b. A NULL variable has rank 0. */
vj_shape vj_shape_of(const vj_var *var);
bool vj_is_batched(const vj_var *var);
/* "[8,3,64,64,1]" into a buffer of at least 128 bytes; returns it. VJ_SHAPE_TEXT brings a buffer of its own, that lasts
 * as long as the block it stands in. */
const char *vj_shape_text(const vj_shape *shape, char *buffer);
#define VJ_SHAPE_TEXT(shape) vj_shape_text((shape), (char[128]){0})
bool vj_shape_same(const vj_shape *a, const vj_shape *b);
/* Product of the sizes from dimension `from` up to, not including, `to`. */
int64_t vj_shape_count(const vj_shape *shape, int from, int to);

#define VJ_SHAPE(...) \
  ((vj_shape){.rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .size = {__VA_ARGS__}})

/* Whether this is a training graph; false for evaluation (batch norm then uses its running statistics). */
bool vj_is_training(const vj_graph *graph);
/* Samples of a shard, b. */
int64_t vj_shard_samples(const vj_graph *graph);
/* Samples of the whole batch: b times the number of shards. */
int64_t vj_batch_samples(const vj_graph *graph);

/* --- parameters -------------------------------------------------------------------------------------------- */

typedef enum vj_init {
  VJ_INIT_ZERO,
  VJ_INIT_ONE,
  VJ_INIT_UNIFORM,
  VJ_INIT_NORMAL,
  VJ_INIT_TRUNCATED, /* normal, numbers beyond +-2 (not: beyond two deviations) drawn again, as PyTorch's trunc_normal_
                      */
  VJ_INIT_CONSTANT
} vj_init;

typedef struct vj_param_spec {
  const char *name; /* within the scope: "conv0.weight" -> "encoder.conv0.weight" */
  vj_shape shape;
  const char *layout; /* names of the dimensions, e.g. "OHWI", "OI", "O"; recorded with checkpoints */
  vj_init init;
  double scale; /* UNIFORM: on [-scale, scale]; NORMAL, TRUNCATED: standard deviation; CONSTANT: the number */
  bool decay;   /* weight decay applies: true for weights, false for norms and biases */
} vj_param_spec;

/* A trained parameter, shared. The same name asked for twice gives the same parameter (an encoder used for x and
 * for y); the shapes must then agree. With `model.target: {type: ema}` an encoder used for y gets moving averages
 * instead, to which no gradient flows. */
vj_var *vj_parameter(vj_graph *graph, const vj_param_spec *spec);
/* State that is kept with the parameters but not trained (running statistics). The same name gives the same state,
 * but for an encoder used for y with `model.target: {type: ema}`, which has states of its own. */
vj_var *vj_state(vj_graph *graph, const vj_param_spec *spec);
/* After each training step: state = (1 - rate) * state + rate * value. No effect in an evaluation graph. */
void vj_state_update(vj_graph *graph, vj_var *state, vj_var *value, double rate);

/* --- frozen sections ---------------------------------------------------------------------------------------- */

/* Between vj_freeze and vj_thaw the model is looked at, not trained: components build as for evaluation (batch norm
 * with its running statistics), parameters and everything made before are constants, no state changes, no view is
 * added and nothing is recorded. What is made in between stays a constant afterwards. Sections may nest; the outermost
 * counts. */
void vj_freeze(vj_graph *graph);
void vj_thaw(vj_graph *graph);
/* In a frozen section: the same numbers as the one variable to differentiate by, until vj_gradient_of. No copy. */
vj_var *vj_differentiable(vj_graph *graph, vj_var *x);
/* In a frozen section: d sum(energy) / d x, of x's shape, as further nodes; x is from vj_differentiable, `energy` was
 * made from it. Energies [b] of samples that do not see each other so give each sample's own gradient. */
vj_var *vj_gradient_of(vj_graph *graph, vj_var *energy, vj_var *x);

/* --- scopes and views -------------------------------------------------------------------------------------- */

/* Names nest: push "encoder", push "conv0" -> "encoder.conv0". Every push is paired with a pop. */
void vj_scope_push(vj_graph *graph, const char *format, ...) VJ_PRINTF(2, 3);
void vj_scope_pop(vj_graph *graph);

/* Makes an inner layer a view, visible to losses and probes, as "<view>.<name>", e.g. "hx.conv1". */
void vj_tap(vj_graph *graph, const char *name, vj_var *var);
/* Makes a variable a view of its own name, e.g. z. */
void vj_show(vj_graph *graph, const char *name, vj_var *var);
/* Records a shared scalar at every recorded step and evaluation as train_<name> and val_<name>. */
void vj_record_scalar(vj_graph *graph, const char *name, vj_var *var, const char *long_name);
/* A goal of training, asked for by `setting`, for a number that is recorded as `name`: a trial that ends further than
 * `tolerance` from it, in its last evaluation, says so in a sentence with the nearest value. It counts as done. */
void vj_aim(vj_graph *graph, const char *name, const char *setting, double goal, double tolerance);
/* A loss that belongs to a component (a latent's divergence), a shared scalar: recorded, and added to the total with
 * its weight. */
void vj_add_loss(vj_graph *graph, const char *name, vj_var *var, double weight, const char *long_name);
/* The variable of a view: x, y, hx, hy, hy_pred, y_pred, z, or a tapped layer. Fails, listing those that exist. */
vj_var *vj_view(vj_graph *graph, const char *name);

#endif
