#include "framework/train/evaluation/evaluate.h"

#include "framework/comm/exchange.h"
#include "framework/train/evaluation/label_features.h"
#include "framework/train/evaluation/probing.h"
#include "framework/train/model/forecasts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VIEWS = 65 };

/* Features of the views asked for and labels, of `samples` samples of a split; complete on the root only. */
typedef struct harvest {
  int64_t samples;
  int view_count;
  const vj_var *views[MOST_VIEWS];
  const char *names[MOST_VIEWS];
  float *features[MOST_VIEWS]; /* samples x (steps x width) */
  float *labels;               /* samples x label_width */
} harvest;

static void harvest_free(harvest *h) {
  for (int i = 0; i < h->view_count; i++) free(h->features[i]);
  free(h->labels);
  *h = (harvest){0};
}

static int64_t view_numbers(const vj_graph *graph, const vj_var *view) { return view->count / vj_shard_samples(graph); }

/* Gathers one batch's rows of `row` floats from all ranks and keeps those of samples that are wanted. */
static vj_status keep_rows(const vj_comm *comm, const float *mine, int64_t my_rows, int64_t row, int64_t first,
                           int64_t samples, float *all, float *kept) {
  VJ_TRY(vj_comm_gather(comm, mine, all, (size_t)(my_rows * row) * sizeof *mine, 0));
  const int64_t rows = my_rows * comm->size, wanted = samples - first < rows ? samples - first : rows;
  if (comm->rank == 0) memcpy(kept + first * row, all, (size_t)(wanted * row) * sizeof *all);
  return VJ_OK;
}

static void copy_view(const vj_graph *graph, const vj_var *view, int64_t local_shards, float *to) {
  for (int64_t s = 0; s < local_shards; s++) {
    const vj_real *from = vj_graph_values(graph, view, s);
    for (int64_t i = 0; i < view->count; i++) to[s * view->count + i] = (float)from[i];
  }
}

/* Runs the evaluation graph over a split. `sums`, if not NULL, collects the scalars, averaged over batches. */
static vj_status run_split(vj_model *model, vj_loader *loader, const vj_comm *comm, vj_split split,
                           const vj_stop_check *stop, harvest *h, double *sums) {
  const vj_model_graph *part = &model->evaluate;
  const vj_graph *graph = part->graph;
  const int64_t batch = vj_batch_samples(graph), mine = batch / comm->size, labels = loader->info.label_width;
  const int64_t local_shards = mine / vj_shard_samples(graph), batches = (h->samples + batch - 1) / batch;
  int64_t widest = labels;
  for (int i = 0; i < h->view_count; i++)
    if (view_numbers(graph, h->views[i]) > widest) widest = view_numbers(graph, h->views[i]);
  float *row = NULL, *all = NULL, *label_rows = NULL;
  vj_status status = vj_allocate((size_t)(mine * widest), sizeof *row, "features", &row);
  if (status == VJ_OK) status = vj_allocate((size_t)(mine * (labels + 1)), sizeof *row, "labels", &label_rows);
  if (status == VJ_OK && comm->rank == 0)
    status = vj_allocate((size_t)(batch * widest), sizeof *all, "gathered features", &all);
  for (int i = 0; i < h->view_count && status == VJ_OK && comm->rank == 0; i++)
    status = vj_allocate((size_t)(h->samples * view_numbers(graph, h->views[i])), sizeof(float), "features",
                         &h->features[i]);
  if (status == VJ_OK && comm->rank == 0)
    status = vj_allocate((size_t)(h->samples * (labels + 1)), sizeof(float), "labels", &h->labels);
  VJ_TRY_GOTO(status, vj_comm_agree(comm, status), done);
  for (int64_t k = 0; k < batches; k++) {
    VJ_TRY_GOTO(status, vj_stop_check_agree(stop, comm), done);
    status = vj_loader_fill_split(loader, graph, part->frames, comm, split, k * batch, label_rows);
    VJ_TRY_GOTO(status, vj_comm_agree(comm, status), done);
    part->graph->step = k; /* what noise is drawn for */
    VJ_TRY_GOTO(status, vj_graph_run(part->graph), done);
    for (int64_t i = 0; i < part->scalar_count && sums; i++)
      sums[i] += (double)vj_graph_values(graph, part->scalars[i], 0)[0] / (double)batches;
    for (int i = 0; i < h->view_count; i++) {
      copy_view(graph, h->views[i], local_shards, row);
      VJ_TRY_GOTO(
          status,
          keep_rows(comm, row, mine, view_numbers(graph, h->views[i]), k * batch, h->samples, all, h->features[i]),
          done);
    }
    VJ_TRY_GOTO(status, keep_rows(comm, label_rows, mine, labels, k * batch, h->samples, all, h->labels), done);
  }
done:
  free(row);
  free(all);
  free(label_rows);
  return status;
}

