#include "train/trial.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "train/evaluate.h"
#include "train/optimizer.h"

#define TIME_FIELD(field, name, text) double field;
typedef struct times {
  VJ_RECORD_TIMES(TIME_FIELD)
} times;
#undef TIME_FIELD

typedef struct trial {
  const vj_trial_job *job;
  vj_pool *pool;
  vj_loader loader;
  vj_model *model;
  vj_optimizer_state optimizer;
  vj_quantity_list list;
  int *variables;   /* of the file, for each quantity */
  double **results; /* of the evaluation quantities */
  double *row;      /* of the step quantities */
  times seconds;
  double started;
  bool frames_probed; /* what probes on x and y find stays in `results` */
} trial;

/* --- writing ------------------------------------------------------------------------------------------------- */

static int64_t row_of(const int64_t *values, int64_t count, int64_t wanted) {
  int64_t low = 0;
  while (low < count && values[low] < wanted) low++;
  return low;
}

static vj_status find_variables(trial *t) {
  if (!t->job->file) return VJ_OK;
  t->variables = vj_pool_take(t->pool, (size_t)t->list.count * sizeof *t->variables);
  if (!t->variables) return vj_fail(VJ_MEMORY, "no memory for a trial's record");
  for (int64_t i = 0; i < t->list.count; i++) {
    t->variables[i] = vj_sweep_file_find(t->job->file, t->list.at[i].name);
    if (t->variables[i] < 0)
      return vj_fail(VJ_IO, "the sweep file has no variable %s; it belongs to another configuration",
                     t->list.at[i].name);
  }
  return VJ_OK;
}

static vj_status write_one(const trial *t, const char *name, const void *value) {
  const int variable = vj_sweep_file_find(t->job->file, name);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", name);
  return vj_sweep_file_write(t->job->file, variable, &t->job->index, (int64_t[]){1}, value);
}

static vj_status write_step_row(const trial *t, int64_t done) {
  if (!t->job->file) return VJ_OK;
  const int64_t start[] = {t->job->index, row_of(t->job->steps, t->job->step_count, done)}, count[] = {1, 1};
  for (int64_t i = 0; i < t->list.step_count; i++)
    VJ_TRY(vj_sweep_file_write(t->job->file, t->variables[i], start, count, &t->row[i]));
  return VJ_OK;
}

static vj_status write_evaluation(const trial *t, int64_t done, bool with_probes) {
  if (!t->job->file) return VJ_OK;
  const int64_t row = row_of(t->job->evals, t->job->eval_count, done);
  for (int64_t i = t->list.step_count; i < t->list.count; i++) {
    const vj_quantity *quantity = &t->list.at[i];
    if (quantity->at_probes && !with_probes) continue;
    const int64_t start[] = {t->job->index, row, 0}, count[] = {1, 1, quantity->size};
    VJ_TRY(vj_sweep_file_write(t->job->file, t->variables[i], start, count, t->results[i - t->list.step_count]));
  }
  return VJ_OK;
}

static vj_status write_times(trial *t) {
  if (!t->job->file) return VJ_OK;
  t->seconds.total = omp_get_wtime() - t->started;
  t->seconds.wait = vj_graph_wait_seconds(t->model->train.graph);
#define WRITE_TIME(field, name, text) VJ_TRY(write_one(t, name, &t->seconds.field));
  VJ_RECORD_TIMES(WRITE_TIME)
#undef WRITE_TIME
  return VJ_OK;
}

static void tell(const trial *t, int64_t step, const char *doing) {
  if (!t->job->progress || t->job->comm->rank != 0) return;
  t->job->progress(t->job->context, &(vj_progress){t->job->index, step, t->job->config->optim.steps, t->row[0], doing});
}

/* --- starting ------------------------------------------------------------------------------------------------ */

