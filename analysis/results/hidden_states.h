/* Hidden states that eval.states recorded: of the same test clips in all trials. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_HIDDEN_STATES_H
#define VJ_ANALYSIS_RESULTS_HIDDEN_STATES_H

#include "analysis/metrics/cka.h"
#include "analysis/results/sweep_results.h"

/* The views whose states a sweep may have, NULL-terminated: "hx", "hy", "hy_pred". */
extern const char *const vj_hidden_state_views[];

/* K = X X' of a trial's states of a view, one row a clip, all its steps side by side as features (vj_cka_gram); owned
 * by the results. *clips is 0 and *gram NULL where there are none. */
VJ_MUST_USE vj_status vj_hidden_states_gram(const vj_results *results, const char *view, int64_t trial, int64_t *clips,
                                            const double **gram);

#endif