/* --- measures ------------------------------------------------------------------------------------------------ */

static vj_features features_of(const harvest *h, int view, const float *target) {
  const vj_shape shape = h->views[view]->shape;
  return (vj_features){h->samples, shape.size[1], vj_shape_count(&shape, 2, shape.rank), h->features[view], target};
}

/* Those of a list of views that a model has. */
static void ask_for(const vj_model *model, const char *const *views, harvest *h) {
  for (int v = 0; views[v]; v++) {
    int64_t steps, width;
    if (!vj_model_view(model, views[v], &steps, &width)) continue;
    h->names[h->view_count] = views[v];
    h->views[h->view_count++] = vj_graph_find_view(model->evaluate.graph, views[v]);
  }
}

static vj_features view_of(const harvest *h, const char *name) {
  for (int v = 0; v < h->view_count; v++)
    if (strcmp(h->names[v], name) == 0) return features_of(h, v, NULL);
  return (vj_features){0};
}

static vj_status measure_views(const harvest *h, double *const *results) {
  for (int v = 0; v < h->view_count; v++) {
    vj_probe_input input = {.split = {[VJ_VALIDATION] = features_of(h, v, NULL)}};
    const vj_component *probe;
    for (int i = 0; (probe = vj_component_at(VJ_PROBE, i)); i++) {
      if (!vj_is_measured(probe, h->names[v])) continue;
      if (probe->as.probe.is_comparison) input.truth = view_of(h, vj_compared_with(probe));
      const vj_status status = probe->as.probe.evaluate(NULL, &input, results);
      if (status != VJ_OK) {
        vj_error_prefix("%s: ", h->names[v]);
        return status;
      }
      results += probe->as.probe.metric_count;
    }
  }
  return VJ_OK;
}

static vj_status measure(vj_model *model, vj_loader *loader, const vj_comm *comm, const vj_stop_check *stop,
                         double *const *results) {
  const int64_t scalars = model->evaluate.scalar_count;
  harvest h = {.samples = vj_eval_samples(model->config, loader)};
  ask_for(model, vj_measured_views, &h);
  vj_status status = VJ_OK;
  double *sums = calloc((size_t)scalars, sizeof *sums);
  VJ_TRY_GOTO(status, vj_comm_agree(comm, sums ? VJ_OK : vj_fail(VJ_MEMORY, "no memory for validation losses")), done);
  VJ_TRY_GOTO(status, run_split(model, loader, comm, VJ_VALIDATION, stop, &h, sums), done);
  for (int64_t i = 0; i < scalars; i++) results[i][0] = sums[i];
  if (comm->rank == 0) status = measure_views(&h, results + scalars);
  VJ_TRY_GOTO(status, vj_comm_agree(comm, status), done);
done:
  free(sums);
  harvest_free(&h);
  return status;
}

/* --- hidden states ------------------------------------------------------------------------------------------- */

/* Of the first test clips, always the same. */
static vj_status record_states(vj_model *model, vj_loader *loader, const vj_comm *comm, const vj_stop_check *stop,
                               double *const *results) {
  harvest h = {.samples = vj_state_samples(model->config, loader)};
  if (h.samples == 0) return VJ_OK;
  ask_for(model, vj_hidden_views, &h);
  const vj_status status = run_split(model, loader, comm, VJ_TEST, stop, &h, NULL);
  for (int v = 0; v < h.view_count && status == VJ_OK && comm->rank == 0; v++) {
    const vj_features features = features_of(&h, v, NULL);
    for (int64_t i = 0; i < features.samples * features.steps * features.width; i++)
      results[v][i] = (double)features.values[i];
  }
  harvest_free(&h);
  return status;
}

/* --- probes -------------------------------------------------------------------------------------------------- */

/* The target's columns of all labels. */
static vj_status take_target(const harvest *h, const vj_loader *loader, int64_t offset, int64_t width, float **target) {
  const int64_t row = loader->info.label_width;
  VJ_TRY(vj_allocate((size_t)(h->samples * width), sizeof(float), "probe targets", target));
  for (int64_t i = 0; i < h->samples; i++)
    memcpy(*target + i * width, h->labels + i * row + offset, (size_t)width * sizeof(float));
  return VJ_OK;
}