static vj_status room_for_results(trial *t) {
  const int64_t evaluations = t->list.count - t->list.step_count;
  t->results = vj_pool_take(t->pool, (size_t)evaluations * sizeof *t->results);
  t->row = vj_pool_take(t->pool, (size_t)t->list.step_count * sizeof *t->row);
  if (!t->results || !t->row) return vj_fail(VJ_MEMORY, "no memory for a trial's record");
  t->row[0] = NAN;
  for (int64_t i = 0; i < evaluations; i++) {
    t->results[i] = vj_pool_take(t->pool, (size_t)t->list.at[t->list.step_count + i].size * sizeof(double));
    if (!t->results[i]) return vj_fail(VJ_MEMORY, "no memory for a trial's record");
  }
  return VJ_OK;
}

/* What one rank can do on its own; the group agrees on the outcome afterwards. */
static vj_status prepare(trial *t) {
  VJ_TRY(vj_pool_create(&t->pool));
  VJ_TRY(vj_loader_open(t->job->config, &t->loader));
  VJ_TRY(vj_model_create(t->job->config, &t->loader.info, t->job->comm->size, &t->model));
  VJ_TRY(vj_quantities_list(t->pool, t->model, &t->loader, &t->list));
  VJ_TRY(room_for_results(t));
  return find_variables(t);
}

static vj_status start(trial *t) {
  VJ_TRY(vj_comm_agree(t->job->comm, prepare(t)));
  VJ_TRY(vj_model_allocate(t->model, t->job->comm));
  return vj_comm_agree(t->job->comm, vj_optimizer_create(&t->job->config->optim, t->model->parameters,
                                                         t->model->train.taught, &t->optimizer));
}

/* --- a step -------------------------------------------------------------------------------------------------- */

/* A number that is none has no sign worth telling. */
static const char *number_text(double number) { return isnan(number) ? "nan" : number > 0 ? "inf" : "-inf"; }

/* The same numbers on every rank, so every rank finds the same. */
static vj_status check_numbers(const trial *t, int64_t step, double norm) {
  const vj_config *config = t->job->config;
  for (int64_t i = 0; i < config->loss_count; i++)
    if (!isfinite(t->row[1 + i]))
      return vj_fail(VJ_NUMERIC, "step %lld: loss %s is %s", (long long)step, config->losses[i].choice.key,
                     number_text(t->row[1 + i]));
  if (!isfinite(t->row[0]))
    return vj_fail(VJ_NUMERIC, "step %lld: the total loss is %s", (long long)step, number_text(t->row[0]));
  if (isfinite(norm)) return VJ_OK;
  const vj_parameters *parameters = t->model->parameters;
  for (int i = 0; i < parameters->count; i++)
    for (int64_t k = 0; k < parameters->rows[i].count && t->model->train.taught[i]; k++)
      if (!isfinite((double)parameters->gradients[parameters->rows[i].offset + k]))
        return vj_fail(VJ_NUMERIC, "step %lld: the gradient of %s is not finite", (long long)step,
                       parameters->rows[i].name);
  return vj_fail(VJ_NUMERIC, "step %lld: the gradient norm is %s", (long long)step, number_text(norm));
}

static vj_status train_step(trial *t, int64_t step) {
  const vj_model_graph *part = &t->model->train;
  const int64_t scalars = part->scalar_count;
  const double began = omp_get_wtime();
  vj_status status = vj_loader_fill_step(&t->loader, part->graph, part->frames, t->job->comm, step);
  VJ_TRY(vj_comm_agree(t->job->comm, status));
  const double filled = omp_get_wtime();
  t->seconds.data += filled - began;
  part->graph->step = step;
  VJ_TRY(vj_graph_run(part->graph));
  for (int64_t i = 0; i < scalars; i++) t->row[i] = (double)vj_graph_values(part->graph, part->scalars[i], 0)[0];
  const double norm = vj_gradient_norm(&t->optimizer);
  t->row[scalars] = norm;
  t->row[scalars + 1] = vj_learning_rate(&t->job->config->optim, step);
  VJ_TRY(check_numbers(t, step + 1, norm));
  vj_optimizer_step(&t->optimizer, step, norm);
  t->seconds.step += omp_get_wtime() - filled;
  return VJ_OK;
}

