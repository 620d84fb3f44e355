#include "framework/train/evaluation/metrics.h"

#include <stdio.h>
#include <string.h>

#include "framework/train/evaluation/label_features.h"
#include "framework/train/evaluation/probing.h"

bool vj_is_recorded(const vj_config *config, int64_t done) {
  return done > 0 && (done % config->logging.every == 0 || done == 1 || done == config->optim.steps);
}

bool vj_is_evaluated(const vj_config *config, int64_t done) {
  return done % config->eval.every == 0 || done == config->optim.steps;
}

bool vj_is_probed(const vj_config *config, int64_t done) {
  const bool last = done == config->optim.steps;
  switch ((vj_probe_when)config->eval.probe_at) {
    case VJ_PROBE_ENDS:
      return last || done == 0;
    case VJ_PROBE_ALL:
      return vj_is_evaluated(config, done);
    case VJ_PROBE_LAST:
      return last;
  }
  return last;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t vj_eval_samples(const vj_config *config, const vj_loader *loader) {
  return least(config->eval.samples, loader->info.samples[VJ_VALIDATION]);
}

int64_t vj_state_samples(const vj_config *config, const vj_loader *loader) {
  return least(config->eval.states, loader->info.samples[VJ_TEST]);
}

bool vj_is_measured(const vj_component *probe, const char *view) {
  const vj_probe_ops *ops = &probe->as.probe;
  if (!ops->is_measure) return false;
  if (ops->is_comparison) return strcmp(view, ops->compares ? ops->compares : "hy_pred") == 0;
  return view[0] == 'h'; /* of every hidden state */
}

const char *vj_compared_with(const vj_component *probe) { return probe->as.probe.with ? probe->as.probe.with : "hy"; }

int64_t vj_shown_samples(const vj_config *config, const vj_loader *loader) {
  return least(config->eval.pictures, least(config->eval.probe_test, loader->info.samples[VJ_TEST]));
}

/* --- the list ------------------------------------------------------------------------------------------------ */

typedef struct builder {
  vj_pool *pool;
  vj_recorded_metrics *list;
  bool has_latent;
} builder;

/* What is read from a prediction that knows its target says so. */
static const char *oracle_words(const builder *b, const char *view) {
  const bool sees_target = strcmp(view, "hy_pred") == 0 || strcmp(view, "y_pred") == 0 || view[0] == 'z';
  return b->has_latent && sees_target ? " (oracle: z of latents is inferred from the target)" : "";
}

static vj_record_axis axis_of(vj_metric_axis metric) {
  return metric == VJ_METRIC_SCALAR      ? VJ_AXIS_EVAL
         : metric == VJ_METRIC_COMPONENT ? VJ_AXIS_COMPONENT
         : metric == VJ_METRIC_HORIZON   ? VJ_AXIS_HORIZON
         : metric == VJ_METRIC_LABEL     ? VJ_AXIS_LABEL
                                         : VJ_AXIS_CATEGORY;
}

/* The metric that a row of records describes, with `words` in the place of what stands in <>. */
static vj_recorded_metric recorded(const builder *b, const char *record, vj_metric_axis metric,
                                   const char *const *words) {
  const vj_record *row = vj_record_row(record);
  vj_recorded_metric found = {.record = row, .size = 1};
  found.name = vj_record_fill(b->pool, row->name, words);
  found.units = vj_record_fill(b->pool, row->units, words);
  found.long_name = vj_record_fill(b->pool, row->long_name, words);
  found.rank = vj_record_dimensions(row, metric, found.dimension);
  found.axis = found.dimension[1] == VJ_DIMENSION_STEP   ? VJ_AXIS_STEP
               : found.dimension[1] == VJ_DIMENSION_CLIP ? VJ_AXIS_STATES
                                                         : axis_of(metric);
  return found;
}

static vj_status add(builder *b, vj_recorded_metric added) {
  vj_recorded_metrics *list = b->list;
  if (!vj_pool_grow(b->pool, &list->at, list->count, sizeof *list->at) || !added.name || !added.units ||
      !added.long_name)
    return vj_fail(VJ_MEMORY, "no memory for the list of metrics");
  for (int64_t i = 0; i < list->count; i++)
    if (strcmp(list->at[i].name, added.name) == 0)
      return vj_fail(VJ_CONFIG, "two metrics would be recorded as %s; rename the loss or probe", added.name);
  list->at[list->count++] = added;
  if (added.axis == VJ_AXIS_STEP) list->step_count = list->count;
  return VJ_OK;
}

static vj_status add_scalar(builder *b, const char *record, const char *const *words) {
  return add(b, recorded(b, record, VJ_METRIC_SCALAR, words));
}

static vj_status add_scalars(builder *b, const vj_model *model, bool trains) {
  static const char *const none[] = {NULL};
  const vj_config *config = model->config;
  VJ_TRY(add_scalar(b, trains ? VJ_RECORD_TRAIN_LOSS : VJ_RECORD_VAL_LOSS, none));
  for (int64_t i = 0; i < config->loss_count; i++) {
    const vj_choice *loss = &config->losses[i].choice;
    const char *const words[] = {"loss", loss->key, "summary", loss->component->summary, NULL};
    VJ_TRY(add_scalar(b, trains ? VJ_RECORD_TRAIN_ONE_LOSS : VJ_RECORD_VAL_ONE_LOSS, words));
  }
  const vj_list *reports = trains ? &model->train.graph->reports : &model->evaluate.graph->reports;
  for (int i = 0; i < reports->count; i++) {
    const vj_recorded_scalar *report = reports->at[i];
    const char *const words[] = {"report", report->name, "unit", report->unit, "doc", report->long_name, NULL};
    VJ_TRY(add_scalar(b, trains ? VJ_RECORD_TRAIN_REPORT : VJ_RECORD_VAL_REPORT, words));
  }
  if (!trains) return VJ_OK;
  VJ_TRY(add_scalar(b, VJ_RECORD_GRADIENT_NORM, none));
  return add_scalar(b, VJ_RECORD_LEARNING_RATE, none);
}

static int64_t size_of(const vj_metric *metric, int64_t samples, int64_t steps, int64_t width, const vj_label *label) {
  if (metric->axis == VJ_METRIC_CATEGORY) return label ? label->width : 1;
  if (metric->axis == VJ_METRIC_HORIZON) return steps;
  if (metric->axis == VJ_METRIC_SCALAR) return 1;
  return samples * steps < width ? samples * steps : width;
}

static vj_status add_measure(builder *b, const char *view, const vj_metric *metric, int64_t size) {
  const char *const words[] = {"view", view,        "metric", metric->name,          "unit", metric->unit,
                               "doc",  metric->doc, "oracle", oracle_words(b, view), NULL};
  vj_recorded_metric found = recorded(b, VJ_RECORD_MEASURE, metric->axis, words);
  found.size = size;
  return add(b, found);
}

static vj_status add_measures(builder *b, const vj_model *model, const vj_loader *loader) {
  const int64_t samples = vj_eval_samples(model->config, loader);
  for (int v = 0; vj_measured_views[v]; v++) {
    int64_t steps, width;
    if (!vj_model_view(model, vj_measured_views[v], &steps, &width)) continue;
    const vj_component *probe;
    for (int i = 0; (probe = vj_component_at(VJ_PROBE, i)); i++)
      for (int64_t k = 0; vj_is_measured(probe, vj_measured_views[v]) && k < probe->as.probe.metric_count; k++) {
        const vj_metric *metric = &probe->as.probe.metrics[k];
        VJ_TRY(add_measure(b, vj_measured_views[v], metric, size_of(metric, samples, steps, width, NULL)));
      }
  }
  return VJ_OK;
}

static vj_status add_states(builder *b, const vj_model *model, const vj_loader *loader) {
  const int64_t clips = vj_state_samples(model->config, loader);
  for (int v = 0; vj_hidden_views[v] && clips > 0; v++) {
    int64_t steps, width;
    if (!vj_model_view(model, vj_hidden_views[v], &steps, &width)) continue;
    const char *const words[] = {"view", vj_hidden_views[v], NULL};
    const bool is_past = strcmp(vj_hidden_views[v], "hx") == 0;
    vj_recorded_metric found = recorded(b, is_past ? VJ_RECORD_HX_STATES : VJ_RECORD_STATES, VJ_METRIC_SCALAR, words);
    found.size = clips * steps * width;
    memcpy(found.shape, (int64_t[]){clips, steps, width}, sizeof found.shape);
    VJ_TRY(add(b, found));
  }
  return VJ_OK;
}

static const char *unit_of(builder *b, const vj_metric *metric, const vj_label *label) {
  if (strcmp(metric->unit, "label") == 0) return label->unit;
  if (strcmp(metric->unit, "label^2") == 0) return vj_pool_format(b->pool, "(%s)^2", label->unit);
  return metric->unit;
}

/* Labels that do not say the same at every target step are one long row. */
static void shape_label(vj_recorded_metric *found, const vj_label *label, int64_t steps, int64_t samples) {
  const bool divides = label->width % steps == 0;
  found->shape[0] = samples;
  found->shape[1] = divides ? steps : 1;
  found->shape[2] = divides ? label->width / steps : label->width;
  found->size = samples * label->width;
}

/* What the metrics of a probe are of. */
typedef struct probed {
  const vj_probe_choice *choice;
  const vj_label *label;
  int64_t steps, width, tested, shown;
} probed;

/* "hy_pred", "labels current_speed, current_objects" */
static const char *probed_words(const builder *b, const vj_probe_choice *choice) {
  const char *words = choice->on;
  for (int64_t i = 0; i < choice->labels.count && words; i++)
    words = vj_pool_format(b->pool, "%s%s %s", words, i ? "," : "", choice->labels.at[i]);
  return words ? words : choice->on;
}

static vj_status add_probe_record(builder *b, const probed *p, vj_probe_record record) {
  static const vj_metric samples = {"samples", VJ_METRIC_SCALAR, "1", "number of train samples"};
  static const char *const rows[] = {[VJ_PROBED_WHOLE] = VJ_RECORD_PROBE,
                                     [VJ_PROBED_BY_SHARE] = VJ_RECORD_PROBE_BY_SHARE,
                                     [VJ_PROBED_BY_HORIZON] = VJ_RECORD_PROBE_BY_HORIZON};
  const bool prior = record.metric >= 0 && p->choice->choice.component->as.probe.of_prior >> record.metric & 1;
  const vj_metric *metric =
      record.metric < 0 ? &samples : &p->choice->choice.component->as.probe.metrics[record.metric];
  const char *const words[] = {"probe",  p->choice->choice.key,
                               "metric", metric->name,
                               "doc",    metric->doc,
                               "unit",   unit_of(b, metric, p->label),
                               "label",  p->choice->target,
                               "view",   probed_words(b, p->choice),
                               "oracle", prior ? "" : oracle_words(b, p->choice->on),
                               NULL};
  vj_recorded_metric found = recorded(b, rows[record.kind], metric->axis, words);
  found.size = record.kind == VJ_PROBED_BY_SHARE     ? p->choice->label_share.count
               : record.kind == VJ_PROBED_BY_HORIZON ? p->steps
                                                     : size_of(metric, p->tested, p->steps, p->width, p->label);
  if (record.kind != VJ_PROBED_WHOLE) found.axis = record.kind == VJ_PROBED_BY_SHARE ? VJ_AXIS_SHARE : VJ_AXIS_HORIZON;
  found.at_probes = true;
  if (found.axis == VJ_AXIS_LABEL) shape_label(&found, p->label, p->steps, p->shown);
  return add(b, found);
}

static vj_status check_probe(const probed *p) {
  const vj_probe_ops *ops = &p->choice->choice.component->as.probe;
  VJ_TRY(vj_reduction_check(p->choice, p->width));
  return ops->check ? ops->check(p->choice->choice.config, p->label) : VJ_OK;
}

static vj_status size_features(const vj_model *model, const vj_loader *loader, probed *p) {
  p->steps = 1;
  if (p->choice->labels.count > 0) return vj_label_features_width(p->choice, loader, &p->width);
  if (vj_model_view(model, p->choice->on, &p->steps, &p->width)) return VJ_OK;
  return vj_fail(VJ_CONFIG, "eval.probes.%s: view %s has no features over time to probe", p->choice->choice.key,
                 p->choice->on);
}

static vj_status add_probe(builder *b, const vj_model *model, const vj_loader *loader, const vj_probe_choice *choice) {
  int64_t offset;
  probed p = {.choice = choice, .label = vj_loader_label(loader, choice->target, &offset)};
  if (!p.label) return vj_label_missing(choice, choice->target, loader);
  VJ_TRY(size_features(model, loader, &p));
  const vj_status status = check_probe(&p);
  if (status != VJ_OK) {
    vj_error_prefix("eval.probes.%s: ", choice->choice.key);
    return status;
  }
  p.tested = least(model->config->eval.probe_test, loader->info.samples[VJ_TEST]);
  p.shown = vj_shown_samples(model->config, loader);
  if (choice->dimension) p.width = choice->dimension;
  vj_probe_record record = {0};
  for (int64_t i = 0; vj_probe_record_at(choice, p.label, i, &record); i++) VJ_TRY(add_probe_record(b, &p, record));
  return VJ_OK;
}

vj_status vj_recorded_metrics_list(vj_pool *pool, const vj_model *model, const vj_loader *loader,
                                   vj_recorded_metrics *list) {
  *list = (vj_recorded_metrics){0};
  const vj_config *config = model->config;
  builder b = {.pool = pool, .list = list, .has_latent = config->latent.component->as.latent.build != NULL};
  VJ_TRY(add_scalars(&b, model, true));
  VJ_TRY(add_scalars(&b, model, false));
  VJ_TRY(add_measures(&b, model, loader));
  VJ_TRY(add_states(&b, model, loader));
  for (int64_t i = 0; i < config->eval.probe_count; i++) VJ_TRY(add_probe(&b, model, loader, &config->eval.probes[i]));
  return VJ_OK;
}
