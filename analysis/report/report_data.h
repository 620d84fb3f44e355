/* What a report tells of a sweep, gathered from its file: trials by state, groups of trials that differ only in their
 * seed, what was varied, what is good, and what mattered. Owned by the results' pool. Not collective. */
#ifndef VJ_ANALYSIS_REPORT_REPORT_DATA_H
#define VJ_ANALYSIS_REPORT_REPORT_DATA_H

#include "analysis/report/swept_parameters.h"
#include "analysis/results/answer.h"
#include "analysis/results/trial_groups.h"

enum { VJ_MOST_SHOWN = 8 };

/* Trials that differ only in their seed. */
typedef struct vj_group {
  vj_trial_group members;
  const char *name;     /* its arm, or its settings */
  int color;            /* -1: pictures of single groups leave it out */
  int64_t rank;         /* by the objective, best first; -1: it has none */
  vj_summary objective; /* of the trials that are done */
} vj_group;

typedef struct vj_report_data {
  const vj_results *results;
  vj_pool *pool;
  const char *folder, *title;
  vj_report_spec report; /* the sweep's own, or the default one */
  bool has_own_report;
  const vj_answer *answer; /* to the sweep's question; NULL: it has none */
  /* By which trials are compared. `best` is VJ_BEST_NONE where nothing says what is good: then it is only looked at. */
  vj_report_column objective;
  int64_t group_count;
  const int64_t *group_of; /* for each trial */
  vj_group *groups;
  int64_t ranked_count, *ranked;             /* groups that have the objective, best first */
  int64_t shown_count, shown[VJ_MOST_SHOWN]; /* groups that curves show, in the order of their colours */
  vj_swept_parameters swept;
  int64_t steps_count, evals_count;
  const int64_t *steps, *evals; /* the axes */
} vj_report_data;

/* `by`: the quantity by which trials are compared; NULL for the usual one. */
VJ_MUST_USE vj_status vj_report_data_gather(vj_results *results, const char *folder, const char *by,
                                            vj_report_data **data);

/* Whether the file has it, over trial and `axis` ("step", "eval") alone. */
bool vj_report_data_has(const vj_report_data *data, const char *quantity, const char *axis);
/* What a trial has of a quantity, along its axis: NaN where nothing is recorded as whole. `values` [steps_count or
 * evals_count, times the third dimension]. */
VJ_MUST_USE vj_status vj_report_data_course(const vj_report_data *data, int variable, int64_t trial, double *values);
#endif
