/* What the sources of a trial share. No one else includes this. */
#ifndef VJ_FRAMEWORK_TRAIN_TRIAL_PRIVATE_H
#define VJ_FRAMEWORK_TRAIN_TRIAL_PRIVATE_H

#include "framework/train/events.h"
#include "framework/train/model/optimizer.h"
#include "framework/train/trial_checkpoint.h"

typedef struct vj_running_trial {
  const vj_trial_job *job;
  vj_pool *pool;
  vj_loader loader;
  vj_model *model;
  vj_optim_config decoder_optim; /* of training the decoder afterwards */
  vj_optimizer_state optimizer;  /* of the position's stage */
  vj_recorded_metrics list;
  int *variables;   /* of the file, for each metric */
  double **results; /* of the evaluation metrics; what probes on x and y find stays there */
  double *row;      /* of the step metrics */
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
} vj_running_trial;

/* --- trial_state.c ----------------------------------------------------------------------------------------------- */

/* Collective: data, model and optimizer, as they were when the newest whole checkpoint was saved, if there is one. */
VJ_MUST_USE vj_status vj_trial_start(vj_running_trial *t);
/* Collective: an optimizer for the stage that the trial is in, its moments zero. */
VJ_MUST_USE vj_status vj_trial_create_optimizer(vj_running_trial *t);
/* Collective: a checkpoint, by the root. */
VJ_MUST_USE vj_status vj_trial_save(vj_running_trial *t);
/* Collective, where a step begins: saves when it is time, and is VJ_INTERRUPTED when any rank is to stop. */
VJ_MUST_USE vj_status vj_trial_save_or_stop(vj_running_trial *t);
/* Writes the weights of a trial that has ended, where the configuration asks for them. */
void vj_trial_keep_weights(vj_running_trial *t);
/* A vj_warning; `context` is the trial. */
void vj_trial_warn(void *context, const char *sentence);

/* --- trial_record.c: on the root; elsewhere they do nothing ------------------------------------------------------ */

VJ_MUST_USE vj_status vj_trial_find_variables(vj_running_trial *t);
VJ_MUST_USE vj_status vj_trial_write_step(const vj_running_trial *t, int64_t done);
VJ_MUST_USE vj_status vj_trial_write_evaluation(const vj_running_trial *t, int64_t done, bool with_probes);
/* Seconds spent by this attempt and, as far as they were saved, those before. On any rank. */
vj_trial_times vj_trial_seconds(const vj_running_trial *t);
VJ_MUST_USE vj_status vj_trial_write_times(const vj_running_trial *t);
/* The counter goes last: training rows and evaluations up to it are whole. */
VJ_MUST_USE vj_status vj_trial_commit(vj_running_trial *t);
VJ_MUST_USE vj_status vj_trial_read_committed(vj_running_trial *t);

#endif