static vj_status decoder_step(trial *t, int64_t step) {
  const vj_model_graph *part = &t->model->decode;
  const int64_t position = t->job->config->optim.steps + step; /* samples and noise go on where training ended */
  const vj_status status = vj_loader_fill_step(&t->loader, part->graph, part->frames, t->job->comm, position);
  VJ_TRY(vj_comm_agree(t->job->comm, status));
  part->graph->step = position;
  VJ_TRY(vj_graph_run(part->graph));
  const double loss = (double)vj_graph_values(part->graph, part->total, 0)[0];
  if (!isfinite(loss))
    return vj_fail(VJ_NUMERIC, "eval.decoder_steps: step %lld: the decoder's loss is %s", (long long)step + 1,
                   number_text(loss));
  vj_optimizer_step(&t->optimizer, step, vj_gradient_norm(&t->optimizer));
  return VJ_OK;
}

/* With the settings of `optim`, its warm-up in proportion. */
static vj_status train_decoder(trial *t) {
  if (!t->model->decode.graph) return VJ_OK;
  const double began = omp_get_wtime();
  vj_optim_config optim = t->job->config->optim;
  optim.warmup = (int64_t)((double)optim.warmup * (double)t->job->config->eval.decoder_steps / (double)optim.steps);
  optim.steps = t->job->config->eval.decoder_steps;
  vj_optimizer_destroy(&t->optimizer);
  VJ_TRY(vj_comm_agree(t->job->comm,
                       vj_optimizer_create(&optim, t->model->parameters, t->model->decode.taught, &t->optimizer)));
  vj_status status = VJ_OK;
  for (int64_t step = 0; step < optim.steps && status == VJ_OK; step++) {
    status = decoder_step(t, step);
    tell(t, t->job->config->optim.steps, "training the decoder");
  }
  vj_optimizer_destroy(&t->optimizer);
  t->seconds.decoder = omp_get_wtime() - began;
  return status;
}

static vj_status evaluate(trial *t, int64_t done) {
  if (!vj_is_evaluated(t->job->config, done)) return VJ_OK;
  const bool probes = vj_is_probed(t->job->config, done);
  const vj_probing probing = !probes ? VJ_NO_PROBES : t->frames_probed ? VJ_PROBES_ON_HIDDEN : VJ_ALL_PROBES;
  const double began = omp_get_wtime();
  tell(t, done, "evaluating");
  vj_status status = vj_evaluate(t->model, &t->loader, t->job->comm, &t->list, probing, t->results);
  t->frames_probed = t->frames_probed || probes;
  if (status != VJ_OK) {
    vj_error_prefix("step %lld: evaluation: ", (long long)done);
    return status;
  }
  status = write_evaluation(t, done, probes);
  t->seconds.evaluate += omp_get_wtime() - began;
  return vj_comm_agree(t->job->comm, status);
}

/* The counter goes last: training rows and evaluations up to it are whole. */
static vj_status commit(const trial *t, int64_t done) {
  return t->job->file ? write_one(t, VJ_RECORD_COMMITTED, &done) : VJ_OK;
}

static vj_status train(trial *t) {
  const vj_config *config = t->job->config;
  VJ_TRY(start(t));
  VJ_TRY(evaluate(t, 0));
  for (int64_t step = 0; step < config->optim.steps; step++) {
    VJ_TRY(train_step(t, step));
    tell(t, step + 1, "training");
    const bool recorded = vj_is_recorded(config, step + 1);
    if (recorded) VJ_TRY(vj_comm_agree(t->job->comm, write_step_row(t, step + 1)));
    if (step + 1 == config->optim.steps) VJ_TRY(train_decoder(t));
    VJ_TRY(evaluate(t, step + 1));
    if (recorded || vj_is_evaluated(config, step + 1)) VJ_TRY(vj_comm_agree(t->job->comm, commit(t, step + 1)));
  }
  return vj_comm_agree(t->job->comm, write_times(t));
}

vj_status vj_trial_run(const vj_trial_job *job) {
  trial t = {.job = job, .loader = {.epoch = -1}, .started = omp_get_wtime()};
  const vj_status status = train(&t);
  vj_optimizer_destroy(&t.optimizer);
  vj_model_destroy(&t.model);
  vj_loader_close(&t.loader);
  vj_pool_destroy(&t.pool);
  return status;
}
