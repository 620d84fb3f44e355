/* The checked configuration of one trial: a YAML tree turned into typed structs by parameter rows.
 * Not collective: every rank reads the same text and gets the same structs.
 *
 * framework/config is where YAML, with its places, becomes checked structs. It sees framework/base and the public
 * headers. Begin with vj_config_create below, then yaml/yaml.h (trees) and vj/param.h (rows). */
#ifndef VJ_FRAMEWORK_CONFIG_CONFIG_H
#define VJ_FRAMEWORK_CONFIG_CONFIG_H

#include "framework/config/yaml/yaml.h"
#include "vj/component.h"

/* A component chosen by the configuration, with its own parameters read. */
typedef struct vj_choice {
  const char *key; /* under which it stands: "encoder", or the name of a loss or probe */
  const vj_component *component;
  const void *config;
} vj_choice;

typedef struct vj_loss_choice {
  vj_choice choice;
  double weight; /* 0: recorded, but not part of the total */
} vj_loss_choice;

/* How a step's features become fewer. */
typedef enum vj_reduction { VJ_REDUCE_PROJECTION, VJ_REDUCE_PCA } vj_reduction;

typedef struct vj_probe_choice {
  vj_choice choice;
  const char *on;           /* a view: "hy_pred"; "labels": none, but */
  vj_text_list labels;      /* these labels of the data set; else empty */
  const char *target;       /* a label: "speed" */
  int64_t dimension;        /* features of a step that the probe gets; 0: all */
  int reduction;            /* vj_reduction */
  vj_real_list label_share; /* shares of the train samples that it is fitted on, too */
  bool by_horizon;          /* it is fitted on each step alone, too */
  bool has_prior;           /* it is on hy_pred, and a latent's prior is drawn from */
} vj_probe_choice;

/* How hy, the target, is made from y. */
typedef enum vj_target_type {
  VJ_TARGET_SHARED,        /* by the encoder, whose gradients flow through hx and hy */
  VJ_TARGET_STOP_GRADIENT, /* by the encoder; no gradient flows through hy */
  VJ_TARGET_EMA            /* by an encoder whose weights are moving averages of the encoder's; no gradient */
} vj_target_type;

/* How a number goes from its first value to its last over the steps of a trial. */
typedef enum vj_course { VJ_COURSE_CONSTANT, VJ_COURSE_LINEAR, VJ_COURSE_COSINE } vj_course;

typedef struct vj_target_config {
  int type;              /* vj_target_type */
  double momentum;       /* EMA: what an average keeps of itself at every step */
  int momentum_schedule; /* vj_course */
  double final_momentum;
} vj_target_config;

typedef enum vj_optimizer { VJ_ADAMW, VJ_SGD } vj_optimizer;
typedef enum vj_precision { VJ_FP32, VJ_BF16 } vj_precision;
typedef enum vj_schedule { VJ_CONSTANT, VJ_COSINE, VJ_ONE_CYCLE } vj_schedule;

typedef struct vj_optim_config {
  int type;                  /* vj_optimizer */
  int precision;             /* vj_precision: of activations and the factors of matrix products */
  int schedule;              /* vj_schedule */
  double lr;                 /* peak learning rate */
  int64_t warmup;            /* steps of linear warm-up (one_cycle: of its rise) */
  double final_lr;           /* of the peak, reached at the last step by cosine and one_cycle */
  vj_real_list betas;        /* AdamW: two */
  double epsilon;            /* AdamW */
  double momentum;           /* SGD */
  double weight_decay;       /* decoupled for AdamW, L2 for SGD; not on norms and biases */
  int weight_decay_schedule; /* vj_course */
  double final_weight_decay;
  double clip; /* global gradient norm is held to this; 0: no clipping */
  int64_t steps, batch, shards;
  int64_t ranks; /* that train the trial together; 0: it does not say */
} vj_optim_config;

typedef enum vj_probe_when { VJ_PROBE_ENDS, VJ_PROBE_ALL, VJ_PROBE_LAST } vj_probe_when;

