/* Between the parts of `vjvcr sweep --tuning`: what tuning sweeps that are done have chosen. */
#ifndef VJ_APP_SWEEP_TUNING_PRIVATE_H
#define VJ_APP_SWEEP_TUNING_PRIVATE_H

#include "analysis/results/chosen_space.h"
#include "app/experiment.h"

typedef struct vj_tuning_choices {
  vj_experiment *e;
  vj_sweep_pool sweeps; /* to be closed */
  const vj_criterion *criterion;
  vj_selection selection;
} vj_tuning_choices;

/* Opens the tuning sweeps in `folders` and selects settings of every arm. `tuning_root`: the tuning sweep that the
 * experiment would have now. VJ_USAGE where trials of them are still to be done; VJ_CONFIG where they tuned something
 * else: an arm, data, model, losses or training differ. */
VJ_MUST_USE vj_status vj_tuning_choose(vj_tuning_choices *choices, const vj_yaml *tuning_root, const char *folders);
/* What was selected for an arm; NULL where it has none. */
const vj_selected *vj_tuning_selected(const vj_tuning_choices *choices, const char *arm);

/* Makes of the experiment, a tuning sweep, that with extended spaces. *has_trials: false where nothing is to be
 * extended, and it was said. */
VJ_MUST_USE vj_status vj_tuning_extend(vj_tuning_choices *choices, const char *folders, bool *has_trials);

static inline const vj_yaml *vj_arms_of(const vj_yaml *root) { return vj_yaml_find(root, "sweep.trials"); }

#endif
