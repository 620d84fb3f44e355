/* Trials of a sweep named on the command line, and which of two such lists belong together. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_TRIAL_SELECTOR_H
#define VJ_ANALYSIS_RESULTS_TRIAL_SELECTOR_H

#include "analysis/results/sweep_results.h"

typedef struct vj_trial_selector {
  const char *word; /* as it was written */
  int64_t count;    /* at least 1, where a word was read */
  const int64_t *trials;
} vj_trial_selector;

/* A word is an arm, a trial's number, or settings, "optim.lr=0.01,arm=weak": all trials that have them. `place` is the
 * argument's name. VJ_USAGE for a word that names nothing, with what is near. Owned by the results. */
VJ_MUST_USE vj_status vj_trial_selector_read(const vj_results *results, const char *place, const char *word,
                                             vj_trial_selector *selection);

/* All trials of an arm, "" where the sweep has none, with these settings; maybe no trial. Owned by the results. */
VJ_MUST_USE vj_status vj_trial_selector_of_arm(const vj_results *results, const char *arm, int64_t setting_count,
                                               const vj_setting *settings, vj_trial_selector *selection);

/* Whether a setting has one value within each of both. The arm is setting -1. */
bool vj_trial_selector_is_constant(const vj_results *results, const vj_trial_selector *one,
                                   const vj_trial_selector *other, int setting);

/* For each trial of `one` the trial of `other` that belongs to it, or -1: of the same seed, and of the same value in
 * every setting that is not constant; a trial alone belongs to a trial alone. Owned by the results. */
VJ_MUST_USE vj_status vj_trial_selector_pair(const vj_results *results, const vj_trial_selector *one,
                                             const vj_trial_selector *other, const int64_t **partners);

#endif
