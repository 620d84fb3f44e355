#include "framework/train/model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "framework/train/model/forecasts.h"
#include "framework/train/model/labels.h"
#include "vj/ops.h"

const char *const vj_hidden_views[] = {"hx", "hy", "hy_pred", NULL};
const char *const vj_measured_views[] = {"hx", "hy", "hy_pred", "z", NULL};
const char *const vj_frame_views[] = {"x", "y", "y_pred", NULL};

/* --- assembling: frames -> views ------------------------------------------------------------------------------ */

static vj_var *encode(vj_graph *graph, const vj_config *config, vj_var *frames, const char *view) {
  vj_scope_push(graph, "encoder");
  graph->view_scope = view;
  vj_var *h = config->encoder.component->as.encoder.build(graph, config->encoder.config, frames);
  graph->view_scope = NULL;
  vj_scope_pop(graph);
  const vj_shape in = vj_shape_of(frames), out = vj_shape_of(h);
  if (h && (!vj_is_batched(h) || out.rank < 3 || out.size[1] != in.size[1]))
    return vj_graph_fail(graph, VJ_SHAPE, "encoder %s: gives %s for %lld frames; expected a hidden state [b,%lld,..]",
                         config->encoder.component->name, VJ_SHAPE_TEXT(&out), (long long)in.size[1],
                         (long long)in.size[1]);
  vj_show(graph, view, h);
  return h;
}

/* hy, as the configuration has its target made; its inner layers let a gradient through where it does. */
static vj_var *encode_target(vj_graph *graph, const vj_config *config, vj_var *y) {
  const int before = graph->views.count;
  graph->averages = config->target.type == VJ_TARGET_EMA;
  encode(graph, config, y, "hy");
  graph->averages = false;
  for (int i = before; i < graph->views.count && config->target.type == VJ_TARGET_STOP_GRADIENT; i++) {
    vj_named_var *view = graph->views.at[i];
    view->var = vj_stop_gradient(graph, view->var);
  }
  return vj_graph_find_view(graph, "hy");
}

/* The sum of the weights of all losses that measure this term of the energy. */
static double weight_of(const vj_config *config, vj_energy_term term) {
  double sum = 0;
  for (int64_t i = 0; i < config->loss_count; i++)
    if (config->losses[i].choice.component->as.loss.term == term) sum += config->losses[i].weight;
  return sum;
}

static vj_decoder decoder_of(const vj_config *config) {
  return (vj_decoder){config->decoder.component->name, &config->decoder.component->as.decoder, config->decoder.config};
}

/* What a latent's inference minimises: what training does, as far as z can change it. */
static vj_energy energy_of(const vj_graph *graph, const vj_config *config, vj_var *hy) {
  const vj_decoder decoder = decoder_of(config);
  const double alpha = weight_of(config, VJ_TERM_HIDDEN);
  const double gamma = decoder.ops->build ? weight_of(config, VJ_TERM_FRAMES) : 0;
  return (vj_energy){.alpha = alpha == 0 && gamma == 0 ? 1 : alpha,
                     .gamma = gamma,
                     .hy = hy,
                     .y = vj_graph_find_view(graph, "y"),
                     .decoder = decoder};
}

static vj_predictor predictor_of(const vj_config *config) {
  return (vj_predictor){config->predictor.component->name, &config->predictor.component->as.predictor,
                        config->predictor.config};
}

/* hy_pred, by the latent if there is one: it knows how z enters the predictor. */
static vj_var *predict(vj_graph *graph, const vj_config *config, vj_var *hx, vj_var *hy) {
  const vj_shape target = vj_shape_of(hy);
  const vj_predictor predictor = predictor_of(config);
  const vj_latent_ops *latent = &config->latent.component->as.latent;
  const vj_energy energy = energy_of(graph, config, hy);
  vj_var *h = NULL;
  vj_scope_push(graph, "predictor");
  if (hy && latent->build)
    h = latent->build(graph, config->latent.config, &predictor, &energy, hx, hy);
  else if (hy)
    h = predictor.ops->build(graph, predictor.config, hx, NULL, &target);
  vj_scope_pop(graph);
  const vj_shape got = vj_shape_of(h);
  if (h && !vj_shape_same(&got, &target))
    return vj_graph_fail(graph, VJ_SHAPE, "predictor %s gives %s, encoder %s gives %s for the target; they must agree",
                         predictor.name, VJ_SHAPE_TEXT(&got), config->encoder.component->name, VJ_SHAPE_TEXT(&target));
  vj_show(graph, "hy_pred", h);
  return h;
}

