#include "framework/train/evaluation/probing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "framework/train/evaluation/reduction.h"
#include "vj/memory.h"

enum { MOST_METRICS = 64 /* bits of a mask */ };

/* --- what is recorded ---------------------------------------------------------------------------------------- */

static bool has_bit(uint64_t mask, int64_t i) { return i < MOST_METRICS && mask >> i & 1; }

static bool applies(const vj_probe_ops *ops, const vj_label *label, int64_t metric) {
  const uint64_t mask = label ? ops->of_kind[label->kind] : 0;
  return mask == 0 || has_bit(mask, metric);
}

static bool is_recorded(const vj_probe_choice *choice, const vj_label *label, vj_probed kind, int64_t metric) {
  const vj_probe_ops *ops = &choice->choice.component->as.probe;
  if (!applies(ops, label, metric) || (has_bit(ops->of_prior, metric) && !choice->has_prior)) return false;
  if (kind == VJ_PROBED_WHOLE) return true;
  if (kind == VJ_PROBED_BY_SHARE) return choice->label_share.count > 0 && has_bit(ops->by_label_share, metric);
  return choice->by_horizon && has_bit(ops->by_horizon, metric);
}

bool vj_probe_record_at(const vj_probe_choice *choice, const vj_label *label, int64_t i, vj_probe_record *record) {
  const int64_t metrics = choice->choice.component->as.probe.metric_count;
  for (vj_probed kind = VJ_PROBED_WHOLE; kind <= VJ_PROBED_BY_HORIZON; kind++) {
    for (int64_t k = 0; k < metrics; k++) {
      *record = (vj_probe_record){kind, k};
      if (is_recorded(choice, label, kind, k) && i-- == 0) return true;
    }
    *record = (vj_probe_record){kind, -1};
    if (kind == VJ_PROBED_BY_SHARE && choice->label_share.count > 0 && i-- == 0) return true;
  }
  return false;
}

/* --- running ------------------------------------------------------------------------------------------------- */

static int64_t size_of(const vj_metric *metric, const vj_probe_input *input) {
  const vj_features *test = &input->split[VJ_TEST];
  const int64_t rows = test->samples * test->steps, columns = input->label ? input->label->width : 1;
  switch (metric->axis) {
    case VJ_METRIC_SCALAR:
      return 1;
    case VJ_METRIC_COMPONENT:
      return rows < test->width ? rows : test->width;
    case VJ_METRIC_HORIZON:
      return test->steps;
    case VJ_METRIC_CATEGORY:
      return columns;
    case VJ_METRIC_LABEL:
      return input->shown * columns;
  }
  return 1;
}

/* Runs the probe; results[k] receives metrics[k], where it is not NULL. */
static vj_status run(const vj_probe_choice *choice, const vj_probe_input *input, double *const *results) {
  const vj_probe_ops *ops = &choice->choice.component->as.probe;
  const size_t count = (size_t)ops->metric_count;
  double **all = NULL, *unused = NULL;
  int64_t most = 1;
  vj_status status;
  for (size_t k = 0; k < count; k++)
    if (size_of(&ops->metrics[k], input) > most) most = size_of(&ops->metrics[k], input);
  VJ_TRY_GOTO(status, vj_allocate(count + 1, sizeof *all, "results", &all), done);
  VJ_TRY_GOTO(status, vj_allocate(count * (size_t)most + 1, sizeof *unused, "results", &unused), done);
  for (size_t k = 0; k < count; k++) all[k] = results[k] ? results[k] : unused + k * (size_t)most;
  VJ_TRY_GOTO(status, ops->evaluate(choice->choice.config, input, all), done);
done:
  free(unused);
  free(all);
  return status;
}

/* The pointers of one run: results of this kind, `place` numbers further. */
static void choose_results(const vj_probe_choice *choice, const vj_label *label, vj_probed kind, int64_t place,
                           double *const *results, double **chosen) {
  vj_probe_record record;
  memset(chosen, 0, (size_t)choice->choice.component->as.probe.metric_count * sizeof *chosen);
  for (int64_t i = 0; vj_probe_record_at(choice, label, i, &record); i++)
    if (record.kind == kind && record.metric >= 0) chosen[record.metric] = results[i] + place;
}

static void put_samples(const vj_probe_choice *choice, const vj_label *label, int64_t place, int64_t samples,
                        double *const *results) {
  vj_probe_record record;
  for (int64_t i = 0; vj_probe_record_at(choice, label, i, &record); i++)
    if (record.metric < 0) results[i][place] = (double)samples;
}

static vj_status run_shares(const vj_probe_choice *choice, const vj_probe_input *input, double *const *results,
                            double **chosen) {
  vj_features *train;
  const int64_t all = input->split[VJ_TRAIN].samples;
  for (int64_t i = 0; i < choice->label_share.count; i++) {
    vj_probe_input part = *input;
    train = &part.split[VJ_TRAIN];
    train->samples = (int64_t)ceil(choice->label_share.at[i] * (double)all - 1e-9);
    if (train->samples < 2) train->samples = 2;
    if (train->samples > all) train->samples = all;
    part.shown = 0;
    choose_results(choice, input->label, VJ_PROBED_BY_SHARE, i, results, chosen);
    put_samples(choice, input->label, i, train->samples, results);
    VJ_TRY(run(choice, &part, chosen));
  }
  return VJ_OK;
}

