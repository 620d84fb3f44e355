/* What a report tells of a sweep, gathered from its file: trials by state, groups of trials that differ only in their
 * seed, what was varied, what is good, and what mattered. Owned by the outcome's pool. Not collective. */
#ifndef VJ_ANALYSIS_REPORT_REPORT_DATA_H
#define VJ_ANALYSIS_REPORT_REPORT_DATA_H

#include "analysis/results/sweep_results.h"
#include "analysis/statistics/importance.h"
#include "analysis/statistics/statistics.h"

enum { VJ_MOST_SHOWN = 8 };

/* Trials that differ only in their seed. */
typedef struct vj_group {
  int64_t count, done_count;
  const int64_t *trials, *done; /* all of them; those that are done */
  const char *name;             /* its arm, or its settings */
  int color;                    /* -1: pictures of single groups leave it out */
  int64_t rank;                 /* by the criterion, best first; -1: it has none */
  vj_summary objective;         /* of the trials that are done */
} vj_group;

/* What the sweep varies: an arm, or a key with its values. */
typedef struct vj_swept_parameter {
  const char *key, *label;
  int setting;    /* of the outcome; -1: the arm */
  bool is_number; /* else its values are categories */
  bool is_log;    /* its values lie evenly in their logarithm */
  int64_t count;  /* values that differ, not set left out */
  double *values; /* of a number: ascending; of a category: 0, 1, ... */
  const char **texts;
  const int64_t *value_of; /* for each trial; -1: the trial does not have it */
} vj_swept_parameter;

typedef struct vj_report_data {
  const vj_results *results;
  vj_pool *pool;
  const char *folder, *title;
  vj_report_spec report; /* the sweep's own, or the default one */
  bool has_own_report;
  /* By which trials are compared. `best` is VJ_BEST_NONE where nothing says what is good: then it is only looked at. */
  vj_report_column objective;
  int64_t group_count, *group_of; /* for each trial */
  vj_group *groups;
  int64_t ranked_count, *ranked;             /* groups that have the criterion, best first */
  int64_t shown_count, shown[VJ_MOST_SHOWN]; /* groups that curves show, in the order of their colours */
  int factor_count;
  vj_swept_parameter *factors; /* the most important first */
  int left_out;                /* factors beyond VJ_MOST_FACTORS */
  bool has_importance;
  vj_importance importance; /* of the factors, in their order */
  int64_t steps_count, evals_count;
  const int64_t *steps, *evals; /* the axes */
} vj_report_data;

/* `by`: the quantity by which trials are compared; NULL for the usual one. */
VJ_MUST_USE vj_status vj_report_data_gather(vj_results *results, const char *folder, const char *by,
                                            vj_report_data **data);

/* Whether the file has it, over trial and `axis` ("step", "eval") alone. */
bool vj_report_data_has(const vj_report_data *f, const char *quantity, const char *axis);
/* What a trial has of a quantity, along its axis: NaN where nothing is recorded as whole. `values` [steps_count or
 * evals_count, times the third dimension]. */
VJ_MUST_USE vj_status vj_report_data_course(const vj_report_data *f, int variable, int64_t trial, double *values);
/* The criterion of a trial that is done; NaN otherwise. */
double vj_report_data_result(const vj_report_data *f, const vj_report_column *column, int64_t trial);
/* The value's text, or "not set". */
const char *vj_swept_parameter_text(const vj_swept_parameter *factor, int64_t value);

#endif