vj_var *vj_decode(vj_graph *graph, const vj_decoder *decoder, vj_var *hidden, vj_var *y) {
  const vj_shape target = vj_shape_of(y);
  char scope[VJ_SCOPE_BYTES];
  vj_scope_leave(graph, scope);
  vj_scope_push(graph, "decoder");
  vj_var *frames = hidden ? decoder->ops->build(graph, decoder->config, hidden, &target) : NULL;
  vj_scope_pop(graph);
  const vj_shape got = vj_shape_of(frames);
  if (frames && !vj_shape_same(&got, &target))
    frames = vj_graph_fail(graph, VJ_SHAPE, "decoder %s: gives %s for frames %s", decoder->name, VJ_SHAPE_TEXT(&got),
                           VJ_SHAPE_TEXT(&target));
  vj_scope_return(graph, scope);
  return frames;
}

/* `decoder_trains`: the decoder is built for training in a graph that is not, on hidden states that stay as they are.
 */
static void build_views(vj_graph *graph, const vj_config *config, vj_var *frames, bool decoder_trains) {
  vj_var *x = vj_slice(graph, frames, 1, 0, config->clip.input_frames);
  vj_var *y = vj_slice(graph, frames, 1, config->clip.input_frames, config->clip.target_frames);
  vj_show(graph, "x", x);
  vj_show(graph, "y", y);
  /* Two calls: with padding in time, one call would let the target leak into hx. */
  vj_var *hx = encode(graph, config, x, "hx"), *hy = encode_target(graph, config, y);
  vj_var *hy_pred = predict(graph, config, hx, hy);
  graph->options.training = graph->options.training || decoder_trains;
  const vj_decoder decoder = decoder_of(config);
  if (decoder.ops->build) vj_show(graph, "y_pred", vj_decode(graph, &decoder, hy_pred, y));
}

static vj_status list_scalars(vj_model_graph *part, int64_t losses) {
  const vj_list *reports = &part->graph->reports;
  part->scalar_count = 1 + losses + reports->count;
  part->scalars = vj_pool_take(part->graph->pool, (size_t)part->scalar_count * sizeof *part->scalars);
  if (!part->scalars) return vj_fail(VJ_MEMORY, "no memory for the losses");
  part->scalars[0] = part->total;
  for (int64_t i = 0; i < losses; i++) part->scalars[1 + i] = part->losses[i];
  for (int i = 0; i < reports->count; i++) part->scalars[1 + losses + i] = ((vj_recorded_scalar *)reports->at[i])->var;
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
    if (loss->weight == 0) continue; /* recorded, but it trains nothing */
    vj_var *weighted = vj_scale(graph, value, loss->weight, 0);
    total = total ? vj_add(graph, total, weighted) : weighted;
  }
  for (int i = 0; i < graph->reports.count; i++) {
    const vj_recorded_scalar *report = graph->reports.at[i];
    if (report->weight > 0 && total) total = vj_add(graph, total, vj_scale(graph, report->var, report->weight, 0));
  }
  if (!total && !vj_graph_failed(graph))
    vj_graph_fail(graph, VJ_CONFIG, "losses: every weight is 0, so there is nothing to learn");
  vj_graph_keep(total);
  part->total = total;
  return vj_graph_status(graph);
}

/* Losses on frames, or on a target that lets no gradient through, train nothing. */
static void check_gradient(vj_graph *graph, const vj_config *config) {
  for (int i = 0; i < graph->parameter_vars.count; i++)
    if (((const vj_var *)graph->parameter_vars.at[i])->gradient) return;
  vj_graph_fail(graph, VJ_CONFIG, "losses: no gradient reaches a parameter, so there is nothing to learn; %s",
                config->target.type == VJ_TARGET_SHARED
                    ? "put a loss on a hidden state"
                    : "put a loss on hx or hy_pred, for none flows through hy (model.target.type)");
}

typedef enum vj_purpose { TRAIN, EVALUATE, DECODE, CALIBRATE } vj_purpose;

