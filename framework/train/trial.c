#include "framework/train/trial.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "framework/train/evaluation/evaluate.h"
#include "framework/train/events.h"
#include "framework/train/model/optimizer.h"
#include "framework/train/evaluation/sample_frames.h"
#include "framework/train/trial_checkpoint.h"

enum { SAVE = 1, STOP = 2 }; /* what a rank may want at a step */

typedef struct trial {
  const vj_trial_job *job;
  vj_pool *pool;
  vj_loader loader;
  vj_model *model;
  vj_optim_config decoder_optim; /* of training the decoder afterwards */
  vj_optimizer_state optimizer;  /* of the position's stage */
  vj_recorded_metrics list;
  int *variables;   /* of the file, for each quantity */
  double **results; /* of the evaluation quantities; what probes on x and y find stays there */
  double *row;      /* of the step quantities */
  vj_position at;
  bool ends; /* before its last step */
  double started;
  /* On the root alone. */
  int64_t committed; /* in the file: it never goes down */
  uint64_t config_hash, serial;
  double saved;       /* when a checkpoint was last tried for, */
  int64_t saved_step; /* and after how many steps, the decoder's counted on */
  bool warned_of_saving;
  vj_events events;
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
    if (t->list.at[i].size == 0) continue;
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

/* Of the newest evaluation alone; floats, as they were computed. */
static vj_status write_states(const trial *t, const vj_recorded_metric *quantity, int variable, const double *values) {
  const int64_t *shape = quantity->shape, start[VJ_FILE_MAX_DIMENSIONS] = {t->job->index};
  const int64_t count[VJ_FILE_MAX_DIMENSIONS] = {1, shape[0], shape[1], shape[2]};
  float *states = NULL;
  VJ_TRY(vj_allocate((size_t)quantity->size, sizeof *states, "hidden states", &states));
  for (int64_t i = 0; i < quantity->size; i++) states[i] = (float)values[i];
  const vj_status status = vj_sweep_file_write(t->job->file, variable, start, count, states);
  free(states);
  return status;
}

static vj_status write_evaluation(const trial *t, int64_t done, bool with_probes) {
  if (!t->job->file) return VJ_OK;
  const int64_t row = row_of(t->job->evals, t->job->eval_count, done);
  for (int64_t i = t->list.step_count; i < t->list.count; i++) {
    const vj_recorded_metric *quantity = &t->list.at[i];
    if ((quantity->at_probes && !with_probes) || quantity->size == 0) continue;
    const bool of_label = quantity->axis == VJ_AXIS_LABEL;
    const int64_t start[VJ_FILE_MAX_DIMENSIONS] = {t->job->index, row};
    const int64_t count[VJ_FILE_MAX_DIMENSIONS] = {1, 1, of_label ? quantity->shape[0] : quantity->size,
                                                   quantity->shape[1], quantity->shape[2]};
    const double *values = t->results[i - t->list.step_count];
    if (quantity->axis == VJ_AXIS_STATES)
      VJ_TRY(write_states(t, quantity, t->variables[i], values));
    else
      VJ_TRY(vj_sweep_file_write(t->job->file, t->variables[i], start, count, values));
  }
  return VJ_OK;
}

/* Those of earlier attempts, as far as they were saved, and this one's. */
static vj_trial_times seconds_now(const trial *t) {
  vj_trial_times seconds = t->at.seconds;
  seconds.total += omp_get_wtime() - t->started;
  seconds.wait += vj_graph_wait_seconds(t->model->train.graph);
  return seconds;
}

static vj_status write_times(const trial *t) {
  if (!t->job->file) return VJ_OK;
  const vj_trial_times seconds = seconds_now(t);
#define WRITE_TIME(field, name, text) VJ_TRY(write_one(t, name, &seconds.field));
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
  VJ_TRY(t->job->data ? vj_loader_open_again(t->job->config, t->job->data, &t->loader)
                      : vj_loader_open(t->job->config, &t->loader));
  VJ_TRY(vj_model_create(t->job->config, &t->loader.info, t->job->comm->size, &t->model));
  VJ_TRY(vj_recorded_metrics_list(t->pool, t->model, &t->loader, &t->list));
  VJ_TRY(room_for_results(t));
  return find_variables(t);
}

static vj_status read_committed(trial *t) {
  if (!t->job->file) return VJ_OK;
  const int variable = vj_sweep_file_find(t->job->file, VJ_RECORD_COMMITTED);
  if (variable < 0) return vj_fail(VJ_IO, "the sweep file has no variable %s", VJ_RECORD_COMMITTED);
  return vj_sweep_file_read(t->job->file, variable, &t->job->index, (int64_t[]){1}, &t->committed);
}

/* Before the decoder's own training its settings are those of `optim`, with the warm-up in proportion. */
static vj_status create_optimizer(trial *t) {
  const vj_optim_config *optim = &t->job->config->optim;
  const bool decoding = t->at.stage == VJ_STAGE_DECODER;
  const int64_t steps = t->job->config->eval.decoder_steps;
  t->decoder_optim = *optim;
  t->decoder_optim.warmup = (int64_t)((double)optim->warmup * (double)steps / (double)optim->steps);
  t->decoder_optim.steps = steps;
  vj_optimizer_destroy(&t->optimizer);
  const vj_status created =
      vj_optimizer_create(decoding ? &t->decoder_optim : optim, t->model->parameters,
                          decoding ? t->model->decode.taught : t->model->train.taught, &t->optimizer);
  return vj_comm_agree(t->job->comm, created);
}

static vj_trial_parts parts_of(trial *t) {
  return (vj_trial_parts){.path = t->job->checkpoint,
                          .trial = t->job->index,
                          .config_hash = t->config_hash,
                          .config = t->job->config,
                          .parameters = t->model->parameters,
                          .optimizer = &t->optimizer,
                          .list = &t->list,
                          .results = t->results,
                          .bad_samples = &t->loader.bad_samples};
}

static void warn(void *context, const char *sentence) {
  const trial *t = context;
  if (t->job->warned) t->job->warned(t->job->context, t->job->index, sentence);
}

static vj_status find_snapshot(trial *t, vj_trial_checkpoint **snapshot) {
  VJ_TRY(read_committed(t));
  if (!t->job->checkpoint) return VJ_OK;
  VJ_TRY(vj_trial_checkpoint_hash(t->pool, t->job->config, &t->config_hash));
  const vj_trial_parts parts = parts_of(t);
  return vj_trial_checkpoint_find(&parts, warn, t, snapshot, &t->at, &t->serial);
}

static vj_status load_snapshot(trial *t, const vj_trial_checkpoint *snapshot) {
  const vj_trial_parts parts = parts_of(t);
  return snapshot ? vj_trial_checkpoint_load(snapshot, &parts) : VJ_OK;
}

static vj_status broadcast_numbers(trial *t) {
  const vj_comm *comm = t->job->comm;
  const vj_parameters *p = t->model->parameters;
  const size_t values = (size_t)p->value_count * sizeof(vj_real);
  VJ_TRY(vj_comm_broadcast(comm, p->values, values, 0));
  VJ_TRY(vj_comm_broadcast(comm, p->states, (size_t)p->state_count * sizeof(vj_real), 0));
  VJ_TRY(vj_comm_broadcast(comm, t->optimizer.first, values, 0));
  return t->optimizer.second ? vj_comm_broadcast(comm, t->optimizer.second, values, 0) : VJ_OK;
}

/* The root finds and loads, all others get what it has. `snapshot` is the root's. */
static vj_status take_up(trial *t, vj_trial_checkpoint **snapshot) {
  const vj_comm *comm = t->job->comm;
  VJ_TRY(vj_comm_agree(comm, comm->rank == 0 ? find_snapshot(t, snapshot) : VJ_OK));
  bool found = *snapshot;
  VJ_TRY(vj_comm_broadcast(comm, &found, sizeof found, 0));
  VJ_TRY(vj_comm_broadcast(comm, &t->at, sizeof t->at, 0));
  VJ_TRY(create_optimizer(t));
  VJ_TRY(vj_comm_agree(comm, load_snapshot(t, *snapshot)));
  return found ? broadcast_numbers(t) : VJ_OK;
}

static void note_saving(trial *t) {
  t->saved = omp_get_wtime();
  t->saved_step = t->at.done + t->at.decoder_done;
}

/* The first step that is still to come in them: the evaluation at 0 is one. */
static void open_events(trial *t) {
  const vj_trial_job *job = t->job;
  if (job->comm->rank != 0 || !job->events || !job->config->logging.tensorboard) return;
  const int64_t first = t->at.done > 0 || t->at.evaluated ? t->at.done + 1 : 0;
  vj_events_open(&t->events, job->events, job->config, first, warn, t);
}

static vj_status start(trial *t) {
  vj_trial_checkpoint *snapshot = NULL;
  VJ_TRY(vj_comm_agree(t->job->comm, prepare(t)));
  VJ_TRY(vj_model_allocate(t->model, t->job->comm));
  const vj_status status = take_up(t, &snapshot);
  vj_trial_checkpoint_close(&snapshot);
  note_saving(t);
  if (status == VJ_OK) open_events(t);
  return status;
}

/* --- saving and stopping --------------------------------------------------------------------------------------- */

/* On the root: rows must not be younger than the checkpoint that goes on behind them, so they reach the disk first. A
 * checkpoint that can't be written leaves the older ones as they are, and the trial goes on. */
static vj_status save(trial *t) {
  if (t->job->comm->rank != 0 || !t->job->checkpoint) return VJ_OK;
  const double began = omp_get_wtime();
  if (t->job->file) VJ_TRY(vj_sweep_file_sync(t->job->file));
  vj_position at = t->at;
  at.seconds = seconds_now(t);
  const vj_trial_parts parts = parts_of(t);
  const vj_status status = vj_trial_checkpoint_save(&parts, &at, t->serial);
  note_saving(t);
  t->at.seconds.checkpoint += t->saved - began;
  if (status == VJ_OK) {
    t->serial++;
    return t->job->saved ? t->job->saved(t->job->context, t->job->index) : VJ_OK;
  }
  if (!t->warned_of_saving) {
    (void)vj_fail(status, "%s; the trial goes on, and what was saved before stays", vj_error_message());
    warn(t, vj_error_message());
  }
  t->warned_of_saving = true;
  return VJ_OK;
}

/* What other ranks know belongs to it. */
static vj_status save_all(trial *t) {
  VJ_TRY(vj_bad_samples_share(&t->loader.bad_samples, t->job->comm));
  return vj_comm_agree(t->job->comm, save(t));
}

/* Results are whole without them; so it is a warning. */
static void keep_weights(trial *t) {
  if (t->job->comm->rank != 0 || !t->job->weights || t->job->config->checkpoint.keep != VJ_KEEP_WEIGHTS) return;
  const vj_trial_parts parts = parts_of(t);
  const vj_status status = vj_trial_checkpoint_keep(&parts, &t->at, t->job->weights);
  if (status == VJ_OK) return;
  (void)vj_fail(status, "%s; the trial's results are whole, its weights are not kept", vj_error_message());
  warn(t, vj_error_message());
}

static bool is_save_due(const trial *t) {
  const vj_checkpoint_config *wanted = &t->job->config->checkpoint;
  const int64_t steps = t->at.done + t->at.decoder_done - t->saved_step;
  if (t->job->comm->rank != 0 || !t->job->checkpoint) return false;
  return (wanted->steps > 0 && steps >= wanted->steps) ||
         (wanted->minutes > 0 && omp_get_wtime() - t->saved >= 60 * wanted->minutes);
}

/* Where a step begins: saves when it is time, and stops when any rank is to. */
static vj_status pause(trial *t) {
  unsigned any = 0;
  const unsigned mine = (is_save_due(t) ? SAVE : 0) | (vj_stop_check_asks(&t->job->watch) ? STOP : 0);
  VJ_TRY(vj_comm_any(t->job->comm, mine, &any));
  if (any) VJ_TRY(save_all(t));
  return any & STOP ? vj_fail(VJ_INTERRUPTED, "stopped after step %lld", (long long)t->at.done) : VJ_OK;
}

/* --- a step -------------------------------------------------------------------------------------------------- */

/* A number that is none has no sign worth telling. */
static const char *number_text(double number) { return isnan(number) ? "nan" : number > 0 ? "inf" : "-inf"; }

/* The same numbers on every rank, so every rank finds the same. */
static vj_status check_numbers(const trial *t, int64_t step, double norm) {
  const vj_config *config = t->job->config;
  for (int64_t i = 0; i < config->loss_count; i++)
    if (t->model->train.scalars[1 + i] && !isfinite(t->row[1 + i]))
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
  t->at.seconds.data += filled - began;
  part->graph->step = step;
  VJ_TRY(vj_graph_run(part->graph));
  for (int64_t i = 0; i < scalars; i++)
    t->row[i] = part->scalars[i] ? (double)vj_graph_values(part->graph, part->scalars[i], 0)[0] : NAN;
  const double norm = vj_gradient_norm(&t->optimizer);
  t->row[scalars] = norm;
  t->row[scalars + 1] = vj_learning_rate(&t->job->config->optim, step);
  VJ_TRY(check_numbers(t, step + 1, norm));
  vj_optimizer_step(&t->optimizer, step, norm);
  t->at.seconds.step += omp_get_wtime() - filled;
  return VJ_OK;
}

static vj_status decoder_step(trial *t, int64_t step) {
  const vj_model_graph *part = &t->model->decode;
  const double began = omp_get_wtime();
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
  t->at.seconds.decoder += omp_get_wtime() - began;
  return VJ_OK;
}

static vj_status train_decoder(trial *t) {
  if (!t->model->decode.graph) return VJ_OK;
  vj_status status = VJ_OK;
  if (t->at.stage != VJ_STAGE_DECODER) {
    t->at.stage = VJ_STAGE_DECODER;
    VJ_TRY(create_optimizer(t));
  }
  while (t->at.decoder_done < t->decoder_optim.steps && status == VJ_OK) {
    status = pause(t);
    if (status == VJ_OK) status = decoder_step(t, t->at.decoder_done);
    if (status == VJ_OK) t->at.decoder_done++;
    tell(t, t->at.done, "training the decoder");
  }
  return status;
}

static vj_status evaluate(trial *t) {
  const int64_t done = t->at.done;
  if (!vj_is_evaluated(t->job->config, done)) return VJ_OK;
  const bool probes = vj_is_probed(t->job->config, done);
  const vj_probing probing = !probes ? VJ_NO_PROBES : t->at.frames_probed ? VJ_PROBES_ON_HIDDEN : VJ_ALL_PROBES;
  const double began = omp_get_wtime();
  tell(t, done, "evaluating");
  vj_status status = vj_evaluate(t->model, &t->loader, t->job->comm, &t->list, probing, &t->job->watch, t->results);
  if (status == VJ_OK && done == t->job->config->optim.steps)
    status = vj_sample_frames_record(t->model, &t->loader, t->job->comm, &t->job->watch, t->job->file, t->job->index);
  if (status == VJ_INTERRUPTED) { /* it is done again, whole */
    VJ_TRY(save_all(t));
    return vj_fail(VJ_INTERRUPTED, "stopped in the evaluation after step %lld", (long long)done);
  }
  if (status != VJ_OK) {
    vj_error_prefix("step %lld: evaluation: ", (long long)done);
    return status;
  }
  t->at.frames_probed = t->at.frames_probed || probes;
  status = write_evaluation(t, done, probes);
  vj_events_evaluation(&t->events, &t->list, t->results, done, probes);
  t->at.seconds.evaluate += omp_get_wtime() - began;
  return vj_comm_agree(t->job->comm, status);
}

/* The counter goes last: training rows and evaluations up to it are whole. They stay whole while a resumed trial
 * writes the same numbers again, so it does not go back. */
static vj_status commit(trial *t) {
  if (!t->job->file || t->at.done <= t->committed) return VJ_OK;
  t->committed = t->at.done;
  VJ_TRY(vj_bad_samples_record(&t->loader.bad_samples, t->job->file, t->job->index));
  return write_one(t, VJ_RECORD_COMMITTED, &t->committed);
}

/* Whether it ends early. Its times are written before: a kill after the decision must not lose them. */
static vj_status prune(trial *t) {
  if (!t->job->prune || t->at.done == 0 || t->at.done == t->job->config->optim.steps) return VJ_OK;
  VJ_TRY(vj_comm_agree(t->job->comm, write_times(t)));
  return t->job->prune(t->job->context, t->job->index, t->at.done, &t->ends);
}

/* What belongs to `done` steps beside the steps themselves. */
static vj_status conclude(trial *t) {
  const vj_config *config = t->job->config;
  const int64_t done = t->at.done;
  if (done == config->optim.steps) VJ_TRY(train_decoder(t));
  VJ_TRY(evaluate(t));
  if (vj_is_recorded(config, done) || vj_is_evaluated(config, done)) {
    VJ_TRY(vj_bad_samples_share(&t->loader.bad_samples, t->job->comm));
    VJ_TRY(vj_comm_agree(t->job->comm, commit(t)));
    VJ_TRY(prune(t));
  }
  t->at.evaluated = true;
  return VJ_OK;
}

/* The results of the last evaluation against what components aimed at. */
static void compare_with_goals(trial *t) {
  const vj_list *goals = &t->model->evaluate.graph->goals;
  for (int i = 0; i < goals->count && t->job->comm->rank == 0; i++) {
    const vj_goal *goal = goals->at[i];
    const char *name = vj_pool_format(t->pool, "val_%s", goal->name);
    for (int64_t k = t->list.step_count; k < t->list.count; k++) {
      const double reached = t->results[k - t->list.step_count][0];
      if (!name || strcmp(t->list.at[k].name, name) != 0 || fabs(reached - goal->value) <= goal->tolerance) continue;
      const char *sentence =
          vj_pool_format(t->pool, "%s: %g was not reached; the nearest is %.3g (%s of the last step)", goal->setting,
                         goal->value, reached, name);
      if (sentence) warn(t, sentence);
    }
  }
}

/* Trials mostly share their data: who was told of as many damaged videos is not told again. */
static void tell_damage(trial *t) {
  const vj_bad_samples *bad_samples = &t->loader.bad_samples;
  const int64_t count = vj_bad_samples_count(bad_samples);
  if (t->job->comm->rank != 0 || count == 0 || (t->job->data && count <= t->job->data->damaged_told)) return;
  if (t->job->data) t->job->data->damaged_told = count;
  const char *sentence = vj_bad_samples_sentence(t->pool, bad_samples);
  if (sentence) warn(t, sentence);
}

static vj_status train(trial *t) {
  const vj_config *config = t->job->config;
  VJ_TRY(start(t));
  for (;;) {
    if (!t->at.evaluated) VJ_TRY(conclude(t));
    if (t->ends || t->at.done == config->optim.steps) break;
    VJ_TRY(pause(t));
    VJ_TRY(train_step(t, t->at.done));
    t->at.done++;
    t->at.evaluated = false;
    tell(t, t->at.done, "training");
    if (!vj_is_recorded(config, t->at.done)) continue;
    VJ_TRY(vj_comm_agree(t->job->comm, write_step_row(t, t->at.done)));
    vj_events_step(&t->events, &t->list, t->row, t->at.done);
  }
  keep_weights(t);
  tell_damage(t);
  if (!t->ends) compare_with_goals(t);
  return vj_comm_agree(t->job->comm, write_times(t));
}

vj_status vj_trial_run(const vj_trial_job *job) {
  trial t = {.job = job, .loader = {.epoch = -1}, .started = omp_get_wtime(), .serial = 1};
  const vj_status status = train(&t);
  vj_events_close(&t.events);
  vj_optimizer_destroy(&t.optimizer);
  vj_model_destroy(&t.model);
  vj_loader_close(&t.loader);
  vj_pool_destroy(&t.pool);
  return status;
}
