#include "train/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vj/ops.h"

const char *const vj_hidden_views[] = {"hx", "hy", "hy_pred", NULL};

/* --- assembling: frames -> views ------------------------------------------------------------------------------ */

static vj_var *encode(vj_graph *graph, const vj_config *config, vj_var *frames, const char *view) {
  vj_scope_push(graph, "encoder");
  graph->view_scope = view;
  vj_var *h = config->encoder.component->as.encoder.build(graph, config->encoder.config, frames);
  graph->view_scope = NULL;
  vj_scope_pop(graph);
  const vj_shape in = vj_shape_of(frames), out = vj_shape_of(h);
  char text[128];
  if (h && (!vj_is_batched(h) || out.rank < 3 || out.size[1] != in.size[1]))
    return vj_graph_fail(graph, VJ_SHAPE, "encoder %s: gives %s for %lld frames; expected a hidden state [b,%lld,..]",
                         config->encoder.component->name, vj_shape_text(&out, text), (long long)in.size[1],
                         (long long)in.size[1]);
  vj_graph_add_view(graph, view, h);
  return h;
}

/* The sum of the weights of all losses of a type. */
static double weight_of(const vj_config *config, const char *type) {
  double sum = 0;
  for (int64_t i = 0; i < config->loss_count; i++)
    if (strcmp(config->losses[i].choice.component->name, type) == 0) sum += config->losses[i].weight;
  return sum;
}

/* What a latent's inference minimises: what training does, as far as z can change it. */
static vj_energy energy_of(const vj_graph *graph, const vj_config *config, vj_var *hy) {
  const vj_decoder_ops *decoder = &config->decoder.component->as.decoder;
  const double alpha = weight_of(config, "prediction");
  const double gamma = decoder->build ? weight_of(config, "reconstruction") : 0;
  return (vj_energy){.alpha = alpha == 0 && gamma == 0 ? 1 : alpha,
                     .gamma = gamma,
                     .hy = hy,
                     .y = vj_graph_find_view(graph, "y"),
                     .decoder_name = config->decoder.component->name,
                     .decoder = decoder,
                     .decoder_config = config->decoder.config};
}

/* hy_pred, by the latent if there is one: it knows how z enters the predictor. */
static vj_var *predict(vj_graph *graph, const vj_config *config, vj_var *hx, vj_var *hy) {
  const vj_shape target = vj_shape_of(hy);
  const vj_predictor_ops *ops = &config->predictor.component->as.predictor;
  const vj_predictor predictor = {config->predictor.component->name, ops, config->predictor.config};
  const vj_latent_ops *latent = &config->latent.component->as.latent;
  const vj_energy energy = energy_of(graph, config, hy);
  vj_var *h = NULL;
  vj_scope_push(graph, "predictor");
  if (hy && latent->build)
    h = latent->build(graph, config->latent.config, &predictor, &energy, hx, hy);
  else if (hy)
    h = ops->build(graph, predictor.config, hx, NULL, &target);
  vj_scope_pop(graph);
  const vj_shape got = vj_shape_of(h);
  char a[128], b[128];
  if (h && (got.rank != target.rank || memcmp(got.size, target.size, (size_t)got.rank * sizeof got.size[0])))
    return vj_graph_fail(graph, VJ_SHAPE, "predictor %s gives %s, encoder %s gives %s for the target; they must agree",
                         predictor.name, vj_shape_text(&got, a), config->encoder.component->name,
                         vj_shape_text(&target, b));
  vj_graph_add_view(graph, "hy_pred", h);
  return h;
}

static void build_views(vj_graph *graph, const vj_config *config, vj_var *frames) {
  vj_var *x = vj_slice(graph, frames, 1, 0, config->clip.input_frames);
  vj_var *y = vj_slice(graph, frames, 1, config->clip.input_frames, config->clip.target_frames);
  vj_graph_add_view(graph, "x", x);
  vj_graph_add_view(graph, "y", y);
  /* Two calls: with padding in time, one call would let the target leak into hx. */
  vj_var *hx = encode(graph, config, x, "hx"), *hy = encode(graph, config, y, "hy");
  vj_var *hy_pred = predict(graph, config, hx, hy);
  if (config->decoder.component->as.decoder.build && hy_pred) {
    const vj_shape target = vj_shape_of(y);
    vj_scope_push(graph, "decoder");
    vj_var *y_pred = config->decoder.component->as.decoder.build(graph, config->decoder.config, hy_pred, &target);
    vj_scope_pop(graph);
    vj_graph_add_view(graph, "y_pred", y_pred);
  }
}

static vj_status list_scalars(vj_model_graph *part, int64_t losses) {
  const vj_list *reports = &part->graph->reports;
  part->scalar_count = 1 + losses + reports->count;
  part->scalars = vj_pool_take(part->graph->pool, (size_t)part->scalar_count * sizeof *part->scalars);
  if (!part->scalars) return vj_fail(VJ_MEMORY, "no memory for the losses");
  part->scalars[0] = part->total;
  for (int64_t i = 0; i < losses; i++) part->scalars[1 + i] = part->losses[i];
  for (int i = 0; i < reports->count; i++) part->scalars[1 + losses + i] = ((vj_reported *)reports->at[i])->var;
  return VJ_OK;
}