static vj_status list_videos(const vj_loader *loader, int64_t samples, int64_t **videos) {
  const vj_dataset_ops *ops = &loader->component->as.dataset;
  if (!ops->video_of) return VJ_OK;
  VJ_TRY(vj_allocate((size_t)samples, sizeof **videos, "videos of the test samples", videos));
  for (int64_t i = 0; i < samples; i++) (*videos)[i] = ops->video_of(loader->dataset, VJ_TEST, i);
  return VJ_OK;
}

/* Predictions with z drawn from the prior, of the test split. */
static void add_draws(const vj_probe_choice *choice, const harvest *h, vj_probe_input *input) {
  const vj_features *test = &input->split[VJ_TEST];
  for (int v = 0; v < h->view_count && choice->has_prior; v++) {
    const vj_shape shape = h->views[v]->shape;
    if (!h->names[v] || strcmp(h->names[v], VJ_VIEW_PRIOR) != 0) continue;
    input->drawn = (vj_features){test->samples, test->steps, test->width, h->features[v], test->target};
    input->draws = shape.size[1];
  }
}

/* What a probe sees of a split: a view, or labels, which are then in an array of their own, `own`. */
static vj_status take_features(const vj_probe_choice *choice, const vj_loader *loader, const harvest *h, int view,
                               const float *target, float **own, vj_features *features) {
  *features = (vj_features){.samples = h->samples, .steps = 1, .target = target};
  if (choice->labels.count > 0) {
    VJ_TRY(vj_label_features_width(choice, loader, &features->width));
    VJ_TRY(vj_label_features(choice, loader, h->samples, h->labels, own));
    features->values = *own;
  } else {
    *features = features_of(h, view, target);
  }
  return VJ_OK;
}

/* Of a view [b,T,d] or [b,T,H,W,C]. */
static int64_t places_of(const vj_var *view) {
  const vj_shape shape = vj_shape_of(view);
  return view ? vj_shape_count(&shape, 2, shape.rank - 1) : 1;
}

/* On the view of this number in the harvest; -1: on labels. */
static vj_status run_probe(const vj_probe_choice *choice, const vj_loader *loader, harvest h[VJ_SPLITS], int view,
                           int64_t shown, double *const *results) {
  vj_status status = VJ_OK;
  int64_t offset = 0;
  float *targets[VJ_SPLITS] = {NULL}, *features[VJ_SPLITS] = {NULL};
  int64_t *videos = NULL;
  vj_probe_input input = {.label = vj_loader_label(loader, choice->target, &offset),
                          .shown = shown,
                          .places = places_of(view < 0 ? NULL : h[0].views[view])};
  for (int s = 0; s < VJ_SPLITS; s++) {
    VJ_TRY_GOTO(status, take_target(&h[s], loader, offset, input.label->width, &targets[s]), done);
    VJ_TRY_GOTO(status, take_features(choice, loader, &h[s], view, targets[s], &features[s], &input.split[s]), done);
  }
  VJ_TRY_GOTO(status, list_videos(loader, h[VJ_TEST].samples, &videos), done);
  input.test_videos = videos;
  add_draws(choice, &h[VJ_TEST], &input);
  VJ_TRY_GOTO(status, vj_probe_run(choice, &input, results), done);
done:
  free(videos);
  for (int s = 0; s < VJ_SPLITS; s++) {
    free(targets[s]);
    free(features[s]);
  }
  return status;
}

/* What no training changes is probed once a trial. */
static bool is_probed(const vj_probe_choice *choice, vj_probing probing) {
  const bool is_data = choice->labels.count > 0 || strcmp(choice->on, "x") == 0 || strcmp(choice->on, "y") == 0;
  return probing == VJ_ALL_PROBES || !is_data;
}

/* The number of its view; -1: none. */
static int view_probed(const vj_model *model, const vj_probe_choice *choice, const harvest *h) {
  const vj_var *on = choice->labels.count > 0 ? NULL : vj_graph_find_view(model->evaluate.graph, choice->on);
  for (int v = 0; v < h->view_count && on; v++)
    if (h->views[v] == on) return v;
  return -1;
}

