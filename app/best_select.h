/* `vjvcr best --select`: one setting for each arm, chosen on validation clips and reported on test clips. */
#ifndef VJ_APP_BEST_SELECT_H
#define VJ_APP_BEST_SELECT_H

#include "analysis/results/sweep_results.h"
#include "app/verb.h"

/* `best`: what is good, VJ_BEST_NONE for what is known of the metric. */
VJ_MUST_USE vj_status vj_best_select(const vj_command *command, int best);

#endif