static vj_status build_forward(vj_model *model, const vj_clip_info *clip, vj_purpose purpose, vj_model_graph *part) {
  const vj_config *config = model->config;
  const vj_graph_options options = {.training = purpose == TRAIN || purpose == CALIBRATE,
                                    .shard_samples = config->optim.batch / config->optim.shards,
                                    .shards = config->optim.shards,
                                    .seed = config->seed,
                                    .bf16 = config->optim.precision == VJ_BF16};
  VJ_TRY(vj_graph_create(&options, model->parameters, &part->graph));
  part->graph->calibrates = purpose == CALIBRATE;
  part->graph->all_labels = clip->labels;
  part->graph->label_count = clip->label_count;
  const vj_shape frames = VJ_SHAPE(clip->frames, clip->height, clip->width, clip->channels);
  part->frames = vj_graph_input(part->graph, "frames", &frames);
  build_views(part->graph, config, part->frames, purpose == DECODE);
  return vj_graph_status(part->graph);
}

/* Once all graphs are built, and the table has all its rows. */
static vj_status list_gradients(vj_model_graph *part) {
  const vj_graph *graph = part->graph;
  if (!graph) return VJ_OK;
  part->has_gradient = vj_pool_take(graph->pool, (size_t)graph->parameters->count * sizeof *part->has_gradient);
  if (!part->has_gradient) return vj_fail(VJ_MEMORY, "no memory for the list of trained parameters");
  for (int i = 0; i < graph->parameters->count; i++) part->has_gradient[i] = vj_graph_has_gradient(graph, i);
  return VJ_OK;
}

static vj_status build_training(vj_model *model, const vj_clip_info *clip) {
  VJ_TRY(build_forward(model, clip, TRAIN, &model->train));
  VJ_TRY(build_losses(&model->train, model->config));
  VJ_TRY(list_scalars(&model->train, model->config->loss_count));
  vj_graph_backward(model->train.graph, model->train.total);
  check_gradient(model->train.graph, model->config);
  VJ_TRY(vj_graph_status(model->train.graph));
  return vj_graph_drop_without_gradient(model->train.graph, model->train.scalars, model->train.scalar_count);
}

static vj_status build_evaluation(vj_model *model, const vj_clip_info *clip) {
  const vj_config *config = model->config;
  VJ_TRY(build_forward(model, clip, EVALUATE, &model->evaluate));
  vj_graph *graph = model->evaluate.graph;
  vj_var *y_pred = vj_graph_find_view(graph, "y_pred");
  if (y_pred && !config->latent.component->as.latent.build)
    vj_graph_record_scalar(graph, "psnr", vj_mean_all(graph, vj_psnr(graph, y_pred, vj_graph_find_view(graph, "y"))), 0,
                           "dB", "peak signal-to-noise ratio of decoded frames, mean over frames");
  VJ_TRY(build_losses(&model->evaluate, config));
  const vj_predictor predictor = predictor_of(config);
  const vj_decoder decoder = decoder_of(config);
  vj_build_forecasts(graph, config, &predictor, &decoder);
  VJ_TRY(list_scalars(&model->evaluate, config->loss_count));
  for (int i = 0; vj_measured_views[i]; i++) vj_graph_keep(vj_graph_find_view(graph, vj_measured_views[i]));
  for (int i = 0; vj_frame_views[i] && config->eval.pictures > 0; i++)
    vj_graph_keep(vj_graph_find_view(graph, vj_frame_views[i]));
  for (int64_t i = 0; i < config->eval.probe_count; i++) {
    if (config->eval.probes[i].labels.count > 0) continue;
    vj_scope_push(graph, "eval.probes.%s", config->eval.probes[i].choice.key);
    vj_graph_keep(vj_view(graph, config->eval.probes[i].on));
    vj_scope_pop(graph);
  }
  return vj_graph_status(graph);
}

/* A decoder that gets no gradient during training is trained afterwards. */
static vj_status build_decoding(vj_model *model, const vj_clip_info *clip) {
  if (model->config->eval.decoder_steps == 0 || !model->config->decoder.component->as.decoder.build) return VJ_OK;
  for (int i = 0; i < model->parameters->count; i++)
    if (strncmp(model->parameters->rows[i].name, "decoder.", 8) == 0 && vj_graph_has_gradient(model->train.graph, i))
      return VJ_OK;
  VJ_TRY(build_forward(model, clip, DECODE, &model->decode));
  vj_graph *graph = model->decode.graph;
  model->decode.total =
      vj_mean_all(graph, vj_square(graph, vj_sub(graph, vj_view(graph, "y_pred"), vj_view(graph, "y"))));
  vj_graph_keep(model->decode.total);
  vj_graph_backward(graph, model->decode.total);
  return vj_graph_status(graph);
}