static vj_status run_probes(const vj_model *model, const vj_loader *loader, harvest h[VJ_SPLITS], vj_probing probing,
                            double *const *results) {
  for (int64_t i = 0; i < model->config->eval.probe_count; i++) {
    const vj_probe_choice *choice = &model->config->eval.probes[i];
    if (is_probed(choice, probing))
      VJ_TRY(run_probe(choice, loader, h, view_probed(model, choice, &h[0]), vj_shown_samples(model->config, loader),
                       results));
    int64_t offset, count = 0;
    const vj_label *label = vj_loader_label(loader, choice->target, &offset);
    while (vj_probe_record_at(choice, label, count, &(vj_probe_record){0})) count++;
    results += count;
  }
  return VJ_OK;
}

static void ask_for_draws(const vj_model *model, harvest *h) {
  const vj_eval_config *eval = &model->config->eval;
  bool wanted = false;
  for (int64_t i = 0; i < eval->probe_count; i++)
    wanted = wanted || (eval->probes[i].has_prior && eval->probes[i].choice.component->as.probe.of_prior);
  if (!wanted || h->view_count == MOST_VIEWS) return;
  h->names[h->view_count] = VJ_VIEW_PRIOR;
  h->views[h->view_count++] = vj_graph_find_view(model->evaluate.graph, VJ_VIEW_PRIOR);
}

static vj_status probe(vj_model *model, vj_loader *loader, const vj_comm *comm, vj_probing probing,
                       const vj_stop_check *stop, double *const *results) {
  const vj_eval_config *eval = &model->config->eval;
  const int64_t asked[VJ_SPLITS] = {eval->probe_train, eval->probe_validation, eval->probe_test};
  harvest h[VJ_SPLITS] = {{0}};
  vj_status status = VJ_OK;
  if (eval->probe_count > 64) /* the same on every rank; each probe may look at a view of its own */
    return vj_fail(VJ_CONFIG, "eval.probes: at most 64 probes, got %lld", (long long)eval->probe_count);
  for (int s = 0; s < VJ_SPLITS; s++) {
    const int64_t there = loader->info.samples[s];
    h[s].samples = asked[s] < there ? asked[s] : there;
    for (int64_t i = 0; i < eval->probe_count && h[s].view_count < 64; i++) {
      const vj_probe_choice *choice = &eval->probes[i];
      const bool wants_view = is_probed(choice, probing) && choice->labels.count == 0;
      if (wants_view && view_probed(model, choice, &h[s]) < 0)
        h[s].views[h[s].view_count++] = vj_graph_find_view(model->evaluate.graph, choice->on);
    }
    if (s == VJ_TEST) ask_for_draws(model, &h[s]);
    VJ_TRY_GOTO(status, run_split(model, loader, comm, (vj_split)s, stop, &h[s], NULL), done);
  }
  if (comm->rank == 0) status = run_probes(model, loader, h, probing, results);
  status = vj_comm_agree(comm, status);
done:
  for (int s = 0; s < VJ_SPLITS; s++) harvest_free(&h[s]);
  return status;
}

vj_status vj_evaluate(vj_model *model, vj_loader *loader, const vj_comm *comm, const vj_recorded_metrics *list,
                      vj_probing probing, const vj_stop_check *stop, double *const *results) {
  int64_t states = list->step_count;
  VJ_TRY(measure(model, loader, comm, stop, results));
  while (states < list->count && list->at[states].axis != VJ_AXIS_STATES) states++;
  VJ_TRY(record_states(model, loader, comm, stop, results + (states - list->step_count)));
  if (probing == VJ_NO_PROBES || model->config->eval.probe_count == 0) return VJ_OK;
  int64_t first = list->step_count;
  while (first < list->count && !list->at[first].at_probes) first++;
  return probe(model, loader, comm, probing, stop, results + (first - list->step_count));
}

vj_status vj_evaluate_views(vj_model *model, vj_loader *loader, const vj_comm *comm, vj_split split, int64_t samples,
                            const char *const *names, int count, const vj_stop_check *stop, float **values) {
  harvest h = {.samples = samples, .view_count = count};
  for (int i = 0; i < count; i++) h.views[i] = vj_graph_find_view(model->evaluate.graph, names[i]);
  const vj_status status = run_split(model, loader, comm, split, stop, &h, NULL);
  for (int i = 0; i < count && status == VJ_OK; i++) {
    values[i] = h.features[i];
    h.features[i] = NULL;
  }
  harvest_free(&h);
  return status;
}
