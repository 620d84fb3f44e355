#include "framework/train/trial.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "framework/train/evaluation/evaluate.h"
#include "framework/train/evaluation/sample_frames.h"
#include "framework/train/trial_private.h"

static void report_progress(const vj_running_trial *t, int64_t step, const char *doing) {
  if (!t->job->progress || t->job->comm->rank != 0) return;
  t->job->progress(t->job->context, &(vj_progress){t->job->index, step, t->job->config->optim.steps, t->row[0], doing});
}

/* A number that is none has no sign worth telling. */
static const char *number_text(double number) { return isnan(number) ? "nan" : number > 0 ? "inf" : "-inf"; }

/* The same numbers on every rank, so every rank finds the same. */
static vj_status check_numbers(const vj_running_trial *t, int64_t step, double norm) {
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
    for (int64_t k = 0; k < parameters->rows[i].count && t->model->train.has_gradient[i]; k++)
      if (!isfinite((double)parameters->gradients[parameters->rows[i].offset + k]))
        return vj_fail(VJ_NUMERIC, "step %lld: the gradient of %s is not finite", (long long)step,
                       parameters->rows[i].name);
  return vj_fail(VJ_NUMERIC, "step %lld: the gradient norm is %s", (long long)step, number_text(norm));
}

static vj_status train_step(vj_running_trial *t, int64_t step) {
  const vj_model_graph *part = &t->model->train;
  const int64_t scalars = part->scalar_count;
  const double began = omp_get_wtime();
  vj_status status = vj_loader_fill_step(&t->loader, part->graph, part->frames, t->job->comm, step);
  VJ_TRY(vj_comm_agree(t->job->comm, status));
  const double filled = omp_get_wtime();
  t->at.seconds.data += filled - began;
  part->graph->step = step;
  part->graph->momentum = vj_target_momentum(&t->job->config->target, step, t->job->config->optim.steps);
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

static vj_status decoder_step(vj_running_trial *t, int64_t step) {
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

static vj_status train_decoder(vj_running_trial *t) {
  if (!t->model->decode.graph) return VJ_OK;
  vj_status status = VJ_OK;
  if (t->at.stage != VJ_STAGE_DECODER) {
    t->at.stage = VJ_STAGE_DECODER;
    VJ_TRY(vj_trial_create_optimizer(t));
  }
  while (t->at.decoder_done < t->decoder_optim.steps && status == VJ_OK) {
    status = vj_trial_save_or_stop(t);
    if (status == VJ_OK) status = decoder_step(t, t->at.decoder_done);
    if (status == VJ_OK) t->at.decoder_done++;
    report_progress(t, t->at.done, "training the decoder");
  }
  return status;
}

static vj_status evaluate(vj_running_trial *t) {
  const int64_t done = t->at.done;
  if (!vj_is_evaluated(t->job->config, done)) return VJ_OK;
  const bool probes = vj_is_probed(t->job->config, done);
  const vj_probing probing = !probes ? VJ_NO_PROBES : t->at.frames_probed ? VJ_PROBES_ON_HIDDEN : VJ_ALL_PROBES;
  const double began = omp_get_wtime();
  report_progress(t, done, "evaluating");
  vj_status status = vj_evaluate(t->model, &t->loader, t->job->comm, &t->list, probing, &t->job->stop, t->results);
  if (status == VJ_OK && done == t->job->config->optim.steps)
    status = vj_sample_frames_record(t->model, &t->loader, t->job->comm, &t->job->stop, t->job->file, t->job->index);
  if (status == VJ_INTERRUPTED) { /* it is done again, whole */
    VJ_TRY(vj_trial_save(t));
    return vj_fail(VJ_INTERRUPTED, "stopped in the evaluation after step %lld", (long long)done);
  }
  if (status != VJ_OK) {
    vj_error_prefix("step %lld: evaluation: ", (long long)done);
    return status;
  }
  t->at.frames_probed = t->at.frames_probed || probes;
  status = vj_trial_write_evaluation(t, done, probes);
  vj_events_evaluation(&t->events, &t->list, t->results, done, probes);
  t->at.seconds.evaluate += omp_get_wtime() - began;
  return vj_comm_agree(t->job->comm, status);
}

/* Whether it ends early. Its times are written before: a kill after the decision must not lose them. */
static vj_status prune(vj_running_trial *t) {
  if (!t->job->prune || t->at.done == 0 || t->at.done == t->job->config->optim.steps) return VJ_OK;
  VJ_TRY(vj_comm_agree(t->job->comm, vj_trial_write_times(t)));
  return t->job->prune(t->job->context, t->job->index, t->at.done, &t->ends);
}

/* What belongs to `done` steps beside the steps themselves. */
static vj_status conclude(vj_running_trial *t) {
  const vj_config *config = t->job->config;
  const int64_t done = t->at.done;
  if (done == config->optim.steps) VJ_TRY(train_decoder(t));
  VJ_TRY(evaluate(t));
  if (vj_is_recorded(config, done) || vj_is_evaluated(config, done)) {
    VJ_TRY(vj_bad_samples_share(&t->loader.bad_samples, t->job->comm));
    VJ_TRY(vj_comm_agree(t->job->comm, vj_trial_commit(t)));
    VJ_TRY(prune(t));
  }
  t->at.evaluated = true;
  return VJ_OK;
}

/* The results of the last evaluation against what components aimed at. */
static void compare_with_goals(vj_running_trial *t) {
  const vj_list *goals = &t->model->evaluate.graph->goals;
  for (int i = 0; i < goals->count && t->job->comm->rank == 0; i++) {
    const vj_goal *goal = goals->at[i];
    const char *name = vj_pool_format(t->pool, VJ_NAME_OF_VALIDATION("%s"), goal->name);
    for (int64_t k = t->list.step_count; k < t->list.count; k++) {
      const double reached = t->results[k - t->list.step_count][0];
      if (!name || strcmp(t->list.at[k].name, name) != 0 || fabs(reached - goal->value) <= goal->tolerance) continue;
      const char *sentence =
          vj_pool_format(t->pool, "%s: %g was not reached; the nearest is %.3g (%s of the last step)", goal->setting,
                         goal->value, reached, name);
      if (sentence) vj_trial_warn(t, sentence);
    }
  }
}

/* Trials mostly share their data: as many damaged videos are not warned of twice. */
static void warn_of_bad_samples(vj_running_trial *t) {
  const vj_bad_samples *bad_samples = &t->loader.bad_samples;
  const int64_t count = vj_bad_samples_count(bad_samples);
  if (t->job->comm->rank != 0 || count == 0 || (t->job->data && count <= t->job->data->damaged_reported)) return;
  if (t->job->data) t->job->data->damaged_reported = count;
  const char *sentence = vj_bad_samples_sentence(t->pool, bad_samples);
  if (sentence) vj_trial_warn(t, sentence);
}

static vj_status train(vj_running_trial *t) {
  const vj_config *config = t->job->config;
  VJ_TRY(vj_trial_start(t));
  for (;;) {
    if (!t->at.evaluated) VJ_TRY(conclude(t));
    if (t->ends || t->at.done == config->optim.steps) break;
    VJ_TRY(vj_trial_save_or_stop(t));
    VJ_TRY(train_step(t, t->at.done));
    t->at.done++;
    t->at.evaluated = false;
    report_progress(t, t->at.done, "training");
    if (!vj_is_recorded(config, t->at.done)) continue;
    VJ_TRY(vj_comm_agree(t->job->comm, vj_trial_write_step(t, t->at.done)));
    vj_events_step(&t->events, &t->list, t->row, t->at.done);
  }
  vj_trial_keep_weights(t);
  warn_of_bad_samples(t);
  if (!t->ends) compare_with_goals(t);
  return vj_comm_agree(t->job->comm, vj_trial_write_times(t));
}

vj_status vj_trial_run(const vj_trial_job *job) {
  vj_running_trial t = {.job = job, .loader = {.epoch = -1}, .started = omp_get_wtime(), .serial = 1};
  const vj_status status = train(&t);
  vj_events_close(&t.events);
  vj_optimizer_destroy(&t.optimizer);
  vj_model_destroy(&t.model);
  vj_loader_close(&t.loader);
  vj_pool_destroy(&t.pool);
  return status;
}
