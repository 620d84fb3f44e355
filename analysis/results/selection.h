/* A choice of one setting for each arm, by figures of validation clips, with figures of test clips beside it: what is
 * chosen by is never what is reported. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_SELECTION_H
#define VJ_ANALYSIS_RESULTS_SELECTION_H

#include "analysis/results/sweep_pool.h"
#include "analysis/results/trial_groups.h"

typedef struct vj_selected {
  const char *arm;                   /* "" where the sweep has none */
  int64_t settings, measured;        /* the arm's, and those of them with a figure */
  const vj_trial_group *chosen;      /* NULL: none is measured */
  const vj_results *of;              /* the sweep that has it */
  vj_summary of_validation, of_test; /* over its seeds */
  double clip_error; /* of the figure of test clips, by which clips these are: the mean over seeds; NaN: not recorded */
} vj_selected;

typedef struct vj_selection {
  vj_report_column by;   /* of validation clips; with what is good of it */
  vj_report_column test; /* of test clips; its quantity is NULL where no probe measures there */
  int64_t count;
  const vj_selected *at; /* arms, in the order of their first trials, or as they were named */
  int64_t unfinished;    /* trials that are not done, which count for nothing */
} vj_selection;

/* `metric`: the figure of validation clips, NULL for what sweep.select says, else that of the first sweep's first
 * probe, else the validation loss; what is measured on test clips is refused. `best`: what is good of it, VJ_BEST_NONE
 * for what is known. `arms`, a list with commas, or NULL: arms that take all trials whose arm begins so, the longest
 * name first; else each arm of the sweeps is one. Trials that differ only in their seed are one setting, chosen by its
 * mean; one that two sweeps have counts once, in the first. Owned by the pool of sweeps. */
VJ_MUST_USE vj_status vj_select_settings(const vj_sweep_pool *sweeps, const char *metric, int best, const char *arms,
                                         vj_selection *selection);

#endif
