/* A choice of one setting for each arm, by figures of validation clips, with figures of test clips beside it: what is
 * chosen by is never what is reported. Not collective. */
#ifndef VJ_ANALYSIS_RESULTS_SELECTION_H
#define VJ_ANALYSIS_RESULTS_SELECTION_H

#include "analysis/results/trial_groups.h"

typedef struct vj_selected {
  const char *arm;                   /* "" where the sweep has none */
  int64_t settings, measured;        /* the arm's, and those of them with a figure */
  const vj_trial_group *chosen;      /* NULL: none is measured */
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

/* Whether a variable is measured on validation clips; on test clips. */
bool vj_is_of_validation(const char *quantity);
bool vj_is_of_test(const char *quantity);

/* `metric`: the figure of validation clips, NULL for that of the sweep's first probe, else the validation loss; what is
 * measured on test clips is refused. `best`: what is good of it, VJ_BEST_NONE for what is known. `arms`, a list with
 * commas, or NULL: arms that take all trials whose arm begins so, the longest name first; else each arm of the sweep is
 * one. Trials that differ only in their seed are one setting, chosen by its mean. Owned by the results. */
VJ_MUST_USE vj_status vj_select_settings(const vj_results *results, const char *folder, const char *metric, int best,
                                         const char *arms, vj_selection *selection);

#endif
