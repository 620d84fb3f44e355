/* `vjvcr sweep --tuning`, `--extend` and `--tuned`: which sweep of an experiment with a section `tuning:` is meant. */
#ifndef VJ_APP_SWEEP_TUNING_H
#define VJ_APP_SWEEP_TUNING_H

#include "app/experiment.h"

/* Makes of the experiment the sweep that its command asks for: the tuning sweep; that with extended spaces; or the
 * final one, in which chosen values stand in the place of the arms' parameters, those of --tuned or, with --resume,
 * those that the folder has recorded. `has_trials`: false where --extend finds nothing to extend, and has said so. Not
 * collective; every rank comes to the same. */
VJ_MUST_USE vj_status vj_experiment_tune(vj_experiment *experiment, bool *has_trials);

#endif