typedef struct vj_eval_config {
  int64_t every;   /* steps between evaluations; step 0 and the last are always evaluated */
  int64_t samples; /* validation samples for losses (in whole batches) and singular values */
  int64_t probe_train, probe_validation, probe_test; /* samples for probes */
  int probe_at;                                      /* vj_probe_when */
  int64_t states;                                    /* test clips whose hidden states are recorded; 0: none */
  int64_t decoder_steps;                             /* of training a decoder afterwards, where no loss trains it */
  int64_t prior_draws;                               /* of z from a latent's prior; 0: none */
  int64_t pictures;                                  /* test clips that are recorded at the end */
  int64_t probe_count;
  const vj_probe_choice *probes;
} vj_eval_config;

typedef struct vj_logging_config {
  int64_t every;    /* steps between recorded training rows */
  bool tensorboard; /* write TensorBoard's files, too; changes no number */
} vj_logging_config;

typedef enum vj_keep_policy { VJ_KEEP_NONE, VJ_KEEP_WEIGHTS } vj_keep_policy;

/* When a trial's state is saved; changes no number of it. */
typedef struct vj_checkpoint_config {
  double minutes; /* 0: not by the clock */
  int64_t steps;  /* 0: not by steps */
  int keep;       /* vj_keep_policy: what stays of a trial that is done */
} vj_checkpoint_config;

typedef struct vj_config {
  const char *name;
  uint64_t seed; /* of the trial: initialisation, order of samples, noise */
  vj_clip_request clip;
  vj_choice dataset, encoder, predictor, decoder, latent;
  vj_target_config target;
  int64_t loss_count;
  const vj_loss_choice *losses; /* in the order they are written */
  vj_optim_config optim;
  vj_eval_config eval;
  vj_logging_config logging;
  vj_checkpoint_config checkpoint;
  const vj_yaml *root;     /* the tree that it was made of */
  const vj_yaml *resolved; /* the whole tree with every default filled in, without `sweep` */
} vj_config;

/* Checks a tree (`sweep`, `report` and `plugins` keys are left to others) and makes the typed configuration; everything
 * is owned by the pool. Errors have the place of the node at fault:
 *   sweeps/vcr.yaml:14:11: losses.variance.weight: expected a number >= 0, got "ten"
 *   sweeps/vcr.yaml:9:3: model.encoder: unknown key "chanels"; did you mean "channels"? */
VJ_MUST_USE vj_status vj_config_create(vj_pool *pool, const vj_yaml *root, vj_config **config);

/* The same for a tree of which sections are the very nodes that `like` was made of: the configurations share what they
 * say, which takes little time and memory. NULL: none is. */
VJ_MUST_USE vj_status vj_config_vary(vj_pool *pool, const vj_config *like, const vj_yaml *root, vj_config **config);

/* A tree, resolved or not, without what changes no number: `checkpoint`, `report`, `logging.tensorboard` and
 * `optim.ranks`. It shares its branches with `root`. Two trials of which these are the same measure the same. */
VJ_MUST_USE vj_status vj_config_measured(vj_pool *pool, const vj_yaml *root, vj_yaml **measured);

/* Loads the shared objects named under `plugins:`, if any. */
VJ_MUST_USE vj_status vj_config_load_plugins(vj_pool *pool, const vj_yaml *root);

/* Reads a component's parameters from a map (NULL: all defaults) into a fresh struct; `path` names the map in
 * errors; keys in `also_known` (NULL-terminated, may be NULL) are accepted and left alone. `resolved`, if not
 * NULL, gets a map with every row's value. */
VJ_MUST_USE vj_status vj_params_read(vj_pool *pool, const vj_param *rows, size_t row_count, size_t struct_bytes,
                                     const vj_yaml *map, const char *path, const char *const *also_known, void **config,
                                     vj_yaml *resolved);

/* The rows of the sections that belong to no component: "" (name, seed), "data",
 * "target" (of the model), "losses" and "probes" (common to all of them), "optim", "eval", "logging", "checkpoint" and
 * "standin"; for `describe`.
 * NULL for another name. */
const vj_param *vj_section_rows(const char *section, size_t *count);

#endif
