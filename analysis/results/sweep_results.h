/* What a sweep's file says of its trials, also while the sweep runs. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_SWEEP_RESULTS_H
#define VJ_ANALYSIS_RESULTS_SWEEP_RESULTS_H

#include "sweeps/space/report_spec.h"
#include "framework/store/ledger/ledger.h"

typedef struct vj_outcome {
  vj_pool *pool;
  vj_sweep_file *file;
  int64_t trials, steps; /* the most training steps of a trial */
  const int64_t *status, *seed, *committed;
  bool has_arms;
  int setting_count;   /* keys that the sweep sets */
  const int *settings; /* their variables, "param.<key>" */
  void **read;         /* for each variable, its values once they have been read */
} vj_outcome;

/* Opens DIR/sweep.h5. */
VJ_MUST_USE vj_status vj_outcome_open(const char *folder, vj_outcome **outcome);
void vj_outcome_close(vj_outcome **outcome);

/* A trial's state; waiting where its row is not written yet, or in a state that this program does not know. */
vj_trial_state vj_outcome_state(const vj_outcome *outcome, int64_t trial);
/* "waiting", "running", "done", "failed", "stopped". */
const char *vj_trial_state_word(vj_trial_state state);
/* A trial's text; "" if there is none. */
const char *vj_outcome_text(const vj_outcome *outcome, const char *name, int64_t trial);
/* Why it failed or was stopped early; "" if it did not. */
const char *vj_outcome_reason(const vj_outcome *outcome, int64_t trial);
/* What a trial has in a column, counting only what is recorded as whole; NaN if there is nothing. */
double vj_outcome_number(const vj_outcome *outcome, const vj_report_column *column, int64_t trial);
/* A trial's whole number; -1 if there is none. */
int64_t vj_outcome_count(const vj_outcome *outcome, const char *name, int64_t trial);
/* A key that the sweep sets, "losses.variance.weight", and a trial's value of it as text. Owned by the outcome. */
const char *vj_outcome_setting_key(const vj_outcome *outcome, int setting);
const char *vj_outcome_setting(const vj_outcome *outcome, int setting, int64_t trial);
/* The end of a key that no other setting shares, "variance.weight". Owned by the outcome. */
const char *vj_outcome_setting_short(const vj_outcome *outcome, int setting);
/* A setting as a number; NaN where it is text, or the trial does not have it. */
double vj_outcome_setting_number(const vj_outcome *outcome, int setting, int64_t trial);
/* Whether all trials have a number there. */
bool vj_outcome_setting_is_number(const vj_outcome *outcome, int setting);
bool vj_outcome_same_setting(const vj_outcome *outcome, int setting, int64_t one, int64_t other);
/* Whether two trials have the same arm and settings. */
bool vj_outcome_same_but_seed(const vj_outcome *outcome, int64_t one, int64_t other);
/* The trial's settings as one text, "optim.lr=0.01 model.latent.type=sparse"; those it does not have are left out. */
const char *vj_outcome_settings(const vj_outcome *outcome, int64_t trial);
/* Training steps that a trial has to make. */
int64_t vj_outcome_steps(const vj_outcome *outcome, int64_t trial);
/* For each trial the first one of the same arm and settings; owned by the outcome. */
VJ_MUST_USE vj_status vj_outcome_first_alike(const vj_outcome *outcome, const int64_t **first);
/* The sweep's own report; NULL if it has none. `folder` is the sweep's. */
VJ_MUST_USE vj_status vj_outcome_report(const vj_outcome *outcome, const char *folder, const vj_report_spec **report);
/* Singular values that a trial has of a view; 0 if none are recorded. */
int64_t vj_outcome_components(const vj_outcome *outcome, const char *name, int64_t trial);

#endif