/* Columns first..first+count-1 of rows of `width` numbers. */
static vj_status take_columns(const float *rows, int64_t samples, int64_t width, int64_t first, int64_t count,
                              float **taken) {
  VJ_TRY(vj_allocate((size_t)(samples * count), sizeof **taken, "features of a step", taken));
  for (int64_t i = 0; i < samples; i++)
    memcpy(*taken + i * count, rows + i * width + first, (size_t)count * sizeof **taken);
  return VJ_OK;
}

/* `part`: of step `t` alone, its arrays to be freed; labels that have numbers for each step lose the others. */
static vj_status take_step(const vj_probe_input *input, int64_t t, vj_label *label, vj_probe_input *part,
                           float *arrays[2 * VJ_SPLITS]) {
  const int64_t steps = input->split[VJ_TRAIN].steps;
  const bool divides = input->label && input->label->steps == steps && steps > 1;
  *part = *input;
  part->shown = 0;
  if (divides) {
    *label = *input->label;
    label->width /= steps;
    label->steps = 0;
    part->label = label;
  }
  for (int s = 0; s < VJ_SPLITS; s++) {
    const vj_features *from = &input->split[s];
    vj_features *to = &part->split[s];
    VJ_TRY(take_columns(from->values, from->samples, steps * from->width, t * from->width, from->width, &arrays[s]));
    to->steps = 1;
    to->values = arrays[s];
    if (!divides) continue;
    VJ_TRY(take_columns(from->target, from->samples, input->label->width, t * label->width, label->width,
                        &arrays[VJ_SPLITS + s]));
    to->target = arrays[VJ_SPLITS + s];
  }
  return VJ_OK;
}

static vj_status run_steps(const vj_probe_choice *choice, const vj_probe_input *input, double *const *results,
                           double **chosen) {
  vj_status status = VJ_OK;
  for (int64_t t = 0; t < input->split[VJ_TRAIN].steps && status == VJ_OK; t++) {
    float *arrays[2 * VJ_SPLITS] = {NULL};
    vj_probe_input part;
    vj_label label;
    status = take_step(input, t, &label, &part, arrays);
    choose_results(choice, input->label, VJ_PROBED_BY_HORIZON, t, results, chosen);
    if (status == VJ_OK) status = run(choice, &part, chosen);
    for (int i = 0; i < 2 * VJ_SPLITS; i++) free(arrays[i]);
  }
  return status;
}

/* On features that have the probe's dimension. */
static vj_status run_all(const vj_probe_choice *choice, const vj_probe_input *input, double *const *results) {
  double **chosen = NULL;
  const size_t metrics = (size_t)choice->choice.component->as.probe.metric_count;
  vj_status status;
  VJ_TRY_GOTO(status, vj_allocate(metrics + 1, sizeof *chosen, "results", &chosen), done);
  choose_results(choice, input->label, VJ_PROBED_WHOLE, 0, results, chosen);
  VJ_TRY_GOTO(status, run(choice, input, chosen), done);
  VJ_TRY_GOTO(status, run_shares(choice, input, results, chosen), done);
  if (choice->by_horizon) VJ_TRY_GOTO(status, run_steps(choice, input, results, chosen), done);
done:
  free(chosen);
  return status;
}

vj_status vj_probe_run(const vj_probe_choice *choice, const vj_probe_input *input, double *const *results) {
  enum { ALL = VJ_SPLITS + 1 }; /* and predictions from the prior */
  float *reduced[ALL] = {NULL};
  vj_features from[ALL] = {input->split[VJ_TRAIN], input->split[VJ_VALIDATION], input->split[VJ_TEST], input->drawn};
  vj_probe_input fewer = *input;
  vj_status status;
  if (choice->dimension) {
    const int count = input->drawn.values ? ALL : VJ_SPLITS;
    from[VJ_SPLITS].samples *= input->draws;
    VJ_TRY_GOTO(status, vj_reduce((vj_reduction)choice->reduction, choice->dimension, count, from, reduced), done);
    fewer.places = 1;
    for (int s = 0; s < VJ_SPLITS; s++) {
      fewer.split[s].width = choice->dimension;
      fewer.split[s].values = reduced[s];
    }
    fewer.drawn.width = choice->dimension;
    fewer.drawn.values = reduced[VJ_SPLITS];
  }
  VJ_TRY_GOTO(status, run_all(choice, &fewer, results), done);
done:
  for (int s = 0; s < ALL; s++) free(reduced[s]);
  if (status != VJ_OK) vj_error_prefix("eval.probes.%s: ", choice->choice.key);
  return status;
}