/* Only where there are running statistics: of features, or of the labels that losses learn. */
static vj_status build_calibration(vj_model *model, const vj_clip_info *clip) {
  VJ_TRY(build_forward(model, clip, CALIBRATE, &model->calibrate));
  vj_graph *const graph = model->calibrate.graph;
  const vj_list *learnt = &model->train.graph->labels;
  for (int i = 0; i < learnt->count; i++) vj_label_of(graph, ((const vj_label_input *)learnt->at[i])->label->name);
  VJ_TRY(vj_graph_status(graph));
  for (int i = 0; i < graph->reports.count; i++) ((const vj_recorded_scalar *)graph->reports.at[i])->var->keep = false;
  for (int i = 0; i < graph->changes.count; i++) vj_graph_keep(((const vj_state_change *)graph->changes.at[i])->value);
  if (graph->changes.count > 0) return VJ_OK;
  vj_graph_destroy(&model->calibrate.graph);
  model->calibrate = (vj_model_graph){0};
  return VJ_OK;
}

enum { MOST_GRAPHS = 4 };

/* The graphs there are, which share one arena. */
static int all_graphs(const vj_model *model, vj_graph *graphs[MOST_GRAPHS]) {
  const vj_model_graph *const parts[MOST_GRAPHS] = {&model->train, &model->evaluate, &model->decode, &model->calibrate};
  int count = 0;
  for (int i = 0; i < MOST_GRAPHS; i++)
    if (parts[i]->graph) graphs[count++] = parts[i]->graph;
  return count;
}

/* --- life ---------------------------------------------------------------------------------------------------- */

vj_status vj_model_create(const vj_config *config, const vj_clip_info *clip, int ranks, vj_model **model) {
  vj_status status = VJ_OK;
  *model = calloc(1, sizeof **model);
  if (!*model) return vj_fail(VJ_MEMORY, "no memory for a model");
  (*model)->config = config;
  VJ_TRY_GOTO(status, vj_parameters_create(&(*model)->parameters), failed);
  VJ_TRY_GOTO(status, build_training(*model, clip), failed);
  VJ_TRY_GOTO(status, build_evaluation(*model, clip), failed);
  VJ_TRY_GOTO(status, build_decoding(*model, clip), failed);
  VJ_TRY_GOTO(status, build_calibration(*model, clip), failed);
  VJ_TRY_GOTO(status, list_gradients(&(*model)->train), failed);
  VJ_TRY_GOTO(status, list_gradients(&(*model)->decode), failed);
  vj_graph *graphs[MOST_GRAPHS];
  const int count = all_graphs(*model, graphs);
  for (int i = 0; i < count; i++) VJ_TRY_GOTO(status, vj_graph_plan(graphs[i], config->optim.shards / ranks), failed);
  return VJ_OK;
failed:
  vj_model_destroy(model);
  return status;
}

vj_status vj_model_allocate(vj_model *model, const vj_comm *comm) {
  VJ_TRY(vj_comm_agree(comm, vj_parameters_allocate(model->parameters)));
  vj_graph *graphs[MOST_GRAPHS];
  const int count = all_graphs(model, graphs);
  VJ_TRY(vj_graph_allocate(graphs, count, comm));
  vj_parameters_initialise(model->parameters, model->config->seed);
  return VJ_OK;
}

void vj_model_destroy(vj_model **model) {
  if (!*model) return;
  vj_graph_destroy(&(*model)->train.graph);
  vj_graph_destroy(&(*model)->evaluate.graph);
  vj_graph_destroy(&(*model)->decode.graph);
  vj_graph_destroy(&(*model)->calibrate.graph);
  vj_parameters_destroy(&(*model)->parameters);
  free(*model);
  *model = NULL;
}

/* --- sizes --------------------------------------------------------------------------------------------------- */

size_t vj_model_memory(const vj_model *model) {
  const size_t moments = model->config->optim.type == VJ_ADAMW ? 2 : 1;
  const size_t blocks = (2 + moments) * (size_t)model->parameters->value_count;
  vj_graph *graphs[MOST_GRAPHS];
  const int count = all_graphs(model, graphs);
  return vj_graph_memory(graphs, count) + (blocks + (size_t)model->parameters->state_count) * sizeof(vj_real);
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