static vj_status build_losses(vj_model_graph *part, const vj_config *config) {
  vj_graph *graph = part->graph;
  part->losses = vj_pool_take(graph->pool, (size_t)(config->loss_count + 1) * sizeof *part->losses);
  if (!part->losses) return vj_fail(VJ_MEMORY, "no memory for the losses");
  vj_var *total = NULL;
  for (int64_t i = 0; i < config->loss_count; i++) {
    const vj_loss_choice *loss = &config->losses[i];
    vj_scope_push(graph, "losses");
    vj_scope_push(graph, "%s", loss->choice.key);
    vj_var *value = loss->choice.component->as.loss.build(graph, loss->choice.config);
    vj_scope_pop(graph);
    vj_scope_pop(graph);
    vj_graph_keep(value);
    part->losses[i] = value;
    if (loss->weight == 0) continue; /* recorded, but it teaches nothing */
    vj_var *weighted = vj_scale(graph, value, loss->weight, 0);
    total = total ? vj_add(graph, total, weighted) : weighted;
  }
  for (int i = 0; i < graph->reports.count; i++) {
    const vj_reported *report = graph->reports.at[i];
    if (report->weight > 0 && total) total = vj_add(graph, total, vj_scale(graph, report->var, report->weight, 0));
  }
  if (!total && !vj_graph_failed(graph))
    vj_graph_fail(graph, VJ_CONFIG, "losses: every weight is 0, so there is nothing to learn");
  vj_graph_keep(total);
  part->total = total;
  VJ_TRY(vj_graph_status(graph));
  return list_scalars(part, config->loss_count);
}

static vj_status build_graph(vj_model *model, const vj_clip_info *clip, bool training, vj_model_graph *part) {
  const vj_config *config = model->config;
  const vj_graph_options options = {training, config->optim.batch / config->optim.shards, config->optim.shards,
                                    config->seed};
  VJ_TRY(vj_graph_create(&options, model->parameters, &part->graph));
  const vj_shape frames = VJ_SHAPE(clip->frames, clip->height, clip->width, clip->channels);
  part->frames = vj_graph_input(part->graph, "frames", &frames);
  build_views(part->graph, config, part->frames);
  VJ_TRY(vj_graph_status(part->graph));
  VJ_TRY(build_losses(part, config));
  if (training) vj_graph_backward(part->graph, part->total);
  for (int i = 0; vj_hidden_views[i] && !training; i++)
    vj_graph_keep(vj_graph_find_view(part->graph, vj_hidden_views[i]));
  for (int64_t i = 0; i < config->eval.probe_count && !training; i++) {
    vj_scope_push(part->graph, "eval.probes.%s", config->eval.probes[i].choice.key);
    vj_graph_keep(vj_view(part->graph, config->eval.probes[i].on));
    vj_scope_pop(part->graph);
  }
  return vj_graph_status(part->graph);
}

/* --- life ---------------------------------------------------------------------------------------------------- */

vj_status vj_model_create(const vj_config *config, const vj_clip_info *clip, int ranks, vj_model **model) {
  vj_status status = VJ_OK;
  *model = calloc(1, sizeof **model);
  if (!*model) return vj_fail(VJ_MEMORY, "no memory for a model");
  (*model)->config = config;
  VJ_TRY_GOTO(status, vj_parameters_create(&(*model)->parameters), failed);
  VJ_TRY_GOTO(status, build_graph(*model, clip, true, &(*model)->train), failed);
  VJ_TRY_GOTO(status, build_graph(*model, clip, false, &(*model)->evaluate), failed);
  VJ_TRY_GOTO(status, vj_graph_plan((*model)->train.graph, config->optim.shards / ranks), failed);
  VJ_TRY_GOTO(status, vj_graph_plan((*model)->evaluate.graph, config->optim.shards / ranks), failed);
  return VJ_OK;
failed:
  vj_model_destroy(model);
  return status;
}

vj_status vj_model_allocate(vj_model *model, const vj_comm *comm) {
  VJ_TRY(vj_comm_agree(comm, vj_parameters_allocate(model->parameters)));
  VJ_TRY(vj_graph_allocate((vj_graph *[]){model->train.graph, model->evaluate.graph}, 2, comm));
  vj_parameters_initialise(model->parameters, model->config->seed);
  return VJ_OK;
}

void vj_model_destroy(vj_model **model) {
  if (!*model) return;
  vj_graph_destroy(&(*model)->train.graph);
  vj_graph_destroy(&(*model)->evaluate.graph);
  vj_parameters_destroy(&(*model)->parameters);
  free(*model);
  *model = NULL;
}

/* --- sizes --------------------------------------------------------------------------------------------------- */

size_t vj_model_memory(const vj_model *model) {
  const size_t moments = model->config->optim.type == VJ_ADAMW ? 2 : 1;
  const size_t blocks = (2 + moments) * (size_t)model->parameters->value_count;
  return vj_graph_memory((vj_graph *[]){model->train.graph, model->evaluate.graph}, 2) +
         (blocks + (size_t)model->parameters->state_count) * sizeof(vj_real);
}

int64_t vj_model_parameter_count(const vj_model *model) {
  int64_t count = 0;
  for (int i = 0; i < model->parameters->count; i++)
    if (model->parameters->rows[i].trained) count += model->parameters->rows[i].count;
  return count;
}

bool vj_model_view(const vj_model *model, const char *name, int64_t *steps, int64_t *width) {
  const vj_var *view = vj_graph_find_view(model->evaluate.graph, name);
  const vj_shape shape = vj_shape_of(view);
  if (!vj_is_batched(view) || shape.rank < 3) return false;
  *steps = shape.size[1];
  *width = vj_shape_count(&shape, 2, shape.rank);
  return true;
}
