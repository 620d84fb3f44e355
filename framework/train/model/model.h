/* A model: one parameter table and the graphs built on it by the components of a configuration. */
#ifndef VJ_FRAMEWORK_TRAIN_MODEL_MODEL_H
#define VJ_FRAMEWORK_TRAIN_MODEL_MODEL_H

#include "framework/config/config.h"
#include "framework/graph/graph.h"

/* One graph of a model with the variables the trainer reads. */
typedef struct vj_model_graph {
  vj_graph *graph;
  vj_var *frames;  /* input [b,T,H,W,C] */
  vj_var **losses; /* shared scalars, in the order of the configuration; unweighted */
  vj_var *total;
  /* Everything recorded of a run: total, losses, then what components report. In training NULL where it would be read
   * off parameters that get no gradient, such as frames of a decoder without a loss. */
  vj_var **scalars;
  int64_t scalar_count;
  bool *has_gradient; /* for each row of the parameter table: a run writes its gradient */
} vj_model_graph;

typedef struct vj_model {
  const vj_config *config; /* borrowed */
  vj_parameters *parameters;
  vj_model_graph train, evaluate;
  /* Trains the decoder alone, on the frozen hidden states of a finished model (everything before it as in evaluation).
   * Its graph is NULL where a loss trains the decoder, where there is none, and where eval.decoder_steps is 0. */
  vj_model_graph decode;
  /* The forward pass of training, whose runs change running statistics alone (calibration.h). Its graph is NULL where
   * there are none. */
  vj_model_graph calibrate;
} vj_model;

/* Builds and plans the graphs for a group of `ranks`, allocating no numbers; errors name the component, the place
 * in it and the shapes that do not fit. Not collective. */
VJ_MUST_USE vj_status vj_model_create(const vj_config *config, const vj_clip_info *clip, int ranks, vj_model **model);
/* Allocates everything and initialises the parameters. Collective over the group. */
VJ_MUST_USE vj_status vj_model_allocate(vj_model *model, const vj_comm *comm);
void vj_model_destroy(vj_model **model);

/* Bytes a rank needs: parameters, gradients, moments and the arena. */
size_t vj_model_memory(const vj_model *model);
/* Trained numbers, without padding. */
int64_t vj_model_parameter_count(const vj_model *model);

/* Shape [b,T,...] of a view as features of T steps and the rest as width; false if there is no such view or it is not
 * of that form. */
bool vj_model_view(const vj_model *model, const char *name, int64_t *steps, int64_t *width);

/* Frames [b,T,H,W,C] of the shape of y, decoded from a hidden state. The decoder's parameters have the names they have
 * everywhere, whatever scope this is called in. Frames of another shape are a failure. */
vj_var *vj_decode(vj_graph *graph, const vj_decoder *decoder, vj_var *hidden, vj_var *y);

/* Views that are hidden states. NULL-terminated. */
extern const char *const vj_hidden_views[];
/* Views that measures are taken of at every evaluation: hidden states, and z. NULL-terminated. */
extern const char *const vj_measured_views[];
/* Views that are frames: input, target and, with a decoder, the decoded prediction. NULL-terminated. */
extern const char *const vj_frame_views[];

#endif
