/* Components: encoders, predictors, decoders, latents, losses, data sets and probes. Begin here.
 *
 * A component is one `const` descriptor: a name, rows of parameters (vj/param.h) and a few functions. The whole of a
 * loss, "half the mean square of hx":
 *
 *   #include "vj/component.h"
 *   #include "vj/ops.h"
 *
 *   typedef struct { double factor; } small_config;
 *   static const vj_param params[] = {VJ_REAL(small_config, factor, "0.5", 0, 1e6, "", "factor of the mean")};
 *
 *   static vj_var *build(vj_graph *graph, const void *untyped) {
 *     const small_config *config = untyped;
 *     return vj_scale(graph, vj_mean_all(graph, vj_square(graph, vj_view(graph, "hx"))), config->factor, 0);
 *   }
 *
 *   static const vj_component small = {.abi = VJ_ABI, .kind = VJ_LOSS, .name = "small", .summary = "mean square of hx",
 *                                      .source = "", .params = params, .param_count = VJ_COUNT(params),
 *                                      .config_bytes = sizeof(small_config), .as.loss = {.build = build}};
 *   VJ_PLUGIN(&small);
 *
 * Built as a shared object and named under `plugins:` in the YAML it is a loss like any other. Models and losses build
 * graph (vj/graph.h, vj/ops.h) and get exact gradients for nothing; data sets and probes compute (vj/dataset.h,
 * vj/probe.h). Errors are a status and a sentence (vj/status.h). A component includes these headers and nothing else of
 * the project. docs/writing-a-component.md goes through it step by step.
 */
#ifndef VJ_COMPONENT_H
#define VJ_COMPONENT_H

#include "vj/dataset.h"
#include "vj/graph.h"
#include "vj/param.h"
#include "vj/probe.h"
#include "vj/status.h"

/* Grows by one with every change to the structures below; tables refuse descriptors of another number. */
enum { VJ_ABI = 13 };

/* kind, singular, plural */
#define VJ_KIND_LIST(X)                      \
  X(VJ_ENCODER, "encoder", "encoders")       \
  X(VJ_PREDICTOR, "predictor", "predictors") \
  X(VJ_DECODER, "decoder", "decoders")       \
  X(VJ_LATENT, "latent", "latents")          \
  X(VJ_LOSS, "loss", "losses")               \
  X(VJ_DATASET, "dataset", "datasets")       \
  X(VJ_PROBE, "probe", "probes")

#define VJ_KIND_ENUM(kind, singular, plural) kind,
typedef enum vj_kind { VJ_KIND_LIST(VJ_KIND_ENUM) VJ_KIND_COUNT } vj_kind;
#undef VJ_KIND_ENUM

/* Functions below build graph. `config` is the component's own struct, filled from the YAML and checked by its rows; it
 * lives as long as the graph. Failures go into the graph (see vj/graph.h), and the result is NULL then. They are called
 * several times, for graphs of training and of evaluation, on one rank or many: what they build may depend on their
 * arguments alone. [b,T,..] are shapes as in vj/graph.h; T time steps, d features, H W C an image, n numbers of z. */

typedef struct vj_encoder_ops {
  /* frames [b,T,H,W,C] -> hidden state [b,T,d] or [b,T,H',W',C'] */
  vj_var *(*build)(vj_graph *graph, const void *config, vj_var *frames);
  /* Whether other parameters give c times the same hidden state for any c > 0, as those of a last linear map do. What
   * losses ask of its scale then says the same as other weights of them. NULL: no. */
  bool (*scales_freely)(const void *config);
} vj_encoder_ops;

/* A predictor offers up to three ways for a latent z to enter; one it does not offer is NULL. `target` is the shape of
 * hy [b,T,..]; all target steps are predicted at once. */
typedef struct vj_predictor_ops {
  /* hidden state hx [b,Tx,...] and z [b,n] (NULL: none) -> hy_pred of shape `target` */
  vj_var *(*build)(vj_graph *graph, const void *config, vj_var *hx, vj_var *z, const vj_shape *target);
  /* One prediction for each of `choices` heads: [b,choices,T,..] */
  vj_var *(*build_choices)(vj_graph *graph, const void *config, vj_var *hx, int64_t choices, const vj_shape *target);
  /* z enters linearly at the top: hy_pred = base + weight z. base [b,D] with D numbers of the target a sample;
   * *weight is the shared parameter [D,size]. */
  vj_var *(*build_linear)(vj_graph *graph, const void *config, vj_var *hx, int64_t size, const vj_shape *target,
                          vj_var **weight);
} vj_predictor_ops;

/* A predictor as a latent sees it. */
typedef struct vj_predictor {
  const char *name;
  const vj_predictor_ops *ops;
  const void *config;
} vj_predictor;

typedef struct vj_decoder_ops {
  /* hidden state [b,T,...] -> frames of shape `target` [b,T,H,W,C]. `build` NULL: no decoder. */
  vj_var *(*build)(vj_graph *graph, const void *config, vj_var *hidden, const vj_shape *target);
} vj_decoder_ops;

/* A decoder as an energy sees it. */
typedef struct vj_decoder {
  const char *name;
  const vj_decoder_ops *ops;
  const void *config;
} vj_decoder;

