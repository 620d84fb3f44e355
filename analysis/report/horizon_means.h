/* What has a number for each component, or each target step, at an evaluation: means over a group's trials. */
#ifndef VJ_ANALYSIS_REPORT_HORIZON_MEANS_H
#define VJ_ANALYSIS_REPORT_HORIZON_MEANS_H

#include "analysis/report/report_data.h"

typedef struct vj_horizon_means {
  int64_t count; /* 0: nothing is recorded */
  double *values;
} vj_horizon_means;

/* `row`: of the eval axis; -1: each trial's last whole one. Owned by the data's pool. */
VJ_MUST_USE vj_status vj_horizon_means_of(const vj_report_data *data, const char *quantity, const vj_group *group,
                                          int64_t row, vj_horizon_means *profile);
/* The evaluation that is a trial's last whole one; -1: there is none. */
int64_t vj_last_row(const vj_report_data *data, int64_t trial);

#endif
