/* What a sweep varies, and what of it mattered. Owned by the results' pool. */
#ifndef VJ_ANALYSIS_REPORT_SWEPT_PARAMETERS_H
#define VJ_ANALYSIS_REPORT_SWEPT_PARAMETERS_H

#include "analysis/results/sweep_results.h"
#include "analysis/statistics/importance.h"

/* An arm, or a key with its values. */
typedef struct vj_swept_parameter {
  const char *key, *label;
  int setting;    /* of the results; -1: the arm */
  bool is_number; /* else its values are categories */
  bool is_log;    /* its values lie evenly in their logarithm */
  int64_t count;  /* values that differ, not set left out */
  double *values; /* of a number: ascending; of a category: 0, 1, ... */
  const char **texts;
  const int64_t *value_of; /* for each trial; -1: the trial does not have it */
} vj_swept_parameter;

typedef struct vj_swept_parameters {
  int count;
  vj_swept_parameter *list; /* the most important first */
  int left_out;             /* beyond VJ_MOST_FACTORS */
  bool has_importance;
  vj_importance importance; /* of the list, in its order */
} vj_swept_parameters;

/* Finds the arm, and every key under `sweep.parameters` with two values or more. Keys that only arms set say nothing
 * beside the arm, and keys with `with:` nothing beside the one they walk with. */
VJ_MUST_USE vj_status vj_swept_parameters_find(const vj_results *results, vj_swept_parameters *found);
/* Fills the importance for the objective, where there are two parameters or more and trials enough, and orders the list
 * by it. */
VJ_MUST_USE vj_status vj_swept_parameters_weigh(const vj_results *results, const vj_report_column *objective,
                                                vj_swept_parameters *found);

/* The value's text, or "not set". */
const char *vj_swept_parameter_text(const vj_swept_parameter *parameter, int64_t value);

#endif
