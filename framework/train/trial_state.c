/* The state of a trial: made, resumed from a checkpoint, saved. */
#include <math.h>
#include <omp.h>

#include "framework/train/evaluation/calibration.h"
#include "framework/train/trial_private.h"

enum { SAVE = 1, STOP = 2 }; /* what a rank may want at a step */

static vj_status allocate_results(vj_running_trial *t) {
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
static vj_status prepare(vj_running_trial *t) {
  VJ_TRY(vj_pool_create(&t->pool));
  VJ_TRY(t->job->data ? vj_loader_open_cached(t->job->config, t->job->data, &t->loader)
                      : vj_loader_open(t->job->config, &t->loader));
  VJ_TRY(vj_model_create(t->job->config, &t->loader.info, t->job->comm->size, &t->model));
  VJ_TRY(vj_recorded_metrics_list(t->pool, t->model, &t->loader, &t->list));
  VJ_TRY(allocate_results(t));
  return vj_trial_find_variables(t);
}

/* Before the decoder's own training its settings are those of `optim`, with the warm-up in proportion. */
vj_status vj_trial_create_optimizer(vj_running_trial *t) {
  const vj_optim_config *optim = &t->job->config->optim;
  const bool decoding = t->at.stage == VJ_STAGE_DECODER;
  const int64_t steps = t->job->config->eval.decoder_steps;
  t->decoder_optim = *optim;
  t->decoder_optim.warmup = (int64_t)((double)optim->warmup * (double)steps / (double)optim->steps);
  t->decoder_optim.steps = steps;
  vj_optimizer_destroy(&t->optimizer);
  const vj_status created =
      vj_optimizer_create(decoding ? &t->decoder_optim : optim, t->model->parameters,
                          decoding ? t->model->decode.has_gradient : t->model->train.has_gradient, &t->optimizer);
  return vj_comm_agree(t->job->comm, created);
}

static vj_trial_parts parts_of(vj_running_trial *t) {
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

void vj_trial_warn(void *context, const char *sentence) {
  const vj_running_trial *t = context;
  if (t->job->warned) t->job->warned(t->job->context, t->job->index, sentence);
}

static vj_status find_checkpoint(vj_running_trial *t, vj_trial_checkpoint **checkpoint) {
  VJ_TRY(vj_trial_read_committed(t));
  if (!t->job->checkpoint) return VJ_OK;
  VJ_TRY(vj_trial_checkpoint_hash(t->pool, t->job->config, &t->config_hash));
  const vj_trial_parts parts = parts_of(t);
  return vj_trial_checkpoint_find(&parts, vj_trial_warn, t, checkpoint, &t->at, &t->serial);
}

static vj_status load_checkpoint(vj_running_trial *t, const vj_trial_checkpoint *checkpoint) {
  const vj_trial_parts parts = parts_of(t);
  return checkpoint ? vj_trial_checkpoint_load(checkpoint, &parts) : VJ_OK;
}

static vj_status broadcast_state(vj_running_trial *t) {
  const vj_comm *comm = t->job->comm;
  const vj_parameters *p = t->model->parameters;
  const size_t values = (size_t)p->value_count * sizeof(vj_real);
  VJ_TRY(vj_comm_broadcast(comm, p->values, values, 0));
  VJ_TRY(vj_comm_broadcast(comm, p->states, (size_t)p->state_count * sizeof(vj_real), 0));
  VJ_TRY(vj_comm_broadcast(comm, t->optimizer.first, values, 0));
  return t->optimizer.second ? vj_comm_broadcast(comm, t->optimizer.second, values, 0) : VJ_OK;
}

static vj_status calibrate(vj_running_trial *t) {
  const double began = omp_get_wtime();
  const vj_status status = vj_calibrate(t->model, &t->loader, t->job->comm, &t->job->stop);
  if (status == VJ_INTERRUPTED) return vj_fail(VJ_INTERRUPTED, "stopped before step 0");
  if (status != VJ_OK) vj_error_prefix("running statistics before step 0: ");
  t->at.seconds.evaluate += omp_get_wtime() - began;
  return status;
}

/* The root finds and loads, all others get what it has. `checkpoint` is the root's. */
static vj_status resume(vj_running_trial *t, vj_trial_checkpoint **checkpoint) {
  const vj_comm *comm = t->job->comm;
  VJ_TRY(vj_comm_agree(comm, comm->rank == 0 ? find_checkpoint(t, checkpoint) : VJ_OK));
  bool found = *checkpoint;
  VJ_TRY(vj_comm_broadcast(comm, &found, sizeof found, 0));
  VJ_TRY(vj_comm_broadcast(comm, &t->at, sizeof t->at, 0));
  VJ_TRY(vj_trial_create_optimizer(t));
  VJ_TRY(vj_comm_agree(comm, load_checkpoint(t, *checkpoint)));
  return found ? broadcast_state(t) : calibrate(t);
}

static void note_saving(vj_running_trial *t) {
  t->saved = omp_get_wtime();
  t->saved_step = t->at.done + t->at.decoder_done;
}

/* The first step that is still to come in them: the evaluation at 0 is one. */
static void open_events(vj_running_trial *t) {
  const vj_trial_job *job = t->job;
  if (job->comm->rank != 0 || !job->events || !job->config->logging.tensorboard) return;
  const int64_t first = t->at.done > 0 || t->at.evaluated ? t->at.done + 1 : 0;
  vj_events_open(&t->events, job->events, job->config, first, vj_trial_warn, t);
}

vj_status vj_trial_start(vj_running_trial *t) {
  vj_trial_checkpoint *checkpoint = NULL;
  VJ_TRY(vj_comm_agree(t->job->comm, prepare(t)));
  VJ_TRY(vj_model_allocate(t->model, t->job->comm));
  const vj_status status = resume(t, &checkpoint);
  vj_trial_checkpoint_close(&checkpoint);
  note_saving(t);
  if (status == VJ_OK) open_events(t);
  return status;
}

/* On the root: rows must not be younger than the checkpoint that goes on behind them, so they reach the disk first. A
 * checkpoint that can't be written leaves the older ones as they are, and the trial goes on. */
static vj_status save(vj_running_trial *t) {
  if (t->job->comm->rank != 0 || !t->job->checkpoint) return VJ_OK;
  const double began = omp_get_wtime();
  if (t->job->file) VJ_TRY(vj_sweep_file_sync(t->job->file));
  vj_position at = t->at;
  at.seconds = vj_trial_seconds(t);
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
    vj_trial_warn(t, vj_error_message());
  }
  t->warned_of_saving = true;
  return VJ_OK;
}

/* What other ranks know belongs to it. */
vj_status vj_trial_save(vj_running_trial *t) {
  VJ_TRY(vj_bad_samples_share(&t->loader.bad_samples, t->job->comm));
  return vj_comm_agree(t->job->comm, save(t));
}

/* Results are whole without them; so it is a warning. */
void vj_trial_keep_weights(vj_running_trial *t) {
  if (t->job->comm->rank != 0 || !t->job->weights || t->job->config->checkpoint.keep != VJ_KEEP_WEIGHTS) return;
  const vj_trial_parts parts = parts_of(t);
  const vj_status status = vj_trial_checkpoint_keep(&parts, &t->at, t->job->weights);
  if (status == VJ_OK) return;
  (void)vj_fail(status, "%s; the trial's results are whole, its weights are not kept", vj_error_message());
  vj_trial_warn(t, vj_error_message());
}

static bool is_save_due(const vj_running_trial *t) {
  const vj_checkpoint_config *wanted = &t->job->config->checkpoint;
  const int64_t steps = t->at.done + t->at.decoder_done - t->saved_step;
  if (t->job->comm->rank != 0 || !t->job->checkpoint) return false;
  return (wanted->steps > 0 && steps >= wanted->steps) ||
         (wanted->minutes > 0 && omp_get_wtime() - t->saved >= 60 * wanted->minutes);
}

/* Where a step begins: saves when it is time, and stops when any rank is to. */
vj_status vj_trial_save_or_stop(vj_running_trial *t) {
  unsigned any = 0;
  const unsigned mine = (is_save_due(t) ? SAVE : 0) | (vj_stop_check_is_due(&t->job->stop) ? STOP : 0);
  VJ_TRY(vj_comm_any(t->job->comm, mine, &any));
  if (any) VJ_TRY(vj_trial_save(t));
  return any & STOP ? vj_fail(VJ_INTERRUPTED, "stopped after step %lld", (long long)t->at.done) : VJ_OK;
}
