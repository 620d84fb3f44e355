/* Results of a sweep, read from its folder at any time and never written: its file here, its state (sweep_status.h),
 * groups of trials, the table of results, comparisons. May see framework, sweeps, metrics, statistics and output, but
 * no probe. Begin here.
 *
 * What a sweep's file says of its trials, also while the sweep runs. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_SWEEP_RESULTS_H
#define VJ_ANALYSIS_RESULTS_SWEEP_RESULTS_H

#include "sweeps/space/question_spec.h"
#include "framework/store/ledger/ledger.h"
#include "framework/store/records/records.h"

typedef struct vj_results {
  vj_pool *pool;
  vj_sweep_file *file;
  int64_t trials, steps; /* the most training steps of a trial */
  const int64_t *status, *seed, *committed;
  bool has_arms;
  int setting_count;   /* keys that the sweep sets */
  const int *settings; /* their variables, "param.<key>" */
  int *setting_digits; /* digits in which the values of each look different */
  void **read;         /* for each variable, its values once they have been read */
} vj_results;

/* Opens DIR/sweep.h5, all rows of which are compared with their checksums: VJ_DATA where a value has changed. */
VJ_MUST_USE vj_status vj_results_open(const char *folder, vj_results **results);
/* The same without that, for who looks again and again. */
VJ_MUST_USE vj_status vj_results_look(const char *folder, vj_results **results);
void vj_results_close(vj_results **results);

/* A trial's state; waiting where its row is not written yet, or in a state that this program does not know. */
vj_trial_state vj_results_state(const vj_results *results, int64_t trial);
/* A trial's text; "" if there is none. */
const char *vj_results_text(const vj_results *results, const char *name, int64_t trial);
/* Why it failed or was stopped early; "" if it did not. */
const char *vj_results_reason(const vj_results *results, int64_t trial);
/* What a trial has in a column, counting only what is recorded as whole; NaN if there is nothing. */
double vj_results_number(const vj_results *results, const vj_report_column *column, int64_t trial);
/* The newest number that a trial has of a quantity; NaN if there is none. */
double vj_results_newest(const vj_results *results, const char *quantity, int64_t trial);
/* What a trial that is done has in a column; NaN otherwise. */
double vj_results_final(const vj_results *results, const vj_report_column *column, int64_t trial);
/* Training steps completed at each row of an axis, "step" or "eval". Owned by the results. */
VJ_MUST_USE vj_status vj_results_axis(const vj_results *results, const char *name, const int64_t **places,
                                      int64_t *count);
/* A trial's whole number; -1 if there is none. */
int64_t vj_results_count(const vj_results *results, const char *name, int64_t trial);
/* A key that the sweep sets, "losses.variance.weight", and a trial's value of it as text. Owned by the results. */
const char *vj_results_setting_key(const vj_results *results, int setting);
const char *vj_results_setting(const vj_results *results, int setting, int64_t trial);
/* The end of a key that no other setting shares, "variance.weight". Owned by the results. */
const char *vj_results_setting_short(const vj_results *results, int setting);
/* A setting as a number; NaN where it is text, or the trial does not have it. */
double vj_results_setting_number(const vj_results *results, int setting, int64_t trial);
/* Whether all trials have a number there. */
bool vj_results_setting_is_number(const vj_results *results, int setting);
/* -1, 0 or 1; the order is total, without a number last. */
int vj_results_compare_setting(const vj_results *results, int setting, int64_t one, int64_t other);
bool vj_results_same_setting(const vj_results *results, int setting, int64_t one, int64_t other);
/* The trial's settings as one text, "optim.lr=0.01 model.latent.type=sparse"; those it does not have are left out. */
const char *vj_results_settings(const vj_results *results, int64_t trial);
/* What a trial's whole configuration has at a path, "optim.batch", as it is written; NULL where that is nothing, or no
 * scalar. Owned by the results. */
const char *vj_results_config(const vj_results *results, const char *path, int64_t trial);
/* Training steps that a trial has to make, and those it has made. */
int64_t vj_results_steps(const vj_results *results, int64_t trial);
int64_t vj_results_steps_made(const vj_results *results, int64_t trial);
/* The experiment as it was run; NULL where the file does not tell. `folder` is the sweep's, for errors. */
VJ_MUST_USE vj_status vj_results_experiment(const vj_results *results, const char *folder, vj_yaml **root);
/* The sweep's own report; NULL if it has none. `folder` is the sweep's. */
VJ_MUST_USE vj_status vj_results_report(const vj_results *results, const char *folder, const vj_report_spec **report);
/* The sweep's own question; likewise. */
VJ_MUST_USE vj_status vj_results_question(const vj_results *results, const char *folder, const vj_question **question);
/* Singular values that a trial has of a view; 0 if none are recorded. */
int64_t vj_results_components(const vj_results *results, const char *name, int64_t trial);

#endif