/* The energy that a latent's inference minimises over z, for each sample (arXiv 2412.10925):
 *   alpha mean (h - hy)^2 + gamma mean (Dec(h) - y)^2,   means over all numbers of the sample's target
 * alpha and gamma are the sums of the weights of the losses with the term VJ_TERM_HIDDEN and VJ_TERM_FRAMES; when both
 * are 0, alpha is 1. */
typedef struct vj_energy {
  double alpha, gamma; /* gamma is 0 without a decoder */
  vj_var *hy, *y;      /* [b,T,..], [b,T,H,W,C] */
  vj_decoder decoder;
} vj_energy;

/* The energies [b] of candidates for hy_pred, as many numbers a sample as hy. The decoder is frozen (see vj_freeze):
 * outside a frozen section the energies are constants, inside one they can be differentiated by what h was made of.
 * A decoder whose frames do not have y's shape is a failure. */
vj_var *vj_energy_of(vj_graph *graph, const vj_energy *energy, vj_var *h);

typedef struct vj_latent_ops {
  /* Infers z and gives hy_pred, of hy's shape, by one of the predictor's ways. Shows z with vj_show(graph, "z", ..) as
   * [b,1,n], may record numbers (vj_record_scalar) and add losses of its own (vj_add_loss). In evaluation, too, z is
   * inferred from the true target: it tells what the past could not. What is measured with it is an oracle's, no
   * forecast. `build` NULL: no latent. */
  vj_var *(*build)(vj_graph *graph, const void *config, const vj_predictor *predictor, const vj_energy *energy,
                   vj_var *hx, vj_var *hy);
  /* Forecasts: `draws` predictions of the shape `target` a sample, from z that are drawn from the latent's prior, with
   * vj_noise: [b,draws,T,..]. They know hx alone. Built in evaluation graphs, in the predictor's scope as `build` is;
   * NULL: the latent has no prior. */
  vj_var *(*build_prior)(vj_graph *graph, const void *config, const vj_predictor *predictor, vj_var *hx,
                         const vj_shape *target, int64_t draws);
} vj_latent_ops;

/* Which term of vj_energy a loss measures; its weight is that term's. */
typedef enum vj_energy_term {
  VJ_TERM_NONE,
  VJ_TERM_HIDDEN, /* distance between hy_pred and hy */
  VJ_TERM_FRAMES  /* distance between y_pred and y */
} vj_energy_term;

/* A label of the data set for the samples of the batch, for losses that learn from it. Constants. */
typedef struct vj_batch_label {
  const vj_label *label; /* what it is; NULL after a failure */
  /* REAL: [b,width] numbers standardised by statistics of training clips, 0 where there is none. FLAGS: [b,width].
   * CLASS: [b,width classes], a one-hot row for each number. */
  vj_var *values;
  vj_var *known; /* of a label with gaps: [b,width], 1 where there is a number, else 0; NULL: there always is */
} vj_batch_label;

/* The label by name. Fails, listing those that exist. */
vj_batch_label vj_label_of(vj_graph *graph, const char *name);

typedef struct vj_loss_ops {
  /* The loss without its weight, a shared scalar. Views are looked up by name with vj_view(). */
  vj_var *(*build)(vj_graph *graph, const void *config);
  vj_energy_term term; /* most measure none: leave it out */
  const char *scale;   /* its parameter that says how large hidden states are to be; most have none */
} vj_loss_ops;

typedef struct vj_component {
  int abi; /* VJ_ABI */
  vj_kind kind;
  const char *name;       /* as the YAML has it; one of its kind */
  const char *summary;    /* one line */
  const char *source;     /* paper and equation, or "" */
  const vj_param *params; /* NULL and 0 when it has none */
  size_t param_count;
  size_t config_bytes; /* of the struct that the rows describe */
  union {
    vj_encoder_ops encoder;
    vj_predictor_ops predictor;
    vj_decoder_ops decoder;
    vj_latent_ops latent;
    vj_loss_ops loss;
    vj_dataset_ops dataset;
    vj_probe_ops probe;
  } as;
} vj_component;

/* --- the tables; not collective; filled before any thread is started ------------------------------------- */

/* Adds a descriptor, which must outlive the program's use of it. VJ_PLUGIN with a sentence when it was made for another
 * VJ_ABI, lacks something, has a row that does not fit its struct, or when there is one of its kind and name. */
VJ_MUST_USE vj_status vj_component_register(const vj_component *component);
/* NULL when there is none of that name. */
const vj_component *vj_component_find(vj_kind kind, const char *name);
/* The i-th of a kind in the order of registration, NULL past the end. */
const vj_component *vj_component_at(vj_kind kind, int index);
const char *vj_kind_name(vj_kind kind);
const char *vj_kind_plural(vj_kind kind);

/* Opens a shared object and registers what its symbol `vj_plugin` lists. VJ_PLUGIN when it can't be opened, or a
 * component is refused; it is never closed again. */
VJ_MUST_USE vj_status vj_plugin_load(const char *path);

/* A plug-in exports one symbol: VJ_PLUGIN(&my_loss, &my_encoder) */
typedef struct vj_plugin_table {
  int abi;
  int count;
  const vj_component *const *components;
} vj_plugin_table;
#define VJ_PLUGIN(...)                                                      \
  static const vj_component *const vj_plugin_components_[] = {__VA_ARGS__}; \
  const vj_plugin_table vj_plugin = {VJ_ABI, (int)VJ_COUNT(vj_plugin_components_), vj_plugin_components_}

#endif
