/* A trial's rows in the sweep file. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "framework/train/trial_private.h"

static int64_t row_of(const int64_t *values, int64_t count, int64_t wanted) {
  int64_t low = 0;
  while (low < count && values[low] < wanted) low++;
  return low;
}

/* A file of an earlier version has no room for a measure that came later. */
static bool may_be_missing(const vj_recorded_metric *metric) {
  return strcmp(metric->record->name, VJ_RECORD_MEASURE) == 0;
}

vj_status vj_trial_find_variables(vj_running_trial *t) {
  if (!t->job->file) return VJ_OK;
  t->variables = vj_pool_take(t->pool, (size_t)t->list.count * sizeof *t->variables);
  if (!t->variables) return vj_fail(VJ_MEMORY, "no memory for a trial's record");
  for (int64_t i = 0; i < t->list.count; i++) {
    if (t->list.at[i].size == 0) continue;
    t->variables[i] = vj_sweep_file_find(t->job->file, t->list.at[i].name);
    if (t->variables[i] < 0 && !may_be_missing(&t->list.at[i]))
      return vj_fail(VJ_IO, "the sweep file has no variable %s; it belongs to another configuration",
                     t->list.at[i].name);
  }
  return VJ_OK;
}

static vj_status write_one(const vj_running_trial *t, const char *name, const void *value) {
  const int variable = vj_sweep_file_find(t->job->file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", name);
  return vj_sweep_file_write(t->job->file, variable, &t->job->index, (int64_t[]){1}, value);
}

vj_status vj_trial_write_step(const vj_running_trial *t, int64_t done) {
  if (!t->job->file) return VJ_OK;
  const int64_t start[] = {t->job->index, row_of(t->job->steps, t->job->step_count, done)}, count[] = {1, 1};
  for (int64_t i = 0; i < t->list.step_count; i++)
    VJ_TRY(vj_sweep_file_write(t->job->file, t->variables[i], start, count, &t->row[i]));
  return VJ_OK;
}

/* Of the newest evaluation alone; floats, as they were computed. */
static vj_status write_states(const vj_running_trial *t, const vj_recorded_metric *metric, int variable,
                              const double *values) {
  const int64_t *shape = metric->shape, start[VJ_FILE_MAX_DIMENSIONS] = {t->job->index};
  const int64_t count[VJ_FILE_MAX_DIMENSIONS] = {1, shape[0], shape[1], shape[2]};
  float *states = NULL;
  VJ_TRY(vj_allocate((size_t)metric->size, sizeof *states, "hidden states", &states));
  for (int64_t i = 0; i < metric->size; i++) states[i] = (float)values[i];
  const vj_status status = vj_sweep_file_write(t->job->file, variable, start, count, states);
  free(states);
  return status;
}

vj_status vj_trial_write_evaluation(const vj_running_trial *t, int64_t done, bool with_probes) {
  if (!t->job->file) return VJ_OK;
  const int64_t row = row_of(t->job->evals, t->job->eval_count, done);
  for (int64_t i = t->list.step_count; i < t->list.count; i++) {
    const vj_recorded_metric *metric = &t->list.at[i];
    if ((metric->at_probes && !with_probes) || metric->size == 0 || t->variables[i] < 0) continue;
    const bool of_label = metric->axis == VJ_AXIS_LABEL;
    const int64_t start[VJ_FILE_MAX_DIMENSIONS] = {t->job->index, row};
    const int64_t count[VJ_FILE_MAX_DIMENSIONS] = {1, 1, of_label ? metric->shape[0] : metric->size, metric->shape[1],
                                                   metric->shape[2]};
    const double *values = t->results[i - t->list.step_count];
    if (metric->axis == VJ_AXIS_STATES)
      VJ_TRY(write_states(t, metric, t->variables[i], values));
    else
      VJ_TRY(vj_sweep_file_write(t->job->file, t->variables[i], start, count, values));
  }
  return VJ_OK;
}

/* Those of earlier attempts, as far as they were saved, and this one's. */
vj_trial_times vj_trial_seconds(const vj_running_trial *t) {
  vj_trial_times seconds = t->at.seconds;
  seconds.total += omp_get_wtime() - t->started;
  seconds.wait += vj_graph_wait_seconds(t->model->train.graph);
  return seconds;
}

vj_status vj_trial_write_times(const vj_running_trial *t) {
  if (!t->job->file) return VJ_OK;
  const vj_trial_times seconds = vj_trial_seconds(t);
#define WRITE_TIME(field, name) VJ_TRY(write_one(t, name, &seconds.field));
  VJ_TRIAL_TIMES(WRITE_TIME)
#undef WRITE_TIME
  return VJ_OK;
}

/* The counter goes last: training rows and evaluations up to it are whole. They stay whole while a resumed trial
 * writes the same numbers again, so it does not go back. */
vj_status vj_trial_commit(vj_running_trial *t) {
  if (!t->job->file || t->at.done <= t->committed) return VJ_OK;
  t->committed = t->at.done;
  VJ_TRY(vj_bad_samples_record(&t->loader.bad_samples, t->job->file, t->job->index));
  return write_one(t, VJ_RECORD_COMMITTED, &t->committed);
}

vj_status vj_trial_read_committed(vj_running_trial *t) {
  if (!t->job->file) return VJ_OK;
  const int variable = vj_sweep_file_find(t->job->file, VJ_RECORD_COMMITTED);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", VJ_RECORD_COMMITTED);
  return vj_sweep_file_read(t->job->file, variable, &t->job->index, (int64_t[]){1}, &t->committed);
}
