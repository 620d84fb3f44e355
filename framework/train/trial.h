/* One trial, from the first batch to the last committed row. Collective over the trial's group.
 *
 * framework/train is the engine: model, loader, optimizer, evaluation, checkpoints. It sees all of framework, and names
 * no component. Begin with train() in trial.c, the loop. */
#ifndef VJ_FRAMEWORK_TRAIN_TRIAL_H
#define VJ_FRAMEWORK_TRAIN_TRIAL_H

#include "framework/store/records/records.h"
#include "framework/train/evaluation/metrics.h"
#include "framework/train/stop_check.h"

/* Where a trial's time goes, and the record of each. */
#define VJ_TRIAL_TIMES(X)              \
  X(total, VJ_RECORD_TIME_TOTAL)       \
  X(data, VJ_RECORD_TIME_DATA)         \
  X(step, VJ_RECORD_TIME_STEP)         \
  X(wait, VJ_RECORD_TIME_WAIT)         \
  X(evaluate, VJ_RECORD_TIME_EVALUATE) \
  X(decoder, VJ_RECORD_TIME_DECODER)   \
  X(checkpoint, VJ_RECORD_TIME_CHECKPOINT)

typedef struct vj_progress {
  int64_t trial, step, steps;
  double loss;
  const char *doing; /* "training", "evaluating", "training the decoder" */
} vj_progress;

typedef struct vj_trial_job {
  int64_t index;
  const vj_config *config;
  const vj_comm *comm;  /* the group */
  vj_open_data *data;   /* of the trial before, and for the next; NULL: the data set is opened anew */
  vj_sweep_file *file;  /* on the group's root; NULL elsewhere, or to record nothing */
  const int64_t *steps; /* coordinates of the file: training steps completed at each row */
  int64_t step_count;
  const int64_t *evals;
  int64_t eval_count;
  /* Of its checkpoints, "<folder>/checkpoints/trial-0007"; NULL: it neither looks for one nor writes any. */
  const char *checkpoint;
  const char *weights; /* file for what `checkpoint.keep` asks for when it is done; NULL: nothing stays */
  const char *events;  /* folder for TensorBoard's files, where `logging.tensorboard` asks for them; NULL: none */
  vj_stop_check stop;
  /* On the root; each may be NULL: how it goes; what went wrong and does not end the trial; that a checkpoint lies on
   * the disk. */
  void (*progress)(void *context, const vj_progress *progress);
  void (*warned)(void *context, int64_t trial, const char *sentence);
  vj_status (*saved)(void *context, int64_t trial);
  /* Collective; NULL: never. Asked wherever something was recorded, before the last step: *ends says whether the trial
   * ends here. All it has measured up to `done` steps is in the file. A trial that goes on may be asked again at a
   * place it has passed, after a resume. */
  vj_status (*prune)(void *context, int64_t trial, int64_t done, bool *ends);
  void *context;
} vj_trial_job;

/* Runs it, from its newest whole checkpoint if there is one, to its last step or to where it is judged to end. When it
 * is time to stop, its state is saved and it is VJ_INTERRUPTED. A checkpoint, weights or TensorBoard's files that can't
 * be written are warned of once and the trial goes on; a sweep file that can't be brought to the disk is VJ_IO. A trial
 * whose numbers go wrong is VJ_NUMERIC with the step and the loss that did it; bad data and bad configurations are
 * failures too: the caller records them and goes on with the next trial. */
VJ_MUST_USE vj_status vj_trial_run(const vj_trial_job *job);

#endif
